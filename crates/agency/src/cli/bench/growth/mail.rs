//! How many mails a minute pass the gate and are taken by a mail server.
//!
//! Leads are due in campaigns on autopilot; everything is planned and written while the window is closed, so
//! that each message waits approved at the gate. Then the workers stop, the window opens, and the workers start
//! again: from the first mail that the sink keeps to the last, each was locked, loaded, asked every check of
//! the gate, given capacity of its domain and campaign, recorded as an intent, sent over SMTP, and recorded
//! as sent. Limits are asked as always; this installation's figures leave room (no pause between the mails of
//! a mailbox, a domain's day of thousands, a plan with any number of campaigns), because a bench that waits thirty seconds measures the wait.

use super::super::scratch::Scratch;
use super::process::Process;
use crate::{roles::House, term};
use async_trait::async_trait;
use base::{EmailAddress, Error, Result, SystemClock, TenantId};
use db::{Caller, Cx, Scope};
use outreach::{campaign, enrolment, resource, sequence, touch};
use serde::Serialize;
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use twins::smtp_sink::{self, Envelope, Sink, Store};
use uuid::Uuid;

/// Leads of one campaign, which has a domain with two mailboxes.
const PER_CAMPAIGN: usize = 500;
/// It must be through by then: a quarter of a second for a mail.
const PATIENCE_MS_PER_MAIL: u64 = 250;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Mails that arrived.
    pub mails: usize,
    /// Processes that handed them off.
    pub workers: usize,
    /// Mails a minute, from the first to the last.
    pub per_min: f64,
    /// Messages a minute that were planned and written before, with their checks.
    pub drafts_per_min: f64,
    /// Mails that arrived more than once; 0.
    pub twice: usize,
    /// Mails that did not arrive; 0.
    pub lost: usize,
    /// The most memory that a worker held, in megabytes.
    pub peak_mb: f64,
}

/// What the sink keeps: which mails, and when the first and the last came.
#[derive(Default)]
struct Arrivals {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    times: HashMap<String, u64>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Arrivals {
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for Arrivals {
    async fn put(&self, envelope: Envelope, _: Vec<u8>) -> Result<()> {
        let now = Instant::now();
        self.with(|kept| {
            *kept.times.entry(envelope.message_id.unwrap_or_default()).or_default() += 1;
            kept.first.get_or_insert(now);
            kept.last = Some(now);
        });
        Ok(())
    }

    async fn find(&self, message_id: &str) -> Result<u64> {
        Ok(self.with(|kept| kept.times.get(message_id).copied().unwrap_or(0)))
    }
}

/// Hands so many mails off.
pub(super) async fn run(scratch: &Scratch, mails: usize, workers: usize) -> Result<Figures> {
    let arrivals = Arc::new(Arrivals::default());
    let sink = Sink::start(smtp_sink::Settings::default(), arrivals.clone(), Arc::new(SystemClock)).await?;
    let result = Box::pin(measure(scratch, &sink, &arrivals, mails, workers.max(1))).await;
    sink.shutdown().await;
    result
}

async fn measure(
    scratch: &Scratch,
    sink: &Sink,
    arrivals: &Arrivals,
    mails: usize,
    workers: usize,
) -> Result<Figures> {
    let house = House::open(&scratch.settings).await?;
    let mut owner = scratch.owner().await?;
    let tenant = super::client(&mut owner).await?;
    figures(&mut owner).await?;
    let campaigns = mails.div_ceil(PER_CAMPAIGN);
    let mails = campaigns * PER_CAMPAIGN;
    term::line(format!(
        "mail: {mails} leads in {campaigns} campaigns, each with a domain of two mailboxes …"
    ));
    for n in 0..campaigns {
        furnish(&house, sink, tenant, n).await?;
    }
    sqlx::query("vacuum analyze").execute(&mut owner).await?;
    let began = Instant::now();
    let mut herd = herd(scratch, workers)?;
    ask_planner(&house, tenant).await?;
    wait(&mut herd, &mut owner, WRITTEN, mails).await?;
    let drafts_per_min = mails as f64 / began.elapsed().as_secs_f64() * 60.0;
    stop(herd).await?;
    open(&mut owner).await?;
    let mut herd = self::herd(scratch, workers)?;
    wait(&mut herd, &mut owner, SENT, mails).await?;
    let peak_mb = stop(herd).await?;
    house.db.close().await;
    let figures = arrivals.with(|kept| {
        let took = kept.first.zip(kept.last).map_or(Duration::ZERO, |(first, last)| last - first);
        Figures {
            mails: kept.times.len(),
            workers,
            per_min: kept.times.len() as f64 / took.as_secs_f64().max(0.001) * 60.0,
            drafts_per_min,
            twice: kept.times.values().filter(|times| **times > 1).count(),
            lost: mails.saturating_sub(kept.times.len()),
            peak_mb,
        }
    });
    term::line(format!(
        "mail     {:>8.0} a minute through gate and hand-off ({} mails, {workers} workers; {} twice, {} lost)   written {:.0} a minute",
        figures.per_min, figures.mails, figures.twice, figures.lost, figures.drafts_per_min,
    ));
    Ok(figures)
}

/// Touches that wait at the gate for the window.
const WRITTEN: &str = "select count(*) from outreach.touch where state = 'approved' and retry_at is not null";
/// Touches that left.
const SENT: &str = "select count(*) from outreach.touch where state = 'sent'";

fn herd(scratch: &Scratch, workers: usize) -> Result<Vec<Process>> {
    let roles = std::iter::once("schedule").chain(std::iter::repeat_n("work", workers));
    roles.map(|role| Process::start(scratch, role)).collect()
}

async fn stop(herd: Vec<Process>) -> Result<f64> {
    let mut peak_mb: f64 = 0.0;
    for process in herd {
        peak_mb = peak_mb.max(process.stop().await?);
    }
    Ok(peak_mb)
}

/// Until a count is reached.
async fn wait(
    herd: &mut [Process],
    owner: &mut PgConnection,
    query: &'static str,
    wanted: usize,
) -> Result<()> {
    let patience = Duration::from_secs(30)
        + Duration::from_millis(PATIENCE_MS_PER_MAIL * u64::try_from(wanted).unwrap_or(u64::MAX / 1_000));
    let began = Instant::now();
    loop {
        let count: i64 = sqlx::query_scalar(query).fetch_one(&mut *owner).await?;
        if count >= i64::try_from(wanted).unwrap_or(i64::MAX) {
            return Ok(());
        }
        for process in &mut *herd {
            process.check()?;
        }
        if began.elapsed() > patience {
            return Err(Error::unavailable(
                "bench.mail",
                format!("{count} of {wanted} touches came so far: {query}."),
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn set(owner: &mut PgConnection, key: &str, value: serde_json::Value) -> Result<()> {
    sqlx::query(
        "insert into control.figure (id, key, value, valid_from, source, reason, created_at)
         values (gen_random_uuid(), $1, $2, now() - interval '1 second', 'agency bench growth', 'a bench', now())",
    )
    .bind(key)
    .bind(value)
    .execute(owner)
    .await?;
    Ok(())
}

fn week(hours: &serde_json::Value) -> serde_json::Value {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    serde_json::Value::Object(days.map(|day| (day.to_owned(), hours.clone())).into_iter().collect())
}

/// A window that is closed now, and limits that leave room.
async fn figures(owner: &mut PgConnection) -> Result<()> {
    // The minute lies twelve hours away from now in Sydney.
    let minute: String = sqlx::query_scalar(
        "select to_char(date_trunc('hour', now() at time zone 'Australia/Sydney' + interval '12 hours'), 'HH24')",
    )
    .fetch_one(&mut *owner)
    .await?;
    let closed = serde_json::json!([[format!("{minute}:00"), format!("{minute}:01")]]);
    for (key, value) in [
        ("window.email", week(&closed)),
        ("holidays.AU", serde_json::json!([])),
        ("email.pacing_s", serde_json::json!([0, 0])),
        ("email.domain_daily", serde_json::json!(2 * PER_CAMPAIGN)),
        ("email.ramp", serde_json::json!([[1, 2 * PER_CAMPAIGN]])),
        ("email.reply_reserve_percent", serde_json::json!(0)),
    ] {
        set(owner, key, value).await?;
    }
    // One client runs more campaigns than a plan is sold with.
    sqlx::query(
        "insert into billing.plan (id, code, name, price_minor, leads, campaigns, seats, valid_from, source, created_at)
         select gen_random_uuid(), code, name, price_minor, leads, 1000000, seats, valid_from + interval '1 second', 'agency bench growth', now()
         from billing.plan where code = 'ignition'",
    )
    .execute(&mut *owner)
    .await?;
    Ok(())
}

/// Opens the window, and lets nobody wait for tomorrow's.
async fn open(owner: &mut PgConnection) -> Result<()> {
    set(owner, "window.email", week(&serde_json::json!([["00:00", "24:00"]]))).await?;
    sqlx::query("update outreach.touch set retry_at = null, skip_code = null, skip_detail = null where state = 'approved'")
        .execute(&mut *owner)
        .await?;
    sqlx::query("update jobs.job set state = 'ready', run_at = now() where kind = 'outreach.send' and state = 'scheduled'")
        .execute(&mut *owner)
        .await?;
    sqlx::query("vacuum analyze").execute(owner).await?;
    Ok(())
}

async fn begin(house: &House, tenant: TenantId) -> Result<Cx> {
    house.db.begin(Scope::Tenant(tenant), Caller::system("bench", &house.db)).await
}

async fn ask_planner(house: &House, tenant: TenantId) -> Result<()> {
    let mut cx = begin(house, tenant).await?;
    ::jobs::enqueue(&mut cx, &touch::jobs::Plan {}).await?;
    cx.commit().await
}

/// One campaign on autopilot with its domain, and its leads.
async fn furnish(house: &House, sink: &Sink, tenant: TenantId, n: usize) -> Result<()> {
    let lookup = sink.lookup_url().parse().map_err(|cause: url::ParseError| {
        Error::internal("The sink's address is not a URL.").caused_by(cause)
    })?;
    let smtp = sink.smtp();
    let server = resource::SinkSettings { host: smtp.ip().to_string(), port: smtp.port(), lookup };
    let mut cx = begin(house, tenant).await?;
    let mut mailboxes = Vec::new();
    for name in ["ana", "ben"] {
        let address = EmailAddress::parse(&format!("{name}@sender{n}.example"))?;
        let id = resource::add_sink(&mut cx, &house.ring, &server, address, "Ana Wells").await?;
        mailboxes.push(id.uuid());
    }
    let new = campaign::New { name: format!("Campaign {n}"), ..campaign::New::default() };
    let id = campaign::create(&mut cx, new).await?;
    let daily = i32::try_from(PER_CAMPAIGN).unwrap_or(i32::MAX);
    let change = campaign::Change {
        mode: Some("autopilot".to_owned()),
        daily_limit: Some(daily),
        ..campaign::Change::default()
    };
    campaign::edit(&mut cx, id, &change).await?;
    let steps = sequence::first_contact().into_iter().take(1).collect();
    sequence::save(&mut cx, id, "one step", steps).await?;
    campaign::assign(&mut cx, id, &mailboxes).await?;
    campaign::activate(&mut cx, id).await?;
    let leads = leads(&mut cx, tenant, n).await?;
    let joined = enrolment::enrol(&mut cx, id.uuid(), &leads).await?;
    if joined != leads.len() {
        return Err(Error::internal(format!("{joined} of {} leads joined campaign {n}.", leads.len())));
    }
    cx.commit().await
}

async fn leads(cx: &mut Cx, tenant: TenantId, campaign: usize) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar(
        "insert into leads.lead (id, tenant_id, email, domain, first_name, last_name, title, company_name, industry, headcount,
                                 country, zone, consent, status, score, tier, source, created_at, updated_at)
         select gen_random_uuid(), $1, format('lead%s@prospect%s.example', n, $2::bigint), format('prospect%s.example', $2::bigint), 'Priya', 'Nair',
                'Owner', 'Harbour Dental', 'Dentists', 12, 'AU', 'Australia/Sydney', 'inferred_published', 'scored', 72, 'warm', 'bench', now(), now()
         from generate_series(1, $3::bigint) n returning id",
    )
    .bind(tenant.uuid())
    .bind(i64::try_from(campaign).unwrap_or(i64::MAX))
    .bind(i64::try_from(PER_CAMPAIGN).unwrap_or(i64::MAX))
    .fetch_all(cx.conn())
    .await?)
}
