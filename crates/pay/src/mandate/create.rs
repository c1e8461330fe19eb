//! Asking for a mandate: the whole gate, every broken rule at once, then the signature, or a person.

use super::{
    Asked, Mandate, MandateId, Mode, Place, Status, Template, Terms, Used, Wallet, approve, delegate, store,
    terms, token, wallet,
};
use crate::intent::{self, Intent, IntentId};
use crate::policy::{self, Ask, Policy, Verdict, rules};
use crate::principal::{self, Principal, public_key};
use crate::refusal::{Code, Violation, refused};
use crate::signing::Keys;
use crate::vendor;
use base::{Digest, Error, Result, Time, error::constraint};
use control::switch::gate;
use db::Cx;
use schemars::JsonSchema;
use serde::Serialize;

/// A mandate to be.
#[derive(Clone, Debug)]
pub struct New {
    /// For which intent; it is authorised by the mandate.
    pub intent: IntentId,
    /// What it is for.
    pub template: Template,
    /// Who closes it; none: as the template says.
    pub mode: Option<Mode>,
    /// Which limits.
    pub asked: Asked,
    /// How long it lives, in seconds; none: as the template says.
    pub expires_in_s: Option<i64>,
    /// Which public key of the principal closes it (its thumbprint); none: this installation does.
    pub holder: Option<String>,
    /// From which mandate it is delegated.
    pub parent: Option<MandateId>,
    /// What a wallet signed instead of this installation.
    pub wallet: Option<Wallet>,
    /// From where the call comes.
    pub place: Place,
}

/// What came of asking.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is signed.
    Signed(Box<Mandate>),
    /// A person must agree first.
    Waiting(Waiting),
}

/// A mandate that waits for a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Waiting {
    /// The mandate to be: ask for it again under this id.
    pub mandate_id: MandateId,
    /// The decision that it waits for.
    pub approval_id: uuid::Uuid,
    /// For which intent.
    pub intent_id: IntentId,
    /// `waiting`, or `refused` once it is known that nothing will be signed.
    pub status: String,
    /// Why a person is asked; after a refusal: the code of why.
    pub reason: Option<String>,
}

/// Asks for a mandate. Limits are not taken yet: payments take them.
///
/// # Errors
/// Not found; conflict (`intent.not_pending`, `mandate.waiting`, `mandate.duplicate`); invalid, naming the
/// field; refused with every broken rule; `switch.engaged`; the codes of AP2 for a wallet's mandate.
pub async fn create(cx: &mut Cx, keys: &Keys, new: New) -> Result<Outcome> {
    let intent = intent::hold(cx, new.intent).await?;
    let owner = principal::get(cx, intent.principal_id).await?;
    pass(cx, &owner).await?;
    let Some(policy) = policy::latest(cx, owner.id).await? else {
        let mut broken: Vec<Violation> = principal::inactive(&owner).into_iter().collect();
        broken.push(policy::not_found(&owner));
        return Err(refused(&broken));
    };
    let terms = write(cx, keys, &new, &intent, &owner, &policy).await?;
    let mut broken = judge(cx, &owner, &policy, &terms, new.place).await?;
    if let Some(parent) = new.parent {
        broken.extend(delegate::beyond(cx, keys, parent, &terms).await?);
    }
    if terms.template == Template::Exceptional && broken.iter().all(|v| v.code != Code::ApprovalRequired) {
        broken.push(Violation::new(Code::ApprovalRequired, "A person agrees to every exceptional payment."));
    }
    match rules::verdict(&broken) {
        Verdict::Deny => Err(refused(&broken)),
        Verdict::NeedsApproval => {
            approve::ask(cx, &terms, &intent, owner.risk, &broken).await.map(Outcome::Waiting)
        }
        Verdict::Pass => issue(cx, keys, &terms, Vec::new()).await.map(|m| Outcome::Signed(Box::new(m))),
    }
}

/// Where a mandate that was asked for stands, while it is not signed.
///
/// # Errors
/// Not found.
pub async fn waiting(cx: &mut Cx, id: MandateId) -> Result<(crate::principal::PrincipalId, Waiting)> {
    approve::find(cx, id).await?.ok_or_else(|| Error::not_found("mandate"))
}

/// No switch covers the payer.
pub(super) async fn pass(cx: &mut Cx, owner: &Principal) -> Result<()> {
    let targets = gate::Targets { principal: Some(&owner.name), ..gate::Targets::default() };
    Ok(gate::hold(cx, &targets).await?)
}

async fn write(
    cx: &mut Cx,
    keys: &Keys,
    new: &New,
    intent: &Intent,
    owner: &Principal,
    policy: &Policy,
) -> Result<Terms> {
    let vendor = vendor::get(cx, intent.vendor_id).await?;
    let read = match &new.wallet {
        Some(_) if new.asked != Asked::default() || new.mode.is_some() || new.holder.is_some() => {
            return Err(Error::invalid(
                "mandate.wallet",
                "A mandate that a wallet signed says itself what its limits are.",
            ));
        }
        Some(wallet) => {
            let above = above(cx, keys, new.parent).await?;
            Some(wallet::read(cx, keys, (intent, &vendor), wallet, above.as_ref()).await?)
        }
        None => None,
    };
    let holder = match (&read, &new.holder) {
        (Some(read), _) => read.holder.clone(),
        (None, Some(kid)) => Some(holder(cx, owner, kid).await?),
        (None, None) => None,
    };
    let source = terms::Source {
        mandate_id: cx.id(),
        intent,
        principal: &owner.name,
        risk: owner.risk,
        vendor: &vendor,
        policy,
        template: new.template,
        mode: read.as_ref().map(|read| read.mode).or(new.mode),
        asked: read.as_ref().map_or(&new.asked, |read| &read.asked),
        expires_in_s: new.expires_in_s,
        holder,
        parent_id: new.parent,
        wallet: new.wallet.clone(),
        now: cx.now(),
    };
    let mut terms = Terms::write(source)?;
    if let Some(read) = read {
        terms.expires_at = read.ends.map_or(terms.expires_at, |ends| ends.min(terms.expires_at));
        terms.zone = read.zone.unwrap_or(terms.zone);
        if terms.expires_at <= cx.now() {
            return Err(refused(&[Violation::new(Code::MandateExpired, "The mandate has ended already.")]));
        }
    }
    Ok(terms)
}

/// The principal's key that will close the mandate.
async fn holder(cx: &mut Cx, owner: &Principal, kid: &str) -> Result<serde_json::Value> {
    match public_key::find(cx, owner.id, kid).await? {
        Some(key @ ap2::PublicKey::P256(_)) => Ok(serde_json::to_value(key.bare())?),
        Some(ap2::PublicKey::Ed25519(_)) => Err(Error::invalid(
            "mandate.holder",
            "holder: a mandate is closed by a P-256 key, not by an Ed25519 one.",
        )),
        None => Err(Error::invalid("mandate.holder", "holder: the principal has no such public key.")),
    }
}

/// The whole gate over the largest payment that the terms would allow, and over their limits.
pub(super) async fn judge(
    cx: &mut Cx,
    owner: &Principal,
    policy: &Policy,
    terms: &Terms,
    place: Place,
) -> Result<Vec<Violation>> {
    let ask = Ask {
        sku: terms.sku.clone(),
        vendor: terms.vendor_id,
        amount: terms.money(terms.caps.per_transaction_minor),
        rail: None,
        country: place.country,
        ip: place.ip,
        at: cx.now(),
        risk: owner.risk,
    };
    let mut broken = policy::judge(cx, owner, Some(policy.clone()), &ask).await?.violations;
    let known: Vec<Code> = broken.iter().map(|v| v.code).collect();
    broken.extend(terms.beyond(policy).into_iter().filter(|v| !known.contains(&v.code)));
    if terms.rails.is_empty() && !known.contains(&Code::RailNotAllowed) {
        broken.push(Violation::new(Code::RailNotAllowed, "Policy and vendor have no rail in common."));
    }
    Ok(broken)
}

/// Signs the terms and keeps the mandate; the intent has its mandate then.
pub(super) async fn issue(
    cx: &mut Cx,
    keys: &Keys,
    terms: &Terms,
    approvers: Vec<String>,
) -> Result<Mandate> {
    let intent = intent::authorise(cx, terms.intent_id).await?;
    let policy = policy::get(cx, terms.policy_id).await?;
    policy::mark_used(cx, &policy).await?;
    let (mut wallet_kid, mut nonces) = (None, Vec::new());
    if let Some(parent) = terms.parent_id {
        delegate::take(cx, parent, terms).await?;
    }
    let above = above(cx, keys, terms.parent_id).await?;
    if let Some(above) = &above {
        nonces.extend(above.mandate.nonces.iter().cloned().chain([terms.mandate_id.to_string()]));
    }
    if let Some(signed) = &terms.wallet {
        let vendor = vendor::get(cx, intent.vendor_id).await?;
        let read = wallet::read(cx, keys, (&intent, &vendor), signed, above.as_ref()).await?;
        (wallet_kid, nonces) = (Some(read.kid), read.nonces);
    }
    let pen = token::Pen { keys, random: cx.random(), now: cx.now() };
    let signed = token::sign(&pen, terms, above.as_ref(), wallet_kid)?;
    let mandate = Mandate {
        id: terms.mandate_id,
        intent_id: terms.intent_id,
        principal_id: terms.principal_id,
        vendor_id: terms.vendor_id,
        parent_id: terms.parent_id,
        template: terms.template,
        mode: terms.mode,
        sku: terms.sku.clone(),
        currency: terms.currency,
        caps: terms.caps.clone(),
        used: Used { reserved_minor: 0, spent_minor: 0, delegated_minor: 0, executions: 0 },
        zone: terms.zone.clone(),
        approvers,
        policy_id: terms.policy_id,
        policy_hash: policy_hash(&policy, terms)?,
        token: signed.token,
        checkout_token: signed.checkout_token,
        hash: signed.hash,
        signature: Some(signed.signature),
        signed_by_wallet: match &above {
            // What counts is whose root it is.
            Some(above) => above.mandate.signed_by_wallet,
            None => terms.wallet.is_some(),
        },
        kid: signed.kid,
        nonces,
        status: Status::Active,
        reason: None,
        expires_at: terms.expires_at,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    store::insert(cx, &mandate).await.map_err(|cause| match constraint(&cause) {
        Some("mandate_hash") => {
            Error::conflict("mandate.duplicate", "This signed mandate is here already.").caused_by(cause)
        }
        Some(_) | None => cause.into(),
    })?;
    super::publish(cx, "pay.mandate.signed", &mandate).await?;
    Ok(mandate)
}

async fn above(cx: &mut Cx, keys: &Keys, parent: Option<MandateId>) -> Result<Option<delegate::Above>> {
    match parent {
        Some(parent) => Ok(Some(delegate::Above::find(cx, keys, parent).await?)),
        None => Ok(None),
    }
}

/// The policy that the terms name must be the one that is there.
fn policy_hash(policy: &Policy, terms: &Terms) -> Result<Digest> {
    if policy.hash.to_string() != terms.policy_hash {
        return Err(Error::refused(
            "policy_not_found",
            "The policy was changed since the terms were written. Ask again.",
        ));
    }
    Ok(policy.hash)
}

/// The checkout of an intent, signed by this installation for its vendor: what a wallet approves.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Offer {
    /// The checkout as a JWT (ES256).
    checkout_jwt: String,
    /// Its hash: `transaction_id` of the payment mandate.
    checkout_hash: String,
    /// To whom hops of a chain are addressed (`aud`).
    audience: String,
    /// What hops of a chain answer (`nonce`).
    nonce: String,
    /// Until when the intent waits.
    expires_at: Time,
}

/// Writes the checkout of a pending intent.
pub(crate) async fn offer(cx: &mut Cx, keys: &Keys, id: IntentId) -> Result<(Intent, Offer)> {
    let intent = intent::get(cx, id).await?;
    let vendor = vendor::get(cx, intent.vendor_id).await?;
    let title = intent.description.as_str();
    let checkout =
        token::checkout(intent.id, wallet::merchant(&vendor), &intent.sku, title, intent.amount())?;
    let signer = keys.signer(crate::signing::Purpose::Mandate)?;
    let checkout_jwt = checkout.sign(&signer.token, cx.random())?;
    let offer = Offer {
        checkout_hash: ap2::hash(&checkout_jwt),
        checkout_jwt,
        audience: keys.audience().to_owned(),
        nonce: intent.id.to_string(),
        expires_at: intent.quote.expires_at,
    };
    Ok((intent, offer))
}
