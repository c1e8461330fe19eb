//! `agency bench growth`: taking lists in, the gate with the hand-off to a mail server, the list of leads at
//! a million, scoring and learning over a million, and the memory that it took.
//!
//! Every part runs over a scratch database of its own through the code that production runs; what is written
//! past the verbs (a million leads, a month of activities) is said where it is written. Mails leave from
//! processes of `agency work` and arrive at the built-in sink over SMTP: what counts is what the sink kept.

mod learn;
mod list;
mod mail;
mod memory;
mod process;
mod score;
mod take;

use super::scratch::Scratch;
use crate::{settings::Settings, term};
use base::{Result, TenantId};
use serde::Serialize;
use sqlx::PgConnection;
use std::process::ExitCode;

/// How much to do.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Rows of the list that is taken in; 0 leaves it out.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Mails that are handed off; 0 leaves them out.
    #[arg(long, default_value_t = 10_000)]
    mails: usize,
    /// Processes that hand mails off.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Leads of the tenant whose list is looked at; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    leads: i64,
    /// People who look at the list at once.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// How long the list is looked at, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Leads that are scored again; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    scored: i64,
    /// Activities that are learnt from; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    activities: i64,
}

/// Mails a minute.
const BAR_MAILS_PER_MIN: f64 = 50_000.0;
/// Of the 95th percentile of the list, in milliseconds.
const BAR_LIST_MS: f64 = 100.0;
/// Of learning, in seconds.
const BAR_LEARN_S: f64 = 10.0;

#[derive(Serialize)]
struct Report {
    import_rows_per_s: Option<f64>,
    mails_per_min: Option<f64>,
    list_p95_ms: Option<f64>,
    learn_s: Option<f64>,
    score_rows_per_s: Option<f64>,
    /// The most that a process of the program held at once in any of the parts, in megabytes.
    peak_mb: f64,
    import: Option<take::Figures>,
    mail: Option<mail::Figures>,
    list: Option<list::Figures>,
    score: Option<score::Figures>,
    learn: Option<learn::Figures>,
    bar_mails_per_min: f64,
    bar_list_ms: f64,
    bar_learn_s: f64,
    sound: bool,
}

/// A part over a database of its own.
async fn part<T>(settings: &Settings, measure: impl AsyncFnOnce(&Scratch) -> Result<T>) -> Result<T> {
    let scratch = Scratch::make(settings.clone()).await?;
    let result = measure(&scratch).await;
    scratch.drop().await?;
    result
}

/// A client that may send, past sign-up; the only one of its database.
async fn client(owner: &mut PgConnection) -> Result<TenantId> {
    let id = sqlx::query_scalar(
        "insert into accounts.tenant (id, name, status, legal_name, postal_address, website, offer, onboarded_at, created_at, updated_at)
         values (gen_random_uuid(), 'Bench Agency', 'active', 'Bench Agency', '1 George Street, Sydney NSW 2000', 'https://example.com',
                 'Bookkeeping for builders', now(), now(), now()) returning id",
    )
    .fetch_one(owner)
    .await?;
    Ok(TenantId(id))
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let a = &arguments;
    let mut import = None;
    if a.rows > 0 {
        import = Some(Box::pin(part(&settings, async |scratch| take::run(scratch, a.rows).await)).await?);
    }
    let mut mails = None;
    if a.mails > 0 {
        mails = Some(Box::pin(part(&settings, async |s| mail::run(s, a.mails, a.workers).await)).await?);
    }
    let mut lists = None;
    if a.leads > 0 {
        lists =
            Some(Box::pin(part(&settings, async |s| list::run(s, a.leads, a.users, a.seconds).await)).await?);
    }
    let mut scored = None;
    if a.scored > 0 {
        scored = Some(Box::pin(part(&settings, async |scratch| score::run(scratch, a.scored).await)).await?);
    }
    let mut learnt = None;
    if a.activities > 0 {
        learnt =
            Some(Box::pin(part(&settings, async |scratch| learn::run(scratch, a.activities).await)).await?);
    }
    let report = report(import, mails, lists, scored, learnt)?;
    if arguments.json {
        term::line(serde_json::to_string(&report)?);
    }
    Ok(if report.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(
    import: Option<take::Figures>,
    mail: Option<mail::Figures>,
    list: Option<list::Figures>,
    score: Option<score::Figures>,
    learn: Option<learn::Figures>,
) -> Result<Report> {
    let mails_per_min = mail.as_ref().map(|mail| mail.per_min);
    let list_p95_ms = list.as_ref().map(|list| list.p95_ms);
    let learn_s = learn.as_ref().map(|learn| learn.took_s);
    let sound = mails_per_min.is_none_or(|rate| rate >= BAR_MAILS_PER_MIN)
        && mail.as_ref().is_none_or(|mail| mail.twice == 0 && mail.lost == 0)
        && list_p95_ms.is_none_or(|ms| ms < BAR_LIST_MS)
        && list.as_ref().is_none_or(|list| list.errors == 0)
        && score.as_ref().is_none_or(|score| score.wrong_sums == 0)
        && learn_s.is_none_or(|s| s < BAR_LEARN_S);
    let others_mb = mail.as_ref().map_or(0.0, |mail| mail.peak_mb);
    Ok(Report {
        import_rows_per_s: import.as_ref().map(|import| import.import_rows_per_s),
        mails_per_min,
        list_p95_ms,
        learn_s,
        score_rows_per_s: score.as_ref().map(|score| score.score_rows_per_s),
        peak_mb: memory::own_peak_mb()?.max(others_mb),
        import,
        mail,
        list,
        score,
        learn,
        bar_mails_per_min: BAR_MAILS_PER_MIN,
        bar_list_ms: BAR_LIST_MS,
        bar_learn_s: BAR_LEARN_S,
        sound,
    })
}
