//! Mandates that are handed on: a hop behind the parent's own chain, signed with the key that the parent
//! names. What the child allows, the parent allows; what all children may spend, the parent has left.

use super::{Mandate, MandateId, Mode, Status, Terms, store, token, verify};
use crate::refusal::{Code, Violation, refused};
use crate::signing::{Keys, Purpose};
use ap2::mandate::{OpenCheckout, OpenPayment};
use ap2::{PublicKey, delegation};
use base::{Error, Result, Time};
use db::Cx;

/// How many hands a mandate goes through at most.
pub(super) const DEPTH_MAX: usize = 6;

/// Where terms would allow more than the mandate that they are delegated from. Locks that mandate, so that
/// [`take`] finds what was judged.
pub(super) async fn beyond(cx: &mut Cx, keys: &Keys, id: MandateId, terms: &Terms) -> Result<Vec<Violation>> {
    let parent = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("mandate"))?;
    let mut broken = usable(&parent);
    broken.extend(wider(&parent, terms));
    if ancestors(cx, &parent).await?.len() + 2 > DEPTH_MAX {
        broken.push(Violation::new(
            Code::VelocityExceeded,
            format!("A mandate goes through {DEPTH_MAX} hands at most."),
        ));
    }
    if parent.mode == Mode::Autonomous && broken.is_empty() && terms.wallet.is_none() {
        // What a wallet signed says itself what it allows, and was judged hop by hop when it was read.
        let above = Above::of(cx, keys, parent).await?;
        let child = token::open_payment(terms, keys, None, Some(&above.open))?;
        for found in delegation::widened_payment(&above.open, &child) {
            broken
                .push(Violation::new(Code::AmountExceedsCap, format!("{} ({})", found.message, found.rule)));
        }
        broken.extend(above.unsignable(keys)?);
    }
    Ok(broken)
}

/// A mandate that another one is handed on from, verified from its root on.
pub(super) struct Above {
    pub(super) mandate: Mandate,
    /// What its last token allows.
    pub(super) open: OpenPayment,
    /// Its checkout mandate and what that allows; none where a wallet signed none.
    pub(super) checkout: Option<(String, OpenCheckout)>,
    /// Who may have signed the root.
    pub(super) roots: Vec<PublicKey>,
}

impl Above {
    /// The mandate with this id.
    ///
    /// # Errors
    /// Not found; refused (`signature_invalid`, `mandate_exhausted`) when it cannot be handed on at all.
    pub(super) async fn find(cx: &mut Cx, keys: &Keys, id: MandateId) -> Result<Self> {
        let parent = store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("mandate"))?;
        if parent.mode == Mode::Direct {
            return Err(refused(&usable(&parent)));
        }
        Self::of(cx, keys, parent).await
    }

    async fn of(cx: &mut Cx, keys: &Keys, mandate: Mandate) -> Result<Self> {
        let open = verify::opened(cx, keys, &mandate).await?;
        let roots = verify::roots(cx, keys, &mandate).await?;
        let checkout = verify::open_checkout(keys, &roots, &mandate, cx.now())?;
        Ok(Self { mandate, open, checkout, roots })
    }

    /// Why this installation cannot sign the hop behind it: the mandate names another key.
    fn unsignable(&self, keys: &Keys) -> Result<Option<Violation>> {
        let own = keys.signer(Purpose::Mandate)?.token.public().id();
        if self.open.holder.id() == own {
            return Ok(None);
        }
        let text = match keys.public(&self.open.holder.id()) {
            Some(_) => {
                "The key of this installation that closes the mandate was replaced: it cannot be handed on."
            }
            None => {
                "The mandate that it comes from is closed by the agent's own key: sign the hop behind it with that key, and send the chain as `wallet`."
            }
        };
        Ok(Some(Violation::new(Code::SignatureInvalid, text)))
    }
}

fn usable(parent: &Mandate) -> Vec<Violation> {
    let mut broken = Vec::new();
    match parent.status {
        Status::Active => {}
        Status::Revoked => {
            broken.push(Violation::new(Code::MandateRevoked, "The mandate that it comes from was revoked."))
        }
        Status::Expired => {
            broken.push(Violation::new(Code::MandateExpired, "The mandate that it comes from has ended."))
        }
        Status::Exhausted => {
            broken.push(Violation::new(Code::MandateExhausted, "The mandate that it comes from is used up."))
        }
    }
    if parent.mode == Mode::Direct {
        broken.push(Violation::new(
            Code::MandateExhausted,
            "A mandate for one approved payment cannot be handed on.",
        ));
    }
    if parent.caps.frequency.is_some() {
        let text = "A mandate that keeps payments apart in time cannot be split.";
        broken.push(Violation::new(Code::VelocityExceeded, text));
    }
    broken
}

fn wider(parent: &Mandate, terms: &Terms) -> Vec<Violation> {
    let (mine, theirs) = (&terms.caps, &parent.caps);
    let mut broken = Vec::new();
    let mut say = |is: bool, code: Code, text: String| {
        if is {
            broken.push(Violation::new(code, text));
        }
    };
    say(
        terms.sku != parent.sku,
        Code::SkuNotAllowed,
        format!("The mandate that it comes from is for “{}”.", parent.sku),
    );
    say(
        terms.vendor_id != parent.vendor_id,
        Code::VendorNotAllowed,
        "It would pay another vendor than the mandate that it comes from.".into(),
    );
    say(
        terms.currency != parent.currency,
        Code::CurrencyNotAllowed,
        format!("The mandate that it comes from is in {}.", parent.currency.code()),
    );
    say(
        mine.per_transaction_minor > theirs.per_transaction_minor,
        Code::AmountExceedsCap,
        format!(
            "One payment is at most {} under the mandate that it comes from.",
            terms.money(theirs.per_transaction_minor)
        ),
    );
    say(
        mine.total_minor > parent.left_minor(),
        Code::AmountExceedsCap,
        format!("{} is left of the mandate that it comes from.", terms.money(parent.left_minor())),
    );
    say(
        mine.per_day_minor > theirs.per_day_minor,
        Code::DailyLimitExceeded,
        format!(
            "A day has at most {} under the mandate that it comes from.",
            terms.money(theirs.per_day_minor)
        ),
    );
    let left = theirs.executions_max - parent.used.executions;
    say(
        mine.executions_max > left,
        Code::VelocityExceeded,
        format!("{left} payments are left of the mandate that it comes from."),
    );
    let ends = parent.expires_at;
    say(
        terms.expires_at > ends,
        Code::MandateExpired,
        format!("The mandate that it comes from ends at {ends}."),
    );
    broken
}

/// Takes the child's whole total from the parent, in one conditional statement.
pub(super) async fn take(cx: &mut Cx, parent: MandateId, terms: &Terms) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.mandate set delegated_minor = delegated_minor + $3, executions = executions + $4, updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'active' and expires_at > $5
           and reserved_minor + spent_minor + delegated_minor <= total_minor - $3 and executions <= executions_max - $4",
        tenant.uuid(),
        parent.uuid(),
        terms.caps.total_minor,
        terms.caps.executions_max,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(refused(&[Violation::new(
            Code::AmountExceedsCap,
            "The mandate that it comes from has less left.",
        )])),
    }
}

/// The mandates above one, from its parent upwards.
pub(super) async fn ancestors(cx: &mut Cx, mandate: &Mandate) -> Result<Vec<Mandate>> {
    let (mut above, mut next) = (Vec::new(), mandate.parent_id);
    while let Some(id) = next {
        if above.len() >= DEPTH_MAX {
            return Err(Error::internal("A mandate went through more hands than are allowed."));
        }
        let parent = store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("mandate"))?;
        next = parent.parent_id;
        above.push(parent);
    }
    Ok(above)
}
