//! Any IMAP server (RFC 3501, RFC 9051).

use async_imap::{Client, Session};
use async_trait::async_trait;
use base::{Error, Result};
use bytes::Bytes;
use futures::TryStreamExt;
use ports::email::MessageId;
use ports::mailbox::{Fetched, ImapAccount, Mailbox, RawMail, Security, UidCursor, renumbered};
use std::collections::HashMap;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::http::{CONNECT, TOTAL};
use crate::tls;

/// Reads through IMAP; one connection per call.
pub struct Imap {
    tls: TlsConnector,
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Wire for T {}
type Stream = Box<dyn Wire>;

impl Imap {
    /// Trusts the public roots.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new() -> Result<Self> {
        Ok(Self { tls: tls::connector()? })
    }

    /// Whether the folder holds a message with this Message-ID.
    ///
    /// # Errors
    /// As [`Mailbox::fetch_since`].
    pub async fn has_message(&self, account: &ImapAccount, message_id: &MessageId) -> Result<bool> {
        within(account, async {
            let mut session = self.open(account).await?;
            let lost = |cause| broken(account, &cause);
            session.examine(&account.folder).await.map_err(lost)?;
            let id = message_id.as_str().replace('\\', "\\\\").replace('"', "\\\"");
            let found = session.uid_search(format!("HEADER Message-ID \"{id}\"")).await.map_err(lost)?;
            leave(session).await;
            Ok(!found.is_empty())
        })
        .await
    }

    async fn open(&self, account: &ImapAccount) -> Result<Session<Stream>> {
        account.security.check(&account.host)?;
        let connecting = TcpStream::connect((account.host.as_str(), account.port));
        let tcp = match timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|cause| unreachable(account, &cause.to_string()))?,
            Err(_) => return Err(unreachable(account, "no answer within 10 seconds")),
        };
        let unencrypted = |cause: std::io::Error| {
            Error::unavailable(
                "mailbox.tls",
                format!(
                    "No encrypted connection to the mailbox server {} ({cause}). Check the security setting: port 993 is TLS, port 143 is STARTTLS.",
                    host(account)
                ),
            )
        };
        let client = match account.security {
            Security::None => greeted(account, Box::new(tcp) as Stream).await?,
            Security::Tls => {
                let stream = tls::encrypt(&self.tls, &account.host, tcp).await.map_err(unencrypted)?;
                greeted(account, Box::new(stream) as Stream).await?
            }
            Security::StartTls => {
                let mut clear = greeted(account, tcp).await?;
                clear
                    .run_command_and_check_ok("STARTTLS", None)
                    .await
                    .map_err(|cause| unencrypted(std::io::Error::other(cause)))?;
                let stream =
                    tls::encrypt(&self.tls, &account.host, clear.into_inner()).await.map_err(unencrypted)?;
                Client::new(Box::new(stream) as Stream)
            }
        };
        client.login(&account.username, account.password.expose()).await.map_err(|(cause, _)| {
            let Some(words) = refused(&cause) else { return broken(account, &cause) };
            Error::invalid(
                "mailbox.sign_in",
                format!(
                    "{} did not accept the user name and password ({words}). Enter them again; many providers want an app password.",
                    host(account)
                ),
            )
        })
    }
}

async fn greeted<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug>(
    account: &ImapAccount,
    stream: T,
) -> Result<Client<T>> {
    let mut client = Client::new(stream);
    match client.read_response().await {
        Ok(Some(_)) => Ok(client),
        Ok(None) => Err(unreachable(account, "it closed the connection without a greeting")),
        Err(cause) => Err(unreachable(account, &cause.to_string())),
    }
}

async fn leave(mut session: Session<Stream>) {
    // The work is done; a server that fails to say goodbye changes nothing.
    if let Err(cause) = session.logout().await {
        tracing::debug!(%cause, "IMAP logout failed");
    }
}

async fn within<T>(account: &ImapAccount, work: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(TOTAL, work).await {
        Ok(done) => done,
        Err(_) => Err(unreachable(account, "it took longer than 60 seconds")),
    }
}

fn host(account: &ImapAccount) -> String {
    format!("{}:{}", account.host, account.port)
}

fn unreachable(account: &ImapAccount, why: &str) -> Error {
    Error::unavailable(
        "mailbox.unreachable",
        format!(
            "The mailbox server {} does not answer ({why}). Nothing was read; it will be tried again.",
            host(account)
        ),
    )
}

/// The words of a server that says no.
fn refused(cause: &async_imap::error::Error) -> Option<&str> {
    if let async_imap::error::Error::No(words) | async_imap::error::Error::Bad(words) = cause {
        return Some(words);
    }
    None
}

fn broken(account: &ImapAccount, cause: &async_imap::error::Error) -> Error {
    let Some(words) = refused(cause) else { return unreachable(account, &cause.to_string()) };
    Error::invalid(
        "mailbox.refused",
        format!(
            "{} refused to read the folder {} ({words}). Check the folder's name.",
            host(account),
            account.folder
        ),
    )
}

fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// The bodies of some messages; never marks them as seen (PEEK).
async fn read(
    session: &mut Session<Stream>,
    account: &ImapAccount,
    uids: &[u32],
    headers_only: bool,
) -> Result<Vec<RawMail>> {
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    let lost = |cause| broken(account, &cause);
    let wanted = if headers_only { "(UID BODY.PEEK[HEADER])" } else { "(UID BODY.PEEK[])" };
    let replies = session.uid_fetch(set(uids), wanted).await.map_err(lost)?;
    let replies: Vec<_> = replies.try_collect().await.map_err(lost)?;
    let mail = |reply: &async_imap::types::Fetch| {
        let bytes = if headers_only { reply.header() } else { reply.body() };
        Some(RawMail { uid: reply.uid?, bytes: Bytes::copy_from_slice(bytes?), headers_only })
    };
    Ok(replies.iter().filter_map(mail).collect())
}

#[async_trait]
impl Mailbox for Imap {
    async fn fetch_since(&self, account: &ImapAccount, since: UidCursor) -> Result<Fetched> {
        within(account, async {
            let mut session = self.open(account).await?;
            let lost = |cause| broken(account, &cause);
            let folder = session.examine(&account.folder).await.map_err(lost)?;
            let uid_validity = folder.uid_validity.unwrap_or(1);
            let after = if since.uid_validity == uid_validity { since.uid } else { 0 };
            // `n:*` always names the last message, even when it is older than n.
            let range = format!("UID {}:*", after.saturating_add(1));
            let mut uids: Vec<u32> = match folder.exists {
                0 => Vec::new(),
                _ => session.uid_search(range).await.map_err(lost)?.into_iter().collect(),
            };
            uids.retain(|uid| *uid > after);
            uids.sort_unstable();
            let waiting = uids.len();
            uids.truncate(usize::try_from(account.batch.max(1)).unwrap_or(usize::MAX));
            let mut sizes = HashMap::new();
            if !uids.is_empty() {
                let replies = session.uid_fetch(set(&uids), "(UID RFC822.SIZE)").await.map_err(lost)?;
                let replies: Vec<_> = replies.try_collect().await.map_err(lost)?;
                sizes.extend(replies.iter().filter_map(|reply| reply.uid.zip(reply.size)));
            }
            let fits = |uid: &u32| sizes.get(uid).is_some_and(|size| *size <= account.max_message_bytes);
            let (whole, large): (Vec<u32>, Vec<u32>) = uids.iter().partition(|uid| fits(uid));
            let mut messages = read(&mut session, account, &whole, false).await?;
            messages.extend(read(&mut session, account, &large, true).await?);
            messages.sort_by_key(|mail| mail.uid);
            leave(session).await;
            let cursor = UidCursor { uid_validity, uid: uids.last().copied().unwrap_or(after) };
            let renumbered = since.uid_validity != 0 && since.uid_validity != uid_validity;
            Ok(Fetched { messages, cursor, renumbered, more: waiting > uids.len() })
        })
        .await
    }

    async fn mark_seen(&self, account: &ImapAccount, uid_validity: u32, uids: &[u32]) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        within(account, async {
            let mut session = self.open(account).await?;
            let lost = |cause| broken(account, &cause);
            let folder = session.select(&account.folder).await.map_err(lost)?;
            if folder.uid_validity.unwrap_or(1) != uid_validity {
                return Err(renumbered(account));
            }
            {
                let marked = session.uid_store(set(uids), "+FLAGS.SILENT (\\Seen)").await.map_err(lost)?;
                let _replies: Vec<_> = marked.try_collect().await.map_err(lost)?;
            }
            leave(session).await;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests;
