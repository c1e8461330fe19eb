//! Stripe Billing's objects, as far as we read them, at the pinned version: the period of a subscription
//! is that of its item, the subscription of an invoice is in its parent. The places of older versions are
//! read too.

use super::wire::{Reference, money};
use base::{Currency, Time};
use ports::rail::{RailError, WebhookError};
use ports::subscription::{
    About, Event, Invoice, InvoiceStatus, Line, Page, Session, SessionState, Span, Status, Subscription, Tax,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

type Metadata = BTreeMap<String, String>;

fn at(seconds: i64) -> Time {
    Time::from_us(seconds.saturating_mul(1_000_000))
}

/// An answer that makes no sense; nothing follows from it.
fn unread(id: &str, what: &str) -> RailError {
    RailError::Rejected { code: "unread_answer".to_owned(), message: format!("{id} at Stripe {what}.") }
}

fn tenant(metadata: Option<&Metadata>) -> Option<Uuid> {
    metadata?.get("tenant")?.parse().ok()
}

#[derive(Deserialize)]
pub(super) struct PriceObject {
    pub(super) id: String,
    pub(super) unit_amount: Option<i64>,
    pub(super) currency: String,
    #[serde(default)]
    lookup_key: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl PriceObject {
    fn plan(&self) -> Option<Uuid> {
        let named = self.metadata.as_ref().and_then(|all| all.get("plan")).or(self.lookup_key.as_ref());
        named?.parse().ok()
    }
}

#[derive(Deserialize)]
pub(super) struct CouponObject {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct TaxRateObject {
    pub(super) id: String,
    display_name: String,
    percentage: serde_json::Number,
    inclusive: bool,
    #[serde(default)]
    country: Option<String>,
}

impl TaxRateObject {
    pub(super) fn is(&self, tax: &Tax) -> bool {
        let wanted = super::subscription::percent(tax.basis_points);
        let has = self.percentage.to_string();
        self.display_name == tax.name
            && self.inclusive == tax.inclusive
            && self.country.as_deref() == Some(tax.country.as_str())
            && (has == wanted || has.strip_suffix(".0") == Some(&wanted))
    }
}

/// A page to send somebody to.
#[derive(Deserialize)]
pub(super) struct PageObject {
    id: String,
    url: Option<String>,
}

impl PageObject {
    pub(super) fn page(self) -> Result<Page, RailError> {
        let url = self.url.as_deref().and_then(|text| text.parse().ok());
        let url = url.ok_or_else(|| unread(&self.id, "has no address"))?;
        Ok(Page { id: self.id, url })
    }
}

#[derive(Deserialize)]
pub(super) struct SessionObject {
    id: String,
    status: Option<String>,
    #[serde(default)]
    subscription: Option<Reference>,
    #[serde(default)]
    customer: Option<Reference>,
}

impl SessionObject {
    pub(super) fn session(self) -> Result<Session, RailError> {
        let state = match self.status.as_deref() {
            Some("open") => SessionState::Open,
            Some("complete") => SessionState::Complete,
            Some("expired") => SessionState::Expired,
            Some(_) | None => return Err(unread(&self.id, "has a status that is not known")),
        };
        Ok(Session {
            state,
            subscription: self.subscription.map(Reference::into_id),
            customer: self.customer.map(Reference::into_id),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct SubscriptionObject {
    id: String,
    customer: Reference,
    status: String,
    items: Items,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    trial_end: Option<i64>,
    #[serde(default)]
    cancel_at_period_end: bool,
    #[serde(default)]
    cancel_at: Option<i64>,
    #[serde(default)]
    ended_at: Option<i64>,
    #[serde(default)]
    current_period_start: Option<i64>,
    #[serde(default)]
    current_period_end: Option<i64>,
}

#[derive(Deserialize)]
struct Items {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    price: PriceObject,
    #[serde(default)]
    current_period_start: Option<i64>,
    #[serde(default)]
    current_period_end: Option<i64>,
}

impl SubscriptionObject {
    /// The name of its only item.
    pub(super) fn item(&self) -> Result<&str, RailError> {
        match self.items.data.as_slice() {
            [only] => Ok(&only.id),
            _ => Err(unread(&self.id, "does not have exactly one item; correct it there")),
        }
    }

    pub(super) fn subscription(self) -> Result<Subscription, RailError> {
        let status = match self.status.as_str() {
            "incomplete" => Status::Incomplete,
            "trialing" => Status::Trialing,
            "active" => Status::Active,
            "past_due" | "unpaid" => Status::PastDue,
            "paused" => Status::Paused,
            "canceled" | "incomplete_expired" => Status::Cancelled,
            _ => return Err(unread(&self.id, "has a status that is not known")),
        };
        let item = self.items.data.first();
        let start = item.and_then(|item| item.current_period_start).or(self.current_period_start);
        let end = item.and_then(|item| item.current_period_end).or(self.current_period_end);
        let (Some(start), Some(end)) = (start, end) else {
            return Err(unread(&self.id, "does not say its period"));
        };
        Ok(Subscription {
            status,
            plan: item.and_then(|item| item.price.plan()),
            period: Span { start: at(start), end: at(end) },
            tenant: tenant(self.metadata.as_ref()),
            trial_end: self.trial_end.map(at),
            cancel_at_period_end: self.cancel_at_period_end || self.cancel_at.is_some(),
            ended_at: self.ended_at.map(at),
            customer: self.customer.into_id(),
            id: self.id,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct InvoiceObject {
    id: String,
    customer: Reference,
    #[serde(default)]
    status: Option<String>,
    currency: String,
    total: i64,
    #[serde(default)]
    total_excluding_tax: Option<i64>,
    #[serde(default)]
    total_taxes: Vec<TaxAmount>,
    #[serde(default)]
    amount_paid: i64,
    created: i64,
    period_start: i64,
    period_end: i64,
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default)]
    subscription: Option<Reference>,
    #[serde(default)]
    status_transitions: Option<Transitions>,
    #[serde(default)]
    hosted_invoice_url: Option<String>,
    lines: Lines,
}

#[derive(Deserialize)]
struct TaxAmount {
    amount: i64,
}

#[derive(Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    subscription: Option<Reference>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Transitions {
    #[serde(default)]
    paid_at: Option<i64>,
}

#[derive(Deserialize)]
struct Lines {
    data: Vec<LineObject>,
}

#[derive(Deserialize)]
struct LineObject {
    #[serde(default)]
    description: Option<String>,
    amount: i64,
    #[serde(default)]
    discount_amounts: Option<Vec<TaxAmount>>,
    #[serde(default)]
    period: Option<Period>,
}

#[derive(Deserialize)]
struct Period {
    start: i64,
    end: i64,
}

impl InvoiceObject {
    pub(super) fn invoice(self) -> Result<Invoice, RailError> {
        let status = match self.status.as_deref() {
            None | Some("draft") => InvoiceStatus::Draft,
            Some("open") => InvoiceStatus::Open,
            Some("paid") => InvoiceStatus::Paid,
            Some("void") => InvoiceStatus::Void,
            Some("uncollectible") => InvoiceStatus::Uncollectible,
            Some(_) => return Err(unread(&self.id, "has a status that is not known")),
        };
        let currency: Currency = money(self.total, &self.currency, &self.id)?.currency;
        let taxes = self.total_taxes.iter().map(|tax| tax.amount).fold(0, i64::saturating_add);
        let net_minor = self.total_excluding_tax.unwrap_or(self.total - taxes);
        let latest = self.lines.data.iter().filter_map(|line| line.period.as_ref()).max_by_key(|p| p.end);
        let period = latest.map_or((self.period_start, self.period_end), |p| (p.start, p.end));
        let details = self.parent.and_then(|parent| parent.subscription_details);
        let tenant = details.as_ref().and_then(|details| tenant(details.metadata.as_ref()));
        let subscription = details.and_then(|details| details.subscription).or(self.subscription);
        let line = |line: LineObject| {
            let off = line.discount_amounts.iter().flatten().map(|off| off.amount).sum::<i64>();
            Line { text: line.description.unwrap_or_default(), minor: line.amount - off }
        };
        Ok(Invoice {
            customer: self.customer.into_id(),
            subscription: subscription.map(Reference::into_id),
            tenant,
            status,
            currency,
            net_minor,
            tax_minor: self.total - net_minor,
            total_minor: self.total,
            paid_minor: self.amount_paid,
            lines: self.lines.data.into_iter().map(line).collect(),
            period: Span { start: at(period.0), end: at(period.1) },
            created_at: at(self.created),
            paid_at: self.status_transitions.and_then(|all| all.paid_at).map(at),
            pay_url: self.hosted_invoice_url,
            id: self.id,
        })
    }
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Subject,
}

/// The little that is read of an event's object: what it is, and whose.
#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    object: String,
    #[serde(default)]
    client_reference_id: Option<String>,
    #[serde(default)]
    customer: Option<Reference>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default)]
    subscription: Option<Reference>,
}

/// Reads a verified body.
pub(super) fn event(body: &[u8]) -> Result<Event, WebhookError> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|cause| WebhookError::Malformed(cause.to_string()))?;
    let subject = envelope.data.object;
    let details = subject.parent.and_then(|parent| parent.subscription_details);
    let said = subject.client_reference_id.as_deref().and_then(|text| text.parse().ok());
    let tenant = said
        .or_else(|| tenant(subject.metadata.as_ref()))
        .or_else(|| details.as_ref().and_then(|details| tenant(details.metadata.as_ref())));
    let about = match (subject.object.as_str(), subject.id) {
        ("checkout.session", Some(id)) => About::Session(id),
        ("subscription", Some(id)) => About::Subscription(id),
        ("invoice", Some(id)) => {
            let subscription = details.and_then(|details| details.subscription).or(subject.subscription);
            About::Invoice { id, subscription: subscription.map(Reference::into_id) }
        }
        (_, _) => About::Other,
    };
    Ok(Event {
        id: envelope.id,
        kind: envelope.kind,
        tenant,
        customer: subject.customer.map(Reference::into_id),
        about,
    })
}
