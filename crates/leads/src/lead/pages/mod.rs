//! Pages of leads: the list, the acts on many, one lead, its form.

pub(crate) mod bulk;
pub(crate) mod detail;
pub(crate) mod form;
pub(crate) mod list;

use super::Status;
use crate::score::Tier;
use maud::Markup;
use ui::prelude::{Tone, tag};

/// The tone of a tier.
pub(crate) fn tone(tier: Tier) -> Tone {
    match tier {
        Tier::Hot => Tone::Hot,
        Tier::Warm => Tone::Warm,
        Tier::Cool => Tone::Cool,
        Tier::Cold | Tier::Dead => Tone::Cold,
    }
}

/// The tag of a state.
pub(crate) fn status_tag(status: Status) -> Markup {
    let tone = match status {
        Status::New | Status::Enriched | Status::Scored | Status::Completed => Tone::Cold,
        Status::InSequence => Tone::Cool,
        Status::Replied => Tone::Warm,
        Status::MeetingBooked | Status::Converted => Tone::Good,
        Status::Unsubscribed | Status::Bounced | Status::Disqualified => Tone::Bad,
    };
    tag(tone, status.label())
}
