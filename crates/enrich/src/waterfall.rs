//! The job that carries one lead through the waterfall.
//!
//! Each turn looks at the rows and does one thing: a step is skipped, an answer that is kept is taken, a look-up is
//! claimed and asked. What is asked outside has a row before, and its answer is recorded before it is taken, so that a
//! worker may die between any two turns: the next one goes on from the rows, and asks nothing again that may have
//! cost money.

use crate::account;
use crate::call::{self, Asked, Call, State};
use crate::desk::Desk;
use crate::lineage::{self, Outcome};
use crate::merge::{self, Conflict};
use crate::quarantine;
use crate::run::{self, ItemState, Open, RunState};
use crate::subject;
use crate::tier::{self, Gate, Standing, Tier};
use crate::{AGENT, search};
use base::{Error, Kind, Micros, Result, Time};
use control::{budget, figure, switch};
use db::Cx;
use jobs::{Job, Run};
use leads::lead::{self, Fields, LeadId};
use leads::{fact, suppression};
use ports::provider::{Company, Field, Finding, Looked, Person, ProviderError, ProviderKind, Purpose};
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
    /// Asks outside, with no transaction open, and records the answer with its cost.
    async fn ask(&self, run: &Run, desk: &Desk, call: &Call) -> Result<()> {
        let mut cx = run.begin().await?;
        let account = account::open(&mut cx, desk, call.provider).await?;
        cx.rollback().await?;
        let came = match (account, desk.ports.providers.get(call.provider)) {
            (Some(account), Ok(provider)) => provider.look_up(&account, &call.ask()).await,
            (None, _) => Err(ProviderError::Unsupported),
            (_, Err(error)) => Err(error),
        };
        self.keep(run, call, &came).await
    }

    /// Asks whether a pending look-up has ended.
    async fn poll(&self, run: &Run, desk: &Desk, call: &Call) -> Result<()> {
        let mut cx = run.begin().await?;
        let (account, now) = (account::open(&mut cx, desk, call.provider).await?, cx.now());
        cx.rollback().await?;
        let ticket = call.ticket.clone().unwrap_or_default();
        let came = match (account, desk.ports.providers.get(call.provider)) {
            (Some(account), Ok(provider)) => provider.poll(&account, &call.ask(), &ticket).await,
            (None, _) => Err(ProviderError::Unsupported),
            (_, Err(error)) => Err(error),
        };
        let later = |after_s: u32| Ok(Looked::pending(ticket.clone(), after_s));
        let came = match came {
            // Long enough: nothing comes any more.
            Ok(Looked { answer: ports::provider::Answer::Pending { .. }, .. }) | Err(_)
                if call::is_overdue(call, now) =>
            {
                Ok(Looked::nothing())
            }
            Err(ProviderError::Unsupported) => later(6 * 3_600),
            Err(ProviderError::NotSent { .. } | ProviderError::Unknown { .. }) => later(60),
            Err(ProviderError::Limited { retry_after_s, .. }) => later(retry_after_s.max(60)),
            other @ (Ok(_) | Err(ProviderError::Rejected { .. } | ProviderError::Restricted)) => other,
        };
        self.keep(run, call, &came).await
    }

    /// Records what came; a service that could not be reached is tried again later by this job's own tries.
    async fn keep(
        &self,
        run: &Run,
        call: &Call,
        came: &std::result::Result<Looked, ProviderError>,
    ) -> Result<()> {
        // Without a look at the lease: what was paid for is kept, whoever holds the job by now.
        let mut cx = run.begin().await?;
        call::record(&mut cx, call, came).await?;
        let Err(error) = came else { return cx.commit().await };
        if error.is_repeatable() && run.failures() < TRIES {
            cx.commit().await?;
            return Err(Error::unavailable("provider.unreachable", error.to_string()));
        }
        let gone = match error {
            ProviderError::NotSent { .. }
            | ProviderError::Limited { .. }
            | ProviderError::Rejected { .. }
            | ProviderError::Unsupported => true,
            // Their rows stand, and the next turn reads them.
            ProviderError::Unknown { .. } | ProviderError::Restricted => false,
        };
        if gone {
            let tiers = tier::current(&mut cx).await?;
            let number = tiers
                .iter()
                .find(|one| one.provider == call.provider && one.purpose == call.purpose)
                .map_or(0, |one| one.tier);
            lineage::add(
                &mut cx,
                &lineage::New {
                    run: self.run,
                    lead: self.lead,
                    tier: number,
                    provider: call.provider,
                    purpose: call.purpose,
                    outcome: Outcome::Failed,
                    reason: &error.to_string(),
                    cost_micros: 0,
                    call: Some(call.id),
                    data: &[],
                    filled: &[],
                },
            )
            .await?;
        }
        cx.commit().await
    }

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
        let (facts, abn) = known_facts(&mut cx, lead).await?;
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
            let asked = asked(tier, lead, abn.clone(), reference);
            return self.look_up(cx, run, open, lead, tier, asked).await;
        }
        self.come_through(cx, desk, open, &fields).await
    }

    /// The step of a tier: what is kept is taken, what is open is waited for, else it is claimed.
    async fn look_up(
        &self,
        mut cx: Cx,
        run: &Run,
        open: &Open,
        lead: &lead::Lead,
        tier: &Tier,
        asked: Asked,
    ) -> Result<Next> {
        let now = cx.now();
        let mut call = fresh(&cx, self, run, tier, asked);
        let Some(key) = subject::subject(&call.ask()) else {
            self.note(&mut cx, tier, Outcome::Skipped, "too little is known to ask", None).await?;
            cx.commit().await?;
            return Ok(Next::Again);
        };
        if let Some(kept) = call::current(&mut cx, tier.provider, tier.purpose, &key).await? {
            let stale = kept.expires_at.is_some_and(|until| until <= now);
            match kept.state {
                _ if stale => call::retire(&mut cx, kept.id).await?,
                State::Done if kept.findings.is_none() => call::retire(&mut cx, kept.id).await?,
                State::Done => {
                    self.take(&mut cx, lead, tier, &kept).await?;
                    cx.commit().await?;
                    return Ok(Next::Again);
                }
                State::Unknown => {
                    let why = kept.error.clone().unwrap_or_default();
                    self.note(&mut cx, tier, Outcome::Unknown, &why, Some(&kept)).await?;
                    cx.commit().await?;
                    return Ok(Next::Again);
                }
                State::Restricted => {
                    let why = kept.error.clone().unwrap_or_default();
                    self.note(&mut cx, tier, Outcome::Restricted, &why, Some(&kept)).await?;
                    cx.commit().await?;
                    return Ok(Next::Again);
                }
                State::Waiting => return self.pending(cx, run, kept).await,
                State::Asked => {
                    let own = kept.job_id == run.id().uuid() && kept.attempt < run.attempt();
                    if !own && now.since_s(kept.asked_at) < ABANDONED_S {
                        return Ok(Next::Busy(now.plus_s(BUSY_S)));
                    }
                    if tier.is_paid() || kept.estimate_micros > 0 {
                        call::lost(&mut cx, &kept, "the worker that asked ended before the answer was kept")
                            .await?;
                        cx.commit().await?;
                        return Ok(Next::Again);
                    }
                    call::retire(&mut cx, kept.id).await?;
                }
                State::Failed => call::retire(&mut cx, kept.id).await?,
            }
        }
        let targets = switch::Targets {
            agent: Some(AGENT),
            provider: Some(tier.provider.word()),
            ..switch::Targets::default()
        };
        match switch::gate::hold(&mut cx, &targets).await {
            Ok(()) => {}
            Err(switch::Stop::Engaged(_)) => return Ok(Next::Busy(now.plus_s(STOPPED_S))),
            Err(switch::Stop::Unreadable(error)) => return Err(error),
        }
        if !self.pay(&mut cx, open, tier, &mut call).await? {
            cx.commit().await?;
            return Ok(Next::Again);
        }
        if !call::claim(&mut cx, &call, &key).await? {
            // Somebody was quicker: nothing of this turn is kept.
            return Ok(Next::Busy(now.plus_s(1)));
        }
        if tier.provider == ProviderKind::Clay {
            call::counted(&mut cx, tier.provider).await?;
        }
        cx.commit().await?;
        Ok(Next::Ask(Box::new(call)))
    }

    /// Sets the money aside and takes a place at the premium services; false when it may not be asked, which is noted.
    async fn pay(&self, cx: &mut Cx, open: &Open, tier: &Tier, call: &mut Call) -> Result<bool> {
        if tier.is_paid() {
            let estimate = budget::Estimate {
                agent: AGENT,
                task: "enrich.lookup",
                provider: tier.provider.word(),
                model: None,
                unit: "lookups",
                units: 1,
                micros: tier.cost(),
                campaign: None,
                lead: Some(self.lead.uuid()),
            };
            match budget::reserve(cx, &estimate).await {
                Ok(reserved) => call.spend_id = Some(reserved.id.uuid()),
                Err(error) if error.kind() == Kind::Refused => {
                    self.note(cx, tier, Outcome::Skipped, error.message(), None).await?;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        if tier.premium && !open.premium && !run::claim_premium(cx, self.run, self.lead).await? {
            if let Some(spend) = call.spend_id {
                budget::release(cx, budget::SpendId(spend)).await?;
            }
            let why = "the batch's share of premium look-ups is used up";
            self.note(cx, tier, Outcome::Skipped, why, None).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// A look-up that is pending: it is asked for when its time has come, else a later job looks again.
    async fn pending(&self, mut cx: Cx, run: &Run, kept: Call) -> Result<Next> {
        let now = cx.now();
        let poll_at = kept.poll_at.unwrap_or(now);
        if poll_at <= now {
            cx.rollback().await?;
            return Ok(Next::Poll(Box::new(kept)));
        }
        run::wait(&mut cx, self.run, self.lead, poll_at).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await?;
        Ok(Next::Over)
    }

    /// Takes a kept answer into the lead.
    async fn take(&self, cx: &mut Cx, lead: &lead::Lead, tier: &Tier, kept: &Call) -> Result<()> {
        let own = kept.run_id == self.run && kept.lead_id == self.lead;
        let findings = kept.findings.clone().unwrap_or_default();
        let mut fields = Fields::from(lead);
        let mut merged = if kept.purpose == Purpose::VerifyEmail && kept.asked.person.email != lead.email {
            merge::Merged::default()
        } else {
            merge::merge(&mut fields, &findings)
        };
        if merged.filled.contains(&Field::Email)
            && let Some(email) = fields.email.clone()
            && somebody_has(cx, self.lead, &email).await?
        {
            let reason = "another lead has this address already".to_owned();
            let held = lead.email.clone().unwrap_or_default();
            merged.conflicts.push(Conflict {
                field: Field::Email,
                value: email,
                held,
                reason,
                confidence: 1.0,
            });
            merged.filled.retain(|field| !matches!(field, Field::Email | Field::EmailState));
            fields.email.clone_from(&lead.email);
            (fields.email_state, fields.role_address, fields.freemail) =
                (lead.email_state, lead.role_address, lead.freemail);
        }
        if !merged.filled.is_empty() {
            lead::edit(cx, self.lead, fields).await?;
        }
        remember(cx, lead, kept, &merged.facts).await?;
        for conflict in &merged.conflicts {
            quarantine::add(cx, self.run, self.lead, kept.provider, conflict).await?;
        }
        let outcome = if merged.is_held() {
            Outcome::Quarantined
        } else if findings.is_empty() {
            Outcome::Miss
        } else if own {
            Outcome::Hit
        } else {
            Outcome::Cached
        };
        let why = match merged.conflicts.first() {
            Some(conflict) => conflict.reason.clone(),
            None if !own => "looked up before; nothing was paid again".to_owned(),
            None => String::new(),
        };
        let step = lineage::New {
            run: self.run,
            lead: self.lead,
            tier: tier.tier,
            provider: tier.provider,
            purpose: tier.purpose,
            outcome,
            reason: &why,
            cost_micros: if own { kept.cost_micros } else { 0 },
            call: Some(kept.id),
            data: &findings,
            filled: &merged.filled,
        };
        lineage::add(cx, &step).await?;
        if !merged.filled.is_empty() {
            // The next gate asks the score of what is known now.
            leads::score::jobs::score_leads(cx, &[self.lead.uuid()]).await?;
        }
        Ok(())
    }

    /// Notes a step that brought nothing.
    async fn note(
        &self,
        cx: &mut Cx,
        tier: &Tier,
        outcome: Outcome,
        why: &str,
        kept: Option<&Call>,
    ) -> Result<()> {
        let own = kept.filter(|kept| kept.run_id == self.run && kept.lead_id == self.lead);
        let step = lineage::New {
            run: self.run,
            lead: self.lead,
            tier: tier.tier,
            provider: tier.provider,
            purpose: tier.purpose,
            outcome,
            reason: why,
            cost_micros: own.map_or(0, |kept| kept.cost_micros),
            call: kept.map(|kept| kept.id),
            data: &[],
            filled: &[],
        };
        lineage::add(cx, &step).await
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

/// A look-up that is about to be claimed.
fn fresh(cx: &Cx, job: &Lead, run: &Run, tier: &Tier, asked: Asked) -> Call {
    Call {
        id: cx.id(),
        provider: tier.provider,
        purpose: tier.purpose,
        state: State::Asked,
        run_id: job.run,
        lead_id: job.lead,
        asked,
        job_id: run.id().uuid(),
        attempt: run.attempt(),
        ticket: None,
        poll_at: None,
        spend_id: None,
        estimate_micros: tier.cost_micros,
        cost_micros: 0,
        findings: None,
        error: None,
        asked_at: cx.now(),
        expires_at: None,
    }
}

fn asked(tier: &Tier, lead: &lead::Lead, abn: Option<String>, reference: Option<String>) -> Asked {
    let person = Person {
        first_name: lead.first_name.clone(),
        last_name: lead.last_name.clone(),
        email: lead.email.clone(),
        linkedin_url: lead.linkedin_url.clone(),
        title: lead.title.clone(),
        reference,
    };
    let company = Company {
        name: lead.company_name.clone(),
        domain: lead.domain.clone(),
        country: lead.country.clone(),
        region: lead.region.clone(),
        city: lead.city.clone(),
        abn,
    };
    // An Australian dollar is worth less than an American one: the limit is never above the price.
    Asked { person, company, per_hit: tier.per_hit, limit_usd: Micros(tier.cost_micros).0 }
}

/// What is remembered of a lead and its company beside its fields, and the company's ABN.
async fn known_facts(cx: &mut Cx, lead: &lead::Lead) -> Result<(BTreeSet<Field>, Option<String>)> {
    let facts = fresh_facts(cx, lead).await?;
    let words = |kind: &str| match kind {
        "postal_address" => Some(Field::Address),
        other => other.parse::<Field>().ok(),
    };
    let known = facts.iter().filter_map(|fact| words(&fact.kind)).collect();
    let abn =
        facts.iter().filter(|fact| fact.kind == "abn").find_map(|fact| ports::provider::abn::abn(&fact.text));
    Ok((known, abn))
}

/// What is remembered of a lead and its company and is not older than a look-up is good for.
async fn fresh_facts(cx: &mut Cx, lead: &lead::Lead) -> Result<Vec<fact::Fact>> {
    let days: i64 = figure::read(cx, "enrich.cache_days").await?;
    let since = cx.now().plus_days(-days);
    let mut facts = fact::of_lead(cx, lead.id, lead.company_id).await?;
    facts.retain(|fact| fact.observed_at > since);
    Ok(facts)
}

/// Remembers findings that are no fields, each once.
async fn remember(cx: &mut Cx, lead: &lead::Lead, kept: &Call, findings: &[Finding]) -> Result<()> {
    let now_known = fresh_facts(cx, lead).await?;
    let rows: Vec<fact::New> = findings
        .iter()
        .filter(|one| !now_known.iter().any(|fact| fact.kind == one.field.word() && fact.text == one.value))
        .map(|one| fact::New {
            lead_id: lead.company_id.is_none().then_some(lead.id),
            company_id: lead.company_id,
            kind: one.field.word().to_owned(),
            text: one.value.clone(),
            quote: None,
            source: kept.provider.word().to_owned(),
            source_url: one.source_url.clone(),
            confidence: one.confidence,
            observed_at: Some(kept.asked_at),
        })
        .collect();
    fact::add_many(cx, &rows).await
}

async fn somebody_has(cx: &mut Cx, lead: LeadId, email: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from leads.lead where tenant_id = $1 and email = $2 and id <> $3 and deleted_at is null) as "there!""#,
        tenant,
        email,
        lead.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}
