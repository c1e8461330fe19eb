//! The SQL of API keys.

use super::{Key, KeyId, New};
use base::{Result, Role, TenantId, Time};
use db::Cx;

pub(super) async fn insert(
    cx: &mut Cx,
    tenant: TenantId,
    id: KeyId,
    new: &New,
    (prefix, key_hash): (&str, &[u8]),
) -> Result<()> {
    let (now, by) = (cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into accounts.api_key (id, tenant_id, name, prefix, key_hash, role, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6::text::accounts.role, $7, $8, $9)",
        id.uuid(),
        tenant.uuid(),
        new.name,
        prefix,
        key_hash,
        new.role.word(),
        by,
        now as Time,
        new.expires_at as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn list(cx: &mut Cx, tenant: TenantId) -> Result<Vec<Key>> {
    let now = cx.now();
    let rows = sqlx::query!(
        r#"select id, name, prefix, role::text as "role!", accounts.key_power(tenant_id, role, created_by, $2)::text as power,
                  created_by, created_at, expires_at, used_at
           from accounts.api_key where tenant_id = $1 and revoked_at is null order by created_at desc, id limit 200"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Key {
                id: KeyId(r.id),
                name: r.name,
                prefix: r.prefix,
                role: r.role.parse()?,
                power: r.power.map(|role| role.parse()).transpose()?,
                created_by: r.created_by,
                created_at: r.created_at,
                expires_at: r.expires_at,
                used_at: r.used_at,
            })
        })
        .collect()
}

pub(super) async fn revoke(cx: &mut Cx, tenant: TenantId, id: KeyId) -> Result<Option<Role>> {
    let now = cx.now();
    sqlx::query_scalar!(
        r#"update accounts.api_key set revoked_at = $3
           where tenant_id = $1 and id = $2 and revoked_at is null returning role::text as "role!""#,
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(|role| role.parse())
    .transpose()
}

pub(super) async fn touch(cx: &mut Cx, id: KeyId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.api_key set used_at = $2 where id = $1 and (used_at is null or used_at < $2)",
        id.uuid(),
        now as Time
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
