//! Every statement of washes.

use super::Answer;
use super::file::{self, Unread};
use base::{Error, Result, Time};
use control::figure;
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// Numbers of one wash at most.
pub const NUMBERS_MAX: i64 = 10_000;
/// A wash is renewed from so many days before its end.
const RENEW_DAYS: i64 = 5;

/// A wash, as lists show it.
#[derive(Clone, Debug)]
pub struct Wash {
    /// Which.
    pub id: Uuid,
    /// Numbers in it.
    pub numbers: i32,
    /// Those that are on the register.
    pub listed: i64,
    /// Those that are not.
    pub clear: i64,
    /// Those that the register does not take.
    pub invalid: i64,
    /// Since when.
    pub created_at: Time,
    /// When the register was asked.
    pub washed_at: Option<Time>,
}

/// Prepares a wash of the leads' Australian numbers that have no valid one, the best leads first.
///
/// # Errors
/// `dnc.nothing`.
pub async fn prepare(cx: &mut Cx) -> Result<Uuid> {
    let (tenant, now, id, by) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>(), cx.actor().label());
    let phones = sqlx::query_scalar!(
        r#"select l.phone as "phone!" from leads.lead l left join leads.dnc d on d.tenant_id = $1 and d.phone = l.phone
           where l.tenant_id = $1 and l.deleted_at is null and l.phone like '+61%' and (d.phone is null or d.valid_until < $2)
           group by l.phone order by max(l.rank) desc, l.phone limit $3"#,
        tenant,
        now.plus_days(RENEW_DAYS) as Time,
        NUMBERS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    if phones.is_empty() {
        return Err(Error::refused("dnc.nothing", "Every Australian number of your leads has a valid wash."));
    }
    sqlx::query!(
        "insert into leads.dnc_wash (id, tenant_id, numbers, created_by, created_at) values ($1, $2, $3, $4, $5)",
        id,
        tenant,
        i32::try_from(phones.len()).unwrap_or(i32::MAX),
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into leads.dnc_number (tenant_id, wash_id, phone) select $1, $2, p from unnest($3::text[]) p",
        tenant,
        id,
        &phones,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("leads.dnc.prepared", id).with(json!({"numbers": phones.len()}))).await?;
    Ok(id)
}

/// The washes, newest first.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Wash>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Wash,
        r#"select w.id, w.numbers, w.created_at as "created_at: Time", w.washed_at as "washed_at: Time",
                  count(*) filter (where n.result = 'listed') as "listed!", count(*) filter (where n.result = 'clear') as "clear!",
                  count(*) filter (where n.result = 'invalid') as "invalid!"
           from leads.dnc_wash w join leads.dnc_number n on n.wash_id = w.id and n.tenant_id = $1
           where w.tenant_id = $1 group by w.id order by w.created_at desc, w.id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The numbers of a wash with what the register says.
///
/// # Errors
/// Not found.
pub async fn numbers(cx: &mut Cx, wash: Uuid) -> Result<Vec<(String, Answer)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select phone, result as "result: Answer" from leads.dnc_number where tenant_id = $1 and wash_id = $2 order by phone"#,
        tenant,
        wash,
    )
    .fetch_all(cx.conn())
    .await?;
    if rows.is_empty() {
        return Err(Error::not_found("wash"));
    }
    Ok(rows.into_iter().map(|row| (row.phone, row.result)).collect())
}

/// Takes the result of a wash. `washed_at` is when the register was asked: from then the thirty days count. Numbers
/// that were not asked about are passed over. Returns how many were taken, and the lines that cannot be read.
///
/// # Errors
/// `dnc.date`, `dnc.file`; not found.
pub async fn settle(cx: &mut Cx, wash: Uuid, washed_at: Time, text: &str) -> Result<(u64, Vec<Unread>)> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let days: i64 = figure::read(cx, "dnc.valid_days").await?;
    if washed_at > now {
        return Err(Error::invalid("dnc.date", "The day of the wash lies in the future."));
    }
    if washed_at.plus_days(days) <= now {
        return Err(Error::invalid(
            "dnc.date",
            format!("That wash is older than {days} days and counts no longer. Wash the numbers again."),
        ));
    }
    let (answers, unread) = file::read(text);
    if answers.is_empty() {
        return Err(Error::invalid("dnc.file", "The file holds no number with an answer (Y, N or I)."));
    }
    let (phones, results): (Vec<String>, Vec<String>) =
        answers.into_iter().map(|(phone, answer)| (phone, answer.word().to_owned())).unzip();
    let taken = sqlx::query!(
        "update leads.dnc_number n set result = r.result::leads.dnc_result from unnest($3::text[], $4::text[]) as r (phone, result)
         where n.tenant_id = $1 and n.wash_id = $2 and n.phone = r.phone",
        tenant,
        wash,
        &phones,
        &results,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    let known = sqlx::query!(
        "update leads.dnc_wash set washed_at = $3, finished_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        wash,
        washed_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if known == 0 {
        return Err(Error::not_found("wash"));
    }
    if taken == 0 {
        return Err(Error::invalid("dnc.file", "None of these numbers was asked about in this wash."));
    }
    sqlx::query!(
        "insert into leads.dnc (tenant_id, phone, result, wash_id, washed_at, valid_until)
         select tenant_id, phone, result, wash_id, $3, $4 from leads.dnc_number where tenant_id = $1 and wash_id = $2 and result <> 'waiting'
         on conflict (tenant_id, phone) do update set result = excluded.result, wash_id = excluded.wash_id, washed_at = excluded.washed_at,
           valid_until = excluded.valid_until where leads.dnc.washed_at <= excluded.washed_at",
        tenant,
        wash,
        washed_at as Time,
        washed_at.plus_days(days) as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("leads.dnc.washed", wash).with(json!({"numbers": taken}))).await?;
    Ok((taken, unread))
}
