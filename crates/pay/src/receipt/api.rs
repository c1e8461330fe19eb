//! Receipts in the public API, and the proof that verifies without us.

use super::verify::Verdict;
use super::{Kind, Receipt, ReceiptId, checkpoint, pdf, verify};
use crate::caller::Caller;
use crate::page::ROWS;
use crate::payment::Desk;
use crate::principal::PrincipalId;
use ap2::Jwks;
use ap2::chain::{Checkpoint, Entry};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base::{Cursor, Error, Page, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::Cx;
use web::api::{Output, OutputAs};

/// Which receipts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this principal; a paying agent sees its own anyway.
    principal: Option<PrincipalId>,
    /// Only of this kind.
    kind: Option<Kind>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A receipt in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: ReceiptId,
}

/// `GET /api/v1/receipts`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Receipt>>> {
    let caller = Caller::of(&cx);
    if let Some(named) = asked.principal {
        caller.may_see(named, "principal")?;
    }
    let principal = caller.only().or(asked.principal);
    Ok(Output(super::list(&mut cx, principal, asked.kind, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/receipts/{id}`: JSON, or a PDF for whoever asks for `application/pdf`.
pub(crate) async fn read(
    mut cx: Cx,
    Path(at): Path<At>,
    headers: HeaderMap,
    desk: Desk,
) -> web::Result<OutputAs<Receipt>> {
    let caller = Caller::of(&cx);
    let receipt = super::get(&mut cx, at.id).await?;
    caller.may_see(receipt.principal_id, "receipt")?;
    if !wants_pdf(&headers) {
        return Ok(OutputAs::Json(receipt));
    }
    Ok(OutputAs::Other(pdf_of(&mut cx, &receipt, &desk).await?))
}

/// Whether PDF is the first that the caller takes.
fn wants_pdf(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepts.split([',', ';']).next().is_some_and(|first| first.trim().eq_ignore_ascii_case(PDF))
}

const PDF: &str = "application/pdf";

/// A receipt as a PDF to look at or to keep.
pub(super) async fn pdf_of(cx: &mut db::Cx, receipt: &Receipt, desk: &Desk) -> Result<Response> {
    let vendor = crate::payment::get(cx, receipt.payment_id).await?.vendor_id.uuid();
    let principal = receipt.principal_id.uuid();
    let principals = crate::principal::names(cx, &[principal]).await?;
    let vendors = crate::vendor::names(cx, &[vendor]).await?;
    let origin = desk.ring.keys().await?.audience().trim_end_matches('/').to_owned();
    let names = pdf::Names {
        principal: principals.get(&principal).cloned().unwrap_or_else(|| principal.to_string()),
        vendor: vendors.get(&vendor).cloned().unwrap_or_else(|| vendor.to_string()),
        keys_at: format!("{origin}/.well-known/jwks.json"),
    };
    let headers = [
        (header::CONTENT_TYPE, PDF.to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"receipt-{}.pdf\"", receipt.sequence)),
    ];
    Ok((headers, pdf::write(receipt, &names)).into_response())
}

/// What a third party needs to check a receipt: the chain up to a signed checkpoint, and the keys. A
/// paying agent gets the entries of others as what is hashed, because every link is needed.
#[derive(Serialize)]
pub(crate) struct Proof {
    /// The receipt's number in the chain.
    sequence: i64,
    /// The chain from its first receipt to the checkpoint.
    receipts: Vec<Entry>,
    /// How long the chain was, signed.
    checkpoint: Checkpoint,
    /// The keys; compare them with `/.well-known/jwks.json`.
    jwks: Jwks,
}

/// Receipts of one proof at most.
const PROOF_MAX: i64 = 50_000;

/// The proof of a receipt. Signs a checkpoint when none covers it yet.
///
/// # Errors
/// Not found; refused (`proof_too_long`) beyond 50,000 receipts.
pub(crate) async fn proof_of(
    cx: &mut db::Cx,
    desk_keys: &crate::signing::Keys,
    id: ReceiptId,
) -> Result<Proof> {
    let receipt = super::get(cx, id).await?;
    let point = match checkpoint::latest(cx).await? {
        Some(point) if i64::try_from(point.size).is_ok_and(|size| size >= receipt.sequence) => point,
        Some(_) | None => {
            checkpoint::make(cx, desk_keys).await?.ok_or_else(|| Error::not_found("receipt"))?
        }
    };
    let size = i64::try_from(point.size).unwrap_or(i64::MAX);
    if size > PROOF_MAX {
        return Err(Error::refused(
            "proof_too_long",
            "The chain is too long for one answer. Use the export of receipts.",
        ));
    }
    let receipts = super::entries(cx, 0, size).await?;
    Ok(Proof { sequence: receipt.sequence, receipts, checkpoint: point, jwks: desk_keys.jwks() })
}

/// `GET /api/v1/receipts/{id}/proof`
pub(crate) async fn proof(mut cx: Cx, Path(at): Path<At>, desk: Desk) -> web::Result<Response> {
    let keys = desk.ring.keys().await?;
    let proof = proof_of(&mut cx, &keys, at.id).await?;
    cx.commit().await?;
    Ok(axum::Json(proof).into_response())
}

/// `GET /api/v1/receipts/checkpoint`
pub(crate) async fn latest(mut cx: Cx, desk: Desk) -> web::Result<Response> {
    let keys = desk.ring.keys().await?;
    let point = checkpoint::make(&mut cx, &keys).await?.ok_or_else(|| Error::not_found("checkpoint"))?;
    cx.commit().await?;
    Ok(axum::Json(point).into_response())
}

/// `GET /api/v1/receipts/verify`: checks the whole chain now.
pub(crate) async fn check(mut cx: Cx, desk: Desk) -> web::Result<Output<Verdict>> {
    let keys = desk.ring.keys().await?;
    Ok(Output(verify::chain(&mut cx, &keys.jwks()).await?))
}
