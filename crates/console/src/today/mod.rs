//! Today: what a person wants to know in the morning, from rows.

mod checklist;
mod feed;
pub(crate) use feed::words;
pub mod pages;
mod parts;
mod store;
#[cfg(test)]
mod tests;

use crate::days::Days;
use base::{Result, TenantId};
use db::Cx;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A count that stops counting at [`Count::MAX`], so that a page never reads a whole large table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count(pub i64);

impl Count {
    /// The largest count that is exact.
    pub const MAX: i64 = 20_000;

    /// Whether there are more than were counted.
    pub fn is_capped(self) -> bool {
        self.0 > Self::MAX
    }

    /// The number as printed: `20,000+` when there are more.
    pub fn show(self) -> String {
        if self.is_capped() {
            format!("{}+", ui::number::count(Self::MAX))
        } else {
            ui::number::count(self.0)
        }
    }
}

/// The figures of the page, each counted from rows.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Meetings that take place, or took place, in this month.
    pub meetings_month: Count,
    /// Meetings of today.
    pub meetings_today: Count,
    /// Replies of seven days (today and six before) that want to talk or to know more.
    pub positive: Count,
    /// The same of the seven days before.
    pub positive_before: Count,
    /// Messages that left today.
    pub sent_today: Count,
    /// Messages that may leave today in all; none when no mailbox is in use.
    pub capacity: Option<i64>,
    /// Decisions that wait.
    pub waiting: Count,
    /// Of those, the ones that lapse before noon (after noon: before midnight).
    pub lapsing: Count,
    /// The way from lead to client in thirty days.
    pub funnel: Funnel,
}

/// People at each step within thirty days.
#[derive(Clone, Debug)]
pub struct Funnel {
    /// Leads that came.
    pub leads: Count,
    /// Of those, leads with a score.
    pub scored: Count,
    /// People who were written to.
    pub contacted: Count,
    /// People who answered.
    pub replied: Count,
    /// People who booked a meeting.
    pub meetings: Count,
    /// Deals that were won.
    pub won: Count,
}

/// Tenants whose figures are kept at once.
const KEPT_MAX: usize = 512;
/// Figures are counted anew after this many seconds even when nothing was published.
const KEPT_S: i64 = 15;

/// Figures of one tenant are counted no more often than this, however much is published.
const AGAIN_MS: i64 = 700;

/// The figures last counted of each tenant and calendar; good while nothing new was published. So a
/// page that many people keep open costs one count for each change, not one for each look.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<(TenantId, String), Kept>>);

struct Kept {
    mark: i64,
    counted: base::Time,
    day: jiff::civil::Date,
    figures: Arc<Figures>,
}

impl Memory {
    /// The figures as of the latest fact, whose mark was read before: what is published in between makes the
    /// next look count again.
    pub(crate) async fn figures(&self, cx: &mut Cx, mark: i64, days: &Days) -> Result<Arc<Figures>> {
        let key = (cx.tenant()?, days.zone.name().to_owned());
        if let Some(known) = self.known(&key, mark, days) {
            return Ok(known);
        }
        let figures = Arc::new(store::figures(cx, days).await?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, Kept { mark, counted: days.now, day: days.today, figures: figures.clone() });
        Ok(figures)
    }

    /// The figures that were counted before, while they are good. When they are not, whoever asks first is
    /// to count; for a moment the others get what is known.
    fn known(&self, key: &(TenantId, String), mark: i64, days: &Days) -> Option<Arc<Figures>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get_mut(key).filter(|k| k.day == days.today)?;
        let age_ms = days.now.ms() - known.counted.ms();
        let good = known.mark == mark && (0..KEPT_S * 1_000).contains(&age_ms);
        if good || (0..AGAIN_MS).contains(&age_ms) {
            return Some(known.figures.clone());
        }
        known.counted = days.now;
        None
    }
}
