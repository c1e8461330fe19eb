//! Reading mailboxes: what lies there is brought into the raw inbox, each message once. Webhooks are
//! the fast way in; this is the one that works with every provider and misses nothing.

pub mod jobs;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Place, places};

use ::jobs::Run;
use base::{Digest, Error, Kind as ErrorKind, Result};
use control::{
    notification::{self, Kind, Notification, Severity},
    secret::Keyring,
};
use db::{Cx, Fact};
use hooks::inbox::{self, Received};
use ports::{
    Ports,
    mailbox::{Fetched, ImapAccount, UidCursor},
};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What one process needs for reading mailboxes.
#[derive(Clone)]
pub struct Reader {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens sealed credentials.
    pub keyring: Arc<Keyring>,
}

/// Fetches in one run of a mailbox; what is left waits for the next.
const ROUNDS: usize = 40;

/// Reads what is new in one mailbox. Trouble with its server is kept with the mailbox and shown; the
/// next round tries again. Returns how many messages were new.
pub async fn poll(run: &Run, reader: &Reader, resource: Uuid) -> Result<u64> {
    let mut cx = run.begin().await?;
    let found = crate::resource::get(&mut cx, resource).await?;
    let Some(account) = crate::resource::inbox(&mut cx, &reader.keyring, &found).await? else {
        return Ok(0);
    };
    let mut cursor = store::cursor(&mut cx, resource).await?;
    cx.rollback().await?;
    let mut fresh = 0;
    for _ in 0..ROUNDS {
        if run.cancel().is_cancelled() {
            break;
        }
        match reader.ports.mailbox.fetch_since(&account, cursor).await {
            Ok(fetched) => {
                let mut cx = run.begin().await?;
                fresh += keep(&mut cx, resource, &found.address, &account, &fetched).await?;
                cx.commit().await?;
                cursor = fetched.cursor;
                if !fetched.more {
                    break;
                }
            }
            Err(error) => {
                let mut cx = run.begin().await?;
                trouble(&mut cx, resource, &found.address, cursor, &error).await?;
                cx.commit().await?;
                break;
            }
        }
    }
    Ok(fresh)
}

/// Brings a batch into the raw inbox and moves the cursor, in one transaction.
async fn keep(
    cx: &mut Cx,
    resource: Uuid,
    address: &str,
    account: &ImapAccount,
    fetched: &Fetched,
) -> Result<u64> {
    let mut fresh = 0;
    for message in &fetched.messages {
        // By its bytes: a renumbered folder brings the same message again, and two different ones may
        // carry the same Message-ID.
        let received = Received {
            source: "imap",
            account: address.to_owned(),
            dedupe_key: format!("{resource}:{}", Digest::of(&message.bytes)),
            headers: json!({
                "folder": account.folder, "uid": message.uid, "uid_validity": fetched.cursor.uid_validity,
                "headers_only": message.headers_only,
            }),
            raw: message.bytes.to_vec(),
        };
        fresh += u64::from(inbox::receive(cx, received).await?.is_some());
    }
    store::moved(cx, resource, fetched.cursor, None).await?;
    Ok(fresh)
}

async fn trouble(cx: &mut Cx, resource: Uuid, address: &str, cursor: UidCursor, error: &Error) -> Result<()> {
    tracing::warn!(mailbox = address, %error, "a mailbox could not be read");
    store::moved(cx, resource, cursor, Some(error.message())).await?;
    // A server that is away comes back by itself; a refused sign-in does not.
    if error.kind() == ErrorKind::Invalid {
        let told = Notification {
            kind: Kind::Health,
            severity: Severity::Warning,
            title: format!("Answers to {address} are not read"),
            body: error.message().to_owned(),
            href: Some("/inbox".to_owned()),
            dedupe_key: format!("mailbox:{resource}"),
            person: None,
        };
        notification::notify(cx, &told).await?;
    }
    cx.publish(Fact::about("outreach.mailbox.troubled", resource).with(json!({"error": error.message()})))
        .await
}
