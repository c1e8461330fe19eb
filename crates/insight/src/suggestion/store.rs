//! Statements of suggestions.

use super::{New, Proposal, Sort, State, Suggestion, SuggestionId};
use crate::pattern::PatternId;
use base::{Result, Time};
use db::Cx;
use serde_json::Value;
use uuid::Uuid;

struct Row {
    id: Uuid,
    kind: Sort,
    pattern_id: Option<Uuid>,
    title: String,
    reason: String,
    content: Value,
    state: State,
    approval_id: Option<Uuid>,
    problem: Option<String>,
    created_at: Time,
    ended_at: Option<Time>,
    ended_by: Option<String>,
}

impl Row {
    fn suggestion(self) -> Result<Suggestion> {
        Ok(Suggestion {
            id: SuggestionId(self.id),
            sort: self.kind,
            pattern_id: self.pattern_id.map(PatternId),
            title: self.title,
            reason: self.reason,
            proposal: serde_json::from_value::<Proposal>(self.content)?,
            state: self.state,
            approval_id: self.approval_id,
            problem: self.problem,
            created_at: self.created_at,
            ended_at: self.ended_at,
            ended_by: self.ended_by,
        })
    }
}

macro_rules! rows {
    ($where:literal, $($bind:expr),+) => {
        sqlx::query_as!(
            Row,
            r#"select id, kind as "kind: Sort", pattern_id, title, reason, content, state as "state: State", approval_id, problem,
                      created_at, ended_at as "ended_at: Time", ended_by
               from insight.suggestion where tenant_id = $1 and "# + $where,
            $($bind),+
        )
    };
}

pub(super) async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Suggestion>> {
    let tenant = cx.tenant()?.uuid();
    let rows =
        rows!("true order by created_at desc, id desc limit $2", tenant, limit).fetch_all(cx.conn()).await?;
    rows.into_iter().map(Row::suggestion).collect()
}

pub(super) async fn get(cx: &mut Cx, id: SuggestionId) -> Result<Option<Suggestion>> {
    let tenant = cx.tenant()?.uuid();
    rows!("id = $2", tenant, id.uuid()).fetch_optional(cx.conn()).await?.map(Row::suggestion).transpose()
}

pub(super) async fn open(cx: &mut Cx, sort: Sort, subject: Uuid) -> Result<Option<Suggestion>> {
    let tenant = cx.tenant()?.uuid();
    rows!("kind = $2 and subject_id = $3 and state = 'proposed'", tenant, sort as Sort, subject)
        .fetch_optional(cx.conn())
        .await?
        .map(Row::suggestion)
        .transpose()
}

/// The latest of a sort and subject since an instant.
pub(super) async fn latest(
    cx: &mut Cx,
    sort: Sort,
    subject: Uuid,
    since: Time,
) -> Result<Option<Suggestion>> {
    let tenant = cx.tenant()?.uuid();
    rows!(
        "kind = $2 and subject_id = $3 and created_at >= $4 order by created_at desc, id desc limit 1",
        tenant,
        sort as Sort,
        subject,
        since as Time
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::suggestion)
    .transpose()
}

pub(super) async fn insert(
    cx: &mut Cx,
    id: SuggestionId,
    subject: Uuid,
    new: &New,
    content: &Value,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into insight.suggestion (id, tenant_id, kind, subject_id, pattern_id, title, reason, content, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        tenant,
        new.proposal.sort() as Sort,
        subject,
        new.pattern.map(PatternId::uuid),
        new.title,
        new.reason,
        content,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn waits(cx: &mut Cx, id: SuggestionId, approval: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update insight.suggestion set approval_id = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        approval
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn applied(cx: &mut Cx, id: SuggestionId, content: &Value, before: &Value) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "update insight.suggestion set state = 'applied', content = $3, before = $4, ended_at = $5, ended_by = $6
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        content,
        before,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn end(cx: &mut Cx, id: SuggestionId, state: State, problem: Option<&str>) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "update insight.suggestion set state = $3, problem = $4, ended_at = $5, ended_by = $6 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        state as State,
        problem,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn before(cx: &mut Cx, id: SuggestionId) -> Result<Value> {
    let tenant = cx.tenant()?.uuid();
    let before = sqlx::query_scalar!(
        "select before from insight.suggestion where tenant_id = $1 and id = $2",
        tenant,
        id.uuid()
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(before.unwrap_or(Value::Null))
}

pub(super) async fn applied_of(cx: &mut Cx, pattern: PatternId) -> Result<Vec<SuggestionId>> {
    let tenant = cx.tenant()?.uuid();
    let ids = sqlx::query_scalar!(
        "select id from insight.suggestion where tenant_id = $1 and pattern_id = $2 and state = 'applied' order by ended_at desc, id",
        tenant,
        pattern.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(ids.into_iter().map(SuggestionId).collect())
}

/// A campaign that hardly anybody answers.
pub(super) struct Silent {
    pub(super) campaign: Uuid,
    pub(super) name: String,
    pub(super) contacted: i64,
    pub(super) replied: i64,
}

/// Running campaigns whose people had 14 days to answer, with how many did.
pub(super) async fn silent(cx: &mut Cx, before: Time, least: i64) -> Result<Vec<Silent>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Silent,
        r#"with wrote as (
             select campaign_id, lead_id from insight.sent where tenant_id = $1 group by 1, 2 having min(sent_at) < $2),
           answered as (select distinct campaign_id, lead_id from insight.outcome where tenant_id = $1 and campaign_id is not null)
           select c.id as campaign, c.name, count(*) as "contacted!", count(a.lead_id) as "replied!"
           from outreach.campaign c join wrote w on w.campaign_id = c.id
           left join answered a on a.campaign_id = w.campaign_id and a.lead_id = w.lead_id
           where c.tenant_id = $1 and c.status = 'active' and c.deleted_at is null
           group by c.id, c.name having count(*) >= $3 and count(a.lead_id) * 100 < count(*)
           order by c.created_at, c.id limit 20"#,
        tenant,
        before as Time,
        least,
    )
    .fetch_all(cx.conn())
    .await?)
}
