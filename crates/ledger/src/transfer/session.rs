//! Steps of several callers in one transaction: everything is locked and read first, each caller's steps
//! are decided on their own, and what was decided is written at the end.

use super::{Outcome, Step, book::Book, rules, store};
use crate::account::{self, Key};
use crate::{AccountId, STEPS_MAX};
use base::{Error, Result, TenantId, Time};
use db::{Cx, Scope};
use std::collections::BTreeSet;

/// Locked accounts, and what was decided over them so far.
pub struct Session {
    book: Book,
    scope: Scope,
    now: Time,
}

/// Locks what these steps need, in the order of the accounts' ids, and reads it; opens those of these
/// accounts that are missing. Steps that are not among these cannot be applied in the session.
///
/// # Errors
/// `ledger_batch` for more than [`STEPS_MAX`] steps; not found for an account of another tenant.
pub async fn session(cx: &mut Cx, keys: &[Key], steps: &[Step]) -> Result<Session> {
    if steps.len() > STEPS_MAX {
        return Err(Error::invalid("ledger_batch", format!("At most {STEPS_MAX} steps at once.")));
    }
    let mut wanted = rules::wanted(steps);
    let own: BTreeSet<_> = steps.iter().map(|step| step.id).collect();
    // What is reserved and ended here is not looked for among what was reserved before.
    wanted.pendings.retain(|pending| !own.contains(pending));
    let mut accounts = store::hold(cx, &wanted).await?;
    let missing: Vec<Key> = keys.iter().filter(|key| !accounts.contains_key(&key.id())).copied().collect();
    if !missing.is_empty() {
        account::open(cx, &missing).await?;
        accounts = store::hold(cx, &wanted).await?;
    }
    let seen = store::seen(cx, &wanted).await?;
    // Asked once the locks are held: whoever waited decides by the time at which it may.
    let now = cx.clock().now();
    Ok(Session { book: Book::new(None, now, accounts, seen), scope: cx.scope(), now })
}

impl Session {
    /// What may be taken from an account now, in minor units; nothing of one that is not held.
    pub fn available(&self, id: AccountId) -> i64 {
        self.book.available(id)
    }

    /// Decides steps of one tenant, as [`super::apply`] does in its scope. What is refused leaves no trace.
    ///
    /// # Errors
    /// Internal when the session belongs to another tenant.
    pub fn apply(&mut self, tenant: TenantId, steps: &[Step]) -> Result<Vec<Outcome>> {
        match self.scope {
            Scope::Tenant(own) if own != tenant => {
                return Err(Error::internal("A session of one tenant's books was asked for another's."));
            }
            Scope::Tenant(_) | Scope::System => {}
        }
        self.book.act_for(tenant);
        Ok(self.book.decide(steps))
    }

    /// Writes what was decided.
    ///
    /// # Errors
    /// `ledger_race` (transient) when the same id is written by another transaction at this moment.
    pub async fn write(self, cx: &mut Cx) -> Result<()> {
        store::write(cx, &self.book.changes(), self.now).await
    }
}
