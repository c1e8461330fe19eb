//! What a person decided is done.

use super::{KIND, SuggestionId, decided};
use base::Result;
use jobs::{Job, Registry, Run};
use serde::{Deserialize, Serialize};

/// Carries a decision on a suggestion out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    suggestion: SuggestionId,
}

impl Job for Decided {
    const KIND: &'static str = "insight.suggestion_decided";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        decided(&mut cx, self.suggestion).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the job and the reaction that starts it.
pub(crate) fn register(registry: &mut Registry) {
    registry.register::<Decided>(());
    registry.on_fact::<Decided>("control.approval.decided", |fact| {
        let ours = fact.payload["kind"].as_str() == Some(KIND);
        let suggestion = fact.payload["subject_id"].as_str().and_then(|id| id.parse().ok()).map(SuggestionId);
        suggestion.filter(|_| ours).map(|suggestion| Decided { suggestion })
    });
}
