//! What exactly one process of an installation does at a time: a lock of PostgreSQL on a connection of its
//! own, which ends with the process or the connection.

use crate::Db;
use base::Result;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// The lock, while its connection lives.
pub struct Sole {
    conn: PgConnection,
}

/// Between two looks whether the connection still lives.
const LOOK: Duration = Duration::from_secs(1);

impl Db {
    /// Becomes the one process of this database that does `what`. None: another one is.
    pub async fn sole(&self, what: &str) -> Result<Option<Sole>> {
        let mut conn = PgConnection::connect_with(self.options()).await?;
        let got: Option<bool> =
            sqlx::query_scalar!("select pg_try_advisory_lock(hashtext('agency sole'), hashtext($1))", what)
                .fetch_one(&mut conn)
                .await?;
        Ok((got == Some(true)).then_some(Sole { conn }))
    }
}

impl Sole {
    /// Returns when the connection, and with it the lock, is gone.
    pub async fn lost(&mut self) {
        while self.conn.ping().await.is_ok() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
