//! One file a skill: pages in, cited values out.

pub mod icp;
pub mod industries;
pub mod parse_website;
pub mod portfolio;
pub mod services;
pub mod size;
pub mod value_prop;
pub mod weights;

use crate::page::Page;

/// Pages that speak of the agency itself: no articles.
fn own(pages: &[Page]) -> impl Iterator<Item = &Page> {
    pages.iter().filter(|page| !page.is_article())
}

/// The sentences of a text, each as it stands there.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?', ';']).map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// Whether a sentence says that something is not so.
fn denies(sentence: &str) -> bool {
    let sentence = format!(" {} ", sentence.to_lowercase().replace('’', "'"));
    [
        " don't ",
        " do not ",
        " doesn't ",
        " never ",
        " no longer ",
        " not offer",
        " isn't ",
        " aren't ",
        " won't ",
        " we're not ",
        " are not ",
        " without ",
        " instead of ",
        " used to ",
    ]
    .iter()
    .any(|word| sentence.contains(word))
}
