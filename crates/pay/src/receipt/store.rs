//! The SQL of receipts.

use super::{Evidence, Kind, Receipt, ReceiptId};
use crate::page;
use crate::payment::PaymentId;
use crate::principal::PrincipalId;
use crate::rail::Rail;
use ap2::chain::Entry;
use base::{Cursor, Digest, Error, Page, Result, Time};
use db::Cx;
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

/// Locks the end of the tenant's chain; makes it at the beginning.
pub(super) async fn lock_head(cx: &mut Cx) -> Result<Head> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let row = sqlx::query!(
        "insert into pay.receipt_head as h (tenant_id, sequence, hash, updated_at) values ($1, 0, $2, $3)
         on conflict (tenant_id) do update set updated_at = excluded.updated_at returning h.sequence, h.hash",
        tenant.uuid(),
        &Digest::ZERO.0[..],
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(Head { sequence: row.sequence, hash: digest(&row.hash)? })
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
pub(super) async fn evidence(cx: &mut Cx, mandate: Uuid) -> Result<Evidence> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select hash, policy_hash, token from pay.mandate where tenant_id = $1 and id = $2",
        tenant.uuid(),
        mandate
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("mandate"))?;
    let token = String::from_utf8(row.token)
        .map_err(|cause| Error::internal("The token of a mandate is not text.").caused_by(cause))?;
    Ok(Evidence { hash: row.hash, policy_hash: row.policy_hash, token })
}

pub(super) async fn insert(cx: &mut Cx, r: &Receipt, mandate: &Evidence) -> Result<()> {
    let tenant = cx.tenant()?;
    let body = serde_jcs::to_vec(&r.receipt)?;
    let (prev, curr) = (unhex(&r.prev_hash)?, unhex(&r.curr_hash)?);
    // The end moves with the receipt, in one statement: a second one from the same end finds no row.
    let moved = sqlx::query!(
        "with added as (
           insert into pay.receipt (id, tenant_id, sequence, kind, payment_id, subject_id, principal_id, mandate_hash, policy_hash, rail,
                                    provider_ref, amount_minor, currency, body, prev_hash, curr_hash, kid, signature, jwt, at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
           returning tenant_id, sequence, curr_hash, at)
         update pay.receipt_head h set sequence = a.sequence, hash = a.curr_hash, updated_at = a.at
         from added a where h.tenant_id = a.tenant_id and h.sequence = a.sequence - 1",
        r.id.uuid(),
        tenant.uuid(),
        r.sequence,
        r.kind as Kind,
        r.payment_id.uuid(),
        r.subject_id,
        r.principal_id.uuid(),
        mandate.hash,
        mandate.policy_hash,
        r.rail as Rail,
        r.provider_ref,
        r.amount_minor,
        r.currency.code(),
        body,
        prev,
        curr,
        r.kid,
        crate::mandate::unb64(&r.signature)?,
        r.jwt,
        r.at as Time,
    )
    .execute(cx.conn())
    .await?;
    if moved.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::internal("The chain of receipts moved under its lock."))
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
