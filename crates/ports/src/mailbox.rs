//! Reading mail: new messages since a cursor, never touching what is there unless told.

use async_trait::async_trait;
use base::{Error, Result, Secret};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

pub use crate::email::Security;

/// Reads a mailbox.
#[async_trait]
pub trait Mailbox: Send + Sync + 'static {
    /// The messages after `since`, oldest first, at most the account's batch. Flags stay as they are.
    ///
    /// # Errors
    /// Unavailable when the server does not answer; invalid when it refuses the account.
    async fn fetch_since(&self, account: &ImapAccount, since: UidCursor) -> Result<Fetched>;

    /// Marks messages as seen. Nothing else in this trait changes a mailbox.
    ///
    /// # Errors
    /// Conflict when the folder was renumbered since; otherwise as [`Mailbox::fetch_since`].
    async fn mark_seen(&self, account: &ImapAccount, uid_validity: u32, uids: &[u32]) -> Result<()>;
}

/// An account at an IMAP server.
#[derive(Clone, Debug)]
pub struct ImapAccount {
    /// Name or address of the server.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The user name.
    pub username: String,
    /// The password or app password.
    pub password: Secret,
    /// The folder, `INBOX` as a rule.
    pub folder: String,
    /// Most messages in one fetch.
    pub batch: u32,
    /// Largest message that is fetched whole, in bytes.
    pub max_message_bytes: u32,
}

/// A place in a folder. `UidCursor::default()` is before its first message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct UidCursor {
    /// The folder's numbering (RFC 9051 §2.3.1.1); 0 when not yet known.
    pub uid_validity: u32,
    /// The last message that was read; 0 for none.
    pub uid: u32,
}

/// A message as it lies in the mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawMail {
    /// Its number in the folder.
    pub uid: u32,
    /// Headers and body, as received.
    pub bytes: Bytes,
    /// True when the message was too large and `bytes` holds only its headers.
    pub headers_only: bool,
}

/// What a fetch brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    /// Oldest first.
    pub messages: Vec<RawMail>,
    /// Where the next fetch begins.
    pub cursor: UidCursor,
    /// The folder was renumbered: messages that were read before may come again.
    pub renumbered: bool,
    /// More messages wait.
    pub more: bool,
}

/// Mailboxes in memory, by account and folder.
#[derive(Default)]
pub struct MemoryMailbox(Mutex<HashMap<(String, String), Folder>>);

#[derive(Default)]
struct Folder {
    uid_validity: u32,
    last_uid: u32,
    messages: Vec<(u32, Bytes)>,
    seen: BTreeSet<u32>,
}

impl MemoryMailbox {
    /// No mailboxes yet; one comes into being with its first message.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, username: &str, folder: &str, f: impl FnOnce(&mut Folder) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = all.entry((username.to_owned(), folder.to_owned())).or_default();
        folder.uid_validity = folder.uid_validity.max(1);
        f(folder)
    }

    /// Puts a message into a folder and returns its number.
    pub fn deliver(&self, username: &str, folder: &str, bytes: impl Into<Bytes>) -> u32 {
        self.with(username, folder, |folder| {
            folder.last_uid += 1;
            folder.messages.push((folder.last_uid, bytes.into()));
            folder.last_uid
        })
    }

    /// Renumbers a folder, as servers do after a repair.
    pub fn renumber(&self, username: &str, folder: &str) {
        self.with(username, folder, |folder| {
            folder.uid_validity += 1;
            folder.seen.clear();
            folder.last_uid = 0;
            for (uid, _) in &mut folder.messages {
                folder.last_uid += 1;
                *uid = folder.last_uid;
            }
        });
    }

    /// The messages that were marked as seen.
    pub fn seen(&self, username: &str, folder: &str) -> Vec<u32> {
        self.with(username, folder, |folder| folder.seen.iter().copied().collect())
    }
}

/// The headers of a message: everything up to the first empty line.
pub fn headers_of(bytes: &Bytes) -> Bytes {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    bytes.slice(..end)
}

#[async_trait]
impl Mailbox for MemoryMailbox {
    async fn fetch_since(&self, account: &ImapAccount, since: UidCursor) -> Result<Fetched> {
        self.with(&account.username, &account.folder, |folder| {
            let renumbered = since.uid_validity != 0 && since.uid_validity != folder.uid_validity;
            let after = if since.uid_validity == folder.uid_validity { since.uid } else { 0 };
            let waiting: Vec<_> = folder.messages.iter().filter(|(uid, _)| *uid > after).collect();
            let batch = usize::try_from(account.batch.max(1)).unwrap_or(usize::MAX);
            let max = usize::try_from(account.max_message_bytes).unwrap_or(usize::MAX);
            let messages: Vec<RawMail> = waiting
                .iter()
                .take(batch)
                .map(|(uid, bytes)| {
                    let headers_only = bytes.len() > max;
                    let bytes = if headers_only { headers_of(bytes) } else { bytes.clone() };
                    RawMail { uid: *uid, bytes, headers_only }
                })
                .collect();
            let uid = messages.last().map_or(after, |m| m.uid);
            let cursor = UidCursor { uid_validity: folder.uid_validity, uid };
            Ok(Fetched { more: waiting.len() > messages.len(), messages, cursor, renumbered })
        })
    }

    async fn mark_seen(&self, account: &ImapAccount, uid_validity: u32, uids: &[u32]) -> Result<()> {
        self.with(&account.username, &account.folder, |folder| {
            if folder.uid_validity != uid_validity {
                return Err(renumbered(account));
            }
            folder.seen.extend(uids);
            Ok(())
        })
    }
}

/// The folder's numbering is not the one that the caller knows.
pub fn renumbered(account: &ImapAccount) -> Error {
    Error::conflict(
        "mailbox.renumbered",
        format!(
            "The folder {} of {} at {} was renumbered. Fetch again before marking messages.",
            account.folder, account.username, account.host
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(batch: u32, max: u32) -> ImapAccount {
        ImapAccount {
            host: "127.0.0.1".into(),
            port: 143,
            security: Security::None,
            username: "ana".into(),
            password: Secret::default(),
            folder: "INBOX".into(),
            batch,
            max_message_bytes: max,
        }
    }

    #[tokio::test]
    async fn each_message_comes_once_in_batches() {
        let boxes = MemoryMailbox::new();
        for n in 1..=5 {
            boxes.deliver("ana", "INBOX", format!("Subject: {n}\r\n\r\nbody"));
        }
        let (mut cursor, mut uids, mut rounds) = (UidCursor::default(), vec![], 0);
        loop {
            let got = boxes.fetch_since(&account(2, 1000), cursor).await.unwrap();
            uids.extend(got.messages.iter().map(|m| m.uid));
            cursor = got.cursor;
            rounds += 1;
            if !got.more {
                break;
            }
        }
        assert_eq!((uids, rounds), (vec![1, 2, 3, 4, 5], 3));
        assert!(boxes.fetch_since(&account(2, 1000), cursor).await.unwrap().messages.is_empty());
        assert!(boxes.seen("ana", "INBOX").is_empty());
    }

    #[tokio::test]
    async fn a_renumbered_folder_is_read_again_and_a_large_message_as_headers() {
        let boxes = MemoryMailbox::new();
        boxes.deliver("ana", "INBOX", format!("Subject: x\r\n\r\n{}", "y".repeat(100)));
        let first = boxes.fetch_since(&account(9, 50), UidCursor::default()).await.unwrap();
        assert!(first.messages[0].headers_only && !first.renumbered);
        assert_eq!(&first.messages[0].bytes[..], b"Subject: x\r\n\r\n");
        boxes.renumber("ana", "INBOX");
        let again = boxes.fetch_since(&account(9, 500), first.cursor).await.unwrap();
        assert!(again.renumbered && again.messages.len() == 1 && !again.messages[0].headers_only);
        let stale = boxes.mark_seen(&account(9, 50), first.cursor.uid_validity, &[1]).await;
        assert_eq!(stale.unwrap_err().code(), "mailbox.renumbered");
    }
}
