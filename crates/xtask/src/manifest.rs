//! A reader for the part of Cargo.toml that the gates need: sections and their keys.

/// One `key = value` line of a section; a value over several lines is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Section header without brackets, such as `dependencies`.
    pub(crate) section: String,
    /// Key up to the first dot: `serde` for `serde.workspace`.
    pub(crate) key: String,
    /// Rest of the key after the first dot and the value, as written.
    pub(crate) value: String,
    /// Line number of the key, from 1.
    pub(crate) line: usize,
}

/// All entries of a manifest in order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut open = 0_usize;
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if open > 0 {
            if let Some(last) = found.last_mut() {
                last.value.push(' ');
                last.value.push_str(line);
            }
            open = depth(open, line);
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            section = line.trim_start_matches('[').split(']').next().unwrap_or_default().to_owned();
            continue;
        }
        let Some((left, value)) = line.split_once('=') else { continue };
        let left = left.trim().trim_matches('"');
        let (key, rest) = left.split_once('.').unwrap_or((left, ""));
        let value = format!("{} {}", rest, value.trim()).trim().to_owned();
        open = depth(0, &value);
        found.push(Entry { section: section.clone(), key: key.to_owned(), value, line: index + 1 });
    }
    found
}

/// Brackets still open after `line`; brackets inside quotes or comments do not count.
fn depth(mut open: usize, line: &str) -> usize {
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            '[' | '{' if !quoted => open += 1,
            ']' | '}' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open
}

/// The quoted strings of an array value.
pub(crate) fn strings(value: &str) -> Vec<String> {
    value.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_long_arrays_are_read() {
        let text = "[dependencies]\nserde.workspace = true\n# c\n[a]\nallow = [\n  \"MIT\", # why\n  \"ISC\",\n]\nz = 1\n";
        let read = entries(text);
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].section.as_str(), read[0].key.as_str()), ("dependencies", "serde"));
        assert_eq!(read[0].value, "workspace true");
        assert_eq!(strings(&read[1].value), ["MIT", "ISC"]);
        assert_eq!((read[2].key.as_str(), read[2].line), ("z", 9));
    }
}
