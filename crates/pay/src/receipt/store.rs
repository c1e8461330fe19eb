//! The SQL of receipts.

use super::{Due, Evidence, Kind, Receipt, ReceiptId};
use crate::page;
use crate::payment::PaymentId;
use crate::principal::PrincipalId;
use crate::rail::Rail;
use ap2::chain::Entry;
use base::{Cursor, Digest, Error, Page, Result, TenantId, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a chain ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// How many receipts it has.
    pub sequence: i64,
    /// The hash of the last one; zeros for an empty chain.
    pub hash: Digest,
}

fn digest(bytes: &[u8]) -> Result<Digest> {
    Digest::from_slice(bytes).ok_or_else(|| Error::internal("A kept hash is not 32 bytes."))
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    hex::decode(text).map_err(|cause| Error::internal("A hash is not hex.").caused_by(cause))
}

/// The ends of chains of several tenants.
pub(super) type Heads = BTreeMap<TenantId, Head>;

/// Locks the ends of chains, in the order of their tenants; makes them at the beginning.
pub(super) async fn lock_heads(cx: &mut Cx, tenants: &[TenantId]) -> Result<Heads> {
    let now = cx.now();
    let rows = sqlx::query!(
        "insert into pay.receipt_head as h (tenant_id, sequence, hash, updated_at)
         select w.tenant_id, 0, $2, $3 from unnest($1::uuid[]) as w (tenant_id) order by w.tenant_id
         on conflict (tenant_id) do update set updated_at = excluded.updated_at returning h.tenant_id, h.sequence, h.hash",
        &tenants.iter().map(|tenant| tenant.uuid()).collect::<Vec<_>>(),
        &Digest::ZERO.0[..],
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| Ok((TenantId(row.tenant_id), Head { sequence: row.sequence, hash: digest(&row.hash)? })))
        .collect()
}

/// Moves the ends of chains from where they were locked to where they are now.
pub(super) async fn move_heads(cx: &mut Cx, from: &Heads, to: &Heads) -> Result<()> {
    let now = cx.now();
    let moved = sqlx::query!(
        "update pay.receipt_head h set sequence = w.sequence, hash = w.hash, updated_at = $5
         from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[]) as w (tenant_id, was, sequence, hash)
         where h.tenant_id = w.tenant_id and h.sequence = w.was",
        &to.keys().map(|tenant| tenant.uuid()).collect::<Vec<_>>(),
        &from.values().map(|head| head.sequence).collect::<Vec<_>>(),
        &to.values().map(|head| head.sequence).collect::<Vec<_>>(),
        &to.values().map(|head| head.hash.0.to_vec()).collect::<Vec<_>>(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if moved.rows_affected() == to.len() as u64 {
        return Ok(());
    }
    Err(Error::internal("A chain of receipts moved under its lock."))
}

/// Where the tenant's chain ends now.
pub async fn head(cx: &mut Cx) -> Result<Head> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!("select sequence, hash from pay.receipt_head where tenant_id = $1", tenant.uuid())
        .fetch_optional(cx.conn())
        .await?;
    match row {
        Some(row) => Ok(Head { sequence: row.sequence, hash: digest(&row.hash)? }),
        None => Ok(Head { sequence: 0, hash: Digest::ZERO }),
    }
}

/// What of the mandate is named.
pub(super) async fn evidence(cx: &mut Cx, mandate: Uuid, payment: Uuid) -> Result<Evidence> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        r#"select m.hash, m.policy_hash, coalesce(c.payment_token, m.token) as "token!" from pay.mandate m
           left join pay.closed_mandate c on c.tenant_id = m.tenant_id and c.mandate_id = m.id and c.payment_id = $3
           where m.tenant_id = $1 and m.id = $2"#,
        tenant.uuid(),
        mandate,
        payment,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("mandate"))?;
    let token = String::from_utf8(row.token)
        .map_err(|cause| Error::internal("The token of a mandate is not text.").caused_by(cause))?;
    Ok(Evidence { hash: row.hash, policy_hash: row.policy_hash, token })
}

/// Writes receipts with one statement.
pub(super) async fn insert(cx: &mut Cx, dues: &[Due], receipts: &[Receipt]) -> Result<()> {
    let bytes = |of: fn(&Receipt) -> Result<Vec<u8>>| receipts.iter().map(of).collect::<Result<Vec<_>>>();
    let evidence = |of: fn(&Due) -> &Vec<u8>| dues.iter().map(|due| of(due).clone()).collect::<Vec<_>>();
    sqlx::query!(
        "insert into pay.receipt (id, tenant_id, sequence, kind, payment_id, subject_id, principal_id, mandate_hash, policy_hash, rail,
                                  provider_ref, amount_minor, currency, body, prev_hash, curr_hash, kid, signature, jwt, at)
         select w.id, w.tenant_id, w.sequence, w.kind::pay.receipt_kind, w.payment_id, w.subject_id, w.principal_id, w.mandate_hash,
                w.policy_hash, w.rail::pay.rail, w.provider_ref, w.amount_minor, w.currency, w.body, w.prev_hash, w.curr_hash, w.kid,
                w.signature, w.jwt, w.at
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::bytea[], $9::bytea[],
                     $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bytea[], $15::bytea[], $16::bytea[], $17::text[],
                     $18::bytea[], $19::text[], $20::timestamptz[])
           as w (id, tenant_id, sequence, kind, payment_id, subject_id, principal_id, mandate_hash, policy_hash, rail, provider_ref,
                 amount_minor, currency, body, prev_hash, curr_hash, kid, signature, jwt, at)",
        &receipts.iter().map(|r| r.id.uuid()).collect::<Vec<_>>(),
        &dues.iter().map(|due| due.tenant.uuid()).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.sequence).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.kind.word().to_owned()).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.payment_id.uuid()).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.subject_id).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.principal_id.uuid()).collect::<Vec<_>>(),
        &evidence(|due| &due.evidence.hash),
        &evidence(|due| &due.evidence.policy_hash),
        &receipts.iter().map(|r| r.rail.word().to_owned()).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.provider_ref.clone()).collect::<Vec<_>>() as &[Option<String>],
        &receipts.iter().map(|r| r.amount_minor).collect::<Vec<_>>(),
        &receipts.iter().map(|r| r.currency.code().to_owned()).collect::<Vec<_>>(),
        &bytes(|r| Ok(serde_jcs::to_vec(&r.receipt)?))?,
        &bytes(|r| unhex(&r.prev_hash))?,
        &bytes(|r| unhex(&r.curr_hash))?,
        &receipts.iter().map(|r| r.kid.clone()).collect::<Vec<_>>(),
        &bytes(|r| crate::mandate::unb64(&r.signature))?,
        &receipts.iter().map(|r| r.jwt.clone()).collect::<Vec<_>>() as &[Option<String>],
        &receipts.iter().map(|r| r.at).collect::<Vec<_>>() as &[Time],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    sequence: i64,
    kind: Kind,
    payment_id: Uuid,
    subject_id: Uuid,
    principal_id: Uuid,
    rail: Rail,
    provider_ref: Option<String>,
    amount_minor: i64,
    currency: String,
    body: Vec<u8>,
    prev_hash: Vec<u8>,
    curr_hash: Vec<u8>,
    kid: String,
    signature: Vec<u8>,
    jwt: Option<String>,
    at: Time,
}

impl Row {
    fn receipt(self) -> Result<Receipt> {
        Ok(Receipt {
            id: self.id.into(),
            sequence: self.sequence,
            kind: self.kind,
            payment_id: self.payment_id.into(),
            subject_id: self.subject_id,
            principal_id: self.principal_id.into(),
            rail: self.rail,
            provider_ref: self.provider_ref,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            receipt: serde_json::from_slice(&self.body)?,
            prev_hash: hex::encode(&self.prev_hash),
            curr_hash: hex::encode(&self.curr_hash),
            kid: self.kid,
            signature: crate::mandate::b64(&self.signature),
            jwt: self.jwt,
            at: self.at,
        })
    }
}

pub(super) async fn get(cx: &mut Cx, id: ReceiptId) -> Result<Option<Receipt>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, sequence, kind as "kind: Kind", payment_id, subject_id, principal_id, rail as "rail: Rail", provider_ref, amount_minor,
                  currency, body, prev_hash, curr_hash, kid, signature, jwt, at
           from pay.receipt where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::receipt)
    .transpose()
}

pub(super) async fn of_subject(cx: &mut Cx, subject: Uuid, kind: Kind) -> Result<Option<Receipt>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, sequence, kind as "kind: Kind", payment_id, subject_id, principal_id, rail as "rail: Rail", provider_ref, amount_minor,
                  currency, body, prev_hash, curr_hash, kid, signature, jwt, at
           from pay.receipt where tenant_id = $1 and subject_id = $2 and kind = $3"#,
        tenant.uuid(),
        subject,
        kind as Kind,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::receipt)
    .transpose()
}

/// The receipts of a payment, oldest first.
pub async fn by_payment(cx: &mut Cx, payment: PaymentId) -> Result<Vec<Receipt>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, sequence, kind as "kind: Kind", payment_id, subject_id, principal_id, rail as "rail: Rail", provider_ref, amount_minor,
                  currency, body, prev_hash, curr_hash, kid, signature, jwt, at
           from pay.receipt where tenant_id = $1 and payment_id = $2 order by sequence limit 200"#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::receipt)
    .collect()
}

/// Receipts, the latest first.
pub async fn list(
    cx: &mut Cx,
    principal: Option<PrincipalId>,
    kind: Option<Kind>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Receipt>> {
    let tenant = cx.tenant()?;
    let before = match after {
        Some(cursor) => cursor.parts()?.0.parse::<i64>().map_err(|cause| {
            Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
                .caused_by(cause)
        })?,
        None => i64::MAX,
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select id, sequence, kind as "kind: Kind", payment_id, subject_id, principal_id, rail as "rail: Rail", provider_ref, amount_minor,
                  currency, body, prev_hash, curr_hash, kid, signature, jwt, at
           from pay.receipt
           where tenant_id = $1 and sequence < $2 and ($3::uuid is null or principal_id = $3) and ($4::pay.receipt_kind is null or kind = $4)
           order by sequence desc limit $5"#,
        tenant.uuid(),
        before,
        principal.map(|id| id.uuid()),
        kind as Option<Kind>,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    let rows: Vec<Receipt> = rows.into_iter().map(Row::receipt).collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit, |r| Cursor::after(&r.sequence.to_string(), r.id.uuid())))
}

/// A part of the tenant's chain as its checkers want it: after this number, at most so many.
pub async fn entries(cx: &mut Cx, after: i64, limit: i64) -> Result<Vec<Entry>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        "select body, prev_hash, curr_hash, kid, signature from pay.receipt where tenant_id = $1 and sequence > $2 order by sequence limit $3",
        tenant.uuid(),
        after,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Entry {
                receipt: serde_json::from_slice(&row.body)?,
                prev_hash: hex::encode(&row.prev_hash),
                curr_hash: hex::encode(&row.curr_hash),
                kid: row.kid,
                signature: crate::mandate::b64(&row.signature),
            })
        })
        .collect()
}
