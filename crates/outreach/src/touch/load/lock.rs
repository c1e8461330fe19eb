//! The locks of a decision about touches.

use super::super::{State, TouchId};
use base::Result;
use db::Cx;
use std::collections::HashMap;
use uuid::Uuid;

/// What is done about a lead that somebody else holds at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Busy {
    /// Wait until it is free.
    Wait,
    /// Leave it out: a batch of many does not wait for one.
    Skip,
}

/// Locks the touch behind its lead: whoever changes both takes the lead first, as an opt-out does, so
/// that none of them can block the other for good. None when there is no such touch.
pub(crate) async fn lock(cx: &mut Cx, id: TouchId) -> Result<Option<State>> {
    Ok(lock_all(cx, &[id], Busy::Wait).await?.remove(&id).map(|(_, state)| state))
}

/// [`lock`] for several touches: leads in the order of their ids, then touches in theirs. Returns for each
/// that was locked its lead and its state.
pub(in super::super) async fn lock_all(
    cx: &mut Cx,
    ids: &[TouchId],
    busy: Busy,
) -> Result<HashMap<TouchId, (Uuid, State)>> {
    let tenant = cx.tenant()?.uuid();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let leads: HashMap<Uuid, Uuid> = match busy {
        Busy::Wait => sqlx::query!(
            "select t.id, t.lead_id from unnest($2::uuid[]) as i (id)
             cross join lateral (select id, lead_id from outreach.touch one where one.tenant_id = $1 and one.id = i.id offset 0) t
             join leads.lead l on l.tenant_id = $1 and l.id = t.lead_id order by l.id, t.id for no key update of l",
            tenant,
            &ids,
        )
        .fetch_all(cx.conn())
        .await?
        .into_iter()
        .map(|row| (row.id, row.lead_id))
        .collect(),
        Busy::Skip => sqlx::query!(
            "select t.id, t.lead_id from unnest($2::uuid[]) as i (id)
             cross join lateral (select id, lead_id from outreach.touch one where one.tenant_id = $1 and one.id = i.id offset 0) t
             join leads.lead l on l.tenant_id = $1 and l.id = t.lead_id order by l.id, t.id for no key update of l skip locked",
            tenant,
            &ids,
        )
        .fetch_all(cx.conn())
        .await?
        .into_iter()
        .map(|row| (row.id, row.lead_id))
        .collect(),
    };
    let held: Vec<Uuid> = leads.keys().copied().collect();
    let rows = sqlx::query!(
        r#"select id, state as "state: State" from outreach.touch where tenant_id = $1 and id = any($2) order by id for update"#,
        tenant,
        &held,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((TouchId(row.id), (*leads.get(&row.id)?, row.state))))
        .collect())
}
