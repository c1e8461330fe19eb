//! What goes outside, with no transaction open, and the record of what came.

use super::{Lead, TRIES};
use crate::account;
use crate::call::{self, Call};
use crate::desk::Desk;
use crate::lineage::{self, Outcome};
use crate::tier;
use base::{Error, Result};
use jobs::Run;
use ports::provider::{Looked, ProviderError};

impl Lead {
    /// Asks outside, with no transaction open, and records the answer with its cost.
    pub(super) async fn ask(&self, run: &Run, desk: &Desk, call: &Call) -> Result<()> {
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
    pub(super) async fn poll(&self, run: &Run, desk: &Desk, call: &Call) -> Result<()> {
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
}
