//! Checking a tenant's chain again, from its first receipt on: numbers, hashes, signatures, that the
//! columns say what was hashed, and every checkpoint against the receipt that it counted up to.

use super::checkpoint;
use super::store::{self, Head};
use ap2::Jwks;
use ap2::chain::{Checkpoint, Start};
use base::{Digest, Result, TenantId};
use db::{Cx, Db};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Receipts that are read at once.
const PAGE: i64 = 1_000;
/// Checkpoints that are checked: more than a year of one each hour.
const POINTS_MAX: i64 = 10_000;

/// What was checked and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Verdict {
    /// Receipts that were checked.
    pub receipts: i64,
    /// Checkpoints that were checked.
    pub checkpoints: i64,
    /// The hash of the last receipt, in hex.
    pub head: String,
    /// The first thing that is wrong; none: everything is sound.
    pub first_bad: Option<Bad>,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Bad {
    /// The number that the receipt has, or should have.
    pub sequence: i64,
    /// What is wrong with it.
    pub why: String,
}

/// Whose chains there are.
///
/// # Errors
/// What the database says.
pub async fn tenants(db: &Db) -> Result<Vec<TenantId>> {
    let mut cx = db.system("verifier").await?;
    let rows = sqlx::query_scalar!("select tenant_id from pay.receipt_head order by tenant_id")
        .fetch_all(cx.conn())
        .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Checks the whole chain of the tenant. Reads everything.
///
/// # Errors
/// What the database says; what is wrong with the chain is in the verdict.
pub async fn chain(cx: &mut Cx, keys: &Jwks) -> Result<Verdict> {
    let points = checkpoint::list(cx, POINTS_MAX).await?;
    let tenant = cx.tenant()?.to_string();
    let mut at_size: BTreeMap<u64, Option<String>> = points.iter().map(|point| (point.size, None)).collect();
    let mut end = Head { sequence: 0, hash: Digest::ZERO };
    let mut first_bad = mismatched_columns(cx).await?;
    loop {
        let entries = store::entries(cx, end.sequence, PAGE).await?;
        if entries.is_empty() {
            break;
        }
        let first = end.sequence + 1;
        let start = Start { seq: u64::try_from(first).unwrap_or(1), prev: end.hash };
        match ap2::chain::verify(&entries, &tenant, start, keys) {
            Ok(hash) => end = Head { sequence: end.sequence + as_i64(entries.len()), hash },
            Err(defect) => {
                let bad = Bad { sequence: first + as_i64(defect.position), why: defect.message };
                first_bad = earlier(first_bad, bad);
                break;
            }
        }
        for (size, seen) in &mut at_size {
            let index = i64::try_from(*size).ok().and_then(|size| usize::try_from(size - first).ok());
            if let Some(entry) = index.and_then(|index| entries.get(index)) {
                *seen = Some(entry.curr_hash.clone());
            }
        }
    }
    if first_bad.is_none() {
        first_bad = against_points(&points, &at_size, keys, end);
    }
    if first_bad.is_none() {
        first_bad = against_head(store::head(cx).await?, end);
    }
    Ok(Verdict {
        receipts: end.sequence,
        checkpoints: as_i64(points.len()),
        head: end.hash.to_string(),
        first_bad,
    })
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn earlier(known: Option<Bad>, found: Bad) -> Option<Bad> {
    match known {
        Some(known) if known.sequence <= found.sequence => Some(known),
        Some(_) | None => Some(found),
    }
}

/// Each checkpoint is signed, and the receipt that it counted up to is there and the same.
fn against_points(
    points: &[Checkpoint],
    at_size: &BTreeMap<u64, Option<String>>,
    keys: &Jwks,
    end: Head,
) -> Option<Bad> {
    points
        .iter()
        .rev()
        .filter_map(|point| {
            let sequence = i64::try_from(point.size).unwrap_or(i64::MAX);
            let bad = |why: String| Some(Bad { sequence: sequence.min(end.sequence + 1), why });
            if let Err(cause) = point.verify(keys) {
                return bad(format!("the checkpoint of {}: {}", point.at, cause.message));
            }
            match at_size.get(&point.size) {
                Some(Some(hash)) if *hash == point.head => None,
                Some(Some(_)) => {
                    bad(format!("the chain is another one than the checkpoint saw at {}.", point.at))
                }
                Some(None) | None => bad(format!(
                    "{} receipts are missing at the end, that were there at {}.",
                    sequence - end.sequence,
                    point.at
                )),
            }
        })
        .min_by_key(|bad| bad.sequence)
}

fn against_head(head: Head, end: Head) -> Option<Bad> {
    (head != end).then(|| Bad {
        sequence: end.sequence + 1,
        why: format!("the chain's end says {} receipts, and {} are there.", head.sequence, end.sequence),
    })
}

/// The first receipt whose columns, which lists and searches read, say something else than what was hashed.
async fn mismatched_columns(cx: &mut Cx) -> Result<Option<Bad>> {
    let tenant = cx.tenant()?;
    let sequence = sqlx::query_scalar!(
        r#"select r.sequence from pay.receipt r, lateral (select convert_from(r.body, 'UTF8')::jsonb as b) j
           where r.tenant_id = $1 and (j.b ->> 'seq' is distinct from r.sequence::text
              or j.b ->> 'id' is distinct from r.id::text or j.b ->> 'outcome' is distinct from r.kind::text
              or j.b ->> 'payment' is distinct from r.payment_id::text or j.b ->> 'subject' is distinct from r.subject_id::text
              or j.b ->> 'principal' is distinct from r.principal_id::text or j.b ->> 'rail' is distinct from r.rail::text
              or j.b ->> 'provider_ref' is distinct from coalesce(r.provider_ref, '')
              or j.b ->> 'amount_minor' is distinct from r.amount_minor::text or j.b ->> 'currency' is distinct from r.currency
              or j.b ->> 'mandate_hash' is distinct from encode(r.mandate_hash, 'hex')
              or j.b ->> 'policy_hash' is distinct from encode(r.policy_hash, 'hex'))
           order by r.sequence limit 1"#,
        tenant.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(sequence.map(|sequence| Bad {
        sequence,
        why: "its columns say something else than what was hashed.".to_owned(),
    }))
}
