//! One step: what is kept is taken, what is open is waited for, else it is paid and claimed.

use super::{ABANDONED_S, BUSY_S, Lead, Next, STOPPED_S};
use crate::AGENT;
use crate::call::{self, Asked, Call, State};
use crate::lineage::Outcome;
use crate::run::{self, Open};
use crate::subject;
use crate::tier::Tier;
use base::{Kind, Result};
use control::{budget, switch};
use db::Cx;
use jobs::Run;
use leads::lead;
use ports::provider::ProviderKind;

impl Lead {
    /// The step of a tier: what is kept is taken, what is open is waited for, else it is claimed.
    pub(super) async fn look_up(
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
