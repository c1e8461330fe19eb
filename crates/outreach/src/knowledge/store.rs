//! Every statement of the knowledge base.

use super::KnowledgeId;
use super::rules::Candidate;
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// Which.
    #[schemars(with = "String")]
    pub id: KnowledgeId,
    /// What it answers.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// The page that it stands on; none when a person wrote it.
    pub source_url: Option<String>,
    /// Whether a person confirmed it.
    pub checked: bool,
    /// Who added it.
    pub created_by: String,
    /// When it was last changed.
    #[schemars(with = "String")]
    pub updated_at: Time,
}

pub(super) async fn insert(
    cx: &mut Cx,
    question: &str,
    answer: &str,
    source_url: Option<&str>,
) -> Result<Option<KnowledgeId>> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<KnowledgeId>());
    let by = cx.actor().label();
    let (source, checked) = if source_url.is_some() { ("website", None) } else { ("person", Some(now)) };
    let added = sqlx::query!(
        "insert into outreach.knowledge (id, tenant_id, question, answer, source, source_url, checked_at, checked_by, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, case when $7::timestamptz is null then null else $8 end, $8, $9, $9)
         on conflict (tenant_id, lower(question), md5(answer)) where deleted_at is null do nothing",
        id.uuid(),
        tenant,
        question,
        answer,
        source,
        source_url,
        checked as Option<Time>,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok((added.rows_affected() > 0).then_some(id))
}

pub(super) async fn change(cx: &mut Cx, id: KnowledgeId, question: &str, answer: &str) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let changed = sqlx::query!(
        "update outreach.knowledge set question = $3, answer = $4, checked_at = $5, checked_by = $6, updated_at = $5
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        question,
        answer,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await
    .map_err(|cause| match base::error::constraint(&cause) {
        Some("knowledge_once") => Error::conflict("knowledge.same", "Another entry says exactly this already."),
        Some(_) | None => cause.into(),
    })?;
    found(changed.rows_affected())
}

pub(super) async fn confirm(cx: &mut Cx, id: KnowledgeId) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let changed = sqlx::query!(
        "update outreach.knowledge set checked_at = coalesce(checked_at, $3), checked_by = coalesce(checked_by, $4), updated_at = $3
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    found(changed.rows_affected())
}

pub(super) async fn remove(cx: &mut Cx, id: KnowledgeId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.knowledge set deleted_at = $3, updated_at = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    found(changed.rows_affected())
}

fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(Error::not_found("entry of the knowledge base")) } else { Ok(()) }
}

/// One entry.
pub async fn get(cx: &mut Cx, id: KnowledgeId) -> Result<Entry> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Entry,
        r#"select id as "id: KnowledgeId", question, answer, source_url, checked_at is not null as "checked!", created_by, updated_at
           from outreach.knowledge where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("entry of the knowledge base"))
}

/// Entries, the latest first; `unchecked`: only those that nobody confirmed.
pub async fn list(cx: &mut Cx, unchecked: bool, after: Option<&Cursor>, limit: usize) -> Result<Page<Entry>> {
    let tenant = cx.tenant()?.uuid();
    let (at, id) = crate::thread::place(after)?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = sqlx::query_as!(
        Entry,
        r#"select id as "id: KnowledgeId", question, answer, source_url, checked_at is not null as "checked!", created_by, updated_at
           from outreach.knowledge
           where tenant_id = $1 and deleted_at is null and (not $2 or checked_at is null)
             and ($3::timestamptz is null or (updated_at, id) < ($3, $4))
           order by updated_at desc, id desc limit $5"#,
        tenant,
        unchecked,
        at as Option<Time>,
        id.unwrap_or(Uuid::max()),
        most,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |entry| Cursor::after(&entry.updated_at.to_string(), entry.id.uuid())))
}

/// The lexemes of a text in English, as PostgreSQL sees them.
pub(super) async fn lexemes(cx: &mut Cx, text: &str) -> Result<Vec<String>> {
    let found =
        sqlx::query_scalar!(r#"select tsvector_to_array(to_tsvector('english', $1)) as "lexemes!""#, text)
            .fetch_one(cx.conn())
            .await?;
    Ok(found)
}

/// The entries that have one of the lexemes, those with most of them first.
pub(super) async fn candidates(cx: &mut Cx, any: &BTreeSet<String>, most: i64) -> Result<Vec<Candidate>> {
    let tenant = cx.tenant()?.uuid();
    let quoted: Vec<String> =
        any.iter().map(|lexeme| format!("'{}'", lexeme.replace('\\', "\\\\").replace('\'', "''"))).collect();
    let rows = sqlx::query!(
        r#"select id, question, answer, source_url, checked_at is not null as "checked!", created_by, updated_at,
                  tsvector_to_array(words) as "lexemes!", tsvector_to_array(to_tsvector('english', question)) as "heading!"
           from outreach.knowledge
           where tenant_id = $1 and deleted_at is null and words @@ $2::text::tsquery
           order by ts_rank_cd(words, $2::text::tsquery) desc, id limit $3"#,
        tenant,
        quoted.join(" | "),
        most,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            entry: Entry {
                id: KnowledgeId(row.id),
                question: row.question,
                answer: row.answer,
                source_url: row.source_url,
                checked: row.checked,
                created_by: row.created_by,
                updated_at: row.updated_at,
            },
            lexemes: row.lexemes,
            heading: row.heading,
        })
        .collect())
}
