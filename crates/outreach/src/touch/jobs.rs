//! The background work of touches: plan each minute, write, send, react to decisions, and look
//! after hand-offs whose worker vanished and touches that no job cares for.

use super::{Handed, TouchId, send::Sender, silent, stranded, write::Writer};
use base::{Result, TenantId, Time, Zone};
use control::approval;
use db::{Cx, Scope};
use jobs::{
    Job, Options, Priority, Registry, Retry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};

/// Drafts one touch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Write {
    touch: TouchId,
}

impl Job for Write {
    const KIND: &'static str = "outreach.write";
    const QUEUE: &'static str = "outreach";
    type State = Writer;

    async fn run(self, run: &Run, writer: &Writer) -> Result<()> {
        super::draft(run, writer, self.touch).await
    }
}

/// Hands one touch to its provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Send {
    touch: TouchId,
}

impl Job for Send {
    const KIND: &'static str = "outreach.send";
    const QUEUE: &'static str = "outreach";
    /// Ten calls in a row, each as long as a provider may take for one.
    const TIMEOUT_S: u64 = 600;
    /// Not more than the audit trail writes down row by row.
    const TOGETHER: usize = 100;
    type State = Sender;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, sender: &Sender) -> Result<()> {
        follow(run, super::hand_off(run, sender, self.touch).await)
    }

    async fn run_all(jobs: Vec<(Self, &Run)>, sender: &Sender) -> Vec<Result<()>> {
        let batch: Vec<(TouchId, &Run)> = jobs.iter().map(|(job, run)| (job.touch, *run)).collect();
        let handed = super::hand_off_all(&batch, sender).await;
        handed.into_iter().zip(&batch).map(|(handed, (_, run))| follow(run, handed)).collect()
    }
}

/// What the job does after its try.
fn follow(run: &Run, handed: Result<Handed>) -> Result<()> {
    match handed? {
        Handed::Sent | Handed::Ended(_) | Handed::NotDue => {}
        Handed::TryAgain(at) => run.snooze(at),
        Handed::Refused(skip) => {
            if let Some(at) = skip.retry_at {
                run.snooze(at);
            }
        }
    }
    Ok(())
}

/// Plans the due touches of one tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {}

impl Job for Plan {
    const KIND: &'static str = "outreach.plan";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        crate::enrolment::wake_due(&mut cx).await?;
        super::plan_due(&mut cx).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Finds the tenants with something due and starts [`Plan`] for each; also finds hand-offs that
/// nobody finishes and touches whose job is dead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sweep {}

/// A hand-off that is still open after this long lost its worker.
const ABANDONED_S: i64 = 120;

impl Job for Sweep {
    const KIND: &'static str = "outreach.sweep";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let now = cx.now();
        let due = sqlx::query_scalar!(
            r#"select distinct tenant_id from outreach.enrolment
               where (status = 'active' and next_due_at <= $1) or (status = 'paused' and paused_until <= $1)"#,
            now as Time,
        )
        .fetch_all(cx.conn())
        .await?;
        let abandoned = sqlx::query!(
            "select tenant_id, id from outreach.touch where state = 'sending' and intent_at < $1 order by intent_at limit 500",
            now.plus_s(-ABANDONED_S) as Time,
        )
        .fetch_all(cx.conn())
        .await?;
        let stranded = stranded::find(&mut cx).await?;
        drop(cx);
        for tenant in due {
            let mut cx = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
            let options = Options { unique_key: Some("plan".to_owned()), ..Options::default() };
            jobs::enqueue_with(&mut cx, &Plan {}, options).await?;
            cx.commit().await?;
        }
        for row in abandoned {
            let mut cx = run.db().begin(Scope::Tenant(TenantId(row.tenant_id)), run.caller()).await?;
            enqueue_send(&mut cx, TouchId(row.id)).await?;
            cx.commit().await?;
        }
        for (tenant, touch) in stranded {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            stranded::revive(&mut cx, touch).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Carries out what a person decided about a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    touch: TouchId,
    status: String,
}

impl Job for Decided {
    const KIND: &'static str = "outreach.draft_decided";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        if let Some(fact) = run.cause() {
            cx.caused_by(fact);
        }
        super::on_decision(&mut cx, self.touch, self.status.parse::<approval::Status>()?).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds these kinds, their schedule and their reactions.
pub fn register(registry: &mut Registry, writer: Writer, sender: Sender) {
    registry.register::<Write>(writer);
    registry.register::<Send>(sender.clone());
    silent::register(registry, sender);
    registry.register::<Plan>(());
    registry.register::<Sweep>(());
    registry.register::<Decided>(());
    let sweep = Schedule::new("outreach.sweep", "* * * * *", Zone::utc(), Misfire::Skip, &Sweep {});
    registry.schedule(sweep.expect("five stars are a cron expression"));
    registry.on_fact::<Decided>("control.approval.decided", |fact| {
        let kind = fact.payload.get("kind").and_then(|k| k.as_str());
        let of_draft = kind == Some(super::DRAFT) || kind == Some(super::TASK);
        let status = fact.payload.get("status").and_then(|s| s.as_str())?;
        let touch = fact.payload.get("subject_id").and_then(|s| s.as_str())?.parse().ok()?;
        of_draft.then(|| Decided { touch, status: status.to_owned() })
    });
    registry.on_fact::<Plan>("outreach.campaign.activated", |_| Some(Plan {}));
    registry.on_fact::<Plan>("outreach.campaign.leads_joined", |_| Some(Plan {}));
}

/// Starts the drafting of touches; one job lives for each.
pub(super) async fn enqueue_writes(cx: &mut Cx, touches: &[TouchId]) -> Result<()> {
    let writes: Vec<Write> = touches.iter().map(|touch| Write { touch: *touch }).collect();
    jobs::enqueue_each(cx, &writes, |write| write.touch.to_string(), &Options::default()).await
}

/// Starts the drafting of one touch.
pub(super) async fn enqueue_write(cx: &mut Cx, touch: TouchId) -> Result<()> {
    enqueue_writes(cx, &[touch]).await
}

/// Starts the hand-off of a touch; one job lives for each touch.
pub(super) async fn enqueue_send(cx: &mut Cx, touch: TouchId) -> Result<()> {
    let options =
        Options { unique_key: Some(touch.to_string()), priority: Priority::High, ..Options::default() };
    jobs::enqueue_with(cx, &Send { touch }, options).await?;
    Ok(())
}
