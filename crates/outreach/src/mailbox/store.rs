//! Where each mailbox was read up to.

use base::{Result, TenantId, Time};
use db::Cx;
use ports::mailbox::UidCursor;
use uuid::Uuid;

/// A mailbox that is read, and how that went.
#[derive(Clone, Debug)]
pub struct Place {
    /// The sending identity.
    pub resource: Uuid,
    /// Its address.
    pub address: String,
    /// When it was read, or tried.
    pub read_at: Option<Time>,
    /// What went wrong the last time, if it did.
    pub error: Option<String>,
}

/// The mailboxes of the tenant that are read, by address.
pub async fn places(cx: &mut Cx) -> Result<Vec<Place>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Place,
        r#"select r.id as resource, r.address, c.read_at as "read_at?", c.error as "error?"
           from outreach.resource r left join outreach.mailbox_cursor c on c.resource_id = r.id
           where r.tenant_id = $1 and r.deleted_at is null and r.channel = 'email' and r.status <> 'retired'
             and r.settings -> 'imap' is not null and r.settings -> 'imap' <> 'null'::jsonb
           order by r.address"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// All mailboxes that are read, of every tenant that is served.
pub(super) async fn all(cx: &mut Cx) -> Result<Vec<(TenantId, Uuid)>> {
    let rows = sqlx::query!(
        "select r.tenant_id, r.id from outreach.resource r join accounts.tenant n on n.id = r.tenant_id
         where r.deleted_at is null and r.channel = 'email' and r.status <> 'retired' and n.deleted_at is null
           and r.settings -> 'imap' is not null and r.settings -> 'imap' <> 'null'::jsonb
         order by r.tenant_id, r.id",
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.id)).collect())
}

pub(super) async fn cursor(cx: &mut Cx, resource: Uuid) -> Result<UidCursor> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select uid_validity, uid from outreach.mailbox_cursor where tenant_id = $1 and resource_id = $2",
        tenant,
        resource,
    )
    .fetch_optional(cx.conn())
    .await?;
    // IMAP numbers have 32 bits; a stored one that has more is none of ours: begin again.
    Ok(row.map_or_else(UidCursor::default, |row| UidCursor {
        uid_validity: u32::try_from(row.uid_validity).unwrap_or(0),
        uid: u32::try_from(row.uid).unwrap_or(0),
    }))
}

/// Notes up to where a mailbox was read, and what went wrong, if something did.
pub(super) async fn moved(cx: &mut Cx, resource: Uuid, cursor: UidCursor, error: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.mailbox_cursor (resource_id, tenant_id, uid_validity, uid, read_at, error)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (resource_id) do update set uid_validity = $3, uid = $4, read_at = $5, error = $6",
        resource,
        tenant,
        i64::from(cursor.uid_validity),
        i64::from(cursor.uid),
        now as Time,
        error,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
