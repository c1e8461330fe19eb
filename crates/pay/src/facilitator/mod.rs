//! Our own facilitator: it settles x402 payments over a table of simulated tokens, the sandbox, or hands
//! them to the one outside that the settings name.
//!
//! The sandbox keeps the rules of a token contract: a signature is checked before anything else, an
//! authorization of a holder is taken once whatever happens, nobody spends what they do not hold, and
//! tokens are neither made nor lost by a transfer. Its tokens are those marked as simulated; a signature
//! for a token of value is never taken here.

pub(crate) mod api;
pub(crate) mod hook;
mod rpc;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use store::{Coin, balances, coin, coins, lower};

use async_trait::async_trait;
use base::{Error, Result};
use db::Db;
use serde_json::{Map, Value};
use std::sync::Arc;
use x402::exact::{Claim, SCHEME, check};
use x402::wire::{FacilitatorRequest, Kind, Supported};
use x402::{
    Address, Facilitator, Fate, Network, Reason, SettleResponse, Trouble, Uint, VERSION, VerifyResponse,
    Word, identifier, keccak256,
};

/// The word for the sandbox, among the extensions and in the header of every answer.
pub(crate) const SANDBOX: &str = "sandbox";

/// The most atomic units of one gift of simulated tokens: a million tokens of six decimals.
pub const MINT_MAX: u128 = 1_000_000_000_000;

/// Settles over simulated tokens in the database.
#[derive(Clone)]
pub struct Sandbox {
    db: Db,
}

impl Sandbox {
    /// The sandbox of this database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The sandbox, as sellers want it.
    pub fn shared(db: Db) -> Arc<dyn Facilitator> {
        Arc::new(Self::new(db))
    }

    async fn begin(&self) -> Result<db::Cx, Trouble> {
        self.db.system("x402").await.map_err(|cause| Trouble::NotReached(cause.to_string()))
    }

    /// Checks everything but what the table holds.
    async fn form(&self, cx: &mut db::Cx, asked: &FacilitatorRequest) -> Result<Result<Claim, Reason>> {
        let required = &asked.payment_requirements;
        let now_s = seconds(cx.now());
        let Ok(asset) = required.asset.parse::<Address>() else {
            return Ok(Err(Reason::InvalidRequirements));
        };
        let Some(coin) = store::coin(cx, &required.network, asset).await?.filter(|coin| coin.simulated)
        else {
            let known = store::coins(cx).await?;
            let network = known.iter().any(|coin| coin.simulated && coin.network == required.network);
            return Ok(Err(if network { Reason::InvalidRequirements } else { Reason::InvalidNetwork }));
        };
        // The token's contract knows its own name; a signature for another one is worth nothing.
        if required.extra_text("name").is_some_and(|name| name != coin.name) {
            return Ok(Err(Reason::TokenNameMismatch));
        }
        if required.extra_text("version").is_some_and(|version| version != coin.version) {
            return Ok(Err(Reason::TokenVersionMismatch));
        }
        Ok(check(&asked.payment_payload, required, now_s))
    }

    async fn judge(&self, asked: &FacilitatorRequest) -> Result<Result<Claim, Reason>> {
        let mut cx = self.db.system("x402").await?;
        let claim = match self.form(&mut cx, asked).await? {
            Ok(claim) => claim,
            Err(reason) => return Ok(Err(reason)),
        };
        if store::taken(&mut cx, &claim).await?.is_some() {
            return Ok(Err(Reason::NonceUsed));
        }
        if store::balance(&mut cx, &claim.network, claim.asset, claim.from).await? < claim.value {
            return Ok(Err(Reason::InsufficientBalance));
        }
        Ok(Ok(claim))
    }

    /// Moves the tokens and names the transaction, in one transaction of the database.
    async fn transfer(&self, asked: &FacilitatorRequest) -> Result<Result<(Claim, Word), Reason>> {
        let mut cx = self.db.system("x402").await?;
        let claim = match self.form(&mut cx, asked).await? {
            Ok(claim) => claim,
            Err(reason) => return Ok(Err(reason)),
        };
        let transaction = transaction_of(&claim);
        if !store::take(&mut cx, &claim, transaction).await? {
            return Ok(Err(Reason::NonceUsed));
        }
        if !store::transfer(&mut cx, &claim).await? {
            // Nothing is kept: the authorization stays unused, as in a transaction that was reverted.
            return Ok(Err(Reason::InsufficientBalance));
        }
        cx.commit().await?;
        Ok(Ok((claim, transaction)))
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(at: base::Time) -> u64 {
    u64::try_from(at.ms() / 1_000).unwrap_or(0)
}

/// The name of a simulated transaction: it follows from the authorization.
fn transaction_of(claim: &Claim) -> Word {
    let mut text = claim.network.as_str().as_bytes().to_vec();
    text.extend(claim.asset.word());
    text.extend(claim.from.word());
    text.extend(claim.nonce.0);
    Word(keccak256(&text))
}

/// The payer as the payment names it, checked or not.
fn payer(asked: &FacilitatorRequest) -> Option<String> {
    asked.payment_payload.payload.get("authorization")?.get("from")?.as_str().map(str::to_owned)
}

#[async_trait]
impl Facilitator for Sandbox {
    fn is_sandbox(&self) -> bool {
        true
    }

    async fn supported(&self) -> Result<Supported, Trouble> {
        let mut cx = self.begin().await?;
        let coins = store::coins(&mut cx).await.map_err(|cause| Trouble::NotReached(cause.to_string()))?;
        let mut networks: Vec<Network> =
            coins.into_iter().filter(|coin| coin.simulated).map(|coin| coin.network).collect();
        networks.dedup();
        let mut extra = Map::new();
        extra.insert(SANDBOX.to_owned(), Value::Bool(true));
        let kind = |network| Kind {
            x402_version: VERSION,
            scheme: SCHEME.to_owned(),
            network,
            extra: Some(extra.clone()),
        };
        Ok(Supported {
            kinds: networks.into_iter().map(kind).collect(),
            extensions: vec![identifier::NAME.to_owned(), SANDBOX.to_owned()],
            signers: Map::new(),
        })
    }

    async fn verify(&self, request: &FacilitatorRequest) -> Result<VerifyResponse, Trouble> {
        let judged = self.judge(request).await.map_err(|cause| Trouble::NotReached(cause.to_string()))?;
        Ok(match judged {
            Ok(claim) => {
                VerifyResponse { is_valid: true, invalid_reason: None, payer: Some(claim.from.to_string()) }
            }
            Err(reason) => VerifyResponse {
                is_valid: false,
                invalid_reason: Some(reason.to_string()),
                payer: payer(request),
            },
        })
    }

    async fn settle(&self, request: &FacilitatorRequest) -> Result<SettleResponse, Trouble> {
        let network = request.payment_requirements.network.clone();
        // A commit whose answer was lost may have happened.
        let moved = self.transfer(request).await.map_err(|cause| Trouble::Lost(cause.to_string()))?;
        Ok(match moved {
            Ok((claim, transaction)) => SettleResponse {
                success: true,
                error_reason: None,
                payer: Some(claim.from.to_string()),
                transaction: transaction.to_string(),
                network,
                amount: Some(claim.value),
            },
            Err(reason) => SettleResponse {
                success: false,
                error_reason: Some(reason.to_string()),
                payer: payer(request),
                transaction: String::new(),
                network,
                amount: None,
            },
        })
    }

    async fn look_up(&self, claim: &Claim) -> Result<Fate, Trouble> {
        let mut cx = self.begin().await?;
        let taken =
            store::taken(&mut cx, claim).await.map_err(|cause| Trouble::NotReached(cause.to_string()))?;
        Ok(match taken {
            None => Fate::Unused,
            Some(taken) if taken.payee == claim.to && taken.units == claim.value => {
                Fate::Settled { transaction: taken.transaction }
            }
            Some(_) => Fate::Elsewhere,
        })
    }
}

/// # Errors
/// Refused when payments are settled outside.
pub(crate) fn only_sandbox(facilitator: &dyn Facilitator) -> Result<()> {
    if facilitator.is_sandbox() {
        return Ok(());
    }
    Err(Error::refused(
        "x402.not_sandbox",
        "Payments are settled by a facilitator outside, so that tokens cannot be simulated here.",
    ))
}

/// Gives a wallet simulated tokens; what it holds then.
///
/// # Errors
/// Refused outside of the sandbox; invalid when the token is none that is simulated, or it is too much.
pub async fn mint(
    cx: &mut db::Cx,
    facilitator: &dyn Facilitator,
    network: &Network,
    asset: Address,
    holder: Address,
    units: Uint,
) -> Result<Uint> {
    only_sandbox(facilitator)?;
    if units == Uint::ZERO || units > Uint::from(MINT_MAX) {
        return Err(Error::invalid(
            "x402.units",
            format!("Give between 1 and {MINT_MAX} atomic units at once."),
        ));
    }
    if store::coin(cx, network, asset).await?.is_none_or(|coin| !coin.simulated) {
        return Err(Error::invalid("x402.token", "The sandbox simulates no such token."));
    }
    store::mint(cx, network, asset, holder, units).await
}
