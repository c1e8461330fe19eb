//! Every statement about accounts at providers.

use super::{Account, AccountId};
use base::{Error, Result, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

struct Stored {
    id: Uuid,
    provider: String,
    name: String,
    settings: serde_json::Value,
    status: String,
    status_reason: Option<String>,
    heard_at: Option<Time>,
}

impl Stored {
    fn read(self) -> Result<Account> {
        Ok(Account {
            id: AccountId(self.id),
            provider: self.provider,
            name: self.name,
            settings: serde_json::from_value(self.settings)?,
            status: self.status,
            status_reason: self.status_reason,
            heard_at: self.heard_at,
        })
    }
}

/// One account.
pub async fn get(cx: &mut Cx, id: Uuid) -> Result<Account> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        "select id, provider, name, settings, status, status_reason, heard_at from outreach.account
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("account"))?
    .read()
}

/// All accounts of the tenant.
pub async fn list(cx: &mut Cx) -> Result<Vec<Account>> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        "select id, provider, name, settings, status, status_reason, heard_at from outreach.account
         where tenant_id = $1 and deleted_at is null order by provider, created_at limit 500",
        tenant,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Stored::read)
    .collect()
}

pub(super) async fn insert(
    cx: &mut Cx,
    id: AccountId,
    provider: &str,
    name: &str,
    settings: &BTreeMap<String, String>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.account (id, tenant_id, provider, name, settings, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)",
        id.uuid(),
        tenant,
        provider,
        name,
        serde_json::to_value(settings)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(
    cx: &mut Cx,
    id: Uuid,
    name: &str,
    settings: &BTreeMap<String, String>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.account set name = $3, settings = $4, status = 'active', status_reason = null, updated_at = $5
         where tenant_id = $1 and id = $2",
        tenant,
        id,
        name,
        serde_json::to_value(settings)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// False when a sender still uses it.
pub(super) async fn remove(cx: &mut Cx, id: Uuid) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.account a set deleted_at = $3, updated_at = $3
         where a.tenant_id = $1 and a.id = $2 and a.deleted_at is null
           and not exists (select from outreach.resource r where r.account_id = a.id and r.deleted_at is null and r.status <> 'retired')",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Something verified came from the provider.
pub(super) async fn heard(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.account set heard_at = $3 where tenant_id = $1 and id = $2 and (heard_at is null or heard_at < $3::timestamptz - interval '1 minute')",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whose account it is; seen by the whole installation, before anybody is known.
pub(super) async fn owner(cx: &mut Cx, id: Uuid, provider: &str) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select tenant_id from outreach.account where id = $1 and provider = $2 and deleted_at is null",
        id,
        provider,
    )
    .fetch_optional(cx.conn())
    .await?)
}
