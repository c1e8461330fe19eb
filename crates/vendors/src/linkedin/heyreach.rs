//! HeyReach: a person is added to a campaign that does the one thing. The same person in the same
//! campaign is there once, so that a repetition reaches nobody a second time.

use base::{Result, Time};
use ports::delivery::{
    Event, Failure, Found, Inbound, Keys, Provider, Reason, Receipt, Receiver, Refusal, Reply, Step,
    WebhookError, What as Told,
};
use ports::linkedin::{Act, Asked, HeyReachAccount, ProfileUrl, Status, What};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};

use crate::delivery::{
    Does, Json, Line, digest, endpoint, json, no_answer, path_token, refusal, refused, time_of,
};

const HOME: &str = "https://api.heyreach.io/api/public";
/// Most conversations of one page.
const PAGE: usize = 100;
/// Most pages of conversations.
const PAGES: usize = 20;
/// Seconds before the first try from which a message is looked for: clocks differ.
const SLACK_S: i64 = 300;

/// LinkedIn through HeyReach.
pub(super) struct HeyReach {
    line: Line,
}

impl HeyReach {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        account: &HeyReachAccount,
        does: Does,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, path)?;
        let body = body.to_string();
        let reply = self
            .line
            .call(does, &url, || {
                self.line
                    .request(Method::POST, &url)
                    .header("x-api-key", account.api_key.expose())
                    .header("accept", "application/json")
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        if reply.status.is_success() && reply.body.is_empty() {
            return Ok(Value::Null);
        }
        reply.success(said)
    }

    pub(super) async fn act(&self, account: &HeyReachAccount, act: &Act) -> Result<Receipt<Status>, Failure> {
        if let What::Answer { conversation, text } = &act.what {
            return self.answer(account, conversation, text).await;
        }
        let campaign = campaign_of(account, &act.what)?;
        let person = &act.person;
        let fields: Vec<Value> =
            fields_of(act).into_iter().map(|(name, value)| object!({"name": name, "value": value})).collect();
        let mut pair = object!({"lead": {
            "firstName": person.first_name, "lastName": person.last_name, "profileUrl": person.profile.as_str(),
            "companyName": person.company, "position": person.position, "customUserFields": fields,
        }});
        if let Some(seat) = account.seat {
            pair["linkedInAccountId"] = seat.into();
        }
        // A campaign that was paused by hand stays paused.
        let body = object!({
            "campaignId": campaign, "accountLeadPairs": [pair],
            "resumeFinishedCampaign": true, "resumePausedCampaign": false,
        });
        let answer = self.call(account, Does::Keyed, &["campaign", "AddLeadsToCampaignV2"], &body).await?;
        if Json(&answer).number("failedLeadsCount").unwrap_or(0.0) > 0.0 {
            let words = "HeyReach could not take the profile.";
            return Err(Failure::Refused(refused(Reason::NoSuchRecipient, "failedLeadsCount", words)));
        }
        let provider_ref = reference(&campaign.to_string(), person.profile.as_str());
        Ok(Receipt { provider_ref, status: Status::Queued, cost: None, at: self.line.now() })
    }

    async fn answer(
        &self,
        account: &HeyReachAccount,
        conversation: &str,
        text: &str,
    ) -> Result<Receipt<Status>, Failure> {
        let Some(seat) = account.seat else {
            let message =
                "An answer needs the seat that has the conversation. Name it in the account.".to_owned();
            return Err(Failure::NotStarted { step: Step::Check, host: String::new(), message });
        };
        let body = object!({
            "conversationId": conversation, "linkedInAccountId": seat, "message": text, "subject": "",
        });
        self.call(account, Does::Once, &["inbox", "SendMessage"], &body).await?;
        let provider_ref = conversation.to_owned();
        Ok(Receipt { provider_ref, status: Status::Sent, cost: None, at: self.line.now() })
    }

    pub(super) async fn find(&self, account: &HeyReachAccount, asked: &Asked) -> Result<Found<Status>> {
        let What::Answer { conversation, text } = &asked.act.what else {
            return Ok(Found::NotSeen);
        };
        let since = asked.first_at.plus_s(-SLACK_S);
        let filters = object!({"leadProfileUrl": asked.act.person.profile.as_str()});
        for item in self.conversations(account, &filters, Some(since)).await? {
            let item = Json(&item);
            let said = item.text("id").as_ref() == Some(conversation)
                && item.items("messages").iter().map(Json).any(|message| {
                    message.words("sender") == "ME"
                        && message.text("body").as_ref() == Some(text)
                        && message.time("createdAt").is_some_and(|at| at >= since)
                });
            if said {
                let provider_ref = conversation.clone();
                return Ok(Found::Taken(Receipt {
                    provider_ref,
                    status: Status::Sent,
                    cost: None,
                    at: asked.last_at,
                }));
            }
        }
        self.line.settled(asked.last_at)?;
        Ok(Found::NotSeen)
    }

    pub(super) async fn stop(&self, account: &HeyReachAccount, profile: &ProfileUrl) -> Result<(), Failure> {
        let campaigns = [account.connect_campaign, account.message_campaign, account.inmail_campaign];
        for campaign in campaigns.into_iter().flatten() {
            let body = object!({"campaignId": campaign, "leadUrl": profile.as_str()});
            match self.call(account, Does::Keyed, &["campaign", "StopLeadInCampaign"], &body).await {
                Ok(_) => {}
                // It is not in this one.
                Err(Failure::Refused(refusal))
                    if matches!(refusal.reason, Reason::Content | Reason::Other) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Newest first; not further than `since`.
    async fn conversations(
        &self,
        account: &HeyReachAccount,
        filters: &Value,
        since: Option<Time>,
    ) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut filters = filters.clone();
        if let Some(seat) = account.seat {
            filters["linkedInAccountIds"] = object!([seat]);
        }
        for page in 0..PAGES {
            let body = object!({"filters": filters, "offset": page * PAGE, "limit": PAGE});
            let path = ["inbox", "GetConversationsV2"];
            let listed = self.call(account, Does::Read, &path, &body).await.map_err(no_answer)?;
            let items = Json(&listed).items("items").to_vec();
            let oldest = items.last().and_then(|item| Json(item).time("lastMessageAt"));
            let full = items.len() >= PAGE;
            all.extend(items);
            let reached = match (oldest, since) {
                (Some(oldest), Some(since)) => oldest < since,
                (None, _) | (_, None) => false,
            };
            if !full || reached {
                break;
            }
        }
        Ok(all)
    }

    pub(super) async fn received(&self, account: &HeyReachAccount, since: Time) -> Result<Vec<Event>> {
        let listed = self.conversations(account, &object!({}), Some(since)).await?;
        let events = listed.iter().map(Json).filter_map(|item| {
            let at = item.time("lastMessageAt")?;
            if at < since || item.words("lastMessageSender") == "ME" {
                return None;
            }
            let profile = item.any(&["correspondentProfile.profileUrl", "correspondentProfile.profile_url"]);
            let reply = Reply {
                from: profile.as_deref().map(normal).unwrap_or_default(),
                from_name: item.any(&["correspondentProfile.fullName", "correspondentProfile.firstName"]),
                to: item.text("linkedInAccountId"),
                text: item.text("lastMessageText"),
                conversation: item.text("id"),
                ..Reply::default()
            };
            Some(replied(reply, item.text("campaignId"), at))
        });
        Ok(events.collect())
    }
}

fn campaign_of(account: &HeyReachAccount, what: &What) -> Result<i64, Failure> {
    let (campaign, words) = match what {
        What::Connect { .. } => (account.connect_campaign, "invite"),
        What::Message { .. } => (account.message_campaign, "write to a connection"),
        What::InMail { .. } => (account.inmail_campaign, "send an InMail"),
        What::Answer { .. } => (None, "answer by a campaign"),
    };
    campaign.ok_or_else(|| Failure::NotStarted {
        step: Step::Check,
        host: String::new(),
        message: format!("The account names no HeyReach campaign to {words}. Build one there and name it."),
    })
}

fn fields_of(act: &Act) -> Vec<(&'static str, String)> {
    let mut fields = vec![("ours", act.id.to_string())];
    match &act.what {
        What::Connect { note } => fields.push(("note", note.clone().unwrap_or_default())),
        What::Message { text } | What::Answer { text, .. } => fields.push(("message", text.clone())),
        What::InMail { subject, text } => {
            fields.push(("inmail_subject", subject.clone()));
            fields.push(("inmail", text.clone()));
        }
    }
    fields
}

/// `{errorMessage}` or `{detail}`.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    refusal(status, "", &Json(&body).any(&["errorMessage", "detail", "title"]).unwrap_or_default())
}

/// A profile's address in one form, or as it came.
fn normal(profile: &str) -> String {
    ProfileUrl::parse(profile).map_or_else(|_| profile.to_owned(), String::from)
}

/// The name of an act: the campaign and the person.
fn reference(campaign: &str, profile: &str) -> String {
    format!("{campaign}:{profile}")
}

/// By webhook, by another webhook of the same reply and by the list it has the same key.
fn replied(reply: Reply, campaign: Option<String>, at: Time) -> Event {
    let conversation = reply.conversation.clone().unwrap_or_else(|| reply.from.clone());
    Event {
        provider: Provider::HeyReach,
        key: format!("reply:{conversation}:{}", at.ms()),
        at,
        provider_ref: campaign.map(|campaign| reference(&campaign, &reply.from)),
        ours: None,
        what: Told::Replied(Box::new(reply)),
    }
}

/// Webhooks of HeyReach: not signed, so that the address is the secret.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::HeyReach
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let newest = event
            .items("recent_messages")
            .iter()
            .filter_map(|message| Some((time_of(Json(message).at("creation_time")?)?, Json(message))))
            .max_by_key(|(at, _)| *at);
        let kind = event.any(&["event_type", "eventType"]).unwrap_or_default().to_ascii_lowercase();
        let profile = event.any(&["lead.profile_url", "lead.profileUrl"]).map(|url| normal(&url));
        let campaign = event.any(&["campaign.id", "campaign_id", "campaignId"]);
        let is_reply = kind.contains("reply")
            || (kind.is_empty()
                && newest
                    .as_ref()
                    .is_some_and(|(_, message)| message.at("is_reply") == Some(&Value::Bool(true))));
        if is_reply {
            let said_at = newest.as_ref().map_or(inbound.received_at, |(at, _)| *at);
            let names = [event.text("lead.first_name"), event.text("lead.last_name")];
            let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let reply = Reply {
                from: profile.unwrap_or_default(),
                from_name: (!name.is_empty()).then_some(name),
                to: event.text("sender.profile_url"),
                text: newest.and_then(|(_, message)| message.text("message")),
                conversation: event.text("conversation_id"),
                ..Reply::default()
            };
            return Ok(replied(reply, campaign, said_at));
        }
        let what = match kind.as_str() {
            "connection_request_sent" | "message_sent" | "inmail_sent" => Told::Sent { message_id: None },
            "connection_request_accepted" => Told::Connected,
            other => Told::Other { kind: other.to_owned() },
        };
        let once = match (kind.as_str(), &newest) {
            // Happens once to a person in a campaign.
            ("connection_request_sent" | "connection_request_accepted", _) => String::new(),
            (_, Some((at, _))) => at.ms().to_string(),
            (_, None) => digest(&inbound.body),
        };
        let who = profile.unwrap_or_default();
        Ok(Event {
            provider: Provider::HeyReach,
            key: format!("{kind}:{}:{who}:{once}", campaign.as_deref().unwrap_or_default()),
            at: event.time("timestamp").unwrap_or(inbound.received_at),
            provider_ref: campaign.map(|campaign| reference(&campaign, &who)),
            ours: None,
            what,
        })
    }
}
