//! Reserve, settle, release; and what becomes of reservations that were forgotten.

use super::{Estimate, Reservation, Scope, Settled, SpendId, store, words};
use crate::{
    notification::{self, Notification, Severity},
    switch,
};
use base::{Error, Kind, Micros, Result};
use db::{Caller, Cx, Db, Fact};
use serde_json::json;

/// Sets money aside on every budget that covers the call, or on none. Keep the transaction short:
/// other calls on the same budgets wait for it. Errors: `budget.exhausted` naming the budget that is
/// used up, `budget.unreadable` when the limits cannot be read.
pub async fn reserve(cx: &mut Cx, estimate: &Estimate<'_>) -> Result<Reservation> {
    let micros = estimate.micros.0;
    if micros < 0 || estimate.units < 0 {
        return Err(Error::invalid("budget.estimate", "An estimate cannot be negative."));
    }
    let covering = store::covering(cx, estimate).await.map_err(unreadable)?;
    if !covering.iter().any(|b| b.scope == Scope::Platform) {
        return Err(Error::refused(
            "budget.unreadable",
            "The installation has no budget, so nothing may be spent. Set one on the page Costs.",
        ));
    }
    if let Some(odd) = covering.iter().find(|b| b.currency != "AUD") {
        return Err(Error::refused(
            "budget.unreadable",
            format!("The budget for {} is in {}, but costs are counted in AUD.", odd.says(), odd.currency),
        ));
    }
    let used = store::lock_uses(cx, &covering).await.map_err(unreadable)?;
    for (budget, used) in covering.iter().zip(&used) {
        if used.saturating_add(micros) > budget.cap_micros {
            return Err(exhausted(budget, *used));
        }
    }
    if store::add_reserved(cx, &covering, micros).await? != covering.len() {
        return Err(Error::conflict("budget.changed", "A budget was changed at this moment. Try again."));
    }
    let id = cx.id::<SpendId>();
    store::insert_spend(cx, id, estimate, &covering).await?;
    warn(cx, &covering).await?;
    Ok(Reservation { id, micros: estimate.micros })
}

fn exhausted(budget: &store::Covering, used: i64) -> Error {
    let left = budget.cap_micros.saturating_sub(used).max(0);
    // What the whole installation spends is nothing that one client is told.
    let message = if budget.scope == Scope::Platform {
        "The installation's budget for this period is used up. It begins again with the next period."
            .to_owned()
    } else {
        format!(
            "The {}'s budget for {} is used up: {} of {} left, which is not enough.",
            budget.period.word(),
            budget.says(),
            Micros(left).show(base::Currency::Aud),
            Micros(budget.cap_micros).show(base::Currency::Aud),
        )
    };
    Error::refused("budget.exhausted", message)
}

fn unreadable(cause: Error) -> Error {
    if cause.kind() == Kind::Unavailable {
        return cause;
    }
    Error::refused("budget.unreadable", "The budgets cannot be read, so nothing may be spent.")
        .caused_by(cause)
}

/// Puts what a call really cost in place of its reservation. A call that cost more than five times its
/// estimate is recorded all the same, and its agent is stopped and people are told. Settling twice
/// changes nothing.
pub async fn settle(cx: &mut Cx, id: SpendId, units: i64, micros: Micros) -> Result<Settled> {
    if micros.0 < 0 || units < 0 {
        return Err(Error::invalid("budget.cost", "A cost cannot be negative."));
    }
    let Some(open) = store::lock_open(cx, id).await? else {
        return store::exists(cx, id)
            .await?
            .then_some(Settled::Already)
            .ok_or_else(|| Error::not_found("spend"));
    };
    store::move_uses(cx, &open, micros.0).await?;
    store::end_spend(cx, id, super::State::Settled, units, micros.0).await?;
    let covering = store::covering_of(cx, &open).await?;
    warn(cx, &covering).await?;
    if !words::is_runaway(open.estimate_micros, micros.0) {
        return Ok(Settled::AsExpected);
    }
    stop_agent(cx, &open, micros).await?;
    Ok(Settled::Runaway)
}

async fn stop_agent(cx: &mut Cx, open: &store::Open, micros: Micros) -> Result<()> {
    let cost = micros.show(base::Currency::Aud);
    let estimate = Micros(open.estimate_micros).show(base::Currency::Aud);
    let reason = format!(
        "Run-away guard: {} cost {cost}, more than {} times the estimate of {estimate}.",
        open.task,
        words::RUNAWAY_FACTOR
    );
    let target = switch::Target::named(switch::Scope::Agent, &open.agent);
    match switch::state(cx).await?.iter().find(|s| s.target == target) {
        Some(_) => {}
        None => {
            switch::engage(cx, &target, &reason).await?;
        }
    }
    let payload = json!({"agent": open.agent, "task": open.task, "estimate_micros": open.estimate_micros, "cost_micros": micros.0});
    cx.publish(Fact::about("control.spend.runaway", open.id).with(payload)).await?;
    notification::notify(
        cx,
        &Notification {
            kind: notification::Kind::Spend,
            severity: Severity::Critical,
            title: format!("Agent {} was stopped: a call cost too much", open.agent),
            body: reason,
            href: Some(format!("/costs/spend?agent={}", open.agent)),
            dedupe_key: format!("runaway:{}", open.agent),
            person: None,
        },
    )
    .await?;
    Ok(())
}

/// Gives the money of a call back that did not happen. Releasing what has ended changes nothing.
pub async fn release(cx: &mut Cx, id: SpendId) -> Result<()> {
    if let Some(open) = store::lock_open(cx, id).await? {
        store::move_uses(cx, &open, 0).await?;
        store::end_spend(cx, id, super::State::Released, 0, 0).await?;
    }
    Ok(())
}

/// Tells people once a period that a budget is at four fifths.
async fn warn(cx: &mut Cx, covering: &[store::Covering]) -> Result<()> {
    for budget in store::newly_high(cx, covering).await? {
        let title = format!("{} % of the {}'s budget is used", words::ALERT_PERCENT, budget.period.word());
        let body = format!("It limits {}. At 100 % everything that costs money stops.", budget.says());
        notification::notify(
            cx,
            &Notification {
                kind: notification::Kind::Spend,
                severity: Severity::Warning,
                title,
                body,
                href: Some("/costs".to_owned()),
                dedupe_key: format!("budget:{}:{}", budget.id, budget.period_start),
                person: None,
            },
        )
        .await?;
        let payload =
            json!({"scope": budget.scope.word(), "target": budget.target, "percent": words::ALERT_PERCENT});
        cx.publish(Fact::about("control.budget.high", budget.id).with(payload)).await?;
    }
    Ok(())
}

/// Ends reservations that are older than 15 minutes and whose job does not run any more. Nobody knows
/// whether such a call happened, so it counts as if it did, at its estimate: a budget may be used up a
/// little early, never passed. Returns how many.
pub async fn reconcile(db: &Db) -> Result<u64> {
    let mut cx = db.system("budget").await?;
    let before = cx.now().plus_s(-words::FORGOTTEN_AFTER_S);
    let forgotten = store::forgotten(&mut cx, before).await?;
    cx.rollback().await?;
    let mut ended = 0;
    for (tenant, id) in forgotten {
        let mut cx = db.begin(db::Scope::Tenant(tenant), Caller::system("budget", db)).await?;
        if let Some(open) = store::lock_open(&mut cx, id).await? {
            cx.because("Forgotten reservation, settled at its estimate.").await?;
            store::move_uses(&mut cx, &open, open.estimate_micros).await?;
            store::end_spend(&mut cx, id, super::State::Settled, open.units, open.estimate_micros).await?;
            cx.commit().await?;
            ended += 1;
        }
    }
    Ok(ended)
}
