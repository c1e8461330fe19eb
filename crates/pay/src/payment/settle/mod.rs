//! Payments over the ledger: one or many of several tenants in one transaction.
//!
//! Everything that decides is locked and read for all members with set-based statements — the answers
//! kept under their keys, mandates, policies, switches, limits, balances — then each member is decided on
//! its own, in the order in which they came, on what the ones before it left; what was decided is written
//! with set-based statements again. A member that is refused leaves no trace and fails nobody else. One
//! member is the ordinary case.
//!
//! The order of the locks is that of everybody who pays: mandates, switches, limits, balances, chains of
//! receipts; within each, that of the ids.

mod store;

use super::begin::{self, Asked};
use super::books::{self, OverLedger};
use super::execute::Executed;
use super::permit::{self, Shown};
use super::{Payment, PaymentId, Status, conclude, route};
use crate::caller::Caller;
use crate::cap::Periods;
use crate::intent::{self, Quoted};
use crate::mandate::{MandateId, Mode, Plan, Read, Standing, Use, Wanted};
use crate::rail::Rail;
use crate::receipt::{self, Attested, Due, Evidence, Receipt};
use crate::signing::Keys;
use base::{Error, Money, Result, TenantId};
use db::idem::{self, Kept, Key};
use db::{Cx, Told};
use ledger::Step;
use std::collections::{HashMap, HashSet};

/// Somebody who wants to pay.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Whose.
    pub tenant: TenantId,
    /// Who calls, under which request.
    pub by: db::Caller,
    /// As whom.
    pub caller: Caller,
    /// What for.
    pub asked: Asked,
    /// What the mandate lets be paid, verified with its signatures; none: the caller of [`settle`] has
    /// verified a mandate for approved payments, and says so by leaving it out.
    pub shown: Option<Shown>,
    /// Under which key the answer is kept; none: somebody else keeps it.
    pub key: Option<Key>,
}

/// What became of a member.
#[derive(Clone, Debug)]
pub(super) enum Settled {
    /// It is paid, and everything is written.
    Paid(Box<Paid>),
    /// The key was used before for the same call: the kept answer.
    Replayed {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// Nothing was decided: this is no new payment that the ledger can carry. It goes its own way.
    Apart,
}

/// A payment with its receipt.
#[derive(Clone, Debug)]
pub(super) struct Paid {
    /// The payment.
    pub payment: Payment,
    /// The answer of the call, when its key was to be kept.
    pub body: Vec<u8>,
}

/// The status of the answer to a payment that ended.
pub(super) const DONE: u16 = 200;

/// A member whose payment may be made, before limits and balances are asked.
struct Draft {
    payment: Payment,
    books: OverLedger,
}

/// A payment that is decided.
struct Made {
    member: usize,
    draft: Draft,
    periods: Periods,
}

/// What a member comes to, while others are still decided.
enum Fate {
    Made(usize),
    Replayed {
        status: u16,
        body: Vec<u8>,
    },
    /// The same call as an earlier member's.
    Twin(usize),
    Apart,
}

/// Settles them, each on its own; the answers are in their order. An error of the whole means that
/// nothing of the transaction may be kept: members may be tried one by one then. `read`: mandates that the
/// caller has read in this transaction, to verify them.
///
/// # Errors
/// Of a member: not found; refused with every broken rule; `switch.engaged`; `idempotency_conflict`. Of
/// the whole: the database's; transient when somebody else paid the same thing at this moment.
pub(super) async fn settle(
    cx: &mut Cx,
    keys: &Keys,
    members: &[Member],
    read: Read,
) -> Result<Vec<Result<Settled>>> {
    let kept = kept(cx, members).await?;
    let wanted: Vec<Wanted> =
        members.iter().map(|m| Wanted { tenant: m.tenant, mandate: m.asked.mandate }).collect();
    let mut standing = Standing::of(cx, &wanted, read).await?;
    let drafts = drafts(cx, &standing, members).await?;
    let known = store::known(cx, &drafts).await?;
    let (accounts, steps) = needs(&drafts);
    let mut books = ledger::session(cx, &accounts, &steps).await?;
    let mut made: Vec<Made> = Vec::new();
    let mut fates: Vec<Result<Fate>> = Vec::with_capacity(members.len());
    let (mut taken, mut calls) = (known, HashMap::new());
    for (index, ((member, kept), draft)) in members.iter().zip(kept).zip(drafts).enumerate() {
        let fate = match earlier(members, member, kept, &calls, &fates) {
            Some(fate) => fate,
            None => match draft {
                Ok(Some(draft)) if taken.insert(draft.payment.id) => {
                    decide(&mut standing, &mut books, member, &draft).map(|plan| match plan {
                        Some(plan) => {
                            made.push(Made { member: index, draft, periods: plan.taken.periods });
                            Fate::Made(made.len() - 1)
                        }
                        None => Fate::Apart,
                    })
                }
                Ok(Some(_) | None) => Ok(Fate::Apart),
                Err(error) => Err(error),
            },
        };
        if let Some(key) = &member.key {
            calls.entry(call(member.tenant, key)).or_insert(index);
        }
        fates.push(fate);
    }
    let paid = write(cx, keys, &standing, books, members, made).await?;
    Ok(answers(fates, &paid))
}

type Call<'a> = (TenantId, &'a str, &'a str, &'a str);

fn call(tenant: TenantId, key: &Key) -> Call<'_> {
    (tenant, &key.identity, &key.path, &key.key)
}

/// What is kept under the members' keys.
async fn kept(cx: &mut Cx, members: &[Member]) -> Result<Vec<Option<Kept>>> {
    let keyed: Vec<(usize, (TenantId, &Key))> =
        members.iter().enumerate().filter_map(|(at, m)| Some((at, (m.tenant, m.key.as_ref()?)))).collect();
    let mut found: Vec<Option<Kept>> = members.iter().map(|_| None).collect();
    if keyed.is_empty() {
        return Ok(found);
    }
    let calls: Vec<(TenantId, &Key)> = keyed.iter().map(|(_, call)| *call).collect();
    for ((at, _), kept) in keyed.iter().zip(idem::kept(cx, &calls).await?) {
        if let Some(slot) = found.get_mut(*at) {
            *slot = kept;
        }
    }
    Ok(found)
}

/// What an earlier call under the same key decides: one that was committed, or a member before this one.
fn earlier<'a>(
    members: &[Member],
    member: &'a Member,
    kept: Option<Kept>,
    calls: &HashMap<Call<'a>, usize>,
    fates: &[Result<Fate>],
) -> Option<Result<Fate>> {
    let key = member.key.as_ref()?;
    if let Some(kept) = kept {
        return Some(match (kept.same_body, kept.answer) {
            (false, _) => Err(conflict()),
            (true, Some((status, body))) => Ok(Fate::Replayed { status, body }),
            // It goes on where the first call left off.
            (true, None) => Ok(Fate::Apart),
        });
    }
    let first = *calls.get(&call(member.tenant, key))?;
    match fates.get(first)? {
        Ok(Fate::Made(_)) => {
            let same =
                members.get(first).and_then(|one| one.key.as_ref()).is_some_and(|k| k.body == key.body);
            Some(if same { Ok(Fate::Twin(first)) } else { Err(conflict()) })
        }
        Ok(Fate::Replayed { .. } | Fate::Twin(_) | Fate::Apart) => Some(Ok(Fate::Apart)),
        // What was refused is not kept: the same key may try again.
        Err(_) => None,
    }
}

fn conflict() -> Error {
    Error::refused(
        "idempotency_conflict",
        "This Idempotency-Key was used before with another body. Use a fresh key for a different call.",
    )
}

/// What each member would pay; none where the ledger is not to carry it.
async fn drafts(cx: &mut Cx, standing: &Standing, members: &[Member]) -> Result<Vec<Result<Option<Draft>>>> {
    let intents: Vec<_> = members
        .iter()
        .filter_map(|m| Some((m.tenant, standing.mandate(m.tenant, m.asked.mandate)?.intent_id)))
        .collect();
    let quotes = intent::quoted(cx, &intents).await?;
    Ok(members
        .iter()
        .map(|member| {
            let mandate = standing
                .mandate(member.tenant, member.asked.mandate)
                .ok_or_else(|| Error::not_found("mandate"))?;
            let quote = quotes
                .get(&(member.tenant, mandate.intent_id))
                .ok_or_else(|| Error::not_found("purchase intent"))?;
            draft(cx, standing, member, quote)
        })
        .collect())
}

fn draft(cx: &Cx, standing: &Standing, member: &Member, quote: &Quoted) -> Result<Option<Draft>> {
    let (tenant, asked) = (member.tenant, &member.asked);
    let mandate = standing.mandate(tenant, asked.mandate).ok_or_else(|| Error::not_found("mandate"))?;
    member.caller.may_see(mandate.principal_id, "mandate")?;
    let shown = match (&member.shown, mandate.mode) {
        (Some(shown), _) => shown.clone(),
        (None, Mode::Direct) if asked.closed.is_none() => permit::direct(mandate, quote.amount_minor, asked),
        (None, Mode::Direct | Mode::Autonomous) => return Ok(None),
    };
    let over_ledger = match (standing.policy(tenant, mandate), standing.payee(tenant, mandate)) {
        (Some(policy), Some(vendor)) => route::over_ledger(&policy.rules, vendor),
        (Some(_) | None, Some(_) | None) => false,
    };
    if !over_ledger || asked.rail.is_some_and(|wish| wish != Rail::Ledger) {
        return Ok(None);
    }
    let amount = shown.amount;
    if amount.minor <= 0 {
        return Ok(None);
    }
    let payment = Payment {
        id: begin::id_of(tenant, asked.mandate, shown.execution.as_deref()),
        mandate_id: mandate.id,
        intent_id: mandate.intent_id,
        principal_id: mandate.principal_id,
        vendor_id: mandate.vendor_id,
        rail: Rail::Ledger,
        provider_ref: None,
        amount_minor: amount.minor,
        currency: amount.currency,
        captured_minor: amount.minor,
        refunded_minor: 0,
        fee_version: quote.fee_version,
        fee_minor: begin::fee(quote.fee_version, quote.fee_bps, amount, Rail::Ledger)?,
        status: Status::Succeeded,
        reason: None,
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let books = books::over_ledger(tenant, &payment)?;
    Ok(Some(Draft { payment, books }))
}

/// The accounts and steps of all drafts, to be locked together.
fn needs(drafts: &[Result<Option<Draft>>]) -> (Vec<ledger::account::Key>, Vec<Step>) {
    let all = || drafts.iter().filter_map(|draft| draft.as_ref().ok()?.as_ref());
    let keys: HashSet<ledger::account::Key> = all().flat_map(|draft| draft.books.keys.clone()).collect();
    (keys.into_iter().collect(), all().flat_map(|draft| draft.books.steps.clone()).collect())
}

/// Decides one member on what the ones before it left. None: what the payer holds here does not cover it.
fn decide(
    standing: &mut Standing,
    books: &mut ledger::Session,
    member: &Member,
    draft: &Draft,
) -> Result<Option<Plan>> {
    let amount: Money = draft.payment.amount();
    let held = draft.books.from.iter().fold(0_i64, |sum, id| sum.saturating_add(books.available(*id)));
    if held < amount.minor {
        return Ok(None);
    }
    let what = Use {
        amount,
        rail: Some(Rail::Ledger),
        country: member.asked.place.country,
        ip: member.asked.place.ip,
    };
    let plan = standing.allow(member.tenant, member.asked.mandate, &what)?;
    for outcome in books.apply(member.tenant, &draft.books.steps)? {
        outcome.ok()?;
    }
    standing.reserve(&plan);
    standing.settle(&plan);
    Ok(Some(plan))
}

/// Writes everything that was decided, the ends of the chains last; returns payment and answer of each.
async fn write(
    cx: &mut Cx,
    keys: &Keys,
    standing: &Standing,
    books: ledger::Session,
    members: &[Member],
    made: Vec<Made>,
) -> Result<Vec<Paid>> {
    if made.is_empty() {
        return Ok(Vec::new());
    }
    standing.write(cx).await?;
    books.write(cx).await?;
    store::insert(cx, members, standing, &made).await?;
    let (mut told, mut dues) = (Vec::with_capacity(made.len() * 3), Vec::with_capacity(made.len()));
    for one in &made {
        let (Some(member), payment) = (members.get(one.member), &one.draft.payment) else { continue };
        let mandate = standing
            .mandate(member.tenant, payment.mandate_id)
            .ok_or_else(|| Error::internal("A payment was made under no mandate."))?;
        let tell = |status| Told {
            tenant: member.tenant,
            by: member.by.clone(),
            fact: conclude::fact(&Payment { status, ..payment.clone() }),
        };
        told.extend([tell(Status::Reserved), tell(Status::Succeeded)]);
        dues.push(Due {
            tenant: member.tenant,
            by: member.by.clone(),
            attested: Attested::payment(payment, receipt::Kind::Succeeded, None),
            evidence: Evidence::of(mandate, member.shown.as_ref().and_then(|shown| shown.closed.clone())),
        });
    }
    let (receipts, issued) = receipt::append_all(cx, keys, &dues).await?;
    told.extend(issued);
    let paid = keep(cx, members, made, receipts).await?;
    cx.publish_told(told).await?;
    Ok(paid)
}

/// Keeps the answers under the members' keys.
async fn keep(cx: &mut Cx, members: &[Member], made: Vec<Made>, receipts: Vec<Receipt>) -> Result<Vec<Paid>> {
    let (mut paid, mut calls, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for (one, receipt) in made.into_iter().zip(receipts) {
        let executed = Executed { payment: one.draft.payment, receipt: Some(receipt) };
        let Some(member) = members.get(one.member) else { continue };
        let mut body = Vec::new();
        if let Some(key) = &member.key {
            body = serde_json::to_vec(&executed)?;
            calls.push((member.tenant, key));
            bodies.push(body.clone());
        }
        paid.push(Paid { payment: executed.payment, body });
    }
    if !calls.is_empty() {
        idem::keep(cx, &calls, DONE, &bodies).await?;
    }
    Ok(paid)
}

/// The answers in the order of the members.
fn answers(fates: Vec<Result<Fate>>, paid: &[Paid]) -> Vec<Result<Settled>> {
    let made: Vec<Option<usize>> =
        fates.iter().map(|fate| if let Ok(Fate::Made(at)) = fate { Some(*at) } else { None }).collect();
    let of = |at: usize| paid.get(at).cloned().map(Box::new);
    fates
        .into_iter()
        .map(|fate| {
            Ok(match fate? {
                Fate::Made(at) => of(at).map_or(Settled::Apart, Settled::Paid),
                Fate::Replayed { status, body } => Settled::Replayed { status, body },
                Fate::Twin(first) => match made.get(first).copied().flatten().and_then(of) {
                    Some(paid) => Settled::Replayed { status: DONE, body: paid.body },
                    None => Settled::Apart,
                },
                Fate::Apart => Settled::Apart,
            })
        })
        .collect()
}

/// The mandate and the payment of a draft, for the statements.
fn of(made: &[Made]) -> impl Iterator<Item = (&Made, &Payment)> + Clone {
    made.iter().map(|one| (one, &one.draft.payment))
}

/// The payments that drafts would make.
fn ids(drafts: &[Result<Option<Draft>>]) -> Vec<PaymentId> {
    drafts.iter().filter_map(|draft| Some(draft.as_ref().ok()?.as_ref()?.payment.id)).collect()
}

/// Readies a transaction for [`settle`]: every statement looks up by keys and, where it is said, none waits
/// longer than this for what somebody else holds.
pub(super) async fn ready(cx: &mut Cx, wait_ms_max: Option<u32>) -> Result<()> {
    store::by_keys(cx, wait_ms_max).await
}

/// Mandates of members, for whoever verifies them.
pub(super) fn mandates(members: &[Member]) -> Vec<(TenantId, MandateId)> {
    members.iter().map(|member| (member.tenant, member.asked.mandate)).collect()
}
