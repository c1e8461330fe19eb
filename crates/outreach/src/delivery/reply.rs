//! Answers that come over providers: an opt-out holds at once and everywhere; a mail goes the way of every
//! mail; what was written or said elsewhere becomes a message of its conversation that a person reads.

use super::store::{self, Touch};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    enrolment,
    reply::process::method_word,
    thread, unsubscribe,
};
use base::Result;
use control::notification::{self, Kind, Notification, Severity};
use db::Cx;
use hooks::inbox::{self, InboxId, Outcome, Received};
use inbound::reply::{Intent, OurMail, understand_text};
use leads::lead;
use mail_builder::MessageBuilder;
use ports::{
    delivery::{CallEnd, Event, Reply},
    voice,
};
use serde_json::json;
use uuid::Uuid;

/// Somebody answered.
pub(super) async fn received(
    cx: &mut Cx,
    inbox: InboxId,
    event: &Event,
    said: &Reply,
    channel: Channel,
    touch: Option<&Touch>,
) -> Result<Outcome> {
    if channel == Channel::Email {
        return mail(cx, event, said).await;
    }
    let lead = match touch {
        Some(touch) => Some(touch.lead),
        None => store::lead_of(cx, &said.from).await?,
    };
    let text = said.text.clone().unwrap_or_default();
    let Some(lead) = lead else {
        let stop = understand_text(&text, event.at, &OurMail::default()).opt_out;
        if stop && said.from.starts_with('+') {
            unsubscribe::stop_number(cx, &said.from, "reply", &text).await?;
            return Ok(Outcome::Processed);
        }
        return Ok(Outcome::Ignored(format!("{} is no lead of ours.", said.from)));
    };
    let last = store::last_touch(cx, lead, channel).await?;
    let touch = touch.or(last.as_ref());
    let ours = OurMail { body: touch.map(|t| t.body.clone()), ..OurMail::default() };
    let understood = understand_text(&text, event.at, &ours);
    let intent = if understood.opt_out { Intent::Unsubscribe } else { understood.intent };
    let message = thread::Inbound {
        lead: Some(lead),
        campaign: touch.map(|t| t.campaign),
        channel,
        references: Vec::new(),
        inbox: inbox.uuid(),
        touch: touch.map(|t| t.id),
        message_id: event.provider_ref.clone(),
        sender: said.from.clone(),
        recipient: said.to.clone().unwrap_or_default(),
        subject: String::new(),
        body: text.clone(),
        intent: intent.name().to_owned(),
        confidence: understood.confidence,
        method: method_word(understood.by).to_owned(),
        understood: json!({"evidence": understood.evidence, "conversation": said.conversation}),
        needs_person: intent != Intent::Unsubscribe,
    };
    let (thread, message) = thread::record_inbound(cx, &message).await?;
    if intent.is_from_person() {
        lead::replied(cx, lead.into()).await?;
        let entry = Entry {
            campaign: touch.map(|t| t.campaign),
            touch: touch.map(|t| t.id),
            channel: Some(channel),
            detail: json!({"intent": intent.name(), "thread_id": thread, "message_id": message}),
            ..Entry::of(Action::Replied, lead, text.clone())
        };
        activity::record(cx, entry).await?;
    }
    if intent == Intent::Unsubscribe {
        unsubscribe::everywhere(cx, lead, &said.from, "reply", &text).await?;
        return Ok(Outcome::Processed);
    }
    enrolment::stop_for_lead(cx, lead, "They answered; a person reads it.").await?;
    announce(cx, thread.uuid(), message.uuid(), &said.from, &text).await?;
    Ok(Outcome::Processed)
}

async fn announce(cx: &mut Cx, thread: Uuid, message: Uuid, from: &str, text: &str) -> Result<()> {
    notification::notify(
        cx,
        &Notification {
            kind: Kind::Reply,
            severity: Severity::Info,
            title: format!("{from} answered"),
            body: text.chars().take(200).collect(),
            href: Some(format!("/inbox/{thread}")),
            dedupe_key: format!("reply:{message}"),
            person: None,
        },
    )
    .await?;
    Ok(())
}

/// A mail that a provider took in goes the way of every mail: kept raw, deduplicated by its Message-ID with
/// what a mailbox brings, read by the same reader.
async fn mail(cx: &mut Cx, event: &Event, said: &Reply) -> Result<Outcome> {
    let mut built =
        MessageBuilder::new().from((said.from_name.clone().unwrap_or_default(), said.from.clone()));
    let to = said.to.clone().unwrap_or_default();
    built = built
        .to(to.clone())
        .subject(said.subject.clone().unwrap_or_default())
        .date(event.at.us() / 1_000_000);
    if let Some(id) = &said.message_id {
        built = built.message_id(id.trim_matches(['<', '>']).to_owned());
    }
    if let Some(id) = &said.in_reply_to {
        built = built.in_reply_to(id.trim_matches(['<', '>']).to_owned());
    }
    const KEPT: [&str; 7] = [
        "references",
        "auto-submitted",
        "x-autoreply",
        "precedence",
        "reply-to",
        "list-id",
        "list-unsubscribe",
    ];
    for (name, value) in &said.headers {
        if KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
            built = built.header(name.clone(), mail_builder::headers::raw::Raw::new(value.clone()));
        }
    }
    built = match (&said.text, &said.html) {
        (Some(text), _) => built.text_body(text.clone()),
        (None, Some(html)) => built.html_body(html.clone()),
        (None, None) => return Ok(Outcome::Ignored("The answer has no words.".to_owned())),
    };
    let raw = built.write_to_vec().map_err(|cause| {
        base::Error::invalid("delivery.mail", "The answer could not be read as a mail.").caused_by(cause)
    })?;
    let dedupe_key = said.message_id.clone().unwrap_or_else(|| event.key.clone());
    let kept = Received { source: "imap", account: to, dedupe_key, headers: json!({}), raw };
    inbox::receive(cx, kept).await?;
    Ok(Outcome::Processed)
}

/// STOP, or the provider's own list of opt-outs.
pub(super) async fn opted_out(
    cx: &mut Cx,
    channel: Channel,
    from: &str,
    words: &str,
    touch: Option<&Touch>,
) -> Result<Outcome> {
    let lead = match touch {
        Some(touch) => Some(touch.lead),
        None => store::lead_of(cx, from).await?,
    };
    if let Some(lead) = lead {
        unsubscribe::everywhere(cx, lead, from, channel.word(), words).await?;
        return Ok(Outcome::Processed);
    }
    // Nobody whom we know under this number: it is remembered all the same.
    if from.starts_with('+') {
        unsubscribe::stop_number(cx, from, channel.word(), words).await?;
        return Ok(Outcome::Processed);
    }
    Ok(Outcome::Ignored(format!("{from} is no lead of ours.")))
}

/// What the person said: an opt-out holds at once; whoever spoke is read by a person.
pub(super) async fn said_on_the_phone(cx: &mut Cx, t: &Touch, end: &CallEnd) -> Result<()> {
    let asked =
        |name: &str| end.data.as_ref().and_then(|data| data.get(name)).and_then(serde_json::Value::as_bool);
    let theirs = end.transcript.as_deref().map(their_words).unwrap_or_default();
    let at = end.ended_at.unwrap_or_else(|| cx.now());
    let opt_out = asked("opt_out") == Some(true) || understand_text(&theirs, at, &OurMail::default()).opt_out;
    if opt_out {
        return unsubscribe::everywhere(cx, t.lead, &t.recipient, "call", "asked not to be called").await;
    }
    match end.outcome {
        voice::Outcome::Completed | voice::Outcome::Transferred => {
            lead::replied(cx, t.lead.into()).await?;
            enrolment::stop_for_lead(cx, t.lead, "They spoke on the phone; a person follows up.").await?;
            notification::notify(
                cx,
                &Notification {
                    kind: Kind::Reply,
                    severity: Severity::Info,
                    title: format!("{} spoke on the phone", t.recipient),
                    body: end.summary.clone().unwrap_or_default(),
                    href: Some(format!("/leads/{}", t.lead)),
                    dedupe_key: format!("call:{}", t.id),
                    person: None,
                },
            )
            .await?;
            Ok(())
        }
        voice::Outcome::Voicemail
        | voice::Outcome::NoAnswer
        | voice::Outcome::Busy
        | voice::Outcome::Rejected
        | voice::Outcome::Silence
        | voice::Outcome::TooLong
        | voice::Outcome::NoSuchNumber
        | voice::Outcome::Cancelled
        | voice::Outcome::Failed
        | voice::Outcome::Unknown => Ok(()),
    }
}

/// The person's lines of a transcript whose lines name who speaks; all of it where none does.
fn their_words(transcript: &str) -> String {
    let named =
        |line: &str| ["user:", "customer:", "human:"].iter().any(|who| line.to_lowercase().starts_with(who));
    let own: Vec<&str> = transcript
        .lines()
        .map(str::trim)
        .filter(|line| named(line))
        .filter_map(|line| line.split_once(':'))
        .map(|(_, words)| words.trim())
        .collect();
    if own.is_empty() { transcript.to_owned() } else { own.join("\n") }
}
