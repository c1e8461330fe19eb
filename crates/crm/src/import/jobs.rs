//! The job that reads a CRM's contacts page by page, and the one of every day.

use super::store::{self, Far};
use super::{ImportId, State, resume, start, take};
use crate::connection::{self, Connection, ConnectionId};
use crate::desk::{After, Desk, HELD_S, after, may_call};
use base::{Error, Kind, Result, TenantId, Zone};
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Registry, Retry, Run};
use ports::crm::{Account, CrmError, Wanted};
use serde::{Deserialize, Serialize};

/// Reads the pages that are left.
#[derive(Serialize, Deserialize)]
pub(crate) struct Page {
    pub import: ImportId,
}

/// Failures after which a run ends; a page that is kept begins the count anew with its job.
const TRIES: i32 = 4;

/// What is to be done next.
enum Next {
    /// Ask for this page.
    Ask(Box<(Far, Connection, Account)>),
    /// Look again later.
    Later,
    /// The run is over.
    Over,
}

impl Job for Page {
    const KIND: &'static str = "crm.import";
    const TIMEOUT_S: u64 = 3_600;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        loop {
            let (far, connection, account) = match self.next(run, desk).await? {
                Next::Ask(next) => *next,
                Next::Later => {
                    run.snooze(run.db().clock().now().plus_s(HELD_S));
                    return Ok(());
                }
                Next::Over => return Ok(()),
            };
            let wanted = Wanted { since: far.since, cursor: far.next_page.clone() };
            let asked = async { desk.ports.crms.get(connection.kind)?.contacts(&account, &wanted).await };
            let page = match asked.await {
                Ok(page) => page,
                Err(error) => return self.failed(run, &connection, &error).await,
            };
            let mut cx = run.begin().await?;
            run.hold(&mut cx).await?;
            // Another worker may have kept this page meanwhile, or a person stopped the run.
            if store::lock(&mut cx, self.import).await?.as_ref() != Some(&far) {
                return Ok(());
            }
            let came = take::page(&mut cx, self.import, &connection, &far, &page.contacts).await?;
            store::advance(&mut cx, self.import, came, page.next.as_deref()).await?;
            if page.next.is_none() {
                store::finish(&mut cx, self.import, State::Done, None).await?;
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            }
            cx.commit().await?;
            run.progress(i64::from(far.pages) + 1, i64::from(far.pages) + 2).await?;
            if run.cancel().is_cancelled() {
                return Err(Error::unavailable("job.stopped", "The run was stopped; what came in stays."));
            }
        }
    }
}

impl Page {
    async fn next(&self, run: &Run, desk: &Desk) -> Result<Next> {
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        let Some(far) = store::lock(&mut cx, self.import).await? else { return Ok(Next::Over) };
        let connection = connection::get(&mut cx, far.connection).await?;
        let next = match connection.state {
            connection::State::Active => {
                if may_call(&mut cx, connection.kind).await? {
                    match connection::account(&mut cx, desk, &connection).await {
                        Ok(account) => Next::Ask(Box::new((far, connection, account))),
                        Err(error) => {
                            store::finish(&mut cx, self.import, State::Failed, Some(error.message())).await?;
                            Next::Over
                        }
                    }
                } else {
                    store::waits(&mut cx, self.import, "A switch holds it.").await?;
                    Next::Later
                }
            }
            connection::State::Checking | connection::State::Paused | connection::State::Failed => {
                store::waits(&mut cx, self.import, "It waits until the connection works again.").await?;
                Next::Later
            }
        };
        cx.commit().await?;
        Ok(next)
    }

    async fn failed(&self, run: &Run, connection: &Connection, error: &CrmError) -> Result<()> {
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        let said = error.to_string();
        match after(error) {
            After::Wait(seconds) => {
                store::waits(&mut cx, self.import, &said).await?;
                run.snooze(cx.now().plus_s(seconds));
                return cx.commit().await;
            }
            After::Again if run.failures() < TRIES => {
                store::waits(&mut cx, self.import, &said).await?;
                cx.commit().await?;
                return Err(Error::unavailable("crm.unreachable", said));
            }
            After::Key => connection::fail(&mut cx, connection, &said).await?,
            After::Again | After::Never => {}
        }
        store::finish(&mut cx, self.import, State::Failed, Some(&said)).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Begins the run of a day over one connection, or goes on with the one that is under way.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begin {
    pub connection: ConnectionId,
}

impl Job for Begin {
    const KIND: &'static str = "crm.import_begin";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let newest = store::of_connection(&mut cx, self.connection, 1).await?;
        match newest.first().filter(|one| one.state == State::Running) {
            Some(running) => resume(&mut cx, running.id).await?,
            None => match start(&mut cx, self.connection).await {
                Ok(_) => {}
                // It was paused or removed meanwhile.
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Conflict) => return Ok(()),
                Err(error) => return Err(error),
            },
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Every day: what changed at each CRM.
#[derive(Serialize, Deserialize)]
struct Daily {}

impl Job for Daily {
    const KIND: &'static str = "crm.import_daily";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system(Self::KIND).await?;
        let due = connection::due(&mut cx).await?;
        let jobs: Vec<(TenantId, Begin)> = due
            .into_iter()
            .map(|(tenant, id)| (TenantId(tenant), Begin { connection: ConnectionId(id) }))
            .collect();
        if !jobs.is_empty() {
            ::jobs::enqueue_for(&mut cx, &jobs).await?;
        }
        cx.commit().await
    }
}

pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Page>(desk.clone());
    registry.register::<Begin>(());
    registry.register::<Daily>(());
    match Schedule::new("crm.import_daily", "23 16 * * *", Zone::utc(), Misfire::Once, &Daily {}) {
        Ok(schedule) => drop(registry.schedule(schedule)),
        Err(error) => tracing::error!(%error, "contacts of CRMs will not be taken in every day"),
    }
}
