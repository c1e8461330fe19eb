//! From a payment to its end: checked, claimed, worked for, settled.

use super::present::{Offer, Presented};
use super::resolve::{self, Verdict};
use super::{Dialect, Flow, Output, Sale, Shop, Status, jobs, store};
use crate::facilitator::{lower, seconds};
use crate::resource::{self, Resource, ResourceId};
use base::{Error, Result, TenantId, Time};
use db::{Caller, Cx, Db, Fact, Scope};
use serde_json::json;
use std::time::Duration;
use x402::exact::{Claim, check};
use x402::identifier::{self, Verdict as Known};
use x402::wire::FacilitatorRequest;
use x402::{Network, Reason, SettleResponse, Trouble, Uint, VERSION};

/// The longest that work may take, in seconds.
pub(super) const WORK_S: u64 = 30;
/// Seconds after which a settlement that has not come back is given up: longer than any facilitator waits.
pub(super) const CALL_S: i64 = 75;
/// Seconds that an authorization may still live: what is unknown must end some time.
const LIVES_S: u64 = 3_600;
/// Milliseconds between two looks at a sale that another request is carrying out, and how many there are.
const LOOK_MS: u64 = 100;
const LOOKS: u32 = 100;

/// What a buyer is told.
pub(super) enum Told {
    /// Paid: the output.
    Delivered(Box<Sale>, Output),
    /// 402, and why. The settlement, when there was one.
    Unpaid(Reason, Option<Box<SettleResponse>>),
    /// 400: the payment must have a name.
    NameNeeded,
    /// 409: the name is another payment's.
    NameTaken,
    /// It is under way, or being looked up: come again.
    Wait(Box<Sale>),
    /// Paid upfront, and what is sold could not be made: the seller owes the money.
    Owed(Box<Sale>),
    /// It could not be carried out; nothing is charged.
    NotCharged(&'static str, String),
}

/// Where a sale is made.
#[derive(Clone)]
pub(super) struct Counter {
    pub shop: Shop,
    pub db: Db,
    pub tenant: TenantId,
    pub by: Caller,
    pub resource: ResourceId,
}

/// The claim on a payment, or what is known of it.
enum Step {
    Told(Told),
    Claimed(Box<Sale>),
    /// Another request was faster.
    Again,
}

impl Counter {
    pub async fn begin(&self) -> Result<Cx> {
        self.db.begin(Scope::Tenant(self.tenant), self.by.clone()).await
    }

    fn now(&self) -> Time {
        self.db.clock().now()
    }

    /// What is asked for the resource now.
    pub async fn offer(&self) -> Result<Offer> {
        let mut cx = self.begin().await?;
        offer(&mut cx, self.resource).await
    }

    /// Carries a payment out, or finds what became of it.
    pub async fn sell(&self, presented: &Presented, offer: &Offer) -> Result<Told> {
        // Another request with the same payment may come between the look and the claim.
        for _ in 0..2 {
            if let Some(told) = self.known(presented, offer).await? {
                return Ok(told);
            }
            match self.claim(presented, offer).await? {
                Step::Told(told) => return Ok(told),
                Step::Claimed(sale) => return self.carry_out(*sale, presented, offer).await,
                Step::Again => {}
            }
        }
        // The claim is another sale's, which has another name or none.
        Ok(Told::Unpaid(Reason::NonceUsed, None))
    }

    /// What is known under the buyer's name of the payment.
    async fn known(&self, presented: &Presented, offer: &Offer) -> Result<Option<Told>> {
        let insists = offer.resource.identifier_required && presented.dialect == Dialect::X402;
        let mut sale = None;
        if let Some(name) = &presented.name {
            let mut cx = self.begin().await?;
            sale = store::by_name(&mut cx, self.resource, name).await?;
        }
        let before = sale.as_ref().and_then(|sale| base::Digest::from_slice(&sale.fingerprint));
        Ok(match (identifier::judge(&presented.payment, insists, before), sale) {
            (Ok(Known::Missing), _) => Some(Told::NameNeeded),
            (Ok(Known::Conflict), _) => Some(Told::NameTaken),
            (Ok(Known::Repeat), Some(sale)) => Some(self.follow(sale).await?),
            (Ok(Known::Fresh | Known::Repeat), _) => None,
            (Err(reason), _) => Some(Told::Unpaid(reason, None)),
        })
    }

    /// The answer to a repeated request: that of the first one, once it is there.
    async fn follow(&self, sale: Sale) -> Result<Told> {
        let mut sale = sale;
        for _ in 0..LOOKS {
            if sale.status == Status::Unknown {
                sale = resolve::resolve(self, sale.id).await?;
                break;
            }
            if !sale.status.is_open() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            sale = super::get(&mut self.begin().await?, sale.id).await?;
        }
        self.tell(sale, None).await
    }

    /// What a buyer is told of a sale as it is.
    async fn tell(&self, sale: Sale, settled: Option<SettleResponse>) -> Result<Told> {
        match sale.status {
            Status::Claimed | Status::Settling | Status::Unknown | Status::Paid => {
                Ok(Told::Wait(Box::new(sale)))
            }
            Status::Delivered => {
                let mut cx = self.begin().await?;
                let output = store::output(&mut cx, sale.id).await?;
                let output = output.ok_or_else(|| Error::internal("A paid sale has no output."))?;
                Ok(Told::Delivered(Box::new(sale), output))
            }
            Status::Failed if sale.is_owed() => Ok(Told::Owed(Box::new(sale))),
            Status::Failed => match sale.reason.as_deref() {
                Some("work_failed") => Ok(not_charged("work_failed")),
                Some("interrupted") => Ok(not_charged("interrupted")),
                Some("facilitator_unavailable") => Ok(not_charged("facilitator_unavailable")),
                reason => Ok(Told::Unpaid(Reason::read(reason.unwrap_or_default()), settled.map(Box::new))),
            },
        }
    }

    /// Checks the payment, asks the facilitator, and claims it.
    async fn claim(&self, presented: &Presented, offer: &Offer) -> Result<Step> {
        let now = self.now();
        let claim = match check(&presented.payment, &offer.required, seconds(now)) {
            Ok(claim) => claim,
            Err(reason) => return Ok(Step::Told(Told::Unpaid(reason, None))),
        };
        if claim.valid_before > Uint::from(seconds(now).saturating_add(LIVES_S)) {
            return Ok(Step::Told(Told::Unpaid(Reason::ValidBefore, None)));
        }
        let request = request(presented, offer);
        match self.shop.facilitator.verify(&request).await {
            Ok(verdict) if verdict.is_valid => {}
            Ok(verdict) => {
                let reason = verdict.invalid_reason.unwrap_or_default();
                let reason = Reason::read(&reason);
                // A repeated request may come while its first one is being settled.
                let repeats = reason == Reason::NonceUsed && presented.name.is_some();
                return Ok(if repeats { Step::Again } else { Step::Told(Told::Unpaid(reason, None)) });
            }
            Err(why) => return Ok(Step::Told(unreached(&why))),
        }
        let mut cx = self.begin().await?;
        let asked = self::offer(&mut cx, self.resource).await?;
        if asked.resource.status != resource::Status::Active || asked.required != offer.required {
            return Ok(Step::Told(Told::Unpaid(Reason::InvalidRequirements, None)));
        }
        let sale = self.sale(&cx, &claim, presented, offer)?;
        let check_at = cx.now().plus_s(stale_s());
        if !store::claim(&mut cx, &sale, check_at).await? {
            return Ok(Step::Again);
        }
        jobs::look_later(&mut cx, sale.id, "claimed", check_at).await?;
        publish(&mut cx, "pay.sale.claimed", &sale).await?;
        cx.commit().await?;
        Ok(Step::Claimed(Box::new(sale)))
    }

    fn sale(&self, cx: &Cx, claim: &Claim, presented: &Presented, offer: &Offer) -> Result<Sale> {
        let valid_s = claim.valid_before.to_i64().and_then(|s| s.checked_mul(1_000_000));
        let valid_before = valid_s.map(Time::from_us).ok_or_else(|| {
            Error::invalid("x402.valid_before", "The authorization lives longer than can be counted.")
        })?;
        Ok(Sale {
            id: cx.id(),
            resource_id: self.resource,
            payer: lower(claim.from),
            payee: lower(claim.to),
            network: claim.network.as_str().to_owned(),
            asset: lower(claim.asset),
            units: claim.value.to_string(),
            amount_minor: offer.resource.price_minor,
            currency: offer.resource.currency,
            dialect: presented.dialect,
            payment_name: presented.name.clone(),
            simulated: self.shop.facilitator.is_sandbox(),
            flow: self.shop.flow(offer.resource.price_minor),
            status: Status::Claimed,
            reason: None,
            runs: 0,
            transaction: None,
            created_at: cx.now(),
            updated_at: cx.now(),
            nonce: claim.nonce.0.to_vec(),
            fingerprint: presented.fingerprint.0.to_vec(),
            valid_before,
            checks: 0,
        })
    }

    /// The work, within its time.
    pub(super) async fn work(&self, resource: &Resource) -> Result<Output> {
        let work = self.shop.work.run(&self.db, self.tenant, &self.by, resource);
        match tokio::time::timeout(Duration::from_secs(WORK_S), work).await {
            Ok(made) => made,
            Err(_) => Err(Error::unavailable("work.too_long", "The work took too long.")),
        }
    }

    async fn carry_out(&self, sale: Sale, presented: &Presented, offer: &Offer) -> Result<Told> {
        match sale.flow {
            Flow::Authorization => self.work_first(sale, presented, offer).await,
            Flow::Upfront => self.paid_first(sale, presented, offer).await,
        }
    }

    /// The settlement, then the work.
    async fn paid_first(&self, sale: Sale, presented: &Presented, offer: &Offer) -> Result<Told> {
        let mut cx = self.begin().await?;
        let check_at = cx.now().plus_s(CALL_S);
        if !store::settling(&mut cx, sale.id, check_at).await? {
            let sale = super::get(&mut cx, sale.id).await?;
            drop(cx);
            return self.tell(sale, None).await;
        }
        cx.commit().await?;
        let (sale, answer) = self.settle(sale, presented, offer).await?;
        let sale = match sale.status {
            Status::Paid => resolve::deliver(self, sale, &offer.resource).await?,
            Status::Claimed | Status::Settling | Status::Unknown | Status::Delivered | Status::Failed => sale,
        };
        self.tell(sale, answer).await
    }

    /// The work, then the settlement. Nothing is settled before the work is done.
    async fn work_first(&self, sale: Sale, presented: &Presented, offer: &Offer) -> Result<Told> {
        let output = match self.work(&offer.resource).await {
            Ok(output) => output,
            Err(error) => {
                tracing::warn!(sale = %sale.id, ?error, "the work for a sale failed; nothing is charged");
                let sale =
                    resolve::conclude(self, sale.id, Verdict::NotPaid("work_failed".to_owned())).await?;
                return self.tell(sale, None).await;
            }
        };
        let mut cx = self.begin().await?;
        let check_at = cx.now().plus_s(CALL_S);
        if !store::made(&mut cx, sale.id, &output, check_at).await? {
            // It took so long that it was given up; then it is not settled.
            let sale = super::get(&mut cx, sale.id).await?;
            drop(cx);
            return self.tell(sale, None).await;
        }
        cx.commit().await?;
        let (sale, answer) = self.settle(sale, presented, offer).await?;
        self.tell(sale, answer).await
    }

    /// Asks the facilitator to settle, and writes what is known then.
    async fn settle(
        &self,
        sale: Sale,
        presented: &Presented,
        offer: &Offer,
    ) -> Result<(Sale, Option<SettleResponse>)> {
        let settled = self.shop.facilitator.settle(&request(presented, offer)).await;
        let (verdict, answer) = read_settlement(settled, &sale);
        let doubt = matches!(verdict, Verdict::Unknown(_)) && answer.is_some();
        let mut sale = resolve::conclude(self, sale.id, verdict).await?;
        if doubt {
            // It answered, so that looking costs no wait.
            sale = resolve::resolve(self, sale.id).await?;
        }
        Ok((sale, answer))
    }
}

fn request(presented: &Presented, offer: &Offer) -> FacilitatorRequest {
    FacilitatorRequest {
        x402_version: VERSION,
        payment_payload: presented.payment.clone(),
        payment_requirements: offer.required.clone(),
    }
}

/// Seconds after which a claim whose work has not ended is given up.
pub(super) fn stale_s() -> i64 {
    i64::try_from(WORK_S).unwrap_or(0).saturating_add(CALL_S)
}

/// The resource and the one way to pay for it.
pub(super) async fn offer(cx: &mut Cx, id: ResourceId) -> Result<Offer> {
    let resource = resource::get(cx, id).await?;
    let (required, coin) = resource::requirements(cx, &resource).await?;
    Ok(Offer { resource, required, decimals: coin.decimals })
}

fn not_charged(code: &'static str) -> Told {
    let detail = match code {
        "work_failed" => "What is sold could not be made.",
        "interrupted" => "The sale was interrupted before anything was made.",
        _ => "The payment could not be brought to the network.",
    };
    Told::NotCharged(code, format!("{detail} Nothing was charged; pay again with a fresh signature."))
}

fn unreached(why: &Trouble) -> Told {
    tracing::warn!(%why, "a facilitator did not verify a payment");
    Told::NotCharged(
        "facilitator_unavailable",
        "The payment cannot be verified right now. Nothing was charged; try again later.".to_owned(),
    )
}

/// What a settlement's answer means. Only what surely moved nothing ends a sale unpaid.
fn read_settlement(
    settled: Result<SettleResponse, Trouble>,
    sale: &Sale,
) -> (Verdict, Option<SettleResponse>) {
    let answer = match settled {
        Ok(answer) => answer,
        Err(Trouble::Lost(detail)) => return (Verdict::Unknown(detail), None),
        Err(Trouble::NotReached(detail)) => {
            tracing::warn!(sale = %sale.id, detail, "a facilitator was not reached; nothing is charged");
            return (Verdict::NotPaid("facilitator_unavailable".to_owned()), None);
        }
        Err(Trouble::Refused(detail)) => {
            tracing::warn!(sale = %sale.id, detail, "a facilitator refused a payment that it had verified");
            return (Verdict::NotPaid("facilitator_unavailable".to_owned()), None);
        }
    };
    let network = answer.network.as_str() == sale.network;
    let amount = answer.amount.is_none_or(|units| units.to_string() == sale.units);
    let verdict = if answer.success && network && amount && !answer.transaction.is_empty() {
        Verdict::Paid(answer.transaction.clone())
    } else if answer.success {
        Verdict::Unknown("The facilitator settled something else than was asked.".to_owned())
    } else {
        let reason = Reason::read(answer.error_reason.as_deref().unwrap_or_default());
        if reason.may_have_moved_money() {
            Verdict::Unknown(reason.to_string())
        } else {
            Verdict::NotPaid(reason.to_string())
        }
    };
    (verdict, Some(answer))
}

/// The claim of a sale, as facilitators look it up.
///
/// # Errors
/// Internal when the row cannot be read.
pub(super) fn claim_of(sale: &Sale) -> Result<Claim> {
    let damaged = || Error::internal("The claim of a sale cannot be read.");
    Ok(Claim {
        network: sale.network.parse::<Network>().map_err(|_| damaged())?,
        asset: sale.asset.parse().map_err(|_| damaged())?,
        from: sale.payer.parse().map_err(|_| damaged())?,
        nonce: x402::Word(sale.nonce.as_slice().try_into().map_err(|_| damaged())?),
        to: sale.payee.parse().map_err(|_| damaged())?,
        value: sale.units.parse().map_err(|_| damaged())?,
        valid_before: Uint::from(seconds(sale.valid_before)),
    })
}

/// Says how far a sale is.
pub(super) async fn publish(cx: &mut Cx, kind: &'static str, sale: &Sale) -> Result<()> {
    let detail = json!({
        "resource_id": sale.resource_id,
        "amount_minor": sale.amount_minor,
        "currency": sale.currency,
        "status": sale.status,
        "reason": sale.reason,
        "simulated": sale.simulated,
    });
    cx.publish(Fact::about(kind, sale.id.uuid()).with(detail)).await
}
