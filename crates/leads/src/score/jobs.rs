//! Scoring in batches: read a thousand leads, score them here, write them with one statement.

use super::weights::{self, InForce};
use super::{Boost, EmailState, Icp, Input, PhoneState, Points, Tier, VERSION, boost, rescore, target};
use crate::Country;
use crate::lead::{EmailState as Address, Lead, LeadId, Status};
use base::{Result, Time};
use db::{Cx, Fact};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jobs::{Job, Registry, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
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
        loop {
            let mut cx = run.begin().await?;
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
            run.progress(done, done).await?;
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
        (None, None, None) => Vec::new(),
    };
    Ok(found)
}

fn midnight(date: Option<&str>) -> Option<Time> {
    let date: Date = date?.parse().ok()?;
    Some(Time::new(date.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

fn of_address(state: Address) -> Option<EmailState> {
    match state {
        Address::Verified => Some(EmailState::Verified),
        Address::CatchAll => Some(EmailState::CatchAll),
        Address::Unverified => Some(EmailState::Unverified),
        // An address that takes no mail is no way to reach anybody.
        Address::Invalid => None,
    }
}

/// What the scorer looks at, of a stored lead.
pub fn input(lead: &Lead, now: Time) -> Input {
    Input {
        email: lead.email.as_ref().and_then(|_| of_address(lead.email_state)),
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

/// What the scorer looks at, as one row, and what it wrote last time.
#[derive(Clone, Debug)]
pub(super) struct ScoreRow {
    pub id: Uuid,
    email: Option<Address>,
    phone: Option<bool>,
    linkedin: bool,
    personal_email: bool,
    title: Option<String>,
    industry: Option<String>,
    headcount: Option<i32>,
    country: Option<String>,
    /// Days since 2000-01-01.
    role_day: Option<i32>,
    hiring: Option<bool>,
    /// Days since 2000-01-01.
    funded_day: Option<i32>,
    status: Status,
    competitor: bool,
    score: Option<i16>,
    pub tier: Option<Tier>,
    /// The points, then the weights, of the last time.
    points: Option<Vec<i16>>,
    updated_at: Time,
}

/// The midnight (UTC) of a day since 2000-01-01.
fn day(days: i32) -> Time {
    const EPOCH_S: i64 = 946_684_800;
    Time::from_us((EPOCH_S + i64::from(days) * 86_400) * 1_000_000)
}

impl ScoreRow {
    fn input(&mut self, now: Time, boosts: Option<&Vec<Boost>>) -> Input {
        Input {
            now,
            email: self.email.and_then(of_address),
            phone: self.phone.map(|sure| if sure { PhoneState::Verified } else { PhoneState::Present }),
            linkedin: self.linkedin,
            personal_email: self.personal_email,
            title: self.title.take(),
            industry: self.industry.take(),
            headcount: self.headcount.and_then(|n| u32::try_from(n).ok()),
            country: self.country.as_deref().and_then(Country::of_code),
            role_started: self.role_day.map(day),
            hiring: self.hiring,
            funded_at: self.funded_day.map(day),
            bounced: self.status == Status::Bounced,
            unsubscribed: self.status == Status::Unsubscribed,
            competitor: self.competitor,
            boosts: boosts.cloned().unwrap_or_default(),
        }
    }
}

macro_rules! rows {
    ($cx:expr, $where:literal, $($bind:expr),+) => {
        sqlx::query_as!(
            ScoreRow,
            r#"select id, case when email is not null then email_state end as "email: Address", case when phone is not null then phone_verified end as phone,
                      linkedin_url is not null as "linkedin!", personal_email is not null as "personal_email!", title, industry, headcount, country,
                      role_started_on - date '2000-01-01' as role_day, hiring, funded_on - date '2000-01-01' as funded_day,
                      status as "status: Status", competitor, score, tier as "tier: Tier", score_points as points, updated_at
               from leads.lead where tenant_id = $1 and deleted_at is null and "# + $where,
            $($bind),+
        )
        .fetch_all($cx.conn())
        .await
    };
}

/// The next leads in the order of their ids.
pub(super) async fn read_rows(cx: &mut Cx, after: Uuid, limit: i64) -> Result<Vec<ScoreRow>> {
    let tenant = cx.tenant()?.uuid();
    Ok(rows!(cx, "id > $2 order by id limit $3", tenant, after, limit)?)
}

/// What the scorer sees of these leads, each at an instant of its own; those that are gone are left out.
pub async fn inputs(cx: &mut Cx, leads: &HashMap<Uuid, Time>) -> Result<HashMap<Uuid, Input>> {
    let tenant = cx.tenant()?.uuid();
    let ids: Vec<Uuid> = leads.keys().copied().collect();
    let rows: Vec<ScoreRow> = rows!(cx, "id = any($2) order by id", tenant, &ids)?;
    Ok(rows
        .into_iter()
        .filter_map(|mut row| leads.get(&row.id).map(|at| (row.id, row.input(*at, None))))
        .collect())
}

/// Scores these rows and writes what became another; returns how many did, and who moved between tiers. A lead that
/// was changed since it was read is left to the run that its change starts.
pub(super) async fn write_rows(
    cx: &mut Cx,
    rows: &[ScoreRow],
    icp: &Icp,
    in_force: &InForce,
    boosts: &HashMap<Uuid, Vec<Boost>>,
    now: Time,
) -> Result<(i64, BTreeMap<String, i64>)> {
    let tenant = cx.tenant()?.uuid();
    let weights: Vec<i16> =
        <[u16; 5]>::from(in_force.weights).into_iter().map(|n| i16::try_from(n).unwrap_or(0)).collect();
    let parts = |given: &[Boost]| json!({"version": VERSION, "weights": in_force.weights, "from": in_force.kind, "row": in_force.id, "boosts": given});
    let plain = parts(&[]);
    let (mut changed, mut moved) = (0_i64, BTreeMap::new());
    let (mut ids, mut scores, mut tiers, mut points, mut own, mut stamps) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for row in rows {
        let given = boosts.get(&row.id);
        let mut read = row.clone();
        let got = Points::of(&read.input(now, given), icp);
        let total = i16::from(got.total(&in_force.weights));
        let tier = Tier::of(got.total(&in_force.weights));
        let mut now_points: Vec<i16> =
            got.components.iter().map(|n| i16::from(*n)).chain([i16::from(got.boosts)]).collect();
        now_points.extend(&weights);
        changed += i64::from(row.score != Some(total));
        if row.tier != Some(tier) {
            *moved.entry(rescore::moved_key(row, tier)).or_default() += 1;
        }
        if row.points.as_ref() == Some(&now_points) && row.score == Some(total) && given.is_none() {
            continue;
        }
        ids.push(row.id);
        scores.push(total);
        tiers.push(tier);
        points.push(now_points.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        own.push(given.map(|given| parts(given)));
        stamps.push(row.updated_at);
    }
    let may: Vec<Status> =
        Status::ALL.iter().copied().filter(|status| status.may_become(Status::Scored)).collect();
    sqlx::query!(
        "update leads.lead l set score = r.score, tier = r.tier, status = case when l.status = any($8) then 'scored' else l.status end,
             score_points = string_to_array(r.points, ',')::smallint[], score_parts = coalesce(r.own, $9), scored_at = $10
         from unnest($2::uuid[], $3::smallint[], $4::leads.tier[], $5::text[], $6::jsonb[], $7::timestamptz[]) as r (id, score, tier, points, own, stamp)
         where l.tenant_id = $1 and l.id = r.id and l.updated_at = r.stamp and l.deleted_at is null",
        tenant,
        &ids,
        &scores,
        &tiers as &[Tier],
        &points,
        &own as &[Option<serde_json::Value>],
        &stamps as &[Time],
        &may as &[Status],
        plain,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok((changed, moved))
}

/// Scores these leads and writes what changed.
pub async fn score_leads(cx: &mut Cx, ids: &[Uuid]) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (icp, _) = target::target(cx).await?.scorer()?;
    let in_force = weights::in_force(cx).await?;
    let boosts = boost::of(cx, ids).await?;
    let rows = rows!(cx, "id = any($2) order by id for no key update", tenant, ids)?;
    write_rows(cx, &rows, &icp, &in_force, &boosts, now).await?;
    let facts = if rows.len() <= FACTS_EACH {
        scored(cx, &rows).await?
    } else {
        vec![Fact { kind: "leads.scored", subject: None, payload: json!({"count": rows.len()}) }]
    };
    cx.publish_all(facts).await?;
    Ok(rows.len())
}

/// A fact for each of these whose score became another.
async fn scored(cx: &mut Cx, before: &[ScoreRow]) -> Result<Vec<Fact>> {
    let tenant = cx.tenant()?.uuid();
    let ids: Vec<Uuid> = before.iter().map(|row| row.id).collect();
    let after = sqlx::query!(
        r#"select id, score, tier as "tier: Tier" from leads.lead where tenant_id = $1 and id = any($2)"#,
        tenant,
        &ids,
    )
    .fetch_all(cx.conn())
    .await?;
    let was: HashMap<Uuid, Option<i16>> = before.iter().map(|row| (row.id, row.score)).collect();
    let changed = after.into_iter().filter(|row| was.get(&row.id).is_some_and(|was| *was != row.score));
    Ok(changed
        .map(|row| {
            let payload =
                json!({"score": row.score, "tier": row.tier, "before": was.get(&row.id).copied().flatten()});
            Fact::about("leads.lead.scored", LeadId(row.id)).with(payload)
        })
        .collect())
}

/// Adds the job and what starts it.
pub(crate) fn register(registry: &mut Registry) {
    let one = |fact: &jobs::SeenFact| fact.subject_id.map(|id| Score { of: Of::Leads(vec![LeadId(id)]) });
    registry.register::<Score>(());
    registry.register::<rescore::RescoreJob>(());
    registry.on_fact::<Score>("leads.lead.created", one);
    registry.on_fact::<Score>("leads.lead.changed", one);
    registry.on_fact::<Score>("leads.company.enriched", |fact| {
        fact.payload["domain"].as_str().map(|domain| Score { of: Of::Domain(domain.to_owned()) })
    });
    registry
        .on_fact::<Score>("leads.import.done", |fact| fact.subject_id.map(|id| Score { of: Of::Import(id) }));
}
