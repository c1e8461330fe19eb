//! Live events: one reader of the facts outbox in each process, many browsers on server-sent events.

use crate::{App, Cx, Result};
use axum::{
    extract::Query,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use base::TenantId;
use db::{Db, FactRow, FactStream, Scope};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// How many facts a slow browser may fall behind before it is told to load the page again.
const BACKLOG: usize = 1_024;
/// How many missed facts are sent again after a reconnect; more than that means: load again.
const REPLAY_MAX: i64 = 500;

/// The hub to which browsers subscribe.
#[derive(Clone)]
pub struct Live {
    sender: broadcast::Sender<Arc<FactRow>>,
}

impl Live {
    /// A hub that nobody feeds yet.
    pub fn new() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }

    /// Feeds the hub until shutdown: wakes on NOTIFY, looks each second as the safety net.
    pub async fn feed(self, db: Db, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.feed_once(&db, &shutdown).await {
                tracing::warn!(?error, "the live feed lost the database; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn feed_once(&self, db: &Db, shutdown: &CancellationToken) -> base::Result<()> {
        let mut listener = db.listen(&["fact"]).await?;
        let mut facts = FactStream::from_now(db).await?;
        loop {
            let waited = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                waited = tokio::time::timeout(Duration::from_secs(1), listener.recv()) => waited,
            };
            if let Ok(Err(lost)) = waited {
                return Err(lost.into());
            }
            // Nobody listens: keep the position without reading rows one by one.
            loop {
                let rows = facts.next(db, REPLAY_MAX).await?;
                if rows.is_empty() {
                    break;
                }
                for row in rows {
                    // An error only says that no browser is connected.
                    let _ = self.sender.send(Arc::new(row));
                }
            }
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a page that was just loaded begins, so that nothing between loading and connecting is missed.
#[derive(Deserialize)]
pub(crate) struct From {
    last_event_id: Option<i64>,
}

/// `GET /live`: the tenant's facts as they happen. `Last-Event-ID` (or `?last_event_id=` of a page
/// that was just loaded) brings what was missed; a message of type `reset` says: load again.
pub(crate) async fn stream_facts(
    cx: Cx,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let tenant = cx.who().tenant;
    let app = cx.app().clone();
    drop(cx);
    let receiver = app.live().sender.subscribe();
    let last = headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<i64>().ok())
        .or(from.last_event_id);
    let missed = match last {
        Some(last) => missed(&app, tenant, last).await?,
        None => Vec::new(),
    };
    let newest_replayed = missed.last().map_or(0, |row| row.id);
    let replay = stream::iter(missed.into_iter().map(|row| Ok(event(&row))));
    let live = stream::unfold(receiver, move |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(row) if row.tenant_id == tenant && row.id > newest_replayed => {
                    return Some((Ok(event(&row)), receiver));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    return Some((Ok(Event::default().data(r#"{"type":"reset"}"#)), receiver));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    Ok(Sse::new(replay.chain(live)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

async fn missed(app: &App, tenant: TenantId, last: i64) -> Result<Vec<FactRow>> {
    let mut cx = app.db().begin(Scope::Tenant(tenant), db::Caller::system("live", app.db())).await?;
    let rows = sqlx::query!(
        "select id, type as kind, subject_id, actor, payload, at from kernel.fact
         where tenant_id = $1 and id > $2 order by id limit $3",
        tenant.uuid(),
        last,
        REPLAY_MAX
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| FactRow {
            id: r.id,
            tenant_id: tenant,
            kind: r.kind,
            subject_id: r.subject_id,
            actor: r.actor,
            payload: r.payload,
            at: r.at,
        })
        .collect())
}

fn event(row: &FactRow) -> Event {
    let data = serde_json::json!({
        "type": row.kind, "subject_id": row.subject_id, "actor": row.actor, "payload": row.payload, "at": row.at,
    });
    Event::default().id(row.id.to_string()).data(data.to_string())
}
