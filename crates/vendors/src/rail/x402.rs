//! x402: our wallet pays for resources, and pays out through a facilitator.
//!
//! A signature that has left this machine can be used by whoever has it until its window ends,
//! whatever they answer. So after signing there is no "declined": only "paid", or "unknown" until
//! the token contract says that the authorization was used, or its window has passed unused.

mod chain;
mod facilitator;
mod outside;
mod price;

pub use facilitator::Facilitator;
pub use outside::Outside;

use super::{Line, secure, unsupported};
use crate::fetch::guard::Guard;
use crate::http::{self, Failure};
use ::x402::choose::{Refusal, choose};
use ::x402::exact::{self, nonce_of};
use ::x402::wire::FacilitatorRequest;
use ::x402::{
    Address, PayerKey, PaymentPayload, PaymentRequired, Reason, Requirements, SettleResponse, VERSION, Word,
};
use ::x402::{header, identifier};
use async_trait::async_trait;
use base::{Error, Money, Result, Time};
use chain::Chain;
use ports::rail::{
    Account, Asked, Authorise, Capabilities, Capture, Delivery, Event, Found, Health, Inbound, PaidOut,
    Payment, Payout, Quote, QuoteRequest, Rail, RailError, RailKind, Refund, Refunded, Source, Stage, Status,
    Sync, Timing, Token, Void, WebhookError, X402Account,
};
use price::{Priced, price, want};
use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Seconds for which an authorization of ours may live.
const MAX_TIMEOUT_S: u64 = 600;
/// Seconds after the end of a window from which the network cannot take the authorization.
const AFTER_WINDOW_S: i64 = 30;

/// The rail.
pub struct X402 {
    line: Line,
    /// Calls strangers: public addresses only.
    strangers: Client,
    guard: Guard,
}

/// A payment that is signed.
struct Signed {
    header: String,
    required: Requirements,
}

impl X402 {
    /// Calls over `line`; `total` is for one call of a resource. `allow_loopback` lets resources be
    /// on this machine, for tests and demonstrations.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(line: Line, total: Duration, allow_loopback: bool) -> Result<Self> {
        let guard = Guard { allow_loopback };
        let strangers = Client::builder()
            .connect_timeout(http::CONNECT)
            .timeout(total)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .build()
            .map_err(|cause| Error::internal("The x402 client could not be set up.").caused_by(cause))?;
        Ok(Self { line, strangers, guard })
    }

    /// Asks for the resource, paying or not.
    async fn ask(
        &self,
        url: &Url,
        payment: Option<&str>,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
        let mut request = self.strangers.get(url.clone());
        if let Some(payment) = payment {
            request = request.header(header::PAYMENT_SIGNATURE, payment);
        }
        http::exchange(request).await
    }

    /// What the resource costs.
    async fn offer(&self, url: &Url) -> Result<PaymentRequired, RailError> {
        let host = http::host_of(url);
        self.guard.check(url).map_err(|why| RailError::Rejected {
            code: "resource_address".to_owned(),
            message: format!("{host} is not called: {why}."),
        })?;
        secure(url)?;
        let (status, headers, body) =
            self.ask(url, None).await.map_err(|failure| not_started(&host, failure))?;
        if status != StatusCode::PAYMENT_REQUIRED {
            return Err(RailError::Declined {
                code: "not_for_sale".to_owned(),
                message: format!("the resource answers {} and asks for no payment", status.as_u16()),
                provider_ref: None,
            });
        }
        let read = match headers.get(header::PAYMENT_REQUIRED).and_then(|value| value.to_str().ok()) {
            Some(value) => header::decode(value),
            None => serde_json::from_slice(&body).map_err(|_| Reason::InvalidPayload),
        };
        read.map_err(|reason| RailError::Rejected {
            code: reason.to_string(),
            message: format!("what {host} asks for cannot be read as x402 version 2"),
        })
    }

    /// Chooses a way to pay that costs at most `most`.
    fn pick<'t>(
        keys: &'t X402Account,
        required: &PaymentRequired,
        most: Money,
    ) -> Result<(Requirements, &'t Token, Priced), RailError> {
        let wanted = want(keys, most, MAX_TIMEOUT_S)?;
        let chosen = choose(required, &wanted).map_err(refused)?;
        let token = keys
            .tokens
            .iter()
            .find(|t| {
                t.network == chosen.network.as_str() && t.asset.parse() == chosen.asset.parse::<Address>()
            })
            .ok_or_else(|| rejected("token", "the chosen token is not one of the account"))?;
        let priced = price(chosen.amount, token)?;
        Ok((chosen.clone(), token, priced))
    }

    /// Signs what was chosen. The same request signs the same bytes.
    fn sign(
        keys: &X402Account,
        required: &PaymentRequired,
        chosen: Requirements,
        nonce: Word,
        at: Time,
        name: &str,
    ) -> Result<Signed, RailError> {
        let key = wallet(keys)?;
        let payload = exact::authorise(&key, &chosen, nonce, seconds(at))
            .map_err(|reason| rejected(reason.as_str(), "the payment cannot be signed"))?;
        let payment = PaymentPayload {
            x402_version: VERSION,
            resource: Some(required.resource.clone()),
            accepted: chosen.clone(),
            payload: serde_json::to_value(payload).map_err(|cause| rejected("json", &cause.to_string()))?,
            extensions: identifier::echo(required, name),
        };
        let header = header::encode(&payment).map_err(|cause| rejected("json", cause.message()))?;
        Ok(Signed { header, required: chosen })
    }

    /// Pays and takes what was bought.
    async fn pay(
        &self,
        url: &Url,
        signed: &Signed,
        amount: Money,
        nonce: Word,
    ) -> Result<Payment, RailError> {
        let unknown = |detail: String| RailError::Unknown {
            host: http::host_of(url),
            detail,
            provider_ref: Some(nonce.to_string()),
        };
        let (status, headers, body) = match self.ask(url, Some(&signed.header)).await {
            Ok(answer) => answer,
            Err(Failure::NotConnected(detail)) => {
                return Err(RailError::NotStarted { host: http::host_of(url), detail });
            }
            Err(Failure::Lost(detail)) => return Err(unknown(detail)),
            Err(Failure::Status { status, .. }) => return Err(unknown(status.to_string())),
        };
        let settled: Option<SettleResponse> = headers
            .get(header::PAYMENT_RESPONSE)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| header::decode(v).ok());
        let content_type = headers.get("content-type").and_then(|v| v.to_str().ok()).map(str::to_owned);
        if !status.is_success() {
            return Err(unknown(refusal(status, &headers, settled.as_ref())));
        }
        let delivery = Some(Delivery { status: status.as_u16(), content_type, body });
        let provider_ref = nonce.to_string();
        let nothing = Money { minor: 0, ..amount };
        let Some(settled) = settled.filter(|s| s.success && s.network == signed.required.network) else {
            // Delivered without proof of payment: the network will tell.
            return Ok(Payment {
                provider_ref,
                network_ref: None,
                status: Status::Pending,
                amount,
                captured: nothing,
                delivery,
            });
        };
        if settled.amount.is_some_and(|moved| moved != signed.required.amount) {
            return Err(unknown(format!("it says that another amount moved ({:?})", settled.amount)));
        }
        Ok(Payment {
            provider_ref,
            network_ref: Some(settled.transaction),
            status: Status::Captured,
            amount,
            captured: amount,
            delivery,
        })
    }

    /// Whether an authorization of ours was used, on any of the account's tokens.
    async fn used(&self, keys: &X402Account, nonce: Word) -> Result<bool, RailError> {
        let from = wallet(keys)?.address();
        for token in &keys.tokens {
            if Chain::of(&self.line, keys)?.authorization_used(token, from, nonce).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What was bought with a payment whose answer was lost: a seller that knows names of payments gives the
    /// first answer again. The authorization was used, so that showing it again moves nothing.
    async fn collect(&self, keys: &X402Account, asked: &Authorise, nonce: Word) -> Option<Delivery> {
        let (url, _) = resource(&asked.source).ok()?;
        let required = self.offer(url).await.ok()?;
        identifier::declared(&required)?;
        let (chosen, _, _) = Self::pick(keys, &required, asked.amount).ok()?;
        let signed = Self::sign(keys, &required, chosen, nonce, asked.at, &name_of(asked)).ok()?;
        let (status, headers, body) = self.ask(url, Some(&signed.header)).await.ok()?;
        let content_type = headers.get("content-type").and_then(|v| v.to_str().ok()).map(str::to_owned);
        status.is_success().then(|| Delivery { status: status.as_u16(), content_type, body })
    }

    /// Whether an authorization that was signed at `at` can no longer be used.
    fn is_over(&self, at: Time) -> bool {
        let longest = i64::try_from(MAX_TIMEOUT_S).unwrap_or(i64::MAX);
        self.line.now().since_s(at) > longest.saturating_add(AFTER_WINDOW_S)
    }
}

/// Why a seller does not deliver after it got a signature.
fn refusal(status: StatusCode, headers: &HeaderMap, settled: Option<&SettleResponse>) -> String {
    let asked = || {
        let value = headers.get(header::PAYMENT_REQUIRED)?.to_str().ok()?;
        header::decode::<PaymentRequired>(value).ok()?.error
    };
    let said = settled.and_then(|s| s.error_reason.clone()).or_else(asked).unwrap_or_default();
    format!("{} {said}", status.as_u16())
}

/// The name of a payment for its seller.
fn name_of(request: &Authorise) -> String {
    format!("pay_{}", request.payment.simple())
}

fn seconds(at: Time) -> u64 {
    u64::try_from(at.ms() / 1_000).unwrap_or(0)
}

fn rejected(code: &str, message: &str) -> RailError {
    RailError::Rejected { code: code.to_owned(), message: message.to_owned() }
}

fn wallet(keys: &X402Account) -> Result<PayerKey, RailError> {
    PayerKey::read(&keys.key).map_err(|cause| rejected(cause.code(), cause.message()))
}

fn not_started(host: &str, failure: Failure) -> RailError {
    let detail = match failure {
        Failure::NotConnected(detail) | Failure::Lost(detail) => detail,
        Failure::Status { status, .. } => status.to_string(),
    };
    RailError::NotStarted { host: host.to_owned(), detail }
}

fn refused(refusal: Refusal) -> RailError {
    let code = match &refusal {
        Refusal::NoCommonWay { .. } => "no_common_way",
        Refusal::TooDear { .. } => "too_dear",
        Refusal::OtherRecipient { .. } => "other_recipient",
        Refusal::Malformed(_) => "malformed_offer",
    };
    RailError::Declined { code: code.to_owned(), message: refusal.to_string(), provider_ref: None }
}

fn resource(source: &Source) -> Result<(&Url, &str), RailError> {
    match source {
        Source::Resource { url, mandate } => Ok((url, mandate)),
        Source::Saved { .. }
        | Source::Granted { .. }
        | Source::Hosted(_)
        | Source::Upi { .. }
        | Source::Memory => Err(unsupported(RailKind::X402, "pay from this kind of source")),
    }
}

#[async_trait]
impl Rail for X402 {
    fn kind(&self) -> RailKind {
        RailKind::X402
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hold: false,
            partial_capture: false,
            refund: false,
            partial_refund: false,
            payout: true,
            webhooks: false,
            currencies: &[],
        }
    }

    async fn health(&self, account: &Account) -> Health {
        let asked = async {
            let keys = account.x402()?;
            wallet(keys)?;
            Chain::of(&self.line, keys)?.id().await
        };
        match asked.await {
            Ok(_) => Health::Up,
            Err(error) => Health::Down { detail: error.to_string() },
        }
    }

    async fn quote(&self, account: &Account, request: &QuoteRequest) -> Result<Quote, RailError> {
        let keys = account.x402()?;
        let (url, _) = resource(&request.source)?;
        let required = self.offer(url).await?;
        let (chosen, _, priced) = Self::pick(keys, &required, request.amount)?;
        Ok(Quote {
            amount: priced.amount,
            expires_at: None,
            payee: Some(chosen.pay_to.clone()),
            units: Some(format!("{} of {} on {}", chosen.amount, chosen.asset, chosen.network)),
        })
    }

    async fn authorise(&self, account: &Account, request: &Authorise) -> Result<Payment, RailError> {
        request.check()?;
        if request.timing == Timing::Later {
            return Err(unsupported(RailKind::X402, "hold"));
        }
        let keys = account.x402()?;
        let (url, mandate) = resource(&request.source)?;
        let nonce = nonce_of(mandate);
        let required = self.offer(url).await?;
        let (chosen, token, priced) = Self::pick(keys, &required, request.amount)?;
        if priced.amount != request.amount {
            return Err(RailError::Declined {
                code: "price_changed".to_owned(),
                message: format!("the resource costs {} and not {}", priced.amount, request.amount),
                provider_ref: None,
            });
        }
        // Before anything is signed: then nothing has to be looked up.
        let chain = Chain::of(&self.line, keys)?;
        let from = wallet(keys)?.address();
        if chain.balance(token, from).await? < chosen.amount && !self.used(keys, nonce).await? {
            return Err(RailError::Declined {
                code: Reason::InsufficientBalance.to_string(),
                message: "the wallet holds too little of the token".to_owned(),
                provider_ref: None,
            });
        }
        let signed = Self::sign(keys, &required, chosen, nonce, request.at, &name_of(request))?;
        self.pay(url, &signed, request.amount, nonce).await
    }

    async fn capture(&self, _account: &Account, _request: &Capture) -> Result<Payment, RailError> {
        Err(unsupported(RailKind::X402, "capture"))
    }

    async fn void(&self, _account: &Account, _request: &Void) -> Result<Payment, RailError> {
        Err(unsupported(RailKind::X402, "let go of a payment"))
    }

    async fn refund(&self, _account: &Account, _request: &Refund) -> Result<Refunded, RailError> {
        Err(unsupported(RailKind::X402, "take money back"))
    }

    async fn payout(&self, account: &Account, request: &Payout) -> Result<PaidOut, RailError> {
        request.check()?;
        let keys = account.x402()?;
        let facilitator = keys.facilitator_url.as_ref().ok_or_else(|| {
            rejected("no_facilitator", "Set the account's facilitator; payouts are settled by it.")
        })?;
        let required = price::payout(keys, request, MAX_TIMEOUT_S)?;
        let nonce = nonce_of(&format!("payout:{}", request.key()));
        let payload = exact::authorise(&wallet(keys)?, &required, nonce, seconds(request.at))
            .map_err(|reason| rejected(reason.as_str(), "the payout cannot be signed"))?;
        let asked = FacilitatorRequest {
            x402_version: VERSION,
            payment_payload: PaymentPayload {
                x402_version: VERSION,
                resource: None,
                accepted: required.clone(),
                payload: serde_json::to_value(payload)
                    .map_err(|cause| rejected("json", &cause.to_string()))?,
                extensions: None,
            },
            payment_requirements: required,
        };
        let settled = Facilitator::at(&self.line, facilitator)?
            .settle(&asked)
            .await
            .map_err(|error| error.known_as(&nonce.to_string()))?;
        let repeated = settled.error_reason.as_deref().map(Reason::read) == Some(Reason::NonceUsed);
        let other = settled.amount.is_some_and(|moved| moved != asked.payment_requirements.amount);
        if !other && (settled.success || (repeated && self.used(keys, nonce).await?)) {
            return Ok(PaidOut {
                provider_ref: nonce.to_string(),
                stage: Stage::Succeeded,
                amount: request.amount,
                destination: request.destination.clone(),
            });
        }
        Err(RailError::Unknown {
            host: http::host_of(facilitator),
            detail: settled.error_reason.unwrap_or_else(|| "another amount moved".to_owned()),
            provider_ref: Some(nonce.to_string()),
        })
    }

    async fn sync(&self, account: &Account, request: &Sync) -> Result<Found, RailError> {
        let keys = account.x402()?;
        match &request.of {
            Asked::Payment(asked) => {
                let nonce = nonce_of(resource(&asked.source)?.1);
                let used = self.used(keys, nonce).await?;
                let status = match (used, self.is_over(asked.at)) {
                    (true, _) => Status::Captured,
                    (false, false) => return Ok(Found::NotSeen { is_final: false }),
                    (false, true) => return Ok(Found::NotSeen { is_final: true }),
                };
                // The authorization holds for one amount only, the one that we signed.
                Ok(Found::Payment(Payment {
                    provider_ref: nonce.to_string(),
                    network_ref: None,
                    status,
                    amount: asked.amount,
                    captured: asked.amount,
                    delivery: self.collect(keys, asked, nonce).await,
                }))
            }
            Asked::Payout(asked) => {
                let nonce = nonce_of(&format!("payout:{}", asked.key()));
                if self.used(keys, nonce).await? {
                    return Ok(Found::Payout(PaidOut {
                        provider_ref: nonce.to_string(),
                        stage: Stage::Succeeded,
                        amount: asked.amount,
                        destination: asked.destination.clone(),
                    }));
                }
                Ok(Found::NotSeen { is_final: self.is_over(asked.at) })
            }
            Asked::Refund(_) => Err(unsupported(RailKind::X402, "take money back")),
        }
    }

    fn parse_webhook(&self, _account: &Account, _inbound: &Inbound) -> Result<Event, WebhookError> {
        Err(WebhookError::Unsupported)
    }
}
