//! L7 and L11: dividing and exchanging, without a database where none is needed.

use super::bed::{Bed, CURRENCY, balanced, usd};
use crate::account::{self, Key};
use crate::exchange::{Exchange, Rate, exchange};
use crate::split::{Fee, across, by_weight};
use crate::{Act, Chart, Leg, Outcome, Purpose, Step};
use base::{Currency, Money, Time};
use proptest::prelude::*;

const PLAIN: Fee = Fee { version: 3, bps: 2_000, min_minor: 0, max_minor: None };

#[test]
fn l7_a_run_of_4_30_at_20_percent_is_3_44_and_0_86() {
    let shares = PLAIN.divide(430).expect("divides");
    assert_eq!((shares.developer, shares.fee), (344, 86));
    assert_eq!(by_weight(100, &[1, 1, 1]).expect("divides"), [34, 33, 33], "the first of equals first");
    assert_eq!(by_weight(5, &[0, 3, 0]).expect("divides"), [0, 5, 0]);
    assert_eq!(by_weight(0, &[1, 2]).expect("divides"), [0, 0]);
    assert!(by_weight(-1, &[1]).is_err());
    assert!(by_weight(1, &[]).is_err() && by_weight(1, &[0, 0]).is_err());
    let whole = by_weight(i64::MAX, &[u64::MAX, u64::MAX, 1]).expect("divides");
    assert_eq!(whole.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(i64::MAX));
}

#[test]
fn l7_the_fee_stays_in_the_band_that_the_quote_fixed() {
    let band = Fee { version: 4, bps: 1_000, min_minor: 30, max_minor: Some(500) };
    for (amount, fee) in [(20, 20), (30, 30), (100, 30), (301, 30), (1_000, 100), (4_999, 500), (90_000, 500)]
    {
        let shares = band.divide(amount).expect("divides");
        assert_eq!((shares.fee, shares.developer), (fee, amount - fee), "{amount}");
    }
    assert!(Fee { bps: 10_001, ..PLAIN }.divide(1).is_err());
    assert!(Fee { min_minor: 9, max_minor: Some(8), ..PLAIN }.divide(1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn l7_parts_are_the_amount_exactly_and_always_the_same(minor in 0..i64::MAX, weights in proptest::collection::vec(0_u64..u64::MAX, 1..8)) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = by_weight(minor, &weights).expect("divides");
        prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(minor));
        prop_assert_eq!(&parts, &by_weight(minor, &weights).expect("divides"));
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        for (part, weight) in parts.iter().zip(&weights) {
            // Never a whole unit away from the exact share.
            let exact = u128::try_from(minor).expect("positive") * u128::from(*weight) / total;
            let part = u128::try_from(*part).expect("positive");
            prop_assert!(part == exact || part == exact + 1, "{} of {}", part, exact);
        }
    }

    #[test]
    fn l7_what_sources_give_is_what_parts_get(sources in proptest::collection::vec(0_i64..10_000, 1..5), parts in proptest::collection::vec(0_i64..3_000, 1..5)) {
        let flows = across(&sources, &parts).expect("divides");
        let moved: i64 = flows.iter().map(|flow| flow.2).sum();
        prop_assert_eq!(moved, sources.iter().sum::<i64>().min(parts.iter().sum()));
        for (index, source) in sources.iter().enumerate() {
            let given: i64 = flows.iter().filter(|flow| flow.0 == index).map(|flow| flow.2).sum();
            prop_assert!(given <= *source);
            // A later source gives only once the earlier ones are used up.
            let later = flows.iter().any(|flow| flow.0 > index);
            prop_assert!(!later || given == *source);
        }
        for (index, part) in parts.iter().enumerate() {
            let got: i64 = flows.iter().filter(|flow| flow.1 == index).map(|flow| flow.2).sum();
            prop_assert!(got <= *part);
        }
    }

    #[test]
    fn l11_there_and_back_never_gains(minor in 1_i64..1_000_000_000_000, whole in 0_u32..100_000, fraction in 0_u32..10_000, there in 0_u16..300, back in 0_u16..300, pair in 0_usize..4) {
        prop_assume!(whole > 0 || fraction > 0);
        let (base, quote) = [(Currency::Usd, Currency::Inr), (Currency::Usd, Currency::Jpy), (Currency::Jpy, Currency::Kwd), (Currency::Kwd, Currency::Usd)][pair];
        let rate = Rate::parse(&format!("{whole}.{fraction:04}"), base, quote, Time::from_us(0)).expect("a rate");
        let Ok(first) = rate.quote(Money { minor, currency: base }, there) else { return Ok(()) };
        prop_assert_eq!(first.net.minor + first.spread.minor, minor);
        if let Ok(second) = rate.inverse().quote(first.get, back) {
            prop_assert!(second.get.minor <= first.net.minor, "{} became {}", minor, second.get.minor);
        }
    }
}

#[test]
fn l11_rates_are_read_digit_by_digit_with_the_exponents_of_both_currencies() {
    let quoted = |text, base, quote, minor| {
        let rate = Rate::parse(text, base, quote, Time::from_us(0)).expect("a rate");
        rate.quote(Money { minor, currency: base }, 0).expect("quotes").get.minor
    };
    assert_eq!(quoted("83.2150", Currency::Usd, Currency::Inr, 10_000), 832_150);
    assert_eq!(quoted("151.5", Currency::Usd, Currency::Jpy, 10_000), 15_150);
    assert_eq!(quoted("0.30715", Currency::Usd, Currency::Kwd, 10_000), 30_715);
    assert_eq!(quoted("0.0066", Currency::Jpy, Currency::Usd, 10_000), 6_600);
    for bad in ["", "0", "0.000", "-1", "1e3", "1,5", ".5", "5.", "1.2.3", "12345678901234567"] {
        assert!(Rate::parse(bad, Currency::Usd, Currency::Inr, Time::from_us(0)).is_err(), "{bad}");
    }
    assert!(Rate::parse("1", Currency::Usd, Currency::Usd, Time::from_us(0)).is_err());
    let rate = Rate::parse("83", Currency::Usd, Currency::Inr, Time::from_us(0)).expect("a rate");
    assert!(
        rate.quote(Money { minor: i64::MAX, currency: Currency::Usd }, 0).is_err(),
        "refused, not wrapped"
    );
    assert!(rate.quote(Money { minor: 1, currency: Currency::Inr }, 0).is_err());
    assert!(rate.inverse().quote(Money { minor: 1, currency: Currency::Inr }, 0).is_err(), "too small");
}

#[tokio::test]
async fn l11_an_exchange_is_legs_of_one_currency_each_and_a_spread_of_its_own() {
    let bed = Bed::new().await;
    let rupees = Key::wallet(bed.buyer.id, Currency::Inr);
    let mut cx = bed.kit.system().await;
    account::open_platform(&mut cx, Currency::Inr).await.expect("opens");
    account::open(&mut cx, &[rupees]).await.expect("opens");
    cx.commit().await.expect("commits");
    bed.top_up(10_000).await;
    // No leg crosses currencies, whichever of them the amount names.
    for currency in [CURRENCY, Currency::Inr] {
        let legs = vec![Leg::new(bed.wallet, rupees.id(), Money { minor: 1, currency })];
        let crossing = Step::new(bed.id(), Purpose::Exchange, Act::Transfer { legs });
        assert!(matches!(bed.one(crossing).await, Outcome::CurrencyMismatch { .. }));
    }
    let rate = Rate::parse("83.2150", CURRENCY, Currency::Inr, bed.now().plus_s(60)).expect("a rate");
    let there =
        Exchange { id: bed.id(), from: bed.wallet, to: rupees.id(), give: usd(10_000), rate, spread_bps: 50 };
    let mut cx = bed.as_tenant(&bed.buyer).await;
    assert_eq!(exchange(&mut cx, &there).await.expect("exchanges"), Outcome::Done);
    cx.commit().await.expect("commits");
    assert_eq!(bed.posted(bed.wallet).await, 0);
    assert_eq!(bed.posted(rupees.id()).await, 9_950 * 83_215 / 1_000);
    assert_eq!(bed.posted(bed.of(Chart::FxSpread)).await, 50);
    bed.holds().await;
    let give = Money { minor: bed.posted(rupees.id()).await, currency: Currency::Inr };
    let back = Exchange {
        id: bed.id(),
        from: rupees.id(),
        to: bed.wallet,
        give,
        rate: rate.inverse(),
        spread_bps: 0,
    };
    let mut cx = bed.as_tenant(&bed.buyer).await;
    assert_eq!(exchange(&mut cx, &back).await.expect("exchanges"), Outcome::Done);
    cx.commit().await.expect("commits");
    assert!(bed.posted(bed.wallet).await <= 9_950);
    // After its time a rate is refused; what was exchanged in time answers as then.
    bed.kit.clock.advance_s(60);
    let mut cx = bed.as_tenant(&bed.buyer).await;
    assert_eq!(exchange(&mut cx, &there).await.expect("it was made"), Outcome::Exists);
    let late = Exchange { id: bed.id(), give: usd(100), ..there };
    assert_eq!(exchange(&mut cx, &late).await.expect_err("too late").code(), "ledger_rate_expired");
    drop(cx);
    let mut cx = bed.kit.system().await;
    balanced(&mut cx).await;
}
