//! Changing a plan that lives: a larger one at once, a smaller one with the next period, ending with the
//! period, and going on after all. The provider is asked with no transaction open; what it answers is looked
//! at like any of its words.

use crate::checkout;
use crate::desk::Desk;
use crate::plan::{self, Code};
use crate::subscription::jobs::look;
use crate::subscription::{self, Status, Subscription};
use base::{Error, Result};
use db::{Cx, Fact};
use ports::subscription::{Change, Wish};
use serde_json::json;

/// What a client wants of its plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// This plan.
    Plan(Code),
    /// To end with the period.
    End,
    /// To go on after all.
    GoOn,
}

/// Asks the provider for the change, and applies what it then says. Whether a larger plan was paid and counts
/// already, or anything else counts from the next period on, is in the subscription that follows.
///
/// # Errors
/// Conflict `billing.no_plan`, `billing.same_plan`, `billing.owes`; what the provider says.
pub(crate) async fn change<B, F>(desk: &Desk, begin: B, want: Want) -> Result<Subscription>
where
    B: Fn() -> F,
    F: Future<Output = Result<Cx>>,
{
    let account = desk.account()?;
    let mut cx = begin().await?;
    let live = subscription::need(&mut cx).await?;
    let (to, word) = wish(&mut cx, desk, &live, want).await?;
    cx.because("asked for on the billing page").await?;
    cx.publish(Fact::about("billing.change.asked", live.id).with(json!({ "to": word }))).await?;
    cx.commit().await?;
    let key = format!("change:{}:{}:{word}", live.id, live.version);
    let asked = Change { subscription: live.provider_ref.clone(), key, to };
    desk.provider.change(&account, &asked).await?;
    let (mut cx, _) = look(desk, &begin, &live.provider_ref).await?;
    let now = subscription::live(&mut cx).await?.ok_or_else(|| Error::not_found("plan"))?;
    cx.commit().await?;
    Ok(now)
}

async fn wish(cx: &mut Cx, desk: &Desk, live: &Subscription, want: Want) -> Result<(Wish, String)> {
    let code = match want {
        Want::End => return Ok((Wish::EndWithPeriod(true), "end".to_owned())),
        Want::GoOn => return Ok((Wish::EndWithPeriod(false), "go_on".to_owned())),
        Want::Plan(code) => code,
    };
    match live.status {
        Status::Active | Status::Trialing => {}
        Status::PastDue | Status::Incomplete | Status::Paused | Status::Cancelled => {
            return Err(Error::conflict(
                "billing.owes",
                "A payment is missing. Pay it before the plan is changed.",
            ));
        }
    }
    let plan = plan::current(cx, code).await?;
    let held = match live.plan {
        Some(id) => Some(plan::get(cx, id).await?),
        None => None,
    };
    let comes = live.next_plan.or(live.plan);
    if comes == Some(plan.id) {
        return Err(Error::conflict("billing.same_plan", format!("{} is the plan already.", plan.name)));
    }
    // Larger than what is paid for in this period: the difference is billed and added now.
    let at_once = held.is_some_and(|held| plan.leads > held.leads);
    let price = checkout::price(cx, desk, &plan).await?;
    Ok((Wish::Price { price, at_once }, code.word().to_owned()))
}
