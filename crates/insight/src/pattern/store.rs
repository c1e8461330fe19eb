//! Statements of patterns.

use super::{New, Pattern, PatternId, State, VALID_DAYS};
use crate::learn::Detector;
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

struct Row {
    id: Uuid,
    detector: Detector,
    version: i32,
    state: State,
    sample: i64,
    conversions: i64,
    confidence: f64,
    window_from: Time,
    window_to: Time,
    content: serde_json::Value,
    learned_at: Time,
    valid_until: Time,
    ended_at: Option<Time>,
    ended_by: Option<String>,
    end_reason: Option<String>,
}

impl Row {
    fn pattern(self) -> Result<Pattern> {
        Ok(Pattern {
            id: PatternId(self.id),
            detector: self.detector,
            version: self.version,
            state: self.state,
            sample: self.sample,
            conversions: self.conversions,
            confidence: self.confidence,
            window_from: self.window_from,
            window_to: self.window_to,
            content: serde_json::from_value(self.content)?,
            learned_at: self.learned_at,
            valid_until: self.valid_until,
            ended_at: self.ended_at,
            ended_by: self.ended_by,
            end_reason: self.end_reason,
        })
    }
}

macro_rules! rows {
    ($where:literal, $($bind:expr),+) => {
        sqlx::query_as!(
            Row,
            r#"select id, detector as "detector: Detector", version, state as "state: State", sample, conversions, confidence,
                      window_from, window_to, content, learned_at, valid_until, ended_at as "ended_at: Time", ended_by, end_reason
               from insight.pattern where tenant_id = $1 and "# + $where,
            $($bind),+
        )
    };
}

pub(super) async fn active(cx: &mut Cx) -> Result<Vec<Pattern>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = rows!("state = 'active' and valid_until > $2 order by detector", tenant, now as Time)
        .fetch_all(cx.conn())
        .await?;
    rows.into_iter().map(Row::pattern).collect()
}

pub(super) async fn get(cx: &mut Cx, id: PatternId) -> Result<Option<Pattern>> {
    let tenant = cx.tenant()?.uuid();
    rows!("id = $2", tenant, id.uuid()).fetch_optional(cx.conn()).await?.map(Row::pattern).transpose()
}

pub(super) async fn history(cx: &mut Cx, detector: Option<Detector>, limit: i64) -> Result<Vec<Pattern>> {
    let tenant = cx.tenant()?.uuid();
    let rows = rows!(
        "($2::insight.detector is null or detector = $2) order by learned_at desc, version desc, detector limit $3",
        tenant,
        detector as Option<Detector>,
        limit
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(Row::pattern).collect()
}

pub(super) async fn before(cx: &mut Cx, pattern: &Pattern) -> Result<Option<Pattern>> {
    let tenant = cx.tenant()?.uuid();
    rows!(
        "detector = $2 and learned_at < $3 and state in ('superseded', 'expired') order by learned_at desc, version desc limit 1",
        tenant,
        pattern.detector as Detector,
        pattern.learned_at as Time
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::pattern)
    .transpose()
}

pub(super) async fn insert(cx: &mut Cx, new: &New, confidence: f64, counts: bool) -> Result<PatternId> {
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<PatternId>());
    let as_of = new.window.as_of;
    let state = if counts { State::Active } else { State::Superseded };
    sqlx::query!(
        "insert into insight.pattern (id, tenant_id, run_id, detector, version, state, sample, conversions, confidence, window_from,
                                      window_to, content, learned_at, valid_until, ended_at, ended_by, end_reason)
         select $1, $2, $3, $4, coalesce(max(version), 0) + 1, $5, $6, $7, $8, $9, $10, $11, $10, $12, $13, $14, $15
         from insight.pattern where tenant_id = $2 and detector = $4",
        id.uuid(),
        tenant,
        new.run.uuid(),
        new.detector as Detector,
        state as State,
        i64::try_from(new.sample).unwrap_or(i64::MAX),
        i64::try_from(new.conversions).unwrap_or(i64::MAX),
        confidence,
        new.window.from() as Time,
        as_of as Time,
        serde_json::to_value(&new.content)?,
        as_of.plus_days(VALID_DAYS) as Time,
        (!counts).then_some(now) as Option<Time>,
        (!counts).then_some(by),
        (!counts).then_some("learnt for the history"),
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn end(cx: &mut Cx, detector: Detector, state: State, reason: &str) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "update insight.pattern set state = $3, ended_at = $4, ended_by = $5, end_reason = $6
         where tenant_id = $1 and detector = $2 and state = 'active'",
        tenant,
        detector as Detector,
        state as State,
        now as Time,
        by,
        reason,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn revive(cx: &mut Cx, id: PatternId, until: Time) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update insight.pattern set state = 'active', valid_until = $3, ended_at = null, ended_by = null, end_reason = null
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        until as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends what is past its time; returns how many.
pub(super) async fn expire(cx: &mut Cx) -> Result<u64> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    Ok(sqlx::query!(
        "update insight.pattern set state = 'expired', ended_at = $2, ended_by = $3, end_reason = 'fourteen days are over'
         where tenant_id = $1 and state = 'active' and valid_until <= $2",
        tenant,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?
    .rows_affected())
}

/// Tenants that have a pattern that counts.
pub(super) async fn tenants(cx: &mut Cx) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select distinct tenant_id from insight.pattern where state = 'active' order by 1"
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Clients whose history is worth a run: those that are served and wrote to somebody in the window.
pub(super) async fn learners(cx: &mut Cx, from: Time) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select t.id from accounts.tenant t
         where t.deleted_at is null and t.status in ('trialing', 'active', 'past_due', 'paused')
           and exists (select from outreach.touch o where o.tenant_id = t.id and o.sent_at >= $1)
         order by t.id",
        from as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}
