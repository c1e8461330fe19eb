//! What an answer of the register says, and whether it permits a call. Pure.

use base::Time;
use serde::{Deserialize, Serialize};

/// What the register said of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not on it.
    Clear,
    /// On it.
    Listed,
    /// Not a number that it takes.
    Invalid,
}

impl Verdict {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Listed => "listed",
            Self::Invalid => "invalid",
        }
    }

    /// The verdict of a stored word.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Clear, Self::Listed, Self::Invalid].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// The lines of an answer: a number (as we gave it, or in the form of the country) and Y or N, listed or
/// clear. A heading and empty lines are passed over.
pub fn parse(text: &str) -> Vec<(String, Verdict)> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(String, Verdict)> {
    let mut parts = line.split([',', ';', '\t']).map(|part| part.trim().trim_matches('"'));
    let phone = number(parts.next()?)?;
    let verdict = parts.next_back()?.to_lowercase();
    let verdict = match verdict.as_str() {
        "n" | "no" | "clear" | "not listed" | "not on register" | "0" => Verdict::Clear,
        "y" | "yes" | "listed" | "on register" | "1" => Verdict::Listed,
        "i" | "invalid" => Verdict::Invalid,
        _ => return None,
    };
    Some((phone, verdict))
}

/// A number in E.164; one without a country is Australian, as those of its register are.
fn number(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if text.starts_with('+') && (8..=15).contains(&digits.len()) {
        return Some(format!("+{digits}"));
    }
    match digits.strip_prefix('0') {
        Some(rest) if rest.len() == 9 => Some(format!("+61{rest}")),
        Some(_) => None,
        None if digits.len() == 9 => Some(format!("+61{digits}")),
        None => (digits.len() == 11 && digits.starts_with("61")).then(|| format!("+{digits}")),
    }
}

/// Why a number may not be called, if so: no answer, too old an answer, or a no. Express consent needs none.
pub fn permits(
    answer: Option<(Verdict, Time)>,
    express: bool,
    valid_days: i64,
    now: Time,
) -> Result<(), (&'static str, String)> {
    if express {
        return Ok(());
    }
    match answer {
        None => {
            Err(("not_washed", "The number was not yet checked against the Do-Not-Call register.".to_owned()))
        }
        Some((Verdict::Listed, _)) => {
            Err(("listed", "The number is on the Do-Not-Call register.".to_owned()))
        }
        Some((Verdict::Invalid, _)) => {
            Err(("not_washed", "The Do-Not-Call register does not take this number.".to_owned()))
        }
        Some((Verdict::Clear, at)) if at.plus_days(valid_days) <= now => Err((
            "wash_old",
            format!("The answer of the Do-Not-Call register is older than {valid_days} days."),
        )),
        Some((Verdict::Clear, _)) => Ok(()),
    }
}
