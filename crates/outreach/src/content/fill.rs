//! Filling of the client's own templates. A sentence whose placeholder has no value is left out.

use super::{
    brief::{Brief, Topic},
    limits::Issue,
    text,
};

/// The placeholders that a template may use.
pub const PLACEHOLDERS: [&str; 12] = [
    "first_name",
    "last_name",
    "company",
    "title",
    "industry",
    "city",
    "offer",
    "sender_name",
    "client_name",
    "booking_link",
    "SMART_PROMPT",
    "SMART_PROMPT_SUBJECT",
];

/// Placeholders of a template that do not exist.
pub fn unknown(template: &str) -> Vec<String> {
    tokens(template).filter(|token| !PLACEHOLDERS.contains(token)).map(str::to_owned).collect()
}

/// The names between `{{` and `}}`.
fn tokens(template: &str) -> impl Iterator<Item = &str> {
    template.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(token, _)| token.trim()))
}

/// Whether a template has a placeholder.
pub(super) fn asks_for(template: &str, name: &str) -> bool {
    tokens(template).any(|token| token == name)
}

/// What the client could add so that nothing of the step's template is left out: whoever reads the draft is
/// told. What is not known of a lead is no lack of the client's.
pub(super) fn lacks(brief: &Brief) -> Option<Issue> {
    let step = &brief.step;
    let asked =
        [&step.subject_template, &step.body_template].iter().any(|text| asks_for(text, "booking_link"));
    (asked && brief.booking_url.is_none()).then(|| Issue {
        code: "booking_link",
        detail: "There is no booking page, so what {{booking_link}} stands in was left out. Make one under Meetings."
            .to_owned(),
        error: false,
    })
}

/// Why a template came to nothing.
pub(super) fn empty(brief: &Brief) -> String {
    let missing = lacks(brief).map(|issue| format!(" {}", issue.detail)).unwrap_or_default();
    format!(
        "Nothing is left of the step's template for this lead: every sentence needs a value that is not known.{missing}"
    )
}

/// A filled template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filled {
    /// The text.
    pub text: String,
    /// Evidence that its placeholders brought in.
    pub used: Vec<String>,
}

/// Fills a template; `smart` is what the writer made for `SMART_PROMPT` (or the subject's).
pub fn fill(template: &str, brief: &Brief, smart: &str) -> Filled {
    let mut used = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in template.lines() {
        if line.trim().is_empty() {
            lines.push(String::new());
            continue;
        }
        let kept: Vec<String> = text::sentences(line)
            .into_iter()
            .filter_map(|sentence| sentence_of(sentence, brief, smart, &mut used))
            .collect();
        if !kept.is_empty() {
            lines.push(kept.join(" "));
        }
    }
    let mut text = lines.join("\n").trim().to_owned();
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    used.dedup();
    Filled { text, used }
}

fn sentence_of(sentence: &str, brief: &Brief, smart: &str, used: &mut Vec<String>) -> Option<String> {
    let mut out = String::with_capacity(sentence.len());
    let mut mine = Vec::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (token, after) = after.split_once("}}")?;
        out.push_str(&value(token.trim(), brief, smart, &mut mine)?);
        rest = after;
    }
    out.push_str(rest);
    used.extend(mine);
    Some(out)
}

fn value(token: &str, brief: &Brief, smart: &str, used: &mut Vec<String>) -> Option<String> {
    let lead = &brief.lead;
    let named = |raw: &Option<String>| raw.as_deref().and_then(text::name);
    let mut fact = |topic: Topic, found: Option<String>| {
        let evidence = brief.facts.iter().find(|fact| fact.topic == topic && fact.id.starts_with("lead."));
        used.extend(found.is_some().then_some(evidence).flatten().map(|e| e.id.clone()));
        found
    };
    match token {
        "first_name" => lead.first_name.as_deref().and_then(text::first_name),
        "last_name" => named(&lead.last_name),
        "company" => named(&lead.company),
        "title" => fact(Topic::Title, named(&lead.title)),
        "industry" => fact(Topic::Industry, named(&lead.industry)),
        "city" => fact(Topic::Place, named(&lead.city)),
        "offer" => brief.offer().and_then(|offer| text::statement(offer, 40)),
        "sender_name" => text::name(&brief.sender.name),
        "client_name" => text::name(&brief.client.name),
        "booking_link" => brief.booking_url.clone(),
        "SMART_PROMPT" | "SMART_PROMPT_SUBJECT" => (!smart.is_empty()).then(|| smart.to_owned()),
        _ => None,
    }
}
