//! The SQL of sessions. Everything but [`insert`] runs across tenants: a person's sessions belong
//! to the person.

use super::{SessionId, SessionRow, rules};
use base::{Result, TenantId, Time, UserId};
use db::Cx;

/// One fresh session.
pub(super) struct Insert<'a> {
    pub person: UserId,
    pub tenant: TenantId,
    pub token_hash: &'a [u8],
    pub user_agent: &'a str,
    pub address: &'a str,
}

pub(super) async fn insert(cx: &mut Cx, new: Insert<'_>) -> Result<SessionId> {
    let (id, now) = (cx.id::<SessionId>(), cx.now());
    sqlx::query!(
        "insert into accounts.session (id, person_id, tenant_id, token_hash, user_agent, address, created_at, seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
        id.uuid(),
        new.person.uuid(),
        new.tenant.uuid(),
        new.token_hash,
        new.user_agent,
        new.address,
        now as Time,
        rules::ends(now, now) as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn touch(cx: &mut Cx, id: SessionId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.session
         set seen_at = $2, expires_at = least($2::timestamptz + make_interval(days => $3), created_at + make_interval(days => $4))
         where id = $1 and revoked_at is null",
        id.uuid(),
        now as Time,
        i32::try_from(rules::IDLE_DAYS).unwrap_or(30),
        i32::try_from(rules::ABSOLUTE_DAYS).unwrap_or(90),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn list(cx: &mut Cx, person: UserId, token_hash: &[u8]) -> Result<Vec<SessionRow>> {
    let now = cx.now();
    let rows = sqlx::query!(
        "select s.id, s.user_agent, s.address, s.created_at, s.seen_at, s.expires_at, t.name as tenant,
                s.token_hash = $3 as \"present!\"
         from accounts.session s join accounts.tenant t on t.id = s.tenant_id
         where s.person_id = $1 and s.revoked_at is null and s.expires_at > $2
         order by s.seen_at desc limit 100",
        person.uuid(),
        now as Time,
        token_hash,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| SessionRow {
            id: SessionId(r.id),
            tenant: r.tenant,
            user_agent: r.user_agent,
            address: r.address,
            created_at: r.created_at,
            seen_at: r.seen_at,
            expires_at: r.expires_at,
            present: r.present,
        })
        .collect())
}

pub(super) async fn revoke(cx: &mut Cx, person: UserId, id: SessionId) -> Result<u64> {
    let now = cx.now();
    let done = sqlx::query!(
        "update accounts.session set revoked_at = $3 where id = $1 and person_id = $2 and revoked_at is null",
        id.uuid(),
        person.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn revoke_all(cx: &mut Cx, person: UserId, except: &[u8]) -> Result<u64> {
    let now = cx.now();
    let done = sqlx::query!(
        "update accounts.session set revoked_at = $3
         where person_id = $1 and token_hash <> $2 and revoked_at is null",
        person.uuid(),
        except,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn revoke_in_tenant(cx: &mut Cx, tenant: TenantId, person: UserId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.session set revoked_at = $3
         where tenant_id = $1 and person_id = $2 and revoked_at is null",
        tenant.uuid(),
        person.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn close(cx: &mut Cx, token_hash: &[u8]) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.session set revoked_at = $2 where token_hash = $1 and revoked_at is null",
        token_hash,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn switch(cx: &mut Cx, person: UserId, token_hash: &[u8], tenant: TenantId) -> Result<u64> {
    let done = sqlx::query!(
        "update accounts.session s set tenant_id = $3
         where s.token_hash = $2 and s.person_id = $1 and s.revoked_at is null
           and exists (select from accounts.membership m
                       where m.tenant_id = $3 and m.person_id = $1 and m.removed_at is null)",
        person.uuid(),
        token_hash,
        tenant.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn latest_tenant(cx: &mut Cx, person: UserId) -> Result<Option<TenantId>> {
    let found = sqlx::query_scalar!(
        "select m.tenant_id
         from accounts.membership m
         join accounts.tenant t on t.id = m.tenant_id and t.deleted_at is null
         left join lateral (select max(s.seen_at) as seen_at from accounts.session s
                            where s.person_id = m.person_id and s.tenant_id = m.tenant_id) s on true
         where m.person_id = $1 and m.removed_at is null
         order by s.seen_at desc nulls last, m.created_at, m.id limit 1",
        person.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(TenantId))
}
