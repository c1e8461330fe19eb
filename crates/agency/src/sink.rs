//! The bridge between the mail sink's SMTP server, which knows no product, and outreach, which keeps
//! what it takes in.

use async_trait::async_trait;
use base::Result;
use db::Db;
use outreach::sink;
use twins::smtp_sink::{Envelope, Store};

/// Keeps what the sink takes in.
pub(crate) struct Kept {
    db: Db,
}

impl Kept {
    /// Over the database of the process.
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Store for Kept {
    async fn put(&self, envelope: Envelope, bytes: Vec<u8>) -> Result<()> {
        let kept = sink::Kept {
            from: envelope.from,
            to: envelope.to,
            message_id: envelope.message_id,
            username: envelope.username,
            received_at: envelope.received_at,
            raw: bytes,
        };
        sink::store(&self.db, kept).await
    }

    async fn find(&self, message_id: &str) -> Result<u64> {
        sink::find(&self.db, message_id).await
    }
}
