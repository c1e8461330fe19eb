//! What agents closed under their open mandates: kept byte for byte, because it is the evidence of the
//! payment, and taken once.

use super::{Mandate, MandateId, Verified, token, verify, verify_closed, wallet};
use crate::intent::Intent;
use crate::payment::PaymentId;
use crate::signing::{Keys, Purpose};
use crate::vendor::Vendor;
use ap2::Json;
use ap2::mandate::{ClosedCheckout, ClosedPayment};
use ap2::sdjwt::{self, Binding};
use base::{Digest, Error, Money, Result, Time, error::constraint};
use db::Cx;

/// Keeps what was closed for the payment `of`, whose receipt names it. The same again, in however many copies, changes nothing.
///
/// # Errors
/// Refused (`mandate_used`) when something else was closed with this nonce, or for this checkout.
pub(crate) async fn keep(
    cx: &mut Cx,
    mandate: MandateId,
    shown: &Verified,
    (payment, checkout): (&str, Option<&str>),
    nonce: &str,
    of: PaymentId,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "insert into pay.closed_mandate (tenant_id, mandate_id, signed_hash, nonce, transaction_id, payment_token, checkout_token, at, payment_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, mandate_id, signed_hash) do nothing",
        tenant.uuid(),
        mandate.uuid(),
        shown.signed_hash,
        nonce,
        shown.transaction_id,
        payment.as_bytes(),
        checkout.map(str::as_bytes),
        now as Time,
        of.uuid(),
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

/// Closes an open mandate for one payment on the agent's behalf, where this installation's key is the one
/// that closes it; what was closed is verified as if the agent had shown it, and kept. `execution` tells
/// this payment from others under the mandate: closing for it again changes nothing. Returns the payment
/// mandate's chain with what was closed at its end.
///
/// # Errors
/// Invalid (`mandate.open`) when another key closes it; as [`verify_closed`].
pub(crate) async fn close_own(
    cx: &mut Cx,
    keys: &Keys,
    mandate: &Mandate,
    of: (&Intent, &Vendor),
    amount: Money,
    (execution, paid): (&str, PaymentId),
) -> Result<String> {
    let (tenant, nonce) = (cx.tenant()?, Digest::of(execution.as_bytes()).to_string());
    let known = sqlx::query_scalar!(
        "select payment_token from pay.closed_mandate where tenant_id = $1 and mandate_id = $2 and nonce = $3",
        tenant.uuid(),
        mandate.id.uuid(),
        nonce,
    );
    if let Some(token) = known.fetch_optional(cx.conn()).await? {
        return String::from_utf8(token)
            .map_err(|cause| Error::internal("What was closed is not text.").caused_by(cause));
    }
    let (open, signer) = (verify::opened(cx, keys, mandate).await?, keys.signer(Purpose::Mandate)?);
    if open.holder.id() != signer.token.public().id() {
        return Err(match keys.public(&open.holder.id()) {
            Some(_) => Error::invalid(
                "mandate.open",
                "The key of this installation that closes this mandate was replaced. Ask for another mandate.",
            ),
            None => Error::invalid(
                "mandate.open",
                "This mandate is open: close it for the payment with the agent's key, and send that as `closed`.",
            ),
        });
    }
    let (intent, vendor) = of;
    let (random, now) = (cx.random().clone(), cx.now());
    let seller = wallet::merchant(vendor);
    let offer = token::checkout(intent.id, seller.clone(), &intent.sku, &intent.description, amount)?;
    let checkout = ClosedCheckout::of(offer.sign(&signer.token, &random)?, None, None);
    let payment = ClosedPayment {
        transaction_id: checkout.checkout_hash.clone(),
        payee: seller,
        amount: offer.total()?,
        instrument: token::gateway(),
        pisp: None,
        execution_date: None,
        iat: None,
        exp: None,
        signed: Json::Null,
    };
    let binding = Binding { audience: keys.audience(), nonce: &nonce };
    let close = |token: &str, claims: sdjwt::Claims| {
        sdjwt::extend(token, claims, &binding, &signer.token, now, &random)
    };
    let payment = close(&mandate.token, payment.claims(&[])?)?;
    let own = mandate.checkout_token.as_deref();
    let checkout = own.map(|own| close(own, checkout.claims(&[], &random))).transpose()?;
    let shown = verify_closed(cx, keys, mandate.id, &payment, checkout.as_deref(), &nonce).await?;
    keep(cx, mandate.id, &shown, (&payment, checkout.as_deref()), &nonce, paid).await?;
    Ok(payment)
}
