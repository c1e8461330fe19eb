//! `agency bench pages`: the pages people look at all day, over a tenant of a million leads.
//!
//! A hundred users are signed in at once; each loads a page, reads it for about a second, and loads
//! the next. `--think-ms 0` makes them load without a pause, which measures throughput instead.

mod fill;

use super::{
    client::User,
    scans::{self, Scans},
    scratch::Scratch,
};
use crate::{
    roles::{House, Running},
    settings::Settings,
    term, wire,
};
use axum::{http::Method, response::IntoResponse};
use base::{Error, Random, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use web::{Access, Module};

/// How much to do.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Leads in the tenant.
    #[arg(long, default_value_t = 1_000_000)]
    leads: i64,
    /// Users at once.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// How long each page is measured, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How long a user reads before the next page, on average, in milliseconds.
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

/// Where the page of the same size is.
const STATIC_PATH: &str = "/bench/static/{bytes}";

/// One page's figures.
#[derive(Clone, Debug, Serialize)]
struct Figures {
    bytes: usize,
    loads: usize,
    errors: usize,
    per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    static_p95_ms: f64,
    /// p95 over that of a static page of the same size.
    ratio: f64,
    /// Large tables that loading the page read from end to end.
    scanned: Vec<String>,
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let scratch = Scratch::make(settings).await?;
    let result = Box::pin(measure(&scratch, &arguments)).await;
    scratch.drop().await?;
    let figures = result?;
    let sound = figures.values().all(|page| page.scanned.is_empty() && page.errors == 0);
    if arguments.json {
        let report = serde_json::json!({
            "users": arguments.users, "leads": arguments.leads, "think_ms": arguments.think_ms, "pages": figures, "sound": sound,
        });
        term::line(serde_json::to_string(&report)?);
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(scratch: &Scratch, arguments: &Arguments) -> Result<BTreeMap<String, Figures>> {
    let mut served = Served::start(scratch).await?;
    let result = Box::pin(with(&mut served, scratch, arguments)).await;
    served.stop().await?;
    result
}

async fn with(
    served: &mut Served,
    scratch: &Scratch,
    arguments: &Arguments,
) -> Result<BTreeMap<String, Figures>> {
    let cookie = served.sign_up().await?;
    term::line(format!("filling a tenant with {} leads …", arguments.leads));
    let began = Instant::now();
    let mut owner = scratch.owner().await?;
    fill::tenant(&mut owner, arguments.leads).await?;
    term::line(format!("filled in {:.0} s", began.elapsed().as_secs_f64()));
    let mut figures = BTreeMap::new();
    for path in &arguments.pages {
        let name = name(path);
        let page = served.page(&mut owner, arguments, &cookie, path).await?;
        term::line(format!(
            "{name:<7} p50 {:>7.1} ms  p95 {:>7.1} ms  p99 {:>7.1} ms  {:>6.0}/s  {} bytes  static p95 {:.1} ms  ratio {:.1}  errors {}  {}",
            page.p50_ms,
            page.p95_ms,
            page.p99_ms,
            page.per_s,
            page.bytes,
            page.static_p95_ms,
            page.ratio,
            page.errors,
            if page.scanned.is_empty() {
                "no scan of a large table".to_owned()
            } else {
                format!("SCANS {}", page.scanned.join(", "))
            },
        ));
        figures.insert(name, page);
    }
    Ok(figures)
}

/// The program's server on a free port, with one more page.
struct Served {
    house: House,
    at: SocketAddr,
    running: Running,
    stop: CancellationToken,
}

impl Served {
    async fn start(scratch: &Scratch) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|cause| Error::unavailable("bench.port", "No free port was found.").caused_by(cause))?;
        let at = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let mut settings = scratch.settings.clone();
        settings.web.listen = at.to_string();
        settings.web.public_url = String::new();
        settings.web.secure_cookies = false;
        let house = House::open(&settings).await?;
        let mut modules = wire::modules(&house)?;
        wire::registry(&mut modules);
        modules.push(Module::new("bench").page(Method::GET, STATIC_PATH, Access::Public, static_page));
        let stop = CancellationToken::new();
        let mut running = Running::new(stop.clone());
        running.serve(&house, listener, modules, PrometheusBuilder::new().build_recorder().handle());
        Ok(Self { house, at, running, stop })
    }

    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let result = self.running.ended().await;
        self.house.db.close().await;
        result
    }

    /// Signs up as a person would; the answer is the session cookie.
    async fn sign_up(&mut self) -> Result<String> {
        let mut user = User::connect(self.at, None).await?;
        let form = "name=Bench+Person&email=bench%40example.com&password=a+long+bench+passphrase+9&company=Bench+Agency&zone=Australia%2FSydney&country=AU";
        let answer = user.post("/sign-up", form).await?;
        let cookies: Vec<&str> = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(|line| line.split(';').next())
            .filter(|pair| pair.starts_with("session="))
            .collect();
        cookies
            .first()
            .map(|pair| (*pair).to_owned())
            .ok_or_else(|| Error::internal(format!("Sign-up answered {} without a session.", answer.status)))
    }

    async fn page(
        &self,
        owner: &mut sqlx::PgConnection,
        arguments: &Arguments,
        cookie: &str,
        path: &str,
    ) -> Result<Figures> {
        let before = scans::count(owner).await?;
        let first = self.warm(cookie, path).await?;
        let after = self.flushed(owner).await?;
        let run = load(self.at, arguments, cookie, path.to_owned()).await?;
        let plain =
            load(self.at, arguments, cookie, STATIC_PATH.replace("{bytes}", &first.to_string())).await?;
        let static_p95_ms = quantile(&plain.took_ms, 0.95);
        let p95_ms = quantile(&run.took_ms, 0.95);
        Ok(Figures {
            bytes: first,
            loads: run.took_ms.len(),
            errors: run.errors,
            per_s: run.took_ms.len() as f64 / run.seconds,
            p50_ms: quantile(&run.took_ms, 0.5),
            p95_ms,
            p99_ms: quantile(&run.took_ms, 0.99),
            static_p95_ms,
            ratio: p95_ms / static_p95_ms,
            scanned: scans::between(&before, &after),
        })
    }

    /// Loads a page a few times on each of the server's connections; the size of its body.
    async fn warm(&self, cookie: &str, path: &str) -> Result<usize> {
        let mut user = User::connect(self.at, Some(cookie.to_owned())).await?;
        let mut bytes = 0;
        for _ in 0..10 {
            let answer = user.get(path).await?;
            if answer.status != 200 {
                let said = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
                return Err(Error::internal(format!("{path} answered {}: {said}", answer.status)));
            }
            bytes = answer.body.len();
        }
        Ok(bytes)
    }

    /// Sessions report their scans when they next do something a second later.
    async fn flushed(&self, owner: &mut sqlx::PgConnection) -> Result<Scans> {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        for _ in 0..40 {
            let mut cx = self.house.db.system("bench").await?;
            sqlx::query("select 1").execute(cx.conn()).await?;
            cx.rollback().await?;
        }
        scans::count(owner).await
    }
}

async fn static_page(axum::extract::Path(bytes): axum::extract::Path<usize>) -> axum::response::Response {
    axum::response::Html("x".repeat(bytes.min(4 * 1024 * 1024))).into_response()
}

/// What all users saw.
struct Run {
    took_ms: Vec<f64>,
    errors: usize,
    seconds: f64,
}

async fn load(at: SocketAddr, arguments: &Arguments, cookie: &str, path: String) -> Result<Run> {
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let began = Instant::now();
    let random = Arc::new(Random::seeded(1));
    let mut users = JoinSet::new();
    for _ in 0..arguments.users {
        let user = User::connect(at, Some(cookie.to_owned())).await?;
        users.spawn(one_user(user, path.clone(), until, arguments.think_ms, random.clone()));
    }
    let (mut took_ms, mut errors) = (Vec::new(), 0);
    while let Some(joined) = users.join_next().await {
        let (loads, failed) =
            joined.map_err(|cause| Error::internal("A bench user ended in a defect.").caused_by(cause))??;
        took_ms.extend(loads);
        errors += failed;
    }
    took_ms.sort_by(f64::total_cmp);
    Ok(Run { took_ms, errors, seconds: began.elapsed().as_secs_f64() })
}

async fn one_user(
    mut user: User,
    path: String,
    until: Instant,
    think_ms: i64,
    random: Arc<Random>,
) -> Result<(Vec<f64>, usize)> {
    let (mut took_ms, mut errors) = (Vec::new(), 0);
    // Users do not come in step.
    pause(random.between(0, think_ms)).await;
    while Instant::now() < until {
        let answer = user.get(&path).await?;
        took_ms.push(answer.took.as_secs_f64() * 1_000.0);
        errors += usize::from(answer.status != 200);
        pause(random.between(think_ms / 2, think_ms + think_ms / 2)).await;
    }
    Ok((took_ms, errors))
}

async fn pause(ms: i64) {
    tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
}

/// A quantile of sorted figures.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
