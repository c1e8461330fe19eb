//! Where a booking stands, from everything that a service told about it. The result depends on the set of
//! words alone: their order and their number do not count.

use base::Time;
use ports::calendar::{Made, What};
use std::collections::{BTreeMap, BTreeSet};

/// One word, and when the service said it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// What becomes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It is to be, or was, and nobody said more.
    Booked,
    /// It will not be: why.
    Cancelled(String),
    /// The guest did not come.
    Missed,
}

/// Where a booking stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The booking as it is now.
    pub now: Made,
    /// Every name that it had.
    pub references: Vec<String>,
    /// What becomes of it.
    pub state: State,
}

/// Every booking that the words name.
pub fn references(words: &[Word]) -> BTreeSet<String> {
    words
        .iter()
        .flat_map(|word| [word.what.reference(), word.what.linked()])
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// Where the booking of these words stands; none while nobody said that it was made.
pub fn stand(words: &[Word]) -> Option<Standing> {
    let made = newest(words);
    let gone = moved_away(words);
    let heads = made.iter().filter(|(reference, _)| !gone.contains(**reference));
    // A move whose new time is not told yet leaves the old one as it is.
    let (reference, (_, now)) = heads
        .max_by_key(|(reference, (at, _))| (*at, **reference))
        .or_else(|| made.iter().max_by_key(|(reference, (at, _))| (*at, **reference)))?;
    let mut now = (*now).clone();
    now.lead = now
        .lead
        .or_else(|| made.values().filter_map(|(at, one)| Some((*at, one.lead?))).min().map(|(_, lead)| lead));
    Some(Standing {
        state: state(words, reference),
        references: references(words).into_iter().collect(),
        now,
    })
}

/// For each booking what was said of it last.
fn newest(words: &[Word]) -> BTreeMap<&str, (Time, &Made)> {
    let mut newest: BTreeMap<&str, (Time, &Made)> = BTreeMap::new();
    for word in words {
        let What::Booked(made) = &word.what else { continue };
        let later = newest
            .get(made.reference.as_str())
            .is_none_or(|(at, known)| order(word.at, made) > order(*at, known));
        if later {
            newest.insert(&made.reference, (word.at, made));
        }
    }
    newest
}

/// Of two words about one booking the later counts; of two at one instant always the same one.
fn order(at: Time, made: &Made) -> impl Ord + use<> {
    let times = (at, made.starts_at, made.ends_at);
    (times, made.replaces.clone(), made.email.clone(), made.title.clone(), made.location.clone(), made.lead)
}

/// Bookings whose place another one took.
fn moved_away(words: &[Word]) -> BTreeSet<&str> {
    let mut gone = BTreeSet::new();
    for word in words {
        match &word.what {
            What::Booked(made) => gone.extend(made.replaces.as_deref()),
            What::Cancelled { reference, moved: true, .. } => {
                gone.insert(reference);
            }
            What::Cancelled { .. } | What::NoShow { .. } | What::Other { .. } => {}
        }
    }
    gone
}

fn state(words: &[Word], current: &str) -> State {
    let mut cancelled: Option<(Time, &str)> = None;
    let mut missed: Option<(Time, bool)> = None;
    for word in words {
        match &word.what {
            What::Cancelled { reference, reason, moved: false, .. } if reference == current => {
                let said = (word.at, reason.as_deref().unwrap_or_default());
                cancelled = cancelled.max(Some(said));
            }
            What::NoShow { reference, missed: was } if reference == current => {
                missed = missed.max(Some((word.at, *was)));
            }
            What::Cancelled { .. } | What::NoShow { .. } | What::Booked(_) | What::Other { .. } => {}
        }
    }
    match (cancelled, missed) {
        (Some((_, reason)), _) => State::Cancelled(reason.to_owned()),
        (None, Some((_, true))) => State::Missed,
        (None, Some((_, false)) | None) => State::Booked,
    }
}
