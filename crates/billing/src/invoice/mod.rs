//! Invoices: what a client was billed, numbered without gaps, as a tax invoice to keep. What they say is
//! written once; whether they are paid follows the provider.

pub(crate) mod jobs;
mod pdf;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use pdf::write as pdf;
pub use store::{get, list, open};
pub(crate) use store::{of_month, sum_of_month};

use crate::desk::Desk;
use crate::settings::Seller;
use accounts::tenant;
use base::{Currency, Error, Money, Result, TenantId, Time};
use db::{Cx, Fact};
use ports::subscription::{Invoice as Seen, InvoiceStatus, Line};
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// An invoice.
    InvoiceId
);

/// Where an invoice stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.invoice_status", rename_all = "snake_case")]
pub enum Status {
    /// To be paid.
    Open,
    /// Paid.
    Paid,
    /// Taken back.
    Void,
    /// Given up.
    Uncollectible,
}

impl Status {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "To be paid",
            Self::Paid => "Paid",
            Self::Void => "Taken back",
            Self::Uncollectible => "Given up",
        }
    }

    /// Whether an invoice that stands so may be seen to stand otherwise: words come late, and what was paid or
    /// taken back stays so.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Open => true,
            Self::Uncollectible => next != Self::Open,
            Self::Paid | Self::Void => self == next,
        }
    }
}

/// Who is billed, as it was then.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Buyer {
    /// The name, the legal one where it is known.
    pub name: String,
    /// The postal address, where it is known.
    pub address: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// An invoice.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Which.
    pub id: InvoiceId,
    /// Whose.
    pub tenant: TenantId,
    /// Its number: one more than the one before it, over all clients.
    pub number: i64,
    /// The provider's name of it.
    pub provider_ref: String,
    /// Where it stands.
    pub status: Status,
    /// ISO 4217.
    pub currency: String,
    /// Without tax, in minor units.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// To be paid.
    pub total_minor: i64,
    /// Was paid.
    pub paid_minor: i64,
    /// What the tax is called; empty for none.
    pub tax_name: String,
    /// Hundredths of a percent.
    pub tax_basis_points: i32,
    /// Whether the lines hold the tax.
    pub gst_inclusive: bool,
    /// Who sold.
    pub seller: sqlx::types::Json<Seller>,
    /// Who bought.
    pub buyer: sqlx::types::Json<Buyer>,
    /// What was sold.
    pub lines: sqlx::types::Json<Vec<Line>>,
    /// From when it bills.
    pub period_start: Time,
    /// Until when.
    pub period_end: Time,
    /// Where it can be paid.
    pub pay_url: Option<String>,
    /// When it was issued.
    pub issued_at: Time,
    /// When it was paid.
    pub paid_at: Option<Time>,
}

impl Invoice {
    /// The number as printed.
    pub fn name(&self) -> String {
        format!("INV-{:06}", self.number)
    }

    fn money(&self, minor: i64) -> Money {
        // The currency was parsed when the row was written.
        Money { minor, currency: self.currency.parse().unwrap_or(Currency::Aud) }
    }

    /// What it comes to without tax.
    pub fn net(&self) -> Money {
        self.money(self.net_minor)
    }

    /// The tax.
    pub fn tax(&self) -> Money {
        self.money(self.tax_minor)
    }

    /// What is to be paid.
    pub fn total(&self) -> Money {
        self.money(self.total_minor)
    }

    /// Whether it may be called a tax invoice: the seller has an ABN and tax is stated.
    pub fn is_tax_invoice(&self) -> bool {
        !self.seller.abn.is_empty() && !self.tax_name.is_empty()
    }
}

/// Keeps what was seen of an invoice: gives it a number the first time, follows its payment after that. None
/// for a draft, and for one over nothing.
///
/// # Errors
/// Conflict `billing.foreign` when it is another tenant's.
pub async fn record(cx: &mut Cx, desk: &Desk, seen: &Seen) -> Result<Option<InvoiceId>> {
    let status = match seen.status {
        InvoiceStatus::Draft => return Ok(None),
        InvoiceStatus::Open => Status::Open,
        InvoiceStatus::Paid => Status::Paid,
        InvoiceStatus::Void => Status::Void,
        InvoiceStatus::Uncollectible => Status::Uncollectible,
    };
    let tenant_id = cx.tenant()?;
    if seen.tenant.is_some_and(|of| of != tenant_id.uuid()) {
        return Err(Error::conflict("billing.foreign", "The invoice belongs to another client."));
    }
    if let Some((id, held)) = store::by_ref(cx, &seen.id).await? {
        if held != status && held.may_become(status) {
            store::set_status(cx, id, status, seen).await?;
            tell(cx, "billing.invoice.changed", id, status).await?;
        }
        return Ok(Some(id));
    }
    if seen.total_minor == 0 {
        return Ok(None);
    }
    let client = tenant::get(cx).await?;
    let (tax_name, tax_basis_points, inclusive) = stated_tax(cx, seen, &client.country).await?;
    let buyer = Buyer {
        name: client.legal_name.unwrap_or(client.name),
        address: client.postal_address,
        country: client.country,
    };
    let new = store::New { seen, status, seller: &desk.seller, buyer, tax_name, tax_basis_points, inclusive };
    let id = store::insert(cx, &new).await?;
    tell(cx, "billing.invoice.issued", id, status).await?;
    Ok(Some(id))
}

/// The tax's name, its rate, and whether the lines hold it, as the sums say.
async fn stated_tax(cx: &mut Cx, seen: &Seen, country: &str) -> Result<(String, i32, bool)> {
    if seen.tax_minor == 0 {
        return Ok((String::new(), 0, false));
    }
    let lines: i64 = seen.lines.iter().map(|line| line.minor).sum();
    let inclusive = lines == seen.total_minor;
    let term = crate::plan::term::tax(cx, country).await?;
    Ok(term.map_or_else(
        || ("Tax".to_owned(), rate_of(seen), inclusive),
        |term| (term.name, term.basis_points, inclusive),
    ))
}

fn rate_of(seen: &Seen) -> i32 {
    if seen.net_minor == 0 {
        return 0;
    }
    i32::try_from((seen.tax_minor * 20_000 / seen.net_minor + 1) / 2).unwrap_or(0)
}

async fn tell(cx: &mut Cx, kind: &'static str, id: InvoiceId, status: Status) -> Result<()> {
    cx.publish(Fact::about(kind, id).with(json!({ "status": status }))).await
}
