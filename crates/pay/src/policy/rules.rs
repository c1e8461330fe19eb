//! The gate: whether a policy lets a payment through. Pure; every rule is asked and every broken one is
//! named. What is not known (the country, the address) is not allowed where a rule asks for it.

use super::words::{Caps, Country, Geo, Hours, Rules, Weekday};
use crate::cap::Usage;
use crate::principal::Risk;
use crate::rail::Rail;
use crate::refusal::{Code, Violation};
use crate::vendor::VendorId;
use base::{Money, Time, Zone};
use std::net::IpAddr;

/// A payment that somebody wants to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// What.
    pub sku: String,
    /// From whom.
    pub vendor: VendorId,
    /// For how much.
    pub amount: Money,
    /// Over which rail; none: it is not chosen yet, and any that is allowed will do.
    pub rail: Option<Rail>,
    /// From which country, if that is known.
    pub country: Option<Country>,
    /// From which address, if that is known.
    pub ip: Option<IpAddr>,
    /// When.
    pub at: Time,
    /// How much the principal is trusted.
    pub risk: Risk,
}

/// What the gate says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Let through.
    Pass,
    /// Let through once a person agreed.
    NeedsApproval,
    /// Not let through.
    Deny,
}

/// The verdict over broken rules: approval alone is no refusal.
pub fn verdict(broken: &[Violation]) -> Verdict {
    match broken {
        [] => Verdict::Pass,
        broken if broken.iter().all(|v| v.code == Code::ApprovalRequired) => Verdict::NeedsApproval,
        _ => Verdict::Deny,
    }
}

/// Every rule that this payment breaks, in the order of the codes.
pub fn judge(rules: &Rules, ask: &Ask, usage: &Usage) -> Vec<Violation> {
    let caps = rules.caps.get(&ask.amount.currency);
    let mut broken = admits(rules, &ask.sku, ask.vendor, ask.at);
    broken.extend(amounts(caps, ask, usage));
    broken.extend(too_often(rules, usage));
    broken.extend(from_where(rules, ask.country));
    broken.extend(when(rules.hours.as_ref(), &rules.zone, ask.at));
    broken.extend(from_address(rules, ask.ip));
    broken.extend(over_rail(rules, ask));
    broken.extend(approval(caps, ask));
    broken
}

/// The rules that an intent must meet: the policy holds, and what and whom it names is on its lists.
pub fn admits(rules: &Rules, sku: &str, vendor: VendorId, at: Time) -> Vec<Violation> {
    let mut broken = Vec::new();
    if at < rules.valid_from {
        broken.push(Violation::new(
            Code::PolicyExpired,
            format!("The policy holds from {} on, not yet.", rules.valid_from),
        ));
    }
    if let Some(until) = rules.valid_until
        && at >= until
    {
        broken.push(Violation::new(Code::PolicyExpired, format!("The policy ended at {until}.")));
    }
    if !rules.skus.contains(sku) {
        broken
            .push(Violation::new(Code::SkuNotAllowed, format!("The policy does not list the SKU “{sku}”.")));
    }
    if !rules.vendors.contains(&vendor) {
        broken.push(Violation::new(
            Code::VendorNotAllowed,
            format!("The policy does not list the vendor {vendor}."),
        ));
    }
    broken
}

fn amounts(caps: Option<&Caps>, ask: &Ask, usage: &Usage) -> Vec<Violation> {
    let Some(caps) = caps else {
        let code = ask.amount.currency.code();
        return vec![Violation::new(Code::CurrencyNotAllowed, format!("The policy has no caps in {code}."))];
    };
    let money = |minor: i64| Money { minor, ..ask.amount };
    let minor = ask.amount.minor;
    let mut broken = Vec::new();
    if minor <= 0 || minor > caps.per_transaction_minor {
        let cap = money(caps.per_transaction_minor);
        broken.push(Violation::new(
            Code::AmountExceedsCap,
            format!("One payment is at most {cap}; this is {}.", ask.amount),
        ));
    }
    for (code, what, used, cap) in [
        (Code::DailyLimitExceeded, "A day", usage.day_minor, caps.per_day_minor),
        (Code::MonthlyLimitExceeded, "A month", usage.month_minor, caps.per_month_minor),
    ] {
        // A sum that does not fit is above every cap.
        if used.checked_add(minor).is_none_or(|sum| sum > cap) {
            broken.push(Violation::new(
                code,
                format!(
                    "{what} has at most {}, of which {} is used; this is {}.",
                    money(cap),
                    money(used),
                    ask.amount
                ),
            ));
        }
    }
    broken
}

fn too_often(rules: &Rules, usage: &Usage) -> Option<Violation> {
    let velocity = rules.velocity?;
    (usage.count >= i64::from(velocity.count_max)).then(|| {
        Violation::new(
            Code::VelocityExceeded,
            format!(
                "At most {} payments within {} seconds; there were {}.",
                velocity.count_max, velocity.window_s, usage.count
            ),
        )
    })
}

fn from_where(rules: &Rules, country: Option<Country>) -> Option<Violation> {
    let allowed = match (rules.geo.as_ref()?, country) {
        (_, None) => false,
        (Geo::Allow(list), Some(country)) => list.contains(&country),
        (Geo::Deny(list), Some(country)) => !list.contains(&country),
    };
    (!allowed).then(|| {
        let place = country.map_or_else(|| "an unknown country".to_owned(), |country| country.to_string());
        Violation::new(Code::GeoDenied, format!("The policy allows no payment from {place}."))
    })
}

fn when(hours: Option<&Hours>, zone: &Zone, at: Time) -> Option<Violation> {
    let hours = hours?;
    (!is_within(hours, zone, at)).then(|| {
        let days = hours.weekdays.iter().map(|day| day.label()).collect::<Vec<_>>().join(", ");
        let days = if days.is_empty() { "no day".to_owned() } else { days };
        Violation::new(
            Code::OutsideTimeWindow,
            format!("Payments are made on {days}, {} to {} in {zone}.", hours.from, hours.until),
        )
    })
}

/// Whether an instant is within hours on the wall of a zone.
pub fn is_within(hours: &Hours, zone: &Zone, at: Time) -> bool {
    let wall = at.in_zone(zone);
    let minute = u16::try_from(i32::from(wall.hour()) * 60 + i32::from(wall.minute())).unwrap_or(0);
    let (from, until) = (hours.from.of_day(), hours.until.of_day());
    let today = Weekday::of(wall.weekday());
    let runs_on = |day: Weekday| hours.weekdays.contains(&day);
    if from < until {
        return runs_on(today) && (from..until).contains(&minute);
    }
    // Past midnight: the evening of a listed day, or the morning after one.
    runs_on(today) && minute >= from || runs_on(today.before()) && minute < until
}

fn from_address(rules: &Rules, ip: Option<IpAddr>) -> Option<Violation> {
    let networks = rules.ip_allow.as_ref()?;
    let ip = ip.map(|ip| ip.to_canonical());
    let allowed = ip.is_some_and(|ip| networks.iter().any(|network| network.contains(&ip)));
    (!allowed).then(|| {
        let address = ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
        Violation::new(Code::IpDenied, format!("The policy allows no payment from {address}."))
    })
}

/// Whether a rail may be used under these rules, whatever the payment.
pub fn may_use(rules: &Rules, rail: Rail) -> bool {
    rules.rails.contains(&rail) && (rail != Rail::X402 || rules.x402_enabled)
}

fn over_rail(rules: &Rules, ask: &Ask) -> Option<Violation> {
    let usable = |rail: Rail| may_use(rules, rail) && (rail != Rail::X402 || ask.risk != Risk::High);
    let (allowed, what) = match ask.rail {
        Some(rail) => (usable(rail), rail.label()),
        None => (Rail::ALL.into_iter().any(usable), "any rail"),
    };
    (!allowed)
        .then(|| Violation::new(Code::RailNotAllowed, format!("The policy allows no payment over {what}.")))
}

fn approval(caps: Option<&Caps>, ask: &Ask) -> Option<Violation> {
    let above = caps.and_then(|caps| caps.approval_above_minor).filter(|above| ask.amount.minor > *above);
    if let Some(minor) = above {
        let above = Money { minor, ..ask.amount };
        return Some(Violation::new(Code::ApprovalRequired, format!("Above {above} a person must agree.")));
    }
    match ask.risk {
        Risk::High => Some(Violation::new(
            Code::ApprovalRequired,
            "A person must agree to every payment of a principal of risk tier HIGH.",
        )),
        Risk::Low | Risk::Medium => None,
    }
}
