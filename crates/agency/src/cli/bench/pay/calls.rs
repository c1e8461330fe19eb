//! Agents who buy over HTTP: intent, mandate, execution, payment.

use super::super::client::{Answer, User};
use super::{Arguments, server::Server};
use crate::term;
use base::{Error, Random, Result};
use pay::bench::Payer;
use serde::Serialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The four calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Intent,
    Mandate,
    Execute,
    Payment,
}

impl Call {
    const ALL: [Self; 4] = [Self::Intent, Self::Mandate, Self::Execute, Self::Payment];

    fn name(self) -> &'static str {
        match self {
            Self::Intent => "POST /api/v1/purchase-intents",
            Self::Mandate => "POST /api/v1/mandates",
            Self::Execute => "POST /api/v1/execute",
            Self::Payment => "GET /api/v1/payments/{id}",
        }
    }

    fn is_good(self, status: u16) -> bool {
        match self {
            Self::Intent | Self::Mandate => status == 201,
            Self::Execute | Self::Payment => status == 200,
        }
    }
}

/// What all agents saw of one call.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    call: &'static str,
    count: usize,
    errors: usize,
    per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

/// Of the four.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Calls(Vec<Figures>);

impl Calls {
    fn of(seen: &mut [Seen; 4], elapsed: Duration) -> Self {
        let figures = |(call, seen): (Call, &mut Seen)| {
            seen.took_ms.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let last = seen.took_ms.len().saturating_sub(1);
                seen.took_ms.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
            };
            Figures {
                call: call.name(),
                count: seen.took_ms.len(),
                errors: seen.errors,
                per_s: seen.took_ms.len() as f64 / elapsed.as_secs_f64(),
                p50_ms: at(0.5),
                p95_ms: at(0.95),
                p99_ms: at(0.99),
            }
        };
        Self(Call::ALL.into_iter().zip(seen).map(figures).collect())
    }

    /// Whether each call was quick enough and none failed.
    pub(super) fn hold(&self, bar_ms: f64) -> bool {
        self.0.iter().all(|call| call.errors == 0 && call.count > 0 && call.p95_ms < bar_ms)
    }

    /// How many failed.
    pub(super) fn errors(&self) -> usize {
        self.0.iter().map(|call| call.errors).sum()
    }

    pub(super) fn tell(&self, how: &str) {
        term::line(format!("over HTTP, {how}:"));
        for call in &self.0 {
            term::line(format!(
                "  {:<30} p50 {:>6.1} ms  p95 {:>6.1} ms  p99 {:>6.1} ms  ({:.0}/s, {} calls, {} errors)",
                call.call, call.p50_ms, call.p95_ms, call.p99_ms, call.per_s, call.count, call.errors
            ));
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    took_ms: Vec<f64>,
    errors: usize,
}

/// At their own pace, then without a pause; before both, a short while that is not counted.
pub(super) async fn both(server: &Server, payers: &[Payer], arguments: &Arguments) -> Result<(Calls, Calls)> {
    let keys = Arc::new(AtomicU64::new(0));
    let run = |seconds: u64, think_ms: Option<i64>| {
        all(server.at, payers.to_vec(), arguments.users, Duration::from_secs(seconds), think_ms, keys.clone())
    };
    run(3, None).await?;
    let paced = run(arguments.seconds, Some(arguments.think_ms)).await?;
    let relentless = run(arguments.seconds, None).await?;
    Ok((paced, relentless))
}

async fn all(
    at: SocketAddr,
    payers: Vec<Payer>,
    users: usize,
    time: Duration,
    think_ms: Option<i64>,
    keys: Arc<AtomicU64>,
) -> Result<Calls> {
    let random = Arc::new(Random::seeded(1));
    let mut agents = Vec::with_capacity(users);
    for payer in payers.iter().cycle().take(users) {
        agents.push(Agent { user: User::connect(at, None).await?, payer: payer.clone(), keys: keys.clone() });
    }
    let began = Instant::now();
    let until = began + time;
    let mut running = JoinSet::new();
    for agent in agents {
        running.spawn(one(agent, until, think_ms, random.clone()));
    }
    let mut seen: [Seen; 4] = Default::default();
    while let Some(joined) = running.join_next().await {
        let part = joined
            .map_err(|cause| Error::internal("A bench agent ended in a defect.").caused_by(cause))??;
        for (all, part) in seen.iter_mut().zip(part) {
            all.took_ms.extend(part.took_ms);
            all.errors += part.errors;
        }
    }
    Ok(Calls::of(&mut seen, began.elapsed()))
}

struct Agent {
    user: User,
    payer: Payer,
    keys: Arc<AtomicU64>,
}

async fn one(
    mut agent: Agent,
    until: Instant,
    think_ms: Option<i64>,
    random: Arc<Random>,
) -> Result<[Seen; 4]> {
    let mut seen: [Seen; 4] = Default::default();
    let pause = |low: i64, high: i64| {
        Duration::from_millis(u64::try_from(random.between(low, high)).unwrap_or_default())
    };
    let mut wished = Instant::now();
    if let Some(ms) = think_ms {
        // Agents do not come in step.
        wished += pause(0, ms);
    }
    'buying: while wished < until {
        let mut last = Value::Null;
        for (call, seen) in Call::ALL.into_iter().zip(&mut seen) {
            tokio::time::sleep_until(wished.into()).await;
            let answer = agent.ask(call, &last).await?;
            seen.took_ms.push(wished.elapsed().as_secs_f64() * 1_000.0);
            wished = match think_ms {
                Some(ms) => wished + pause(ms / 2, ms + ms / 2),
                None => Instant::now(),
            };
            if !call.is_good(answer.status) {
                seen.errors += 1;
                let said = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
                tracing::warn!(
                    call = call.name(),
                    status = answer.status,
                    said,
                    "a call of the bench failed"
                );
                continue 'buying;
            }
            last = serde_json::from_slice(&answer.body)?;
        }
    }
    Ok(seen)
}

impl Agent {
    /// The next call, with what the one before it answered.
    async fn ask(&mut self, call: Call, last: &Value) -> Result<Answer> {
        let key = self.payer.key.expose().to_owned();
        let fresh = format!("bench-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let mut post = async |path: &str, body: Value| self.user.post_json(path, &key, &fresh, &body).await;
        match call {
            Call::Intent => {
                let body = json!({ "vendor_id": self.payer.vendor, "sku": "search", "amount_minor": 500, "currency": "AUD" });
                post("/api/v1/purchase-intents", body).await
            }
            Call::Mandate => {
                post("/api/v1/mandates", json!({ "intent_id": last["id"], "template": "micro_task" })).await
            }
            Call::Execute => post("/api/v1/execute", json!({ "mandate_id": last["id"] })).await,
            Call::Payment => {
                let path = format!("/api/v1/payments/{}", last["payment"]["id"].as_str().unwrap_or_default());
                self.user.get_json(&path, &key).await
            }
        }
    }
}
