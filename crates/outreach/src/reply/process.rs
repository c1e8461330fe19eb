//! From a kept delivery to rows: read, matched, understood, recorded and acted on in one transaction,
//! together with the mark that it was processed. A delivery that comes late or twice changes nothing.

use super::{
    effects::{self, Received},
    entities,
    find::{self, Belongs},
    judge::{Doubt, Verdict},
};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    thread,
};
use base::{EmailAddress, Error, Result, Time, Zone};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
use hooks::inbox::{self, Delivery, InboxId, Outcome, Status};
use inbound::{
    bounce, machine,
    machine::MailKind,
    mail,
    reply::{Intent, Method, OurMail, Understood, understand_mail},
};
use jiff::civil::Date;
use leads::suppression::{self, Reason, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

/// The sources whose deliveries are mails.
pub const MAIL_SOURCES: [&str; 2] = ["imap", "sink"];

/// What became of a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Processed {
    /// It is a message of a conversation now.
    Message {
        /// The conversation.
        thread: Uuid,
        /// The message.
        message: Uuid,
    },
    /// A delivery report or a complaint was acted on.
    Report,
    /// It has no effect; why.
    Ignored(String),
    /// Somebody processed it before.
    Already,
}

/// The reply in a delivery of which the built-in classifier is not sure; none when it is sure, when it is no
/// reply of a person, or when it was worked on before. Changes nothing.
pub(super) async fn doubt(cx: &mut Cx, id: InboxId) -> Result<Option<Doubt>> {
    let delivery = inbox::get(cx, id).await?;
    match delivery.status {
        Status::Processed | Status::Ignored => return Ok(None),
        Status::Received | Status::Failed => {}
    }
    let message = mail::read(&delivery.raw);
    let kind = machine::judge(&message).kind;
    match kind {
        MailKind::Bounce | MailKind::Complaint => return Ok(None),
        MailKind::Human | MailKind::OutOfOffice | MailKind::AutoReply => {}
    }
    let Read::Reply(reply) = read(cx, &delivery, &message, kind).await? else { return Ok(None) };
    Ok(reply.understood.is_uncertain().then(|| Doubt {
        lead: reply.belongs.lead,
        campaign: reply.belongs.campaign,
        subject: message.subject.clone(),
        words: reply.understood.text.clone(),
        ours: reply.belongs.our_text.clone(),
    }))
}

/// Works on one delivery, with what a model said of it if one was asked. Everything, the mark included, is in
/// the caller's transaction.
pub async fn process(cx: &mut Cx, id: InboxId, verdict: Option<&Verdict>) -> Result<Processed> {
    let Some(delivery) = inbox::claim(cx, id).await? else {
        return Ok(Processed::Already);
    };
    let message = mail::read(&delivery.raw);
    let kind = machine::judge(&message).kind;
    let processed = match kind {
        MailKind::Bounce => bounced(cx, &message).await?,
        MailKind::Complaint => complained(cx, &message).await?,
        MailKind::Human | MailKind::OutOfOffice | MailKind::AutoReply => {
            replied(cx, &delivery, &message, kind, verdict).await?
        }
    };
    let outcome = match &processed {
        Processed::Ignored(why) => Outcome::Ignored(why.clone()),
        Processed::Message { .. } | Processed::Report | Processed::Already => Outcome::Processed,
    };
    inbox::mark(cx, id, &outcome).await?;
    Ok(processed)
}

// ---- answers ----------------------------------------------------------------------------------

/// A reply as it was read, before anything follows from it.
struct Reply {
    from: EmailAddress,
    belongs: Belongs,
    ours: OurMail,
    understood: Understood,
}

/// What a mail of a person or their machine turned out to be.
enum Read {
    /// It has no effect; why.
    Ignored(String),
    /// It is a reply.
    Reply(Box<Reply>),
}

async fn read(cx: &mut Cx, delivery: &Delivery, message: &mail::Inbound, kind: MailKind) -> Result<Read> {
    let ignored = |why: String| Ok(Read::Ignored(why));
    let sender = message.sender().to_owned();
    let Ok(from) = EmailAddress::parse(&sender) else {
        return ignored("It names no sender.".to_owned());
    };
    if find::is_ours(cx, from.as_str()).await? {
        return ignored(format!("{from} is a mailbox of ours."));
    }
    let belongs = belongs(cx, message, &from).await?;
    if belongs.by.is_empty() && automatic(message, kind) {
        return ignored("An automatic mail that answers nothing of ours.".to_owned());
    }
    let ours = our_mail(cx, &belongs).await?;
    let understood = understood(message, delivery.received_at, &ours);
    if let Some(id) = &message.message_id
        && find::came_before(cx, &bracketed(id), from.as_str(), &understood.text).await?
    {
        return ignored("The same mail came before.".to_owned());
    }
    Ok(Read::Reply(Box::new(Reply { from, belongs, ours, understood })))
}

async fn replied(
    cx: &mut Cx,
    delivery: &Delivery,
    message: &mail::Inbound,
    kind: MailKind,
    verdict: Option<&Verdict>,
) -> Result<Processed> {
    let reply = match read(cx, delivery, message, kind).await? {
        Read::Ignored(why) => return Ok(Processed::Ignored(why)),
        Read::Reply(reply) => *reply,
    };
    let Reply { from, belongs, ours, mut understood } = reply;
    let judged =
        verdict.map(|verdict| verdict.apply(&mut understood, delivery.received_at, &ours, from.as_str()));
    let (thread, recorded) = thread::record_inbound(
        cx,
        &thread::Inbound {
            lead: belongs.lead,
            campaign: belongs.campaign,
            channel: Channel::Email,
            references: message.in_reply_to.iter().chain(&message.references).cloned().collect(),
            inbox: delivery.id.uuid(),
            touch: belongs.touch,
            message_id: message.message_id.as_deref().map(bracketed),
            sender: from.as_str().to_owned(),
            recipient: recipient(message, delivery),
            subject: message.subject.chars().take(500).collect(),
            body: understood.text.clone(),
            intent: understood.intent.name().to_owned(),
            confidence: understood.confidence,
            method: method_word(understood.by).to_owned(),
            understood: evidence(message, &understood, &belongs, judged.as_ref()),
            needs_person: true,
        },
    )
    .await?;
    let act = Act {
        from: &from,
        belongs: &belongs,
        thread: thread.uuid(),
        message: recorded.uuid(),
        zone: ours.zone.as_ref(),
        understood: &understood,
        judged: judged.as_ref(),
        preview: preview(&understood.text, &message.subject),
    };
    classified(cx, &act).await?;
    let needs_person = act_on(cx, &act).await?;
    thread::set_needs_person(cx, thread, needs_person).await?;
    announce(cx, &act, needs_person).await?;
    Ok(Processed::Message { thread: thread.uuid(), message: recorded.uuid() })
}

/// By the thread that it names; else by who wrote it.
async fn belongs(cx: &mut Cx, message: &mail::Inbound, from: &EmailAddress) -> Result<Belongs> {
    if let Some(found) = find::by_reference(cx, &message.in_reply_to, &message.references).await? {
        return Ok(found);
    }
    if let Some(found) = find::by_address(cx, from.as_str(), "sender").await? {
        return Ok(found);
    }
    if let Some(reply_to) = &message.reply_to
        && let Some(found) = find::by_address(cx, &reply_to.address, "sender").await?
    {
        return Ok(found);
    }
    Ok(Belongs::default())
}

/// Whether nobody waits for an answer to it: newsletters, receipts, notices.
fn automatic(message: &mail::Inbound, kind: MailKind) -> bool {
    match kind {
        MailKind::OutOfOffice | MailKind::AutoReply => true,
        MailKind::Human | MailKind::Bounce | MailKind::Complaint => {
            message.header("list-id").is_some() || message.header("list-unsubscribe").is_some()
        }
    }
}

async fn our_mail(cx: &mut Cx, belongs: &Belongs) -> Result<OurMail> {
    let (zone, month_first) = find::place(cx, belongs.lead).await?;
    let addresses = find::our_addresses(cx).await?;
    Ok(OurMail { addresses, body: belongs.our_text.clone(), footer: None, zone, month_first })
}

/// Reads the words; an empty mail whose subject asks for it is an opt-out (RFC 2369 `mailto:`).
fn understood(message: &mail::Inbound, received_at: Time, ours: &OurMail) -> Understood {
    let mut found = understand_mail(message, received_at, ours);
    let subject = message.subject.trim().to_lowercase();
    let asked = ["unsubscribe", "opt out", "opt-out", "optout", "remove", "remove me", "stop"]
        .contains(&subject.as_str());
    if asked && matches!(found.intent, Intent::Unclear | Intent::Question) {
        found.intent = Intent::Unsubscribe;
        found.opt_out = true;
        found.confidence = 0.99;
        found.by = Method::Rule;
        found.evidence = format!("Subject: {}", message.subject.trim());
    }
    found
}

/// Our address: the mailbox it was put into, else the one that it is addressed to.
fn recipient(message: &mail::Inbound, delivery: &Delivery) -> String {
    if delivery.account.contains('@') {
        return delivery.account.to_lowercase();
    }
    message
        .delivered_to
        .clone()
        .or_else(|| message.to.first().map(|to| to.address.clone()))
        .unwrap_or_else(|| delivery.account.clone())
}

fn bracketed(id: &str) -> String {
    format!("<{}>", id.trim_matches(['<', '>', ' ']))
}

/// The word of what decided.
pub(crate) fn method_word(method: Method) -> &'static str {
    match method {
        Method::Header => "header",
        Method::Rule => "rule",
        Method::Classifier => "classifier",
        Method::Model => "model",
    }
}

/// Everything that led to the verdict, kept beside it.
fn evidence(message: &mail::Inbound, u: &Understood, belongs: &Belongs, judged: Option<&Value>) -> Value {
    json!({
        "judge": judged,
        "evidence": u.evidence,
        "opt_out": u.opt_out,
        "return_date": u.return_date.map(|date| date.to_string()),
        "times": u.times,
        "questions": u.questions,
        "referral": u.referral,
        "phone": u.phone,
        "objection": u.objection,
        "sentiment": u.sentiment,
        "budget": entities::budget(&u.text),
        "competitor": entities::competitor(&u.text),
        "signature": u.signature,
        "from_name": message.from.as_ref().and_then(|from| from.name.clone()),
        "reply_to": message.reply_to.as_ref().map(|to| to.address.clone()),
        "references": message.references,
        "attachments": message.attachments.iter().filter_map(|a| a.name.clone()).collect::<Vec<_>>(),
        "matched_by": belongs.by,
    })
}

fn preview(text: &str, subject: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = if line.is_empty() { subject.to_owned() } else { line };
    line.chars().take(160).collect()
}

/// A recorded message that is to be acted on.
struct Act<'a> {
    from: &'a EmailAddress,
    belongs: &'a Belongs,
    thread: Uuid,
    message: Uuid,
    zone: Option<&'a Zone>,
    understood: &'a Understood,
    judged: Option<&'a Value>,
    preview: String,
}

/// Who decided what, for the history and for learning.
async fn classified(cx: &mut Cx, act: &Act<'_>) -> Result<()> {
    let u = act.understood;
    let entry = Entry {
        lead: act.belongs.lead,
        campaign: act.belongs.campaign,
        touch: act.belongs.touch,
        channel: Some(Channel::Email),
        action: Action::Classified,
        preview: act.preview.clone(),
        detail: json!({
            "intent": u.intent.name(), "confidence": u.confidence, "method": method_word(u.by), "evidence": u.evidence,
            "judge": act.judged, "objection": u.objection, "thread_id": act.thread, "message_id": act.message,
        }),
        zone: act.zone.cloned(),
    };
    activity::record(cx, entry).await
}

async fn act_on(cx: &mut Cx, act: &Act<'_>) -> Result<bool> {
    let u = act.understood;
    let Some(lead) = act.belongs.lead else {
        return stranger(cx, act).await;
    };
    let objection = serde_json::to_value(u.objection)?.as_str().map(str::to_owned);
    let received = Received {
        lead,
        from: act.from,
        enrolment: act.belongs.enrolment,
        campaign: act.belongs.campaign,
        thread: act.thread,
        message: act.message,
        intent: u.intent,
        return_at: u.return_date.and_then(|date| beginning(date, act.zone)),
        referral: u.referral.as_deref().and_then(|address| EmailAddress::parse(address).ok()),
        objection: objection.as_deref(),
        preview: &act.preview,
    };
    let needs_person = effects::apply(cx, &received).await?;
    // Whatever else the reply says: who asks to be left alone is left alone.
    if u.opt_out && u.intent != Intent::Unsubscribe {
        effects::opt_out(cx, lead, act.from, "reply", &act.preview).await?;
    }
    Ok(needs_person)
}

/// The beginning of a day where the person is.
pub(super) fn beginning(date: Date, zone: Option<&Zone>) -> Option<Time> {
    let zone = zone.cloned().unwrap_or_else(Zone::utc);
    date.to_zoned(zone.tz()).ok().map(|zoned| Time::new(zoned.timestamp()))
}

/// Mail of somebody who is no lead: a person looks at it; an opt-out holds at once all the same.
async fn stranger(cx: &mut Cx, act: &Act<'_>) -> Result<bool> {
    if act.understood.opt_out {
        let entry =
            suppression::New::email(Scope::Platform, act.from, Reason::Unsubscribed, "reply", &act.preview);
        suppression::add(cx, &entry).await?;
        return Ok(false);
    }
    let told = Notification {
        kind: Kind::Reply,
        severity: Severity::Info,
        title: format!("{} wrote, and is no lead", act.from),
        body: act.preview.clone(),
        href: Some(format!("/inbox/{}", act.thread)),
        dedupe_key: format!("reply:{}", act.message),
        person: None,
    };
    notification::notify(cx, &told).await?;
    Ok(true)
}

async fn announce(cx: &mut Cx, act: &Act<'_>, needs_person: bool) -> Result<()> {
    let payload = json!({
        "lead_id": act.belongs.lead, "campaign_id": act.belongs.campaign, "touch_id": act.belongs.touch,
        "thread_id": act.thread, "intent": act.understood.intent.name(), "confidence": act.understood.confidence,
        "needs_person": needs_person, "from": act.from.as_str(), "preview": act.preview,
    });
    cx.publish(Fact::about("outreach.reply.received", act.message).with(payload)).await
}

// ---- delivery reports and complaints ------------------------------------------------------------

/// How long after a message a report without its Message-ID is taken for it.
const REPORT_DAYS: i64 = 30;

async fn bounced(cx: &mut Cx, message: &mail::Inbound) -> Result<Processed> {
    let report = bounce::read(message);
    let original: Vec<String> = report.original_message_id.iter().cloned().collect();
    let original = find::by_reference(cx, &original, &[]).await?;
    let one = report.failures.len() == 1;
    let mut matched = false;
    for failure in &report.failures {
        // A report about one recipient is about the message that it names, also when the address was
        // rewritten on the way.
        let belongs = match &original {
            Some(found) if one => Some(found.clone()),
            Some(_) | None => find::by_address(cx, &failure.address, "recipient").await?,
        };
        let Some(belongs) = belongs else { continue };
        let Some(lead) = belongs.lead else { continue };
        matched = true;
        failed(cx, lead, &belongs, failure).await?;
    }
    if report.failures.is_empty()
        && let Some(belongs) = &original
        && let Some(lead) = belongs.lead
    {
        note_failure(
            cx,
            lead,
            belongs,
            "A delivery report that names no recipient and no reason.",
            &json!({}),
        )
        .await?;
        matched = true;
    }
    if matched {
        Ok(Processed::Report)
    } else {
        Ok(Processed::Ignored("A delivery report about mail that is not ours.".to_owned()))
    }
}

async fn failed(cx: &mut Cx, lead: Uuid, belongs: &Belongs, failure: &bounce::Failure) -> Result<()> {
    if failure.action == inbound::Action::Nothing {
        return Ok(());
    }
    let detail = reason_line(failure);
    if failure.hard {
        let since = cx.now().plus_days(-REPORT_DAYS);
        if !find::is_known(cx, lead, belongs.touch, Action::Bounced, since).await? {
            effects::bounced(cx, lead, belongs.touch, &detail).await?;
        }
        return Ok(());
    }
    let about = json!({"reason": failure.reason, "status": failure.status, "reply": failure.reply, "to_do": failure.action, "delayed": failure.delayed});
    note_failure(cx, lead, belongs, &detail, &about).await?;
    if let (Some(advice), false) = (advice(failure.action), failure.delayed) {
        let told = Notification {
            kind: Kind::Health,
            severity: Severity::Warning,
            title: format!("A mail to {} came back", failure.address),
            body: format!("{advice} The server said: {}", failure.diagnostic),
            href: Some(format!("/leads/{lead}")),
            dedupe_key: format!("bounce:{}", belongs.touch.unwrap_or(lead)),
            person: None,
        };
        notification::notify(cx, &told).await?;
    }
    Ok(())
}

fn reason_line(failure: &bounce::Failure) -> String {
    let status = failure.status.as_deref().unwrap_or("no status");
    format!("{} ({status}): {}", failure.address, failure.diagnostic).chars().take(400).collect()
}

async fn note_failure(cx: &mut Cx, lead: Uuid, belongs: &Belongs, line: &str, about: &Value) -> Result<()> {
    let entry = Entry {
        campaign: belongs.campaign,
        touch: belongs.touch,
        channel: Some(Channel::Email),
        detail: json!({"delivery": about}),
        ..Entry::of(Action::Noted, lead, line)
    };
    activity::record(cx, entry).await
}

/// What a person should do about a failure that is not the address's fault; none: nothing now.
fn advice(action: inbound::Action) -> Option<&'static str> {
    use inbound::Action as Do;
    match action {
        Do::SlowMailbox => Some("The recipient's side objects to the sender: send less from this mailbox."),
        Do::FixSenderDns => Some("Repair SPF, DKIM, DMARC or the sender's address."),
        Do::FixContent => Some("Change what is sent."),
        Do::Review => Some("Look at it."),
        Do::SuppressAddress | Do::RetryLater | Do::Nothing => None,
    }
}

async fn complained(cx: &mut Cx, message: &mail::Inbound) -> Result<Processed> {
    let complaint = bounce::complaints(message);
    if complaint.feedback_type.as_deref() == Some("not-spam") {
        return Ok(Processed::Ignored("A report that a mail is not spam.".to_owned()));
    }
    let original: Vec<String> = complaint.original_message_id.iter().cloned().collect();
    let belongs = match find::by_reference(cx, &original, &[]).await? {
        Some(found) => Some(found),
        None => match complaint.recipients.first() {
            Some(address) => find::by_address(cx, address, "recipient").await?,
            None => None,
        },
    };
    let address = complaint.recipients.first().and_then(|text| EmailAddress::parse(text).ok());
    let Some((lead, belongs)) = belongs.and_then(|b| b.lead.map(|lead| (lead, b))) else {
        return unknown_complaint(cx, address).await;
    };
    let own = leads::lead::contact(cx, lead.into()).await?.email;
    // Reports hide the address as a rule; the message that they bring back names the lead.
    let Some(address) = address.or(own) else {
        return Err(Error::internal("A complaint names neither an address nor a lead that has one."));
    };
    let since = cx.now().plus_days(-REPORT_DAYS);
    if !find::is_known(cx, lead, belongs.touch, Action::Complained, since).await? {
        effects::complained(cx, lead, &address, belongs.touch).await?;
    }
    Ok(Processed::Report)
}

/// A complaint about mail that we cannot find: the address is left alone everywhere, and a person
/// is told.
async fn unknown_complaint(cx: &mut Cx, address: Option<EmailAddress>) -> Result<Processed> {
    if let Some(address) = &address {
        let entry = suppression::New::email(
            Scope::Platform,
            address,
            Reason::Complained,
            "complaint",
            "reported as spam",
        );
        suppression::add(cx, &entry).await?;
    }
    let who = address.map_or_else(|| "Somebody".to_owned(), |address| address.to_string());
    let told = Notification {
        kind: Kind::Complaint,
        severity: Severity::Critical,
        title: format!("{who} reported a mail as spam"),
        body: "The report does not say which mail; look at it in the raw inbox.".to_owned(),
        href: Some("/operations/inbox".to_owned()),
        dedupe_key: format!("complaint:{who}"),
        person: None,
    };
    notification::notify(cx, &told).await?;
    Ok(Processed::Report)
}
