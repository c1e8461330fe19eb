//! The sandbox in the public API: tokens that are known, simulated balances, gifts.

use super::store::{self, Balance, Coin};
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use base::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use web::Cx;
use web::api::{Keyed, Output, once};
use x402::{Address, Facilitator};

/// Balances of one answer at most.
const BALANCES_MAX: i64 = 200;

/// Who settles, and over which tokens.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// `sandbox` (simulated tokens, nothing of value) or `outside`.
    mode: &'static str,
    /// Tokens that are known.
    coins: Vec<Coin>,
    /// What wallets hold in the sandbox, the latest to move first, at most 200.
    balances: Vec<Balance>,
}

/// Whose balances.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this wallet.
    holder: Option<String>,
}

/// `GET /api/v1/x402`
pub(crate) async fn show(
    mut cx: Cx,
    Query(asked): Query<Asked>,
    facilitator: Arc<dyn Facilitator>,
) -> web::Result<Output<Shown>> {
    let holder = asked.holder.as_deref().map(address).transpose()?;
    let coins = store::coins(&mut cx).await?;
    let mut balances = Vec::new();
    if facilitator.is_sandbox() {
        balances = store::balances(&mut cx, holder, BALANCES_MAX).await?;
    }
    let mode = if facilitator.is_sandbox() { super::SANDBOX } else { "outside" };
    Ok(Output(Shown { mode, coins, balances }))
}

/// A wallet's address.
pub(crate) fn address(text: &str) -> Result<Address> {
    text.trim().parse().map_err(|_| {
        Error::invalid("x402.wallet", "A wallet is 0x and 40 hexadecimal digits, such as 0x2096…287C.")
    })
}

/// A gift of simulated tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gift {
    /// The wallet.
    holder: String,
    /// Atomic units, as decimal digits.
    units: String,
    /// The network; left out: that of the first simulated token.
    #[serde(default)]
    network: Option<String>,
    /// The token's contract; left out: the first simulated token.
    #[serde(default)]
    asset: Option<String>,
}

/// What a wallet holds after a gift.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Given {
    /// The wallet.
    holder: String,
    /// Atomic units that it holds now.
    units: String,
}

/// `POST /api/v1/x402/mint`
pub(crate) async fn mint(
    cx: Cx,
    Keyed(input): Keyed<Gift>,
    facilitator: Arc<dyn Facilitator>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, gift: Gift| -> Result<Given> {
        super::only_sandbox(&*facilitator)?;
        let coins = store::coins(cx).await?;
        let fits = |coin: &&Coin| {
            coin.simulated
                && gift.network.as_deref().is_none_or(|network| coin.network.as_str() == network)
                && gift.asset.as_deref().is_none_or(|asset| asset.parse() == Ok(coin.asset))
        };
        let coin = coins
            .iter()
            .find(fits)
            .ok_or_else(|| Error::invalid("x402.token", "The sandbox simulates no such token."))?;
        let units = gift.units.parse().map_err(|_| {
            Error::invalid("x402.units", "Atomic units are a whole number in decimal digits.")
        })?;
        let holder = address(&gift.holder)?;
        let holds = super::mint(cx, &*facilitator, &coin.network, coin.asset, holder, units).await?;
        Ok(Given { holder: holder.to_string(), units: holds.to_string() })
    })
    .await
}
