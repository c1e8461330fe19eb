//! What grew old goes: leads with whom nothing happened, and rows of imports that never became leads. The days are
//! dated figures, the same that the page of compliance shows.

use crate::person::Person;
use crate::request;
use base::{Result, TenantId, Time, Zone};
use db::{Cx, Fact};
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Registry, Run};
use leads::lead::LeadId;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Leads of one run; what is left comes the next day.
const LEADS_MAX: i64 = 200;

/// Tells every client that the day's sweep is due.
#[derive(Serialize, Deserialize)]
struct Daily {}

impl Job for Daily {
    const KIND: &'static str = "privacy.retention_due";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let tenants = sqlx::query_scalar!("select id from accounts.tenant").fetch_all(cx.conn()).await?;
        for tenant in tenants {
            let fact = Fact { kind: "privacy.retention.due", subject: Some(tenant), payload: json!({}) };
            cx.publish_for(TenantId(tenant), fact).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// One client's sweep.
#[derive(Serialize, Deserialize)]
struct Sweep {}

impl Job for Sweep {
    const KIND: &'static str = "privacy.retention";
    const TIMEOUT_S: u64 = 1_800;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        empty_rejects(&mut cx).await?;
        cx.commit().await?;
        let mut cx = run.begin().await?;
        let ids = idle(&mut cx).await?;
        cx.rollback().await?;
        for id in ids {
            let mut cx = run.begin().await?;
            erase_idle(&mut cx, id).await?;
            cx.commit().await?;
            if run.cancel().is_cancelled() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Empties the rows of imports that did not become leads and are older than the client keeps them; their line and
/// reason stay. Returns how many.
pub async fn empty_rejects(cx: &mut Cx) -> Result<u64> {
    let days: i64 = control::figure::read(cx, "retention.reject_days").await?;
    let (tenant, before) = (cx.tenant()?.uuid(), cx.now().plus_s(-days * 86_400));
    Ok(sqlx::query!(
        "update leads.import_reject r set value = '', row = '[]' from leads.import i
         where r.tenant_id = $1 and i.tenant_id = $1 and i.id = r.import_id and i.finished_at < $2 and r.row <> '[]'",
        tenant,
        before as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected())
}

/// Leads with whom nothing happened for so long that they are not kept.
pub async fn idle(cx: &mut Cx) -> Result<Vec<LeadId>> {
    let days: i64 = control::figure::read(cx, "retention.lead_idle_days").await?;
    let (tenant, before) = (cx.tenant()?.uuid(), cx.now().plus_s(-days * 86_400));
    let ids = sqlx::query_scalar!(
        "select id from leads.lead
         where tenant_id = $1 and created_at < $2 and greatest(updated_at, created_at, last_touch_at, last_reply_at) < $2
           and status not in ('in_sequence', 'replied', 'meeting_booked', 'converted') and status_reason is distinct from 'erased'
         order by created_at, id limit $3",
        tenant,
        before as Time,
        LEADS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(ids.into_iter().map(LeadId).collect())
}

async fn erase_idle(cx: &mut Cx, id: LeadId) -> Result<()> {
    let person = Person::of(cx, &[id]).await?;
    if !person.words().is_empty() {
        request::erase(cx, &person, "kept for too long").await?;
    }
    Ok(())
}

pub(crate) fn register(registry: &mut Registry) {
    registry.register::<Daily>(());
    registry.register::<Sweep>(());
    registry.on_fact::<Sweep>("privacy.retention.due", |_| Some(Sweep {}));
    match Schedule::new("privacy.retention", "41 15 * * *", Zone::utc(), Misfire::Skip, &Daily {}) {
        Ok(schedule) => drop(registry.schedule(schedule)),
        Err(error) => tracing::error!(%error, "nothing will be erased for its age"),
    }
}
