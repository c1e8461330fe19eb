//! At which step of the conversation a server refused. It tells an unknown address, refused at RCPT,
//! from a filter that says “unknown” after it has read the message.

/// A step of an SMTP conversation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Connection, greeting, EHLO or STARTTLS.
    Connect,
    /// The sender.
    Mail,
    /// The recipient.
    Rcpt,
    /// The message.
    Data,
}

/// Words of mail servers about the step, lower case.
const SAID: &[(&str, Command)] = &[
    // Postfix
    ("in reply to rcpt", Command::Rcpt),
    ("in reply to mail", Command::Mail),
    ("in reply to data", Command::Data),
    ("in reply to end of data", Command::Data),
    ("in reply to message", Command::Data),
    ("in reply to ehlo", Command::Connect),
    ("in reply to helo", Command::Connect),
    ("while receiving the initial server greeting", Command::Connect),
    ("while performing the", Command::Connect),
    ("while sending rcpt", Command::Rcpt),
    ("while sending mail", Command::Mail),
    ("while sending end of data", Command::Data),
    ("while sending message body", Command::Data),
    // Exim
    ("after rcpt to", Command::Rcpt),
    ("after mail from", Command::Mail),
    ("after end of data", Command::Data),
    ("after data", Command::Data),
    ("after pipelined rcpt", Command::Rcpt),
    ("after pipelined mail", Command::Mail),
    ("after pipelined end of data", Command::Data),
    ("after ehlo", Command::Connect),
    ("after helo", Command::Connect),
    ("after initial connection", Command::Connect),
    ("after starttls", Command::Connect),
    // qmail
    ("does not like recipient", Command::Rcpt),
    ("does not like sender", Command::Mail),
    ("failed on data command", Command::Data),
    ("failed after i sent the message", Command::Data),
    ("but my name was rejected", Command::Connect),
    ("but greeting failed", Command::Connect),
    ("but sender was rejected", Command::Mail),
    // DragonFly
    ("did not like our rcpt", Command::Rcpt),
    ("did not like our mail", Command::Mail),
    ("did not like our data", Command::Data),
    ("did not like our final data", Command::Data),
    ("did not like our ehlo", Command::Connect),
    ("did not like our helo", Command::Connect),
    // others
    ("refused to talk to me", Command::Connect),
    ("for text command", Command::Data),
    ("smtp command data", Command::Data),
    ("smtp command rcpt", Command::Rcpt),
    ("smtp command mail", Command::Mail),
    ("reply to the data", Command::Data),
    ("response to the data", Command::Data),
    ("response to the rcpt", Command::Rcpt),
    ("response to the mail", Command::Mail),
    ("response to rcpt", Command::Rcpt),
    ("sent: rcpt", Command::Rcpt),
    ("sent: mail", Command::Mail),
    ("sent: data", Command::Data),
];

/// The step that words about one recipient, or else the whole text, tell.
pub(super) fn find(said: &str, whole: &str, address: &str) -> Option<Command> {
    named(said).or_else(|| in_transcript(whole, address)).or_else(|| quoted(said)).or_else(|| named(whole))
}

fn named(text: &str) -> Option<Command> {
    let low = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let first = SAID.iter().filter_map(|(words, command)| Some((low.find(words)?, *command)));
    first.min_by_key(|(at, _)| *at).map(|(_, command)| command)
}

/// The last step whose command stands in the words as it is sent, in capitals.
fn quoted(text: &str) -> Option<Command> {
    let sent = [
        ("HELO", Command::Connect),
        ("EHLO", Command::Connect),
        ("STARTTLS", Command::Connect),
        ("MAIL F", Command::Mail),
        ("RCPT", Command::Rcpt),
        ("DATA", Command::Data),
    ];
    let mut from = 0;
    let mut last = None;
    for (name, command) in sent {
        if let Some(at) = text.get(from..).and_then(|rest| rest.find(name)) {
            from += at;
            last = Some(command);
        }
    }
    last
}

/// Sendmail's transcript: `>>> RCPT To:<a>` before `<<< 550 no`. The step before the first failure,
/// or that before the answer that names the address.
fn in_transcript(text: &str, address: &str) -> Option<Command> {
    let mut last = None;
    let mut refused = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(sent) = line.strip_prefix(">>>") {
            last = step(sent.trim());
        } else if let Some(answer) = line.strip_prefix("<<<") {
            let failed = answer.trim().starts_with(['4', '5']);
            if failed && answer.to_ascii_lowercase().contains(address) {
                return last;
            }
            if failed && refused.is_none() {
                // An answer to nothing is the greeting.
                refused = last.or(Some(Command::Connect));
            }
        }
    }
    refused
}

fn step(sent: &str) -> Option<Command> {
    let low = sent.to_ascii_lowercase();
    let is = |name: &str| low.starts_with(name);
    if is("rcpt") {
        Some(Command::Rcpt)
    } else if is("mail") {
        Some(Command::Mail)
    } else if is("data") || is(".") {
        Some(Command::Data)
    } else if is("ehlo") || is("helo") || is("starttls") || is("lhlo") {
        Some(Command::Connect)
    } else {
        None
    }
}
