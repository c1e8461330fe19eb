//! The built-in mail sink's side in the database: what it took in, and answering it as the prospect
//! would, by real messages that go the same way as mail read from a mailbox.

pub mod answer;
pub mod pages;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Kept, Letter, Line, find, get, list, store};

use base::{EmailAddress, Error, Result, Time};
use db::{Cx, Fact};
use hooks::inbox::{self, InboxId, Received};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A message that the sink took in.
    LetterId
);

/// How the prospect answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// In their own words.
    Say(String),
    /// Their server says that the mailbox does not exist.
    Bounce,
    /// Their server says that the mailbox is full.
    SoftBounce,
    /// They press the spam button.
    Complain,
    /// Their mailbox says that they are away.
    Away,
}

/// Answers a message as the prospect. It ends in the raw inbox like a polled mail. Errors:
/// `sink.words` for an empty answer.
pub async fn act(cx: &mut Cx, letter: &Letter, what: &Act) -> Result<InboxId> {
    if let Act::Say(words) = what
        && (words.trim().is_empty() || words.chars().count() > 20_000)
    {
        return Err(Error::invalid("sink.words", "Write what the prospect answers, 1 to 20,000 characters."));
    }
    let now = cx.now();
    let id: Uuid = cx.id();
    let raw = answer::build(letter, what, now, id)?;
    let to = answer::sender(letter)?;
    let received = Received {
        source: "sink",
        account: to.as_str().to_owned(),
        dedupe_key: id.to_string(),
        headers: json!({"letter": letter.id, "act": word(what)}),
        raw,
    };
    let kept = inbox::receive(cx, received)
        .await?
        .ok_or_else(|| Error::internal("A fresh answer was kept before."))?;
    store::answered(cx, letter.id).await?;
    cx.publish(Fact::about("outreach.sink.answered", letter.id).with(json!({"act": word(what)}))).await?;
    Ok(kept)
}

fn word(what: &Act) -> &'static str {
    match what {
        Act::Say(_) => "say",
        Act::Bounce => "bounce",
        Act::SoftBounce => "soft_bounce",
        Act::Complain => "complain",
        Act::Away => "away",
    }
}

/// The tenant in the user name with which its mailboxes sign in to the sink.
fn tenant_of(username: Option<&str>) -> Option<Uuid> {
    username?.strip_prefix("tenant-")?.parse().ok()
}

/// The address of the person that a message went to.
fn prospect(letter: &Letter) -> Result<EmailAddress> {
    let to = letter
        .rcpt_to
        .first()
        .ok_or_else(|| Error::internal("The sink kept a message without a recipient."))?;
    EmailAddress::parse(to)
}

/// The date of a message, in the words of a mail header.
fn stamp_s(at: Time) -> i64 {
    at.ms().div_euclid(1_000)
}
