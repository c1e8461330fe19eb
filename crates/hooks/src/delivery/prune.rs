//! The log does not grow for ever: what ended long ago is removed, a batch at a time.

use super::store;
use crate::Settings;
use base::Result;
use jobs::Run;

/// Deliveries of one transaction.
pub(super) const BATCH: i64 = 1_000;

/// Removes what ended more than so many days ago, for every tenant, with its attempts and messages.
pub(super) async fn run(run: &Run, settings: &Settings) -> Result<()> {
    if settings.keep_days == 0 {
        return Ok(());
    }
    loop {
        let mut cx = run.db().system("hooks.prune").await?;
        let before = cx.now().plus_days(-i64::from(settings.keep_days));
        let gone = store::prune(&mut cx, before).await?;
        cx.commit().await?;
        // The rest is taken next time: every night begins where this one ended.
        if gone < BATCH || run.cancel().is_cancelled() {
            return Ok(());
        }
    }
}
