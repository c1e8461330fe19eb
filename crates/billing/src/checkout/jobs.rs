//! Asking the provider: for a page to pay on, and what came of it.

use super::{Checkout, CheckoutId, State, asked, end, get, opened, seen};
use crate::desk::Desk;
use crate::subscription::jobs::look;
use base::{Error, Result};
use db::Cx;
use jobs::{Job, Registry, Retry, Run};
use ports::rail::RailError;
use serde::{Deserialize, Serialize};

/// Asks the provider for the page of a checkout; safe to repeat.
///
/// # Errors
/// Unavailable when the provider did not answer; then the same can be tried again.
pub(crate) async fn open<B, F>(desk: &Desk, begin: B, id: CheckoutId) -> Result<()>
where
    B: Fn() -> F,
    F: Future<Output = Result<Cx>>,
{
    let account = desk.account()?;
    let mut cx = begin().await?;
    let checkout = get(&mut cx, id).await?;
    if checkout.state != State::Asked {
        return Ok(());
    }
    let asked = asked(&mut cx, desk, &checkout).await?;
    cx.rollback().await?;
    let page = desk.provider.checkout(&account, &asked).await;
    let mut cx = begin().await?;
    match page {
        Ok(page) => opened(&mut cx, id, &page).await?,
        Err(RailError::Rejected { message, .. } | RailError::Declined { message, .. }) => {
            end(&mut cx, id, State::Failed, Some(&message)).await?;
        }
        // Nothing is known to have happened: the same can be asked again.
        Err(
            other
            @ (RailError::NotStarted { .. } | RailError::Unknown { .. } | RailError::Unsupported { .. }),
        ) => {
            return Err(other.into());
        }
    }
    cx.commit().await
}

/// Asks what became of a checkout, and looks at what came of it. One that is `over` is closed first.
///
/// # Errors
/// What the provider or the database say.
pub(crate) async fn finish<B, F>(desk: &Desk, begin: B, id: CheckoutId, over: bool) -> Result<()>
where
    B: Fn() -> F,
    F: Future<Output = Result<Cx>>,
{
    let account = desk.account()?;
    let mut cx = begin().await?;
    let checkout: Checkout = get(&mut cx, id).await?;
    let under_way = matches!(checkout.state, State::Asked | State::Open);
    let Some(provider_ref) = checkout.provider_ref.filter(|_| under_way) else {
        if under_way && over {
            end(&mut cx, id, State::Expired, None).await?;
            return cx.commit().await;
        }
        return Ok(());
    };
    cx.rollback().await?;
    let session = if over {
        desk.provider.close(&account, &provider_ref).await?
    } else {
        desk.provider.session(&account, &provider_ref).await?
    };
    if let Some(subscription) = &session.subscription {
        // The subscription first, so that a checkout is never done without what it bought.
        let (cx, _) = look(desk, &begin, subscription).await?;
        cx.commit().await?;
    }
    let mut cx = begin().await?;
    seen(&mut cx, &provider_ref, &session).await?;
    cx.commit().await
}

/// A checkout whose time is over: it is closed, and its founding spot is free again unless it was paid.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finish {
    pub(crate) checkout: CheckoutId,
}

impl Job for Finish {
    const KIND: &'static str = "billing.finish_checkout";
    const TIMEOUT_S: u64 = 180;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        if desk.account.is_none() {
            return Err(Error::refused("billing.not_set_up", "The provider's account is not set any more."));
        }
        finish(desk, || run.begin(), self.checkout, true).await
    }
}

/// Adds the jobs of checkouts.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Finish>(desk.clone());
}
