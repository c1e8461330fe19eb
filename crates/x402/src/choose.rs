//! Which of the ways that a 402 offers a payer takes.

use crate::exact::{Domain, SCHEME};
use crate::{Address, Network, PaymentRequired, Reason, Requirements, Uint};

/// A token that the payer holds and trusts, as the payer knows it: what the seller says about a
/// token is not believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// Where it is.
    pub network: Network,
    /// Its contract.
    pub asset: Address,
    /// Its name for signatures.
    pub name: String,
    /// Its version for signatures.
    pub version: String,
}

/// What the payer is ready to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Want {
    /// Tokens, the dearest to the payer first.
    pub tokens: Vec<Token>,
    /// Most atomic units, for every token (they must have the same decimals).
    pub at_most: Uint,
    /// Who may be paid; none for whoever asks.
    pub pay_to: Option<Address>,
    /// Most seconds for which the payer lets an authorization live.
    pub max_timeout_s: u64,
}

/// Why no way is taken.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// None of the ways uses a token, network and scheme of the payer.
    #[error("the seller offers no way that this wallet can pay ({offered})")]
    NoCommonWay {
        /// What the seller offers, for people.
        offered: String,
    },
    /// There is a way, but it costs more.
    #[error("the seller asks {asked}, which is more than the {at_most} that may be paid")]
    TooDear {
        /// Atomic units asked.
        asked: Uint,
        /// Atomic units allowed.
        at_most: Uint,
    },
    /// The money would go to somebody else.
    #[error("the seller wants the money at {asked}, which is not the wallet that is known for it")]
    OtherRecipient {
        /// Where the seller wants it.
        asked: String,
    },
    /// The way is not well-formed.
    #[error("what the seller asks is not well-formed: {0}")]
    Malformed(Reason),
}

/// Chooses the payer's dearest token, and of its offers the cheapest.
///
/// # Errors
/// The refusal that is nearest to a payment.
pub fn choose<'r>(required: &'r PaymentRequired, want: &Want) -> Result<&'r Requirements, Refusal> {
    for token in &want.tokens {
        let mut offers: Vec<&Requirements> = required.accepts.iter().filter(|r| is_of(r, token)).collect();
        offers.sort_by_key(|r| r.amount);
        let Some(offer) = offers.first() else { continue };
        let to: Address =
            offer.pay_to.parse().map_err(|_| Refusal::Malformed(Reason::InvalidRequirements))?;
        if want.pay_to.is_some_and(|known| known != to) {
            return Err(Refusal::OtherRecipient { asked: offer.pay_to.clone() });
        }
        if offer.amount > want.at_most {
            return Err(Refusal::TooDear { asked: offer.amount, at_most: want.at_most });
        }
        if offer.amount == Uint::ZERO || offer.max_timeout_seconds > want.max_timeout_s {
            return Err(Refusal::Malformed(Reason::InvalidRequirements));
        }
        return Ok(offer);
    }
    let ways = required.accepts.iter().map(|r| format!("{} {} {}", r.scheme, r.network, r.asset));
    Err(Refusal::NoCommonWay { offered: ways.collect::<Vec<_>>().join(", ") })
}

fn is_of(offer: &Requirements, token: &Token) -> bool {
    let domain =
        Domain { name: token.name.clone(), version: token.version.clone(), chain: 0, contract: token.asset };
    offer.scheme == SCHEME
        && offer.network == token.network
        && Domain::of(offer).is_ok_and(|said| Domain { chain: 0, ..said } == domain)
        && matches!(offer.extra_text("assetTransferMethod"), None | Some("eip3009"))
}
