//! The trades of those whom the agency serves.

use super::portfolio::Portfolio;
use super::{denies, own, sentences};
use crate::cited::{Cited, Gathered};
use crate::lexicon::INDUSTRIES;
use crate::page::{Kind, Page, Zone};
use serde::Serialize;

/// Headings and addresses under which trades stand.
const SECTORS: [&str; 10] = [
    "industries",
    "industry",
    "sectors",
    "who we help",
    "who we work with",
    "who we serve",
    "who i work with",
    "who it's for",
    "who it is for",
    "who i help",
];
/// Verbs with which a sentence says whom it serves.
const SERVES: [&str; 20] = [
    "serves ",
    "helps ",
    "our clients are",
    "works with",
    "we work with",
    "we help ",
    "we serve",
    "helping ",
    "i help ",
    "i work with",
    "specialise in",
    "specialize in",
    "specialising in",
    "specializing in",
    "marketing for ",
    "agency for ",
    "built for ",
    "exclusively with",
    "partner with",
    "only work with",
];

/// The trades.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Industries {
    /// By their usual names.
    pub industries: Vec<Cited<String>>,
}

/// Reads the trades.
pub fn run(pages: &[Page], portfolio: &Portfolio) -> Industries {
    let mut found = Gathered::new();
    for page in own(pages) {
        let about = page.is_about(&SECTORS);
        for block in page.blocks.iter().filter(|block| block.zone != Zone::Footer) {
            let entry = block.is_heading() || block.kind == Kind::Item;
            let listed = block.is_under(&SECTORS) || about && block.zone == Zone::Main;
            if listed && entry && block.text.split(' ').count() <= 7 && !denies(&block.text) {
                for name in INDUSTRIES.find(&block.text) {
                    found.add(name.to_owned(), &page.url, &block.text, 0.9);
                }
            }
            if block.kind == Kind::Quote || block.kind == Kind::Cite || block.kind == Kind::Image {
                continue;
            }
            for sentence in sentences(&block.text) {
                served(&mut found, page, sentence);
            }
        }
        if page.is_home() {
            served(&mut found, page, &page.description);
            served(&mut found, page, &page.title);
        }
    }
    // One client of a trade is a client; two are a pattern.
    for cited in &portfolio.companies {
        for industry in &cited.value.industries {
            let source = &cited.sources[0];
            found.add(industry.clone(), &source.page, &source.quote, 0.46);
        }
    }
    Industries { industries: found.done() }
}

fn served(found: &mut Gathered<String>, page: &Page, sentence: &str) {
    let lower = sentence.to_lowercase();
    if denies(sentence) {
        return;
    }
    let verb = SERVES.iter().filter_map(|verb| lower.find(verb).map(|at| at + verb.len())).min();
    // “We provide media relations for charities” serves charities.
    let offered = super::services::VERBS.iter().filter_map(|verb| lower.find(verb)).min();
    let offered_for = offered.and_then(|at| lower.get(at..)?.find(" for ").map(|after| at + after + 5));
    let Some(at) = verb.or(offered_for) else { return };
    // What stands before the verb is the agency, not those whom it serves.
    let Some(whom) = sentence.get(at..) else { return };
    for name in INDUSTRIES.find(whom) {
        found.add(name.to_owned(), &page.url, sentence, 0.7);
    }
}
