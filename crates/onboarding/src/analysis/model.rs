//! A language model reads the same pages. What it says is kept only where its words stand on a page: the
//! quote to the letter, and the value in the quote.

use super::field::{Field, Read};
use crate::Needs;
use ::jobs::Run;
use base::{Digest, Result};
use discovery::Page;
use outreach::content::{
    LlmSettings,
    model::{self, Purse},
};
use ports::llm::{Message, Request, Role};
use serde::Deserialize;
use serde_json::json;

const PROMPT: &str = include_str!("../../prompts/onboarding-read.md");
/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 4_000;
/// Characters of all pages that are shown at most.
const SHOWN_CHARS: usize = 48_000;
/// How sure a value of a model is held to be: below what the rules are sure of.
const CONFIDENCE: f32 = 0.55;
/// Values that are taken over at most.
const VALUES_MAX: usize = 60;
/// Words of a quote at least, or it could stand anywhere.
const QUOTE_WORDS: usize = 3;

/// What came of asking.
pub(super) struct Answer {
    pub found: Vec<Read>,
    pub model: Option<String>,
    pub prompt_version: String,
    pub note: String,
    pub cost_micros: i64,
}

#[derive(Deserialize)]
struct Said {
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    field: String,
    value: String,
    page: String,
    quote: String,
}

/// Asks within the budget, and keeps what stands on a page.
pub(super) async fn read(
    run: &Run,
    needs: &Needs,
    settings: &LlmSettings,
    pages: &[Page],
    known: &[Read],
) -> Result<Answer> {
    let mut answer = Answer {
        found: Vec::new(),
        model: None,
        prompt_version: Digest::of(PROMPT.as_bytes()).short(),
        note: String::new(),
        cost_micros: 0,
    };
    let purse = Purse::of(run, "onboarding", "onboarding.read")?;
    let request = request(pages);
    let asked =
        model::ask(&needs.ports, &settings.account, &purse, &request, &mut answer.cost_micros).await?;
    let said = match asked {
        Ok(said) => said,
        Err(reason) => {
            answer.note = format!("The model was not asked or did not answer: {reason}");
            return Ok(answer);
        }
    };
    answer.model = Some(said.spent.model.clone());
    let Some(values) = said.json.and_then(|json| serde_json::from_value::<Said>(json).ok()) else {
        answer.note = "The model's answer does not fit the form; nothing of it was taken.".to_owned();
        return Ok(answer);
    };
    let all = values.values.len();
    answer.found = standing(values.values, pages, known);
    answer.note =
        format!("{} of {all} values stand on a page word for word and were not known.", answer.found.len());
    Ok(answer)
}

fn request(pages: &[Page]) -> Request {
    let mut room = SHOWN_CHARS;
    let shown: Vec<_> = pages
        .iter()
        .map(|page| {
            let text: String = page.text().chars().take(room).collect();
            room = room.saturating_sub(text.chars().count());
            json!({"page": page.url, "title": page.title, "text": text})
        })
        .collect();
    let fields: Vec<_> =
        Field::ALL.into_iter().map(|field| json!({"field": field, "means": field.label()})).collect();
    let text = json!({"type": "string"});
    Request {
        system: PROMPT.to_owned(),
        messages: vec![Message {
            role: Role::User,
            text: json!({"fields": fields, "pages": shown}).to_string(),
        }],
        max_output_tokens: MAX_OUTPUT_TOKENS,
        schema: Some(json!({
            "type": "object", "additionalProperties": false, "required": ["values"],
            "properties": {"values": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["field", "value", "page", "quote"],
                "properties": {"field": text, "value": text, "page": text, "quote": text},
            }}},
        })),
        purpose: "onboarding.read".to_owned(),
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace(['’', '‘'], "'")
}

/// The values whose quote stands on the named page and carries them, and which the rules did not find.
fn standing(said: Vec<Value>, pages: &[Page], known: &[Read]) -> Vec<Read> {
    let texts: Vec<(String, String)> = pages
        .iter()
        .map(|page| {
            (page.url.clone(), folded(&[page.text().as_str(), &page.title, &page.description].join(" ")))
        })
        .collect();
    let mut found: Vec<Read> = Vec::new();
    for value in said.into_iter().take(VALUES_MAX) {
        let Ok(field) = value.field.parse::<Field>() else { continue };
        let (quote, said) = (folded(&value.quote), folded(&value.value));
        let stands = texts.iter().any(|(url, text)| *url == value.page && text.contains(&quote));
        let long = quote.split(' ').count() >= QUOTE_WORDS || said == quote;
        let same = |read: &Read| read.field == field && (field.is_single() || folded(&read.value) == said);
        if !stands
            || !long
            || said.is_empty()
            || !carries(&quote, &said)
            || known.iter().chain(&found).any(same)
        {
            continue;
        }
        found.push(Read {
            field,
            value: value.value.split_whitespace().collect::<Vec<_>>().join(" "),
            detail: json!({}),
            confidence: CONFIDENCE,
            sources: json!([{"page": value.page, "quote": value.quote}]),
        });
    }
    found
}

/// Whether every word of a value that says something stands in the quote; a plural counts as its singular.
fn carries(quote: &str, value: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() > 2 || word.chars().any(char::is_numeric))
            .map(|word| word.trim_end_matches('s').to_owned())
            .collect()
    };
    let standing = words(quote);
    let said = words(value);
    !said.is_empty()
        && said.iter().all(|word| standing.contains(word) || matches!(word.as_str(), "and" | "the" | "for"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::page;

    #[test]
    fn a_value_is_taken_only_with_words_that_stand_on_its_page() {
        let pages =
            [page::read("https://a.test/", "<p>We help dental clinics in Perth fill their books.</p>")];
        let value = |field: &str, value: &str, page: &str, quote: &str| Value {
            field: field.into(),
            value: value.into(),
            page: page.into(),
            quote: quote.into(),
        };
        let here = "https://a.test/";
        for (said, taken) in [
            (value("icp_industries", "Dental clinics", here, "We help dental clinics in Perth"), true),
            (value("icp_industries", "Dental clinics", here, "We help dental clinics in Sydney"), false),
            (value("icp_industries", "Law firms", here, "We help dental clinics in Perth"), false),
            (
                value(
                    "icp_industries",
                    "Dental clinics",
                    "https://b.test/",
                    "We help dental clinics in Perth",
                ),
                false,
            ),
            (value("team_size", "12", here, "We help dental clinics"), false),
            (value("icp_locations", "Perth", here, "clinics in Perth"), true),
            (value("favourite_food", "Perth", here, "clinics in Perth"), false),
            (value("icp_locations", "Perth", here, ""), false),
        ] {
            let name = format!("{} {} {}", said.field, said.value, said.quote);
            assert_eq!(standing(vec![said], &pages, &[]).len(), usize::from(taken), "{name}");
        }
        let known = standing(vec![value("icp_locations", "Perth", here, "clinics in Perth")], &pages, &[]);
        assert!(
            standing(vec![value("icp_locations", "perth", here, "clinics in Perth")], &pages, &known)
                .is_empty()
        );
    }
}
