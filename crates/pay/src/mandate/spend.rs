//! The counters of a mandate, for payments: reserve, then settle or release. The rows are taken in the same
//! order always: mandates, then caps ([`super::Standing`] decides over them, for one payment or for many).

use super::{Mandate, MandateId, Read, Standing, Status, Wanted, delegate};
use crate::cap::{self, Periods};
use crate::policy::PolicyId;
use crate::policy::words::Country;
use crate::principal::{self, Principal};
use crate::rail::Rail;
use crate::refusal::{Code, Violation, refused};
use ap2::constraint::{Frequency, Recurrence};
use base::{Digest, Error, Money, Result, Time};
use control::switch::gate;
use db::Cx;
use std::net::IpAddr;
use uuid::Uuid;

/// A payment that is to be reserved.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// For how much.
    pub amount: Money,
    /// Over which rail; none: it is chosen later.
    pub rail: Option<Rail>,
    /// From which country, if that is known.
    pub country: Option<Country>,
    /// From which address, if that is known.
    pub ip: Option<IpAddr>,
}

/// What a reservation took, to be kept with the payment: [`settle`] and [`release`] give it back to the
/// periods that it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// How much.
    pub amount: Money,
    /// From which day and month (`payment.cap_day`, `payment.cap_month`).
    pub periods: Periods,
    /// When ([`Cx::now`] of the reservation: `payment.created_at`).
    pub at: Time,
}

/// A reservation.
#[derive(Clone, Debug)]
pub struct Held {
    /// The mandate as it is now.
    pub mandate: Mandate,
    /// What was taken.
    pub taken: Taken,
    /// The version of the policy that let it through.
    pub policy_id: PolicyId,
    /// Its hash.
    pub policy_hash: Digest,
}

/// Reserves a payment under a mandate: no switch covers it, the mandate and those above it are active, the
/// policy that counts lets it through, and every counter has room. All or nothing. In the transaction that
/// records the payment; the signature of the mandate is [`super::verify`]'s.
///
/// # Errors
/// Not found; `switch.engaged`; refused with every broken rule, of the mandate and of the policy. Nothing
/// is taken then.
pub async fn hold(cx: &mut Cx, id: MandateId, what: &Use) -> Result<Held> {
    let tenant = cx.tenant()?;
    let mut standing = Standing::of(cx, &[Wanted { tenant, mandate: id }], Read::new()).await?;
    let plan = standing.allow(tenant, id, what)?;
    standing.reserve(&plan);
    standing.write(cx).await?;
    let mandate = standing.mandate(tenant, id).cloned().ok_or_else(|| Error::not_found("mandate"))?;
    Ok(Held { mandate, taken: plan.taken, policy_id: plan.policy_id, policy_hash: plan.policy_hash })
}

async fn pass(cx: &mut Cx, owner: &Principal, rail: Option<Rail>) -> Result<()> {
    Ok(gate::hold(cx, &targets(owner, rail)).await?)
}

pub(super) fn targets(owner: &Principal, rail: Option<Rail>) -> gate::Targets<'_> {
    gate::Targets { principal: Some(&owner.name), provider: rail.map(Rail::word), ..gate::Targets::default() }
}

/// The first day on which a mandate may be used after a use at this instant, as `2026-12-01`.
pub(super) fn opens_on(mandate: &Mandate, at: Time) -> Option<String> {
    let frequency = mandate.caps.frequency.filter(|f| *f != Frequency::OnDemand)?;
    let recurrence = Recurrence { frequency, max_occurrences: None, zone: mandate.zone.clone() };
    recurrence.opens_on(at).map(|day| day.to_string())
}

pub(super) fn today(mandate: &Mandate, at: Time) -> String {
    at.in_zone(&mandate.zone).date().to_string()
}

/// Undoes a reservation: neither the money nor the use nor the distance in time counts any more.
async fn unreserve(cx: &mut Cx, mandate: &Mandate, taken: &Taken) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.mandate set reserved_minor = reserved_minor - $3, executions = executions - 1, updated_at = $4,
                opens_on = nullif(opens_on, $5::text::date)
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        mandate.id.uuid(),
        taken.amount.minor,
        now as Time,
        opens_on(mandate, taken.at),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Why a mandate does not allow a payment, as far as its own row says.
pub(super) fn refusals(m: &Mandate, taken: &Taken, now: Time) -> Vec<Violation> {
    let mut broken = Vec::new();
    let money = |minor: i64| Money { minor, currency: m.currency };
    match m.status_at(now) {
        Status::Active => {}
        Status::Exhausted => {
            broken.push(Violation::new(Code::MandateExhausted, "Nothing is left of the mandate."))
        }
        Status::Revoked => {
            let why = m.reason.as_deref().unwrap_or("no reason was given");
            broken.push(Violation::new(Code::MandateRevoked, format!("The mandate was revoked: {why}.")));
        }
        Status::Expired => {
            broken.push(Violation::new(
                Code::MandateExpired,
                format!("The mandate ended at {}.", m.expires_at),
            ));
        }
    }
    let (amount, cap) = (taken.amount.minor, m.caps.per_transaction_minor);
    if amount <= 0 || amount > cap {
        broken.push(Violation::new(
            Code::AmountExceedsCap,
            format!("One payment is at most {} under the mandate; this is {}.", money(cap), taken.amount),
        ));
    }
    if m.status == Status::Active && amount > m.left_minor() {
        broken.push(Violation::new(
            Code::AmountExceedsCap,
            format!("{} is left of the mandate; this is {}.", money(m.left_minor()), taken.amount),
        ));
    }
    if m.status == Status::Active && m.used.executions >= m.caps.executions_max {
        let max = m.caps.executions_max;
        broken.push(Violation::new(
            Code::MandateExhausted,
            format!("The mandate allows {max} payments, and they were made."),
        ));
    }
    broken
}

pub(super) fn early(m: &Mandate) -> Violation {
    let apart = m.caps.frequency.map(super::words::frequency).unwrap_or_default();
    Violation::new(
        Code::VelocityExceeded,
        format!("It is too early for another payment under the mandate: {apart}."),
    )
}

/// Asks once more, in the transaction that records that money is about to move: no switch covers it, and
/// the mandate and those above it were neither revoked nor ended. Nobody can revoke it before that
/// transaction ends.
///
/// # Errors
/// Not found; `switch.engaged`; forbidden (`mandate_revoked`, `mandate_expired`): then void the payment and
/// [`release`].
pub async fn confirm(cx: &mut Cx, id: MandateId, rail: Rail) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    // Revoking locks from above downwards; so does this.
    let rows = sqlx::query!(
        r#"with recursive line as (
             select id, parent_id, 0 as depth from pay.mandate where tenant_id = $1 and id = $2
             union all
             select m.id, m.parent_id, l.depth + 1 from line l join pay.mandate m on m.tenant_id = $1 and m.id = l.parent_id
           )
           select id as "id!" from line order by depth desc"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    for row in &rows {
        sqlx::query!(
            "select from pay.mandate where tenant_id = $1 and id = $2 for share",
            tenant.uuid(),
            row.id
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    let mandate = super::get(cx, id).await?;
    let owner = principal::get(cx, mandate.principal_id).await?;
    pass(cx, &owner, Some(rail)).await?;
    let mut broken: Vec<Violation> = principal::inactive(&owner).into_iter().collect();
    if mandate.status == Status::Revoked {
        broken.push(Violation::new(Code::MandateRevoked, "The mandate was revoked before the money moved."));
    }
    if mandate.status == Status::Expired || mandate.expires_at <= now {
        broken.push(Violation::new(Code::MandateExpired, "The mandate ended before the money moved."));
    }
    if broken.is_empty() { Ok(()) } else { Err(refused(&broken)) }
}

/// Ends a reservation as paid. What was not captured returns to every counter. Exactly once for each
/// reservation: in the transaction that ends the payment, under its own condition.
///
/// # Errors
/// Not found; invalid when more is captured than was reserved, or the reservation is not there.
pub async fn settle(cx: &mut Cx, id: MandateId, taken: &Taken, captured_minor: i64) -> Result<()> {
    if !(1..=taken.amount.minor).contains(&captured_minor) {
        return Err(Error::invalid(
            "mandate.capture",
            "What is captured is more than nothing and at most what was reserved.",
        ));
    }
    let mandate = super::get(cx, id).await?;
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.mandate set reserved_minor = reserved_minor - $3, spent_minor = spent_minor + $4, updated_at = $5,
                status = case when status = 'active' and reserved_minor = $3
                                   and (executions >= executions_max or spent_minor + $4 + delegated_minor >= total_minor)
                              then 'exhausted' else status end
         where tenant_id = $1 and id = $2 and reserved_minor >= $3",
        tenant.uuid(),
        id.uuid(),
        taken.amount.minor,
        captured_minor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    ended(done.rows_affected())?;
    let rest = Money { minor: taken.amount.minor - captured_minor, ..taken.amount };
    if rest.minor > 0 {
        give_back(cx, &mandate, rest, &taken.periods).await?;
    }
    Ok(())
}

/// Ends a reservation without a payment: everything returns. Exactly once, as [`settle`].
///
/// # Errors
/// Not found; invalid when the reservation is not there.
pub async fn release(cx: &mut Cx, id: MandateId, taken: &Taken) -> Result<()> {
    let mandate = super::get(cx, id).await?;
    if mandate.used.reserved_minor < taken.amount.minor {
        return ended(0);
    }
    unreserve(cx, &mandate, taken).await?;
    give_back(cx, &mandate, taken.amount, &taken.periods).await
}

fn ended(rows: u64) -> Result<()> {
    match rows {
        1 => Ok(()),
        _ => Err(Error::invalid("mandate.not_reserved", "There is no such reservation under this mandate.")),
    }
}

async fn give_back(cx: &mut Cx, mandate: &Mandate, amount: Money, periods: &Periods) -> Result<()> {
    let above = delegate::ancestors(cx, mandate).await?;
    let subjects = [mandate].into_iter().chain(&above).map(|m| m.id.uuid());
    let subjects: Vec<Uuid> = subjects.chain([mandate.principal_id.uuid()]).collect();
    for subject in subjects {
        cap::give_back(cx, subject, amount, periods).await?;
    }
    Ok(())
}
