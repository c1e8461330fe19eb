//! What an agency's own website says of it and of whom it serves: eight skills, each with its page
//! and its words as evidence, or nothing.
//!
//! [`page::read`] turns HTML into blocks; each skill in [`skill`] reads blocks and answers with
//! [`Cited`] values; [`discover`] runs them in order. Deterministic, no network, no database, no
//! clock. A field without evidence stays empty: a reader fills it in, nobody corrects a guess.

pub mod cited;
pub mod folder;
pub mod lexicon;
pub mod page;
pub mod skill;

pub use cited::{Cited, Source};
pub use page::Page;

use serde::Serialize;

/// What eight skills found, under their names.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Profile {
    /// The site as it is built.
    pub parse_website: skill::parse_website::Site,
    /// What the agency does for others.
    pub extract_services: skill::services::Services,
    /// Why somebody should choose it.
    pub extract_value_prop: skill::value_prop::ValueProp,
    /// Whom it did it for.
    pub extract_portfolio: skill::portfolio::Portfolio,
    /// The trades of those whom it serves.
    pub classify_industries: skill::industries::Industries,
    /// How many people work there.
    pub estimate_company_size: skill::size::TeamSize,
    /// Whom it should look for.
    pub derive_icp: skill::icp::Icp,
    /// How leads should be weighed then.
    pub suggest_als_weights: skill::weights::Weights,
}

/// The skills in the order in which they run, for showing progress.
pub const SKILLS: [&str; 8] = [
    "parse_website",
    "extract_services",
    "extract_value_prop",
    "extract_portfolio",
    "classify_industries",
    "estimate_company_size",
    "derive_icp",
    "suggest_als_weights",
];

/// Runs all skills over a site's pages, the home page first.
pub fn discover(pages: &[Page]) -> Profile {
    let parse_website = skill::parse_website::run(pages);
    let extract_services = skill::services::run(pages);
    let extract_value_prop = skill::value_prop::run(pages);
    let extract_portfolio = skill::portfolio::run(pages, parse_website.company_name.as_ref());
    let classify_industries = skill::industries::run(pages, &extract_portfolio);
    let estimate_company_size = skill::size::run(pages);
    let derive_icp = skill::icp::run(pages, &classify_industries, &extract_portfolio);
    let suggest_als_weights = skill::weights::run(&derive_icp);
    Profile {
        parse_website,
        extract_services,
        extract_value_prop,
        extract_portfolio,
        classify_industries,
        estimate_company_size,
        derive_icp,
        suggest_als_weights,
    }
}

#[cfg(test)]
mod tests;
