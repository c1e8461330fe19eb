//! Every statement about the Do-Not-Call register.

use super::{Verdict, WashId};
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// Days before the end of an answer at which a number is handed in again.
const RENEW_DAYS: i64 = 5;
/// Numbers of one batch at most.
const NUMBERS_MAX: i64 = 10_000;

/// A batch that was handed in.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which.
    pub id: Uuid,
    /// Numbers in it.
    pub numbers: i32,
    /// Of these, numbers on the register.
    pub listed: i64,
    /// Numbers without an answer.
    pub open: i64,
    /// From where its answer came.
    pub source: String,
    /// When it was handed in.
    pub created_at: Time,
    /// When it was answered.
    pub answered_at: Option<Time>,
}

/// Makes a batch of the numbers of leads that may be called and have no fresh answer; none when there is no
/// such number.
pub async fn ask(cx: &mut Cx) -> Result<Option<WashId>> {
    let valid_days: i64 = control::figure::read(cx, "dnc.valid_days").await?;
    let countries: Vec<String> = control::figure::read(cx, "dnc.countries").await?;
    let (tenant, now, id, actor) = (cx.tenant()?.uuid(), cx.now(), cx.id::<WashId>(), cx.actor().label());
    let phones = sqlx::query_scalar!(
        r#"select distinct l.phone as "phone!" from leads.lead l left join outreach.washed w on w.tenant_id = $1 and w.phone = l.phone
           where l.tenant_id = $1 and l.deleted_at is null and l.phone is not null and l.consent is distinct from 'express'
             and coalesce(l.country, 'AU') = any($2) and l.status in ('new', 'enriched', 'scored', 'in_sequence')
             and (w.phone is null or w.checked_at < $3)
           order by 1 limit $4"#,
        tenant,
        &countries,
        now.plus_days(RENEW_DAYS - valid_days) as Time,
        NUMBERS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    if phones.is_empty() {
        return Ok(None);
    }
    sqlx::query!(
        "insert into outreach.wash (id, tenant_id, numbers, created_by, created_at) values ($1, $2, $3, $4, $5)",
        id.uuid(),
        tenant,
        i32::try_from(phones.len()).unwrap_or(i32::MAX),
        actor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into outreach.washed (tenant_id, phone, wash_id) select $1, p, $3 from unnest($2::text[]) as p
         on conflict (tenant_id, phone) do update set wash_id = excluded.wash_id",
        tenant,
        &phones,
        id.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(Some(id))
}

/// The numbers of a batch.
pub async fn numbers(cx: &mut Cx, batch: Uuid) -> Result<Vec<String>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select phone from outreach.washed where tenant_id = $1 and wash_id = $2 order by phone",
        tenant,
        batch,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The batches of the client, the latest first.
pub async fn batches(cx: &mut Cx) -> Result<Vec<Batch>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Batch,
        r#"select w.id, w.numbers, w.source, w.created_at, w.answered_at,
                  (select count(*) from outreach.washed n where n.tenant_id = $1 and n.wash_id = w.id and n.result = 'listed') as "listed!",
                  (select count(*) from outreach.washed n where n.tenant_id = $1 and n.wash_id = w.id and n.checked_at is null) as "open!"
           from outreach.wash w where w.tenant_id = $1 order by w.created_at desc, w.id limit 50"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What the register said of a number, and when.
pub async fn verdict(cx: &mut Cx, phone: &str) -> Result<Option<(Verdict, Time)>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select result, checked_at from outreach.washed where tenant_id = $1 and phone = $2",
        tenant,
        phone,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.and_then(|row| row.result.as_deref().and_then(Verdict::read).zip(row.checked_at)))
}

/// Stores one answer; false when the batch does not have the number.
pub(super) async fn settle(cx: &mut Cx, batch: Uuid, phone: &str, verdict: Verdict) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.washed set result = $4, checked_at = $5 where tenant_id = $1 and wash_id = $2 and phone = $3",
        tenant,
        batch,
        phone,
        verdict.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn finish(cx: &mut Cx, batch: Uuid, source: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.wash set answered_at = $3, source = $4 where tenant_id = $1 and id = $2",
        tenant,
        batch,
        now as Time,
        source,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(base::Error::not_found("batch of numbers"));
    }
    Ok(())
}
