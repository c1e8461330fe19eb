//! Rebuilding the books: every balance again from the legs, and the first account that is not right.

use crate::{AccountId, Figures};
use base::{Error, Result};
use db::{Cx, Scope};

/// What is wrong with an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// The stored figures are not the sum of the legs.
    Figures {
        /// As stored; none: there is no balance.
        stored: Option<Figures>,
        /// As the legs say.
        computed: Figures,
    },
    /// A reservation of it was ended by more or less than was posted, or by more than was reserved.
    Ending,
    /// A leg of it has another currency than the account, or posts without ending a reservation.
    Leg,
}

/// What a rebuild found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Balances that were recomputed.
    pub accounts: i64,
    /// Legs that were read.
    pub legs: i64,
    /// The first account, by id, that is not right.
    pub first_bad: Option<(AccountId, Defect)>,
}

/// Recomputes every balance from the legs and compares; also that every ending posted what its legs say,
/// at most what was reserved, and that legs have their accounts' currency. Reads everything: for the
/// nightly job and people. Errors: in the scope of a tenant, which sees not enough.
pub async fn verify(cx: &mut Cx) -> Result<Verdict> {
    if cx.scope() != Scope::System {
        return Err(Error::internal("The books are rebuilt across tenants."));
    }
    let counted = sqlx::query!(
        r#"select (select count(*) from ledger.balance) as "accounts!", (select count(*) from ledger.transfer) as "legs!""#
    )
    .fetch_one(cx.conn())
    .await?;
    let mut found: Vec<(AccountId, Defect)> = Vec::new();
    found.extend(first_figures(cx).await?);
    found.extend(first_ending(cx).await?);
    found.extend(first_leg(cx).await?);
    let first_bad = found.into_iter().min_by_key(|(account, _)| *account);
    Ok(Verdict { accounts: counted.accounts, legs: counted.legs, first_bad })
}

async fn first_figures(cx: &mut Cx) -> Result<Option<(AccountId, Defect)>> {
    let row = sqlx::query!(
        r#"with side as (
             select t.debit_account as account, t.minor as debit, 0::bigint as credit, t.kind = 'pending' as pending
             from ledger.transfer t
             where t.kind <> 'pending' or not exists (select from ledger.resolution r where r.pending_id = t.id)
             union all
             select t.credit_account, 0, t.minor, t.kind = 'pending'
             from ledger.transfer t
             where t.kind <> 'pending' or not exists (select from ledger.resolution r where r.pending_id = t.id)
           ), summed as (
             select a.id as account,
                    coalesce(sum(s.debit) filter (where s.pending), 0) as pending_debits,
                    coalesce(sum(s.debit) filter (where not s.pending), 0) as posted_debits,
                    coalesce(sum(s.credit) filter (where s.pending), 0) as pending_credits,
                    coalesce(sum(s.credit) filter (where not s.pending), 0) as posted_credits
             from ledger.account a left join side s on s.account = a.id
             where a.bounded group by a.id
           )
           select coalesce(s.account, b.account_id) as "account!", b.account_id is not null as "stored!",
                  coalesce(b.pending_debits, 0) as "pending_debits!", coalesce(b.posted_debits, 0) as "posted_debits!",
                  coalesce(b.pending_credits, 0) as "pending_credits!", coalesce(b.posted_credits, 0) as "posted_credits!",
                  coalesce(s.pending_debits, 0)::bigint as "s_pending_debits!", coalesce(s.posted_debits, 0)::bigint as "s_posted_debits!",
                  coalesce(s.pending_credits, 0)::bigint as "s_pending_credits!", coalesce(s.posted_credits, 0)::bigint as "s_posted_credits!"
           from summed s full join ledger.balance b on b.account_id = s.account
           where (b.pending_debits, b.posted_debits, b.pending_credits, b.posted_credits)
             is distinct from (s.pending_debits, s.posted_debits, s.pending_credits, s.posted_credits)
           order by 1 limit 1"#
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|row| {
        let stored = Figures {
            pending_debits: row.pending_debits,
            posted_debits: row.posted_debits,
            pending_credits: row.pending_credits,
            posted_credits: row.posted_credits,
        };
        let computed = Figures {
            pending_debits: row.s_pending_debits,
            posted_debits: row.s_posted_debits,
            pending_credits: row.s_pending_credits,
            posted_credits: row.s_posted_credits,
        };
        (AccountId(row.account), Defect::Figures { stored: row.stored.then_some(stored), computed })
    }))
}

async fn first_ending(cx: &mut Cx) -> Result<Option<(AccountId, Defect)>> {
    let account = sqlx::query_scalar!(
        r#"with reserved as (
             select t.id, min(t.debit_account::text)::uuid as account, sum(t.minor) as minor
             from ledger.transfer t where t.kind = 'pending' group by t.id
           ), posted as (
             select t.id, t.pending_id, sum(t.minor) as minor from ledger.transfer t where t.kind = 'post' group by t.id, t.pending_id
           )
           select p.account as "account!"
           from ledger.resolution r
           join reserved p on p.id = r.pending_id
           left join posted q on q.pending_id = r.pending_id
           where r.posted_minor <> coalesce(q.minor, 0) or r.posted_minor > p.minor or q.id is distinct from case r.ending when 'posted' then r.id end
           order by 1 limit 1"#
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(account.map(|account| (AccountId(account), Defect::Ending)))
}

async fn first_leg(cx: &mut Cx) -> Result<Option<(AccountId, Defect)>> {
    let account = sqlx::query_scalar!(
        r#"select t.debit_account as "account!" from ledger.transfer t
           left join ledger.account d on d.id = t.debit_account and d.currency = t.currency
           left join ledger.account c on c.id = t.credit_account and c.currency = t.currency
           left join ledger.resolution r on r.pending_id = t.pending_id and r.id = t.id
           where d.id is null or c.id is null or (t.kind = 'post' and r.id is null)
           order by 1 limit 1"#
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(account.map(|account| (AccountId(account), Defect::Leg)))
}
