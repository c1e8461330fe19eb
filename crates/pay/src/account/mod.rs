//! Accounts at the outside rails: with whose keys a tenant's payments are made, and how it pays there.
//! Kept sealed among the tenant's secrets; a key is never listed, returned or logged.

pub(crate) mod api;
mod charged;
mod check;
mod form;
pub(crate) mod pages;

use crate::rail::Rail;
use base::{Currency, Error, Result, Secret, Time};
use control::secret::{self, Keyring};
use db::Cx;
use ports::rail::{Account, CashfreeAccount, Credentials, Payer, Source, StripeAccount, Token, X402Account};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// An account at a rail, as it is handed over and kept.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "rail", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setup {
    /// Stripe.
    Stripe {
        /// Where, if not at the service itself.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        base_url: Option<Url>,
        /// `sk_…` or `rk_…`.
        secret_key: String,
        /// `whsec_…`; several while one is rotated.
        #[serde(default)]
        webhook_secrets: Vec<String>,
        /// The connected account on whose behalf.
        #[serde(default)]
        connected: Option<String>,
        /// The payer there (`cus_…`).
        #[serde(default)]
        customer: Option<String>,
        /// The saved payment method that is charged (`pm_…`).
        payment_method: String,
    },
    /// Cashfree.
    Cashfree {
        /// Where, if not at the service itself.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        base_url: Option<Url>,
        /// The app id.
        client_id: String,
        /// The current secret first; older ones while it is rotated.
        client_secrets: Vec<String>,
        /// Where Cashfree reports.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        notify_url: Option<Url>,
        /// The payer's phone number.
        phone: String,
        /// The payer's UPI address, such as `name@bank`.
        upi: String,
    },
    /// A wallet that pays over x402.
    X402 {
        /// The wallet's key: 32 bytes in hexadecimal.
        key: String,
        /// The tokens that it spends, the dearest first.
        tokens: Vec<Coin>,
        /// A JSON-RPC address of the network.
        #[schemars(with = "String")]
        rpc_url: Url,
        /// A facilitator, to settle payouts.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        facilitator_url: Option<Url>,
        /// Who may be paid; none for whoever the resource names.
        #[serde(default)]
        pay_to: Option<String>,
    },
}

/// A token that stands for a currency, one for one.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coin {
    /// The network (CAIP-2), such as `eip155:8453`.
    pub network: String,
    /// The token's contract.
    pub asset: String,
    /// The token's name, as its contract says it.
    pub name: String,
    /// The token's version.
    pub version: String,
    /// Decimals of the atomic unit.
    pub decimals: u32,
    /// What one token is one of.
    pub currency: Currency,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setup({})", self.rail().word())
    }
}

fn name_of(rail: Rail) -> String {
    format!("pay.rail.{}", rail.word())
}

impl Setup {
    /// Of which rail.
    pub fn rail(&self) -> Rail {
        match self {
            Self::Stripe { .. } => Rail::Stripe,
            Self::Cashfree { .. } => Rail::Cashfree,
            Self::X402 { .. } => Rail::X402,
        }
    }

    /// As the port wants it.
    pub fn account(&self) -> Account {
        match self {
            Self::Stripe { base_url, secret_key, webhook_secrets, connected, .. } => Account {
                base_url: base_url.clone(),
                credentials: Credentials::Stripe(StripeAccount {
                    secret_key: Secret::new(secret_key.as_str()),
                    webhook_secrets: webhook_secrets.iter().map(|s| Secret::new(s.as_str())).collect(),
                    connected: connected.clone(),
                }),
            },
            Self::Cashfree { base_url, client_id, client_secrets, notify_url, .. } => Account {
                base_url: base_url.clone(),
                credentials: Credentials::Cashfree(CashfreeAccount {
                    client_id: client_id.clone(),
                    client_secrets: client_secrets.iter().map(|s| Secret::new(s.as_str())).collect(),
                    notify_url: notify_url.clone(),
                }),
            },
            Self::X402 { key, tokens, rpc_url, facilitator_url, pay_to } => Account {
                base_url: None,
                credentials: Credentials::X402(X402Account {
                    key: Secret::new(key.as_str()),
                    tokens: tokens.iter().map(Coin::token).collect(),
                    rpc_url: rpc_url.clone(),
                    facilitator_url: facilitator_url.clone(),
                    pay_to: pay_to.clone(),
                }),
            },
        }
    }

    /// From where the money of a payment comes. `resource` is what is bought over x402, and the text that
    /// names the payment on the network.
    ///
    /// # Errors
    /// Invalid when a resource is missing.
    pub fn source(&self, payer: &str, resource: Option<(Url, String)>) -> Result<Source> {
        Ok(match self {
            Self::Stripe { customer, payment_method, .. } => {
                Source::Saved { customer: customer.clone(), method: payment_method.clone() }
            }
            Self::Cashfree { phone, upi, .. } => Source::Upi {
                payer: Payer { id: payer.to_owned(), phone: phone.clone(), email: None, return_url: None },
                address: upi.clone(),
            },
            Self::X402 { .. } => {
                let (url, mandate) = resource.ok_or_else(|| {
                    Error::invalid(
                        "vendor.x402_endpoint",
                        "The vendor has no x402 endpoint. Add it to the vendor.",
                    )
                })?;
                Source::Resource { url, mandate }
            }
        })
    }
}

impl Coin {
    fn token(&self) -> Token {
        Token {
            network: self.network.clone(),
            asset: self.asset.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            decimals: self.decimals,
            currency: self.currency,
        }
    }
}

/// Keeps an account, in place of the one that was there.
///
/// # Errors
/// Invalid (`rail.account`), saying what is missing; what sealing says.
pub async fn put(cx: &mut Cx, ring: &Keyring, setup: &Setup) -> Result<()> {
    check::sound(setup)?;
    let text = Secret::new(serde_json::to_string(setup)?);
    secret::put(cx, ring, &name_of(setup.rail()), &text).await
}

/// The account of a rail; none when it is not set up.
///
/// # Errors
/// `secret.key`, `secret.damaged`.
pub async fn open(cx: &mut Cx, ring: &Keyring, rail: Rail) -> Result<Option<Setup>> {
    let sealed = secret::open(cx, ring, &name_of(rail)).await?;
    sealed
        .map(|text| {
            serde_json::from_str(text.expose()).map_err(|_| {
                // Not the cause: it may quote a key.
                Error::internal("The kept account of a rail cannot be read. Set it up again.")
            })
        })
        .transpose()
}

/// The rails that the tenant has set up, in their order.
pub async fn set_up(cx: &mut Cx) -> Result<Vec<Rail>> {
    let tenant = cx.tenant()?;
    let names = sqlx::query_scalar!(
        "select name from control.secret where tenant_id = $1 and name like 'pay.rail.%'",
        tenant.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Rail::ALL.into_iter().filter(|rail| names.contains(&name_of(*rail))).collect())
}

/// Since when the present keys of each rail are kept.
pub(crate) async fn kept(cx: &mut Cx) -> Result<Vec<(Rail, Time)>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select name, coalesce(rotated_at, created_at) as "at!: Time" from control.secret where tenant_id = $1 and name like 'pay.rail.%'"#,
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    let at = |rail: Rail| rows.iter().find(|row| row.name == name_of(rail)).map(|row| (rail, row.at));
    Ok(Rail::ALL.into_iter().filter_map(at).collect())
}
