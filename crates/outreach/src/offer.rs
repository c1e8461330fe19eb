//! What an answer offers: where somebody picks a time, and a few that are free. Calendars and booking pages
//! are kept above this crate.

use async_trait::async_trait;
use base::{Result, Time, Zone};
use db::Cx;
use jobs::Run;
use uuid::Uuid;

/// Times at most that are named in one answer.
pub const TIMES_MAX: usize = 3;

/// Where somebody picks a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The page, with what is known of them filled in.
    pub url: String,
    /// Times that are free now, earliest first; none when that cannot be known.
    pub times: Vec<Time>,
    /// The zone in which they read times.
    pub zone: Zone,
}

impl Offer {
    /// The free times as a person reads them: `Tuesday 3 March, 10:00`.
    pub fn written(&self) -> Vec<String> {
        let write = |at: &Time| at.in_zone(&self.zone).strftime("%A %-d %B, %H:%M").to_string();
        self.times.iter().take(TIMES_MAX).map(write).collect()
    }
}

/// Who knows what to offer.
#[async_trait]
pub trait Offers: Send + Sync + 'static {
    /// The page alone, with what is known of a lead filled in; from rows, nobody outside is asked.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn link(&self, cx: &mut Cx, lead: Option<Uuid>) -> Result<Option<String>>;

    /// What to offer to a lead, or to somebody who is none; nothing when the client has no page. It may ask a
    /// service outside, so it is called with no transaction open; a service that does not answer takes the
    /// times away, never the page.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn of(&self, run: &Run, lead: Option<Uuid>) -> Result<Option<Offer>>;
}
