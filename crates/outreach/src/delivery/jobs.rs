//! The background work on what providers report.

use super::apply::{event, process};
use crate::{account, channel::email};
use base::Result;
use control::secret::Keyring;
use db::Scope;
use hooks::inbox::{self, InboxId};
use jobs::{Job, Registry, Run};
use ports::{
    Ports,
    delivery::{Event, Provider, What},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What working on reports needs from the process.
#[derive(Clone)]
pub struct Reader {
    /// Fetches the words of answers that a report only names.
    pub ports: Arc<Ports>,
    /// Opens the accounts' secrets.
    pub keyring: Arc<Keyring>,
}

/// Works on one report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    inbox: InboxId,
}

impl Job for Process {
    const KIND: &'static str = "outreach.process_delivery";
    const QUEUE: &'static str = "inbox";
    type State = Reader;

    async fn run(self, run: &Run, reader: &Reader) -> Result<()> {
        inbox::shown(run, self.inbox, self.once(run, reader).await).await
    }
}

impl Process {
    async fn once(&self, run: &Run, reader: &Reader) -> Result<()> {
        self.fetch(run, reader).await?;
        let mut cx = run.begin().await?;
        process(&mut cx, self.inbox).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }

    /// Some providers name an answer and keep its words: they are fetched, with no transaction open, and
    /// kept as a report of their own, which is worked on in place of this one.
    async fn fetch(&self, run: &Run, reader: &Reader) -> Result<()> {
        let mut cx = run.begin().await?;
        let delivery = inbox::get(&mut cx, self.inbox).await?;
        let named = event(&delivery)?;
        let What::Replied(said) = &named.what else { return Ok(()) };
        let (Some(provider_ref), None, None) = (&named.provider_ref, &said.text, &said.html) else {
            return Ok(());
        };
        let Ok(id) = delivery.account.parse() else { return Ok(()) };
        let keys = account::keys(&mut cx, &reader.keyring, id).await?;
        let account = email::account(&keys)?;
        cx.rollback().await?;
        let said = reader.ports.email.content(&account, provider_ref).await?;
        let mut cx = run.db().begin(Scope::Tenant(run.tenant()?), run.caller()).await?;
        let whole = Event {
            key: format!("{}:words", named.key),
            what: What::Replied(Box::new(said)),
            ..named.clone()
        };
        account::receive::keep(&mut cx, named.provider, id, &whole, &delivery.raw).await?;
        cx.commit().await
    }
}

/// Registers the job and its reaction.
pub fn register(registry: &mut Registry, reader: Reader) {
    registry.register::<Process>(reader);
    registry.on_fact::<Process>(inbox::RECEIVED, |fact| {
        let source = fact.payload.get("source").and_then(|s| s.as_str())?;
        let inbox = InboxId(fact.subject_id?);
        Provider::ALL.iter().any(|known| known.as_str() == source).then_some(Process { inbox })
    });
}
