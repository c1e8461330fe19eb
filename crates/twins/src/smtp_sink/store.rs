//! Where the sink keeps mail.

use async_trait::async_trait;
use base::{Result, Time};
use std::sync::{Mutex, PoisonError};

/// Keeps mail. A mail is kept before its sender is told so.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps one mail, exactly as received (dots unstuffed).
    ///
    /// # Errors
    /// Any error makes the sink answer 451: the sender keeps the mail and may try again.
    async fn put(&self, envelope: Envelope, bytes: Vec<u8>) -> Result<()>;

    /// How many mails with this Message-ID (without angle brackets) were kept.
    ///
    /// # Errors
    /// Unavailable when the store cannot be read.
    async fn find(&self, message_id: &str) -> Result<u64>;
}

/// What the sender said around a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The return path; none for `<>`.
    pub from: Option<String>,
    /// The recipients.
    pub to: Vec<String>,
    /// The Message-ID header without angle brackets, when there is one.
    pub message_id: Option<String>,
    /// Who signed in.
    pub username: Option<String>,
    /// How the client named itself.
    pub helo: String,
    /// When the content was complete.
    pub received_at: Time,
}

/// A mail that was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// What the sender said around it.
    pub envelope: Envelope,
    /// The mail as received.
    pub bytes: Vec<u8>,
}

/// Keeps mail in memory, up to a number of mails.
pub struct MemoryStore {
    most: usize,
    kept: Mutex<Vec<Kept>>,
}

impl MemoryStore {
    /// An empty store; when `most` mails are in it, further ones are refused for now (451).
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Everything that was kept, in order.
    pub fn all(&self) -> Vec<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many mails were kept.
    pub fn count(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put(&self, envelope: Envelope, bytes: Vec<u8>) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            return Err(base::Error::unavailable(
                "sink.full",
                format!("The mail sink holds {} mails and takes no more. Empty it.", self.most),
            ));
        }
        kept.push(Kept { envelope, bytes });
        Ok(())
    }

    async fn find(&self, message_id: &str) -> Result<u64> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let count = kept.iter().filter(|k| k.envelope.message_id.as_deref() == Some(message_id)).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}
