//! Whether suggestions wait for a person.

use base::{Result, Time};
use db::Cx;

/// A client's choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Setting {
    /// Suggestions are applied at once; each can be taken back.
    pub autopilot: bool,
}

/// The client's choice; before it is made, everything waits for a person.
pub async fn get(cx: &mut Cx) -> Result<Setting> {
    let tenant = cx.tenant()?.uuid();
    let autopilot = sqlx::query_scalar!("select autopilot from insight.setting where tenant_id = $1", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Ok(Setting { autopilot: autopilot.unwrap_or(false) })
}

/// Keeps the client's choice.
pub async fn set(cx: &mut Cx, setting: Setting) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into insight.setting (tenant_id, autopilot, updated_by, updated_at) values ($1, $2, $3, $4)
         on conflict (tenant_id) do update set autopilot = excluded.autopilot, updated_by = excluded.updated_by,
           updated_at = excluded.updated_at",
        tenant,
        setting.autopilot,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
