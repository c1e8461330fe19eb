//! What an entry of the books belongs to: the payment, refund, dispute, payout or exchange behind it.

use base::Result;
use db::Cx;
use ledger::TransferId;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where an entry leads: the address of the row behind it, and what it is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Behind {
    /// The address.
    pub href: String,
    /// What the row is.
    pub label: &'static str,
}

/// What of an entry says where it came from.
pub(crate) struct Marks<'a> {
    /// The step.
    pub id: TransferId,
    /// The reservation or the dispute that it ends.
    pub ends: Option<TransferId>,
    /// Its note.
    pub memo: &'a str,
}

/// The rows behind entries, by the id of the step.
pub(crate) async fn behind(cx: &mut Cx, entries: &[Marks<'_>]) -> Result<BTreeMap<Uuid, Behind>> {
    let ids: Vec<Uuid> =
        entries.iter().flat_map(|e| [Some(e.id), e.ends]).flatten().map(TransferId::uuid).collect();
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select id as "step!", 'payouts' as "kind!", id as "target!" from pay.payout where tenant_id = $1 and id = any ($2)
           union all select id, 'disputes', id from pay.dispute where tenant_id = $1 and id = any ($2)
           union all select id, 'exchanges', id from pay.exchange where tenant_id = $1 and id = any ($2)
           union all select id, 'payments', payment_id from pay.refund where tenant_id = $1 and id = any ($2)"#,
        tenant.uuid(),
        &ids,
    )
    .fetch_all(cx.conn())
    .await?;
    let known: BTreeMap<Uuid, (String, Uuid)> =
        rows.into_iter().map(|row| (row.step, (row.kind, row.target))).collect();
    let of = |entry: &Marks<'_>| -> Option<Behind> {
        let step = known.get(&entry.id.uuid()).or_else(|| known.get(&entry.ends?.uuid()));
        let (kind, target) = match step {
            Some((kind, target)) => (kind.as_str(), *target),
            // The steps of a payment carry its id in their note; their own ids are derived from it.
            None => ("payments", entry.memo.strip_prefix("payment ")?.parse().ok()?),
        };
        let label = match kind {
            "payouts" => "its payout",
            "disputes" => "its dispute",
            "exchanges" => "its exchange",
            _ => "its payment",
        };
        Some(Behind { href: format!("/pay/{kind}/{target}"), label })
    };
    Ok(entries.iter().filter_map(|entry| Some((entry.id.uuid(), of(entry)?))).collect())
}
