//! Lists of challenges as RFC 9110 §11 writes them: `Scheme name=value, name="value", Other …`.

/// A scheme with its parameters.
pub(super) type Named = (String, Vec<(String, String)>);

/// Schemes with their parameters, in order; none when the text is not of the form. A scheme with
/// a single token (`Basic abc=`) keeps no parameters.
pub(super) fn challenges(text: &str) -> Option<Vec<Named>> {
    let mut found: Vec<Named> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = token(rest)?;
        let spaced = after.trim_start_matches([' ', '\t']);
        if let Some(value) = spaced.strip_prefix('=').filter(|_| !found.is_empty()) {
            let (value, after) = value_of(value.trim_start_matches([' ', '\t']))?;
            found.last_mut()?.1.push((word.to_ascii_lowercase(), value));
            rest = next(after)?;
        } else {
            found.push((word.to_owned(), Vec::new()));
            rest = single_token(spaced).unwrap_or(spaced);
            if rest.starts_with(',') || rest.is_empty() {
                rest = next(rest)?;
            }
        }
    }
    Some(found)
}

/// Escapes what would end a quoted string.
pub(super) fn quoted(value: &str) -> String {
    let plain = value.chars().filter(|c| !c.is_control());
    plain.flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(inside) = text.strip_prefix('"') else {
        return token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, inside.get(at + 1..)?)),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Past the comma between two parameters or challenges (empty elements are allowed).
fn next(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t']);
    if text.is_empty() {
        return Some(text);
    }
    text.starts_with(',').then(|| text.trim_start_matches([',', ' ', '\t']))
}

/// Past a token68 such as a bearer token, which is no list of parameters.
fn single_token(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))).unwrap_or(text.len());
    let after = text.get(end..)?.trim_start_matches('=').trim_start_matches([' ', '\t']);
    (end > 0 && (after.is_empty() || after.starts_with(','))).then_some(after)
}
