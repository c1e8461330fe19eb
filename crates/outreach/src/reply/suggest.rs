//! Answers to questions, from the client's knowledge base: each sentence rests on an entry, and where
//! none answers, nothing is said.

use super::words;
use crate::{
    content::{
        claims::{self, Ground},
        model::{self, LlmSettings, Purse},
    },
    knowledge::{self, Found, KnowledgeId},
};
use base::{Digest, Result};
use db::Cx;
use ports::{
    Ports,
    llm::{Message, Request, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const PROMPT: &str = include_str!("../../prompts/reply-answer.md");
/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 1_000;
/// Questions of one message that are answered at most.
const QUESTIONS_MAX: usize = 5;
/// Characters of one answer that are sent at most; more is for a person to shorten.
const ANSWER_CHARS: usize = 900;

/// An entry that an answer rests on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cite {
    /// Which.
    pub knowledge: KnowledgeId,
    /// What it answers.
    pub question: String,
    /// Its words.
    pub quote: String,
    /// The page that it stands on.
    pub source_url: Option<String>,
    /// Whether a person confirmed it.
    pub checked: bool,
}

/// One question with what answers it.
pub(super) struct Matter {
    pub question: String,
    pub found: Vec<Found>,
}

/// What is suggested.
pub(super) struct Suggestion {
    /// The words between greeting and sign-off.
    pub core: String,
    /// What they rest on.
    pub cites: Vec<Cite>,
    /// Questions that nothing answers.
    pub open: Vec<String>,
    /// Who wrote it.
    pub by: String,
    /// The prompt, when a model wrote it.
    pub prompt_version: Option<String>,
}

impl Suggestion {
    /// Whether it may leave without a person, where the mode allows that: everything is answered, from
    /// entries that a person confirmed.
    pub(super) fn is_simple(&self) -> bool {
        self.open.is_empty() && self.cites.iter().all(|cite| cite.checked)
    }
}

/// Looks every question of a message up; the whole message counts as one where none was told apart.
pub(super) async fn matters(cx: &mut Cx, questions: &[String], body: &str) -> Result<Vec<Matter>> {
    let whole = [body.to_owned()];
    let asked = if questions.is_empty() { &whole[..] } else { questions };
    let mut matters = Vec::new();
    for question in asked.iter().take(QUESTIONS_MAX) {
        let found = knowledge::search(cx, question).await?;
        matters.push(Matter { question: question.trim().to_owned(), found });
    }
    Ok(matters)
}

/// The entries' own words, one for each question; none where nothing is answered.
pub(super) fn built(matters: &[Matter]) -> Option<Suggestion> {
    let (answered, open): (Vec<&Matter>, Vec<&Matter>) =
        matters.iter().partition(|matter| !matter.found.is_empty());
    let best: Vec<(&Matter, &Found)> =
        answered.into_iter().filter_map(|matter| Some((matter, matter.found.first()?))).collect();
    if best.is_empty() {
        return None;
    }
    let mut said: Vec<KnowledgeId> = Vec::new();
    let mut parts = vec!["Thank you for asking.".to_owned()];
    for (matter, found) in &best {
        if said.contains(&found.id) {
            continue;
        }
        said.push(found.id);
        let answer = crate::content::text::cut_chars(found.answer.trim(), ANSWER_CHARS);
        parts.push(if best.len() > 1 { format!("“{}”\n{answer}", matter.question) } else { answer });
    }
    let mut cites: Vec<Cite> = Vec::new();
    for (_, found) in best {
        if !cites.iter().any(|cite| cite.knowledge == found.id) {
            cites.push(cite(found));
        }
    }
    Some(Suggestion {
        core: parts.join("\n\n"),
        cites,
        open: open.into_iter().map(|matter| matter.question.clone()).collect(),
        by: "built-in".to_owned(),
        prompt_version: None,
    })
}

fn cite(found: &Found) -> Cite {
    Cite {
        knowledge: found.id,
        question: found.question.clone(),
        quote: found.answer.clone(),
        source_url: found.source_url.clone(),
        checked: found.checked,
    }
}

#[derive(Deserialize)]
struct Said {
    body: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    entries: Vec<String>,
}

/// Words of a model over the same entries. None when it may not be asked, does not answer, or says what
/// no entry says: the entries' own words are sent then.
pub(super) async fn modelled(
    ports: &Ports,
    settings: &LlmSettings,
    purse: &Purse<'_>,
    matters: &[Matter],
    names: &str,
) -> Result<Option<Suggestion>> {
    let Some(mut suggestion) = built(matters) else { return Ok(None) };
    let entries: Vec<&Found> = matters.iter().flat_map(|matter| &matter.found).collect();
    let shown: Vec<_> = entries
        .iter()
        .map(|found| json!({"id": found.id, "question": found.question, "answer": found.answer}))
        .collect();
    let asked: Vec<&str> =
        matters.iter().filter(|m| !m.found.is_empty()).map(|m| m.question.as_str()).collect();
    let text = json!({"type": "string"});
    let request = Request {
        system: PROMPT.to_owned(),
        messages: vec![Message {
            role: Role::User,
            text: json!({"questions": asked, "entries": shown}).to_string(),
        }],
        max_output_tokens: MAX_OUTPUT_TOKENS,
        schema: Some(json!({
            "type": "object", "additionalProperties": false, "required": ["body", "sentences"],
            "properties": {"body": text, "sentences": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["text", "entries"],
                "properties": {"text": text, "entries": {"type": "array", "items": text}},
            }}},
        })),
        purpose: "outreach.answer".to_owned(),
    };
    let mut cost = 0;
    let Ok(answer) = model::ask(ports, &settings.account, purse, &request, &mut cost).await? else {
        return Ok(None);
    };
    let Some(said) = answer.json.and_then(|json| serde_json::from_value::<Said>(json).ok()) else {
        return Ok(None);
    };
    let Some(cites) = carried(&said, &entries, names) else { return Ok(None) };
    suggestion.core = said.body.trim().replace("\r\n", "\n");
    suggestion.cites = cites;
    suggestion.by = answer.spent.model;
    suggestion.prompt_version = Some(Digest::of(PROMPT.as_bytes()).short());
    Ok(Some(suggestion))
}

/// The entries that a model's words rest on; none when a sentence names none, names one that was not
/// shown, or says what they do not say.
fn carried(said: &Said, entries: &[&Found], names: &str) -> Option<Vec<Cite>> {
    let body = said.body.trim();
    if body.is_empty() || body.contains("://") || body.chars().count() > 2_000 {
        return None;
    }
    let texts: Vec<String> =
        entries.iter().map(|found| format!("{}\n{}", found.question, found.answer)).collect();
    if !claims::unsupported(&Ground::of_texts(&texts, names), body).is_empty() {
        return None;
    }
    let mut cites: Vec<Cite> = Vec::new();
    for sentence in &said.sentences {
        if sentence.entries.is_empty() && !claims::stems(&sentence.text).is_empty() {
            return None;
        }
        for id in &sentence.entries {
            let found = entries.iter().find(|found| found.id.to_string() == *id)?;
            if !cites.iter().any(|cite| cite.knowledge == found.id) {
                cites.push(cite(found));
            }
        }
    }
    (!cites.is_empty()).then_some(cites)
}

/// Greeting, words and sign-off.
pub(super) fn whole(suggestion: &Suggestion, facts: &words::Facts<'_>) -> String {
    words::whole(&suggestion.core, facts)
}
