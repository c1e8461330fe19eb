//! With whose keys a rail is used.

use super::{RailError, RailKind};
use base::{Currency, Secret};
use url::Url;

/// An account at a rail.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
    /// Who we are there.
    pub credentials: Credentials,
}

/// Who we are at a rail.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Stripe.
    Stripe(StripeAccount),
    /// Cashfree Payments.
    Cashfree(CashfreeAccount),
    /// A wallet.
    X402(X402Account),
    /// The rail in memory.
    Memory(Secret),
}

/// Keys of Stripe.
#[derive(Clone, Debug)]
pub struct StripeAccount {
    /// The secret key, `sk_…` or `rk_…`.
    pub secret_key: Secret,
    /// Secrets of the webhook endpoint, `whsec_…`; several while one is rotated.
    pub webhook_secrets: Vec<Secret>,
    /// The connected account on whose behalf we act; none for our own.
    pub connected: Option<String>,
}

/// Keys of Cashfree.
#[derive(Clone, Debug)]
pub struct CashfreeAccount {
    /// The app id.
    pub client_id: String,
    /// The secret; it also signs the webhooks. Several while one is rotated, the current first.
    pub client_secrets: Vec<Secret>,
    /// Where Cashfree reports, when the account's own setting is not used.
    pub notify_url: Option<Url>,
}

/// A wallet and the tokens that it spends.
#[derive(Clone, Debug)]
pub struct X402Account {
    /// The wallet's key: 32 bytes in hexadecimal.
    pub key: Secret,
    /// The tokens, the dearest first.
    pub tokens: Vec<Token>,
    /// A JSON-RPC address of the network, to look a lost payment up.
    pub rpc_url: Url,
    /// A facilitator, to settle payouts; none when nothing is paid out.
    pub facilitator_url: Option<Url>,
    /// Who may be paid; none for whoever the resource names.
    pub pay_to: Option<String>,
}

/// A token that stands for a currency, one for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    /// The network in the form of CAIP-2, such as `eip155:8453`.
    pub network: String,
    /// The token's contract.
    pub asset: String,
    /// The token's name, as its contract says it.
    pub name: String,
    /// The token's version.
    pub version: String,
    /// Decimals of the atomic unit; at least those of the currency.
    pub decimals: u32,
    /// What one token is one of.
    pub currency: Currency,
}

macro_rules! pick {
    ($fn:ident, $variant:ident, $keys:ty, $kind:expr) => {
        /// The keys of this rail.
        ///
        /// # Errors
        /// Rejected when the account is one of another rail.
        pub fn $fn(&self) -> Result<&$keys, RailError> {
            match &self.credentials {
                Credentials::$variant(keys) => Ok(keys),
                Credentials::Stripe(_)
                | Credentials::Cashfree(_)
                | Credentials::X402(_)
                | Credentials::Memory(_) => Err(self.of_another($kind)),
            }
        }
    };
}

#[expect(unreachable_patterns, reason = "the macro lists every variant, also the one it picks")]
impl Account {
    pick!(stripe, Stripe, StripeAccount, RailKind::Stripe);
    pick!(cashfree, Cashfree, CashfreeAccount, RailKind::Cashfree);
    pick!(x402, X402, X402Account, RailKind::X402);
    pick!(memory, Memory, Secret, RailKind::Ledger);

    fn of_another(&self, wanted: RailKind) -> RailError {
        RailError::Rejected {
            code: "account_of_another_rail".to_owned(),
            message: format!(
                "The account is not one of {wanted}. Choose the account that belongs to the rail."
            ),
        }
    }
}
