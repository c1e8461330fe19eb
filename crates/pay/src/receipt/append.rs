//! Appending to chains: of one tenant, or of several in one transaction.

use super::{Attested, Kind, Receipt, ReceiptId, store};
use crate::mandate::Mandate;
use crate::signing::{Keys, Purpose};
use ap2::receipt::{Confirmations, Outcome, Subject};
use ap2::sdjwt::References;
use base::{Digest, Error, Result, TenantId, Time};
use db::{Cx, Fact, Told};
use serde_json::{Map, Value, json};

/// What of a mandate a receipt names.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub hash: Vec<u8>,
    pub policy_hash: Vec<u8>,
    /// The chain that was presented: its last token is what the AP2 receipt refers to.
    pub token: String,
}

impl Evidence {
    /// Of this mandate, and of what was closed under it for the payment.
    pub fn of(mandate: &Mandate, closed: Option<String>) -> Self {
        Self {
            hash: mandate.hash.0.to_vec(),
            policy_hash: mandate.policy_hash.0.to_vec(),
            token: closed.unwrap_or_else(|| mandate.token.clone()),
        }
    }
}

/// A receipt that is to be written, for one of several callers.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// In whose chain.
    pub tenant: TenantId,
    /// Who brought it about.
    pub by: db::Caller,
    /// What.
    pub attested: Attested,
    /// Under which mandate.
    pub evidence: Evidence,
}

/// Appends a receipt to the tenant's chain, once for each subject and kind. The chain's end stays locked
/// until the transaction ends: append last.
///
/// # Errors
/// What the database or the signature says.
pub async fn append(cx: &mut Cx, keys: &Keys, attested: &Attested) -> Result<Receipt> {
    let tenant = cx.tenant()?;
    let evidence = store::evidence(cx, attested.mandate, attested.payment.uuid()).await?;
    let ends = store::lock_heads(cx, &[tenant]).await?;
    if let Some(written) = store::of_subject(cx, attested.subject, attested.kind).await? {
        return Ok(written);
    }
    let due = Due { tenant, by: cx.caller().clone(), attested: attested.clone(), evidence };
    let (mut written, told) = write(cx, keys, ends, std::slice::from_ref(&due)).await?;
    cx.publish_told(told).await?;
    written.pop().ok_or_else(|| Error::internal("A receipt was appended and is not there."))
}

/// Appends receipts to the chains of their tenants, in their order, and returns them with the facts that
/// go with them. Their subjects are new: none of them has a receipt yet (the database refuses a second
/// one). The chains' ends stay locked until the transaction ends: append last.
///
/// # Errors
/// What the database or the signature says.
pub(crate) async fn append_all(cx: &mut Cx, keys: &Keys, dues: &[Due]) -> Result<(Vec<Receipt>, Vec<Told>)> {
    let mut tenants: Vec<TenantId> = dues.iter().map(|due| due.tenant).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let ends = store::lock_heads(cx, &tenants).await?;
    write(cx, keys, ends, dues).await
}

async fn write(
    cx: &mut Cx,
    keys: &Keys,
    mut ends: store::Heads,
    dues: &[Due],
) -> Result<(Vec<Receipt>, Vec<Told>)> {
    let began = ends.clone();
    let mut written = Vec::with_capacity(dues.len());
    let mut told = Vec::with_capacity(dues.len());
    for due in dues {
        let end = ends
            .get_mut(&due.tenant)
            .ok_or_else(|| Error::internal("A chain of receipts has no end to append to."))?;
        let receipt = next(cx, keys, due, end)?;
        let digest = hex::decode(&receipt.curr_hash).ok().as_deref().and_then(Digest::from_slice);
        *end = store::Head {
            sequence: receipt.sequence,
            hash: digest.ok_or_else(|| Error::internal("A hash of a receipt is not one."))?,
        };
        let detail =
            json!({ "sequence": receipt.sequence, "kind": receipt.kind, "payment_id": receipt.payment_id });
        let fact = Fact::about("pay.receipt.issued", receipt.id.uuid()).with(detail);
        told.push(Told { tenant: due.tenant, by: due.by.clone(), fact });
        written.push(receipt);
    }
    store::insert(cx, dues, &written).await?;
    store::move_heads(cx, &began, &ends).await?;
    Ok((written, told))
}

/// The next receipt behind this end.
fn next(cx: &Cx, keys: &Keys, due: &Due, end: &store::Head) -> Result<Receipt> {
    let (attested, mandate, now) = (&due.attested, &due.evidence, cx.now());
    let id: ReceiptId = cx.id();
    let sequence = end.sequence + 1;
    let body = body(&due.tenant.to_string(), id, sequence, attested, mandate, now);
    let entry =
        ap2::chain::append(end.hash, body, &keys.signer(Purpose::Receipt)?.hash).map_err(Error::from)?;
    Ok(Receipt {
        id,
        sequence,
        kind: attested.kind,
        payment_id: attested.payment,
        subject_id: attested.subject,
        principal_id: attested.principal,
        rail: attested.rail,
        provider_ref: attested.provider_ref.clone(),
        amount_minor: attested.amount.minor,
        currency: attested.amount.currency,
        receipt: entry.receipt,
        prev_hash: entry.prev_hash,
        curr_hash: entry.curr_hash,
        kid: entry.kid,
        signature: entry.signature,
        jwt: Some(jwt(cx, keys, id, attested, mandate)?),
        at: now,
    })
}

fn hex_of(bytes: &[u8]) -> String {
    Digest::from_slice(bytes).map(|digest| digest.to_string()).unwrap_or_default()
}

fn body(
    tenant: &str,
    id: ReceiptId,
    sequence: i64,
    attested: &Attested,
    mandate: &Evidence,
    now: Time,
) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("tenant", json!(tenant));
    put("seq", json!(sequence));
    put("id", json!(id.to_string()));
    put("outcome", json!(attested.kind.word()));
    put("payment", json!(attested.payment.to_string()));
    put("subject", json!(attested.subject.to_string()));
    put("principal", json!(attested.principal.to_string()));
    put("mandate", json!(attested.mandate.to_string()));
    put("mandate_hash", json!(hex_of(&mandate.hash)));
    put("policy_hash", json!(hex_of(&mandate.policy_hash)));
    put("rail", json!(attested.rail.word()));
    put("provider_ref", json!(attested.provider_ref.as_deref().unwrap_or_default()));
    put("amount_minor", json!(attested.amount.minor));
    put("currency", json!(attested.amount.currency.code()));
    put("at", json!(now.to_string()));
    if let Some(reason) = &attested.reason {
        put("reason", json!(reason));
    }
    body
}

/// The AP2 receipt: of the payment's mandate, success for what was taken, an error for everything that
/// left the payer with less or other than that.
fn jwt(cx: &Cx, keys: &Keys, id: ReceiptId, attested: &Attested, mandate: &Evidence) -> Result<String> {
    let references = References::of(&mandate.token).map_err(Error::from)?;
    let (outcome, confirmations) = match attested.kind {
        Kind::Succeeded | Kind::DisputeWon => {
            let psp = attested.provider_ref.clone().unwrap_or_else(|| attested.payment.to_string());
            let network = attested.network_ref.clone().unwrap_or_else(|| psp.clone());
            (Outcome::Success, Some(Confirmations { psp, network }))
        }
        Kind::Failed | Kind::Refunded | Kind::Disputed | Kind::DisputeLost => {
            let description = attested.reason.clone().unwrap_or_else(|| attested.kind.label().to_owned());
            (Outcome::Error { error: attested.kind.word().to_owned(), description }, None)
        }
    };
    let subject = Subject::Payment { payment_id: attested.payment.to_string(), confirmations };
    let mut receipt = ap2::receipt::Receipt::of(references, keys.audience(), cx.now(), subject, outcome);
    receipt.jti = Some(id.to_string());
    receipt.sign(&keys.signer(Purpose::Receipt)?.token, cx.random()).map_err(Error::from)
}
