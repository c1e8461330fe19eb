//! The traits of a message, read from its words. Pure and cheap: it runs once for each message that left.

use super::dimension::{Dimension, Trait};
use outreach::channel::Channel;

/// Pain points, by the words that speak of them.
pub(super) const PAINS: &[&str] = &["time", "cost", "pipeline", "hiring", "risk", "growth", "tools"];
const PAIN_WORDS: [&[&str]; 7] = [
    &["hours", "busy", "time-consuming", "save time", "backlog", "overtime"],
    &["cost", "budget", "expensive", "overspend", "fees", "margin"],
    &["pipeline", "leads", "enquiries", "bookings", "new clients", "demand"],
    &["hiring", "recruit", "vacanc", "staff shortage", "turnover", "open position", "job ad"],
    &["risk", "complian", "audit", "penalt", "breach", "downtime"],
    &["growth", "growing", "scale", "expan", "second clinic", "new location"],
    &["manual", "spreadsheet", "disconnected", "legacy", "integration", "double entry"],
];

/// What a message asks for, the plainest ask first: the first that is found is the ask.
pub(super) const ASKS: &[&str] = &["booking_link", "call", "send_more", "question", "none"];
const ASK_WORDS: [&[&str]; 3] = [
    &["/book/", "pick a time", "choose a time", "calendar"],
    &["15 minutes", "20 minutes", "30 minutes", "a quick call", "a short call", "speak", "meet", "chat"],
    &["shall i send", "can i send", "happy to send", "want me to send", "send you"],
];

/// Ways to argue.
pub(super) const ANGLES: &[&str] = &["roi", "social_proof", "curiosity", "fear", "value", "authority"];
const ANGLE_WORDS: [&[&str]; 6] = [
    &["return on", "roi", "revenue", "save ", "per cent", "%", "cut "],
    &["clients like", "others in", "helped", "worked with", "case study", "similar"],
    &["noticed", "curious", "wondering", "how do you", "did you know"],
    &["missing", "losing", "before it", "too late", "fall behind", "miss out"],
    &["help you", "so that you", "free", "easier", "without having to"],
    &["years of", "certified", "award", "expert", "published", "specialis"],
];

/// What a message may hold of its reader.
pub(super) const PERSONAL: &[&str] = &[
    "name_used",
    "company_named",
    "industry_named",
    "hiring",
    "funding",
    "new_role",
    "social",
    "pain_point",
];

/// What is read of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Words<'a> {
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    pub(super) first_name: Option<&'a str>,
    pub(super) company: Option<&'a str>,
    pub(super) industry: Option<&'a str>,
    /// Kinds of the facts that carry it.
    pub(super) facts: &'a [String],
}

/// When and how it left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) channel: Channel,
    pub(super) number: i16,
    /// Of the recipient: Monday is 1.
    pub(super) weekday: Option<i16>,
    /// Of the recipient.
    pub(super) hour: Option<i16>,
    /// Since the message before; none for the first.
    pub(super) gap_days: Option<i64>,
}

/// Where the footer begins: what follows is the same in every message.
fn own_words(body: &str) -> &str {
    body.rfind("\n-- \n").or_else(|| body.rfind("\n--\n")).map_or(body, |at| &body[..at])
}

fn holds(text: &str, part: Option<&str>) -> bool {
    part.map(str::trim).filter(|part| part.len() >= 2).is_some_and(|part| text.contains(&part.to_lowercase()))
}

/// Every trait of a message, each once.
pub(super) fn traits(words: &Words<'_>, way: Way) -> Vec<i16> {
    let mut found = Vec::with_capacity(16);
    let mut add = |dimension, value: usize| {
        found.push(Trait { dimension, value: u8::try_from(value).unwrap_or(99) }.code());
    };
    let body = own_words(words.body).to_lowercase();
    let count = body.split_whitespace().count();
    add(Dimension::Length, [50, 80, 120, 150].iter().filter(|bound| count >= **bound).count());
    for (value, list) in PAIN_WORDS.iter().enumerate() {
        if list.iter().any(|word| body.contains(word)) {
            add(Dimension::PainPoint, value);
        }
    }
    for (value, list) in ANGLE_WORDS.iter().enumerate() {
        if list.iter().any(|word| body.contains(word)) {
            add(Dimension::Angle, value);
        }
    }
    let ask = ASK_WORDS.iter().position(|list| list.iter().any(|word| body.contains(word)));
    add(Dimension::Ask, ask.unwrap_or(if body.contains('?') { 3 } else { 4 }));
    for value in personal(words, &body) {
        add(Dimension::Personal, value);
    }
    subject(words, &mut add);
    add(
        Dimension::Channel,
        match way.channel {
            Channel::Email => 0,
            Channel::Sms => 1,
            Channel::Linkedin => 2,
            Channel::Voice => 3,
            Channel::Mail => 4,
        },
    );
    let small = |n: i16| usize::try_from(n).ok();
    if let Some(day) = way.weekday.and_then(small) {
        add(Dimension::Weekday, day);
    }
    if let Some(hour) = way.hour.and_then(small) {
        add(Dimension::Hour, hour);
    }
    if let Some(number) = small(way.number) {
        add(Dimension::TouchNumber, number);
    }
    match way.gap_days {
        Some(days) => add(Dimension::Gap, 1 + [2, 4, 6, 10].iter().filter(|bound| days >= **bound).count()),
        // A later message whose forerunner is not known has no gap.
        None if way.number <= 1 => add(Dimension::Gap, 0),
        None => {}
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn personal(words: &Words<'_>, body: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (value, part) in [words.first_name, words.company, words.industry].into_iter().enumerate() {
        if holds(body, part) {
            found.push(value);
        }
    }
    for kind in words.facts {
        match kind.as_str() {
            "hiring" | "job" | "jobs" | "vacancy" => found.push(3),
            "funding" | "funded" | "investment" => found.push(4),
            "new_role" | "role_change" | "role_started" => found.push(5),
            "social" | "social_hook" | "icebreaker" | "post" | "news" | "event" => found.push(6),
            "pain_point" | "pain" | "complaint" => found.push(7),
            _ => {}
        }
    }
    found
}

fn subject(words: &Words<'_>, add: &mut impl FnMut(Dimension, usize)) {
    let plain = words.subject.trim();
    if plain.is_empty() {
        add(Dimension::SubjectWords, 0);
        return;
    }
    let reply = plain.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("re:"));
    let own = if reply { plain[3..].trim_start() } else { plain };
    let lower = own.to_lowercase();
    add(
        Dimension::SubjectWords,
        match own.split_whitespace().count() {
            0..=3 => 1,
            4..=6 => 2,
            _ => 3,
        },
    );
    let forms = [
        own.contains('?'),
        own.bytes().any(|byte| byte.is_ascii_digit()),
        holds(&lower, words.first_name),
        holds(&lower, words.company),
        reply,
        own == lower,
    ];
    for (value, _) in forms.iter().enumerate().filter(|(_, there)| **there) {
        add(Dimension::SubjectForm, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(words: &Words<'_>) -> Vec<String> {
        let way =
            Way { channel: Channel::Email, number: 2, weekday: Some(2), hour: Some(10), gap_days: Some(3) };
        traits(words, way)
            .into_iter()
            .filter_map(Trait::of)
            .map(|one| format!("{}={}", one.dimension.word(), one.segment()))
            .collect()
    }

    #[test]
    fn a_message_is_read_for_what_it_is_made_of() {
        let facts = ["hiring".to_owned()];
        let words = Words {
            subject: "Re: Two clinics, Harbour Dental?",
            body: "Hi Priya,\n\nI noticed your two job ads. We helped others in dental cut overtime by 20%.\n\nIs a quick call on Tuesday any use?\n\n-- \nAlex, years of experience, free newsletter",
            first_name: Some("Priya"),
            company: Some("Harbour Dental"),
            industry: Some("Dental"),
            facts: &facts,
        };
        let found = segments(&words);
        for wanted in [
            "subject_words=to_6",
            "subject_form=question",
            "subject_form=company",
            "subject_form=reply",
            "pain_point=time",
            "pain_point=hiring",
            "ask=call",
            "angle=roi",
            "angle=social_proof",
            "angle=curiosity",
            "length=to_49",
            "personal=name_used",
            "personal=industry_named",
            "personal=hiring",
            "channel=email",
            "weekday=2",
            "hour=10",
            "touch_number=2",
            "gap=to_3",
        ] {
            assert!(found.contains(&wanted.to_owned()), "{wanted} in {found:?}");
        }
        // The footer is no argument.
        for other in ["angle=authority", "angle=value", "personal=company_named", "subject_form=number"] {
            assert!(!found.contains(&other.to_owned()), "{other} in {found:?}");
        }
    }

    #[test]
    fn a_message_without_a_subject_says_so_and_each_trait_stands_once() {
        let words = Words { body: "Could we talk?", facts: &[], ..Words::default() };
        let found = segments(&words);
        assert!(
            found.contains(&"subject_words=none".to_owned()) && found.contains(&"ask=question".to_owned())
        );
        let mut once = found.clone();
        once.dedup();
        assert_eq!(once, found);
    }
}
