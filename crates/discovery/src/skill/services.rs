//! What the agency does for others.
//!
//! A service counts where a site lists what it offers: under a heading that says so, in the menu
//! below it, or in a sentence with an offering verb. What is merely mentioned does not.

use super::{denies, own, sentences};
use crate::cited::{Cited, Gathered};
use crate::lexicon::SERVICES;
use crate::page::{Block, Kind, Page, Zone};
use serde::Serialize;

/// Headings and addresses under which offers stand.
const OFFERS: [&str; 12] = [
    "service",
    "what we do",
    "what i do",
    "how we help",
    "how i help",
    "capabilit",
    "what we offer",
    "our expertise",
    "solutions",
    "specialis",
    "specializ",
    "ways to work",
];
/// Verbs with which a sentence offers.
pub(super) const VERBS: [&str; 24] = [
    "we offer",
    "we provide",
    "we do ",
    "we deliver",
    "we specialise in",
    "we specialize in",
    "specialising in",
    "specializing in",
    "i offer",
    "i provide",
    "i do ",
    "our services include",
    "services include",
    "we run ",
    "we build",
    "we design",
    "we manage",
    "we create",
    "we handle",
    "agency for",
    "agency in",
    "agency that",
    "i specialise in",
    "we help with",
];

/// The services.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Services {
    /// By their usual names where they have one, else in the agency's words.
    pub services: Vec<Cited<String>>,
}

/// Reads the services.
pub fn run(pages: &[Page]) -> Services {
    let mut found = Gathered::new();
    for page in own(pages) {
        let about_services = page.is_about(&OFFERS);
        for block in &page.blocks {
            let listed = block.zone != Zone::Footer
                && is_short(block)
                && (block.is_under(&OFFERS) || about_services && block.zone == Zone::Main);
            if listed && (block.is_heading() || block.kind == Kind::Item) {
                listed_service(&mut found, page, block);
            }
            if block.zone == Zone::Nav
                && is_short(block)
                && let Some(name) = SERVICES.named(&block.text)
            {
                let sure = block.href.as_deref().is_some_and(|href| href.to_lowercase().contains("service"));
                found.add(name.to_owned(), &page.url, &block.text, if sure { 0.85 } else { 0.6 });
            }
            if block.zone != Zone::Nav && block.kind != Kind::Quote && block.kind != Kind::Cite {
                for sentence in sentences(&block.text) {
                    offered(&mut found, page, sentence);
                }
            }
        }
        if page.is_home() {
            offered(&mut found, page, &page.description);
        }
        for thing in &page.things {
            if thing["@type"] == "Service"
                && let Some(name) = thing["name"].as_str()
            {
                let usual = SERVICES.named(name).map_or_else(|| name.to_owned(), str::to_owned);
                found.add(usual, &page.url, name, 0.9);
            }
        }
    }
    Services { services: found.done() }
}

/// An entry of a list of offers.
fn listed_service(found: &mut Gathered<String>, page: &Page, block: &Block) {
    // “Strategy: we plan before we spend” names its service before the colon.
    let name = block.text.split([':', '–', '—']).next().unwrap_or("").trim();
    if denies(&block.text) {
        return;
    }
    for usual in SERVICES.find(name) {
        found.add(usual.to_owned(), &page.url, &block.text, 0.85);
    }
}

/// What a sentence offers.
fn offered(found: &mut Gathered<String>, page: &Page, sentence: &str) {
    let lower = sentence.to_lowercase();
    if denies(sentence) || !VERBS.iter().any(|verb| lower.contains(verb)) {
        return;
    }
    for usual in SERVICES.find(sentence) {
        found.add(usual.to_owned(), &page.url, sentence, 0.65);
    }
}

fn is_short(block: &Block) -> bool {
    block.text.split(' ').count() <= 8
}
