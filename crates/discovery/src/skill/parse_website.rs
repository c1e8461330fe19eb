//! The site as it is built: its name, its menu, its pages.

use crate::cited::Cited;
use crate::page::{Page, Zone};
use serde::Serialize;
use std::collections::BTreeMap;

/// A page in a word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Seen {
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Blocks of text that were read.
    pub blocks: usize,
    /// Whether a browser must run scripts to show what it says.
    pub needs_script: bool,
}

/// The site.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Site {
    /// What the agency calls itself.
    pub company_name: Option<Cited<String>>,
    /// The words of the menu, in its order.
    pub navigation: Vec<String>,
    /// The pages.
    pub pages: Vec<Seen>,
}

/// Reads the site.
pub fn run(pages: &[Page]) -> Site {
    let mut navigation: Vec<String> = Vec::new();
    for block in pages.iter().flat_map(|page| &page.blocks).filter(|block| block.zone == Zone::Nav) {
        if block.text.len() <= 40 && !navigation.contains(&block.text) && navigation.len() < 40 {
            navigation.push(block.text.clone());
        }
    }
    Site {
        company_name: name(pages),
        navigation,
        pages: pages
            .iter()
            .map(|page| Seen {
                url: page.url.clone(),
                title: page.title.clone(),
                blocks: page.blocks.len(),
                needs_script: page.needs_script,
            })
            .collect(),
    }
}

fn name(pages: &[Page]) -> Option<Cited<String>> {
    const KINDS: [&str; 5] =
        ["Organization", "LocalBusiness", "ProfessionalService", "Corporation", "AdvertisingAgency"];
    for page in pages {
        for thing in &page.things {
            let is_company = thing["@type"].as_str().is_some_and(|kind| KINDS.contains(&kind));
            if let Some(name) = thing["name"].as_str().filter(|name| is_company && !name.trim().is_empty()) {
                return Some(Cited::new(name.trim().to_owned(), &page.url, name, 0.95));
            }
        }
    }
    if let Some(page) = pages.iter().find(|page| !page.site_name.is_empty()) {
        return Some(Cited::new(page.site_name.clone(), &page.url, &page.site_name, 0.9));
    }
    // The part of the title that all pages share; on a single page the part that the footer's
    // copyright line has too.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for page in pages {
        let mut parts: Vec<&str> = parts(&page.title).collect();
        parts.dedup();
        for part in parts {
            *counts.entry(part).or_default() += 1;
        }
    }
    let home = pages.first()?;
    let (part, count) = parts(&home.title)
        .filter_map(|part| counts.get(part).map(|count| (part, *count)))
        .max_by_key(|(_, count)| *count)?;
    if count >= 2 {
        return Some(Cited::new(part.to_owned(), &home.url, &home.title, 0.85));
    }
    parts(&home.title).find_map(|part| {
        let line = pages.iter().flat_map(|page| page.blocks.iter().map(move |block| (page, block))).find(
            |(_, block)| {
                (block.text.contains('©') || block.text.to_lowercase().contains("pty ltd"))
                    && block.text.contains(part)
            },
        );
        line.map(|(page, block)| Cited::new(part.to_owned(), &page.url, &block.text, 0.7))
    })
}

/// The parts of a title; a hyphen separates only between spaces.
fn parts(title: &str) -> impl Iterator<Item = &str> {
    title
        .split(['|', '–', '—', '·'])
        .flat_map(|part| part.split(" - "))
        .map(str::trim)
        .filter(|part| part.len() > 1)
}
