//! Limits of many subjects at once: their rows are locked and read, what may be taken is decided on what
//! was read, and what changed is written over it while the locks are held.

use super::{Take, Usage};
use crate::refusal::{Code, Violation};
use base::{Currency, Money, Result, TenantId, Time};
use db::Cx;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which rows of limits somebody will ask for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Wanted {
    /// Whose.
    pub tenant: TenantId,
    /// A principal or a mandate.
    pub subject: Uuid,
    /// In which currency.
    pub currency: Currency,
    /// `2026-11-21`, `2026-11`.
    pub periods: Vec<String>,
    /// Whether there is a velocity rule.
    pub velocity: bool,
}

type Cell = (TenantId, Uuid, &'static str, String);

/// Locked limits and what was taken from them since.
#[derive(Debug)]
pub(crate) struct Counters {
    now: Time,
    used: BTreeMap<Cell, (i64, bool)>,
    stamps: BTreeMap<(TenantId, Uuid), (Vec<Time>, bool)>,
}

fn cell(tenant: TenantId, subject: Uuid, currency: Currency, period: &str) -> Cell {
    (tenant, subject, currency.code(), period.to_owned())
}

impl Counters {
    /// Locks the rows, always in the same order, and makes those that are missing.
    pub async fn hold(cx: &mut Cx, wanted: &[Wanted]) -> Result<Self> {
        let now = cx.now();
        let cells: BTreeSet<Cell> = wanted
            .iter()
            .flat_map(|w| w.periods.iter().map(|period| cell(w.tenant, w.subject, w.currency, period)))
            .collect();
        let mut used = super::store::hold_used(cx, &cells).await?;
        if used.len() < cells.len() {
            super::store::make_used(cx, cells.iter().filter(|cell| !used.contains_key(*cell))).await?;
            used = super::store::hold_used(cx, &cells).await?;
        }
        let paced: BTreeSet<(TenantId, Uuid)> =
            wanted.iter().filter(|w| w.velocity).map(|w| (w.tenant, w.subject)).collect();
        let mut stamps = super::store::hold_stamps(cx, &paced).await?;
        if stamps.len() < paced.len() {
            super::store::make_stamps(cx, paced.iter().filter(|key| !stamps.contains_key(*key))).await?;
            stamps = super::store::hold_stamps(cx, &paced).await?;
        }
        Ok(Self {
            now,
            used: used.into_iter().map(|(cell, minor)| (cell, (minor, false))).collect(),
            stamps: stamps.into_iter().map(|(key, list)| (key, (list, false))).collect(),
        })
    }

    /// What is used now, as far as it is held.
    pub fn usage(&self, tenant: TenantId, take: &Take<'_>) -> Usage {
        let used = |period: &str| {
            let cell = cell(tenant, take.subject, take.amount.currency, period);
            self.used.get(&cell).map_or(0, |(minor, _)| *minor)
        };
        let count = take.velocity.map_or(0, |(_, window_s)| {
            let cutoff = self.now.plus_s(-i64::from(window_s));
            self.stamps.get(&(tenant, take.subject)).map_or(0, |(list, _)| {
                i64::try_from(list.iter().filter(|at| **at > cutoff).count()).unwrap_or(i64::MAX)
            })
        });
        Usage { day_minor: used(&take.periods.day), month_minor: used(&take.periods.month), count }
    }

    /// Every limit that this would pass. Takes nothing.
    pub fn passed(&self, tenant: TenantId, take: &Take<'_>) -> Vec<Violation> {
        let usage = self.usage(tenant, take);
        let money = |minor: i64| Money { minor, ..take.amount };
        let above = |used: i64, cap: i64| used.checked_add(take.amount.minor).is_none_or(|sum| sum > cap);
        let mut broken = Vec::new();
        if above(usage.day_minor, take.per_day_minor) {
            let text = format!("More than {} of a day.", money(take.per_day_minor));
            broken.push(Violation::new(Code::DailyLimitExceeded, text));
        }
        // Without a cap the sum must still fit.
        let cap = take.per_month_minor.unwrap_or(i64::MAX);
        if above(usage.month_minor, cap) {
            let text = format!("More than {} of a month.", money(cap));
            broken.push(Violation::new(Code::MonthlyLimitExceeded, text));
        }
        if let Some((count, window_s)) = take.velocity
            && usage.count >= i64::from(count)
        {
            let text = format!("More than {count} payments within {window_s} seconds.");
            broken.push(Violation::new(Code::VelocityExceeded, text));
        }
        broken
    }

    /// Takes from every limit that is held of the subject. What fell out of the window is forgotten.
    pub fn add(&mut self, tenant: TenantId, take: &Take<'_>) {
        for period in [&take.periods.day, &take.periods.month] {
            let cell = cell(tenant, take.subject, take.amount.currency, period);
            if let Some((minor, touched)) = self.used.get_mut(&cell) {
                *minor = minor.saturating_add(take.amount.minor);
                *touched = true;
            }
        }
        if let Some((_, window_s)) = take.velocity
            && let Some((list, touched)) = self.stamps.get_mut(&(tenant, take.subject))
        {
            let cutoff = self.now.plus_s(-i64::from(window_s));
            list.retain(|at| *at > cutoff);
            list.push(self.now);
            *touched = true;
        }
    }

    /// Writes what changed.
    pub async fn write(&self, cx: &mut Cx) -> Result<()> {
        let used: Vec<(&Cell, i64)> =
            self.used.iter().filter(|(_, (_, touched))| *touched).map(|(cell, (n, _))| (cell, *n)).collect();
        super::store::set_used(cx, &used).await?;
        let stamps: Vec<(&(TenantId, Uuid), &[Time])> = self
            .stamps
            .iter()
            .filter(|(_, (_, touched))| *touched)
            .map(|(key, (list, _))| (key, list.as_slice()))
            .collect();
        super::store::set_stamps(cx, &stamps).await
    }
}
