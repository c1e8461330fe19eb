//! The SQL of what the provider tells. All of it runs across tenants.

use base::{Result, TenantId, Time};
use db::Cx;
use ports::subscription::Event;
use uuid::Uuid;

pub(super) async fn exists(cx: &mut Cx, tenant: TenantId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from accounts.tenant where id = $1) as "is!""#,
        tenant.uuid()
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn keep_stray(cx: &mut Cx, provider: &str, event: &Event, raw: &[u8]) -> Result<()> {
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    sqlx::query!(
        "insert into billing.stray (id, provider, event_ref, kind, raw, received_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (provider, event_ref) do nothing",
        id,
        provider,
        event.id,
        event.kind,
        raw,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A word about nobody known here.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    /// The provider's name of it.
    pub event_ref: String,
    /// The provider's name of the kind.
    pub kind: String,
    /// When it came.
    pub received_at: Time,
}

/// The latest of them that may be about money, at most 50.
pub(crate) async fn strays(cx: &mut Cx) -> Result<Vec<Stray>> {
    Ok(sqlx::query_as!(
        Stray,
        "select event_ref, kind, received_at from billing.stray
         where kind like 'customer.subscription.%' or kind like 'invoice.%' or kind like 'checkout.%'
         order by received_at desc, id limit 50"
    )
    .fetch_all(cx.conn())
    .await?)
}
