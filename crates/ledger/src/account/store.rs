//! Statements of accounts.

use super::{Account, AccountId, Figures, Key, Which};
use crate::Chart;
use base::{Currency, Result, TenantId, Time};
use db::Cx;
use uuid::Uuid;

struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    chart: String,
    subject: Uuid,
    currency: String,
    pending_debits: i64,
    posted_debits: i64,
    pending_credits: i64,
    posted_credits: i64,
    version: i64,
}

impl Row {
    fn account(self) -> Result<Account> {
        Ok(Account {
            id: AccountId(self.id),
            tenant: self.tenant_id.map(TenantId),
            chart: Chart::named(&self.chart)?,
            subject: self.subject,
            currency: self.currency.parse()?,
            figures: Figures {
                pending_debits: self.pending_debits,
                posted_debits: self.posted_debits,
                pending_credits: self.pending_credits,
                posted_credits: self.posted_credits,
            },
            version: self.version,
        })
    }
}

pub(super) async fn open(cx: &mut Cx, keys: &[Key]) -> Result<()> {
    let now = cx.now();
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let ids: Vec<Uuid> = keys.iter().map(|key| key.id().uuid()).collect();
    let tenants: Vec<Option<Uuid>> = keys.iter().map(|key| key.tenant().map(TenantId::uuid)).collect();
    let charts: Vec<String> = keys.iter().map(|key| key.chart().word().to_owned()).collect();
    let subjects: Vec<Uuid> = keys.iter().map(Key::subject).collect();
    let currencies: Vec<String> = keys.iter().map(|key| key.currency().code().to_owned()).collect();
    let bounds: Vec<bool> = keys.iter().map(|key| key.chart().is_bounded()).collect();
    let negatives: Vec<bool> = keys.iter().map(|key| key.chart().may_be_negative()).collect();
    let debits: Vec<bool> = keys.iter().map(|key| key.chart().limits_debits()).collect();
    let credits: Vec<bool> = keys.iter().map(|key| key.chart().limits_credits()).collect();
    sqlx::query!(
        "select ledger.open($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &ids,
        &tenants as &[Option<Uuid>],
        &charts,
        &subjects,
        &currencies,
        &bounds,
        &negatives,
        &debits,
        &credits,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(())
}

/// Row security says what is seen; the figures of unbounded accounts are summed.
pub(super) async fn list(cx: &mut Cx, after: Option<AccountId>, limit: i64) -> Result<Vec<Account>> {
    let ids = sqlx::query_scalar!(
        "select a.id from ledger.account a
         where $1::uuid is null or (a.chart, a.id) > (select b.chart, b.id from ledger.account b where b.id = $1)
         order by a.chart, a.id limit $2",
        after.map(AccountId::uuid),
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    many(cx, &ids).await
}

pub(super) async fn currencies(cx: &mut Cx) -> Result<Vec<Currency>> {
    let codes = sqlx::query_scalar!("select distinct currency from ledger.account order by currency")
        .fetch_all(cx.conn())
        .await?;
    codes.iter().map(|code| code.parse()).collect()
}

pub(super) async fn some(
    cx: &mut Cx,
    which: Which,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Account>> {
    let ids = sqlx::query_scalar!(
        "select a.id from ledger.account a
         where ($3::text is null or a.chart = $3::text::ledger.chart) and ($4::text is null or a.currency = $4)
           and ($1::uuid is null or (a.chart, a.id) > (select b.chart, b.id from ledger.account b where b.id = $1))
         order by a.chart, a.id limit $2",
        after.map(AccountId::uuid),
        limit,
        which.chart.map(Chart::word),
        which.currency.map(Currency::code),
    )
    .fetch_all(cx.conn())
    .await?;
    many(cx, &ids).await
}

pub(super) async fn find(cx: &mut Cx, id: AccountId) -> Result<Option<Account>> {
    Ok(many(cx, &[id.uuid()]).await?.into_iter().next())
}

async fn many(cx: &mut Cx, ids: &[Uuid]) -> Result<Vec<Account>> {
    sqlx::query_as!(
        Row,
        r#"select a.id, a.tenant_id, a.chart::text as "chart!", a.subject, a.currency,
                  coalesce(b.pending_debits, s.pending_debits, 0)::bigint as "pending_debits!",
                  coalesce(b.posted_debits, s.posted_debits, 0)::bigint as "posted_debits!",
                  coalesce(b.pending_credits, s.pending_credits, 0)::bigint as "pending_credits!",
                  coalesce(b.posted_credits, s.posted_credits, 0)::bigint as "posted_credits!",
                  coalesce(b.version, 0) as "version!"
           from ledger.account a
           left join ledger.balance b on b.account_id = a.id
           left join lateral (
             select sum(t.minor) filter (where t.kind = 'pending' and r.id is null and t.debit_account = a.id) as pending_debits,
                    sum(t.minor) filter (where t.kind <> 'pending' and t.debit_account = a.id) as posted_debits,
                    sum(t.minor) filter (where t.kind = 'pending' and r.id is null and t.credit_account = a.id) as pending_credits,
                    sum(t.minor) filter (where t.kind <> 'pending' and t.credit_account = a.id) as posted_credits
             from ledger.transfer t left join ledger.resolution r on r.pending_id = t.id
             where not a.bounded and (t.debit_account = a.id or t.credit_account = a.id)
           ) s on true
           where a.id = any ($1) order by a.chart, a.id"#,
        ids,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::account)
    .collect()
}
