//! The books look after themselves: reservations whose time is over are given back, and each
//! night every balance is computed again from the legs.

use base::{Result, TenantId};
use control::notification::{self, Notification, Severity};
use db::{Cx, Scope};
use jobs::{Job, Run};
use ledger::AccountId;
use ledger::verify::Defect;
use serde::{Deserialize, Serialize};

/// Reservations of one transaction.
const BATCH: i64 = 500;

/// Gives back what was reserved until now.
pub(super) async fn expire(run: &Run) -> Result<()> {
    loop {
        let mut cx = run.db().system("pay.sweep").await?;
        let swept = ledger::sweep::sweep(&mut cx, BATCH).await?;
        cx.commit().await?;
        if !swept.more {
            return Ok(());
        }
    }
}

/// Rebuilds the books. Because a leg is a debit and a credit at once, balances that equal their legs, and
/// legs that have their accounts' currency, are also debits that equal credits.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verify {}

impl Job for Verify {
    const KIND: &'static str = "pay.verify_books";
    const QUEUE: &'static str = "pay";
    const TIMEOUT_S: u64 = 3_600;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system(Self::KIND).await?;
        let verdict = ledger::verify::verify(&mut cx).await?;
        let Some((account, defect)) = verdict.first_bad else { return Ok(()) };
        tracing::error!(%account, ?defect, "the books are not sound");
        metrics::counter!("pay_books_defects_total").increment(1);
        let whom = concerned(&mut cx, account).await?;
        drop(cx);
        for tenant in whom {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            notification::notify(&mut cx, &alarm(account, defect)).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Who is told: whose account it is, and those who run the installation.
async fn concerned(cx: &mut Cx, account: AccountId) -> Result<Vec<TenantId>> {
    let rows = sqlx::query_scalar!(
        r#"select m.tenant_id as "tenant_id!" from accounts.membership m join accounts.person p on p.id = m.person_id where p.platform_admin
           union select a.tenant_id from ledger.account a where a.id = $1 and a.tenant_id is not null"#,
        account.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

fn alarm(account: AccountId, defect: Defect) -> Notification {
    let why = match defect {
        Defect::Figures { stored: None, .. } => "it has entries and no balance",
        Defect::Figures { stored: Some(_), .. } => "its balance is not the sum of its entries",
        Defect::Ending => "a reservation ended by another amount than was posted",
        Defect::Leg => "an entry does not belong to it",
    };
    Notification {
        person: None,
        kind: notification::Kind::Failure,
        severity: Severity::Critical,
        title: "The books are not sound".to_owned(),
        body: format!(
            "Account {account}: {why}. Stop payments with a switch, and compare it with the last good backup."
        ),
        href: Some("/pay/reconciliation".to_owned()),
        dedupe_key: "pay.books".to_owned(),
    }
}
