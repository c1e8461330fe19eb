//! Checkouts: the way to the provider's page. The row is written before the provider is asked, and its id
//! is the idempotency key; what came of it is asked of the provider, never believed of a browser.

pub(crate) mod jobs;
mod store;

pub use store::{get, list};
pub(crate) use store::{open_one, overdue};

use crate::desk::Desk;
use crate::plan::{self, Code, Plan, PlanId, term};
use crate::{founding, subscription};
use accounts::{member, tenant};
use base::{Error, Result, Role, Time};
use db::{Cx, Fact};
use ports::subscription::{Checkout as Asked, Price, Session, SessionState, Tax};
use serde::Serialize;
use serde_json::json;

base::id_type!(
    /// A checkout.
    CheckoutId
);

/// Seconds that a page can be used; less than the provider's day.
const OPEN_S: i64 = 23 * 3_600;
/// A trial is carried over to the provider only when it lasts at least so long (the provider's rule is 48
/// hours; the page may be used much later than it is made).
const TRIAL_LEFT_S: i64 = 48 * 3_600 + OPEN_S + 3_600;

/// Where a checkout stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.checkout_state", rename_all = "snake_case")]
pub enum State {
    /// The provider is being asked.
    Asked,
    /// It can be paid.
    Open,
    /// It was.
    Complete,
    /// Its time is over, or another one took its place.
    Expired,
    /// The provider said no.
    Failed,
}

/// A checkout.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// Which.
    pub id: CheckoutId,
    /// What is bought.
    pub plan: PlanId,
    /// Whether at a founding member's price.
    pub founding: bool,
    /// Where it stands.
    pub state: State,
    /// The provider's name of it.
    pub provider_ref: Option<String>,
    /// The provider's page.
    pub url: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When the first payment is taken; none: at once.
    pub trial_end: Option<Time>,
    /// When it began.
    pub created_at: Time,
    /// Until when it can be used.
    pub expires_at: Time,
}

/// Begins to buy a plan. A checkout of the same plan that is under way is handed back.
///
/// # Errors
/// Conflict `billing.has_plan` while a subscription lives.
pub async fn begin(cx: &mut Cx, code: Code) -> Result<CheckoutId> {
    if subscription::live(cx).await?.is_some() {
        return Err(Error::conflict(
            "billing.has_plan",
            "There is a plan already. Change it instead of buying another.",
        ));
    }
    let (plan, now) = (plan::current(cx, code).await?, cx.now());
    if let Some(open) = open_one(cx).await? {
        if open.plan == plan.id && open.expires_at > now.plus_s(1_800) {
            return Ok(open.id);
        }
        return Err(Error::conflict(
            "billing.checkout_open",
            "Another plan is being bought right now. Finish or leave that page first.",
        )
        .with("checkout", json!(open.id)));
    }
    let expires_at = now.plus_s(OPEN_S);
    let spot = founding::hold(cx, expires_at).await?;
    let trial_end = tenant::get(cx).await?.trial_ends_at.filter(|end| end.since_s(now) >= TRIAL_LEFT_S);
    let id = store::insert(cx, &plan, spot.is_some(), trial_end, expires_at).await?;
    let detail = json!({ "plan": plan.code.word(), "founding": spot.is_some() });
    cx.publish(Fact::about("billing.checkout.begun", id).with(detail)).await?;
    Ok(id)
}

/// Gives up a checkout that was not paid, so that another plan can be bought.
pub async fn end(cx: &mut Cx, id: CheckoutId, state: State, error: Option<&str>) -> Result<()> {
    if store::end(cx, id, state, error).await? {
        if state != State::Complete {
            founding::give_back(cx).await?;
        }
        cx.publish(Fact::about("billing.checkout.ended", id).with(json!({ "state": state }))).await?;
    }
    Ok(())
}

/// The tax on what this tenant buys; none outside the countries of the terms, or where the seller has no ABN
/// and so is not registered for it.
pub(crate) async fn tax(cx: &mut Cx, desk: &Desk, plan: &Plan) -> Result<Option<Tax>> {
    if desk.seller.abn.is_empty() {
        return Ok(None);
    }
    let country = tenant::get(cx).await?.country;
    let found = term::tax(cx, &country).await?;
    Ok(found.map(|tax| Tax {
        name: tax.name,
        country,
        basis_points: tax.basis_points,
        inclusive: plan.gst_inclusive,
    }))
}

/// A plan as the provider is told.
pub(crate) async fn price(cx: &mut Cx, desk: &Desk, plan: &Plan) -> Result<Price> {
    let (full, tax) = (plan.price()?, tax(cx, desk, plan).await?);
    Ok(Price {
        plan: plan.id.uuid(),
        name: plan.name.clone(),
        minor: full.minor,
        currency: full.currency,
        tax,
    })
}

/// What the provider is asked for, read in one transaction.
pub(crate) async fn asked(cx: &mut Cx, desk: &Desk, checkout: &Checkout) -> Result<Asked> {
    let plan = plan::get(cx, checkout.plan).await?;
    let spot = if checkout.founding { founding::own(cx).await? } else { None };
    let owner = member::list(cx).await?.into_iter().find(|one| one.role == Role::Owner);
    let owner = owner
        .ok_or_else(|| Error::refused("billing.no_owner", "The organisation has no owner who could pay."))?;
    let customer = subscription::past(cx).await?.into_iter().next().map(|sub| sub.customer_ref);
    let page = format!("{}/billing/checkout/{}", desk.mailer.origin, checkout.id);
    let address = |text: String| {
        text.parse::<url::Url>().map_err(|cause| {
            Error::internal("The installation's own address cannot be read.").caused_by(cause)
        })
    };
    Ok(Asked {
        id: checkout.id.uuid(),
        tenant: cx.tenant()?.uuid(),
        price: price(cx, desk, &plan).await?,
        percent_off: spot.map(|spot| spot.percent_off),
        customer,
        email: owner.email,
        trial_end: checkout.trial_end,
        expires_at: checkout.expires_at,
        success: address(format!("{page}?back=paid"))?,
        cancel: address(format!("{page}?back=left"))?,
    })
}

/// Records the provider's page.
pub(crate) async fn opened(cx: &mut Cx, id: CheckoutId, page: &ports::subscription::Page) -> Result<()> {
    store::set_open(cx, id, &page.id, page.url.as_str()).await
}

/// Records how a session stands. The subscription that came of it, to look at.
pub(crate) async fn seen(cx: &mut Cx, provider_ref: &str, session: &Session) -> Result<Option<String>> {
    let Some(id) = store::by_ref(cx, provider_ref).await? else { return Ok(None) };
    match session.state {
        SessionState::Open => {}
        SessionState::Complete => end(cx, id, State::Complete, None).await?,
        SessionState::Expired => end(cx, id, State::Expired, None).await?,
    }
    Ok(session.subscription.clone())
}
