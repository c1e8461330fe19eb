//! Whether a stored mandate is what was signed, and whether what an agent closed under it fits.

use super::{Mandate, MandateId, Mode, delegate, wallet};
use crate::refusal::{Code, Violation, refused};
use crate::signing::Keys;
use ap2::constraint::{Usage, verdict};
use ap2::mandate::{
    Checkout, CheckoutChain, Mandate as Token, OpenCheckout, OpenPayment, PaymentChain, PaymentDelegation,
};
use ap2::sdjwt::Chain;
use ap2::{PublicKey, signed};
use base::{Error, Money, Result, Time};
use db::Cx;

/// A payment that an agent closed under a mandate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// How much.
    pub amount: Money,
    /// The checkout that is paid: its hash.
    pub transaction_id: String,
    /// What was signed, as a hash: keep it, and take it once.
    pub signed_hash: String,
    /// With what.
    pub instrument: String,
}

fn wrong(text: impl Into<String>) -> Error {
    refused(&[Violation::new(Code::SignatureInvalid, text)])
}

/// The keys that may have signed a mandate's root.
pub(super) async fn roots(cx: &mut Cx, keys: &Keys, mandate: &Mandate) -> Result<Vec<PublicKey>> {
    if mandate.signed_by_wallet {
        // The root is that of the mandate at the top, and so is its signer.
        let top = delegate::ancestors(cx, mandate).await?.pop().map(|top| top.principal_id);
        return wallet::trusted(cx, top.unwrap_or(mandate.principal_id)).await;
    }
    Ok(keys.public(&mandate.kid).into_iter().collect())
}

/// Verifies a mandate as it is stored: the hash of its bytes, the signature over the hash, the chain of
/// signatures in it, its times.
///
/// # Errors
/// Refused (`signature_invalid`), saying what is wrong.
pub async fn verify(cx: &mut Cx, keys: &Keys, mandate: &Mandate) -> Result<Chain> {
    let now = cx.now();
    verify_at(cx, keys, mandate, now).await
}

/// [`verify`] at another instant: what was signed stays signed after its end.
pub(super) async fn verify_at(cx: &mut Cx, keys: &Keys, mandate: &Mandate, at: Time) -> Result<Chain> {
    let roots = roots(cx, keys, mandate).await?;
    check(keys, &roots, mandate, at)
}

/// [`verify`] of a mandate that this installation signed: without asking anybody.
///
/// # Errors
/// As [`verify`]; internal for one that a wallet signed.
pub(crate) fn verify_own(keys: &Keys, mandate: &Mandate, at: Time) -> Result<Chain> {
    if mandate.signed_by_wallet {
        return Err(Error::internal("A wallet's mandate needs the wallet's keys."));
    }
    let roots: Vec<PublicKey> = keys.public(&mandate.kid).into_iter().collect();
    check(keys, &roots, mandate, at)
}

fn check(keys: &Keys, roots: &[PublicKey], mandate: &Mandate, at: Time) -> Result<Chain> {
    if signed::mandate_hash(&mandate.token) != mandate.hash {
        return Err(wrong("The token is not the one that was hashed."));
    }
    // That its time is over is the gate's to say, which names every broken rule.
    let at = at.min(mandate.expires_at);
    let signature = mandate.signature.as_deref().ok_or_else(|| wrong("The hash is not signed."))?;
    if !keys.signed(mandate.hash, signature) {
        return Err(wrong("The signature of the hash is not that of a key of this installation."));
    }
    let chain = wallet::chain(&mandate.token, &wallet::by_kid(roots), keys.audience(), &mandate.nonces, at)
        .map_err(|cause| wallet::unsigned(&cause))?;
    if chain.hops.len() > 1 {
        walk(keys, roots, mandate, &chain, at)?;
    }
    Ok(chain)
}

/// That no hop of a chain allows more than the one before it.
fn walk(keys: &Keys, roots: &[PublicKey], mandate: &Mandate, chain: &Chain, at: Time) -> Result<()> {
    let found = match mandate.mode {
        Mode::Autonomous => PaymentDelegation::read(chain).map_err(|c| wallet::unsigned(&c))?.widened(),
        Mode::Direct => {
            let paid = PaymentChain::read(chain).map_err(|c| wallet::unsigned(&c))?;
            let (mut found, link) = match &mandate.checkout_token {
                Some(own) => checked(keys, &checkout_chain(keys, roots, mandate, own, None, at)?)?,
                None => (Vec::new(), None),
            };
            let usages = vec![Usage::default(); paid.opens.len()];
            found.extend(paid.evaluate(&usages, at, link.as_ref())?);
            found
        }
    };
    match found.first() {
        Some(first) => Err(wrong(format!("The chain allows more than its root does: {}", first.message))),
        None => Ok(()),
    }
}

/// The nonces that the hops of a mandate's checkout mandate answer. Both chains were handed on together,
/// the payment's perhaps more often before that; what a wallet signed answers the intent's id.
pub(super) fn behind(checkout: &str, mandate: &Mandate) -> Vec<String> {
    let hops = wallet::hops(checkout);
    let known = mandate.nonces.len().min(hops);
    let own = mandate.nonces.iter().skip(mandate.nonces.len() - known).cloned();
    std::iter::repeat_n(mandate.intent_id.to_string(), hops - known).chain(own).collect()
}

/// The checkout mandate as it is kept, verified.
pub(super) async fn checkout_at(
    cx: &mut Cx,
    keys: &Keys,
    mandate: &Mandate,
    at: Time,
) -> Result<Option<Chain>> {
    let Some(own) = &mandate.checkout_token else { return Ok(None) };
    let roots = roots(cx, keys, mandate).await?;
    checkout_chain(keys, &roots, mandate, own, None, at).map(Some)
}

/// A chain that begins with the mandate's checkout mandate, verified; `nonce` of a hop behind that. Where
/// a wallet signed no checkout mandate, this installation may have.
fn checkout_chain(
    keys: &Keys,
    roots: &[PublicKey],
    mandate: &Mandate,
    token: &str,
    nonce: Option<&str>,
    at: Time,
) -> Result<Chain> {
    let own = mandate.checkout_token.as_deref().unwrap_or_default();
    let mut nonces = behind(own, mandate);
    nonces.extend(nonce.map(str::to_owned));
    let known = wallet::by_kid(roots);
    let trusted = |kid: Option<&str>| known(kid).or_else(|| keys.public(kid?));
    wallet::chain(token, &trusted, keys.audience(), &nonces, at).map_err(|c| wallet::unsigned(&c))
}

/// The checkout mandate of an open mandate, and what it allows; none where it has none.
pub(super) fn open_checkout(
    keys: &Keys,
    roots: &[PublicKey],
    mandate: &Mandate,
    now: Time,
) -> Result<Option<(String, OpenCheckout)>> {
    let Some(own) = &mandate.checkout_token else { return Ok(None) };
    let chain = checkout_chain(keys, roots, mandate, own, None, now.min(mandate.expires_at))?;
    match Token::read(chain.last()).map_err(|cause| wallet::unsigned(&cause))? {
        Token::OpenCheckout(open) => Ok(Some((own.clone(), open))),
        Token::ClosedCheckout(_) | Token::OpenPayment(_) | Token::ClosedPayment(_) => {
            Err(wrong("The checkout mandate is closed already."))
        }
    }
}

/// The last open payment mandate of a stored autonomous mandate, verified.
pub(super) async fn opened(cx: &mut Cx, keys: &Keys, mandate: &Mandate) -> Result<OpenPayment> {
    let chain = verify(cx, keys, mandate).await?;
    match Token::read(chain.last()).map_err(|cause| wallet::unsigned(&cause))? {
        Token::OpenPayment(open) => Ok(open),
        Token::ClosedPayment(_) | Token::OpenCheckout(_) | Token::ClosedCheckout(_) => {
            Err(wrong("The mandate is closed already."))
        }
    }
}

/// Verifies what an agent closed under an autonomous mandate: `payment` is the mandate's own token and one
/// hop behind it, addressed to this installation, that answers `nonce`; `checkout` likewise behind the
/// mandate's checkout token. Every constraint of every hop is judged. Keeping the nonce, and taking it
/// once, is the caller's part.
///
/// # Errors
/// Refused: `signature_invalid`, or AP2's code with every violation.
pub async fn verify_closed(
    cx: &mut Cx,
    keys: &Keys,
    id: MandateId,
    payment: &str,
    checkout: Option<&str>,
    nonce: &str,
) -> Result<Verified> {
    let mandate = super::get(cx, id).await?;
    if mandate.mode == Mode::Direct {
        return Err(Error::refused(
            "mandates_not_supported",
            "A direct mandate is closed: it is executed as it is.",
        ));
    }
    if mandate.status_at(cx.now()) == super::Status::Expired {
        let text = format!("The mandate ended at {}.", mandate.expires_at);
        return Err(refused(&[Violation::new(Code::MandateExpired, text)]));
    }
    verify(cx, keys, &mandate).await?;
    let roots = roots(cx, keys, &mandate).await?;
    let (now, audience) = (cx.now(), keys.audience());
    let begins = |token: &str, own: &str| {
        let is_so = token.starts_with(&format!("{own}~"));
        is_so.then_some(()).ok_or_else(|| wrong("The chain does not begin with the mandate, byte for byte."))
    };
    begins(payment, &mandate.token)?;
    let mut nonces = mandate.nonces.clone();
    nonces.push(nonce.to_owned());
    let chain = wallet::chain(payment, &wallet::by_kid(&roots), audience, &nonces, now)
        .map_err(|c| wallet::unsigned(&c))?;
    let paid = PaymentChain::read(&chain).map_err(|c| wallet::unsigned(&c))?;
    let used = Usage {
        spent_minor: mandate.used.reserved_minor + mandate.used.spent_minor + mandate.used.delegated_minor,
        uses: u32::try_from(mandate.used.executions).unwrap_or(u32::MAX),
        last_used: None,
    };
    let mut usages = vec![Usage::default(); paid.opens.len().saturating_sub(1)];
    usages.push(used);
    let (mut found, link) = match (checkout, &mandate.checkout_token) {
        (Some(token), Some(own)) => {
            begins(token, own)?;
            checked(keys, &checkout_chain(keys, &roots, &mandate, token, Some(nonce), now)?)?
        }
        (None, Some(_)) => {
            return Err(Error::invalid(
                "checkout.missing",
                "checkout: show the closed checkout mandate too.",
            ));
        }
        (_, None) => (Vec::new(), None),
    };
    found.extend(paid.evaluate(&usages, now, link.as_ref())?);
    if let Some(code) = verdict(&found) {
        let list: Vec<_> = found
            .iter()
            .map(|v| serde_json::json!({ "code": v.code.text(), "rule": v.rule, "message": v.message }))
            .collect();
        let message = found.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join(" ");
        return Err(Error::refused(code.text(), message).with("violations", list.into()));
    }
    let closed = &paid.closed;
    let currency = closed.amount.currency.house().filter(|c| *c == mandate.currency);
    let currency = currency.ok_or_else(|| wrong("The payment is in another currency."))?;
    Ok(Verified {
        amount: Money { minor: closed.amount.minor, currency },
        transaction_id: closed.transaction_id.clone(),
        signed_hash: chain.last().signed_hash.clone(),
        instrument: closed.instrument.kind.clone(),
    })
}

type Judged = (Vec<ap2::constraint::Violation>, Option<ap2::constraint::CheckoutLink>);

/// The checkout of a closed checkout mandate; this installation signed it for the vendor.
fn checked(keys: &Keys, chain: &Chain) -> Result<Judged> {
    let shown = CheckoutChain::read(chain).map_err(|c| wallet::unsigned(&c))?;
    let jwt =
        shown.closed.checkout_jwt.clone().ok_or_else(|| wrong("The checkout itself is not disclosed."))?;
    let ours = |kid: Option<&str>| kid.and_then(|kid| keys.public(kid));
    let checkout = Checkout::verify(&jwt, &ours).map_err(|c| wallet::unsigned(&c))?;
    Ok((shown.evaluate(&jwt, &checkout), Some(shown.link(&checkout)?)))
}

/// Whether a mandate could be used at this instant, as far as its own row says.
impl Mandate {
    /// Whether it is active and its time is not over.
    pub fn is_usable(&self, now: Time) -> bool {
        self.status_at(now) == super::Status::Active
    }
}
