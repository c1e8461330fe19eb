//! Small pieces of reports: fields, addresses, codes.

/// A field of a header-like block, unfolded.
pub(super) fn field_in(block: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in block.lines() {
        if let Some(found) = value.as_mut() {
            if line.starts_with([' ', '\t']) {
                found.push(' ');
                found.push_str(line.trim());
                continue;
            }
            break;
        }
        if let Some((key, rest)) = line.split_once(':')
            && key.trim().eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().to_owned());
        }
    }
    value.filter(|found| !found.is_empty())
}

/// The first address in a text, lower case.
pub(super) fn address_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c))
        .map(|word| word.trim_start_matches("mailto:").trim_matches(['.', ':', '*', '=']))
        .find_map(|word| base::EmailAddress::parse(word).ok())
        .map(String::from)
}

pub(super) fn strip_id(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// The last enhanced status code in a text; transcripts put the deciding one last, except that a
/// more exact code is preferred over `x.0.0`.
pub(super) fn enhanced(text: &str) -> Option<String> {
    let mut best: Option<String> = None;
    for word in text.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let mut parts = word.trim_matches('.').split('.');
        let (Some(class), Some(subject), Some(detail), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let ok = matches!(class, "2" | "4" | "5")
            && (1..=1).contains(&subject.len())
            && (1..=3).contains(&detail.len());
        if ok && best.as_ref().is_none_or(|known| known.ends_with(".0.0")) {
            best = Some(format!("{class}.{subject}.{detail}"));
        }
    }
    best
}

/// The first SMTP reply code of a failure (4xx or 5xx).
pub(super) fn reply_code(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).find_map(|at| {
        let three = text.get(at..at + 3)?;
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + 3).copied();
        let edge = before.is_none_or(|b| b" ;:<'\"(,\n\t=".contains(&b))
            && after.is_none_or(|b| b" -=:'\"\n\r,)".contains(&b));
        let code = three.parse::<u16>().ok().filter(|code| (400..600).contains(code))?;
        (edge && code % 100 < 60).then_some(code)
    })
}

/// Whether a diagnostic carries words, not only a code such as `X-Unix; 77` or nothing.
pub(super) fn speaks(diagnostic: &str) -> bool {
    diagnostic.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 2).count() >= 3
        || diagnostic.to_ascii_lowercase().starts_with("x-unix")
}
