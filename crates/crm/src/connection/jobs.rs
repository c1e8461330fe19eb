//! The job that tries a key and reads the pipelines.

use super::{ConnectionId, State, account, get, store};
use crate::desk::{After, Desk, HELD_S, after, may_call};
use crate::push;
use base::{Error, Kind, Result};
use jobs::{Job, Registry, Retry, Run};
use ports::crm::{Account, CrmError, CrmKind, Owner, Pipeline};
use serde::{Deserialize, Serialize};

/// Tries the key of a connection.
#[derive(Serialize, Deserialize)]
pub(crate) struct Check {
    pub connection: ConnectionId,
}

/// Failures after which a person is told.
const TRIES: i32 = 3;

impl Job for Check {
    const KIND: &'static str = "crm.check";
    const TIMEOUT_S: u64 = 300;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[10, 60, 300])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        let connection = match get(&mut cx, self.connection).await {
            Ok(connection) if connection.state == State::Checking => connection,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if !may_call(&mut cx, connection.kind).await? {
            run.snooze(cx.now().plus_s(HELD_S));
            return Ok(());
        }
        let opened = account(&mut cx, desk, &connection).await;
        cx.commit().await?;
        let account = match opened {
            Ok(account) => account,
            Err(error) => {
                let mut cx = run.begin().await?;
                store::fail(&mut cx, &connection, error.message()).await?;
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            }
        };
        let looked = look(desk, connection.kind, &account).await;
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        match looked {
            Ok((owner, pipelines)) => {
                store::checked(&mut cx, connection.id, &owner.name, &pipelines).await?;
                push::go_on(&mut cx, connection.id).await?;
            }
            Err(error) => match after(&error) {
                After::Wait(seconds) => {
                    run.snooze(cx.now().plus_s(seconds));
                    return Ok(());
                }
                After::Again if run.failures() < TRIES => {
                    return Err(Error::unavailable("crm.unreachable", error.to_string()));
                }
                After::Again | After::Key | After::Never => {
                    store::fail(&mut cx, &connection, &error.to_string()).await?;
                }
            },
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Whose account it is, and its pipelines.
async fn look(desk: &Desk, kind: CrmKind, account: &Account) -> Result<(Owner, Vec<Pipeline>), CrmError> {
    let crm = desk.ports.crms.get(kind)?;
    Ok((crm.check(account).await?, crm.pipelines(account).await?))
}

pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Check>(desk.clone());
}
