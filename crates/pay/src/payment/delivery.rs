//! What a vendor delivered for a payment: over x402 the answer to the paid request is what was bought. It
//! is kept as it came and handed out as data, never as a page of ours.

use super::api::At;
use super::{PaymentId, get};
use crate::caller::Caller;
use axum::extract::Path;
use base::{Error, Result, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use db::Cx;
use schemars::JsonSchema;
use serde::Serialize;
use web::api::Output;

/// What was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Delivery {
    /// The status of HTTP with which it came.
    pub status: i32,
    /// Of which type it says it is.
    pub content_type: Option<String>,
    /// The body, where it is text.
    pub text: Option<String>,
    /// The body in base64, where it is not.
    pub base64: Option<String>,
    /// When it came.
    pub at: Time,
}

/// Keeps what a rail brought with its answer; the first delivery of a payment stays.
pub(super) async fn keep(
    cx: &mut Cx,
    payment: PaymentId,
    came: Option<&ports::rail::Delivery>,
) -> Result<()> {
    let Some(came) = came else { return Ok(()) };
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "insert into pay.delivery (payment_id, tenant_id, status, content_type, body, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (payment_id) do nothing",
        payment.uuid(),
        tenant.uuid(),
        i32::from(came.status),
        came.content_type,
        came.body,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What was delivered for a payment.
///
/// # Errors
/// Not found when nothing was.
pub async fn of(cx: &mut Cx, payment: PaymentId) -> Result<Delivery> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        r#"select status, content_type, body, created_at as "at: Time" from pay.delivery where tenant_id = $1 and payment_id = $2"#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("delivery"))?;
    let (text, base64) = match String::from_utf8(row.body) {
        Ok(text) => (Some(text), None),
        Err(bytes) => (None, Some(STANDARD.encode(bytes.as_bytes()))),
    };
    Ok(Delivery { status: row.status, content_type: row.content_type, text, base64, at: row.at })
}

/// `GET /api/v1/payments/{id}/delivery`
pub(crate) async fn read(mut cx: web::Cx, Path(at): Path<At>) -> web::Result<Output<Delivery>> {
    let caller = Caller::of(&cx);
    let payment = get(&mut cx, at.id).await?;
    caller.may_see(payment.principal_id, "delivery")?;
    Ok(Output(of(&mut cx, at.id).await?))
}
