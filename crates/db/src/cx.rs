//! The context of one unit of work: an open transaction, bound to a tenant, with who acts and when.

use crate::{Db, Fact, Told};
use base::{Actor, Clock, Error, Random, RequestId, Result, TenantId, Time};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use std::sync::Arc;

/// Whose rows a transaction sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// One tenant's.
    Tenant(TenantId),
    /// Every tenant's: the kernel's own work only.
    System,
}

/// Who acts, and under which request or job run.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Ties log lines, facts and audit entries together.
    pub request: RequestId,
}

impl Caller {
    /// The machine itself, as the named part, under a fresh request id.
    pub fn system(part: &str, db: &Db) -> Self {
        Self { actor: Actor::system(part), request: db.random().id(db.clock().as_ref()) }
    }
}

/// One unit of work. Verbs take `&mut Cx`; the edge that opened it commits. Dropped without
/// [`Cx::commit`], everything is rolled back.
pub struct Cx {
    tx: Transaction<'static, Postgres>,
    scope: Scope,
    caller: Caller,
    now: Time,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    cause: Option<i64>,
}

/// Begins a transaction on a task of its own, so that a caller who goes away meanwhile (a browser that
/// closes its connection, a time limit) cannot leave a connection in the pool on which `BEGIN` was sent
/// but which nobody knows to be inside a transaction: sqlx rolls back only what has begun.
async fn begin(db: &Db, statement: String) -> Result<Transaction<'static, Postgres>> {
    let pool = db.pool().clone();
    // Every value in it is quoted by `quoted`.
    let begun = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(statement)).await });
    Ok(begun.await.map_err(|cause| Error::internal("A transaction could not begin.").caused_by(cause))??)
}

/// A text as a literal of SQL (`standard_conforming_strings` is on, see the connection's options).
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

impl Cx {
    pub(crate) async fn open(db: &Db, scope: Scope, caller: Caller) -> Result<Self> {
        let now = db.clock().now();
        let (tenant, role) = match scope {
            Scope::Tenant(tenant) => (tenant.to_string(), "agency_app"),
            Scope::System => (String::new(), "agency_system"),
        };
        // One message for both: a page waits for the server once less.
        let statement = format!(
            "begin; select set_config('role', {}, true), set_config('agency.tenant', {}, true), set_config('agency.actor', {}, true),
                           set_config('agency.request', {}, true), set_config('agency.now', {}, true)",
            quoted(role),
            quoted(&tenant),
            quoted(&caller.actor.label()),
            quoted(&caller.request.to_string()),
            quoted(&now.to_string()),
        );
        let tx = begin(db, statement).await?;
        Ok(Self {
            tx,
            scope,
            caller,
            now,
            clock: db.clock().clone(),
            random: db.random().clone(),
            cause: None,
        })
    }

    /// The connection, for statements.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The tenant. Errors in [`Scope::System`], where there is none.
    pub fn tenant(&self) -> Result<TenantId> {
        match self.scope {
            Scope::Tenant(tenant) => Ok(tenant),
            Scope::System => {
                Err(Error::internal("This work belongs to one tenant but was started for all of them."))
            }
        }
    }

    /// Whose rows are seen.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// Who acts and under which request.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The instant at which this unit of work began; the same throughout.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The injected clock, where an instant later than [`Cx::now`] matters.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The injected randomness.
    pub fn random(&self) -> &Arc<Random> {
        &self.random
    }

    /// A fresh time-ordered id.
    pub fn id<T: From<uuid::Uuid>>(&self) -> T {
        T::from(self.random.uuid(self.now))
    }

    /// Says why, for the audit entries of what follows in this transaction.
    pub async fn because(&mut self, reason: &str) -> Result<()> {
        sqlx::query!("select set_config('agency.reason', $1, true)", reason).fetch_one(self.conn()).await?;
        Ok(())
    }

    /// Names the fact that led to this work; facts published from here on carry it.
    pub fn caused_by(&mut self, fact: i64) {
        self.cause = Some(fact);
    }

    /// Publishes a fact in this transaction: it is seen only if, and when, the change is.
    pub async fn publish(&mut self, fact: Fact) -> Result<()> {
        self.publish_all(vec![fact]).await
    }

    /// Publishes a fact of one tenant from work across tenants (sign-up, the kernel's own sweeps).
    pub async fn publish_for(&mut self, tenant: TenantId, fact: Fact) -> Result<()> {
        match self.scope {
            Scope::Tenant(own) if own != tenant => {
                Err(Error::internal("This work belongs to one tenant and cannot speak for another."))
            }
            Scope::Tenant(_) | Scope::System => crate::facts::insert(self, tenant, vec![fact]).await,
        }
    }

    /// Publishes many facts with one statement.
    pub async fn publish_all(&mut self, facts: Vec<Fact>) -> Result<()> {
        let tenant = self.tenant()?;
        crate::facts::insert(self, tenant, facts).await
    }

    /// Publishes facts of several callers whose work is one transaction, with one statement.
    ///
    /// # Errors
    /// Internal when this work belongs to one tenant and a fact to another.
    pub async fn publish_told(&mut self, told: Vec<Told>) -> Result<()> {
        match self.scope {
            Scope::Tenant(own) if told.iter().any(|one| one.tenant != own) => {
                Err(Error::internal("This work belongs to one tenant and cannot speak for another."))
            }
            Scope::Tenant(_) | Scope::System => crate::facts::insert_told(self, told).await,
        }
    }

    /// The causing fact, if one was named.
    pub(crate) fn cause(&self) -> Option<i64> {
        self.cause
    }

    /// Writes an audit entry for a verb that changes no audited row (a sign-in, an export).
    pub async fn note(
        &mut self,
        action: &str,
        table: &str,
        subject: Option<String>,
        detail: serde_json::Value,
    ) -> Result<()> {
        sqlx::query!("select audit.note($1, $2, $3, $4)", action, table, subject, detail)
            .fetch_one(self.conn())
            .await?;
        Ok(())
    }

    /// Keeps everything.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        Ok(())
    }

    /// Drops everything at once (a drop does the same a little later).
    pub async fn rollback(self) -> Result<()> {
        self.tx.rollback().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quoted_text_cannot_end_its_literal() {
        for (text, literal) in [
            ("user:1", "'user:1'"),
            ("o'brien", "'o''brien'"),
            ("\\'; drop table x; --", "'\\''; drop table x; --'"),
            ("a\0b", "'ab'"),
        ] {
            assert_eq!(quoted(text), literal);
        }
    }
}
