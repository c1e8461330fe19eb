//! Whom the agency should look for: drawn from whom it serves, each part with its evidence.

use super::industries::Industries;
use super::portfolio::Portfolio;
use super::{denies, own, sentences};
use crate::cited::{Cited, Gathered};
use crate::lexicon::{INDUSTRIES, PLACES};
use crate::page::{Kind, Page, Zone};
use serde::Serialize;

/// Bands of employees with the words that mean them.
const SIZES: [(&str, &[&str]); 4] = [
    ("1-10", &["sole trader", "sole traders", "micro business", "freelancers", "solopreneurs"]),
    (
        "5-50",
        &[
            "small business",
            "small businesses",
            "small to medium",
            "smes",
            "sme",
            "smbs",
            "smb",
            "local businesses",
            "family businesses",
            "owner-operated",
            "start-ups",
            "startups",
        ],
    ),
    (
        "51-200",
        &[
            "mid-market",
            "mid market",
            "mid-sized",
            "medium-sized",
            "scale-ups",
            "scaleups",
            "growing companies",
        ],
    ),
    (
        "201+",
        &[
            "enterprise",
            "enterprises",
            "large organisations",
            "large organizations",
            "asx-listed",
            "fortune 500",
            "multinational",
        ],
    ),
];
/// Who decides there, with the words that name them.
const TITLES: [(&str, &[&str]); 12] = [
    ("Owner", &["business owners", "owners", "owner-operators"]),
    ("Founder", &["founders", "founder-led", "co-founders"]),
    ("CEO", &["ceos", "chief executives"]),
    ("Managing Director", &["managing directors"]),
    ("Marketing Manager", &["marketing managers", "marketing teams", "in-house marketers"]),
    ("Head of Marketing", &["heads of marketing", "marketing leaders", "cmos", "marketing directors"]),
    ("Practice Manager", &["practice managers", "practice owners", "clinic owners", "principal dentists"]),
    ("Sales Director", &["sales leaders", "sales directors", "heads of sales"]),
    ("General Manager", &["general managers"]),
    ("Partner", &["managing partners"]),
    ("Principal", &["principals"]),
    ("Operations Manager", &["operations managers"]),
];
/// Words that open a pain.
const PAINS: [&str; 14] = [
    "tired of",
    "sick of",
    "struggling",
    "struggle",
    "frustrated",
    "fed up",
    "stuck",
    "wasting",
    "no time",
    "not enough",
    "losing",
    "can't find",
    "don't have time",
    "overwhelmed",
];
/// Words before the place of those who are served.
const SERVED: [&str; 11] = [
    "owners in",
    "businesses in",
    "companies in",
    "businesses across",
    "companies across",
    "serving",
    "clients across",
    "clients in",
    "brands in",
    "practices in",
    "across",
];

/// The ideal customer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Icp {
    /// Trades.
    pub icp_industries: Vec<Cited<String>>,
    /// Bands of employees.
    pub icp_sizes: Vec<Cited<&'static str>>,
    /// Places.
    pub icp_locations: Vec<Cited<String>>,
    /// Who decides there.
    pub icp_titles: Vec<Cited<&'static str>>,
    /// What troubles them, in the agency's words.
    pub icp_pain_points: Vec<Cited<String>>,
    /// One sentence of it; missing when nothing is known.
    pub pattern_description: Option<String>,
}

/// Draws the ideal customer.
pub fn run(pages: &[Page], industries: &Industries, portfolio: &Portfolio) -> Icp {
    let (mut sizes, mut titles) = (Gathered::new(), Gathered::new());
    let (mut places, mut pains) = (Gathered::new(), Gathered::new());
    for page in own(pages) {
        for block in page.blocks.iter().filter(|block| block.zone == Zone::Main) {
            if matches!(block.kind, Kind::Quote | Kind::Cite | Kind::Image) {
                continue;
            }
            for sentence in sentences(&block.text).filter(|sentence| sentence.split(' ').count() <= 40) {
                read(page, sentence, &mut sizes, &mut titles, &mut places, &mut pains);
            }
        }
        if page.is_home() {
            for sentence in sentences(&page.description) {
                read(page, sentence, &mut sizes, &mut titles, &mut places, &mut pains);
            }
        }
    }
    for cited in &portfolio.companies {
        if let Some(place) = &cited.value.location {
            places.add(place.clone(), &cited.sources[0].page, &cited.sources[0].quote, 0.45);
        }
    }
    let mut icp = Icp {
        icp_industries: industries.industries.clone(),
        icp_sizes: sizes.done(),
        icp_locations: places.done(),
        icp_titles: titles.done(),
        icp_pain_points: pains.done(),
        pattern_description: None,
    };
    icp.pattern_description = describe(&icp);
    icp
}

fn read(
    page: &Page,
    sentence: &str,
    sizes: &mut Gathered<&'static str>,
    titles: &mut Gathered<&'static str>,
    places: &mut Gathered<String>,
    pains: &mut Gathered<String>,
) {
    let lower = format!(" {} ", sentence.to_lowercase().replace('’', "'"));
    let has = |word: &str| {
        lower.match_indices(word).any(|(at, _)| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(lower[..at].chars().next_back()) && edge(lower[at + word.len()..].chars().next())
        })
    };
    if PAINS.iter().any(|word| has(word))
        && sentence.split(' ').count() >= 3
        && (sentence.ends_with('?') || has("you") || has("your") || has("you're"))
    {
        pains.add(sentence.to_owned(), &page.url, sentence, 0.7);
    }
    if denies(sentence) {
        return;
    }
    let serves = [
        "we help",
        "we work",
        "i help",
        "i work",
        "for ",
        "serving",
        "helping",
        "we serve",
        "built for",
        "partner with",
        "helps ",
        "serves ",
        "hire us",
        "come to us",
        "call us",
        "choose us",
        "trust us",
    ]
    .iter()
    .any(|word| lower.contains(word));
    if !serves {
        return;
    }
    for (band, words) in SIZES {
        if words.iter().any(|word| has(word)) {
            sizes.add(band, &page.url, sentence, 0.7);
        }
    }
    for (title, words) in TITLES {
        if words.iter().any(|word| has(word)) {
            titles.add(title, &page.url, sentence, 0.7);
        }
    }
    let served = SERVED.iter().filter_map(|word| lower.find(word)).min();
    // “… plumbers and electricians in Perth”: a place right behind a trade is theirs.
    let behind_trade = lower.match_indices(" in ").map(|(at, _)| at).find(|at| {
        let before: Vec<&str> = lower[..*at].split(' ').rev().take(3).collect();
        let before: Vec<&str> = before.into_iter().rev().collect();
        !INDUSTRIES.find(&before.join(" ")).is_empty()
    });
    if let Some(at) = served.into_iter().chain(behind_trade).min() {
        for place in PLACES.find(&lower[at..]) {
            places.add(place.to_owned(), &page.url, sentence, 0.7);
        }
    }
}

fn describe(icp: &Icp) -> Option<String> {
    let list = |all: Vec<String>| all.into_iter().take(3).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if !icp.icp_industries.is_empty() {
        parts.push(format!("trades: {}", list(icp.icp_industries.iter().map(|c| c.value.clone()).collect())));
    }
    if !icp.icp_sizes.is_empty() {
        parts
            .push(format!("employees: {}", list(icp.icp_sizes.iter().map(|c| c.value.to_owned()).collect())));
    }
    if !icp.icp_locations.is_empty() {
        parts.push(format!("places: {}", list(icp.icp_locations.iter().map(|c| c.value.clone()).collect())));
    }
    if !icp.icp_titles.is_empty() {
        parts.push(format!(
            "who decides: {}",
            list(icp.icp_titles.iter().map(|c| c.value.to_owned()).collect())
        ));
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}
