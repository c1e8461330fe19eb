//! Why somebody should choose the agency, in its own words.

use super::{denies, own, sentences};
use crate::cited::{Cited, Gathered};
use crate::lexicon::{INDUSTRIES, SERVICES};
use crate::page::{Kind, Page};
use serde::Serialize;

/// Words of a promise.
const PROMISES: [&str; 22] = [
    "help",
    "grow",
    "more ",
    "increase",
    "boost",
    "scale",
    "generate",
    "drive",
    "win ",
    "turn ",
    "build",
    "deliver",
    "better",
    "faster",
    "results",
    "leads",
    "customers",
    "revenue",
    "sales",
    "bookings",
    "without ",
    "get found",
];
/// Headings under which differences stand.
const DIFFERENCES: [&str; 10] = [
    "why us",
    "why choose",
    "why work with",
    "our difference",
    "what makes us",
    "why clients",
    "how we are different",
    "how we're different",
    "what sets us apart",
    "why we",
];

/// The proposition.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ValueProp {
    /// What it promises to whom, as it says it.
    pub value_proposition: Option<Cited<String>>,
    /// Short lines of its front page.
    pub taglines: Vec<Cited<String>>,
    /// What it says sets it apart.
    pub differentiators: Vec<Cited<String>>,
}

/// Reads the proposition.
pub fn run(pages: &[Page]) -> ValueProp {
    let home = pages.iter().find(|page| page.is_home()).or_else(|| pages.first());
    let mut differences = Gathered::new();
    for page in own(pages) {
        for block in page.main().filter(|block| block.is_under(&DIFFERENCES)) {
            let words = block.text.split(' ').count();
            let entry = block.kind == Kind::Item || matches!(block.kind, Kind::Heading(3..=6));
            if entry && (2..=25).contains(&words) {
                differences.add(block.text.clone(), &page.url, &block.text, 0.8);
            }
        }
    }
    ValueProp {
        value_proposition: home.and_then(proposition),
        taglines: home.map(taglines).unwrap_or_default(),
        differentiators: differences.done(),
    }
}

/// The strongest promise among the first lines and the description.
fn proposition(home: &Page) -> Option<Cited<String>> {
    let first = home.main().filter(|block| matches!(block.kind, Kind::Heading(1 | 2) | Kind::Text)).take(8);
    let lines = first
        .flat_map(|block| {
            let heading = matches!(block.kind, Kind::Heading(1));
            sentences(&block.text).map(move |line| (line, if heading { 0.1 } else { 0.0 }))
        })
        .chain(sentences(&home.description).map(|line| (line, 0.05)));
    lines
        .filter_map(|(line, place)| Some((line, strength(line)? + place)))
        .fold(None, |best: Option<(&str, f32)>, next| match best {
            Some(known) if known.1 >= next.1 => Some(known),
            _ => Some(next),
        })
        .filter(|(_, sure)| *sure >= 0.6)
        .map(|(line, sure)| Cited::new(line.to_owned(), &home.url, line, sure.min(0.95)))
}

/// How much of a proposition a sentence is: it promises something, to somebody, with something.
fn strength(line: &str) -> Option<f32> {
    let words = line.split(' ').count();
    if !(4..=40).contains(&words) {
        return None;
    }
    let lower = format!(" {} ", line.to_lowercase());
    let promise = PROMISES.iter().any(|word| lower.contains(word));
    let to_whom = !INDUSTRIES.find(line).is_empty()
        || [
            "businesses",
            "companies",
            "brands",
            "founders",
            "teams",
            "owners",
            "startups",
            "start-ups",
            "organisations",
            "practices",
        ]
        .iter()
        .any(|word| lower.contains(word));
    let with_what =
        !SERVICES.find(line).is_empty() || lower.contains("marketing") || lower.contains("agency");
    let parts = [promise, to_whom, with_what].iter().filter(|part| **part).count();
    // One of the three alone may be about anything.
    (parts >= 2).then_some(if parts == 3 { 0.85 } else { 0.65 })
}

fn taglines(home: &Page) -> Vec<Cited<String>> {
    let mut found = Gathered::new();
    let heads = home.main().filter(|block| matches!(block.kind, Kind::Heading(1 | 2))).take(4);
    for block in heads.filter(|block| (2..=9).contains(&block.text.split(' ').count())) {
        let lower = block.text.to_lowercase();
        // A heading that only names the part below it is no line of its own.
        let names = [
            "services",
            "about",
            "contact",
            "our work",
            "clients",
            "blog",
            "team",
            "testimonials",
            "what we do",
            "how it works",
            "case studies",
            "faq",
            "welcome",
        ];
        let says = PROMISES.iter().any(|word| format!("{lower} ").contains(word))
            || lower.contains("marketing")
            || !SERVICES.find(&block.text).is_empty();
        if says && !denies(&block.text) && !names.iter().any(|name| lower.contains(name)) {
            found.add(block.text.clone(), &home.url, &block.text, 0.7);
        }
    }
    found.done()
}
