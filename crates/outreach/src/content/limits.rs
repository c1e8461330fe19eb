//! Limits of form: length, one question, no leftovers, nothing that smells of spam.

use super::text;
use serde::Serialize;

/// Characters that a subject stays under.
pub const SUBJECT_CHARS: usize = 50;
/// Words that a body stays under, without signature and footer.
pub const BODY_WORDS: usize = 150;

/// What is wrong or could be better.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Issue {
    /// A stable code.
    pub code: &'static str,
    /// In words, with the part that is meant.
    pub detail: String,
    /// True when it must not be sent so.
    pub error: bool,
}

fn error(code: &'static str, detail: impl Into<String>) -> Issue {
    Issue { code, detail: detail.into(), error: true }
}

fn warning(code: &'static str, detail: impl Into<String>) -> Issue {
    Issue { code, detail: detail.into(), error: false }
}

/// Words that put a subject into the spam folder.
const SPAM: [&str; 34] = [
    "100%",
    "act now",
    "bargain",
    "best price",
    "bonus",
    "buy now",
    "cash",
    "casino",
    "cheap",
    "click here",
    "congratulations",
    "credit card",
    "discount",
    "double your",
    "earn money",
    "exclusive deal",
    "extra income",
    "for free",
    "free",
    "guarantee",
    "guaranteed",
    "limited time",
    "lottery",
    "make money",
    "miracle",
    "no cost",
    "no obligation",
    "offer expires",
    "order now",
    "prize",
    "risk-free",
    "urgent",
    "win",
    "winner",
];

/// Phrases that say nothing.
const GENERIC: [&str; 13] = [
    "i hope this email finds you well",
    "i hope this finds you well",
    "hope you are well",
    "hope you're well",
    "i came across your",
    "touching base",
    "touch base",
    "circle back",
    "synergy",
    "game changer",
    "game-changer",
    "cutting edge",
    "cutting-edge",
];

/// Checks subject and body (greeting to last line before the signature).
pub fn check(subject: &str, body: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    check_subject(subject, &mut issues);
    let words = body.split_whitespace().count();
    if words >= BODY_WORDS {
        issues.push(error(
            "body.long",
            format!("The body has {words} words; it must have fewer than {BODY_WORDS}."),
        ));
    }
    match questions(body) {
        1 => {}
        0 => issues.push(error("body.no_question", "The body asks nothing; it needs one question.")),
        n => issues.push(error("body.questions", format!("The body asks {n} questions; it may ask one."))),
    }
    for found in leftovers(subject).into_iter().chain(leftovers(body)) {
        issues.push(error("placeholder", format!("A placeholder is left: {found}")));
    }
    if is_shouted(body) {
        issues.push(error("body.all_caps", "The body is in capitals."));
    }
    let lower = body.to_lowercase();
    for phrase in GENERIC.iter().filter(|phrase| lower.contains(**phrase)) {
        issues.push(warning("body.generic", format!("“{phrase}” says nothing.")));
    }
    for word in SPAM.iter().filter(|word| has_phrase(&lower, word)) {
        issues.push(warning("body.spam_word", format!("“{word}” draws spam filters.")));
    }
    issues
}

fn check_subject(subject: &str, issues: &mut Vec<Issue>) {
    // The prefix of an answer is not the writer's.
    let bare = subject.strip_prefix("Re: ").unwrap_or(subject);
    let chars = bare.chars().count();
    if bare.trim().is_empty() {
        issues.push(error("subject.empty", "The subject is empty."));
    }
    if chars >= SUBJECT_CHARS {
        issues.push(error(
            "subject.long",
            format!("The subject has {chars} characters; it must have fewer than {SUBJECT_CHARS}."),
        ));
    }
    if bare.chars().any(char::is_control) {
        issues.push(error(
            "subject.control",
            "The subject contains a line break or another control character.",
        ));
    }
    if is_shouted(bare) {
        issues.push(error("subject.all_caps", "The subject is in capitals."));
    }
    let lower = bare.to_lowercase();
    for word in SPAM.iter().filter(|word| has_phrase(&lower, word)) {
        issues.push(error("subject.spam_word", format!("“{word}” in a subject draws spam filters.")));
    }
}

/// Whether a phrase stands in a text as whole words.
pub(super) fn has_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// How many questions a text asks; a question mark inside a link is none.
pub fn questions(body: &str) -> usize {
    let chars: Vec<char> = body.chars().collect();
    let ends = |at: usize| chars.get(at + 1).is_none_or(|next| !next.is_alphanumeric() && *next != '?');
    chars.iter().enumerate().filter(|(at, c)| **c == '?' && ends(*at)).count()
}

/// Whether a text of some length has letters and none of them is small.
pub(super) fn is_shouted(text: &str) -> bool {
    let (mut upper, mut lower) = (0, 0);
    for c in text.chars() {
        upper += usize::from(c.is_uppercase());
        lower += usize::from(c.is_lowercase());
    }
    upper >= 5 && lower == 0
}

/// Placeholders that were not filled: `{{x}}`, `{x}`, `[[x]]`, `[CAPS]`, `<CAPS>`, `%X%`. Tags of HTML
/// and bracketed words are none.
pub fn leftovers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, close) in [('{', '}'), ('[', ']'), ('<', '>'), ('%', '%')] {
        let mut rest = text;
        while let Some(at) = rest.find(open) {
            let inside = rest.get(at + open.len_utf8()..).unwrap_or_default();
            let Some(end) = inside.find(close) else {
                if open == '{' && inside.starts_with('{') {
                    found.push(text::cut_chars(rest.get(at..).unwrap_or_default(), 40));
                }
                break;
            };
            let word = inside.get(..end).unwrap_or_default();
            if is_placeholder(open, word) {
                found.push(text::cut_chars(&format!("{open}{word}{close}"), 40));
                rest = inside.get(end + close.len_utf8()..).unwrap_or_default();
            } else {
                rest = inside;
            }
        }
    }
    found
}

fn is_placeholder(open: char, word: &str) -> bool {
    let caps = |word: &str| {
        (2..=40).contains(&word.chars().count())
            && word.chars().any(|c| c.is_ascii_uppercase())
            && word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | ' ' | '-'))
    };
    match open {
        '{' => word.chars().count() <= 60 && !word.contains('\n'),
        '[' => word.starts_with('[') || caps(word),
        '<' => caps(word) && !is_html_tag(word),
        '%' => caps(word) && !word.contains(' '),
        _ => false,
    }
}

fn is_html_tag(word: &str) -> bool {
    const TAGS: [&str; 22] = [
        "A", "B", "I", "U", "P", "BR", "HR", "LI", "OL", "UL", "TD", "TR", "TH", "EM", "H1", "H2", "H3",
        "DIV", "SPAN", "TABLE", "STRONG", "HTML",
    ];
    TAGS.contains(&word)
}
