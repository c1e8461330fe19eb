//! What an account at a rail must say before it is kept: found now, not at the first payment.

use super::Setup;
use base::{Error, Result};
use url::Url;

/// The longest key, name or address, in bytes.
const TEXT_MAX: usize = 500;
/// Secrets for webhooks, or tokens, at most.
const LIST_MAX: usize = 20;

/// # Errors
/// Invalid (`rail.account`), naming the member.
pub(super) fn sound(setup: &Setup) -> Result<()> {
    match setup {
        Setup::Stripe { base_url, secret_key, webhook_secrets, connected, customer, payment_method } => {
            address("base_url", base_url.as_ref())?;
            text("secret_key", secret_key)?;
            list("webhook_secrets", webhook_secrets)?;
            for (name, value) in [("connected", connected), ("customer", customer)] {
                value.iter().try_for_each(|value| text(name, value))?;
            }
            text("payment_method", payment_method)
        }
        Setup::Cashfree { base_url, client_id, client_secrets, notify_url, phone, upi } => {
            address("base_url", base_url.as_ref())?;
            address("notify_url", notify_url.as_ref())?;
            list("client_secrets", client_secrets)?;
            if client_secrets.is_empty() {
                return Err(wrong("client_secrets", "has at least one secret"));
            }
            [("client_id", client_id), ("phone", phone), ("upi", upi)]
                .into_iter()
                .try_for_each(|(name, value)| text(name, value))
        }
        Setup::X402 { key, tokens, rpc_url, facilitator_url, pay_to } => {
            let digits = key.strip_prefix("0x").unwrap_or(key);
            if !hex::decode(digits).is_ok_and(|bytes| bytes.len() == 32) {
                return Err(wrong("key", "is 32 bytes in hexadecimal"));
            }
            address("rpc_url", Some(rpc_url))?;
            address("facilitator_url", facilitator_url.as_ref())?;
            if tokens.is_empty() || tokens.len() > LIST_MAX {
                return Err(wrong("tokens", "names 1 to 20 tokens"));
            }
            for token in tokens {
                for value in [&token.network, &token.asset, &token.name, &token.version] {
                    text("tokens", value)?;
                }
            }
            pay_to.iter().try_for_each(|value| text("pay_to", value))
        }
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid("rail.account", format!("{name} {what}."))
}

fn text(name: &str, value: &str) -> Result<()> {
    let is_one_line = !value.trim().is_empty() && !value.chars().any(char::is_control);
    if is_one_line && value.len() <= TEXT_MAX {
        return Ok(());
    }
    Err(wrong(name, "has 1 to 500 characters on one line"))
}

fn list(name: &str, values: &[String]) -> Result<()> {
    if values.len() > LIST_MAX {
        return Err(wrong(name, "has at most 20 entries"));
    }
    values.iter().try_for_each(|value| text(name, value))
}

fn address(name: &str, value: Option<&Url>) -> Result<()> {
    match value {
        Some(url) if !matches!(url.scheme(), "http" | "https") => Err(wrong(name, "begins with https://")),
        Some(_) | None => Ok(()),
    }
}
