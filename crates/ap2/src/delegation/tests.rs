//! A delegated mandate never allows what its parent does not.

use super::*;
use crate::constraint::{AmountRange, PaymentContext};
use crate::mandate::{ClosedPayment, PaymentChain};
use crate::sample::*;
use crate::sdjwt::{extend, root};
use base::Time;
use proptest::prelude::*;

fn rules(found: Vec<Violation>) -> Vec<String> {
    found.into_iter().map(|violation| violation.rule).collect()
}

type Change = fn(&mut OpenPayment);

/// The first constraint that `pick` takes.
fn first<T>(mandate: &mut OpenPayment, pick: impl Fn(&mut PaymentConstraint) -> Option<&mut T>) -> &mut T {
    mandate.constraints.iter_mut().find_map(pick).unwrap()
}

fn range(mandate: &mut OpenPayment) -> &mut AmountRange {
    first(
        mandate,
        |constraint| {
            if let PaymentConstraint::AmountRange(range) = constraint { Some(range) } else { None }
        },
    )
}

fn recurrence(mandate: &mut OpenPayment) -> &mut Recurrence {
    first(mandate, |constraint| {
        if let PaymentConstraint::AgentRecurrence(recurrence) = constraint { Some(recurrence) } else { None }
    })
}

fn budget(mandate: &mut OpenPayment) -> &mut i64 {
    first(mandate, |constraint| {
        if let PaymentConstraint::Budget(budget) = constraint { Some(&mut budget.minor) } else { None }
    })
}

#[test]
fn m10_every_way_to_widen_a_mandate_is_named() {
    let parties = Parties::new();
    let mut parent = parties.recurring(Frequency::Weekly, "UTC");
    parent.constraints.push(PaymentConstraint::Reference("r".into()));
    let window =
        Window { not_before: Some(at("2027-01-01T00:00:00Z")), not_after: Some(at("2027-02-01T00:00:00Z")) };
    parent.constraints.push(PaymentConstraint::ExecutionDate(window));
    parent.preset.push(("payment_instrument".into(), Json::Text("wallet".into())));
    assert_eq!(widened_payment(&parent, &parent), []);

    let changes: [(&str, Change); 15] = [
        ("payment.amount_range", |m| range(m).max += 1),
        ("payment.amount_range", |m| {
            m.constraints.retain(|c| !matches!(c, PaymentConstraint::AmountRange(_)))
        }),
        ("payment.budget", |m| *budget(m) += 1),
        ("payment.agent_recurrence", |m| recurrence(m).frequency = Frequency::Daily),
        ("payment.agent_recurrence", |m| recurrence(m).max_occurrences = Some(13)),
        ("payment.agent_recurrence", |m| recurrence(m).max_occurrences = None),
        ("payment.agent_recurrence", |m| recurrence(m).zone = Zone::sydney()),
        ("payment.allowed_payees", |m| {
            m.constraints[1] = PaymentConstraint::AllowedPayees(vec![shop(1), shop(3)])
        }),
        ("payment.allowed_payees", |m| drop(m.constraints.remove(1))),
        ("payment.reference", |m| m.constraints[4] = PaymentConstraint::Reference("s".into())),
        ("payment.execution_date", |m| drop(m.constraints.pop())),
        ("payment.execution_date", |m| {
            m.constraints[5] = PaymentConstraint::ExecutionDate(Window::default())
        }),
        ("preset", |m| m.preset.clear()),
        ("exp", |m| m.exp = None),
        ("exp", |m| m.exp = Some(NOW_S + 3_601)),
    ];
    for (index, (rule, change)) in changes.into_iter().enumerate() {
        let mut child = parent.clone();
        change(&mut child);
        assert_eq!(rules(widened_payment(&parent, &child)), [rule], "{index}");
    }
    let mut narrow = parent.clone();
    range(&mut narrow).max = 10;
    *budget(&mut narrow) = 10;
    recurrence(&mut narrow).frequency = Frequency::Monthly;
    recurrence(&mut narrow).max_occurrences = Some(1);
    narrow.constraints[1] = PaymentConstraint::AllowedPayees(vec![shop(2)]);
    assert_eq!(widened_payment(&parent, &narrow), []);
    // A parent for one payment has no child for several.
    let single = parties.open_payment();
    assert_eq!(
        rules(widened_payment(&single, &parties.recurring(Frequency::Annually, "UTC"))),
        ["single_use"]
    );
}

#[test]
fn m10_an_unknown_constraint_of_the_parent_cannot_be_judged() {
    let parties = Parties::new();
    let mut parent = parties.open_payment();
    parent.constraints.push(PaymentConstraint::read(&Json::read(r#"{"type":"payment.moon"}"#).unwrap()));
    let found = widened_payment(&parent, &parent.clone());
    assert_eq!(crate::constraint::verdict(&found), Some(crate::Code::UnresolvedConstraint));
}

#[test]
fn m10_delegated_checkouts_take_no_other_products_or_merchants() {
    let parties = Parties::new();
    let parent = parties.open_checkout();
    let with = |lines: Vec<LineRequirement>, shops: Vec<u8>| {
        let mut child = parent.clone();
        let shops = shops.into_iter().map(shop).collect();
        child.constraints =
            vec![CheckoutConstraint::LineItems(lines), CheckoutConstraint::AllowedMerchants(shops)];
        rules(widened_checkout(&parent, &child))
    };
    assert!(with(vec![requirement("shoes", &["red"], 1)], vec![1]).is_empty());
    for lines in [
        vec![requirement("shoes", &["red", "green"], 1)],
        vec![requirement("shoes", &["red"], 2)],
        vec![requirement("boots", &["red"], 1)],
        vec![requirement("shoes", &["red"], 1), requirement("shoes", &["blue"], 1)],
        vec![],
    ] {
        assert_eq!(with(lines.clone(), vec![1]), ["checkout.line_items"], "{lines:?}");
    }
    assert_eq!(with(vec![requirement("shoes", &["red"], 1)], vec![1, 3]), ["checkout.allowed_merchants"]);
}

#[test]
fn m10_budgets_of_children_stay_within_what_is_left() {
    let parties = Parties::new();
    let parent = parties.recurring(Frequency::Daily, "UTC");
    let child = |minor: i64, uses: Option<u32>| {
        let mut child = parties.recurring(Frequency::Daily, "UTC");
        *budget(&mut child) = minor;
        recurrence(&mut child).max_occurrences = uses;
        child
    };
    let spent = Usage { spent_minor: 40_000, uses: 2, last_used: None };
    let fit = |children: &[OpenPayment]| rules(children_fit(&parent, spent, children).unwrap());
    assert!(fit(&[child(30_000, Some(5)), child(30_000, Some(5))]).is_empty());
    assert_eq!(fit(&[child(30_000, Some(5)), child(30_001, Some(5))]), ["payment.budget"]);
    assert_eq!(fit(&[child(30_000, Some(5)), child(30_000, Some(6))]), ["payment.agent_recurrence"]);
    assert_eq!(fit(&[child(1, None)]), ["payment.agent_recurrence"]);
    assert_eq!(fit(&[child(i64::MAX, Some(1)), child(i64::MAX, Some(1))]), ["payment.budget"]);
    assert!(children_fit(&parent, spent, &[parties.open_payment()]).is_err());
}

#[test]
fn m10_a_chain_that_widens_is_found_when_it_is_evaluated() {
    let parties = Parties::new();
    let open =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    for (max, found) in [(20_000, vec![]), (30_000, vec!["payment.amount_range"])] {
        let mut child = parties.open_payment();
        child.holder = parties.helper.public();
        range(&mut child).max = max;
        let claims = child.claims(&parties.random).unwrap();
        let chain = extend(&open, claims, &THERE, &parties.agent, now(), &parties.random).unwrap();
        let claims = payment(100).claims(&[]).unwrap();
        let chain = extend(&chain, claims, &HERE, &parties.helper, now(), &parties.random).unwrap();
        let chain = PaymentChain::read(&parties.verify(&chain, &[THERE, HERE]).unwrap()).unwrap();
        assert_eq!(rules(chain.evaluate(&[Usage::default(); 2], now(), None).unwrap()), found);
        assert!(chain.evaluate(&[Usage::default()], now(), None).is_err(), "a past for each open mandate");
    }
}

prop_compose! {
    fn any_mandate()(
        min in 0_i64..50, width in 1_i64..100, sum in 1_i64..200, shops in proptest::collection::vec(1_u8..4, 1..3),
        frequency in 0_usize..4, times in proptest::option::of(1_u32..5), from in 0_i64..3, to in 3_i64..6,
    ) -> OpenPayment {
        let zone = "UTC";
        let frequency = [Frequency::OnDemand, Frequency::Daily, Frequency::Weekly, Frequency::Monthly][frequency];
        // Keys play no part here, and making them takes long.
        static PARTIES: std::sync::LazyLock<Parties> = std::sync::LazyLock::new(Parties::new);
        let mut mandate = PARTIES.recurring(frequency, zone);
        *range(&mut mandate) = AmountRange { currency: usd(0).currency, min: Some(min), max: min + width };
        *budget(&mut mandate) = sum;
        recurrence(&mut mandate).max_occurrences = times;
        mandate.constraints[1] = PaymentConstraint::AllowedPayees(shops.into_iter().map(shop).collect());
        let window = Window { not_before: Some(now().plus_days(from)), not_after: Some(now().plus_days(to)) };
        mandate.constraints.push(PaymentConstraint::ExecutionDate(window));
        mandate
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn m10_what_a_narrower_child_allows_its_parent_allows_too(
        parent in any_mandate(), child in any_mandate(), minor in 1_i64..200, payee in 1_u8..4, spent in 0_i64..100,
        uses in 0_u32..5, ago in 0_i64..40, day in 0_i64..7,
    ) {
        let closed = ClosedPayment { payee: shop(payee), ..payment(minor) };
        let at: Time = now().plus_days(day);
        let usage = Usage { spent_minor: spent, uses, last_used: Some(at.plus_days(-ago)) };
        let context = PaymentContext { now: at, usage, checkout: None };
        if widened_payment(&parent, &child).is_empty() && child.evaluate(&closed, &context).is_empty() {
            prop_assert_eq!(parent.evaluate(&closed, &context), []);
        }
    }
}
