//! The SQL of reminders.

use super::{NoticeId, State};
use crate::subscription::SubscriptionId;
use base::{Error, Result, Time};
use db::Cx;

/// One reminder to one reader.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// Days after the payment failed.
    pub day: i32,
    /// Whether it is the last one.
    pub last: bool,
    /// To whom.
    pub email: String,
    /// Where it stands.
    pub state: State,
    /// Why it did not leave.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Time,
}

pub(super) async fn insert(
    cx: &mut Cx,
    subscription: SubscriptionId,
    since: Time,
    day: i32,
    last: bool,
    email: &str,
) -> Result<Option<NoticeId>> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<NoticeId>());
    let written = sqlx::query_scalar!(
        "insert into billing.dunning_notice (id, tenant_id, subscription_id, since, day, last, email, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, subscription_id, since, day, email) do nothing returning id",
        id.uuid(),
        tenant,
        subscription.uuid(),
        since as Time,
        day,
        last,
        email,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(written.map(NoticeId))
}

pub(super) async fn get(cx: &mut Cx, id: NoticeId) -> Result<Notice> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Notice,
        r#"select id as "id: NoticeId", day, last, email, state as "state: State", error, created_at
           from billing.dunning_notice where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("reminder"))
}

/// The latest reminders, at most 50.
pub async fn list(cx: &mut Cx) -> Result<Vec<Notice>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Notice,
        r#"select id as "id: NoticeId", day, last, email, state as "state: State", error, created_at
           from billing.dunning_notice where tenant_id = $1 order by created_at desc, id limit 50"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

pub(super) async fn end(cx: &mut Cx, id: NoticeId, state: State, error: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update billing.dunning_notice set state = $3, error = $4, ended_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        state as State,
        error,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
