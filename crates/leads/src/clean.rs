//! One messy value made clean: names, addresses, profiles, websites. Nothing is invented; what cannot be read is none.

use crate::fold::fold;
use crate::known::{FREEMAIL, ROLES};
use base::EmailAddress;

/// Cells that mean "nothing".
pub fn is_blank(value: &str) -> bool {
    let folded = fold(value);
    matches!(
        folded.as_str(),
        "" | "-"
            | "--"
            | "."
            | "?"
            | "n/a"
            | "na"
            | "#n/a"
            | "n.a."
            | "none"
            | "null"
            | "nil"
            | "unknown"
            | "undefined"
            | "nan"
            | "tbc"
            | "tbd"
            | "not available"
            | "not provided"
            | "no email"
            | "#value!"
            | "#ref!"
            | "#name?"
            | "x"
            | "xx"
            | "xxx"
    )
}

/// The first address in a value: without `mailto:`, angle brackets, quotes and trailing punctuation.
/// None when no part of the value is an address.
pub fn email(value: &str) -> Option<EmailAddress> {
    let inner = match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value,
    };
    inner.split([';', ',', '|', '\n', ' ', '/']).filter(|part| part.contains('@')).find_map(|part| {
        let part = part.trim_matches(|c: char| c.is_whitespace() || "<>()[]\"'.,:\u{200b}\u{a0}".contains(c));
        let part =
            part.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:")).map_or(part, |_| &part[7..]);
        EmailAddress::parse(part.split('?').next().unwrap_or(part)).ok()
    })
}

/// Whether anyone can get an address at this domain.
pub fn is_freemail(address: &EmailAddress) -> bool {
    FREEMAIL.contains(&address.domain())
}

/// Whether a team or a machine reads this address.
pub fn is_role(address: &EmailAddress) -> bool {
    let local = address.local();
    let base = local.split('+').next().unwrap_or(local);
    let stem = base.split(['.', '_']).next().unwrap_or(base);
    ROLES.contains(&base)
        || (ROLES.contains(&stem) && base[stem.len()..].trim_start_matches(['.', '_']).len() <= 3)
}

/// The person's LinkedIn profile in one spelling: `https://www.linkedin.com/in/priya-nair`. A company page is none.
pub fn linkedin(value: &str) -> Option<String> {
    let lower = value.trim().to_lowercase();
    let tail = lower.split_once("/in/").map(|(_, tail)| tail).or_else(|| lower.strip_prefix("in/"));
    let tail = tail.or_else(|| lower.split_once("/pub/").map(|(_, tail)| tail))?;
    let before = lower.split("/in/").next().unwrap_or_default();
    if before.contains('.') && !before.contains("linkedin.") {
        return None;
    }
    let slug: &str = tail.split(['/', '?', '#', ' ', ',', ';']).next().unwrap_or_default();
    let sound =
        (2..=200).contains(&slug.len()) && slug.chars().all(|c| c.is_alphanumeric() || "-_%.".contains(c));
    sound.then(|| format!("https://www.linkedin.com/in/{slug}"))
}

/// The domain of a website: `https://www.Harbour-Dental.com.au/about` → `harbour-dental.com.au`.
pub fn domain(value: &str) -> Option<String> {
    let lower = value.trim().to_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':', ' ', ',', ';']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).trim_end_matches('.');
    base::email::is_domain(host).then(|| host.to_owned())
}

/// Honorifics before a name and marks after it.
const BEFORE: &[&str] =
    &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "herr", "frau", "hon"];
const AFTER: &[&str] = &[
    "jr", "sr", "ii", "iii", "iv", "phd", "mba", "md", "cpa", "esq", "oam", "am", "ca", "ao", "mbbs", "bds",
    "dds",
];

/// A whole name as given and family name: `Dr. Jane van der Berg, MBA` → `Jane`, `van der Berg`;
/// `Smith, John` → `John`, `Smith`.
pub fn split_name(value: &str) -> (Option<String>, Option<String>) {
    let bare = |word: &str| fold(word).replace('.', "");
    let value = value.split('(').next().unwrap_or(value).trim();
    let mut pieces: Vec<&str> = value.split(',').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    while pieces.len() > 1
        && pieces.last().is_some_and(|last| last.split(' ').all(|word| AFTER.contains(&bare(word).as_str())))
    {
        pieces.pop();
    }
    let ordered = match pieces.as_slice() {
        [family, given] => format!("{given} {family}"),
        _ => pieces.join(" "),
    };
    let mut parts: Vec<&str> = ordered.split_whitespace().collect();
    while parts.len() > 1 && BEFORE.contains(&bare(parts[0]).as_str()) {
        parts.remove(0);
    }
    while parts.len() > 2 && parts.last().is_some_and(|last| AFTER.contains(&bare(last).as_str())) {
        parts.pop();
    }
    match parts.as_slice() {
        [] => (None, None),
        [only] => (name(only), None),
        [first, rest @ ..] => (name(first), name(&rest.join(" "))),
    }
}

/// A name with single spaces; one written all in capitals or all in small letters gets its capitals.
pub fn name(value: &str) -> Option<String> {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if is_blank(&value) {
        return None;
    }
    let letters: Vec<char> = value.chars().filter(|c| c.is_alphabetic()).collect();
    let shouted = letters.len() > 2 && letters.iter().all(|c| c.is_uppercase());
    let whispered = letters.len() > 1 && letters.iter().all(|c| c.is_lowercase());
    if !shouted && !whispered {
        return Some(value);
    }
    let mut out = String::new();
    let mut start = true;
    for c in value.chars() {
        out.extend(if start { c.to_uppercase().collect::<Vec<_>>() } else { c.to_lowercase().collect() });
        start = matches!(c, ' ' | '-' | '\'' | '’');
    }
    Some(out)
}

/// Text with single spaces between words on each line, or none when it says nothing.
pub fn plain(value: &str) -> Option<String> {
    let value = value
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n");
    (!is_blank(&value)).then(|| value.trim().to_owned())
}

/// A company's name for comparison: folded, without its legal form.
pub fn company_key(value: &str) -> String {
    const FORMS: &[&str] = &[
        "pty",
        "ltd",
        "limited",
        "inc",
        "llc",
        "llp",
        "plc",
        "gmbh",
        "ag",
        "sa",
        "sarl",
        "bv",
        "co",
        "corp",
        "corporation",
        "the",
        "company",
    ];
    let words = crate::fold::words(value);
    let kept: Vec<&str> = words.split(' ').filter(|word| !FORMS.contains(word)).collect();
    if kept.is_empty() { words } else { kept.join(" ") }
}
