//! The job that carries one lead through the waterfall.
//!
//! Each turn looks at the rows and does one thing: a step is skipped, an answer that is kept is taken, a look-up is
//! claimed and asked. What is asked outside has a row before, and its answer is recorded before it is taken, so that a
//! worker may die between any two turns: the next one goes on from the rows, and asks nothing again that may have
//! cost money.

mod known;
mod look_up;
mod outside;
mod take;

use crate::account;
use crate::call::Call;
use crate::desk::Desk;
use crate::lineage::{self, Outcome};
use crate::merge;
use crate::run::{self, ItemState, Open, RunState};
use crate::search;
use crate::tier::{self, Gate, Standing};
use base::{Error, Kind, Result, Time};
use control::figure;
use db::Cx;
use jobs::{Job, Run};
use leads::lead::{self, Fields, LeadId};
use leads::suppression;
use ports::provider::{Field, Finding};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Carries one lead of a batch through the waterfall.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lead {
    /// The batch.
    pub run: Uuid,
    /// Whom.
    pub lead: LeadId,
}

/// Seconds after which whoever claimed a look-up cannot be asking any more: longer than a try of this job may run.
const ABANDONED_S: i64 = 600;
/// Seconds until a look-up that somebody else is asking is looked at again.
const BUSY_S: i64 = 15;
/// Seconds until a switch that is engaged is looked at again.
const STOPPED_S: i64 = 300;
/// Tries before a service that cannot be reached is passed over; between them 60, 300 and 900 s.
const TRIES: i32 = 3;
/// Turns of one try at most; more than there are steps, several times over.
const TURNS: usize = 200;

/// What a turn comes to.
enum Next {
    /// The rows changed: look again.
    Again,
    /// A look-up was claimed: ask it.
    Ask(Box<Call>),
    /// A look-up is pending: ask whether it has ended.
    Poll(Box<Call>),
    /// Somebody else is at it: later.
    Busy(Time),
    /// It came through, or waits under a job of its own.
    Over,
}

impl Job for Lead {
    const KIND: &'static str = "enrich.lead";
    const TIMEOUT_S: u64 = 300;
    const CONCURRENCY: Option<u32> = Some(8);
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        for _ in 0..TURNS {
            match self.turn(run, desk).await? {
                Next::Again => {}
                Next::Over => return Ok(()),
                Next::Busy(until) => {
                    run.snooze(until);
                    return Ok(());
                }
                Next::Ask(call) => self.ask(run, desk, &call).await?,
                Next::Poll(call) => self.poll(run, desk, &call).await?,
            }
            if run.cancel().is_cancelled() {
                return Err(Error::unavailable(
                    "job.stopped",
                    "The look-up was stopped; what is done stays done.",
                ));
            }
        }
        Err(Error::internal("The waterfall of a lead does not come to an end."))
    }
}

impl Lead {
    /// One look at the rows, and one thing done.
    async fn turn(&self, run: &Run, desk: &Desk) -> Result<Next> {
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        let Some(open) = run::lock(&mut cx, self.run, self.lead).await? else { return Ok(Next::Over) };
        if open.state.is_over() {
            return Ok(Next::Over);
        }
        let lead = match lead::get(&mut cx, self.lead).await {
            Ok(lead) => lead,
            Err(error) if error.kind() == Kind::NotFound => {
                return self.finish(cx, desk, &open, ItemState::Skipped, "the lead was taken out").await;
            }
            Err(error) => return Err(error),
        };
        if open.run_state != RunState::Running {
            return self.finish(cx, desk, &open, ItemState::Skipped, "the batch was cancelled").await;
        }
        if let Some(why) = self.forbidden(&mut cx, &lead).await? {
            return self.finish(cx, desk, &open, ItemState::Skipped, &why).await;
        }
        if open.credit_id.is_none()
            && let Some(credits) = &desk.credits
        {
            match credits.reserve(&mut cx, self.run, self.lead).await {
                Ok(credit) => run::keep_credit(&mut cx, self.run, self.lead, credit).await?,
                Err(error) if error.kind() == Kind::Refused => {
                    let why = error.message().to_owned();
                    return self.finish(cx, desk, &open, ItemState::Skipped, &why).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.next_step(cx, run, desk, &open, &lead).await
    }

    /// Why nothing may be asked about a lead, if so: before any paid step.
    async fn forbidden(&self, cx: &mut Cx, lead: &lead::Lead) -> Result<Option<String>> {
        if lead.status.is_terminal() {
            return Ok(Some(format!("the lead is {}", lead.status.word())));
        }
        let held = suppression::holding(cx, &suppression::Who::from(lead)).await?;
        if let Some(entry) = held.first() {
            return Ok(Some(format!(
                "“{}” is on the suppression list ({})",
                entry.value,
                entry.reason.label()
            )));
        }
        let tenant = cx.tenant()?.uuid();
        let older = sqlx::query_scalar!(
            "select id from leads.lead where tenant_id = $1 and id < $2 and deleted_at is null
               and (linkedin_url = $3 or personal_email = $4
                    or (domain = $5 and lower(first_name) = lower($6) and lower(last_name) = lower($7)))
             order by id limit 1",
            tenant,
            lead.id.uuid(),
            lead.linkedin_url,
            lead.personal_email,
            lead.domain,
            lead.first_name,
            lead.last_name,
        )
        .fetch_optional(cx.conn())
        .await?;
        Ok(older.map(|_| "the same person is another lead already".to_owned()))
    }

    /// The first step that is not done yet.
    async fn next_step(
        &self,
        mut cx: Cx,
        run: &Run,
        desk: &Desk,
        open: &Open,
        lead: &lead::Lead,
    ) -> Result<Next> {
        let done: BTreeSet<(String, String)> = lineage::of_item(&mut cx, self.run, self.lead)
            .await?
            .into_iter()
            .map(|step| (step.provider, step.purpose))
            .collect();
        let tiers = tier::current(&mut cx).await?;
        let accounts = account::kinds(&mut cx).await?;
        let fields = Fields::from(lead);
        let (facts, abn) = known::known_facts(&mut cx, lead).await?;
        let (known, there) = merge::known(&fields, &facts);
        for tier in &tiers {
            if done.contains(&(tier.provider.word().to_owned(), tier.purpose.word().to_owned())) {
                continue;
            }
            let standing = Standing {
                known: &known,
                there: &there,
                score: lead.score,
                account: accounts.contains(&tier.provider),
            };
            if let Gate::Skip(why) = tier::gate(tier, &standing) {
                self.note(&mut cx, tier, Outcome::Skipped, &why, None).await?;
                continue;
            }
            let reference = search::reference(&mut cx, tier.provider, self.lead).await?;
            let asked = known::asked(tier, lead, abn.clone(), reference);
            return self.look_up(cx, run, open, lead, tier, asked).await;
        }
        self.come_through(cx, desk, open, &fields).await
    }

    /// Every step is done: the lead counts as enriched, or not.
    async fn come_through(&self, mut cx: Cx, desk: &Desk, open: &Open, fields: &Fields) -> Result<Next> {
        let mut sure: BTreeMap<Field, f32> = BTreeMap::new();
        for step in lineage::of_item(&mut cx, self.run, self.lead).await? {
            let findings: Vec<Finding> = serde_json::from_value(step.data)?;
            for finding in findings {
                if step.filled.iter().any(|word| word == finding.field.word()) {
                    sure.insert(finding.field, finding.confidence);
                }
            }
        }
        let least: i64 = figure::read(&mut cx, "enrich.accept_percent").await?;
        let got = merge::sureness(fields, &|field| sure.get(&field).copied());
        // Whole percents, so that 70 % is 70 % and no float's neighbour of it.
        let enough = got.is_some_and(|got| (f64::from(got) * 100.0).round() >= least as f64);
        let (state, why) = match got {
            _ if enough => (ItemState::Accepted, String::new()),
            None => (ItemState::Incomplete, "address, names or company are missing".to_owned()),
            Some(got) => (
                ItemState::Incomplete,
                format!("{} sure; {least} % are needed", ui::number::percent(f64::from(got))),
            ),
        };
        self.end(cx, desk, open, Ended { state, why: &why, sure: got, gained: !sure.is_empty() }).await
    }

    async fn finish(&self, cx: Cx, desk: &Desk, open: &Open, state: ItemState, why: &str) -> Result<Next> {
        self.end(cx, desk, open, Ended { state, why, sure: None, gained: false }).await
    }

    /// Ends the lead's way: the credit is used by what was enriched, and free again otherwise.
    async fn end(&self, mut cx: Cx, desk: &Desk, open: &Open, ended: Ended<'_>) -> Result<Next> {
        let accepted = ended.state == ItemState::Accepted;
        let ended_now = run::finish(&mut cx, self.run, self.lead, ended.state, ended.why, ended.sure).await?;
        let credit = match open.credit_id {
            Some(credit) => Some(credit),
            None => run::credit(&mut cx, self.run, self.lead).await?,
        };
        if ended_now && let (Some(credits), Some(credit)) = (&desk.credits, credit) {
            if accepted && ended.gained {
                credits.settle(&mut cx, credit).await?;
            } else {
                credits.release(&mut cx, credit).await?;
            }
        }
        if ended_now && accepted {
            lead::enriched(&mut cx, self.lead, "waterfall").await?;
        }
        cx.commit().await?;
        Ok(Next::Over)
    }
}

/// How a lead came through.
struct Ended<'a> {
    state: ItemState,
    why: &'a str,
    sure: Option<f32>,
    gained: bool,
}
