//! The SQL of paid resources.

use super::{ContentType, Resource, ResourceId, Status};
use base::{Cursor, Error, Page, Result, TenantId, Time};
use db::Cx;
use uuid::Uuid;

struct Row {
    id: ResourceId,
    name: String,
    description: String,
    content_type: String,
    price_minor: i64,
    currency: String,
    network: String,
    asset: String,
    pay_to: String,
    identifier_required: bool,
    status: Status,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn resource(self) -> Result<Resource> {
        let damaged = || Error::internal("The database holds a paid resource that cannot be read.");
        Ok(Resource {
            id: self.id,
            name: self.name,
            description: self.description,
            content_type: self.content_type.parse()?,
            price_minor: self.price_minor,
            currency: self.currency.parse()?,
            network: self.network.parse().map_err(|_| damaged())?,
            asset: self.asset.parse().map_err(|_| damaged())?,
            pay_to: self.pay_to.parse().map_err(|_| damaged())?,
            identifier_required: self.identifier_required,
            status: self.status,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A version of what a resource delivers.
pub(super) async fn add_body(cx: &mut Cx, id: ResourceId, body: &str) -> Result<Uuid> {
    let (tenant, row, by, now) = (cx.tenant()?, cx.id::<Uuid>(), cx.actor().label(), cx.now());
    sqlx::query!(
        "insert into pay.resource_body (id, tenant_id, resource_id, body, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
        row,
        tenant.uuid(),
        id.uuid(),
        body,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn insert(cx: &mut Cx, r: &Resource, body: Uuid) -> Result<(), sqlx::Error> {
    let tenant = cx.tenant().map_err(|cause| sqlx::Error::Protocol(cause.to_string()))?;
    sqlx::query!(
        "insert into pay.resource (id, tenant_id, name, description, content_type, body_id, price_minor, currency, network, asset, pay_to,
                                   identifier_required, status, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        r.id.uuid(),
        tenant.uuid(),
        r.name,
        r.description,
        r.content_type.word(),
        body,
        r.price_minor,
        r.currency.code(),
        r.network.as_str(),
        crate::facilitator::lower(r.asset),
        crate::facilitator::lower(r.pay_to),
        r.identifier_required,
        r.status as Status,
        r.created_by,
        r.created_at as Time,
        r.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(cx: &mut Cx, r: &Resource, body: Option<Uuid>) -> Result<(), sqlx::Error> {
    let tenant = cx.tenant().map_err(|cause| sqlx::Error::Protocol(cause.to_string()))?;
    sqlx::query!(
        "update pay.resource set name = $3, description = $4, content_type = $5, body_id = coalesce($6, body_id), price_minor = $7, currency = $8,
                network = $9, asset = $10, pay_to = $11, identifier_required = $12, status = $13, updated_at = $14
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        r.id.uuid(),
        r.name,
        r.description,
        r.content_type.word(),
        body,
        r.price_minor,
        r.currency.code(),
        r.network.as_str(),
        crate::facilitator::lower(r.asset),
        crate::facilitator::lower(r.pay_to),
        r.identifier_required,
        r.status as Status,
        r.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn get(cx: &mut Cx, id: ResourceId) -> Result<Option<Resource>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id as "id: ResourceId", name, description, content_type, price_minor, currency, network, asset, pay_to, identifier_required,
                  status as "status: Status", created_by, created_at, updated_at
           from pay.resource where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::resource)
    .transpose()
}

/// The resource, for this transaction alone.
pub(super) async fn lock(cx: &mut Cx, id: ResourceId) -> Result<Option<Resource>> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "select from pay.resource where tenant_id = $1 and id = $2 for update",
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    get(cx, id).await
}

pub(super) async fn body(cx: &mut Cx, id: ResourceId) -> Result<Option<(ContentType, String)>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select r.content_type, b.body from pay.resource r join pay.resource_body b on b.tenant_id = r.tenant_id and b.id = r.body_id
         where r.tenant_id = $1 and r.id = $2",
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(|row| Ok((row.content_type.parse()?, row.body))).transpose()
}

pub(super) async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Resource>> {
    let tenant = cx.tenant()?;
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: ResourceId", name, description, content_type, price_minor, currency, network, asset, pay_to, identifier_required,
                  status as "status: Status", created_by, created_at, updated_at
           from pay.resource
           where tenant_id = $1 and ($2::pay.resource_status is null or status = $2) and (created_at, id) < ($3, $4)
           order by created_at desc, id desc limit $5"#,
        tenant.uuid(),
        status as Option<Status>,
        at as Time,
        id,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::resource)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |r| Cursor::after(&r.created_at.to_string(), r.id.uuid())))
}

/// Across tenants: whose it is, while it is sold.
pub(super) async fn seller(cx: &mut Cx, id: ResourceId) -> Result<Option<TenantId>> {
    let tenant = sqlx::query_scalar!(
        "select tenant_id from pay.resource where id = $1 and status = 'active'",
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(tenant.map(TenantId))
}
