//! Payments that nobody finishes: each open one over an outside rail has a job.

use super::{Desk, PaymentId, drive, store};
use base::Result;
use db::Cx;
use jobs::{Job, Options, Registry, Retry, Run};
use serde::{Deserialize, Serialize};

/// Seconds after its beginning at which a payment that is still open is looked at.
const LOOK_S: i64 = super::drive::CALL_S + 5;

/// Takes one payment as far as it goes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resume {
    payment: PaymentId,
}

impl Job for Resume {
    const KIND: &'static str = "pay.resume";
    const QUEUE: &'static str = "pay";
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let tenant = run.tenant()?;
        let payment = drive(run.db(), tenant, run.caller(), desk, self.payment).await?;
        if payment.status.is_open() {
            let mut cx = run.begin().await?;
            let locked = store::lock(&mut cx, self.payment).await?;
            drop(cx);
            let checks = locked.map_or(0, |locked| locked.checks);
            run.snooze(super::conclude::next_check(run.db().clock().now(), checks));
        }
        Ok(())
    }
}

/// Looks at a payment later, if whoever began it does not come to its end.
pub(super) async fn resume_later(cx: &mut Cx, payment: PaymentId) -> Result<()> {
    let at = Some(cx.now().plus_s(LOOK_S));
    enqueue(cx, payment, Options { at, ..Options::default() }).await
}

async fn enqueue(cx: &mut Cx, payment: PaymentId, options: Options) -> Result<()> {
    let options = Options { unique_key: Some(payment.to_string()), ..options };
    jobs::enqueue_with(cx, &Resume { payment }, options).await?;
    Ok(())
}

/// Gives each of these a job, unless it has one.
pub(crate) async fn resume_each(cx: &mut Cx, payments: &[PaymentId]) -> Result<()> {
    let all: Vec<Resume> = payments.iter().map(|payment| Resume { payment: *payment }).collect();
    jobs::enqueue_each(cx, &all, |job| job.payment.to_string(), &Options::default()).await
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Resume>(desk.clone());
}
