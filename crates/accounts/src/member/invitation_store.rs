//! The SQL of invitations. [`by_token`], [`get`], [`renew`] and [`accepted`] run across tenants:
//! whoever follows a link is in none yet.

use super::invitation::{Found, Invitation, InvitationId};
use base::{Result, Role, TenantId, Time};
use db::Cx;

/// An invitation to be.
pub(super) struct Insert<'a> {
    pub id: InvitationId,
    pub tenant: TenantId,
    pub email: &'a str,
    pub role: Role,
    pub token_hash: &'a [u8],
    pub expires_at: Time,
}

pub(super) async fn insert(cx: &mut Cx, new: Insert<'_>) -> Result<()> {
    let (now, by) = (cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into accounts.invitation (id, tenant_id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4::text::accounts.role, $5, $6, $7, $8)",
        new.id.uuid(),
        new.tenant.uuid(),
        new.email,
        new.role.word(),
        new.token_hash,
        by,
        now as Time,
        new.expires_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn is_member(cx: &mut Cx, tenant: TenantId, email: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
             select from accounts.membership m join accounts.person p on p.id = m.person_id
             where m.tenant_id = $1 and m.removed_at is null and p.email = $2) as "is!""#,
        tenant.uuid(),
        email,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Takes back what is open for this e-mail; a fresh invitation replaces it.
pub(super) async fn replace(cx: &mut Cx, tenant: TenantId, email: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.invitation set revoked_at = $3
         where tenant_id = $1 and email = $2 and accepted_at is null and revoked_at is null",
        tenant.uuid(),
        email,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn list_open(cx: &mut Cx, tenant: TenantId) -> Result<Vec<Invitation>> {
    let now = cx.now();
    let rows = sqlx::query!(
        r#"select id, email, role::text as "role!", created_at, expires_at from accounts.invitation
           where tenant_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2
           order by created_at desc, id limit 100"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Invitation {
                id: InvitationId(r.id),
                email: r.email,
                role: r.role.parse()?,
                created_at: r.created_at,
                expires_at: r.expires_at,
            })
        })
        .collect()
}

pub(super) async fn revoke(cx: &mut Cx, tenant: TenantId, id: InvitationId) -> Result<Option<Role>> {
    let now = cx.now();
    sqlx::query_scalar!(
        r#"update accounts.invitation set revoked_at = $3
           where tenant_id = $1 and id = $2 and accepted_at is null and revoked_at is null
           returning role::text as "role!""#,
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(|role| role.parse())
    .transpose()
}

/// The living invitation behind a token; locked, so that it is used once.
pub(super) async fn by_token(cx: &mut Cx, token_hash: &[u8]) -> Result<Option<Found>> {
    let now = cx.now();
    let row = sqlx::query!(
        r#"select i.id, i.tenant_id, t.name as tenant_name, t.zone, i.email, i.role::text as "role!"
           from accounts.invitation i join accounts.tenant t on t.id = i.tenant_id and t.deleted_at is null
           where i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $2
           for update of i"#,
        token_hash,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(|r| {
        Ok(Found {
            id: InvitationId(r.id),
            tenant: TenantId(r.tenant_id),
            tenant_name: r.tenant_name,
            zone: r.zone,
            email: r.email,
            role: r.role.parse()?,
        })
    })
    .transpose()
}

/// Gives a living invitation a fresh token; returns whom to write to and from which organisation.
pub(super) async fn renew(
    cx: &mut Cx,
    id: InvitationId,
    token_hash: &[u8],
) -> Result<Option<(String, String)>> {
    let now = cx.now();
    let row = sqlx::query!(
        "update accounts.invitation i set token_hash = $2 from accounts.tenant t
         where i.id = $1 and t.id = i.tenant_id and i.accepted_at is null and i.revoked_at is null and i.expires_at > $3
         returning i.email, t.name",
        id.uuid(),
        token_hash,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|r| (r.email, r.name)))
}

pub(super) async fn accepted(cx: &mut Cx, id: InvitationId) -> Result<()> {
    let now = cx.now();
    sqlx::query!("update accounts.invitation set accepted_at = $2 where id = $1", id.uuid(), now as Time)
        .execute(cx.conn())
        .await?;
    Ok(())
}
