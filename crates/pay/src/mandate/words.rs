//! What a mandate says, in words for people.

use super::{Caps, Mode, Terms};
use ap2::constraint::{CheckoutConstraint, Frequency, PaymentConstraint};
use ap2::mandate::Mandate as Token;
use ap2::{Amount, Json};
use base::{Money, Time, Zone};
use maud::{Markup, html};
use ui::prelude::*;

/// How far apart payments are.
pub fn frequency(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::OnDemand => "as often as needed",
        Frequency::Daily => "at most once a day",
        Frequency::Weekly => "at most once a week",
        Frequency::Biweekly => "at most once in two weeks",
        Frequency::Monthly => "at most once a month",
        Frequency::Quarterly => "at most once in three months",
        Frequency::Annually => "at most once a year",
    }
}

fn amount(amount: Amount) -> String {
    match amount.currency.house() {
        Some(currency) => Money { minor: amount.minor, currency }.to_string(),
        None => amount.to_string(),
    }
}

fn names<'a>(list: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = list.collect();
    if names.is_empty() { "nobody that was disclosed".to_owned() } else { names.join(", ") }
}

/// A constraint of a payment.
pub fn payment(constraint: &PaymentConstraint) -> String {
    match constraint {
        PaymentConstraint::AmountRange(range) => {
            let of = |minor| amount(Amount { minor, currency: range.currency });
            match range.min {
                Some(min) => format!("Each payment is between {} and {}.", of(min), of(range.max)),
                None => format!("Each payment is at most {}.", of(range.max)),
            }
        }
        PaymentConstraint::Budget(budget) => {
            format!("All payments together are at most {}.", amount(*budget))
        }
        PaymentConstraint::AgentRecurrence(recurrence) => {
            let count = match recurrence.max_occurrences {
                Some(max) => format!(", at most {max} times in all"),
                None => String::new(),
            };
            format!(
                "It may be used {}{count}; days are those of {}.",
                frequency(recurrence.frequency),
                recurrence.zone
            )
        }
        PaymentConstraint::AllowedPayees(list) => {
            format!("Only these are paid: {}.", names(list.iter().map(|payee| payee.name.as_str())))
        }
        PaymentConstraint::AllowedInstruments(list) => {
            let label = |i: &ap2::mandate::Instrument| i.description.clone().unwrap_or_else(|| i.id.clone());
            let labels: Vec<String> = list.iter().map(label).collect();
            format!("Only these means of payment are used: {}.", names(labels.iter().map(String::as_str)))
        }
        PaymentConstraint::AllowedPisps(list) => {
            format!("Only these initiate it: {}.", names(list.iter().map(|pisp| pisp.brand_name.as_str())))
        }
        PaymentConstraint::ExecutionDate(window) => {
            let from = window.not_before.map(|at| format!(" not before {at}")).unwrap_or_default();
            let until = window.not_after.map(|at| format!(" not after {at}")).unwrap_or_default();
            format!("It is executed{from}{until}.")
        }
        PaymentConstraint::Reference(hash) => {
            format!("Only checkouts under the checkout mandate with the hash {hash} are paid.")
        }
        PaymentConstraint::Unknown { why, .. } => format!("This cannot be judged, so it is never met: {why}"),
    }
}

/// A constraint of a checkout.
pub fn checkout(constraint: &CheckoutConstraint) -> String {
    match constraint {
        CheckoutConstraint::AllowedMerchants(list) => {
            format!("Only these sell: {}.", names(list.iter().map(|merchant| merchant.name.as_str())))
        }
        CheckoutConstraint::LineItems(lines) => {
            let line = |l: &ap2::constraint::LineRequirement| {
                format!("{} of {}", l.quantity, names(l.acceptable_items.iter().map(|item| item.id.as_str())))
            };
            format!("Exactly this is bought: {}.", lines.iter().map(line).collect::<Vec<_>>().join("; "))
        }
        CheckoutConstraint::Unknown { why, .. } => {
            format!("This cannot be judged, so it is never met: {why}")
        }
    }
}

/// What one token of a chain says, sentence by sentence.
pub fn token(token: &Token) -> Vec<String> {
    match token {
        Token::OpenPayment(open) => {
            let mut said = vec!["An agent may pay within these limits.".to_owned()];
            said.extend(open.constraints.iter().map(payment));
            said.extend(ends(open.exp));
            said
        }
        Token::ClosedPayment(paid) => {
            let mut said = vec![
                format!("{} is paid to {}.", amount(paid.amount), paid.payee.name),
                format!("It pays the checkout with the hash {}.", paid.transaction_id),
            ];
            said.extend(ends(paid.exp));
            said
        }
        Token::OpenCheckout(open) => {
            let mut said = vec!["An agent may complete checkouts within these limits.".to_owned()];
            said.extend(open.constraints.iter().map(checkout));
            said.extend(ends(open.exp));
            said
        }
        Token::ClosedCheckout(closed) => {
            let mut said = vec![format!("The checkout with the hash {} is approved.", closed.checkout_hash)];
            said.extend(ends(closed.exp));
            said
        }
    }
}

fn ends(exp: Option<i64>) -> Option<String> {
    exp.map(|s| format!("It ends on {}.", until(Time::from_us(s.saturating_mul(1_000_000)), &Zone::utc())))
}

/// An instant for people, with its zone: what a token says has no reader whose zone could be meant.
fn until(at: Time, zone: &Zone) -> String {
    at.in_zone(zone).strftime("%a %-d %b %Y, %H:%M %Z").to_string()
}

/// The disclosures of a token as they were written, in JSON.
pub(super) fn disclosures(token: &str) -> Vec<String> {
    token
        .split('~')
        .skip(1)
        .filter(|part| !part.is_empty())
        .map(|part| match super::unb64(part).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => text,
            None => part.to_owned(),
        })
        .collect()
}

/// JSON as people read it.
pub(super) fn pretty(json: &Json) -> String {
    let value = json.to_value();
    serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string())
}

/// Limits, line by line.
pub(super) fn caps(caps: &Caps, money: impl Fn(i64) -> String) -> Pairs {
    let velocity = caps
        .velocity
        .map(|v| format!("{} within {}", v.count_max, ui::number::duration_s(i64::from(v.window_s))));
    let pairs = Pairs::new()
        .add("One payment", money(caps.per_transaction_minor))
        .add("A day", money(caps.per_day_minor))
        .add("In all", money(caps.total_minor))
        .add("Payments", format!("at most {}", caps.executions_max));
    let pairs = match velocity {
        Some(velocity) => pairs.add("How many", velocity),
        None => pairs,
    };
    match caps.frequency {
        Some(every) => pairs.add("How often", frequency(every)),
        None => pairs,
    }
}

/// Terms as a person sees them before they agree.
pub fn terms(terms: &Terms) -> Markup {
    let money = |minor: i64| terms.money(minor).to_string();
    let closes = match (terms.mode, &terms.holder) {
        (Mode::Direct, _) => "your agreement is the approval of this one payment",
        (Mode::Autonomous, Some(_)) => "the agent, with a key of its own",
        (Mode::Autonomous, None) => "this installation, on the agent's behalf",
    };
    html! {
        (Pairs::new()
            .add("Who pays", html! { a href={ "/pay/principals/" (terms.principal_id) } { (terms.principal) } })
            .add("Whom", html! { a href={ "/pay/vendors/" (terms.vendor_id) } { (terms.vendor) } })
            .add("For what", terms.sku.as_str())
            .add("What for", if terms.description.is_empty() { "–" } else { terms.description.as_str() })
            .add("Kind", terms.template.label())
            .add("The intent", html! { a href={ "/pay/intents/" (terms.intent_id) } { (money(terms.amount_minor)) } })
            .add("Who closes it", closes)
            .add("Over", terms.rails.iter().map(|rail| rail.label()).collect::<Vec<_>>().join(", "))
            .add("Until", until(terms.expires_at, &terms.zone))
            .add("Signed by", if terms.wallet.is_some() { "a wallet" } else { "this installation" }))
        (caps(&terms.caps, money))
    }
}
