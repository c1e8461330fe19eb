//! Every statement of readings.

use super::field::Read;
use super::{Analysis, AnalysisId, Field, Finding, Proposal, Status, Step};
use base::{Error, Result, Time};
use db::Cx;
use discovery::{Page, page};
use ports::fetch::{Skipped, WebPage};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) async fn insert(cx: &mut Cx, website: &str) -> Result<AnalysisId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<AnalysisId>());
    let by = cx.actor().label();
    sqlx::query!(
        "insert into onboarding.analysis (id, tenant_id, website, requested_by, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        tenant,
        website,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// The latest reading and where it stands.
pub async fn latest(cx: &mut Cx) -> Result<Option<(AnalysisId, Status)>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select id, status as "status: Status" from onboarding.analysis where tenant_id = $1 order by created_at desc, id desc limit 1"#,
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|row| (row.id.into(), row.status)))
}

/// Locks a reading and tells its website and where it stands.
pub(super) async fn lock(cx: &mut Cx, id: AnalysisId) -> Result<(String, Status)> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select website, status as "status: Status" from onboarding.analysis where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("reading"))?;
    Ok((row.website, row.status))
}

/// One reading with everything that belongs to it.
pub async fn get(cx: &mut Cx, id: AnalysisId) -> Result<Analysis> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select website, status as "status: Status", steps, skipped, error, model, model_note, cost_micros, created_at, confirmed_at, confirmed_by
           from onboarding.analysis where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("reading"))?;
    Ok(Analysis {
        id,
        website: row.website,
        status: row.status,
        steps: serde_json::from_value(row.steps)?,
        skipped: serde_json::from_value(row.skipped)?,
        error: row.error,
        model: row.model,
        model_note: row.model_note,
        cost_micros: row.cost_micros,
        created_at: row.created_at,
        confirmed_at: row.confirmed_at,
        confirmed_by: row.confirmed_by,
        findings: findings(cx, id).await?,
        proposals: proposals(cx, id).await?,
    })
}

pub(super) async fn findings(cx: &mut Cx, id: AnalysisId) -> Result<Vec<Finding>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select id, field, value, detail, confidence, sources, read_by, edited, dropped, edited_by from onboarding.finding
         where tenant_id = $1 and analysis_id = $2 order by field, position, id",
        tenant,
        id.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    let mut found = rows
        .into_iter()
        .map(|row| {
            Ok(Finding {
                id: row.id,
                field: row.field.parse()?,
                value: row.value,
                detail: row.detail,
                confidence: row.confidence,
                sources: serde_json::from_value(row.sources)?,
                read_by: row.read_by,
                edited: row.edited,
                dropped: row.dropped,
                edited_by: row.edited_by,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|finding| finding.field);
    Ok(found)
}

async fn proposals(cx: &mut Cx, id: AnalysisId) -> Result<Vec<Proposal>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, kind::text as "kind!", title, content, reasons, status::text as "status!", made_id from onboarding.proposal
           where tenant_id = $1 and analysis_id = $2 order by kind, id"#,
        tenant,
        id.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Proposal {
                id: row.id,
                kind: row.kind,
                title: row.title,
                content: row.content,
                reasons: serde_json::from_value(row.reasons)?,
                status: row.status,
                made_id: row.made_id,
            })
        })
        .collect()
}

/// Which steps are done.
pub(super) async fn steps(cx: &mut Cx, id: AnalysisId) -> Result<Vec<Step>> {
    let tenant = cx.tenant()?.uuid();
    let steps = sqlx::query_scalar!(
        "select steps from onboarding.analysis where tenant_id = $1 and id = $2",
        tenant,
        id.uuid()
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(serde_json::from_value(steps)?)
}

/// Records a step that was done.
pub(super) async fn done(
    cx: &mut Cx,
    id: AnalysisId,
    status: Status,
    name: &str,
    detail: &str,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let step = json!([Step { name: name.to_owned(), detail: detail.to_owned(), at: now }]);
    sqlx::query!(
        "update onboarding.analysis set steps = steps || $3, status = $4, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        step,
        status as Status,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    cx: &mut Cx,
    id: AnalysisId,
    status: Status,
    error: Option<&str>,
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let ended = (!status.runs()).then_some(now);
    let confirmed = (status == Status::Confirmed).then_some(now);
    sqlx::query!(
        "update onboarding.analysis set status = $3, error = $4, updated_at = $5, finished_at = coalesce(finished_at, $6),
                confirmed_at = coalesce($7, confirmed_at), confirmed_by = case when $7::timestamptz is null then confirmed_by else $8 end
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        status as Status,
        error,
        now as Time,
        ended as Option<Time>,
        confirmed as Option<Time>,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Keeps the pages as they came.
pub(super) async fn keep_pages(
    cx: &mut Cx,
    id: AnalysisId,
    pages: &[WebPage],
    skipped: &[Skipped],
) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    for (position, page) in (1_i16..).zip(pages) {
        let own = cx.id::<Uuid>();
        sqlx::query!(
            "insert into onboarding.page (id, tenant_id, analysis_id, position, url, title, html, fetched_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (analysis_id, position) do nothing",
            own,
            tenant,
            id.uuid(),
            position,
            page.url.as_str(),
            page.title,
            // PostgreSQL keeps every character but this one.
            page.html.replace('\0', " "),
            page.fetched_at as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    let skipped: Vec<Value> =
        skipped.iter().map(|one| json!({"url": one.url.as_str(), "why": one.why})).collect();
    sqlx::query!(
        "update onboarding.analysis set skipped = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        Value::from(skipped),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The pages, read, the home page first.
pub(super) async fn pages(cx: &mut Cx, id: AnalysisId) -> Result<Vec<Page>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select url, html from onboarding.page where tenant_id = $1 and analysis_id = $2 order by position",
        tenant,
        id.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| page::read(&row.url, &row.html)).collect())
}

/// Keeps what was found of some fields, by the rules or a model.
pub(super) async fn keep(cx: &mut Cx, id: AnalysisId, found: &[Read], by: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    for (position, read) in (0_i16..).zip(found) {
        let own = cx.id::<Uuid>();
        sqlx::query!(
            "insert into onboarding.finding (id, tenant_id, analysis_id, skill, field, position, value, detail, confidence, sources, read_by, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            own,
            tenant,
            id.uuid(),
            read.field.skill(),
            read.field.word(),
            position,
            read.value.replace('\0', " "),
            read.detail,
            read.confidence,
            read.sources,
            by,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    Ok(())
}

pub(super) async fn propose(
    cx: &mut Cx,
    id: AnalysisId,
    kind: &str,
    title: &str,
    content: Value,
    reasons: &[String],
) -> Result<()> {
    let (tenant, now, own) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into onboarding.proposal (id, tenant_id, analysis_id, kind, title, content, reasons, created_at)
         values ($1, $2, $3, $4::text::onboarding.proposal_kind, $5, $6, $7, $8)",
        own,
        tenant,
        id.uuid(),
        kind,
        title,
        content,
        json!(reasons),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn keep_model(
    cx: &mut Cx,
    id: AnalysisId,
    model: Option<&str>,
    version: Option<&str>,
    note: &str,
    cost_micros: i64,
) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update onboarding.analysis set model = $3, prompt_version = $4, model_note = $5, cost_micros = cost_micros + $6 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        model,
        version,
        note,
        cost_micros,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What a person made of a finding, beside the machine's value.
pub(super) async fn change(cx: &mut Cx, id: Uuid, edited: Option<&str>, dropped: bool) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "update onboarding.finding set edited = $3, dropped = $4, edited_by = $5, edited_at = $6
         where tenant_id = $1 and id = $2 and (edited is distinct from $3 or dropped <> $4)",
        tenant,
        id,
        edited,
        dropped,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A value that a person adds.
pub(super) async fn add(cx: &mut Cx, id: AnalysisId, field: Field, value: &str) -> Result<()> {
    let (tenant, now, own) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let by = cx.actor().label();
    sqlx::query!(
        "insert into onboarding.finding (id, tenant_id, analysis_id, skill, field, position, edited, read_by, edited_by, edited_at, created_at)
         values ($1, $2, $3, $4, $5, 1000, $6, 'person', $7, $8, $8)",
        own,
        tenant,
        id.uuid(),
        field.skill(),
        field.word(),
        value,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn decide(cx: &mut Cx, id: Uuid, accepted: bool, made: Option<Uuid>) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let status = if accepted { "accepted" } else { "declined" };
    sqlx::query!(
        "update onboarding.proposal set status = $3::text::onboarding.proposal_status, made_id = $4, decided_by = $5, decided_at = $6
         where tenant_id = $1 and id = $2 and status = 'proposed'",
        tenant,
        id,
        status,
        made,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
