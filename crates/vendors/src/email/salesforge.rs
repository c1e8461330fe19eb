//! Salesforge: no call sends one mail. A contact is made, with our words in its variables, and
//! enrolled in a sequence. A contact twice reaches nobody; a contact enrolled twice is enrolled once.

use ports::delivery::{
    Bounce, Event, Failure, Inbound, Keys, Permanence, Provider, Reason, Receiver, Reply, Step, WebhookError,
    What,
};
use ports::email::{Accepted, Outgoing, SalesforgeAccount, SendError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};

use super::failed;
use crate::delivery::{Does, Json, Line, digest, endpoint, json, path_token, refusal};

const HOME: &str = "https://api.salesforge.ai/public/v2";
/// The guard in front of the API turns the names of libraries away.
const AGENT: &str = "Mozilla/5.0 (compatible; AgencyOS/1.0)";

/// Mail through Salesforge.
pub struct Salesforge {
    line: Line,
}

impl Salesforge {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    pub(super) async fn send(
        &self,
        account: &SalesforgeAccount,
        mail: &Outgoing,
    ) -> Result<Accepted, SendError> {
        mail.check().map_err(|error| SendError::malformed(&error))?;
        self.enrol(account, mail).await.map_err(|failure| failed(mail, failure))
    }

    async fn enrol(&self, account: &SalesforgeAccount, mail: &Outgoing) -> Result<Accepted, Failure> {
        let [to] = mail.to.as_slice() else {
            let message = "A sequence writes to one recipient. Send to each by itself.".to_owned();
            return Err(Failure::NotStarted { step: Step::Check, host: String::new(), message });
        };
        // How variables are named there is in no public document: see it work before the first live use.
        let contact = object!({
            "firstName": to.local(), "email": to.as_str(),
            "customVars": {"subject": mail.subject, "body": mail.text, "messageId": mail.message_id.as_str()},
        });
        let path = ["workspaces", &account.workspace, "contacts"];
        let made = self.call(account, Does::Prepare, Method::POST, &path, &contact).await?;
        let id = Json(&made).any(&["id", "data.id"]).ok_or_else(|| Failure::NotStarted {
            step: Step::Handover,
            host: HOME.to_owned(),
            message: "Salesforge made a contact without an id. Nothing was sent; try again.".to_owned(),
        })?;
        let path = ["workspaces", &account.workspace, "sequences", &account.sequence, "contacts"];
        let enrolled = object!({"contactIds": [id]});
        self.call(account, Does::Keyed, Method::PUT, &path, &enrolled).await?;
        let response = format!("enrolled in {}", account.sequence);
        Ok(Accepted { provider_ref: Some(id), response, at: self.line.now() })
    }

    /// Several writes answer 204 without a body.
    async fn call(
        &self,
        account: &SalesforgeAccount,
        does: Does,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, path)?;
        let body = body.to_string();
        let reply = self
            .line
            .call(does, &url, || {
                self.line
                    .request(method.clone(), &url)
                    .header("authorization", account.api_key.expose())
                    .header("user-agent", AGENT)
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        if reply.status == StatusCode::NO_CONTENT || reply.body.is_empty() {
            return if reply.status.is_success() {
                Ok(Value::Null)
            } else {
                Err(Failure::Refused(refusal(reply.status, "", "")))
            };
        }
        reply.success(|status, body| {
            let body = serde_json::from_slice(body).unwrap_or(Value::Null);
            refusal(
                status,
                &Json(&body).words("code"),
                &Json(&body).any(&["message", "error"]).unwrap_or_default(),
            )
        })
    }
}

/// Webhooks of Salesforge. Their signature is not documented: the address is the secret, and what
/// they say is a hint. One webhook there is for one kind of event.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Salesforge
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let kind = event.any(&["type", "event", "eventType"]).unwrap_or_default();
        let email = event.any(&["contact.email", "data.contact.email", "email", "data.email"]);
        let what = match kind.trim_start_matches("email_") {
            "sent" => What::Sent { message_id: event.any(&["messageId", "data.messageId"]) },
            "opened" => What::Opened { user_agent: None },
            "link_clicked" | "clicked" => {
                What::Clicked { url: event.any(&["url", "data.url"]).unwrap_or_default(), user_agent: None }
            }
            "replied" | "positive_reply" | "negative_reply" => What::Replied(Box::new(Reply {
                from: email.clone().unwrap_or_default(),
                subject: event.any(&["subject", "data.subject"]),
                text: event.any(&["content", "data.content", "reply", "data.reply"]),
                message_id: event.any(&["messageId", "data.messageId"]),
                conversation: event.any(&["emailId", "data.emailId"]),
                ..Reply::default()
            })),
            "bounced" => What::Bounced(Bounce {
                recipient: email.clone(),
                permanence: Permanence::Unknown,
                reason: Reason::Other,
                kind: kind.clone(),
                detail: event.any(&["reason", "data.reason"]).unwrap_or_default(),
            }),
            "contact_unsubscribed" | "unsubscribed" => {
                What::OptedOut { from: email.clone().unwrap_or_default(), text: None }
            }
            _ => What::Other { kind: kind.clone() },
        };
        Ok(Event {
            provider: Provider::Salesforge,
            key: event.any(&["id", "eventId"]).unwrap_or_else(|| digest(&inbound.body)),
            at: event.time("timestamp").or_else(|| event.time("createdAt")).unwrap_or(inbound.received_at),
            provider_ref: event.any(&["contact.id", "data.contact.id", "contactId", "data.contactId"]),
            ours: None,
            what,
        })
    }
}
