//! Whether everything that must hold holds for what the cycles wrote.

use super::Payer;
use super::stage::owner;
use crate::payment::Desk;
use crate::receipt;
use base::{Result, Secret};
use db::{Caller, Db, Scope};
use std::collections::BTreeMap;

/// Rows against a rule: each statement counts what breaks it.
const RULES: [(&str, &str); 16] = [
    ("payments that have not ended well", "select count(*) from pay.payment where status <> 'succeeded' or captured_minor <> amount_minor"),
    (
        "payments without exactly one receipt of their amount",
        "select count(*) from pay.payment p where (select count(*) from pay.receipt r where r.tenant_id = p.tenant_id and r.subject_id = p.id
           and r.kind = 'succeeded' and r.amount_minor = p.amount_minor and r.currency = p.currency) <> 1",
    ),
    ("receipts without their payment", "select count(*) from pay.receipt r where not exists (select from pay.payment p where p.id = r.payment_id and p.tenant_id = r.tenant_id)"),
    ("gaps in chains of receipts", "select count(*) from (select tenant_id, max(sequence) - count(*) as gap, min(sequence) as first from pay.receipt group by tenant_id) c where gap <> 0 or first <> 1"),
    ("ends of chains elsewhere than their last receipt", "select count(*) from pay.receipt_head h join lateral (select sequence, curr_hash from pay.receipt r where r.tenant_id = h.tenant_id order by sequence desc limit 1) l on true where (l.sequence, l.curr_hash) is distinct from (h.sequence, h.hash)"),
    (
        "payments whose reservation did not end once, as posted, in full",
        "select count(*) from pay.payment p where (select count(*) from ledger.resolution r where r.pending_id = p.reservation and r.ending = 'posted'
           and r.posted_minor = p.amount_minor and r.id = p.capture) <> 1",
    ),
    (
        "payments whose legs are not amount reserved, share and fee",
        "select count(*) from pay.payment p where
           (select coalesce(sum(minor), 0) from ledger.transfer t where t.id = p.reservation and t.kind = 'pending') <> p.amount_minor
           or (select coalesce(sum(minor), 0) from ledger.transfer t where t.id = p.capture and t.kind = 'post') <> p.amount_minor
           or (select coalesce(sum(t.minor), 0) from ledger.transfer t join ledger.account a on a.id = t.credit_account
                where t.id = p.capture and a.chart = 'platform_fee') <> p.fee_minor",
    ),
    ("reservations that never ended", "select count(*) from ledger.transfer t where t.kind = 'pending' and t.leg = 0 and not exists (select from ledger.resolution r where r.pending_id = t.id)"),
    ("balances below zero or with something left aside", "select count(*) from ledger.balance where posted_credits - posted_debits < 0 or pending_debits <> 0 or pending_credits <> 0"),
    (
        "currencies in which debits are not credits",
        "select count(*) from (
           select s.currency from (
             select a.currency, t.minor as debit, 0::bigint as credit from ledger.transfer t join ledger.account a on a.id = t.debit_account where t.kind <> 'pending'
             union all
             select a.currency, 0, t.minor from ledger.transfer t join ledger.account a on a.id = t.credit_account where t.kind <> 'pending') s
           group by s.currency having sum(s.debit) <> sum(s.credit)) c",
    ),
    (
        "mandates whose counters are not their payments",
        "select count(*) from pay.mandate m left join lateral (select coalesce(sum(captured_minor), 0) as paid, count(*) as times from pay.payment p
           where p.tenant_id = m.tenant_id and p.mandate_id = m.id) u on true
         where m.spent_minor <> u.paid or m.executions <> u.times or m.reserved_minor <> 0 or m.spent_minor > m.total_minor
            or (u.times = m.executions_max) <> (m.status = 'exhausted')",
    ),
    (
        "limits of payers that are not the sum of their payments",
        "select count(*) from pay.principal o where exists (
           select from (select cap_day as period, sum(amount_minor) as paid from pay.payment p where p.principal_id = o.id group by 1
                        union all select cap_month, sum(amount_minor) from pay.payment p where p.principal_id = o.id group by 1) s
           left join pay.cap_use u on u.tenant_id = o.tenant_id and u.subject = o.id and u.period = s.period
           where u.used_minor is distinct from s.paid)",
    ),
    ("payments without the three facts", "select count(*) from pay.payment p where (select count(*) from kernel.fact f where f.tenant_id = p.tenant_id and f.subject_id = p.id and f.type in ('pay.payment.begun', 'pay.payment.succeeded')) <> 2 or not exists (select from pay.receipt r join kernel.fact f on f.tenant_id = r.tenant_id and f.subject_id = r.id and f.type = 'pay.receipt.issued' where r.tenant_id = p.tenant_id and r.payment_id = p.id)"),
    ("payments without both lines of their timeline", "select count(*) from pay.payment p where (select count(*) from pay.payment_event e where e.tenant_id = p.tenant_id and e.payment_id = p.id and e.kind in ('reserved', 'succeeded')) <> 2"),
    ("calls without a kept answer", "select abs((select count(*) from pay.payment) - (select count(*) from kernel.idempotency where path = 'POST /api/v1/execute' and status = 200 and body is not null))"),
    ("rows of one tenant that name another's", "select count(*) from pay.payment p join pay.mandate m on m.id = p.mandate_id where m.tenant_id <> p.tenant_id"),
];

/// Counts what does not hold: every rule over the rows, the books rebuilt, every chain and signature.
pub(super) async fn all(
    db: &Db,
    desk: &Desk,
    url: &Secret,
    payers: &[Payer],
    cycles: usize,
) -> Result<BTreeMap<&'static str, i64>> {
    let mut found = BTreeMap::new();
    let mut conn = owner(url).await?;
    for (name, statement) in RULES {
        found.insert(name, sqlx::query_scalar::<_, i64>(statement).fetch_one(&mut conn).await?);
    }
    let paid: i64 = sqlx::query_scalar("select count(*) from pay.payment").fetch_one(&mut conn).await?;
    found.insert("cycles that are not one payment", (paid - i64::try_from(cycles).unwrap_or(i64::MAX)).abs());
    let mut cx = db.system("bench").await?;
    let books = ledger::verify::verify(&mut cx).await?;
    found.insert("balances that are not what their legs say", i64::from(books.first_bad.is_some()));
    drop(cx);
    let jwks = desk.ring.keys().await?.jwks();
    let mut bad = 0;
    for payer in payers {
        let mut cx = db.begin(Scope::Tenant(payer.tenant), Caller::system("bench", db)).await?;
        bad += i64::from(receipt::verify::chain(&mut cx, &jwks).await?.first_bad.is_some());
    }
    found.insert("chains of receipts with a wrong hash or signature", bad);
    Ok(found)
}

/// Transactions that wrote receipts so far.
pub(super) async fn commits(url: &Secret) -> Result<i64> {
    let statement = "select count(distinct xid) from kernel.fact where type = 'pay.receipt.issued'";
    Ok(sqlx::query_scalar(statement).fetch_one(&mut owner(url).await?).await?)
}
