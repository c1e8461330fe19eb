//! One look-up at a service: claimed before it is asked, recorded once, kept as the cache.

mod store;

pub use store::{Total, claim, current, get, of_run, retire, totals};

use crate::account;
use base::{EmailAddress, Micros, Result, Time};
use control::{budget, figure};
use db::{Cx, Fact};
use leads::lead::LeadId;
use leads::suppression;
use ports::provider::{
    Answer, Ask, Company, Cost, Finding, Looked, Person, ProviderError, ProviderKind, Purpose,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Where a look-up stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.call_state", rename_all = "snake_case")]
pub enum State {
    /// It is claimed, and may be on its way.
    Asked,
    /// The service answers later.
    Waiting,
    /// It is answered.
    Done,
    /// Its answer was lost; it may have been charged.
    Unknown,
    /// It did not happen.
    Failed,
    /// The person forbade it.
    Restricted,
}

/// What was asked, as it is kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Who.
    pub person: Person,
    /// Where.
    pub company: Company,
    /// Charged only for what is found.
    #[serde(default)]
    pub per_hit: bool,
    /// The most that it may cost, in millionths of a US dollar.
    #[serde(default)]
    pub limit_usd: i64,
}

/// A look-up as it is kept.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which.
    pub id: Uuid,
    /// At which service.
    pub provider: ProviderKind,
    /// What for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// For which batch.
    pub run_id: Uuid,
    /// For whom.
    pub lead_id: LeadId,
    /// What was asked.
    pub asked: Asked,
    /// By which job.
    pub job_id: Uuid,
    /// In which attempt of it.
    pub attempt: i32,
    /// What the service calls it.
    pub ticket: Option<String>,
    /// When it is asked for next.
    pub poll_at: Option<Time>,
    /// The money that is set aside.
    pub spend_id: Option<Uuid>,
    /// What it costs at most.
    pub estimate_micros: i64,
    /// What it cost.
    pub cost_micros: i64,
    /// What it brought; none when it has not, or cannot be read any more.
    pub findings: Option<Vec<Finding>>,
    /// Why it brought nothing.
    pub error: Option<String>,
    /// When it was asked.
    pub asked_at: Time,
    /// Until when it is good; none: for good.
    pub expires_at: Option<Time>,
}

impl Call {
    /// As the port takes it.
    pub fn ask(&self) -> Ask {
        Ask {
            id: self.id,
            purpose: self.purpose,
            person: self.asked.person.clone(),
            company: self.asked.company.clone(),
            limit_usd: Micros(self.asked.limit_usd),
        }
    }
}

/// Days of a lost answer, and of what is pending, until it is given up.
const PENDING_HOURS: i64 = 24;

/// Whether what is pending has been waited for long enough.
pub fn is_overdue(call: &Call, now: Time) -> bool {
    now.since_s(call.asked_at) > PENDING_HOURS * 3_600
}

/// Records what came of a look-up, and settles its money in the same transaction. A late answer of a look-up whose
/// answer was given up is still taken: it was paid. Returns whether the row changed.
pub async fn record(
    cx: &mut Cx,
    call: &Call,
    came: &std::result::Result<Looked, ProviderError>,
) -> Result<bool> {
    let now = cx.now();
    let changed = match came {
        Ok(Looked { answer: Answer::Found(findings), cost }) => {
            let days: i64 = figure::read(cx, "enrich.cache_days").await?;
            let cost = charged(cx, call, *cost, findings.is_empty()).await?;
            let changed = store::done(cx, call.id, findings, cost, now.plus_days(days)).await?;
            settle(cx, call, cost).await?;
            changed
        }
        Ok(Looked { answer: Answer::Pending { ticket, retry_after_s }, .. }) => {
            let poll_at = now.plus_s(i64::from(*retry_after_s).max(1));
            store::waiting(cx, call.id, ticket, poll_at).await?
        }
        Err(ProviderError::Restricted) => {
            suppress(cx, call).await?;
            settle(cx, call, 0).await?;
            store::ended(cx, call.id, State::Restricted, 0, &ProviderError::Restricted.to_string(), None)
                .await?
        }
        Err(error @ ProviderError::Unknown { .. }) => return lost(cx, call, &error.to_string()).await,
        Err(
            error @ (ProviderError::NotSent { .. }
            | ProviderError::Limited { .. }
            | ProviderError::Rejected { .. }
            | ProviderError::Unsupported),
        ) => {
            let changed = store::ended(cx, call.id, State::Failed, 0, &error.to_string(), Some(now)).await?;
            release(cx, call).await?;
            changed
        }
    };
    if changed {
        let payload = json!({"provider": call.provider.word(), "purpose": call.purpose.word()});
        cx.publish(Fact::about("enrich.call.recorded", call.id).with(payload)).await?;
    }
    Ok(changed)
}

/// The answer is lost, or the worker that asked: it counts as charged, and is not asked again while it stands.
pub async fn lost(cx: &mut Cx, call: &Call, why: &str) -> Result<bool> {
    let days: i64 = figure::read(cx, "enrich.cache_days").await?;
    let until = cx.now().plus_days(days);
    let changed = store::ended(cx, call.id, State::Unknown, call.estimate_micros, why, Some(until)).await?;
    settle(cx, call, call.estimate_micros).await?;
    Ok(changed)
}

/// What an answer cost, in millionths of an Australian dollar.
async fn charged(cx: &mut Cx, call: &Call, cost: Cost, empty: bool) -> Result<i64> {
    Ok(match cost {
        Cost::Free => 0,
        Cost::Listed if empty && call.asked.per_hit => 0,
        Cost::Listed => call.estimate_micros,
        Cost::Usd(Micros(usd)) => {
            let rate: i64 = figure::read(cx, "money.usd_aud_ppm").await?;
            // Rounded up: a cost is never shown smaller than it is.
            usd.saturating_mul(rate).saturating_add(999_999) / 1_000_000
        }
    })
}

async fn settle(cx: &mut Cx, call: &Call, micros: i64) -> Result<()> {
    if let Some(spend) = call.spend_id {
        budget::settle(cx, budget::SpendId(spend), 1, Micros(micros)).await?;
    }
    Ok(())
}

async fn release(cx: &mut Cx, call: &Call) -> Result<()> {
    match call.spend_id {
        Some(spend) => budget::release(cx, budget::SpendId(spend)).await,
        None => Ok(()),
    }
}

/// Nobody contacts somebody who forbade a service to pass their data on.
async fn suppress(cx: &mut Cx, call: &Call) -> Result<()> {
    let (scope, reason) = (suppression::Scope::Client, suppression::Reason::DoNotContact);
    let note = "asked the service not to pass their data on";
    let email = call.asked.person.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
    if let Some(email) = email {
        suppression::add(cx, &suppression::New::email(scope, &email, reason, call.provider.word(), note))
            .await?;
    }
    leads::lead::suppress(cx, call.lead_id, reason, note).await
}

/// Counts what is given to a service for life.
pub async fn counted(cx: &mut Cx, provider: ProviderKind) -> Result<()> {
    account::count_submitted(cx, provider).await
}
