//! What a simulated prospect makes of a message. Each prospect's mood for each message hangs on the
//! seed and the prospect alone, so that another policy meets the same market.

use super::phrases;
use base::{Digest, Random, Time, Zone};
use jiff::civil::Weekday;
use outreach::window::{LocalWindow, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What comes back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reaction {
    /// Words of a person.
    Says(String),
    /// An absence notice of the mailbox.
    Away,
    /// The mailbox does not exist.
    Bounces,
    /// The mailbox is full.
    Full,
    /// The spam button.
    Complains,
}

/// What a prospect is like, as far as moods hang on it.
pub(super) struct Prospect<'a> {
    pub email: &'a str,
    pub first_name: &'a str,
    pub title: &'a str,
    pub tier: &'a str,
    pub email_state: &'a str,
    pub zone: &'a Zone,
}

/// Who writes to them, and what it is.
pub(super) struct Message<'a> {
    /// The sender's first name.
    pub sender: &'a str,
    /// Which message of the sequence it is; 1 is the first.
    pub step: i16,
    /// Positive replies per thousand first messages to a hot lead.
    pub appeal: i64,
    /// When it arrived.
    pub at: Time,
}

/// A source of chance of one prospect and occasion.
pub(super) fn chance(seed: u64, who: &str, occasion: &str) -> Random {
    let digest = Digest::of(format!("{seed}/{who}/{occasion}").as_bytes());
    let first: [u8; 8] = std::array::from_fn(|index| digest.0[index]);
    Random::seeded(u64::from_be_bytes(first))
}

/// One of a list.
pub(super) fn one<'a, T>(random: &Random, list: &'a [T]) -> &'a T {
    let last = i64::try_from(list.len()).unwrap_or(1) - 1;
    list.get(usize::try_from(random.between(0, last)).unwrap_or(0)).unwrap_or(&list[0])
}

/// Draws without putting back: parts of a thousand, one after the other.
struct Lot(i64);

impl Lot {
    fn falls(&mut self, tenths_of_mille: i64) -> bool {
        self.0 -= tenths_of_mille;
        self.0 < 0
    }
}

/// What comes back to a message of a sequence, and when; most often nothing.
pub(super) fn of(seed: u64, p: &Prospect<'_>, m: &Message<'_>) -> Option<(Reaction, Time)> {
    let random = chance(seed, p.email, &format!("step {}", m.step));
    let mut lot = Lot(random.between(0, 9_999));
    let first = m.step == 1;
    let soon = |low_s, high_s| m.at.plus_s(random.between(low_s, high_s));
    if first && lot.falls(bounce_share(p.email_state)) {
        return Some((Reaction::Bounces, soon(60, 900)));
    }
    if lot.falls(8) {
        return Some((Reaction::Full, soon(60, 3_600)));
    }
    if lot.falls(1) {
        return Some((Reaction::Complains, m.at.plus_s(random.between(3_600, 70_000))));
    }
    if lot.falls(180) {
        return Some((Reaction::Away, soon(20, 200)));
    }
    let words = if lot.falls(150) {
        let back = m.at.plus_days(random.between(3, 12)).in_zone(p.zone).strftime("%-d %B %Y").to_string();
        return Some((says(&format!("{} {back}.", one(&random, &phrases::AWAY)), p), soon(600, 9_000)));
    } else if lot.falls(positive_share(p, m)) {
        let kind = random.between(1, 100);
        let list: &[&str] = match kind {
            1..=35 => &phrases::MEETING,
            36..=75 => &phrases::INTERESTED,
            _ => &phrases::QUESTION,
        };
        (*one(&random, list)).to_owned()
    } else if lot.falls(if first { 230 } else { 260 }) {
        (*one(&random, &phrases::NOT_INTERESTED)).to_owned()
    } else if lot.falls(if first { 50 } else { 90 }) {
        (*one(&random, &phrases::UNSUBSCRIBE)).to_owned()
    } else if lot.falls(60) {
        let domain = p.email.rsplit('@').next().unwrap_or_default();
        let colleague = one(&random, &["marketing", "jordan.lee", "alex.smith", "growth"]);
        format!("{} {colleague}@{domain}.", one(&random, &phrases::REFERRAL))
    } else if lot.falls(40) {
        (*one(&random, &phrases::WRONG_PERSON)).to_owned()
    } else if lot.falls(10) {
        (*one(&random, &phrases::ANGRY)).to_owned()
    } else {
        return None;
    };
    Some((says(&words.replace("{}", m.sender), p), answer_time(&random, m.at, p.zone)))
}

/// In ten-thousandths, by what is known of the address.
fn bounce_share(email_state: &str) -> i64 {
    match email_state {
        "verified" => 40,
        "catch_all" => 140,
        _ => 260,
    }
}

/// In ten-thousandths, by tier, title and how often they were written to.
fn positive_share(p: &Prospect<'_>, m: &Message<'_>) -> i64 {
    let tier = match p.tier {
        "hot" => 100,
        "warm" => 75,
        "cool" => 45,
        _ => 20,
    };
    let title = p.title.to_lowercase();
    let decides =
        ["founder", "owner", "ceo", "director", "chief", "head"].iter().any(|word| title.contains(word));
    let helps = ["assistant", "coordinator", "executive"].iter().any(|word| title.contains(word));
    let title = if helps {
        50
    } else if decides {
        125
    } else {
        100
    };
    let nth = match m.step {
        1 => 100,
        2 => 70,
        _ => 45,
    };
    m.appeal * 10 * tier * title * nth / 1_000_000
}

fn says(words: &str, p: &Prospect<'_>) -> Reaction {
    let name = if p.first_name.is_empty() { String::new() } else { format!("\n\n{}", p.first_name) };
    Reaction::Says(format!("{words}{name}\n"))
}

/// The words of somebody who got an answer to a question; none when they leave it at that.
pub(super) fn to_answer(seed: u64, p: &Prospect<'_>, sender: &str, at: Time) -> Option<(Reaction, Time)> {
    let random = chance(seed, p.email, "answer");
    let list: &[&str] = match random.between(1, 100) {
        1..=45 => &phrases::MEETING,
        46..=60 => &phrases::NOT_INTERESTED,
        _ => return None,
    };
    let words = one(&random, list).replace("{}", sender);
    Some((says(&words, p), answer_time(&random, at, p.zone)))
}

/// Whether and when somebody with the link to the booking page opens it.
pub(super) fn to_offer(seed: u64, p: &Prospect<'_>, at: Time, again: bool) -> Option<Time> {
    let random = chance(seed, p.email, if again { "missed" } else { "offer" });
    let books = random.between(1, 100) <= if again { 45 } else { 68 };
    books.then(|| in_hours(at.plus_s(random.between(1_200, 100_000)), &random, p.zone))
}

/// Hours to days later, when people sit at their desks.
fn answer_time(random: &Random, at: Time, zone: &Zone) -> Time {
    let wait_s = match random.between(1, 10) {
        1..=4 => random.between(900, 14_400),
        5..=8 => random.between(14_400, 100_000),
        _ => random.between(100_000, 320_000),
    };
    in_hours(at.plus_s(wait_s), random, zone)
}

/// This instant if it lies in working hours, else some time in the next morning.
fn in_hours(at: Time, random: &Random, zone: &Zone) -> Time {
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let desk =
        LocalWindow { window: Window::hours(&days, 8, 18), zone: zone.clone(), holidays: BTreeSet::new() };
    if desk.is_open(at) {
        return at;
    }
    desk.next_open(at).unwrap_or(at).plus_s(random.between(300, 10_800))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prospect<'a>(email: &'a str, zone: &'a Zone) -> Prospect<'a> {
        Prospect { email, first_name: "Mei", title: "Founder", tier: "hot", email_state: "verified", zone }
    }

    fn reactions(seed: u64, tier: &'static str) -> Vec<(Reaction, Time)> {
        let zone = Zone::sydney();
        let at: Time = "2026-10-19T23:00:00Z".parse().expect("a time");
        (0..4_000)
            .filter_map(|n| {
                let email = format!("p{n}@x.example");
                let p = Prospect { tier, ..prospect(&email, &zone) };
                of(seed, &p, &Message { sender: "Ana", step: 1, appeal: 80, at })
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_market_and_another_one_another() {
        assert_eq!(reactions(1, "hot"), reactions(1, "hot"));
        assert_ne!(reactions(1, "hot"), reactions(2, "hot"));
    }

    #[test]
    fn better_leads_answer_more_often_and_people_answer_in_working_hours() {
        let people = |tier| {
            reactions(1, tier).into_iter().filter(|(r, _)| matches!(r, Reaction::Says(_))).collect::<Vec<_>>()
        };
        let (hot, cold) = (people("hot"), people("cold"));
        assert!(hot.len() > cold.len() + 100, "{} and {}", hot.len(), cold.len());
        let zone = Zone::sydney();
        for (_, at) in hot {
            let local = at.in_zone(&zone);
            assert!((8..22).contains(&local.hour()), "{local}");
        }
    }
}
