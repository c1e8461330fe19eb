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

/// The enhanced status code of a failure in a text: the first that is exact. `x.0.0` and `4.4.7` (the
/// reporter gave up) are taken when nothing else is there, a success only when no failure is.
pub(super) fn enhanced(text: &str) -> Option<String> {
    let mut vague = None;
    let mut success = None;
    for word in text.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let word = word.trim_matches('.');
        let mut parts = word.split('.');
        let (Some(class), Some(subject), Some(detail), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let ok = matches!(class, "2" | "4" | "5") && subject.len() == 1 && (1..=3).contains(&detail.len());
        if !ok {
            continue;
        }
        let unclear = word.ends_with(".0.0") || word == "4.4.7";
        let place = match (class, unclear) {
            ("2", _) => &mut success,
            (_, true) => &mut vague,
            (_, false) => return Some(word.to_owned()),
        };
        place.get_or_insert_with(|| word.to_owned());
    }
    vague.or(success)
}

/// The code to believe, of the report's own field and of the other server's words.
pub(super) fn prefer(field: Option<String>, said: Option<String>, reply: Option<u16>) -> Option<String> {
    let (Some(field), Some(said)) = (field.as_ref(), said.as_ref()) else { return field.or(said) };
    let class = reply.map(|code| if code >= 500 { '5' } else { '4' });
    let fits = |code: &str| class.is_some_and(|class| code.starts_with(class));
    let vague = |code: &str| code.ends_with(".0.0");
    let inexact = |code: &str| code.contains(".0");
    let field_stands = if field.get(..1) != said.get(..1) && (fits(field) || fits(said)) {
        fits(field)
    } else if inexact(field) && !inexact(said) {
        false
    } else if vague(field) || vague(said) {
        true
    } else if field == "5.1.1" {
        inexact(said)
    } else {
        !(field == "4.4.7" || field.starts_with("5.3.") || (field == "5.1.3" && said.starts_with("5.7.")))
    };
    Some(if field_stands { field.clone() } else { said.clone() })
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
