//! Looks for keys and passwords in the files that git knows.
//!
//! `.config/secrets-allow` names what is no secret: `path | exact text | reason` a line.
//! An entry that matches nothing fails, so that the list cannot rot.

use crate::findings::Findings;
use crate::tree::{File, Tree};
use crate::{Outcome, run};

const ALLOW: &str = ".config/secrets-allow";
/// How key makers begin their keys, and how many key characters follow at least. In two parts so
/// that this file passes its own gate.
const PREFIXES: &[(&str, &str, usize)] = &[
    ("AK", "IA", 16),
    ("gh", "p_", 30),
    ("gh", "o_", 30),
    ("github", "_pat_", 30),
    ("gl", "pat-", 20),
    ("xo", "xb-", 20),
    ("xo", "xp-", 20),
    ("sk_", "live_", 16),
    ("rk_", "live_", 16),
    ("sk-", "ant-", 20),
    ("sk-", "proj-", 20),
    ("AI", "za", 35),
    ("wh", "sec_", 24),
    ("npm", "_", 36),
    ("pypi-", "AgE", 20),
    ("SG", ".", 40),
];
/// Names that are given to secrets.
const NAMES: &[&str] =
    &["secret", "token", "password", "passwd", "api_key", "apikey", "private_key", "access_key"];
/// A shorter value is too easy to guess to be a machine's key.
const VALUE_LENGTH: usize = 20;
/// Bits per character above which a value looks random; English words have about 3.
const ENTROPY_BITS: f64 = 3.9;

/// Scans and reports.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let tree = Tree::read(&run::root())?;
    let mut findings = Findings::default();
    check(&tree, &mut findings);
    findings.report("secrets")
}

fn check(tree: &Tree, findings: &mut Findings) {
    let allowed = allowed(tree, findings);
    let mut used = vec![false; allowed.len()];
    for file in &tree.files {
        if file.is_generated() || file.path == ALLOW {
            continue;
        }
        for (number, line) in file.lines() {
            for (what, value) in suspects(line) {
                let entry = allowed
                    .iter()
                    .position(|(path, text)| *path == file.path && value.contains(text.as_str()));
                match entry {
                    Some(index) => used[index] = true,
                    None => findings.fail(
                        format!("{}:{number}", file.path),
                        format!("looks like {what}; remove it and change it where it is used, or explain it in {ALLOW}"),
                    ),
                }
            }
        }
    }
    for ((path, text), _) in allowed.iter().zip(&used).filter(|(_, used)| !**used) {
        findings.fail(ALLOW, format!("'{path} | {text}' matches nothing; remove the line"));
    }
}

fn allowed(tree: &Tree, findings: &mut Findings) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    for (number, line) in tree.get(ALLOW).map(File::lines).into_iter().flatten() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        match parts.as_slice() {
            [path, text, reason] if !reason.is_empty() => {
                entries.push(((*path).to_owned(), (*text).to_owned()))
            }
            _ => findings.fail(format!("{ALLOW}:{number}"), "write `path | exact text | reason`"),
        }
    }
    entries
}

/// What in `line` looks like a secret: a description, and the text itself.
fn suspects(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if line.contains(concat!("-----BEG", "IN ")) && line.contains(concat!("PRIVATE ", "KEY-----")) {
        found.push(("a private key".to_owned(), line.to_owned()));
    }
    for (first, second, least) in PREFIXES {
        let prefix = format!("{first}{second}");
        for (at, _) in line.match_indices(&prefix) {
            let inside_a_word = line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let key: String = line[at + prefix.len()..].chars().take_while(|c| is_key_char(*c)).collect();
            if !inside_a_word && key.len() >= *least && entropy(&key) > 3.0 {
                found.push((format!("a key ({prefix}…)"), format!("{prefix}{key}")));
            }
        }
    }
    if let Some(value) = named_value(line) {
        found.push(("a named secret".to_owned(), value));
    }
    found
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=' | '.')
}

/// The random-looking quoted value in a line such as `api_key = "…"`.
fn named_value(line: &str) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let name_end = NAMES.iter().filter_map(|name| lower.find(name).map(|at| at + name.len())).min()?;
    let rest = &line[name_end..];
    let assigned = rest.find(['=', ':'])?;
    let value = rest[assigned..].split(['"', '\'']).nth(1)?;
    let plain = value.len() >= VALUE_LENGTH && value.chars().all(is_key_char);
    let mixed = value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
    (plain && mixed && entropy(value) >= ENTROPY_BITS).then(|| value.to_owned())
}

/// Shannon entropy in bits per character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::of(files), &mut findings);
        findings.failures().to_vec()
    }

    #[test]
    fn keys_of_known_makers_are_found() {
        let key = concat!("key: AK", "IAZ7Q3M9X2B8L4W6");
        assert!(found(&[("a.txt", key)]).is_empty(), "too short to be a key");
        let key = concat!("key: AK", "IAZ7Q3M9X2B8L4W6TY");
        assert_eq!(found(&[("a.txt", key)]).len(), 1);
        let key = concat!("-----BEG", "IN RSA PRIVATE ", "KEY-----");
        assert_eq!(found(&[("a.pem", key)]).len(), 1);
    }

    #[test]
    fn random_values_with_a_secret_name_are_found() {
        let line = concat!("api_key = \"", "q8Zr1Lw0Vt5Yx2Nc7Kd4", "Hs9\"");
        assert_eq!(found(&[("a.toml", line)]).len(), 1);
        for fine in
            ["password = \"correct-horse-battery\"", "token = read_token()", "let secret = \"short1\";"]
        {
            assert!(found(&[("a.toml", fine)]).is_empty(), "{fine}");
        }
    }

    #[test]
    fn the_allow_list_needs_a_reason_and_a_match() {
        let line = concat!("api_key = \"", "q8Zr1Lw0Vt5Yx2Nc7Kd4", "Hs9\"");
        let entry = concat!("a.toml | q8Zr1Lw0Vt5Yx2Nc7Kd4", "Hs9 | a published test vector\n");
        assert!(found(&[("a.toml", line), (ALLOW, entry)]).is_empty());
        assert_eq!(found(&[("a.toml", ""), (ALLOW, entry)]).len(), 1, "an entry that matches nothing");
        assert_eq!(found(&[("a.toml", ""), (ALLOW, "a.toml | x")]).len(), 1, "an entry without a reason");
    }
}
