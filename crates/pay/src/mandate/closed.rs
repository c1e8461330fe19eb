//! What agents closed under their open mandates: kept byte for byte, because it is the evidence of the
//! payment, and taken once.

use super::{MandateId, Verified};
use base::{Error, Result, Time, error::constraint};
use db::Cx;

/// Keeps what was closed. The same again, in however many copies, changes nothing.
///
/// # Errors
/// Refused (`mandate_used`) when something else was closed with this nonce, or for this checkout.
pub(crate) async fn keep(
    cx: &mut Cx,
    mandate: MandateId,
    shown: &Verified,
    payment: &str,
    checkout: Option<&str>,
    nonce: &str,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "insert into pay.closed_mandate (tenant_id, mandate_id, signed_hash, nonce, transaction_id, payment_token, checkout_token, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (tenant_id, mandate_id, signed_hash) do nothing",
        tenant.uuid(),
        mandate.uuid(),
        shown.signed_hash,
        nonce,
        shown.transaction_id,
        payment.as_bytes(),
        checkout.map(str::as_bytes),
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(|cause| match constraint(&cause) {
        Some("closed_mandate_nonce") => used("This nonce was used for another payment.", cause),
        Some("closed_mandate_transaction") => used("This checkout was paid already.", cause),
        Some("closed_mandate_nonce_check" | "closed_mandate_transaction_id_check") => {
            Error::invalid("mandate.closed", "A nonce and a transaction have 1 to 500 characters.")
                .caused_by(cause)
        }
        Some(_) | None => cause.into(),
    })?;
    Ok(())
}

fn used(what: &str, cause: sqlx::Error) -> Error {
    Error::refused("mandate_used", format!("{what} Close the mandate anew for another one.")).caused_by(cause)
}
