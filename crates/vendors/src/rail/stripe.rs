//! Stripe: PaymentIntents, refunds and Connect transfers; Billing in `subscription`.
//!
//! Bodies are forms, amounts minor units. The version is pinned: the webhook endpoint must be set
//! to the same one. What we do not know in an answer is passed over.

mod subscription;
mod subscription_wire;
mod webhook;
mod wire;

use super::{Does, Line, Reply, endpoint, read, unsupported};
use async_trait::async_trait;
use base::{Currency, Money};
use ports::rail::{
    Account, Asked, Authorise, Capabilities, Capture, Event, Found, Health, Inbound, Listed, Listing,
    PaidOut, Payment, Payout, Quote, QuoteRequest, Rail, RailError, RailKind, Refund, Refunded, Source, Span,
    Status, Sync, Timing, Void, WebhookError,
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;
use wire::{Intent, List, Named as _, RefundObject, Transfer};

/// Where Stripe is.
const HOME: &str = "https://api.stripe.com";
/// The version of the API that this file speaks.
pub const VERSION: &str = "2026-10-28.endive";
/// Most pages of 100 in which a lost payment is looked for.
const PAGES: usize = 50;
/// Most pages of 100 of one list.
const LIST_PAGES: usize = 500;
/// Seconds around the asking in which a lost payment is looked for.
const AROUND_S: i64 = 2 * 86_400;

/// The rail.
pub struct Stripe {
    line: Line,
}

impl Stripe {
    /// Calls over `line`.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    /// One call; `key` makes it safe to repeat.
    async fn call<T: DeserializeOwned>(
        &self,
        account: &Account,
        method: Method,
        path: &[&str],
        fields: &[(&str, &str)],
        key: Option<&str>,
    ) -> Result<T, RailError> {
        let keys = account.stripe()?;
        let mut url = endpoint(account, HOME, &[&["v1"], path].concat())?;
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let does = if method == Method::GET { Does::Read } else { Does::Move };
        if does == Does::Read && !form.is_empty() {
            url.set_query(Some(&form));
        }
        let reply = self
            .line
            .call(does, &url, || {
                let mut request = self
                    .line
                    .http
                    .request(method.clone(), url.clone())
                    .bearer_auth(keys.secret_key.expose())
                    .header("stripe-version", VERSION);
                if let Some(connected) = &keys.connected {
                    request = request.header("stripe-account", connected);
                }
                if let Some(key) = key {
                    request = request.header("idempotency-key", key);
                }
                if does == Does::Move {
                    request = request
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(form.clone());
                }
                request
            })
            .await?;
        answer(does, &url, &reply)
    }

    async fn intent(&self, account: &Account, id: &str) -> Result<Payment, RailError> {
        let intent: Intent = self.call(account, Method::GET, &["payment_intents", id], &[], None).await?;
        intent.payment()
    }

    /// Capture and cancel: when the state is already another one, an earlier try may have done it.
    async fn finish(
        &self,
        account: &Account,
        id: &str,
        act: &str,
        fields: &[(&str, &str)],
        key: &str,
        done: impl Fn(&Payment) -> bool + Send,
    ) -> Result<Payment, RailError> {
        let tried: Result<Intent, _> =
            self.call(account, Method::POST, &["payment_intents", id, act], fields, Some(key)).await;
        match tried {
            Ok(intent) => intent.payment(),
            Err(RailError::Rejected { code, message }) if code == "payment_intent_unexpected_state" => {
                let payment = self.intent(account, id).await?;
                if done(&payment) { Ok(payment) } else { Err(RailError::Rejected { code, message }) }
            }
            Err(other) => Err(other),
        }
    }

    /// Everything of a kind that was made within a span, newest first.
    async fn all<T: DeserializeOwned + wire::Named>(
        &self,
        account: &Account,
        path: &str,
        span: &Span,
    ) -> Result<Vec<T>, RailError> {
        let second = |at: base::Time| at.ms().div_euclid(1_000);
        // Times there are whole seconds.
        let (since, until) = (second(span.since).to_string(), (second(span.until) - 1).to_string());
        let (mut all, mut after): (Vec<T>, Option<String>) = (Vec::new(), None);
        for _ in 0..LIST_PAGES {
            let mut query =
                vec![("created[gte]", since.as_str()), ("created[lte]", &until), ("limit", "100")];
            if let Some(after) = &after {
                query.push(("starting_after", after));
            }
            let page: List<T> = self.call(account, Method::GET, &[path], &query, None).await?;
            after = page.data.last().map(|last| last.id().to_owned());
            let more = page.has_more && after.is_some();
            all.extend(page.data);
            if !more {
                return Ok(all);
            }
        }
        Err(RailError::NotStarted {
            host: HOME.to_owned(),
            detail: format!(
                "it has more than {} {path} in this time; choose a shorter one",
                LIST_PAGES * 100
            ),
        })
    }

    /// Looks for the one object that carries our id, newest first.
    async fn find<T: DeserializeOwned + wire::Named>(
        &self,
        account: &Account,
        path: &str,
        fields: &[(&str, String)],
        ours: Uuid,
    ) -> Result<Option<T>, RailError> {
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            query.push(("limit", "100"));
            if let Some(after) = &after {
                query.push(("starting_after", after));
            }
            let page: List<T> = self.call(account, Method::GET, &[path], &query, None).await?;
            after = page.data.last().map(|last| last.id().to_owned());
            let more = page.has_more;
            if let Some(found) = page.data.into_iter().find(|object| object.ours() == Some(ours)) {
                return Ok(Some(found));
            }
            if !more || after.is_none() {
                return Ok(None);
            }
        }
        Err(RailError::NotStarted {
            host: HOME.to_owned(),
            detail: format!("it is not among the newest {} of its time", PAGES * 100),
        })
    }
}

/// An error body becomes the port's error.
fn answer<T: DeserializeOwned>(does: Does, url: &Url, reply: &Reply) -> Result<T, RailError> {
    if reply.status.is_success() {
        return read(does, url, &reply.body);
    }
    let error = wire::Failure::of(reply.status.as_u16(), &reply.body);
    if error.kind == "card_error" || reply.status.as_u16() == 402 {
        return Err(RailError::Declined {
            code: error.decline_code.unwrap_or(error.code),
            message: error.message,
            provider_ref: error.payment_intent,
        });
    }
    Err(RailError::Rejected { code: error.code, message: error.message })
}

/// What is in a currency that is not kept here is no business of ours.
fn listed<T>(
    ours: Option<Uuid>,
    payment_ref: Option<String>,
    object: Result<T, RailError>,
) -> Option<Listed<T>> {
    Some(Listed { ours, payment_ref, object: object.ok()? })
}

/// Stripe takes three-decimal currencies only in whole tens of the smallest unit.
fn sendable(amount: Money) -> Result<(), RailError> {
    if amount.currency.exponent() == 3 && amount.minor % 10 != 0 {
        return Err(RailError::Rejected {
            code: "amount_precision".to_owned(),
            message: format!("{amount} has three decimals; Stripe takes two. Round it."),
        });
    }
    Ok(())
}

fn code(currency: Currency) -> String {
    currency.code().to_ascii_lowercase()
}

#[async_trait]
impl Rail for Stripe {
    fn kind(&self) -> RailKind {
        RailKind::Stripe
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hold: true,
            partial_capture: true,
            refund: true,
            partial_refund: true,
            payout: true,
            webhooks: true,
            currencies: &[],
        }
    }

    async fn health(&self, account: &Account) -> Health {
        match self.call::<serde_json::Value>(account, Method::GET, &["balance"], &[], None).await {
            Ok(_) => Health::Up,
            Err(error) => Health::Down { detail: error.to_string() },
        }
    }

    async fn quote(&self, account: &Account, request: &QuoteRequest) -> Result<Quote, RailError> {
        account.stripe()?;
        sendable(request.amount)?;
        Ok(Quote { amount: request.amount, expires_at: None, payee: None, units: None })
    }

    async fn authorise(&self, account: &Account, request: &Authorise) -> Result<Payment, RailError> {
        request.check()?;
        sendable(request.amount)?;
        let (amount, currency) = (request.amount.minor.to_string(), code(request.amount.currency));
        let ours = request.payment.to_string();
        let mut fields = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("confirm", "true"),
            ("metadata[payment]", &ours),
            (
                "capture_method",
                match request.timing {
                    Timing::Now => "automatic",
                    Timing::Later => "manual",
                },
            ),
        ];
        if !request.description.is_empty() {
            fields.push(("description", &request.description));
        }
        match &request.source {
            Source::Saved { customer, method } => {
                fields.push(("payment_method", method));
                fields.push(("off_session", "true"));
                if let Some(customer) = customer {
                    fields.push(("customer", customer));
                }
            }
            // Private preview at Stripe: the account must be admitted to it.
            Source::Granted { token } => fields.push(("shared_payment_granted_token", token)),
            Source::Hosted(_) | Source::Upi { .. } | Source::Resource { .. } | Source::Memory => {
                return Err(unsupported(RailKind::Stripe, "charge this kind of source"));
            }
        }
        let key = request.key();
        let intent: Intent =
            self.call(account, Method::POST, &["payment_intents"], &fields, Some(&key)).await?;
        intent.payment()
    }

    async fn capture(&self, account: &Account, request: &Capture) -> Result<Payment, RailError> {
        request.check()?;
        sendable(request.amount)?;
        let amount = request.amount.minor.to_string();
        let fields = [("amount_to_capture", amount.as_str())];
        let done =
            |payment: &Payment| payment.status == Status::Captured && payment.captured == request.amount;
        self.finish(account, &request.provider_ref, "capture", &fields, &request.key(), done).await
    }

    async fn void(&self, account: &Account, request: &Void) -> Result<Payment, RailError> {
        let done = |payment: &Payment| payment.status == Status::Voided;
        self.finish(account, &request.provider_ref, "cancel", &[], &request.key(), done).await
    }

    async fn refund(&self, account: &Account, request: &Refund) -> Result<Refunded, RailError> {
        request.check()?;
        let (amount, ours, payment) =
            (request.amount.minor.to_string(), request.refund.to_string(), request.payment.to_string());
        let fields = [
            ("payment_intent", request.provider_ref.as_str()),
            ("amount", &amount),
            ("metadata[refund]", &ours),
            ("metadata[payment]", &payment),
        ];
        let key = request.key();
        let refund: RefundObject =
            self.call(account, Method::POST, &["refunds"], &fields, Some(&key)).await?;
        refund.refunded()
    }

    async fn payout(&self, account: &Account, request: &Payout) -> Result<PaidOut, RailError> {
        request.check()?;
        sendable(request.amount)?;
        let (amount, currency) = (request.amount.minor.to_string(), code(request.amount.currency));
        let ours = request.payout.to_string();
        let fields = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("destination", &request.destination),
            ("transfer_group", &ours),
            ("metadata[payout]", &ours),
            ("description", &request.description),
        ];
        let key = request.key();
        let transfer: Transfer =
            self.call(account, Method::POST, &["transfers"], &fields, Some(&key)).await?;
        transfer.paid_out()
    }

    async fn sync(&self, account: &Account, request: &Sync) -> Result<Found, RailError> {
        let known = request.provider_ref.as_deref();
        let found = match (&request.of, known) {
            (Asked::Payment(_), Some(id)) => Some(Found::Payment(self.intent(account, id).await?)),
            (Asked::Payment(asked), None) => {
                let since = asked.at.plus_s(-300).ms() / 1000;
                let until = request.last_asked_at.plus_s(AROUND_S).ms() / 1000;
                let around = [("created[gte]", since.to_string()), ("created[lte]", until.to_string())];
                let found: Option<Intent> =
                    self.find(account, "payment_intents", &around, asked.payment).await?;
                found.map(|intent| intent.payment()).transpose()?.map(Found::Payment)
            }
            (Asked::Refund(_), Some(id)) => {
                let refund: RefundObject =
                    self.call(account, Method::GET, &["refunds", id], &[], None).await?;
                Some(Found::Refund(refund.refunded()?))
            }
            (Asked::Refund(asked), None) => {
                let of = [("payment_intent", asked.provider_ref.clone())];
                let found: Option<RefundObject> = self.find(account, "refunds", &of, asked.refund).await?;
                found.map(|refund| refund.refunded()).transpose()?.map(Found::Refund)
            }
            (Asked::Payout(_), Some(id)) => {
                let transfer: Transfer =
                    self.call(account, Method::GET, &["transfers", id], &[], None).await?;
                Some(Found::Payout(transfer.paid_out()?))
            }
            (Asked::Payout(asked), None) => {
                let of = [("transfer_group", asked.payout.to_string())];
                let found: Option<Transfer> = self.find(account, "transfers", &of, asked.payout).await?;
                found.map(|transfer| transfer.paid_out()).transpose()?.map(Found::Payout)
            }
        };
        let is_final = self.line.cannot_arrive(request.last_asked_at);
        Ok(found.unwrap_or(Found::NotSeen { is_final }))
    }

    async fn list(&self, account: &Account, span: &Span) -> Result<Listing, RailError> {
        let payments: Vec<Intent> = self.all(account, "payment_intents", span).await?;
        let refunds: Vec<RefundObject> = self.all(account, "refunds", span).await?;
        let payouts: Vec<Transfer> = self.all(account, "transfers", span).await?;
        Ok(Listing {
            payments: payments.into_iter().filter_map(|o| listed(o.ours(), None, o.payment())).collect(),
            refunds: refunds.into_iter().filter_map(|o| listed(o.ours(), o.of(), o.refunded())).collect(),
            payouts: payouts.into_iter().filter_map(|o| listed(o.ours(), None, o.paid_out())).collect(),
        })
    }

    fn parse_webhook(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError> {
        let keys = account.stripe().map_err(|_| WebhookError::Unsigned)?;
        webhook::parse(&keys.webhook_secrets, inbound)
    }
}
