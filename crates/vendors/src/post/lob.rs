//! Lob: postcards from the USA, with an idempotency key that holds for 24 hours; a lost answer is
//! looked up by our id in the card's metadata.

use base::{Result, Time};
use ports::delivery::{
    Event, Failure, Found, Inbound, Keys, Provider, Reason, Receipt, Receiver, Refusal, Step, WebhookError,
    What,
};
use ports::post::{Address, Asked, LobAccount, Postcard, Size, Status, Verdict};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};
use url::Url;

use crate::delivery::{
    Does, Json, Line, Stamp, cost, endpoint, json, malformed, no_answer, path_token, refusal, refused,
    secrets, stamped_hmac,
};

const HOME: &str = "https://api.lob.com/v1";

/// Postcards by Lob.
pub(super) struct Lob {
    line: Line,
}

/// One call.
struct Ask<'a> {
    does: Does,
    method: Method,
    path: &'a [&'a str],
    query: Option<(&'a str, &'a str)>,
    body: Option<Value>,
    key: Option<&'a str>,
}

impl Lob {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(&self, account: &LobAccount, ask: Ask<'_>) -> Result<Value, Failure> {
        let mut url: Url = endpoint(account.base_url.as_ref(), HOME, ask.path)?;
        if let Some((name, value)) = ask.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let reply = self
            .line
            .call(ask.does, &url, || {
                let mut request = self
                    .line
                    .request(ask.method.clone(), &url)
                    .basic_auth(account.api_key.expose(), Some(""));
                if let Some(key) = ask.key {
                    request = request.header("idempotency-key", key);
                }
                match &ask.body {
                    Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                    None => request,
                }
            })
            .await?;
        reply.success(said)
    }

    pub(super) async fn verify(&self, account: &LobAccount, address: &Address) -> Result<Verdict> {
        let (path, body) = if address.country == "US" {
            let body = object!({
                "primary_line": address.line1, "secondary_line": address.line2, "city": address.city,
                "state": address.state, "zip_code": address.postcode,
            });
            ("us_verifications", body)
        } else {
            let body = object!({
                "primary_line": address.line1, "secondary_line": address.line2, "city": address.city,
                "state": address.state, "postal_code": address.postcode, "country": address.country,
            });
            ("intl_verifications", body)
        };
        let ask = Ask {
            does: Does::Read,
            method: Method::POST,
            path: &[path],
            query: None,
            body: Some(body),
            key: None,
        };
        let answer = self.call(account, ask).await.map_err(no_answer)?;
        Ok(match Json(&answer).words("deliverability").as_str() {
            "deliverable" => Verdict::Deliverable,
            "deliverable_unnecessary_unit"
            | "deliverable_incorrect_unit"
            | "deliverable_missing_unit"
            | "deliverable_missing_info" => Verdict::Probably,
            "undeliverable" | "no_match" => Verdict::Undeliverable,
            _ => Verdict::Unknown,
        })
    }

    pub(super) async fn send(
        &self,
        account: &LobAccount,
        card: &Postcard,
    ) -> Result<Receipt<Status>, Failure> {
        let country = &card.to.country;
        if !account.countries.contains(country) {
            return Err(check(format!("The account posts no cards to {country}. Add the country to it.")));
        }
        if country != "US" && card.size != Size::Small {
            return Err(check(format!("A card to {country} travels abroad, where only 4x6 goes.")));
        }
        let mut body = object!({
            "to": written(&card.to), "from": written(&card.from), "front": card.front, "back": card.back,
            "size": match card.size { Size::Small => "4x6", Size::Medium => "6x9", Size::Large => "6x11" },
            "use_type": "marketing", "metadata": {"ours": card.id.to_string()},
        });
        if let Some(at) = card.send_at {
            body["send_date"] = at.to_string().into();
        }
        let key = card.id.to_string();
        let ask = Ask {
            does: Does::Keyed,
            method: Method::POST,
            path: &["postcards"],
            query: None,
            body: Some(body),
            key: Some(&key),
        };
        let answer = self.call(account, ask).await?;
        receipt(&Json(&answer), self.line.now()).ok_or_else(|| Failure::Unknown {
            host: HOME.to_owned(),
            detail: "its reply has no id".to_owned(),
            provider_ref: None,
        })
    }

    pub(super) async fn find(&self, account: &LobAccount, asked: &Asked) -> Result<Found<Status>> {
        let read =
            |path, query| Ask { does: Does::Read, method: Method::GET, path, query, body: None, key: None };
        if let Some(id) = &asked.provider_ref {
            let path = ["postcards", id];
            let answer = self.call(account, read(&path, None)).await.map_err(no_answer)?;
            return Ok(receipt(&Json(&answer), asked.last_at).map_or(Found::CannotTell, Found::Taken));
        }
        let ours = asked.card.id.to_string();
        let query = Some(("metadata[ours]", ours.as_str()));
        let answer = self.call(account, read(&["postcards"], query)).await.map_err(no_answer)?;
        let card = Json(&answer)
            .items("data")
            .iter()
            .find(|card| Json(card).ours("metadata.ours") == Some(asked.card.id));
        if let Some(receipt) = card.and_then(|card| receipt(&Json(card), asked.last_at)) {
            return Ok(Found::Taken(receipt));
        }
        self.line.settled(asked.last_at)?;
        Ok(Found::NotSeen)
    }

    pub(super) async fn cancel(&self, account: &LobAccount, id: &str) -> Result<bool, Failure> {
        let ask = Ask {
            does: Does::Keyed,
            method: Method::DELETE,
            path: &["postcards", id],
            query: None,
            body: None,
            key: None,
        };
        match self.call(account, ask).await {
            Ok(answer) => Ok(Json(&answer).at("deleted").and_then(Value::as_bool).unwrap_or(false)),
            // It is printed already.
            Err(Failure::Refused(refusal)) if refusal.reason == Reason::Content => Ok(false),
            Err(other) => Err(other),
        }
    }
}

fn check(message: String) -> Failure {
    Failure::NotStarted { step: Step::Check, host: String::new(), message }
}

fn written(address: &Address) -> Value {
    object!({
        "name": address.name, "address_line1": address.line1, "address_line2": address.line2,
        "address_city": address.city, "address_state": address.state, "address_zip": address.postcode,
        "address_country": address.country,
    })
}

/// `{error: {message, code, status_code}}`.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let (code, words) = (error.words("error.code"), error.words("error.message"));
    match code.as_str() {
        "failed_deliverability_strictness" | "invalid_address" => {
            refused(Reason::NoSuchRecipient, &code, &words)
        }
        "payment_method_unverified" | "insufficient_funds" => refused(Reason::Funds, &code, &words),
        _ => refusal(status, &code, &words),
    }
}

fn receipt(card: &Json<'_>, at: Time) -> Option<Receipt<Status>> {
    let deleted = card.at("deleted").and_then(Value::as_bool).unwrap_or(false);
    let furthest = card.items("tracking_events").iter().map(|event| stage(&Json(event).words("name"))).max();
    let status = if deleted { Status::Cancelled } else { furthest.unwrap_or(Status::Queued) };
    Some(Receipt { provider_ref: card.text("id")?, status, cost: cost(card.number("price"), "USD"), at })
}

/// The name of a scan of the post.
fn stage(name: &str) -> Status {
    match name {
        "Delivered" => Status::Delivered,
        "Returned to Sender" => Status::Returned,
        _ => Status::Mailed,
    }
}

/// Webhooks of Lob.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Lob
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let at = Stamp { signature: "lob-signature", time: "lob-signature-timestamp" };
        stamped_hmac(&secrets(keys)?, inbound, &at)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let key = event.text("id").ok_or_else(|| malformed("id"))?;
        let kind = event.text("event_type.id").ok_or_else(|| malformed("event_type.id"))?;
        let what = match kind.split_once('.').map_or(kind.as_str(), |(_, step)| step) {
            "created" | "rendered_pdf" | "rendered_thumbnails" => What::Queued,
            "mailed" => What::Mailed,
            "in_transit" | "in_local_area" | "processed_for_delivery" | "re-routed" => {
                What::InTransit { step: kind.clone() }
            }
            "delivered" => What::Delivered,
            "returned_to_sender" => What::ReturnedToSender,
            "deleted" => What::Cancelled,
            "rejected" | "failed" => What::Failed {
                reason: Reason::Content,
                code: kind.clone(),
                detail: event.any(&["body.failure_reason.message", "body.status"]).unwrap_or_default(),
            },
            // A person opened the link on the card.
            "viewed" => What::Opened { user_agent: None },
            _ => What::Other { kind: kind.clone() },
        };
        Ok(Event {
            provider: Provider::Lob,
            key,
            at: event.time("date_created").unwrap_or(inbound.received_at),
            provider_ref: event.any(&["reference_id", "body.id"]),
            ours: event.ours("body.metadata.ours"),
            what,
        })
    }
}
