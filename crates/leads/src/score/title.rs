//! Seniority read from a job title.
//!
//! The most senior role that the person holds now wins. A role that belongs to someone else
//! ("Assistant to the CEO"), to the past ("Former CEO") or to a thing ("Product Owner") does not count.
//!
//! Decisions where the points table (growth spec, "ALS score") is silent:
//! - *President* and *Chair* are other C-level (22), *Vice Chair* is VP (18), as in the first scorer.
//! - *Managing Director* and *Executive Director* are directors (15); *General Manager* is a manager (7):
//!   the table's own words decide, a client that sees it otherwise sets its weights.
//! - *Chief of Staff* is other C-level (22); a *Chief Engineer* or *Police Chief* heads a unit (15).
//! - *Deputy CEO* is other C-level (22). Acting and interim count as holding the role.
//! - A *Managing*, *Founding* or *Equity Partner* owns the firm (25), a bare *Partner* is C-level (22); a
//!   *Business Partner* is neither.
//! - *Deputy*, *Associate* and *Assistant Director* are directors (15), *AVP* is VP (18); the word "assistant" is
//!   weak only when it is the role, not when it qualifies one.

use super::words::{self, Word};
use crate::fold::fold;
use serde::{Deserialize, Serialize};

/// How senior a title is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seniority {
    /// No title at all.
    None,
    /// A title without a leading role.
    Other,
    /// Manager or lead.
    Manager,
    /// Senior manager.
    SeniorManager,
    /// Director or head of a unit.
    Director,
    /// Vice president of any kind.
    Vp,
    /// A chief officer other than the CEO, president, chair.
    CLevel,
    /// Owner, founder or CEO.
    Owner,
}

impl Seniority {
    /// Points of the Authority component (maximum 25).
    pub fn points(self) -> u8 {
        match self {
            Self::Owner => 25,
            Self::CLevel => 22,
            Self::Vp => 18,
            Self::Director => 15,
            Self::SeniorManager => 10,
            Self::Manager => 7,
            Self::Other => 5,
            Self::None => 0,
        }
    }

    /// Words for a reason and for the plain sentence.
    pub fn label(self) -> &'static str {
        match self {
            Self::Owner => "owner, founder or CEO",
            Self::CLevel => "C-level",
            Self::Vp => "vice president",
            Self::Director => "director or head",
            Self::SeniorManager => "senior manager",
            Self::Manager => "manager or lead",
            Self::Other => "another role",
            Self::None => "no title",
        }
    }
}

/// What a title says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The most senior current role.
    pub seniority: Seniority,
    /// The role is assistant, intern, student, coordinator or receptionist (Risk −5).
    pub weak: bool,
}

/// Reads a title in any case, with the usual abbreviations and several roles in one line.
pub fn read(title: &str) -> Reading {
    let folded = fold(title);
    if !folded.chars().any(char::is_alphabetic) || words::PLACEHOLDERS.contains(&folded.as_str()) {
        return Reading { seniority: Seniority::None, weak: false };
    }
    if words::OTHER_SCRIPTS.iter().any(|role| folded.contains(role)) {
        return Reading { seniority: Seniority::Owner, weak: false };
    }
    let mut best = Reading { seniority: Seniority::Other, weak: false };
    for (index, part) in parts(&folded).iter().enumerate() {
        let reading = classify(part);
        // "Executive Assistant, CEO" names whom she assists, not a second role.
        if index == 0 && is_personal_assistant(part) {
            return Reading { seniority: Seniority::Other, weak: true };
        }
        best.seniority = best.seniority.max(reading.seniority);
        best.weak |= reading.weak;
    }
    best.weak &= best.seniority == Seniority::Other;
    best
}

/// The roles in a title, each as its words; roles of the past and of other people are left out.
fn parts(folded: &str) -> Vec<Vec<String>> {
    let mut text = folded.to_owned();
    for separator in ["|", ";", "•", "·", "(", ")", "[", "]", " - ", "\u{30fb}"] {
        text = text.replace(separator, "\n");
    }
    let mut out: Vec<Vec<String>> = Vec::new();
    for chunk in text.split('\n').map(str::trim).filter(|chunk| !chunk.is_empty()) {
        if words::FORMER.contains(&chunk.trim_end_matches('.')) {
            out.pop();
            continue;
        }
        // What follows "at" or "@" is the employer.
        let chunk = chunk.split(" at ").next().unwrap_or(chunk);
        let chunk = chunk.split('@').next().unwrap_or(chunk);
        // What follows "to" is the person served: "Assistant to the CEO and Founder".
        let chunk = chunk.split(" to ").next().unwrap_or(chunk);
        let chunk = chunk.split("office of ").next().unwrap_or(chunk);
        for clause in chunk.split([',', '/']) {
            let clause = clause.trim();
            if is_former(clause) {
                continue;
            }
            out.extend(clause.replace(['&', '+'], " and ").split(" and ").map(tokens));
        }
    }
    out.retain(|part| !part.is_empty());
    out
}

fn is_former(clause: &str) -> bool {
    let first = clause.split([' ', '-']).next().unwrap_or_default().trim_end_matches('.');
    words::NOT_NOW.contains(&first) || clause.ends_with(" emeritus") || clause.ends_with(" in residence")
}

fn tokens(clause: &str) -> Vec<String> {
    let joined = clause
        .replace("co-founder", "cofounder")
        .replace("co founder", "cofounder")
        .replace("co-owner", "owner")
        .replace("co-ordinator", "coordinator")
        .replace("c-suite", "csuite")
        .replace("c-level", "csuite")
        .replace("self-employed", "selfemployed");
    let mut out = Vec::new();
    for raw in joined.split([' ', '-', ':', '"', '!', '*']) {
        // "CEO's assistant": the possessor is someone else.
        if raw.ends_with("'s") || raw.ends_with("s'") {
            out.clear();
            continue;
        }
        // "V.P." and "Sr." lose their full stops.
        let word: String = raw.chars().filter(|c| c.is_alphanumeric()).collect();
        if !word.is_empty() {
            out.push(word);
        }
    }
    out
}

fn is_personal_assistant(part: &[String]) -> bool {
    let last = part.last().map(String::as_str);
    let personal = part.iter().any(|word| matches!(word.as_str(), "executive" | "exec" | "personal"));
    matches!(last, Some("ea" | "pa")) || (personal && matches!(last, Some("assistant" | "asst")))
}

/// One role.
fn classify(part: &[String]) -> Reading {
    let end = part.iter().position(|word| words::PREPOSITIONS.contains(&word.as_str())).unwrap_or(part.len());
    let head = &part[..end];
    let mut best = Seniority::Other;
    let mut last_hit = None;
    let mut best_at = 0;
    for at in 0..head.len() {
        let Some(found) = role_at(part, head, at) else { continue };
        last_hit = Some((at, found));
        if found > best {
            (best, best_at) = (found, at);
        }
    }
    let weak = head.iter().enumerate().any(|(at, _)| is_weak_at(head, at));
    // "CEO Office Manager", "Founder Relations Lead": the last noun is the role, the first its field.
    if let Some((at, found @ (Seniority::Manager | Seniority::SeniorManager))) = last_hit
        && best >= Seniority::CLevel
        && at > best_at + 1
        && !(best_at + 1..at).all(|between| words::GRADES.contains(&head[between].as_str()))
    {
        return Reading { seniority: found, weak: false };
    }
    // "CEO Assistant", "Director Support Officer": nobody's role follows the servant's word.
    let servant = head.iter().rposition(|word| words::SERVANTS.contains(&word.as_str()));
    if let Some(servant) = servant
        && last_hit.is_none_or(|(at, _)| at < servant)
    {
        return Reading { seniority: Seniority::Other, weak };
    }
    Reading { seniority: best, weak: weak && best == Seniority::Other }
}

fn is_weak_at(head: &[String], at: usize) -> bool {
    let next = head.get(at + 1).map(String::as_str);
    match head[at].as_str() {
        "assistant" | "asst" | "coordinator" | "receptionist" | "internship" => true,
        "ea" | "pa" => at + 1 == head.len(),
        "intern" | "student" => !next.is_some_and(|next| words::STUDENT_TRADES.contains(&next)),
        _ => false,
    }
}

/// The role that the word at `at` makes, looking at its neighbours.
fn role_at(part: &[String], head: &[String], at: usize) -> Option<Seniority> {
    let word = head[at].as_str();
    let previous = at.checked_sub(1).map(|before| head[before].as_str());
    let next = head.get(at + 1).map(String::as_str);
    let before = |list: &[&str]| head[..at].iter().any(|word| list.contains(&word.as_str()));
    match words::word(word)? {
        Word::Ceo if before(words::DEPUTIES) => Some(Seniority::CLevel),
        Word::Ceo | Word::Founder => Some(Seniority::Owner),
        Word::Owner if previous.is_some_and(|previous| words::OWNED_THINGS.contains(&previous)) => None,
        Word::Owner => Some(Seniority::Owner),
        Word::Chief => chief(part, head, at, before(words::DEPUTIES)),
        Word::Officer => Some(Seniority::CLevel),
        Word::President | Word::Chair if before(words::DEPUTIES) => Some(Seniority::Vp),
        Word::President | Word::Chair => Some(Seniority::CLevel),
        Word::Vp => Some(Seniority::Vp),
        Word::Partner => match previous {
            None => Some(Seniority::CLevel),
            Some("managing" | "founding" | "equity" | "general" | "senior" | "sr") => Some(Seniority::Owner),
            Some("law" | "audit" | "tax" | "advisory" | "consulting" | "owner" | "founder") => {
                Some(Seniority::CLevel)
            }
            Some(_) => None,
        }
        .filter(|_| next.is_none()),
        Word::Director
            if word.starts_with("direct")
                && matches!(next, Some("general" | "generale"))
                && word != "director" =>
        {
            Some(Seniority::Owner)
        }
        Word::Director => Some(Seniority::Director),
        Word::Head if next.is_some_and(|next| words::HEAD_TRADES.contains(&next)) => Some(Seniority::Manager),
        Word::Head if next == Some("hunter") => None,
        Word::Head => Some(Seniority::Director),
        Word::Manager if word == "gerente" && next == Some("general") => Some(Seniority::Owner),
        Word::Manager => {
            let senior = head[..at].iter().enumerate().any(|(place, word)| {
                matches!(word.as_str(), "senior" | "sr" | "snr")
                    && !words::SENIOR_THINGS.contains(&head[place + 1].as_str())
            });
            Some(if senior { Seniority::SeniorManager } else { Seniority::Manager })
        }
        Word::Lead if next.is_some_and(|next| words::LEAD_THINGS.contains(&next)) => None,
        Word::Lead if word == "leader" && previous == Some("thought") => None,
        Word::Lead => Some(Seniority::Manager),
    }
}

/// "Chief …": the CEO, another chief officer, the chief of staff, or the head of a unit.
fn chief(part: &[String], head: &[String], at: usize, deputy: bool) -> Option<Seniority> {
    let next = head.get(at + 1).map(String::as_str);
    if matches!(next, Some("executive" | "exec")) {
        return Some(if deputy { Seniority::CLevel } else { Seniority::Owner });
    }
    if matches!(next, Some("petty" | "warrant")) {
        return None;
    }
    let staff = part.get(at + 1).is_some_and(|word| word == "of")
        && part.get(at + 2).is_some_and(|word| word == "staff");
    let officer = head[at + 1..].iter().any(|word| word == "officer");
    let function = next.is_some_and(|next| words::CHIEF_FUNCTIONS.contains(&next));
    Some(if staff || officer || function { Seniority::CLevel } else { Seniority::Director })
}
