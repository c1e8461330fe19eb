//! Scoring in batches: read a thousand leads, score them here, write them with one statement.

use super::{EmailState, Icp, Input, PhoneState, Score as Scored, Tier, Weights, score, target};
use crate::Country;
use crate::lead::{self, EmailState as Address, Lead, LeadId, Status};
use base::{Result, Time};
use db::{Cx, Fact};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jobs::{Job, Registry, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Which leads are scored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// These.
    Leads(Vec<LeadId>),
    /// Everyone whom this import brought.
    Import(Uuid),
    /// Everyone at a company with this domain.
    Domain(String),
    /// Everyone.
    All,
}

/// Scores leads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Score {
    /// Which.
    pub of: Of,
}

/// Leads of one transaction.
const BATCH: i64 = 1_000;
/// Up to this many leads, each score is a fact of its own.
const FACTS_EACH: usize = 100;

impl Job for Score {
    const KIND: &'static str = "leads.score";
    const TIMEOUT_S: u64 = 3_600;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let (mut after, mut done) = (Uuid::nil(), 0_i64);
        let mut total = None;
        loop {
            let mut cx = run.begin().await?;
            if total.is_none() && self.of == Of::All {
                total = Some(lead::tally(&mut cx).await?.total());
            }
            let ids = next(&mut cx, &self.of, after).await?;
            let Some(last) = ids.last() else {
                self.finished(&mut cx, done).await?;
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            };
            after = *last;
            score_leads(&mut cx, &ids).await?;
            cx.commit().await?;
            done += i64::try_from(ids.len()).unwrap_or(0);
            if let Some(total) = total {
                run.progress(done, total.max(done)).await?;
            }
            if run.cancel().is_cancelled() {
                return Err(base::Error::unavailable(
                    "job.stopped",
                    "Scoring was stopped; what is scored stays so.",
                ));
            }
        }
    }
}

impl Score {
    /// Tells that an import is ready to be worked with.
    async fn finished(&self, cx: &mut Cx, done: i64) -> Result<()> {
        let Of::Import(import) = &self.of else { return Ok(()) };
        let tenant = cx.tenant()?.uuid();
        let campaign = sqlx::query_scalar!(
            "select campaign_id from leads.import where tenant_id = $1 and id = $2",
            tenant,
            import
        )
        .fetch_optional(cx.conn())
        .await?
        .flatten();
        let payload = json!({"import_id": import, "scored": done, "campaign_id": campaign});
        cx.publish(Fact::about("leads.import.scored", *import).with(payload)).await
    }
}

/// The next ids in order.
async fn next(cx: &mut Cx, of: &Of, after: Uuid) -> Result<Vec<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    let (ids, import, domain): (Option<Vec<Uuid>>, Option<Uuid>, Option<&str>) = match of {
        Of::Leads(ids) => (Some(ids.iter().map(|id| id.uuid()).collect()), None, None),
        Of::Import(import) => (None, Some(*import), None),
        Of::Domain(domain) => (None, None, Some(domain)),
        Of::All => (None, None, None),
    };
    let found = match (ids, import, domain) {
        (Some(ids), _, _) => {
            sqlx::query_scalar!(
                "select id from leads.lead where tenant_id = $1 and id = any($2) and id > $3 and deleted_at is null order by id limit $4",
                tenant,
                &ids,
                after,
                BATCH
            )
            .fetch_all(cx.conn())
            .await?
        }
        (None, Some(import), _) => {
            sqlx::query_scalar!(
                "select id from leads.lead where tenant_id = $1 and import_id = $2 and id > $3 and deleted_at is null order by id limit $4",
                tenant,
                import,
                after,
                BATCH
            )
            .fetch_all(cx.conn())
            .await?
        }
        (None, None, Some(domain)) => {
            sqlx::query_scalar!(
                "select id from leads.lead where tenant_id = $1 and domain = $2 and id > $3 and deleted_at is null order by id limit $4",
                tenant,
                domain,
                after,
                BATCH
            )
            .fetch_all(cx.conn())
            .await?
        }
        (None, None, None) => {
            sqlx::query_scalar!(
                "select id from leads.lead where tenant_id = $1 and id > $2 and deleted_at is null order by id limit $3",
                tenant,
                after,
                BATCH
            )
            .fetch_all(cx.conn())
            .await?
        }
    };
    Ok(found)
}

fn midnight(date: Option<&str>) -> Option<Time> {
    let date: Date = date?.parse().ok()?;
    Some(Time::new(date.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

/// What the scorer looks at, of a stored lead.
pub fn input(lead: &Lead, now: Time) -> Input {
    let email = match lead.email_state {
        Address::Verified => Some(EmailState::Verified),
        Address::CatchAll => Some(EmailState::CatchAll),
        Address::Unverified => Some(EmailState::Unverified),
        // An address that takes no mail is no way to reach anybody.
        Address::Invalid => None,
    };
    Input {
        email: email.filter(|_| lead.email.is_some()),
        phone: lead
            .phone
            .as_ref()
            .map(|_| if lead.phone_verified { PhoneState::Verified } else { PhoneState::Present }),
        linkedin: lead.linkedin_url.is_some(),
        personal_email: lead.personal_email.is_some(),
        title: lead.title.clone(),
        industry: lead.industry.clone(),
        headcount: lead.headcount.and_then(|n| u32::try_from(n).ok()),
        country: lead.country.as_deref().and_then(Country::parse),
        role_started: midnight(lead.role_started_on.as_deref()),
        hiring: lead.hiring,
        funded_at: midnight(lead.funded_on.as_deref()),
        bounced: lead.status == Status::Bounced,
        unsubscribed: lead.status == Status::Unsubscribed,
        competitor: lead.competitor,
        ..Input::unknown(now)
    }
}

/// Whole leads, read for scoring.
pub(super) async fn read(cx: &mut Cx, ids: &[Uuid], lock: bool) -> Result<Vec<Lead>> {
    let tenant = cx.tenant()?.uuid();
    let rows = if lock {
        sqlx::query_scalar!(
            r#"select to_jsonb(l) - 'score_parts' - 'search' as "row!" from leads.lead l where tenant_id = $1 and id = any($2) and deleted_at is null order by id for no key update"#,
            tenant,
            ids,
        )
        .fetch_all(cx.conn())
        .await?
    } else {
        sqlx::query_scalar!(
            r#"select to_jsonb(l) - 'score_parts' - 'search' as "row!" from leads.lead l where tenant_id = $1 and id = any($2) and deleted_at is null"#,
            tenant,
            ids,
        )
        .fetch_all(cx.conn())
        .await?
    };
    rows.into_iter().map(|row| Ok(serde_json::from_value(row)?)).collect()
}

/// Scores these leads and writes what changed.
pub async fn score_leads(cx: &mut Cx, ids: &[Uuid]) -> Result<usize> {
    let now = cx.now();
    let (icp, weights): (Icp, Weights) = target::target(cx).await?.scorer()?;
    let leads = read(cx, ids, true).await?;
    let mut rows = Vec::with_capacity(leads.len());
    let mut facts = Vec::new();
    for lead in &leads {
        let got: Scored = score(&input(lead, now), &icp, &weights);
        if leads.len() <= FACTS_EACH && lead.score != Some(i16::from(got.total)) {
            let payload = json!({"score": got.total, "tier": got.tier, "before": lead.score});
            facts.push(Fact::about("leads.lead.scored", lead.id).with(payload));
        }
        let status = if lead.status.may_become(Status::Scored) { Status::Scored } else { lead.status };
        rows.push(
            json!({"id": lead.id, "score": got.total, "tier": got.tier, "status": status, "parts": got}),
        );
    }
    if leads.len() > FACTS_EACH {
        facts.push(Fact { kind: "leads.scored", subject: None, payload: json!({"count": leads.len()}) });
    }
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update leads.lead l set score = r.score, tier = r.tier, status = r.status, score_parts = r.parts, scored_at = $3
         from jsonb_to_recordset($2) as r(id uuid, score smallint, tier leads.tier, status leads.status, parts jsonb)
         where l.tenant_id = $1 and l.id = r.id",
        tenant,
        serde_json::Value::from(rows),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.publish_all(facts).await?;
    Ok(leads.len())
}

/// How a target would spread the newest leads over the tiers, best first.
pub async fn spread(cx: &mut Cx, target: &target::Target, sample: i64) -> Result<[(Tier, i64); 5]> {
    let now = cx.now();
    let (icp, weights) = target.scorer()?;
    let tenant = cx.tenant()?.uuid();
    let ids = sqlx::query_scalar!(
        "select id from leads.lead where tenant_id = $1 and deleted_at is null order by created_at desc, id desc limit $2",
        tenant,
        sample
    )
    .fetch_all(cx.conn())
    .await?;
    let mut spread = Tier::ALL.map(|tier| (tier, 0));
    for lead in read(cx, &ids, false).await? {
        let got = score(&input(&lead, now), &icp, &weights).tier;
        if let Some(slot) = spread.iter_mut().find(|(tier, _)| *tier == got) {
            slot.1 += 1;
        }
    }
    Ok(spread)
}

/// Adds the job and what starts it.
pub(crate) fn register(registry: &mut Registry) {
    let one = |fact: &jobs::SeenFact| fact.subject_id.map(|id| Score { of: Of::Leads(vec![LeadId(id)]) });
    registry.register::<Score>(());
    registry.on_fact::<Score>("leads.lead.created", one);
    registry.on_fact::<Score>("leads.lead.changed", one);
    registry.on_fact::<Score>("leads.company.enriched", |fact| {
        fact.payload["domain"].as_str().map(|domain| Score { of: Of::Domain(domain.to_owned()) })
    });
    registry
        .on_fact::<Score>("leads.import.done", |fact| fact.subject_id.map(|id| Score { of: Of::Import(id) }));
    registry.on_fact::<Score>("leads.icp.changed", |_| Some(Score { of: Of::All }));
}
