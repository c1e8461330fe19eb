//! Statements of digests.

use base::{Result, Time, UserId, Zone};
use db::Cx;
use jiff::civil::Date;
use uuid::Uuid;

pub(super) async fn client(cx: &mut Cx) -> Result<(String, Zone)> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!("select name, zone from accounts.tenant where id = $1", tenant)
        .fetch_one(cx.conn())
        .await?;
    Ok((row.name, Zone::named(&row.zone)?))
}

pub(super) async fn meetings(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<(Time, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select starts_at, guest_name from outreach.meeting
         where tenant_id = $1 and starts_at >= $2 and starts_at < $3 and status = 'booked' order by starts_at, id limit 20",
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.starts_at, row.guest_name)).collect())
}

pub(super) async fn waiting(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from control.approval where tenant_id = $1 and status = 'pending'"#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn suggestions(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from insight.suggestion where tenant_id = $1 and state = 'proposed'"#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn wanted(cx: &mut Cx, person: UserId) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let wanted = sqlx::query_scalar!(
        "select wanted from insight.digest_choice where tenant_id = $1 and person_id = $2",
        tenant,
        person.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(wanted.unwrap_or(true))
}

pub(super) async fn choose(cx: &mut Cx, person: UserId, wanted: bool) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into insight.digest_choice (tenant_id, person_id, wanted, updated_at) values ($1, $2, $3, $4)
         on conflict (tenant_id, person_id) do update set wanted = excluded.wanted, updated_at = excluded.updated_at",
        tenant,
        person.uuid(),
        wanted,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Clients with their zones.
pub(super) async fn clients(cx: &mut Cx) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select id, zone from accounts.tenant where deleted_at is null and status <> 'cancelled' order by id"
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.zone)).collect())
}

/// Writes down who gets the digest of a week; returns those for whom it is not there yet.
pub(super) async fn address(cx: &mut Cx, week: Date) -> Result<Vec<(Uuid, UserId)>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let members = sqlx::query_scalar!(
        "select m.person_id from accounts.membership m
         left join insight.digest_choice c on c.tenant_id = $1 and c.person_id = m.person_id
         where m.tenant_id = $1 and m.removed_at is null and coalesce(c.wanted, true) order by m.person_id",
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    let mut added = Vec::with_capacity(members.len());
    for person in members {
        let id = cx.id::<Uuid>();
        let row = sqlx::query!(
            "insert into insight.digest_mail (id, tenant_id, person_id, week, created_at) values ($1, $2, $3, $4::text::date, $5)
             on conflict (tenant_id, person_id, week) do nothing",
            id,
            tenant,
            person,
            week.to_string(),
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        if row.rows_affected() == 1 {
            added.push((id, UserId(person)));
        }
    }
    Ok(added)
}

/// A digest to be handed over.
pub(super) struct Mail {
    pub(super) person: UserId,
    pub(super) week: String,
    pub(super) state: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) member: bool,
}

pub(super) async fn mail(cx: &mut Cx, id: Uuid) -> Result<Option<Mail>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Mail,
        r#"select d.person_id as "person: UserId", d.week::text as "week!", d.state, p.email, p.name,
                  exists (select from accounts.membership m where m.tenant_id = $1 and m.person_id = d.person_id and m.removed_at is null) as "member!"
           from insight.digest_mail d join accounts.person p on p.id = d.person_id
           where d.tenant_id = $1 and d.id = $2 and d.state in ('waiting', 'sending') for update of d"#,
        tenant,
        id
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn moved(cx: &mut Cx, id: Uuid, state: &str, said: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update insight.digest_mail set state = $3::text, said = $4,
             settled_at = case when $3::text in ('waiting', 'sending') then null else $5::timestamptz end
         where tenant_id = $1 and id = $2",
        tenant,
        id,
        state,
        said,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The latest digests of a person: the week, and what became of the mail.
pub(super) async fn history(
    cx: &mut Cx,
    person: UserId,
    limit: i64,
) -> Result<Vec<(String, String, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select week::text as "week!", state, said from insight.digest_mail
           where tenant_id = $1 and person_id = $2 order by week desc limit $3"#,
        tenant,
        person.uuid(),
        limit
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.week, row.state, row.said)).collect())
}
