//! The form of an account at a rail: what is typed, and the account that it says. Secrets never go back to
//! the browser: left empty, the kept ones stay.

use super::{Coin, Setup};
use crate::rail::Rail;
use base::{Currency, Error, Result};
use std::collections::BTreeMap;
use ui::prelude::*;
use url::Url;

/// Rows of tokens that stand empty below those that are filled in.
const SPARE_TOKENS: usize = 1;
/// Tokens of a form at most.
const TOKENS_MAX: usize = 10;

/// What is typed, by the names of the fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed(BTreeMap<String, String>);

impl Typed {
    /// What a browser sent.
    pub(super) fn sent(fields: BTreeMap<String, String>) -> Self {
        Self(fields)
    }

    /// How a kept account is typed, without its secrets.
    pub(super) fn of(setup: &Setup) -> Self {
        let mut typed = Self::default();
        let address = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        match setup {
            Setup::Stripe {
                base_url,
                secret_key: _,
                webhook_secrets: _,
                connected,
                customer,
                payment_method,
            } => {
                typed.put("base_url", address(base_url));
                typed.put("connected", connected.clone().unwrap_or_default());
                typed.put("customer", customer.clone().unwrap_or_default());
                typed.put("payment_method", payment_method.as_str());
            }
            Setup::Cashfree { base_url, client_id, client_secrets: _, notify_url, phone, upi } => {
                typed.put("base_url", address(base_url));
                typed.put("client_id", client_id.as_str());
                typed.put("notify_url", address(notify_url));
                typed.put("phone", phone.as_str());
                typed.put("upi", upi.as_str());
            }
            Setup::X402 { key: _, tokens, rpc_url, facilitator_url, pay_to } => {
                typed.put("rpc_url", rpc_url.to_string());
                typed.put("facilitator_url", address(facilitator_url));
                typed.put("pay_to", pay_to.clone().unwrap_or_default());
                for (row, coin) in tokens.iter().enumerate() {
                    typed.put(&format!("currency{row}"), coin.currency.code());
                    typed.put(&format!("network{row}"), coin.network.as_str());
                    typed.put(&format!("asset{row}"), coin.asset.as_str());
                    typed.put(&format!("name{row}"), coin.name.as_str());
                    typed.put(&format!("version{row}"), coin.version.as_str());
                    typed.put(&format!("decimals{row}"), coin.decimals.to_string());
                }
            }
        }
        typed
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn some(&self, name: &str) -> Option<String> {
        let value = self.get(name);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A value that must be there, else the kept one.
    fn must(&self, name: &str, label: &str, kept: Option<&String>) -> Result<String> {
        self.some(name).or_else(|| kept.cloned()).ok_or_else(|| missing(label))
    }

    fn url(&self, name: &str, label: &str) -> Result<Option<Url>> {
        self.some(name)
            .map(|text| {
                text.parse::<Url>().map_err(|cause| {
                    Error::invalid("rail.account", format!("{label}: “{text}” is no address."))
                        .caused_by(cause)
                })
            })
            .transpose()
    }

    fn lines(&self, name: &str, kept: &[String]) -> Vec<String> {
        let typed: Vec<String> = self
            .get(name)
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        if typed.is_empty() { kept.to_vec() } else { typed }
    }

    /// The account that it says; secrets that are left empty are those of `kept`.
    ///
    /// # Errors
    /// Invalid, naming what is missing or cannot be read.
    pub(super) fn read(&self, rail: Rail, kept: Option<&Setup>) -> Result<Setup> {
        match rail {
            Rail::Ledger => Err(Error::not_found("rail")),
            Rail::Stripe => {
                let (key, hooks) = match kept {
                    Some(Setup::Stripe { secret_key, webhook_secrets, .. }) => {
                        (Some(secret_key), webhook_secrets.as_slice())
                    }
                    Some(Setup::Cashfree { .. } | Setup::X402 { .. }) | None => (None, [].as_slice()),
                };
                Ok(Setup::Stripe {
                    base_url: self.url("base_url", BASE)?,
                    secret_key: self.must("secret_key", "Secret key", key)?,
                    webhook_secrets: self.lines("webhook_secrets", hooks),
                    connected: self.some("connected"),
                    customer: self.some("customer"),
                    payment_method: self.must("payment_method", "Saved payment method", None)?,
                })
            }
            Rail::Cashfree => {
                let secrets = match kept {
                    Some(Setup::Cashfree { client_secrets, .. }) => client_secrets.as_slice(),
                    Some(Setup::Stripe { .. } | Setup::X402 { .. }) | None => [].as_slice(),
                };
                let client_secrets = self.lines("client_secrets", secrets);
                if client_secrets.is_empty() {
                    return Err(missing("Secrets"));
                }
                Ok(Setup::Cashfree {
                    base_url: self.url("base_url", BASE)?,
                    client_id: self.must("client_id", "App id", None)?,
                    client_secrets,
                    notify_url: self.url("notify_url", "Where Cashfree reports")?,
                    phone: self.must("phone", "Payer's phone number", None)?,
                    upi: self.must("upi", "Payer's UPI address", None)?,
                })
            }
            Rail::X402 => {
                let key = match kept {
                    Some(Setup::X402 { key, .. }) => Some(key),
                    Some(Setup::Stripe { .. } | Setup::Cashfree { .. }) | None => None,
                };
                Ok(Setup::X402 {
                    key: self.must("key", "Key of the wallet", key)?,
                    tokens: self.tokens()?,
                    rpc_url: self
                        .url("rpc_url", "Network's JSON-RPC address")?
                        .ok_or_else(|| missing("Network's JSON-RPC address"))?,
                    facilitator_url: self.url("facilitator_url", "Facilitator")?,
                    pay_to: self.some("pay_to"),
                })
            }
        }
    }

    fn tokens(&self) -> Result<Vec<Coin>> {
        let mut tokens = Vec::new();
        for row in 0..TOKENS_MAX {
            let at = |name: &str| format!("{name}{row}");
            let Some(currency) = self.some(&at("currency")) else { continue };
            let decimals = self.must(&at("decimals"), "Decimals of the token", None)?;
            tokens.push(Coin {
                network: self.must(&at("network"), "Network of the token", None)?,
                asset: self.must(&at("asset"), "Contract of the token", None)?,
                name: self.must(&at("name"), "Name of the token", None)?,
                version: self.must(&at("version"), "Version of the token", None)?,
                decimals: decimals.parse().map_err(|_| {
                    Error::invalid("rail.account", format!("“{decimals}” is no number of decimals."))
                })?,
                currency: currency.parse::<Currency>()?,
            });
        }
        if tokens.is_empty() { Err(missing("Token")) } else { Ok(tokens) }
    }

    /// The form; `kept` says whether there are secrets already.
    pub(super) fn form(&self, rail: Rail, kept: bool) -> Form {
        let text = |name: &str, label: &str| Field::text(name, label).value(self.get(name)).max_chars(500);
        let url = |name: &str, label: &str| Field::line(Input::Url, name, label).value(self.get(name));
        let secret = |name: &str, label: &str, hint: &str| {
            let field = Field::password(name, label).autocomplete("off");
            if kept { field.hint("Kept. Empty: it stays.") } else { field.hint(hint).required() }
        };
        let form = Form::post(format!("/pay/rails/{}", rail.word()), "rail");
        match rail {
            Rail::Ledger => form,
            Rail::Stripe => form
                .field(secret("secret_key", "Secret key", "sk_… or rk_…, of Developers, API keys."))
                .field(Field::area("webhook_secrets", "Signing secrets of the webhook", 2).hint(if kept {
                    "Kept. Empty: they stay. While one is rotated, one on each line."
                } else {
                    "whsec_…, of the webhook below. While one is rotated, one on each line."
                }))
                .line([
                    text("payment_method", "Saved payment method").required().placeholder("pm_…"),
                    text("customer", "Customer").placeholder("cus_…"),
                    text("connected", "Connected account").placeholder("acct_…").hint("On whose behalf."),
                ])
                .field(url("base_url", BASE).hint("Empty: Stripe itself.")),
            Rail::Cashfree => form
                .line([text("client_id", "App id").required()])
                .field(Field::area("client_secrets", "Secrets", 2).hint(if kept {
                    "Kept. Empty: they stay. While one is rotated, the current one first."
                } else {
                    "The current one first; while it is rotated, the older one on the next line."
                }))
                .line([
                    text("phone", "Payer's phone number").required().placeholder("+919876543210"),
                    text("upi", "Payer's UPI address").required().placeholder("name@bank"),
                ])
                .line([
                    url("notify_url", "Where Cashfree reports").hint("Empty: as set at Cashfree."),
                    url("base_url", BASE).hint("Empty: Cashfree itself."),
                ]),
            Rail::X402 => {
                let form = form
                    .field(secret("key", "Key of the wallet", "64 hexadecimal digits. Keep little on it."))
                    .line([
                        url("rpc_url", "Network's JSON-RPC address").required(),
                        url("facilitator_url", "Facilitator").hint("To settle payouts."),
                        text("pay_to", "Who may be paid").hint("Empty: whoever the resource names."),
                    ]);
                (0..self.rows())
                    .fold(form, |form, row| form.set(format!("Token {}", row + 1), self.token_fields(row)))
            }
        }
    }

    fn rows(&self) -> usize {
        let filled = (0..TOKENS_MAX).filter(|row| !self.get(&format!("currency{row}")).is_empty()).count();
        (filled + SPARE_TOKENS).min(TOKENS_MAX)
    }

    fn token_fields(&self, row: usize) -> [Field; 6] {
        let field = |name: &str, label: &str, example: &str| {
            let name = format!("{name}{row}");
            Field::text(&name, label).value(self.get(&name)).placeholder(example).max_chars(100)
        };
        let name = format!("currency{row}");
        let currencies = std::iter::once(Choice::new("", "None"))
            .chain(Currency::ALL.map(|c| Choice::new(c.code(), c.code())));
        [
            Field::select(&name, "Stands for", currencies).value(self.get(&name)),
            field("network", "Network", "eip155:8453"),
            field("asset", "Contract", "0x…"),
            field("name", "Name", "USD Coin"),
            field("version", "Version", "2"),
            field("decimals", "Decimals", "6"),
        ]
    }
}

/// What the address of a service is called in forms.
const BASE: &str = "Address of the service";

fn missing(label: &str) -> Error {
    Error::invalid("rail.account", format!("{label}: missing."))
}
