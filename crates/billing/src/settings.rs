//! How the installation bills its clients.

use base::{Error, Result, Secret};
use ports::rail::{Account, Credentials, StripeAccount};
use serde::{Deserialize, Serialize};

/// How the installation bills its clients. Without a key nothing can be bought here; everything else works.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The secret key of the agency's own account at Stripe. Empty: plans cannot be bought here.
    pub stripe_key: Secret,
    /// The secret of the webhook endpoint `/webhooks/billing` there, `whsec_…`; two separated by a comma
    /// while one is rotated.
    pub stripe_webhook_secret: Secret,
    /// Where Stripe is. Empty: its own address. A twin's address for development.
    pub stripe_url: String,
    /// The seller's name on invoices.
    pub seller_name: String,
    /// The seller's Australian Business Number: eleven digits, spaces allowed. Without one no GST is billed.
    pub seller_abn: String,
    /// The seller's postal address on invoices.
    pub seller_address: String,
    /// Where clients ask about invoices.
    pub seller_email: String,
}

/// Who sells, as printed on an invoice.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Seller {
    /// The name.
    pub name: String,
    /// The Australian Business Number as `12 345 678 901`; empty where there is none.
    pub abn: String,
    /// The postal address.
    pub address: String,
    /// Where to ask.
    pub email: String,
}

impl Settings {
    /// The account at the provider, where one is set.
    ///
    /// # Errors
    /// Invalid `billing.stripe_url`, `billing.stripe_webhook_secret`.
    pub fn account(&self) -> Result<Option<Account>> {
        if self.stripe_key.is_empty() {
            return Ok(None);
        }
        let webhook_secrets: Vec<Secret> = self
            .stripe_webhook_secret
            .expose()
            .split(',')
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .map(Secret::new)
            .collect();
        if webhook_secrets.is_empty() {
            return Err(Error::invalid(
                "billing.stripe_webhook_secret",
                "billing.stripe_key is set but billing.stripe_webhook_secret is not. Set AGENCY__BILLING__STRIPE_WEBHOOK_SECRET.",
            ));
        }
        let base_url = match self.stripe_url.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|cause: url::ParseError| {
                Error::invalid("billing.stripe_url", format!("billing.stripe_url is no address: “{text}”."))
                    .caused_by(cause)
            })?),
        };
        let secret_key = self.stripe_key.clone();
        let keys = StripeAccount { secret_key, webhook_secrets, connected: None };
        Ok(Some(Account { base_url, credentials: Credentials::Stripe(keys) }))
    }

    /// Who sells.
    ///
    /// # Errors
    /// Invalid `billing.seller_abn` when the number's checksum is wrong.
    pub fn seller(&self) -> Result<Seller> {
        let abn = match self.seller_abn.trim() {
            "" => String::new(),
            text => abn(text).ok_or_else(|| {
                Error::invalid(
                    "billing.seller_abn",
                    format!("“{text}” is no Australian Business Number: its checksum is wrong."),
                )
            })?,
        };
        Ok(Seller {
            name: self.seller_name.trim().to_owned(),
            abn,
            address: self.seller_address.trim().to_owned(),
            email: self.seller_email.trim().to_owned(),
        })
    }
}

/// An ABN in its usual spacing; none unless the checksum holds (one less in the first digit, weighted by
/// 10, 1, 3, 5, … 19, divisible by 89: abr.business.gov.au, "Format of the ABN").
fn abn(text: &str) -> Option<String> {
    const WEIGHTS: [u32; 11] = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if digits.len() != WEIGHTS.len() || digits.first() == Some(&0) {
        return None;
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    // One less in the first digit is ten less in the sum.
    (sum - 10).is_multiple_of(89).then(|| {
        let of = |part: &[u32]| part.iter().map(u32::to_string).collect::<String>();
        let (head, tail) = digits.split_at(2);
        let parts: Vec<String> = tail.chunks(3).map(of).collect();
        format!("{} {}", of(head), parts.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::{Settings, abn};

    #[test]
    fn an_abn_is_told_by_its_checksum_and_spaced_as_printed() {
        // The register's own example and those of two public bodies.
        for good in ["51824753556", "83 914 571 673", "33 102 417 032"] {
            let spaced = abn(good).unwrap_or_default();
            assert_eq!(spaced.replace(' ', ""), good.replace(' ', ""));
            assert_eq!(spaced.len(), 14);
        }
        for bad in ["51824753557", "5182475355", "", "51 824 753 55x", "00 000 000 000"] {
            assert_eq!(abn(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_without_a_webhook_secret_is_refused() {
        let settings = Settings { stripe_key: base::Secret::new("sk_test_1"), ..Settings::default() };
        assert_eq!(settings.account().unwrap_err().code(), "billing.stripe_webhook_secret");
        assert!(Settings::default().account().unwrap().is_none());
    }
}
