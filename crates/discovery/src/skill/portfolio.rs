//! Whom the agency worked for: case studies, logos, the people who praise it.

use super::own;
use crate::cited::{Cited, Gathered};
use crate::lexicon::{INDUSTRIES, PLACES, SERVICES};
use crate::page::{Block, Kind, Page, Zone};
use serde::Serialize;

/// Headings and addresses under which clients stand.
const CLIENTS: [&str; 18] = [
    "case stud",
    "our work",
    "our clients",
    "portfolio",
    "success stor",
    "trusted by",
    "who we've worked with",
    "clients we",
    "selected work",
    "recent work",
    "recent projects",
    "our projects",
    "brands we",
    "client stories",
    "companies we",
    "featured work",
    "who we have worked with",
    "happy clients",
];
/// Headings under which others than clients stand.
const OTHERS: [&str; 14] = [
    "partner",
    "featured in",
    "as seen",
    "in the press",
    "certif",
    "accredit",
    "award",
    "tools we",
    "tech stack",
    "platforms",
    "technology we",
    "integrations",
    "press",
    "member of",
];
/// Headings under which praise stands.
const PRAISE: [&str; 6] =
    ["testimonial", "what our clients say", "clients say", "kind words", "reviews", "they say"];
/// What is written on buttons, not on companies.
const BUTTONS: [&str; 22] = [
    "read more",
    "learn more",
    "view",
    "see ",
    "case stud",
    "our work",
    "contact",
    "get in touch",
    "next",
    "previous",
    "all ",
    "more ",
    "home",
    "back",
    "read the",
    "book ",
    "the challenge",
    "the result",
    "results",
    "the solution",
    "overview",
    "our clients",
];

/// A company that was served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Its trades, where the words beside it say so.
    pub industries: Vec<String>,
    /// Its place, where they say so.
    pub location: Option<String>,
}

/// The companies.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Portfolio {
    /// Each once.
    pub companies: Vec<Cited<Company>>,
}

/// Reads the portfolio. The agency itself is none of its clients.
pub fn run(pages: &[Page], agency: Option<&Cited<String>>) -> Portfolio {
    let mut found: Gathered<String> = Gathered::new();
    for page in own(pages) {
        let about_clients = page.is_about(&CLIENTS);
        for (at, block) in page.blocks.iter().enumerate() {
            if block.zone != Zone::Main || block.is_under(&OTHERS) {
                continue;
            }
            let among = block.is_under(&CLIENTS) || about_clients;
            match block.kind {
                Kind::Heading(2..=6) | Kind::Item if among => {
                    if let Some(name) = company(&block.text) {
                        found.add(name, &page.url, &block.text, 0.75);
                    }
                }
                Kind::Image if among => {
                    if let Some(name) = logo(&block.text) {
                        found.add(name, &page.url, &block.text, 0.7);
                    }
                }
                Kind::Cite => {
                    if let Some(name) = speaker(&block.text) {
                        found.add(name, &page.url, &block.text, 0.8);
                    }
                }
                Kind::Text | Kind::Quote if block.is_under(&PRAISE) || follows_quote(page, at) => {
                    if let Some(name) = speaker(&block.text) {
                        found.add(name, &page.url, &block.text, 0.7);
                    }
                }
                Kind::Heading(1) if page.is_case() => {
                    if let Some(name) = case(&block.text) {
                        found.add(name, &page.url, &block.text, 0.85);
                    }
                }
                Kind::Heading(_) | Kind::Item | Kind::Image | Kind::Text | Kind::Quote => {}
            }
        }
    }
    let own_name = agency.map(|name| name.value.to_lowercase()).unwrap_or_default();
    let companies = found
        .done()
        .into_iter()
        .filter(|cited| own_name.is_empty() || !own_name.contains(&cited.value.to_lowercase()))
        .map(|cited| {
            let beside = beside(pages, &cited);
            Cited {
                value: Company {
                    industries: INDUSTRIES.find(&beside).into_iter().map(str::to_owned).collect(),
                    location: PLACES.find(&beside).first().map(|name| (*name).to_owned()),
                    name: cited.value,
                },
                sources: cited.sources,
                confidence: cited.confidence,
            }
        })
        .collect();
    Portfolio { companies }
}

/// The words next to where a company was read: the block itself and the one below it.
fn beside(pages: &[Page], cited: &Cited<String>) -> String {
    let mut words = cited.value.clone();
    for source in &cited.sources {
        let Some(page) = pages.iter().find(|page| page.url == source.page) else { continue };
        let Some(at) = page.blocks.iter().position(|block| block.text == source.quote) else { continue };
        for block in page.blocks.iter().skip(at).take(2).filter(|block| block.zone == Zone::Main) {
            words.push_str(". ");
            words.push_str(&block.text);
        }
    }
    words
}

fn follows_quote(page: &Page, at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| page.blocks.get(before))
        .is_some_and(|block: &Block| block.kind == Kind::Quote || block.text.starts_with(['“', '"']))
}

/// A heading or an entry that is nothing but a company's name.
fn company(text: &str) -> Option<String> {
    if let Some(name) = case(text) {
        return Some(name);
    }
    let text = text.split([':', '–', '—', '|', ',']).next().unwrap_or("").trim();
    is_name(text).then(|| text.to_owned())
}

/// “Acme logo” is Acme's.
fn logo(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let without = ["logo of ", "logo for ", "the "]
        .iter()
        .find_map(|word| lower.strip_prefix(word).map(|rest| text.len() - rest.len()));
    let name = text.get(without.unwrap_or(0)..).unwrap_or(text);
    let end = name.to_lowercase().find(" logo").unwrap_or(name.len());
    let name = name.get(..end).unwrap_or(name).trim();
    (lower.contains("logo") && is_name(name)).then(|| name.to_owned())
}

/// “How Acme doubled its bookings”, “Case study: Acme”.
fn case(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if let Some(rest) = ["case study: ", "case study – ", "case study - ", "case study — "]
        .iter()
        .find_map(|word| lower.strip_prefix(word))
    {
        let name = text.get(text.len() - rest.len()..)?.split([':', '–', '—', '|', ',']).next()?.trim();
        return is_name(name).then(|| name.to_owned());
    }
    let rest = text.strip_prefix("How ")?;
    let name: Vec<&str> = rest
        .split(' ')
        .take_while(|word| is_capital(word) || ["and", "&", "of", "the"].contains(word))
        .collect();
    let name = name.join(" ");
    (name.split(' ').count() < rest.split(' ').count()
        && is_name(&name)
        && !["We", "You", "Our", "To", "It"].contains(&name.as_str()))
    .then_some(name)
}

/// “Jane Doe, Practice Manager, Acme Dental” speaks for Acme Dental.
fn speaker(text: &str) -> Option<String> {
    if text.split(' ').count() > 16 || text.ends_with(['.', '!', '?']) {
        return None;
    }
    let text = text.trim_start_matches(['—', '–', '-', '~', ' ']);
    let parts: Vec<&str> = text
        .split([',', '|', '·'])
        .flat_map(|part| part.split(" at "))
        .flat_map(|part| part.split(" of "))
        .map(str::trim)
        .collect();
    let person = parts.first()?;
    let name = parts.last()?;
    (parts.len() >= 2
        && person.split(' ').count() <= 4
        && is_capital(person)
        && is_name(name)
        && !is_role(name))
    .then(|| (*name).to_owned())
}

fn is_role(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "founder",
        "owner",
        "director",
        "manager",
        "ceo",
        "cmo",
        "coo",
        "head",
        "lead",
        "president",
        "partner",
        "principal",
        "client",
        "customer",
    ]
    .iter()
    .any(|word| lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == *word))
}

fn is_capital(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
}

/// A name is short, capital, and no button, service, trade or place.
fn is_name(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let lower = text.to_lowercase();
    let small = ["and", "of", "the", "&", "for", "de", "la"];
    (1..=6).contains(&words.len())
        && text.len() >= 2
        && is_capital(text)
        && words.iter().all(|word| is_capital(word) || small.contains(word))
        && !text.chars().all(|c| c.is_ascii_digit() || c == '+' || c == '%')
        && !BUTTONS.iter().any(|word| lower == word.trim() || lower.starts_with(word))
        && SERVICES.named(text).is_none()
        && INDUSTRIES.named(text).is_none()
        && PLACES.named(text).is_none()
        && !text.contains(['?', '!', '%', '$', '“', '"'])
}
