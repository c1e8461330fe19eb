//! Constraints one by one, line items against a search of everything, recurrence over the year.

use super::*;
use crate::mandate::{ClosedPayment, LineItem, Merchant, OpenPayment, Pisp};
use crate::sample::*;
use crate::sdjwt::Disclosures;
use crate::{Amount, CurrencyCode};
use base::{Time, Zone};
use proptest::prelude::*;
use serde_json::json;

fn read(text: &str) -> PaymentConstraint {
    PaymentConstraint::read(&Json::read(text).unwrap())
}

fn rules(open: &OpenPayment, closed: &ClosedPayment, usage: Usage, at: Time) -> Vec<String> {
    let found = open.evaluate(closed, &PaymentContext { now: at, usage, checkout: None });
    found.into_iter().map(|violation| violation.rule).collect()
}

/// The rules that a payment breaks under a mandate with this one constraint.
fn under(constraint: PaymentConstraint, closed: &ClosedPayment) -> Vec<String> {
    let open = OpenPayment { constraints: vec![constraint], ..Parties::new().open_payment() };
    rules(&open, closed, Usage::default(), now())
}

fn of(minor: i64, currency: &str) -> ClosedPayment {
    ClosedPayment {
        amount: Amount { minor, currency: CurrencyCode::parse(currency).unwrap() },
        ..payment(minor)
    }
}

#[test]
fn m4_unknown_and_unreadable_constraints_are_unresolved() {
    for text in [
        r#"{"type":"payment.geo_fence","countries":["AU"]}"#,
        r#"{"type":"payment.amount_range.2","currency":"USD","max":100}"#,
        r#"{"currency":"USD","max":100}"#,
        r#""payment.amount_range""#,
        r#"{"type":"payment.amount_range","currency":"USD"}"#,
        r#"{"type":"payment.amount_range","currency":"USD","max":100.5}"#,
        r#"{"type":"payment.amount_range","currency":"USD","max":-5}"#,
        r#"{"type":"payment.amount_range","currency":"USD","min":200,"max":100}"#,
        r#"{"type":"payment.amount_range","currency":"USD","max":99999999999999999999}"#,
        r#"{"type":"payment.budget","currency":"USD","max":"4.35"}"#,
        r#"{"type":"payment.budget","currency":"USD","max":4.355}"#,
        r#"{"type":"payment.budget","currency":"JPY","max":1000.5}"#,
        r#"{"type":"payment.budget","currency":"ZZZ","max":1}"#,
        r#"{"type":"payment.agent_recurrence","frequency":"HOURLY"}"#,
        r#"{"type":"payment.agent_recurrence","frequency":"DAILY","max_occurrences":-1}"#,
        r#"{"type":"payment.agent_recurrence","frequency":"DAILY","time_zone":"Mars/Olympus"}"#,
        r#"{"type":"payment.execution_date","not_after":"2026-04-30"}"#,
        r#"{"type":"payment.allowed_payees"}"#,
        r#"{"type":"payment.reference"}"#,
    ] {
        let constraint = read(text);
        assert!(matches!(constraint, PaymentConstraint::Unknown { .. }), "{text}");
        let open = OpenPayment { constraints: vec![constraint.clone()], ..Parties::new().open_payment() };
        let context = PaymentContext { now: now(), usage: Usage::default(), checkout: None };
        let found = open.evaluate(&payment(50), &context);
        assert_eq!(verdict(&found), Some(Code::UnresolvedConstraint), "{text}");
        assert!(constraint.write(&mut Disclosures::default(), &Parties::new().random).is_err(), "{text}");
    }
    let unknown =
        CheckoutConstraint::read(&Json::read(r#"{"type":"checkout.colour","allowed":["red"]}"#).unwrap());
    let mut open = Parties::new().open_checkout();
    assert_eq!(open.evaluate(&checkout(vec![line("red", 1)])), []);
    open.constraints.push(unknown);
    assert_eq!(verdict(&open.evaluate(&checkout(vec![line("red", 1)]))), Some(Code::UnresolvedConstraint));
    open.constraints.clear();
    assert_eq!(verdict(&open.evaluate(&checkout(vec![line("red", 1)]))), Some(Code::UnresolvedConstraint));
}

#[test]
fn amounts_stay_within_the_range_and_its_currency() {
    let range = read(r#"{"type":"payment.amount_range","currency":"USD","min":100,"max":435}"#);
    for (minor, fine) in [(99, false), (100, true), (435, true), (436, false)] {
        assert_eq!(under(range.clone(), &of(minor, "USD")).is_empty(), fine, "{minor}");
    }
    assert_eq!(under(range, &of(200, "EUR")), ["payment.amount_range"]);
}

#[test]
fn budgets_are_exact_in_every_exponent() {
    for (budget, currency, fits, passes) in [
        // The reference library reads 4.35 as 434, lets 50,000 JPY through 1,000, and KWD tenfold too tight.
        ("4.35", "USD", 435, 436),
        ("1.15", "USD", 115, 116),
        ("1000", "JPY", 1_000, 1_001),
        ("1.234", "KWD", 1_234, 1_235),
        ("1e2", "EUR", 10_000, 10_001),
    ] {
        let text = format!(r#"{{"type":"payment.budget","max":{budget},"currency":"{currency}"}}"#);
        assert!(under(read(&text), &of(fits, currency)).is_empty(), "{text}");
        assert_eq!(under(read(&text), &of(passes, currency)), ["payment.budget"], "{text}");
    }
    let budget = read(r#"{"type":"payment.budget","max":10,"currency":"USD"}"#);
    assert_eq!(under(budget.clone(), &of(100, "EUR")), ["payment.budget"]);
    let open = OpenPayment { constraints: vec![budget], ..Parties::new().open_payment() };
    for (spent, fine) in [(0, true), (900, true), (901, false), (i64::MAX, false), (-1, false)] {
        let usage = Usage { spent_minor: spent, ..Usage::default() };
        assert_eq!(rules(&open, &payment(100), usage, now()).is_empty(), fine, "{spent}");
    }
}

#[test]
fn payees_instruments_and_initiators_come_from_the_lists() {
    let by_site = Merchant { id: None, name: "Shop 9".into(), website: Some("https://nine.example".into()) };
    let payees = PaymentConstraint::AllowedPayees(vec![shop(2), by_site.clone()]);
    let paid = |payee: Merchant| ClosedPayment { payee, ..payment(100) };
    assert_eq!(under(payees.clone(), &paid(shop(1))), ["payment.allowed_payees"]);
    assert!(under(payees.clone(), &paid(shop(2))).is_empty());
    assert!(under(payees.clone(), &paid(Merchant { id: Some("any".into()), ..by_site.clone() })).is_empty());
    assert_eq!(under(payees, &paid(Merchant { website: None, ..by_site })), ["payment.allowed_payees"]);
    assert_eq!(
        under(PaymentConstraint::AllowedPayees(Vec::new()), &paid(shop(1))),
        ["payment.allowed_payees"]
    );

    let wallet = payment(100).instrument;
    assert!(under(PaymentConstraint::AllowedInstruments(vec![wallet.clone()]), &payment(100)).is_empty());
    let other = crate::mandate::Instrument { kind: "card".into(), ..wallet };
    let list = PaymentConstraint::AllowedInstruments(vec![other]);
    assert_eq!(under(list, &payment(100)), ["payment.allowed_payment_instruments"]);

    let pisp = Pisp { legal_name: "L".into(), brand_name: "B".into(), domain_name: "d.example".into() };
    let list = PaymentConstraint::AllowedPisps(vec![pisp.clone()]);
    assert_eq!(under(list.clone(), &payment(100)), ["payment.allowed_pisps"]);
    assert!(under(list.clone(), &ClosedPayment { pisp: Some(pisp.clone()), ..payment(100) }).is_empty());
    let other = Pisp { domain_name: "e.example".into(), ..pisp };
    assert_eq!(under(list, &ClosedPayment { pisp: Some(other), ..payment(100) }), ["payment.allowed_pisps"]);
}

#[test]
fn execution_dates_are_compared_as_instants() {
    let window = read(
        r#"{"type":"payment.execution_date","not_before":"2026-03-31T00:00:00Z","not_after":"2026-04-30T23:59:59Z"}"#,
    );
    let on = |text: &str| ClosedPayment { execution_date: Some(at(text)), ..payment(100) };
    for (date, fine) in [
        ("2026-03-31T00:00:00Z", true),
        ("2026-03-30T23:59:59Z", false),
        ("2026-04-30T23:59:59Z", true),
        // As text this is smaller than the end, as an instant it is on 1 May.
        ("2026-04-30T23:00:00-05:00", false),
        ("2026-05-01T05:00:00+08:00", true),
    ] {
        assert_eq!(under(window.clone(), &on(date)).is_empty(), fine, "{date}");
    }
    // Without a date it is executed now.
    let open = OpenPayment { constraints: vec![window], ..Parties::new().open_payment() };
    assert!(rules(&open, &payment(100), Usage::default(), at("2026-04-01T00:00:00Z")).is_empty());
    assert_eq!(
        rules(&open, &payment(100), Usage::default(), at("2026-05-01T00:00:00Z")),
        ["payment.execution_date"]
    );
}

#[test]
fn preset_claims_must_be_repeated_unchanged() {
    let mut open = Parties::new().open_payment();
    open.preset = vec![("payee".into(), Json::read(r#"{"name":"Shop 1","id":"shop-1"}"#).unwrap())];
    let signed = |text: &str| ClosedPayment { signed: Json::read(text).unwrap(), ..payment(100) };
    let same = signed(r#"{"payee":{"id":"shop-1","name":"Shop 1"}}"#);
    assert!(rules(&open, &same, Usage::default(), now()).is_empty());
    for changed in [r#"{"payee":{"id":"shop-2","name":"Shop 1"}}"#, r#"{"payee":{"id":"shop-1"}}"#, "{}"] {
        assert_eq!(rules(&open, &signed(changed), Usage::default(), now()), ["preset"], "{changed}");
    }
}

#[test]
fn without_recurrence_a_mandate_is_used_once_and_with_it_needs_limits() {
    let parties = Parties::new();
    let used = Usage { spent_minor: 100, uses: 1, last_used: Some(at("2020-01-01T00:00:00Z")) };
    assert!(rules(&parties.open_payment(), &payment(100), Usage::default(), now()).is_empty());
    assert_eq!(rules(&parties.open_payment(), &payment(100), used, now()), ["single_use"]);
    let mut open = parties.recurring(Frequency::Daily, "UTC");
    assert!(rules(&open, &payment(100), used, now()).is_empty());
    let worn = Usage { uses: 12, ..used };
    assert_eq!(rules(&open, &payment(100), worn, now()), ["payment.agent_recurrence"]);
    open.constraints.retain(|constraint| matches!(constraint, PaymentConstraint::AgentRecurrence(_)));
    assert_eq!(rules(&open, &payment(100), used, now()), ["payment.amount_range", "payment.budget"]);
}

#[test]
fn recurrence_counts_days_of_the_mandates_zone_over_clock_changes_and_month_ends() {
    let allowed = |frequency, zone: &str, last: &str, then: &str| {
        let zone = Zone::named(zone).unwrap();
        Recurrence { frequency, max_occurrences: None, zone }.allows(Some(at(last)), at(then))
    };
    use Frequency::*;
    for (frequency, zone, last, then, fine) in [
        (Monthly, "UTC", "2026-03-01T10:00:00Z", "2026-03-01T10:00:01Z", false),
        (OnDemand, "UTC", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", true),
        // 31 January opens on the last day of February, in leap years on the 29th.
        (Monthly, "UTC", "2026-01-31T12:00:00Z", "2026-02-27T23:59:59Z", false),
        (Monthly, "UTC", "2026-01-31T12:00:00Z", "2026-02-28T00:00:00Z", true),
        (Monthly, "UTC", "2028-01-31T12:00:00Z", "2028-02-28T12:00:00Z", false),
        (Monthly, "UTC", "2028-01-31T12:00:00Z", "2028-02-29T00:00:00Z", true),
        (Quarterly, "UTC", "2026-11-30T00:00:00Z", "2027-02-28T00:00:00Z", true),
        (Quarterly, "UTC", "2026-11-30T00:00:00Z", "2027-02-27T23:59:59Z", false),
        (Annually, "UTC", "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z", true),
        (Annually, "UTC", "2028-02-29T00:00:00Z", "2029-02-27T00:00:00Z", false),
        // Sydney's clocks go back on 5 April 2026: that day has 25 hours.
        (Daily, "Australia/Sydney", "2026-04-04T13:30:00Z", "2026-04-05T13:30:00Z", false),
        (Daily, "Australia/Sydney", "2026-04-04T13:30:00Z", "2026-04-05T14:00:00Z", true),
        (Weekly, "Australia/Sydney", "2026-04-01T13:30:00Z", "2026-04-08T13:30:00Z", false),
        (Weekly, "Australia/Sydney", "2026-04-01T13:30:00Z", "2026-04-08T14:00:00Z", true),
        // New York's go forward on 8 March 2026: that day has 23 hours.
        (Daily, "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", true),
        (Daily, "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z", false),
        (Biweekly, "UTC", "2026-03-01T00:00:00Z", "2026-03-14T23:59:59Z", false),
        (Biweekly, "UTC", "2026-03-01T23:59:59Z", "2026-03-15T00:00:00Z", true),
        // A clock that ran ahead does not open anything.
        (Daily, "UTC", "2026-03-02T00:00:00Z", "2026-03-01T23:00:00Z", false),
    ] {
        assert_eq!(allowed(frequency, zone, last, then), fine, "{frequency:?} {zone} {last} {then}");
    }
}

const FREQUENCIES: [Frequency; 6] = [
    Frequency::Daily,
    Frequency::Weekly,
    Frequency::Biweekly,
    Frequency::Monthly,
    Frequency::Quarterly,
    Frequency::Annually,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mandate_is_never_used_twice_in_a_day_or_a_month_and_always_opens_again(
        start_s in 1_700_000_000_i64..1_900_000_000, gap_s in 0_i64..40_000_000, which in 0_usize..6, zone in 0_usize..4,
    ) {
        let zone = Zone::named(["UTC", "Australia/Sydney", "America/New_York", "Asia/Kolkata"][zone]).unwrap();
        let recurrence = Recurrence { frequency: FREQUENCIES[which], max_occurrences: None, zone: zone.clone() };
        let first = Time::from_us(start_s * 1_000_000);
        let second = first.plus_s(gap_s);
        let (a, b) = (first.in_zone(&zone).date(), second.in_zone(&zone).date());
        if recurrence.allows(Some(first), second) {
            prop_assert!(a != b);
            if FREQUENCIES[which] >= Frequency::Monthly {
                prop_assert!((a.year(), a.month()) != (b.year(), b.month()));
            }
            if FREQUENCIES[which] == Frequency::Annually {
                prop_assert!(a.year() != b.year());
            }
        }
        let longest = [1, 7, 14, 31, 92, 366][which];
        prop_assert!(recurrence.allows(Some(first), first.plus_days(longest + 1)));
    }

    #[test]
    fn m5_line_items_by_flow_equal_a_search_of_all_assignments(
        asked in proptest::collection::vec((proptest::collection::vec(0_u8..5, 0..4), 1_u32..4), 1..5),
        bought in proptest::collection::vec((0_u8..6, 1_u32..3), 1..5),
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let requirements: Vec<LineRequirement> = asked
            .iter()
            .enumerate()
            .map(|(index, (products, quantity))| {
                let products: Vec<&str> = products.iter().map(|product| names[usize::from(*product)]).collect();
                requirement(&index.to_string(), &products, *quantity)
            })
            .collect();
        let lines: Vec<LineItem> =
            bought.iter().map(|(product, quantity)| line(names[usize::from(*product)], *quantity)).collect();
        prop_assert_eq!(line_items_match(&requirements, &lines).unwrap(), searched(&requirements, &lines));
    }

    #[test]
    fn m5_checkouts_that_were_made_to_fit_do_fit_and_one_more_or_less_does_not(
        asked in proptest::collection::vec((proptest::collection::vec(0_u8..5, 1..5), 1_u32..40), 1..12),
        picks in proptest::collection::vec(0_usize..1_000, 600),
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let mut picks = picks.into_iter().cycle();
        let (mut requirements, mut lines) = (Vec::new(), Vec::new());
        for (index, (products, quantity)) in asked.iter().enumerate() {
            let products: Vec<&str> = products.iter().map(|product| names[usize::from(*product)]).collect();
            for _ in 0..*quantity {
                lines.push(line(products[picks.next().unwrap_or(0) % products.len()], 1));
            }
            requirements.push(requirement(&index.to_string(), &products, *quantity));
        }
        lines.truncate(200);
        let whole: u32 = asked.iter().map(|(_, quantity)| quantity).sum();
        prop_assert_eq!(line_items_match(&requirements, &lines).unwrap(), whole <= 200);
        lines.pop();
        prop_assert!(!line_items_match(&requirements, &lines).unwrap());
    }
}

/// Puts every single piece that is bought onto every requirement in turn.
fn searched(requirements: &[LineRequirement], lines: &[LineItem]) -> bool {
    fn place(pieces: &[&str], requirements: &[LineRequirement], left: &mut [u32]) -> bool {
        let Some((piece, rest)) = pieces.split_first() else { return left.iter().all(|left| *left == 0) };
        for (index, requirement) in requirements.iter().enumerate() {
            if left[index] > 0 && requirement.acceptable_items.iter().any(|item| item.id == *piece) {
                left[index] -= 1;
                if place(rest, requirements, left) {
                    return true;
                }
                left[index] += 1;
            }
        }
        false
    }
    let pieces: Vec<&str> = lines
        .iter()
        .flat_map(|line| std::iter::repeat_n(line.item.id.as_str(), line.quantity as usize))
        .collect();
    let mut left: Vec<u32> = requirements.iter().map(|requirement| requirement.quantity).collect();
    place(&pieces, requirements, &mut left)
}

#[test]
fn m5_line_items_as_the_document_explains_them() {
    let asked = [requirement("shoes", &["red", "blue"], 1), requirement("socks", &["socks"], 1)];
    let fits = |lines: &[LineItem]| line_items_match(&asked, lines).unwrap();
    assert!(fits(&[line("red", 1), line("socks", 1)]));
    assert!(fits(&[line("socks", 1), line("blue", 1)]));
    assert!(!fits(&[line("red", 1), line("blue", 1)]));
    assert!(!fits(&[line("red", 1)]));
    assert!(!fits(&[line("red", 2), line("socks", 1)]));
    assert!(!fits(&[line("red", 1), line("socks", 0)]));
    assert!(!fits(&[]));
    // A first choice must be given up for a later one: only a flow finds it.
    let asked = [requirement("any", &["a", "b"], 1), requirement("only-a", &["a"], 1)];
    assert!(line_items_match(&asked, &[line("a", 1), line("b", 1)]).unwrap());
    // Nothing disclosed stands for nothing.
    assert!(!line_items_match(&[requirement("any", &[], 1)], &[line("a", 1)]).unwrap());
    assert!(line_items_match(&vec![requirement("x", &["a"], 1); 201], &[line("a", 201)]).is_err());
    let huge = [requirement("x", &["a"], u32::MAX), requirement("y", &["a"], u32::MAX)];
    assert!(line_items_match(&huge, &[line("a", u32::MAX), line("a", u32::MAX)]).unwrap());
}

#[test]
fn constraints_are_written_as_the_schema_wants_them() {
    let random = Parties::new().random;
    let write =
        |constraint: &PaymentConstraint| constraint.write(&mut Disclosures::default(), &random).unwrap();
    assert_eq!(
        write(&PaymentConstraint::Budget(usd(435))),
        json!({"type": "payment.budget", "max": 4.35, "currency": "USD"})
    );
    let monthly = Recurrence { frequency: Frequency::Monthly, max_occurrences: Some(12), zone: Zone::utc() };
    assert_eq!(
        write(&PaymentConstraint::AgentRecurrence(monthly)),
        json!({"type": "payment.agent_recurrence", "frequency": "MONTHLY", "max_occurrences": 12})
    );
    let range = AmountRange { currency: usd(0).currency, min: Some(0), max: 5 };
    assert_eq!(
        write(&PaymentConstraint::AmountRange(range)),
        json!({"type": "payment.amount_range", "currency": "USD", "min": 0, "max": 5})
    );
    let window = Window { not_before: None, not_after: Some(at("2026-04-30T23:59:59Z")) };
    assert_eq!(
        write(&PaymentConstraint::ExecutionDate(window)),
        json!({"type": "payment.execution_date", "not_after": "2026-04-30T23:59:59Z"})
    );
    assert!(write(&PaymentConstraint::AllowedPayees(vec![shop(1)]))["allowed"][0]["..."].is_string());
}
