//! Connections that are kept per account.

use super::exchange::reply;
use super::wire::{self, Encrypted};
use base::Digest;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use ports::email::{NotStarted, Security, SmtpAccount, Step};
use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::http::CONNECT;
use crate::tls;

/// Most connections of an account at a time.
const MOST: usize = 16;
/// A connection that lay idle longer is not used again: servers close at will.
const IDLE: Duration = Duration::from_secs(30);
/// Mails over one connection; large providers end it at about this many.
const MAILS: u32 = 500;
/// Accounts that are remembered before those without connections are forgotten.
const ACCOUNTS: usize = 1_000;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    host: String,
    port: u16,
    security: Security,
    username: Option<String>,
    password: Digest,
}

struct Slot {
    room: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    smtp: AsyncSmtpConnection,
    since: Instant,
    mails: u32,
}

pub(super) struct Pool {
    hello: ClientId,
    tls: TlsConnector,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// A connection in use. Dropped, it is closed; put back, it can be used again.
pub(super) struct Connection {
    pub(super) smtp: AsyncSmtpConnection,
    mails: u32,
    slot: Arc<Slot>,
    permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Whether mails went over it before.
    pub(super) fn is_used(&self) -> bool {
        self.mails > 0
    }

    /// Keeps it for the next mail.
    pub(super) fn put_back(self) {
        let Self { smtp, mails, slot, permit } = self;
        if mails + 1 < MAILS && !smtp.has_broken() {
            let idle = Idle { smtp, since: Instant::now(), mails: mails + 1 };
            slot.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
        drop(permit);
    }
}

impl Pool {
    pub(super) fn new(hello: ClientId) -> base::Result<Self> {
        Ok(Self { hello, tls: tls::connector()?, slots: Mutex::default() })
    }

    fn slot(&self, account: &SmtpAccount) -> Arc<Slot> {
        let key = Key {
            host: account.host.clone(),
            port: account.port,
            security: account.security,
            username: account.username.clone(),
            password: Digest::of(account.password.expose().as_bytes()),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= ACCOUNTS {
            slots.retain(|_, slot| slot.room.available_permits() < MOST);
        }
        let empty = || Slot { room: Arc::new(Semaphore::new(MOST)), idle: Mutex::default() };
        slots.entry(key).or_insert_with(|| Arc::new(empty())).clone()
    }

    /// A kept connection, or a fresh one; waits for room.
    pub(super) async fn take(&self, account: &SmtpAccount) -> Result<Connection, NotStarted> {
        let slot = self.slot(account);
        let waited = tokio::time::timeout(crate::http::TOTAL, slot.room.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = waited else {
            return Err(failed(account, Step::Connect, "all connections were busy for 60 seconds"));
        };
        let kept = {
            let mut idle = slot.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            idle.retain(|kept| now.duration_since(kept.since) < IDLE);
            idle.pop()
        };
        match kept {
            Some(Idle { smtp, mails, .. }) => Ok(Connection { smtp, mails, slot, permit }),
            None => {
                let smtp = self.connect(account).await?;
                Ok(Connection { smtp, mails: 0, slot, permit })
            }
        }
    }

    /// A fresh connection in place of one that is broken.
    pub(super) async fn fresh(
        &self,
        account: &SmtpAccount,
        broken: Connection,
    ) -> Result<Connection, NotStarted> {
        let Connection { slot, permit, .. } = broken;
        Ok(Connection { smtp: self.connect(account).await?, mails: 0, slot, permit })
    }

    async fn connect(&self, account: &SmtpAccount) -> Result<AsyncSmtpConnection, NotStarted> {
        match tokio::time::timeout(CONNECT, self.open(account)).await {
            Ok(opened) => opened,
            Err(_) => Err(failed(account, Step::Connect, "no answer within 10 seconds")),
        }
    }

    async fn open(&self, account: &SmtpAccount) -> Result<AsyncSmtpConnection, NotStarted> {
        account.security.check(&account.host).map_err(|error| NotStarted {
            step: Step::Check,
            host: format!("{}:{}", account.host, account.port),
            message: error.message().to_owned(),
        })?;
        let tcp = wire::open(&account.host, account.port)
            .await
            .map_err(|cause| failed(account, Step::Connect, &cause.to_string()))?;
        let stream: Box<dyn AsyncTokioStream> = match account.security {
            Security::None | Security::StartTls => Box::new(tcp),
            Security::Tls => {
                let encrypted = tls::encrypt(&self.tls, &account.host, tcp).await;
                Box::new(Encrypted(
                    encrypted.map_err(|cause| failed(account, Step::Encrypt, &cause.to_string()))?,
                ))
            }
        };
        let mut smtp = AsyncSmtpConnection::connect_with_transport(stream, &self.hello)
            .await
            .map_err(|error| failed(account, Step::Connect, &words(&error)))?;
        match account.security {
            Security::StartTls => {
                let encrypt = |error: SmtpError| failed(account, Step::Encrypt, &words(&error));
                let tls = TlsParameters::new(account.host.clone()).map_err(encrypt)?;
                smtp.starttls(tls, &self.hello).await.map_err(encrypt)?;
            }
            Security::None | Security::Tls => {}
        }
        if let Some(username) = &account.username {
            let credentials = Credentials::new(username.clone(), account.password.expose().to_owned());
            smtp.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await.map_err(|error| {
                // A 4xx here is trouble of the server's, not a wrong password.
                let step =
                    if error.is_permanent() || error.is_client() { Step::SignIn } else { Step::Connect };
                failed(account, step, &words(&error))
            })?;
        }
        Ok(smtp)
    }
}

fn words(error: &SmtpError) -> String {
    match reply(error) {
        Some((code, text)) => format!("{code} {text}"),
        None => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    }
}

fn failed(account: &SmtpAccount, step: Step, detail: &str) -> NotStarted {
    let host = format!("{}:{}", account.host, account.port);
    let message = match step {
        Step::Check => format!("The account for {host} cannot be used: {detail}."),
        Step::Connect => format!(
            "No connection to the mail server {host} ({detail}). Nothing was sent. Check name, port and network."
        ),
        Step::Encrypt => format!(
            "No encrypted connection to {host} ({detail}). Nothing was sent. Check the security setting: port 465 is TLS, port 587 is STARTTLS."
        ),
        Step::SignIn => format!(
            "{host} did not accept the user name and password ({detail}). Nothing was sent. Enter them again; many providers want an app password."
        ),
        Step::Handover => format!("{host} closed the connection ({detail}). Nothing was sent."),
    };
    NotStarted { step, host, message }
}
