//! `agency bench pages`: the pages people look at all day, over a tenant of a million leads.
//!
//! What *100 concurrent users* means here: a hundred people are signed in, each with a session and a
//! connection of their own. Each looks at a page, reads it for about `--think-ms` (a second: they work fast),
//! and wants the next; when is drawn beforehand from a seeded source. A page's time counts from the wish,
//! also when an earlier page was late (see [`load`]), and the bar of 50 ms is on the 95th percentile of that.
//! The same people then load the page without any pause: on a machine that is full by definition the
//! latency says only how many pages a second it can make (100 users ÷ pages a second), so that is what is
//! printed. Next to both stand the same figures of the same bytes served from memory without sign-in or
//! database, over the same connections, compressed in the same way, from the same process: the load
//! generator, the server and PostgreSQL share the machine.

mod fill;
mod load;
mod served;

use super::{scans, scratch::Scratch};
use crate::{settings::Settings, term};
use base::Result;
use load::Pace;
use serde::Serialize;
use served::{STATIC_PATH, Served};
use std::{collections::BTreeMap, process::ExitCode, time::Instant};

/// How much to do.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Leads in the tenant; a tenth of them were written to in the last month.
    #[arg(long, default_value_t = 1_000_000)]
    leads: i64,
    /// People at once.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// How long each measurement lasts, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How long a person reads before the next page, on average, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    think_ms: i64,
    /// A path to measure; may be given several times.
    #[arg(long = "page", value_name = "PATH", default_values = ["/", "/leads", "/inbox"])]
    pages: Vec<String>,
}

/// What a page is called in the report.
fn name(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "today".to_owned(),
        other => other.replace('/', "_"),
    }
}

/// The 95th percentile that a page may take, in milliseconds.
const BAR_MS: f64 = 50.0;

/// The list of leads alone, for other benches: its 95th percentile in milliseconds, loads a second without a
/// pause, and loads that were no page.
pub(super) async fn list_of_leads(
    scratch: &Scratch,
    leads: i64,
    users: usize,
    seconds: u64,
) -> Result<(f64, f64, usize)> {
    let pages = vec!["/leads".to_owned()];
    let arguments = Arguments { json: false, leads, users, seconds, think_ms: 1_000, pages };
    let figures = measure(scratch, &arguments).await?;
    let page = figures.get("leads").ok_or_else(|| base::Error::internal("The list was not measured."))?;
    Ok((page.p95_ms, page.relentless.per_s, page.errors))
}

/// One page's figures.
#[derive(Clone, Debug, Serialize)]
struct Figures {
    /// Of the page, and as it is sent.
    bytes: usize,
    bytes_sent: usize,
    loads: usize,
    errors: usize,
    per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    static_p95_ms: f64,
    /// p95 over that of the static page.
    ratio: f64,
    /// The same people without a pause.
    relentless: Relentless,
    /// Rows and index entries that PostgreSQL read for one load, on average.
    rows: f64,
    /// Large tables of which loading the page read rows without an index, with how many.
    scanned: BTreeMap<String, i64>,
}

/// How many pages a second the full machine makes.
#[derive(Clone, Debug, Serialize)]
struct Relentless {
    per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
    static_per_s: f64,
    static_p95_ms: f64,
}

impl Figures {
    fn is_sound(&self) -> bool {
        self.scanned.is_empty() && self.errors == 0 && self.p95_ms < BAR_MS
    }
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let scratch = Scratch::make(settings).await?;
    let result = Box::pin(measure(&scratch, &arguments)).await;
    scratch.drop().await?;
    let figures = result?;
    let sound = figures.values().all(Figures::is_sound);
    if arguments.json {
        let report = serde_json::json!({
            "users": arguments.users, "leads": arguments.leads, "think_ms": arguments.think_ms, "bar_ms": BAR_MS,
            "pages": figures, "sound": sound,
        });
        term::line(serde_json::to_string(&report)?);
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(scratch: &Scratch, arguments: &Arguments) -> Result<BTreeMap<String, Figures>> {
    let served = Served::start(scratch).await?;
    let result = Box::pin(with(&served, scratch, arguments)).await;
    served.stop().await?;
    result
}

async fn with(
    served: &Served,
    scratch: &Scratch,
    arguments: &Arguments,
) -> Result<BTreeMap<String, Figures>> {
    served.sign_up().await?;
    term::line(format!("filling a tenant with {} leads …", arguments.leads));
    let began = Instant::now();
    let mut owner = scratch.owner().await?;
    let cookies = fill::people(&mut owner, arguments.users.max(1)).await?;
    fill::tenant(&mut owner, arguments.leads).await?;
    term::line(format!("filled in {:.0} s", began.elapsed().as_secs_f64()));
    term::line(format!(
        "{} people, each reading a page for about {} ms; a page's time counts from when it was wanted",
        arguments.users, arguments.think_ms
    ));
    let mut figures = BTreeMap::new();
    for path in &arguments.pages {
        let page = page(served, &mut owner, arguments, &cookies, path).await?;
        report(&name(path), &page);
        figures.insert(name(path), page);
    }
    Ok(figures)
}

async fn page(
    served: &Served,
    owner: &mut sqlx::PgConnection,
    arguments: &Arguments,
    cookies: &[String],
    path: &str,
) -> Result<Figures> {
    let first = cookies.first().map_or("", String::as_str);
    let (bytes, bytes_sent) = served.warm(first, path).await?;
    let seconds = arguments.seconds;
    let (own_pace, at) = (Pace::Reading(arguments.think_ms), served.at);
    let before = served.reads(owner).await?;
    let run = load::run(at, cookies, path, seconds, own_pace).await?;
    let after = served.reads(owner).await?;
    let plain = load::run(at, cookies, STATIC_PATH, seconds, own_pace).await?;
    let full = load::run(at, cookies, path, seconds, Pace::Relentless).await?;
    let plain_full = load::run(at, cookies, STATIC_PATH, seconds, Pace::Relentless).await?;
    let (p95_ms, static_p95_ms) = (run.quantile(0.95), plain.quantile(0.95));
    Ok(Figures {
        bytes,
        bytes_sent,
        loads: run.loads(),
        errors: run.errors + full.errors + plain.errors + plain_full.errors,
        per_s: run.per_s,
        p50_ms: run.quantile(0.5),
        p95_ms,
        p99_ms: run.quantile(0.99),
        static_p95_ms,
        ratio: p95_ms / static_p95_ms,
        relentless: Relentless {
            per_s: full.per_s,
            p50_ms: full.quantile(0.5),
            p95_ms: full.quantile(0.95),
            static_per_s: plain_full.per_s,
            static_p95_ms: plain_full.quantile(0.95),
        },
        rows: scans::rows(&before, &after) as f64 / run.loads().max(1) as f64,
        scanned: scans::scanned(&before, &after),
    })
}

fn report(name: &str, page: &Figures) {
    term::line(format!(
        "{name:<7} p50 {:>6.1} ms  p95 {:>6.1} ms  p99 {:>6.1} ms  ({:.0}/s, {} loads)  static p95 {:.1} ms  ratio {:.1}  errors {}",
        page.p50_ms,
        page.p95_ms,
        page.p99_ms,
        page.per_s,
        page.loads,
        page.static_p95_ms,
        page.ratio,
        page.errors,
    ));
    let full = &page.relentless;
    term::line(format!(
        "        without a pause {:.0}/s (p50 {:.0} ms, p95 {:.0} ms)  static {:.0}/s (p95 {:.0} ms)",
        full.per_s, full.p50_ms, full.p95_ms, full.static_per_s, full.static_p95_ms,
    ));
    let scans: Vec<String> =
        page.scanned.iter().map(|(table, rows)| format!("{table} ({rows} rows)")).collect();
    term::line(format!(
        "        {} bytes, {} as sent; {:.0} rows and index entries read for a load; {}",
        page.bytes,
        page.bytes_sent,
        page.rows,
        if scans.is_empty() {
            "no scan of a large table".to_owned()
        } else {
            format!("SCANS {}", scans.join(", "))
        },
    ));
}
