//! Cleaning of words that come from outside before they enter a message.

/// Longest name, company or title that a message uses, in characters.
const NAME_CHARS: usize = 40;

/// A name of a person, company, place or trade in one clean line; none when no letter is left. What
/// could be read as markup, a placeholder, a question or a link is dropped.
pub fn name(raw: &str) -> Option<String> {
    let kept: String = raw
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | ',' | '\'' | '’' | '-' | '–' | '&' | '(' | ')' | '+')
            {
                c
            } else {
                ' '
            }
        })
        .collect();
    let words = squeeze(&kept);
    let text = cut_chars(&words, NAME_CHARS);
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '(');
    text.chars().any(char::is_alphabetic).then(|| text.to_owned())
}

/// A first name to greet with: short, without digits or anything that no name has; none otherwise.
pub fn first_name(raw: &str) -> Option<String> {
    if raw.trim().chars().any(|c| c.is_control() || "{}[]<>%@/\\:_".contains(c)) {
        return None;
    }
    let text = name(raw)?;
    let short = text.chars().count() <= 25 && text.split(' ').count() <= 2;
    let clean = text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '.'));
    let shouted = text.chars().count() > 3 && text.chars().all(|c| !c.is_lowercase());
    (short && clean).then(|| if shouted { title_case(&text) } else { text })
}

fn title_case(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_string() + &letters.as_str().to_lowercase())
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Words of a fact or an offer as one clean statement of at most `words` words, cut at the end of a
/// sentence where there is one. Questions become statements; markup and placeholders fall away.
pub fn statement(raw: &str, words: usize) -> Option<String> {
    let mut kept = String::with_capacity(raw.len());
    let mut previous = ' ';
    for c in raw.chars() {
        let next = match c {
            '?' | '!' => '.',
            '{' | '}' | '[' | ']' | '<' | '>' | '|' | '\\' | '`' | '"' | '“' | '”' => ' ',
            '%' if !previous.is_ascii_digit() => ' ',
            c if c.is_control() || c.is_whitespace() => ' ',
            c if c.is_alphanumeric() || c.is_ascii_punctuation() || "–—’‘€£•°".contains(c) => c,
            _ => ' ',
        };
        kept.push(next);
        previous = next;
    }
    let mut text = squeeze(&kept);
    if text.split(' ').count() > words {
        let cut: Vec<&str> = text.split(' ').take(words).collect();
        let cut = cut.join(" ");
        text = match cut.rfind(". ") {
            Some(end) if end > 20 => cut.get(..=end).unwrap_or(&cut).to_owned(),
            Some(_) | None => format!("{} …", cut.trim_end_matches([',', ';', ':', '.'])),
        };
    }
    let text = cut_chars(&text, words * 12);
    let text = text.trim_matches([' ', '.', ',', ';', ':', '-', '–']).to_owned();
    text.chars().any(char::is_alphabetic).then_some(text)
}

/// Runs of white space become one blank.
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, cut between words where that is possible.
pub fn cut_chars(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    match cut.rfind(' ') {
        Some(at) if at > most / 2 => cut.get(..at).unwrap_or(&cut).trim_end().to_owned(),
        Some(_) | None => cut,
    }
}

/// The sentences of a text, line by line, each with its closing mark.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let (mut from, bytes) = (0, line.as_bytes());
        for (at, byte) in bytes.iter().enumerate() {
            let ends =
                matches!(byte, b'.' | b'?' | b'!') && bytes.get(at + 1).is_none_or(|next| *next == b' ');
            if ends && !is_abbreviation(line.get(from..at).unwrap_or_default()) {
                found.push(line.get(from..=at).unwrap_or_default().trim());
                from = at + 1;
            }
        }
        found.push(line.get(from..).unwrap_or_default().trim());
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

fn is_abbreviation(before: &str) -> bool {
    let last = before.rsplit(' ').next().unwrap_or_default();
    matches!(
        last,
        "Mr" | "Mrs" | "Ms" | "Dr" | "Pty" | "Ltd" | "Co" | "St" | "No" | "e.g" | "i.e" | "approx" | "vs"
    ) || (last.chars().count() == 1 && last.chars().all(char::is_uppercase) && last != "I")
}
