//! Between a currency's minor units and a token's atomic units.

use super::rejected;
use ::x402::choose::{Token as Known, Want};
use ::x402::exact::SCHEME;
use ::x402::{Requirements, Uint};
use base::{Currency, Money};
use ports::rail::{Payout, RailError, Token, X402Account};
use serde_json::{Map, Value};

/// A price in a token.
pub(super) struct Priced {
    /// In the currency that the token stands for; rounded up to a whole minor unit.
    pub(super) amount: Money,
}

/// Atomic units in one minor unit.
fn per_minor(token: &Token) -> Result<u128, RailError> {
    let spare = token.decimals.checked_sub(token.currency.exponent());
    spare.and_then(|spare| 10_u128.checked_pow(spare)).ok_or_else(|| {
        rejected(
            "token_decimals",
            "The token's decimals do not fit its currency. Correct them in the account.",
        )
    })
}

/// Exactly so many atomic units.
pub(super) fn atomic(amount: Money, token: &Token) -> Result<Uint, RailError> {
    let minor = u128::try_from(amount.minor).ok();
    minor
        .zip(per_minor(token).ok())
        .and_then(|(minor, per)| minor.checked_mul(per))
        .filter(|_| amount.currency == token.currency)
        .map(Uint::from)
        .ok_or_else(|| rejected("token_currency", "The token does not stand for the currency of the amount."))
}

/// A price as money. What is below a minor unit counts as one: the payer never books too little.
pub(super) fn price(units: Uint, token: &Token) -> Result<Priced, RailError> {
    let per = per_minor(token)?;
    let minor = units.to_u128().and_then(|units| i64::try_from(units.div_ceil(per)).ok());
    let minor =
        minor.ok_or_else(|| rejected("price_too_large", "The price is larger than can be booked."))?;
    Ok(Priced { amount: Money { minor, currency: token.currency } })
}

/// What the account is ready to do for at most `most`.
pub(super) fn want(keys: &X402Account, most: Money, max_timeout_s: u64) -> Result<Want, RailError> {
    let tokens: Vec<&Token> = of_currency(keys, most.currency);
    let Some(first) = tokens.first() else {
        return Err(rejected("no_token", "The wallet has no token that stands for this currency."));
    };
    let known = |token: &&Token| {
        Ok(Known {
            network: token
                .network
                .parse()
                .map_err(|_| rejected("token_network", "A token's network is malformed."))?,
            asset: token
                .asset
                .parse()
                .map_err(|_| rejected("token_asset", "A token's contract is malformed."))?,
            name: token.name.clone(),
            version: token.version.clone(),
        })
    };
    // The most is one number for all: tokens with other decimals than the dearest are left out.
    let same = tokens.iter().filter(|token| token.decimals == first.decimals);
    let pay_to = match &keys.pay_to {
        Some(text) => {
            Some(text.parse().map_err(|_| rejected("pay_to", "The seller's wallet is malformed."))?)
        }
        None => None,
    };
    Ok(Want {
        tokens: same.map(known).collect::<Result<_, RailError>>()?,
        at_most: atomic(most, first)?,
        pay_to,
        max_timeout_s,
    })
}

fn of_currency(keys: &X402Account, currency: Currency) -> Vec<&Token> {
    keys.tokens.iter().filter(|token| token.currency == currency).collect()
}

/// A payout in the dearest token of its currency, in the form of a requirement.
pub(super) fn payout(
    keys: &X402Account,
    request: &Payout,
    max_timeout_s: u64,
) -> Result<Requirements, RailError> {
    let tokens = of_currency(keys, request.amount.currency);
    let token = tokens
        .first()
        .ok_or_else(|| rejected("no_token", "The wallet has no token that stands for this currency."))?;
    let mut extra = Map::new();
    extra.insert("name".to_owned(), Value::from(token.name.clone()));
    extra.insert("version".to_owned(), Value::from(token.version.clone()));
    Ok(Requirements {
        scheme: SCHEME.to_owned(),
        network: token
            .network
            .parse()
            .map_err(|_| rejected("token_network", "The token's network is malformed."))?,
        amount: atomic(request.amount, token)?,
        asset: token.asset.clone(),
        pay_to: request.destination.clone(),
        max_timeout_seconds: max_timeout_s,
        extra: Some(extra),
        more: Map::new(),
    })
}
