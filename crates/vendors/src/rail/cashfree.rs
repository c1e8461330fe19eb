//! Cashfree Payments (India): orders, payments, refunds.
//!
//! Amounts are decimal major units and are read and written digit by digit. The order carries our
//! payment's id as its own, so that a lost answer is found by asking for the order. A payment that
//! failed does not end an order: only PAID, EXPIRED and TERMINATED do.

mod webhook;
mod wire;

use super::{Does, Line, Reply, endpoint, read, unsupported};
use async_trait::async_trait;
use base::Currency;
use ports::rail::{
    Account, Action, Asked, Authorise, Capabilities, Capture, Event, Found, Health, Inbound, PaidOut, Payer,
    Payment, Payout, Quote, QuoteRequest, Rail, RailError, RailKind, Refund, Refunded, Source, Status, Sync,
    Timing, Void, WebhookError,
};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wire::{NewOrder, Order, PaymentObject, RefundObject};

/// Where Cashfree is.
const HOME: &str = "https://api.cashfree.com/pg";
/// The version of the API that this file speaks.
pub const VERSION: &str = "2026-01-01";
/// The code with which we look at things that are not there.
const NO_SUCH: u16 = 404;

/// The rail.
pub struct Cashfree {
    line: Line,
}

/// A success, or that there is no such thing.
enum Got<T> {
    Some(T),
    Nothing,
}

impl Cashfree {
    /// Calls over `line`.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    /// One call; `key` makes it safe to repeat. A GET of what is not there is [`Got::Nothing`].
    async fn call<T: DeserializeOwned>(
        &self,
        account: &Account,
        method: Method,
        path: &[&str],
        body: Option<&(impl Serialize + std::marker::Sync)>,
        key: Option<&str>,
    ) -> Result<Got<T>, RailError> {
        let keys = account.cashfree()?;
        let url = endpoint(account, HOME, path)?;
        let secret = keys.client_secrets.first().map(base::Secret::expose).unwrap_or_default();
        let does = if method == Method::GET { Does::Read } else { Does::Move };
        let body = body.map(serde_json::to_vec).transpose().map_err(|cause| RailError::Rejected {
            code: "request".to_owned(),
            message: format!("The request cannot be written: {cause}."),
        })?;
        let reply = self
            .line
            .call(does, &url, || {
                let mut request = self
                    .line
                    .http
                    .request(method.clone(), url.clone())
                    .header("x-client-id", &keys.client_id)
                    .header("x-client-secret", secret)
                    .header("x-api-version", VERSION)
                    .header("accept", "application/json");
                if let Some(key) = key {
                    request = request.header("x-idempotency-key", key).header("x-request-id", key);
                }
                if let Some(body) = &body {
                    request = request.header("content-type", "application/json").body(body.clone());
                }
                request
            })
            .await?;
        if does == Does::Read && reply.status.as_u16() == NO_SUCH {
            return Ok(Got::Nothing);
        }
        answer(does, &url, &reply).map(Got::Some)
    }

    /// A call whose answer must be there.
    async fn must<T: DeserializeOwned>(
        &self,
        account: &Account,
        method: Method,
        path: &[&str],
        body: Option<&(impl Serialize + std::marker::Sync)>,
        key: Option<&str>,
    ) -> Result<T, RailError> {
        match self.call(account, method, path, body, key).await? {
            Got::Some(found) => Ok(found),
            Got::Nothing => Err(RailError::Rejected {
                code: "not_found".to_owned(),
                message: "Cashfree knows no such order. Check which account the payment was made with."
                    .to_owned(),
            }),
        }
    }

    /// The order as it is, with the payment that settled it, if one did.
    async fn order(&self, account: &Account, id: &str) -> Result<Option<Payment>, RailError> {
        let none: Option<&()> = None;
        let order: Order = match self.call(account, Method::GET, &["orders", id], none, None).await? {
            Got::Some(order) => order,
            Got::Nothing => return Ok(None),
        };
        let payments: Vec<PaymentObject> =
            match self.call(account, Method::GET, &["orders", id, "payments"], none, None).await? {
                Got::Some(payments) => payments,
                Got::Nothing => Vec::new(),
            };
        wire::payment(order, &payments).map(Some)
    }

    /// Whether the payer was asked and said no. The order is then closed: nobody shall pay it later.
    async fn said_no(
        &self,
        account: &Account,
        request: &Authorise,
        payment: &Payment,
    ) -> Result<bool, RailError> {
        if !matches!(payment.status, Status::ActionNeeded(Action::Session(_))) {
            return Ok(false);
        }
        let (none, path): (Option<&()>, _) = (None, ["orders", payment.provider_ref.as_str(), "payments"]);
        // What cannot be seen now is not known: the order stays open and is looked up.
        let Ok(Got::Some(tries)) =
            self.call::<Vec<PaymentObject>>(account, Method::GET, &path, none, None).await
        else {
            return Ok(false);
        };
        if tries.is_empty() || !tries.iter().all(|payment| payment.is("FAILED") || payment.is("USER_DROPPED"))
        {
            return Ok(false);
        }
        let void = Void {
            payment: request.payment,
            provider_ref: payment.provider_ref.clone(),
            held: request.amount,
        };
        Ok(self.void(account, &void).await.is_ok_and(|closed| closed.status == Status::Voided))
    }

    /// Opens the order.
    async fn open(&self, account: &Account, request: &Authorise, payer: &Payer) -> Result<Order, RailError> {
        let notify = account.cashfree()?.notify_url.as_ref();
        let body = NewOrder::of(request, payer, notify)?;
        self.must(account, Method::POST, &["orders"], Some(&body), Some(&request.key())).await
    }

    async fn upi(
        &self,
        account: &Account,
        request: &Authorise,
        session: &str,
        address: &str,
    ) -> Result<(), RailError> {
        let mut upi = json!({"channel": "collect", "upi_id": address});
        if request.timing == Timing::Later {
            upi["authorize_only"] = json!(true);
        }
        let body = json!({"payment_session_id": session, "payment_method": {"upi": upi}});
        let key = format!("{}-session", request.key());
        self.must::<serde_json::Value>(
            account,
            Method::POST,
            &["orders", "sessions"],
            Some(&body),
            Some(&key),
        )
        .await
        .map(|_| ())
    }

    /// Takes or lets go of what is held; an earlier try may have done it.
    async fn finish(
        &self,
        account: &Account,
        id: &str,
        body: &wire::Finish,
        key: &str,
        done: impl Fn(&Payment) -> bool + Send,
    ) -> Result<Payment, RailError> {
        let path = ["orders", id, "authorization"];
        let tried: Result<serde_json::Value, _> =
            self.must(account, Method::POST, &path, Some(body), Some(key)).await;
        let refused = match tried {
            Ok(_) => None,
            Err(RailError::Rejected { code, message }) => Some(RailError::Rejected { code, message }),
            Err(other) => return Err(other),
        };
        let now = self.order(account, id).await;
        match (refused, now) {
            (_, Ok(Some(payment))) if done(&payment) => Ok(payment),
            (Some(refused), _) => Err(refused),
            (None, Ok(Some(payment))) => Ok(payment),
            // It was done; only the look at it failed.
            (None, Ok(None) | Err(_)) => Err(RailError::Unknown {
                host: HOME.to_owned(),
                detail: "it took the request, and then the order could not be read".to_owned(),
                provider_ref: Some(id.to_owned()),
            }),
        }
    }
}

fn answer<T: DeserializeOwned>(does: Does, url: &url::Url, reply: &Reply) -> Result<T, RailError> {
    if reply.status.is_success() {
        return read(does, url, &reply.body);
    }
    let parsed: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| parsed[name].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    Err(RailError::Rejected {
        code: text("code").or_else(|| text("type")).unwrap_or_else(|| reply.status.as_u16().to_string()),
        message: text("message").unwrap_or_else(|| crate::http::excerpt(&reply.body)),
    })
}

#[async_trait]
impl Rail for Cashfree {
    fn kind(&self) -> RailKind {
        RailKind::Cashfree
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hold: true,
            partial_capture: true,
            refund: true,
            partial_refund: true,
            payout: false,
            webhooks: true,
            currencies: &[Currency::Inr, Currency::Usd, Currency::Eur, Currency::Gbp, Currency::Aud],
        }
    }

    async fn health(&self, account: &Account) -> Health {
        let none: Option<&()> = None;
        let asked = self.call::<Order>(account, Method::GET, &["orders", "health-check"], none, None);
        match asked.await {
            Ok(_) => Health::Up,
            Err(error) => Health::Down { detail: error.to_string() },
        }
    }

    async fn quote(&self, account: &Account, request: &QuoteRequest) -> Result<Quote, RailError> {
        account.cashfree()?;
        Ok(Quote { amount: request.amount, expires_at: None, payee: None, units: None })
    }

    async fn authorise(&self, account: &Account, request: &Authorise) -> Result<Payment, RailError> {
        request.check()?;
        if !self.capabilities().moves(request.amount.currency) {
            return Err(unsupported(RailKind::Cashfree, "move this currency"));
        }
        match (&request.source, request.timing) {
            (Source::Hosted(payer), Timing::Now) => {
                let order = self.open(account, request, payer).await?;
                wire::payment(order, &[])
            }
            (Source::Upi { payer, address }, Timing::Now | Timing::Later) => {
                let order = self.open(account, request, payer).await?;
                // The order may be older than this try, and paid already.
                if let (Some(session), "ACTIVE") = (&order.payment_session_id, order.order_status.as_str()) {
                    let session = session.clone();
                    self.upi(account, request, &session, address)
                        .await
                        .map_err(|error| in_order(error, &order))?;
                }
                match self.order(account, &order.order_id).await {
                    Ok(Some(payment)) if self.said_no(account, request, &payment).await? => {
                        Err(RailError::Declined {
                            code: "payer_declined".to_owned(),
                            message: "the payer did not approve it, or could not pay".to_owned(),
                            provider_ref: Some(order.order_id.clone()),
                        })
                    }
                    Ok(Some(payment)) => Ok(payment),
                    // The payer is being asked; how far it is will be seen.
                    Ok(None) | Err(_) => {
                        Ok(Payment { status: Status::Pending, ..wire::payment(order, &[])? })
                    }
                }
            }
            (Source::Hosted(_), Timing::Later) => {
                Err(unsupported(RailKind::Cashfree, "hold on its own page"))
            }
            (Source::Saved { .. } | Source::Granted { .. } | Source::Resource { .. } | Source::Memory, _) => {
                Err(unsupported(RailKind::Cashfree, "charge this kind of source"))
            }
        }
    }

    async fn capture(&self, account: &Account, request: &Capture) -> Result<Payment, RailError> {
        request.check()?;
        let body = wire::Finish::capture(request.amount)?;
        let done =
            |payment: &Payment| payment.status == Status::Captured && payment.captured == request.amount;
        self.finish(account, &request.provider_ref, &body, &request.key(), done).await
    }

    async fn void(&self, account: &Account, request: &Void) -> Result<Payment, RailError> {
        let now = self.order(account, &request.provider_ref).await?;
        let done = |payment: &Payment| payment.status == Status::Voided;
        match now {
            // Nobody has paid: the order itself is closed.
            Some(Payment { status: Status::ActionNeeded(Action::Session(_)) | Status::Pending, .. }) => {
                let body = json!({"order_status": "TERMINATED"});
                let path = ["orders", request.provider_ref.as_str()];
                let order: Order =
                    self.must(account, Method::PATCH, &path, Some(&body), Some(&request.key())).await?;
                wire::payment(order, &[])
            }
            Some(payment) if done(&payment) => Ok(payment),
            Some(_) | None => {
                let body = wire::Finish::void();
                self.finish(account, &request.provider_ref, &body, &request.key(), done).await
            }
        }
    }

    async fn refund(&self, account: &Account, request: &Refund) -> Result<Refunded, RailError> {
        request.check()?;
        let body = wire::NewRefund::of(request)?;
        let path = ["orders", request.provider_ref.as_str(), "refunds"];
        let refund: RefundObject =
            self.must(account, Method::POST, &path, Some(&body), Some(&request.key())).await?;
        refund.refunded()
    }

    async fn payout(&self, _account: &Account, _request: &Payout) -> Result<PaidOut, RailError> {
        Err(unsupported(RailKind::Cashfree, "pay out"))
    }

    async fn sync(&self, account: &Account, request: &Sync) -> Result<Found, RailError> {
        let none: Option<&()> = None;
        let found = match &request.of {
            Asked::Payment(asked) => self.order(account, &asked.key()).await?.map(Found::Payment),
            Asked::Refund(asked) => {
                let key = asked.key();
                let path = ["orders", asked.provider_ref.as_str(), "refunds", &key];
                match self.call::<RefundObject>(account, Method::GET, &path, none, None).await? {
                    Got::Some(refund) => Some(Found::Refund(refund.refunded()?)),
                    Got::Nothing => None,
                }
            }
            Asked::Payout(_) => return Err(unsupported(RailKind::Cashfree, "pay out")),
        };
        let is_final = self.line.cannot_arrive(request.last_asked_at);
        Ok(found.unwrap_or(Found::NotSeen { is_final }))
    }

    fn parse_webhook(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError> {
        let keys = account.cashfree().map_err(|_| WebhookError::Unsigned)?;
        webhook::parse(&keys.client_secrets, inbound)
    }
}

/// The order exists, so that what went wrong after it is known under its name.
fn in_order(error: RailError, order: &Order) -> RailError {
    match error {
        RailError::Unknown { host, detail, .. } => {
            RailError::Unknown { host, detail, provider_ref: Some(order.order_id.clone()) }
        }
        RailError::NotStarted { host, detail } => {
            RailError::Unknown { host, detail, provider_ref: Some(order.order_id.clone()) }
        }
        RailError::Rejected { code, message } => {
            RailError::Declined { code, message, provider_ref: Some(order.order_id.clone()) }
        }
        RailError::Declined { .. } | RailError::Unsupported { .. } => error,
    }
}
