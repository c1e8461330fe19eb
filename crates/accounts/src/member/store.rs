//! The SQL of memberships.

use super::{Member, Membership};
use base::{Result, Role, TenantId, Time, UserId};
use db::Cx;
use uuid::Uuid;

pub(super) async fn insert(
    cx: &mut Cx,
    tenant: TenantId,
    person: UserId,
    role: Role,
) -> Result<(), sqlx::Error> {
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    sqlx::query!(
        "insert into accounts.membership (id, tenant_id, person_id, role, created_at)
         values ($1, $2, $3, $4::text::accounts.role, $5)",
        id,
        tenant.uuid(),
        person.uuid(),
        role.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Members and living invitations; who has both counts once.
pub(super) async fn seated(cx: &mut Cx, tenant: TenantId) -> Result<i64> {
    let now = cx.now();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select p.email from accounts.membership m join accounts.person p on p.id = m.person_id
             where m.tenant_id = $1 and m.removed_at is null
             union
             select i.email from accounts.invitation i
             where i.tenant_id = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $2) seats"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn list(cx: &mut Cx, tenant: TenantId) -> Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select p.id, p.name, p.email, p.email_verified_at, m.role::text as "role!", m.created_at
           from accounts.membership m join accounts.person p on p.id = m.person_id
           where m.tenant_id = $1 and m.removed_at is null
           order by m.role desc, p.name, p.id limit 1000"#,
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Member {
                id: UserId(r.id),
                name: r.name,
                email: r.email,
                email_verified: r.email_verified_at.is_some(),
                role: r.role.parse()?,
                joined_at: r.created_at,
            })
        })
        .collect()
}

pub(super) async fn names(cx: &mut Cx, tenant: TenantId, people: &[Uuid]) -> Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        "select p.id, p.name from accounts.person p
         where p.id = any($2)
           and exists (select from accounts.membership m where m.tenant_id = $1 and m.person_id = p.id)",
        tenant.uuid(),
        people,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (UserId(r.id), r.name)).collect())
}

/// The role of a member; the row stays locked until the transaction ends.
pub(super) async fn lock_role(cx: &mut Cx, tenant: TenantId, person: UserId) -> Result<Option<Role>> {
    sqlx::query_scalar!(
        r#"select role::text as "role!" from accounts.membership
           where tenant_id = $1 and person_id = $2 and removed_at is null for update"#,
        tenant.uuid(),
        person.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(|role| role.parse())
    .transpose()
}

/// How many owners there are; their rows stay locked, in one order for everyone, so that two
/// owners cannot demote each other at once.
pub(super) async fn lock_owners(cx: &mut Cx, tenant: TenantId) -> Result<usize> {
    let rows = sqlx::query_scalar!(
        "select id from accounts.membership
         where tenant_id = $1 and role = 'owner' and removed_at is null order by id for update",
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.len())
}

pub(super) async fn set_role(cx: &mut Cx, tenant: TenantId, person: UserId, role: Role) -> Result<()> {
    sqlx::query!(
        "update accounts.membership set role = $3::text::accounts.role
         where tenant_id = $1 and person_id = $2 and removed_at is null",
        tenant.uuid(),
        person.uuid(),
        role.word(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn remove(cx: &mut Cx, tenant: TenantId, person: UserId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.membership set removed_at = $3
         where tenant_id = $1 and person_id = $2 and removed_at is null",
        tenant.uuid(),
        person.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn of_person(cx: &mut Cx, person: UserId) -> Result<Vec<Membership>> {
    let rows = sqlx::query!(
        r#"select t.id, t.name, m.role::text as "role!"
           from accounts.membership m join accounts.tenant t on t.id = m.tenant_id and t.deleted_at is null
           where m.person_id = $1 and m.removed_at is null order by t.name, t.id limit 1000"#,
        person.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| Ok(Membership { tenant: TenantId(r.id), name: r.name, role: r.role.parse()? }))
        .collect()
}
