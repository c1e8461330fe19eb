//! Users of a page, in two ways.
//!
//! *At their own pace*: each reads a page for a while before the next one, and the instants at which they
//! want a page are drawn beforehand from a seeded source. A page that comes late does not put the next
//! wish off, and its time counts from the wish, not from when the connection was free: a server that
//! stalls is seen by everybody who came meanwhile. *Without a pause*: each asks again as soon as the page
//! is there, which keeps the machine full and measures how many pages it can make.

use super::super::client::User;
use base::{Error, Random, Result};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How the users behave.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Reading for this long on average, in milliseconds: from half of it to one and a half.
    Reading(i64),
    /// Asking again at once.
    Relentless,
}

/// What all users saw.
pub(super) struct Run {
    /// How long each page took, in milliseconds, sorted.
    took_ms: Vec<f64>,
    /// Answers that were no page.
    pub(super) errors: usize,
    /// Pages a second.
    pub(super) per_s: f64,
}

impl Run {
    /// A quantile of the times, in milliseconds.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let last = self.took_ms.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.took_ms.get(at).copied().unwrap_or(f64::NAN)
    }

    /// Pages that were loaded.
    pub(super) fn loads(&self) -> usize {
        self.took_ms.len()
    }
}

/// Lets one user for each cookie load a path for so many seconds.
pub(super) async fn run(
    at: SocketAddr,
    cookies: &[String],
    path: &str,
    seconds: u64,
    pace: Pace,
) -> Result<Run> {
    let random = Arc::new(Random::seeded(1));
    let mut users = Vec::with_capacity(cookies.len());
    for cookie in cookies {
        users.push(User::connect(at, Some(cookie.clone())).await?);
    }
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for user in users {
        running.spawn(one(user, path.to_owned(), until, pace, random.clone()));
    }
    let (mut took_ms, mut errors) = (Vec::new(), 0);
    while let Some(joined) = running.join_next().await {
        let (loads, failed) =
            joined.map_err(|cause| Error::internal("A bench user ended in a defect.").caused_by(cause))??;
        took_ms.extend(loads);
        errors += failed;
    }
    took_ms.sort_by(f64::total_cmp);
    let per_s = took_ms.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Run { took_ms, errors, per_s })
}

async fn one(
    mut user: User,
    path: String,
    until: Instant,
    pace: Pace,
    random: Arc<Random>,
) -> Result<(Vec<f64>, usize)> {
    let (mut took_ms, mut errors) = (Vec::new(), 0);
    let pause = |low: i64, high: i64| {
        Duration::from_millis(u64::try_from(random.between(low, high)).unwrap_or_default())
    };
    let mut wished = Instant::now();
    if let Pace::Reading(ms) = pace {
        // Users do not come in step.
        wished += pause(0, ms);
    }
    while wished < until {
        tokio::time::sleep_until(wished.into()).await;
        let answer = user.get(&path).await?;
        took_ms.push(wished.elapsed().as_secs_f64() * 1_000.0);
        errors += usize::from(answer.status != 200);
        wished = match pace {
            Pace::Reading(ms) => wished + pause(ms / 2, ms + ms / 2),
            Pace::Relentless => Instant::now(),
        };
    }
    Ok((took_ms, errors))
}
