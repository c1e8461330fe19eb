//! What a mandate will say, before it is signed: the template's defaults, what the caller asks for, and
//! whether that fits. Pure; these terms, byte for byte, are what a person agrees to.

use super::{Caps, MandateId, Mode, Template, Wallet};
use crate::intent::{Intent, IntentId};
use crate::policy::words::{AMOUNT_MINOR_MAX, VELOCITY_MAX, Velocity, WINDOW_S_MAX};
use crate::policy::{Policy, PolicyId, rules};
use crate::principal::{PrincipalId, Risk};
use crate::rail::Rail;
use crate::refusal::{Code, Violation};
use crate::vendor::{Vendor, VendorId};
use ap2::constraint::Frequency;
use base::{Currency, Error, Money, Result, Time, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most payments under one mandate.
pub const EXECUTIONS_MAX: i32 = 100_000;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// Which limits the caller asks for; what is left out comes from the template.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// Of one payment; the intent's amount.
    pub per_transaction_minor: Option<i64>,
    /// Of a day; the total, or what the policy allows.
    pub per_day_minor: Option<i64>,
    /// Of all payments together; the intent's amount, or a payment as often as there are payments.
    pub total_minor: Option<i64>,
    /// How many payments; 1, or 12 of a recurring budget.
    pub executions_max: Option<i32>,
    /// How many within a window.
    pub velocity: Option<Velocity>,
    /// The least distance of two payments: `ON_DEMAND`, `DAILY`, `WEEKLY`, `BIWEEKLY`, `MONTHLY`,
    /// `QUARTERLY`, `ANNUALLY`.
    #[schemars(with = "Option<String>")]
    pub frequency: Option<Frequency>,
}

impl Template {
    /// How long a mandate of this kind lives by itself, and at most, in seconds.
    fn life_s(self) -> (i64, i64) {
        match self {
            Self::MicroTask => (HOUR_S, DAY_S),
            Self::RecurringBudget => (30 * DAY_S, 366 * DAY_S),
            Self::Exceptional => (HOUR_S, 7 * DAY_S),
        }
    }

    fn executions(self) -> i32 {
        match self {
            Self::MicroTask | Self::Exceptional => 1,
            Self::RecurringBudget => 12,
        }
    }

    /// Who closes a mandate of this kind unless the caller says otherwise.
    pub fn mode(self) -> Mode {
        match self {
            Self::MicroTask | Self::Exceptional => Mode::Direct,
            Self::RecurringBudget => Mode::Autonomous,
        }
    }
}

/// What a mandate will say. Its canonical JSON is what a person agrees to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The mandate to be.
    pub mandate_id: MandateId,
    /// For which intent.
    pub intent_id: IntentId,
    /// Who may pay.
    pub principal_id: PrincipalId,
    /// Their name.
    pub principal: String,
    /// Whom.
    pub vendor_id: VendorId,
    /// Their name.
    pub vendor: String,
    /// For what.
    pub sku: String,
    /// In the caller's words.
    pub description: String,
    /// What it is for.
    pub template: Template,
    /// Who closes it.
    pub mode: Mode,
    /// Of every amount.
    pub currency: Currency,
    /// The intent's amount.
    pub amount_minor: i64,
    /// How much.
    pub caps: Caps,
    /// In which zone the recurrence is counted.
    pub zone: Zone,
    /// Over which rails.
    pub rails: Vec<Rail>,
    /// The key that closes it: a public key in JSON; none: this installation closes it for the agent.
    pub holder: Option<serde_json::Value>,
    /// The mandate that it is delegated from.
    pub parent_id: Option<MandateId>,
    /// The version of the policy that it was judged by.
    pub policy_id: PolicyId,
    /// The hash of that version, in hex.
    pub policy_hash: String,
    /// When the terms were written.
    pub written_at: Time,
    /// Until when the mandate may be used.
    pub expires_at: Time,
    /// What a wallet signed, where one did.
    pub wallet: Option<Wallet>,
}

/// What terms are written from.
pub(super) struct Source<'a> {
    pub(super) mandate_id: MandateId,
    pub(super) intent: &'a Intent,
    pub(super) principal: &'a str,
    pub(super) risk: Risk,
    pub(super) vendor: &'a Vendor,
    pub(super) policy: &'a Policy,
    pub(super) template: Template,
    pub(super) mode: Option<Mode>,
    pub(super) asked: &'a Asked,
    pub(super) expires_in_s: Option<i64>,
    pub(super) holder: Option<serde_json::Value>,
    pub(super) parent_id: Option<MandateId>,
    pub(super) wallet: Option<Wallet>,
    pub(super) now: Time,
}

impl Terms {
    /// Writes the terms.
    ///
    /// # Errors
    /// Invalid, naming the field.
    pub(super) fn write(from: Source<'_>) -> Result<Self> {
        let caps = caps(&from)?;
        let mode = from.mode.unwrap_or_else(|| from.template.mode());
        if mode == Mode::Direct && caps.executions_max != 1 {
            return Err(Error::invalid(
                "mandate.mode",
                "A direct mandate approves one payment: executions_max is 1.",
            ));
        }
        let rules = &from.policy.rules;
        let expires_at = end(&from)?;
        let usable = |rail: &Rail| {
            from.vendor.rails.contains(rail)
                && rules::may_use(rules, *rail)
                && (*rail != Rail::X402 || from.risk != Risk::High)
        };
        Ok(Self {
            mandate_id: from.mandate_id,
            intent_id: from.intent.id,
            principal_id: from.intent.principal_id,
            principal: from.principal.to_owned(),
            vendor_id: from.vendor.id,
            vendor: from.vendor.name.clone(),
            sku: from.intent.sku.clone(),
            description: from.intent.description.clone(),
            template: from.template,
            mode,
            currency: from.intent.currency,
            amount_minor: from.intent.amount_minor,
            caps,
            zone: rules.zone.clone(),
            rails: Rail::ALL.into_iter().filter(usable).collect(),
            holder: from.holder,
            parent_id: from.parent_id,
            policy_id: from.policy.id,
            policy_hash: from.policy.hash.to_string(),
            written_at: from.now,
            expires_at,
            wallet: from.wallet,
        })
    }

    /// An amount in the terms' currency.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// Internal when they cannot be written.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        serde_jcs::to_vec(self).map_err(|cause| Error::internal("Terms cannot be written.").caused_by(cause))
    }

    /// Where the asked limits pass those of the policy: the gate judges one payment, this the rest.
    pub(super) fn beyond(&self, policy: &Policy) -> Vec<Violation> {
        let Some(limits) = policy.rules.caps.get(&self.currency) else { return Vec::new() };
        let mut broken = Vec::new();
        if self.caps.per_day_minor > limits.per_day_minor {
            let (cap, asked) = (self.money(limits.per_day_minor), self.money(self.caps.per_day_minor));
            broken.push(Violation::new(
                Code::DailyLimitExceeded,
                format!("The policy allows {cap} a day; the mandate would allow {asked}."),
            ));
        }
        if let (Some(limit), Some(asked)) = (policy.rules.velocity, self.caps.velocity)
            && asked.window_s <= limit.window_s
            && asked.count_max > limit.count_max
        {
            broken.push(Violation::new(
                Code::VelocityExceeded,
                format!(
                    "The policy allows {} payments within {} seconds; the mandate would allow {} within {}.",
                    limit.count_max, limit.window_s, asked.count_max, asked.window_s
                ),
            ));
        }
        broken
    }
}

fn caps(from: &Source<'_>) -> Result<Caps> {
    let (asked, amount) = (from.asked, from.intent.amount_minor);
    let executions_max = asked.executions_max.unwrap_or_else(|| from.template.executions());
    if !(1..=EXECUTIONS_MAX).contains(&executions_max) {
        return Err(bad("executions_max", &format!("1 to {EXECUTIONS_MAX}")));
    }
    if from.template != Template::RecurringBudget && executions_max != 1 {
        return Err(Error::invalid(
            "mandate.caps",
            "executions_max: only a recurring budget has more than one payment.",
        ));
    }
    let minor = |name: &str, value: i64| match value {
        1..=AMOUNT_MINOR_MAX => Ok(value),
        _ => Err(bad(name, &format!("1 to {AMOUNT_MINOR_MAX} minor units"))),
    };
    let per_transaction = minor("per_transaction_minor", asked.per_transaction_minor.unwrap_or(amount))?;
    let whole = per_transaction.saturating_mul(i64::from(executions_max)).min(AMOUNT_MINOR_MAX);
    let total = minor("total_minor", asked.total_minor.unwrap_or(whole))?;
    let limit = from.policy.rules.caps.get(&from.intent.currency).map_or(total, |caps| caps.per_day_minor);
    let per_day = minor("per_day_minor", asked.per_day_minor.unwrap_or_else(|| total.min(limit).max(1)))?;
    if per_transaction > total {
        return Err(Error::invalid("mandate.caps", "per_transaction_minor: at most total_minor."));
    }
    if amount > per_transaction {
        return Err(Error::invalid(
            "mandate.caps",
            "per_transaction_minor: at least the amount of the intent.",
        ));
    }
    if let Some(velocity) = asked.velocity
        && (!(1..=VELOCITY_MAX).contains(&velocity.count_max)
            || !(1..=WINDOW_S_MAX).contains(&velocity.window_s))
    {
        return Err(bad(
            "velocity",
            &format!("1 to {VELOCITY_MAX} payments within 1 to {WINDOW_S_MAX} seconds"),
        ));
    }
    Ok(Caps {
        per_transaction_minor: per_transaction,
        per_day_minor: per_day,
        total_minor: total,
        executions_max,
        velocity: asked.velocity,
        frequency: asked.frequency.filter(|frequency| *frequency != Frequency::OnDemand),
    })
}

fn end(from: &Source<'_>) -> Result<Time> {
    let (usual_s, longest_s) = from.template.life_s();
    let life_s = from.expires_in_s.unwrap_or(usual_s);
    if !(1..=longest_s).contains(&life_s) {
        return Err(bad("expires_in_s", &format!("1 to {longest_s} seconds")));
    }
    let end = from.now.plus_s(life_s);
    // Whole seconds, because tokens count in them.
    let end = Time::from_us(end.us().div_euclid(1_000_000) * 1_000_000);
    Ok(from.policy.rules.valid_until.map_or(end, |until| end.min(until)))
}

fn bad(field: &str, range: &str) -> Error {
    Error::invalid("mandate.caps", format!("{field}: {range}."))
}
