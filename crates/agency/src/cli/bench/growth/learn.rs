//! Learning from a client's history of a million activities: the same run that the weekly schedule starts.

use super::super::scratch::Scratch;
use crate::term;
use base::{Clock, Result, SystemClock};
use db::{Caller, Scope};
use insight::{generate, learn};
use serde::Serialize;
use std::time::Instant;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Activities that were there.
    pub activities: i64,
    /// The first run, which also reads every message for its traits, in seconds.
    pub took_s: f64,
    /// A run after it, to which most messages are known, in seconds.
    pub again_s: f64,
    /// Detectors that had enough to learn from.
    pub learnt: usize,
}

/// Learns from so many activities.
pub(super) async fn run(scratch: &Scratch, activities: i64) -> Result<Figures> {
    let people = (activities * generate::PEOPLE_FOR_A_MILLION / 1_000_000).max(1);
    term::line(format!("learning: a history of {people} people …"));
    let mut owner = scratch.owner().await?;
    let tenant = super::client(&mut owner).await?;
    let wanted = generate::Wanted { tenant: tenant.uuid(), people, seed: 0.5, days_ago: 28, effects: true };
    let activities = generate::write(&mut owner, &wanted, SystemClock.now()).await?;
    sqlx::query("vacuum analyze").execute(&mut owner).await?;
    let db = scratch.connect().await?;
    let mut took = Vec::new();
    let mut learnt = 0;
    for _ in 0..2 {
        let began = Instant::now();
        let (caller, now) = (Caller::system("bench", &db), SystemClock.now());
        let read = learn::read(&db, &caller, tenant, now).await?;
        let mut cx = db.begin(Scope::Tenant(tenant), caller).await?;
        let learned = learn::run(&mut cx, learn::Cause::Person, now, read).await?;
        cx.commit().await?;
        took.push(began.elapsed().as_secs_f64());
        learnt = learned.came.iter().filter(|came| came.learnt).count();
    }
    db.close().await;
    let [took_s, again_s] = [0, 1].map(|at| took.get(at).copied().unwrap_or(f64::NAN));
    term::line(format!(
        "learning {took_s:>8.1} s over {activities} activities ({learnt} detectors had enough); {again_s:.1} s the second time"
    ));
    Ok(Figures { activities, took_s, again_s, learnt })
}
