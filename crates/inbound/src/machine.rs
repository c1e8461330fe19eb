//! Machine mail told from people's, by headers before any word is judged.

use super::mail::Inbound;

/// What kind of sender wrote a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// A person is away (vacation notice).
    OutOfOffice,
    /// Another automatic answer: receipt, ticket, read notice, list mail.
    AutoReply,
    /// A delivery report (RFC 3464 or free text).
    Bounce,
    /// An abuse report (ARF, RFC 5965).
    Complaint,
    /// A person, as far as headers tell.
    Human,
}

/// The kind and the header that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Kind of sender.
    pub kind: MailKind,
    /// The header line or words that decided it.
    pub evidence: String,
    /// Whether the header leaves no room for a person (`Auto-Submitted: auto-replied`), unlike
    /// `Precedence: bulk` or `List-Id`, which help desks and lists put on people's words too.
    pub certain: bool,
}

impl Verdict {
    fn new(kind: MailKind, evidence: impl Into<String>, certain: bool) -> Self {
        Self { kind, evidence: evidence.into(), certain }
    }
}

/// Judges by headers; the body is read only to tell an absence notice from another auto-reply.
pub fn judge(mail: &Inbound) -> Verdict {
    complaint(mail)
        .or_else(|| bounce(mail))
        .or_else(|| automatic(mail))
        .or_else(|| weak(mail))
        .unwrap_or_else(|| Verdict::new(MailKind::Human, String::new(), false))
}

fn complaint(mail: &Inbound) -> Option<Verdict> {
    let feedback = mail.report_type.as_deref() == Some("feedback-report")
        || mail.parts.iter().any(|part| part.media_type == "message/feedback-report");
    if feedback {
        return Some(Verdict::new(MailKind::Complaint, "report-type=feedback-report", true));
    }
    // Microsoft's Junk Mail Reporting Program sends no ARF part.
    let jmrp = mail.header("x-hmxmroriginalrecipient").is_some()
        || (mail.sender().starts_with("staff@hotmail.")
            && mail.subject.starts_with("complaint about message"));
    if jmrp {
        return Some(Verdict::new(MailKind::Complaint, "Microsoft junk mail report", true));
    }
    let loopback = mail.header("x-apple-unsubscribe").is_some();
    loopback.then(|| Verdict::new(MailKind::Complaint, "X-Apple-Unsubscribe", true))
}

fn bounce(mail: &Inbound) -> Option<Verdict> {
    if mail.report_type.as_deref() == Some("disposition-notification") {
        return Some(Verdict::new(MailKind::AutoReply, "report-type=disposition-notification", true));
    }
    let report = mail.report_type.as_deref() == Some("delivery-status")
        || mail.parts.iter().any(|part| is_status(&part.media_type));
    if report {
        return Some(Verdict::new(MailKind::Bounce, "message/delivery-status", true));
    }
    if let Some(failed) = mail.header("x-failed-recipients") {
        return Some(Verdict::new(MailKind::Bounce, format!("X-Failed-Recipients: {failed}"), true));
    }
    let null_sender = mail.return_path.as_deref() == Some("");
    let sender = mail.sender();
    let local = sender.split('@').next().unwrap_or_default();
    let daemon = ["mailer-daemon", "postmaster", "mail-daemon", "mmdf", "mdaemon", "poostmaster"]
        .contains(&local)
        || mail.header("from").is_some_and(|from| {
            let from = from.to_ascii_lowercase();
            ["mailer-daemon", "mail delivery s", "mail delivery subsystem", "postmaster"]
                .iter()
                .any(|name| from.contains(name))
        });
    let subject = mail.subject.to_lowercase();
    let worded = BOUNCE_SUBJECTS.iter().find(|words| subject.contains(**words));
    match (daemon, null_sender, worded) {
        (true, _, _) => Some(Verdict::new(MailKind::Bounce, format!("From: {sender}"), true)),
        (false, _, Some(words)) if null_sender || reads_like_report(&mail.text) => {
            Some(Verdict::new(MailKind::Bounce, format!("Subject: {words}"), true))
        }
        (false, _, _) => reads_like_report(&mail.text)
            .then(|| Verdict::new(MailKind::Bounce, "words of a delivery report", true))
            .filter(|_| null_sender || mail.sender().starts_with("no-reply@sns.")),
    }
}

/// Whether a media type is one of the machine-readable delivery reports (RFC 3464, RFC 6533).
pub(super) fn is_status(media_type: &str) -> bool {
    matches!(media_type, "message/delivery-status" | "message/global-delivery-status")
}

const BOUNCE_SUBJECTS: &[&str] = &[
    "undeliverable",
    "undelivered mail",
    "delivery status notification",
    "delivery failure",
    "delivery failed",
    "delivery notification",
    "failure notice",
    "mail delivery failed",
    "returned mail",
    "mail system error",
    "mail failure",
    "failed delivery",
    "message delivery failure",
    "unzustellbar",
    "non remis",
    "no se puede entregar",
    "non recapitabile",
    "aws notification message",
    "not member",
    "not a member",
    "could not be delivered",
    "undelivered",
    "delivery problem",
    "delivery status",
    "delivery error",
    "returned to sender",
    "nondeliverable",
    "mail could not",
];

fn reads_like_report(text: &str) -> bool {
    let head: String = text.chars().take(4_000).collect::<String>().to_lowercase();
    [
        "could not be delivered",
        "couldn't be delivered",
        "did not reach the following recipient",
        "delivery to the following recipient",
        "delivery has failed to these recipients",
        "unable to deliver",
        "was not delivered to",
        "permanent error",
        "undeliverable address",
        "\"notificationtype\"",
        "recipient address rejected",
        "not a member of this mailing list",
        "user unknown",
    ]
    .iter()
    .any(|words| head.contains(words))
}

fn automatic(mail: &Inbound) -> Option<Verdict> {
    let submitted = mail.header("auto-submitted").map(str::to_ascii_lowercase);
    if let Some(value) = submitted.as_deref().filter(|value| !value.starts_with("no")) {
        return Some(split_absence(mail, format!("Auto-Submitted: {value}")));
    }
    for name in [
        "x-autoreply",
        "x-autorespond",
        "x-autoresponder",
        "x-auto-reply",
        "x-autoreply-from",
        "x-mail-autoreply",
        "x-ms-exchange-inbox-rules-loop",
    ] {
        if let Some(value) = mail.header(name).filter(|value| !value.eq_ignore_ascii_case("no")) {
            return Some(split_absence(mail, format!("{name}: {value}")));
        }
    }
    if mail.header("x-precedence").or_else(|| mail.header("precedence")).is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("auto_reply") || value.contains("auto-reply")
    }) {
        return Some(split_absence(mail, "Precedence: auto_reply".to_owned()));
    }
    let subject = mail.subject.to_lowercase();
    if let Some(words) = AUTO_SUBJECTS.iter().find(|words| subject.starts_with(**words)) {
        return Some(split_absence(mail, format!("Subject: {words}")));
    }
    let suppressed = mail.header("x-auto-response-suppress").is_some();
    (suppressed && (reads_like_absence(&subject) || reads_like_absence(&head_of(mail))))
        .then(|| Verdict::new(MailKind::OutOfOffice, "X-Auto-Response-Suppress", true))
}

const AUTO_SUBJECTS: &[&str] = &[
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "automatische antwort",
    "abwesenheit",
    "réponse automatique",
    "reponse automatique",
    "respuesta automática",
    "respuesta automatica",
    "out of office",
    "out of the office",
    "risposta automatica",
    "automatisch antwoord",
    "resposta automática",
    "auto:",
    "vacation reply",
    "away from office",
];

fn split_absence(mail: &Inbound, evidence: String) -> Verdict {
    let away = reads_like_absence(&mail.subject.to_lowercase()) || reads_like_absence(&head_of(mail));
    Verdict::new(if away { MailKind::OutOfOffice } else { MailKind::AutoReply }, evidence, true)
}

fn head_of(mail: &Inbound) -> String {
    mail.text.chars().take(1_500).collect::<String>().to_lowercase().replace('’', "'")
}

/// Whether lower-case text speaks of an absence.
pub fn reads_like_absence(text: &str) -> bool {
    ABSENCE.iter().any(|words| text.contains(words))
}

const ABSENCE: &[&str] = &[
    "out of office",
    "out of the office",
    "out-of-office",
    "ooo until",
    "away from the office",
    "away from my desk",
    "i am away",
    "i'm away",
    "i am currently away",
    "currently away",
    "on annual leave",
    "on leave",
    "on parental leave",
    "on maternity leave",
    "on vacation",
    "on holiday",
    "on holidays",
    "on sick leave",
    "limited access to email",
    "limited access to my email",
    "will be back on",
    "i'll be back on",
    "will return on",
    "returning on",
    "return to the office",
    "back in the office",
    "nicht im büro",
    "nicht im hause",
    "im urlaub",
    "abwesend",
    "abwesenheit",
    "absent du bureau",
    "absente du bureau",
    "je suis absent",
    "je suis en congé",
    "en congés",
    "de retour le",
    "absence du bureau",
    "fuera de la oficina",
    "fuera de oficina",
    "de vacaciones",
    "estaré de vuelta",
    "ausente",
    "fuori sede",
    "in ferie",
    "afwezig",
];

fn weak(mail: &Inbound) -> Option<Verdict> {
    let precedence = mail.header("precedence").map(str::to_ascii_lowercase);
    if let Some(value) = precedence.filter(|value| matches!(value.as_str(), "bulk" | "junk" | "list")) {
        let mut verdict = split_absence(mail, format!("Precedence: {value}"));
        verdict.certain = verdict.kind == MailKind::OutOfOffice;
        return Some(verdict);
    }
    if mail.return_path.as_deref() == Some("") {
        return Some(split_absence(mail, "Return-Path: <>".to_owned()));
    }
    let local = mail.sender().split('@').next().unwrap_or_default();
    if ["no-reply", "noreply", "donotreply", "do-not-reply"].contains(&local) {
        return Some(split_absence(mail, format!("From: {}", mail.sender())));
    }
    mail.header("list-id").map(|id| Verdict::new(MailKind::AutoReply, format!("List-Id: {id}"), false))
}
