//! How many people work at the agency: as it says, or as its team page shows.

use super::own;
use crate::cited::Cited;
use crate::page::{Kind, Page};
use serde::Serialize;

/// Bands as the rest of the product has them.
const BANDS: [(u32, &str); 7] = [
    (1, "1"),
    (10, "2-10"),
    (50, "11-50"),
    (200, "51-200"),
    (500, "201-500"),
    (1_000, "501-1000"),
    (u32::MAX, "1001+"),
];
/// Words for people of an agency.
const PEOPLE: [&str; 16] = [
    "people",
    "person",
    "specialists",
    "marketers",
    "strategists",
    "experts",
    "staff",
    "employees",
    "team members",
    "humans",
    "designers",
    "creatives",
    "professionals",
    "developers",
    "strong team",
    "of us",
];

/// The team.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TeamSize {
    /// How many.
    pub team_size: Option<Cited<u32>>,
    /// The band of it.
    pub size_range: Option<&'static str>,
}

/// Reads the size.
pub fn run(pages: &[Page]) -> TeamSize {
    let mut best: Option<Cited<u32>> = None;
    for page in own(pages) {
        for block in page.main().filter(|block| !matches!(block.kind, Kind::Quote | Kind::Cite | Kind::Image))
        {
            for sentence in super::sentences(&block.text) {
                if let Some((count, sure)) = stated(sentence)
                    && best.as_ref().is_none_or(|known| sure > known.confidence)
                {
                    best = Some(Cited::new(count, &page.url, sentence, sure));
                }
            }
        }
    }
    let team_size = best.or_else(|| own(pages).find_map(shown));
    let size_range = team_size
        .as_ref()
        .and_then(|size| BANDS.iter().find(|(most, _)| size.value <= *most).map(|(_, name)| *name));
    TeamSize { team_size, size_range }
}

/// “A team of twelve”, “we're 8 specialists”, “I work alone”.
fn stated(sentence: &str) -> Option<(u32, f32)> {
    let lower = sentence.to_lowercase().replace('’', "'");
    if [
        "i'm a freelance",
        "i am a freelance",
        "i work alone",
        "one-person",
        "one person",
        "just me",
        "sole trader",
        "solo consult",
        "team of one",
    ]
    .iter()
    .any(|word| lower.contains(word))
    {
        return Some((1, 0.85));
    }
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '+').filter(|word| !word.is_empty()).collect();
    for (at, word) in words.iter().enumerate() {
        let Some(count) = number(word) else { continue };
        let before = words[at.saturating_sub(4)..at].join(" ");
        let after = words[at + 1..(at + 4).min(words.len())].join(" ");
        let of_team = [
            "team of",
            "crew of",
            "group of",
            "studio of",
            "agency of",
            "team of over",
            "team of about",
            "team of around",
            "team of more than",
        ]
        .iter()
        .any(|phrase| before.ends_with(phrase));
        let ours = format!(" {before}");
        let we = [" we are", " we re", " were", " we have", " employ", " our", " has", " re a"]
            .iter()
            .any(|word| ours.contains(word));
        let people = PEOPLE.iter().any(|word| {
            after.starts_with(word) || after.split_once(' ').is_some_and(|(_, rest)| rest.starts_with(word))
        });
        // “Four of us” and nothing else.
        if after.starts_with("of us") && before.is_empty() {
            return Some((count, 0.8));
        }
        let near = words[at + 1..(at + 3).min(words.len())].join(" ");
        let whose = ["clients", "customers", "businesses", "brands", "helped", "trained", "years"]
            .iter()
            .any(|word| near.contains(word) || before.contains(word));
        if count > 0 && count < 100_000 && !whose && (of_team || we && people) {
            return Some((count, if of_team { 0.9 } else { 0.8 }));
        }
    }
    None
}

fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let digits = word.trim_end_matches('+');
    digits.parse().ok().or_else(|| WORDS.iter().position(|known| *known == word).map(|at| at as u32))
}

/// Names with a role each, under a heading about the team.
fn shown(page: &Page) -> Option<Cited<u32>> {
    const TEAM: [&str; 6] = ["team", "our people", "meet the", "who we are", "the humans", "the crew"];
    let about = page.is_about(&["team", "people"]);
    let names: Vec<&str> = page
        .main()
        .filter(|block| matches!(block.kind, Kind::Heading(3..=6)) && (block.is_under(&TEAM) || about))
        .map(|block| block.text.as_str())
        .filter(|text| is_person(text))
        .collect();
    // Two cards may be the founders of a larger house.
    (names.len() >= 3).then(|| {
        let mut size = Cited::new(names.len() as u32, &page.url, names[0], 0.6);
        for name in &names[1..] {
            size.seen_again(&page.url, name, 0.0);
        }
        size.confidence = 0.6;
        size
    })
}

fn is_person(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    (2..=3).contains(&words.len())
        && words.iter().all(|word| {
            word.chars().next().is_some_and(char::is_uppercase)
                && word.chars().all(|c| c.is_alphabetic() || "'’-.".contains(c))
        })
}
