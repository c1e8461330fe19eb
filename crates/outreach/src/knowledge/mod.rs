//! The client's knowledge: questions and answers in its own words. Suggested answers rest on these rows
//! and on nothing else.

pub mod api;
pub mod import;
pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use rules::Found;
pub use store::{Entry, get, list};

use base::{Error, Result};
use db::{Cx, Fact};
use serde_json::json;

base::id_type!(
    /// An entry of the knowledge base.
    KnowledgeId
);

/// Characters of a question at most.
pub const QUESTION_CHARS: u32 = 300;
/// Characters of an answer at most.
pub const ANSWER_CHARS: u32 = 4_000;

/// An entry to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct New {
    /// What it answers.
    pub question: String,
    /// The answer, as it may be sent.
    pub answer: String,
    /// The page that it stands on; none when a person wrote it.
    pub source_url: Option<String>,
}

fn checked(question: &str, answer: &str) -> Result<(String, String)> {
    let (question, answer) = (question.trim(), answer.trim().replace("\r\n", "\n"));
    let fits = |text: &str, most: u32| {
        let chars = text.chars().count();
        chars > 0 && chars <= usize::try_from(most).unwrap_or(usize::MAX) && !text.contains('\0')
    };
    if !fits(question, QUESTION_CHARS) || question.chars().any(char::is_control) {
        return Err(Error::invalid(
            "knowledge.question",
            "Give a question on one line, of 1 to 300 characters.",
        ));
    }
    if !fits(&answer, ANSWER_CHARS) {
        return Err(Error::invalid("knowledge.answer", "Give an answer of 1 to 4,000 characters."));
    }
    Ok((question.to_owned(), answer))
}

/// Adds an entry. What a person adds is confirmed by that; what is read from a website is not yet. None
/// when it is there already. Errors: `knowledge.question`, `knowledge.answer`.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Option<KnowledgeId>> {
    let (question, answer) = checked(&new.question, &new.answer)?;
    let id = store::insert(cx, &question, &answer, new.source_url.as_deref()).await?;
    if let Some(id) = id {
        cx.publish(
            Fact::about("outreach.knowledge.added", id)
                .with(json!({"from_website": new.source_url.is_some()})),
        )
        .await?;
    }
    Ok(id)
}

/// Changes an entry, and with that confirms it.
pub async fn change(cx: &mut Cx, id: KnowledgeId, question: &str, answer: &str) -> Result<()> {
    let (question, answer) = checked(question, answer)?;
    store::change(cx, id, &question, &answer).await?;
    cx.publish(Fact::about("outreach.knowledge.changed", id)).await
}

/// Confirms that what was read from the website holds.
pub async fn confirm(cx: &mut Cx, id: KnowledgeId) -> Result<()> {
    store::confirm(cx, id).await?;
    cx.publish(Fact::about("outreach.knowledge.changed", id)).await
}

/// Takes an entry out of use.
pub async fn remove(cx: &mut Cx, id: KnowledgeId) -> Result<()> {
    store::remove(cx, id).await?;
    cx.publish(Fact::about("outreach.knowledge.removed", id)).await
}

/// Entries that a search looks at, at most.
const CANDIDATES: i64 = 30;

/// What answers a question, the best first; empty where nothing does. Nothing is guessed: an entry must
/// speak of most of what is asked, and of every name in it.
pub async fn search(cx: &mut Cx, question: &str) -> Result<Vec<Found>> {
    let lexemes = store::lexemes(cx, question).await?;
    let asked = rules::Asked::new(question, &lexemes);
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let candidates = store::candidates(cx, &asked.any(), CANDIDATES).await?;
    Ok(rules::rank(&asked, candidates))
}
