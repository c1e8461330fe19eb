//! The SQL of tokens and simulated balances.

use base::{Currency, Error, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::Serialize;
use x402::exact::Claim;
use x402::{Address, Network, Uint, Word};

/// A token as its contract describes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(crate) struct Coin {
    /// Where it is.
    #[schemars(with = "String")]
    pub network: Network,
    /// Its contract.
    #[schemars(with = "String")]
    pub asset: Address,
    /// Its name, for signatures.
    pub name: String,
    /// Its version, for signatures.
    pub version: String,
    /// Decimals of the atomic unit.
    pub decimals: u32,
    /// What one token stands for, one for one.
    pub currency: Currency,
    /// Whether the sandbox settles it, on no chain.
    pub simulated: bool,
}

struct Row {
    network: String,
    asset: String,
    name: String,
    version: String,
    decimals: i32,
    currency: String,
    simulated: bool,
}

fn damaged(what: &str) -> Error {
    Error::internal(format!("The database holds {what} of x402 that cannot be read."))
}

impl Row {
    fn coin(self) -> Result<Coin> {
        Ok(Coin {
            network: self.network.parse().map_err(|_| damaged("a network"))?,
            asset: self.asset.parse().map_err(|_| damaged("a token"))?,
            name: self.name,
            version: self.version,
            decimals: u32::try_from(self.decimals).map_err(|_| damaged("decimals"))?,
            currency: self.currency.parse()?,
            simulated: self.simulated,
        })
    }
}

/// An address as rows have it.
pub(crate) fn lower(address: Address) -> String {
    address.to_string().to_ascii_lowercase()
}

/// Every token that is known, simulated ones first.
pub(crate) async fn coins(cx: &mut Cx) -> Result<Vec<Coin>> {
    sqlx::query_as!(
        Row,
        "select network, asset, name, version, decimals, currency, simulated from pay.coin order by simulated desc, network, asset"
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::coin)
    .collect()
}

/// A token that is known.
pub(crate) async fn coin(cx: &mut Cx, network: &Network, asset: Address) -> Result<Option<Coin>> {
    sqlx::query_as!(
        Row,
        "select network, asset, name, version, decimals, currency, simulated from pay.coin where network = $1 and asset = $2",
        network.as_str(),
        lower(asset),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::coin)
    .transpose()
}

/// Atomic units of a wallet.
pub(super) async fn balance(cx: &mut Cx, network: &Network, asset: Address, holder: Address) -> Result<Uint> {
    let units = sqlx::query_scalar!(
        r#"select units::text as "units!" from pay.coin_balance where network = $1 and asset = $2 and holder = $3"#,
        network.as_str(),
        lower(asset),
        lower(holder),
    )
    .fetch_optional(cx.conn())
    .await?;
    units.map_or(Ok(Uint::ZERO), |text| text.parse().map_err(|_| damaged("a balance")))
}

/// A transfer that was taken.
pub(super) struct Taken {
    pub payee: Address,
    pub units: Uint,
    pub transaction: String,
}

/// The transfer with the name and payer of this claim.
pub(super) async fn taken(cx: &mut Cx, claim: &Claim) -> Result<Option<Taken>> {
    let row = sqlx::query!(
        r#"select payee, units::text as "units!", transaction from pay.coin_transfer
           where network = $1 and asset = $2 and holder = $3 and nonce = $4"#,
        claim.network.as_str(),
        lower(claim.asset),
        lower(claim.from),
        &claim.nonce.0[..],
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(|row| {
        Ok(Taken {
            payee: row.payee.parse().map_err(|_| damaged("a payee"))?,
            units: row.units.parse().map_err(|_| damaged("an amount"))?,
            transaction: row.transaction,
        })
    })
    .transpose()
}

/// Takes an authorization; false when it was taken before.
pub(super) async fn take(cx: &mut Cx, claim: &Claim, transaction: Word) -> Result<bool> {
    let now = cx.now();
    let done = sqlx::query!(
        "insert into pay.coin_transfer (network, asset, holder, nonce, payee, units, transaction, at)
         values ($1, $2, $3, $4, $5, $6::text::numeric, $7, $8) on conflict do nothing",
        claim.network.as_str(),
        lower(claim.asset),
        lower(claim.from),
        &claim.nonce.0[..],
        lower(claim.to),
        claim.value.to_string(),
        transaction.to_string(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves the tokens; false when the payer holds too little.
pub(super) async fn transfer(cx: &mut Cx, claim: &Claim) -> Result<bool> {
    let (network, asset) = (claim.network.as_str().to_owned(), lower(claim.asset));
    let (from, to, units, now) = (lower(claim.from), lower(claim.to), claim.value.to_string(), cx.now());
    // Two that pay each other at once take the rows in one order.
    sqlx::query!(
        "select from pay.coin_balance where network = $1 and asset = $2 and holder = any ($3) order by holder for update",
        network,
        asset,
        &[from.clone(), to.clone()],
    )
    .fetch_all(cx.conn())
    .await?;
    let done = sqlx::query!(
        "update pay.coin_balance set units = units - $4::text::numeric, updated_at = $5
         where network = $1 and asset = $2 and holder = $3 and units >= $4::text::numeric",
        network,
        asset,
        from,
        units,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into pay.coin_balance (network, asset, holder, units, updated_at) values ($1, $2, $3, $4::text::numeric, $5)
         on conflict (network, asset, holder) do update set units = coin_balance.units + excluded.units, updated_at = excluded.updated_at",
        network,
        asset,
        to,
        units,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(true)
}

/// Makes tokens; what the wallet holds then.
pub(super) async fn mint(
    cx: &mut Cx,
    network: &Network,
    asset: Address,
    holder: Address,
    units: Uint,
) -> Result<Uint> {
    let now = cx.now();
    let holds = sqlx::query_scalar!(
        r#"select pay.give_coins($1, $2, $3, $4::text::numeric, $5)::text as "units!""#,
        network.as_str(),
        lower(asset),
        lower(holder),
        units.to_string(),
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    holds.parse().map_err(|_| damaged("a balance"))
}

/// A simulated balance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(crate) struct Balance {
    /// Where.
    pub network: String,
    /// The token's contract.
    pub asset: String,
    /// The wallet.
    pub holder: String,
    /// Atomic units.
    pub units: String,
    /// When it last moved.
    pub updated_at: Time,
}

/// What wallets hold, the latest to move first.
pub(crate) async fn balances(cx: &mut Cx, holder: Option<Address>, limit: i64) -> Result<Vec<Balance>> {
    Ok(sqlx::query_as!(
        Balance,
        r#"select network, asset, holder, units::text as "units!", updated_at from pay.coin_balance
           where $1::text is null or holder = $1 order by updated_at desc, holder limit $2"#,
        holder.map(lower),
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}
