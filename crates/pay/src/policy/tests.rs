//! The gate against a plain oracle: each rule said again in the simplest way, over random policies.

use super::rules::{Ask, Verdict, is_within, judge, verdict};
use super::words::{Caps, Country, Geo, Hours, Minute, Rules, Velocity, Weekday};
use crate::cap::Usage;
use crate::principal::Risk;
use crate::rail::Rail;
use crate::refusal::{Code, Violation};
use crate::vendor::VendorId;
use base::{Currency, Money, Time, Zone};
use ipnet::IpNet;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use uuid::Uuid;

const SKUS: [&str; 3] = ["search", "summary", "translate"];
const ZONES: [&str; 4] = ["UTC", "Australia/Sydney", "America/New_York", "Asia/Kolkata"];
const NETWORKS: [&str; 5] = ["10.0.0.0/8", "10.1.2.0/23", "192.0.2.7/32", "2001:db8::/33", "0.0.0.0/0"];
const ADDRESSES: [&str; 6] =
    ["10.0.0.1", "10.1.3.255", "192.0.2.7", "192.0.2.8", "2001:db8:8000::1", "::ffff:10.1.2.3"];
/// 21 November 2026, 00:00 UTC.
const DAY_S: i64 = 1_795_219_200;

fn vendor(number: u128) -> VendorId {
    VendorId(Uuid::from_u128(number))
}

fn at(seconds: i64) -> Time {
    Time::from_us(seconds * 1_000_000)
}

fn country(text: &str) -> Country {
    text.parse().expect("two letters")
}

fn countries() -> impl Strategy<Value = BTreeSet<Country>> {
    prop::collection::btree_set(prop::sample::select(vec!["AU", "IN", "US"]).prop_map(country), 0..3)
}

fn rules() -> impl Strategy<Value = Rules> {
    let lists = (
        prop::collection::btree_set(prop::sample::select(SKUS.to_vec()).prop_map(str::to_owned), 0..4),
        prop::collection::btree_set((0_u128..3).prop_map(vendor), 0..4),
        prop::collection::btree_map(
            prop::sample::select(vec![Currency::Aud, Currency::Usd]),
            (0_i64..300, 0_i64..300, 0_i64..300, prop::option::of(0_i64..300)).prop_map(
                |(one, day, month, approval)| Caps {
                    per_transaction_minor: one,
                    per_day_minor: day,
                    per_month_minor: month,
                    approval_above_minor: approval,
                },
            ),
            0..3,
        ),
        prop::collection::btree_set(prop::sample::select(Rail::ALL.to_vec()), 0..5),
        any::<bool>(),
    );
    let places = (
        prop::option::of(
            (0_u32..4, 1_u32..100).prop_map(|(count_max, window_s)| Velocity { count_max, window_s }),
        ),
        prop::option::of(prop_oneof![countries().prop_map(Geo::Allow), countries().prop_map(Geo::Deny)]),
        prop::option::of(prop::collection::vec(
            prop::sample::select(NETWORKS.to_vec()).prop_map(|n| n.parse::<IpNet>().expect("a network")),
            0..3,
        )),
        prop::sample::select(ZONES.to_vec()).prop_map(|name| Zone::named(name).expect("a zone")),
        prop::option::of(hours()),
        (-100_i64..100, prop::option::of(1_i64..150)),
    );
    (lists, places).prop_map(
        |(
            (skus, vendors, caps, rails, x402_enabled),
            (velocity, geo, ip_allow, zone, hours, (from, length)),
        )| {
            let valid_from = at(DAY_S + from * 3_600);
            Rules {
                skus,
                vendors,
                caps,
                velocity,
                geo,
                zone,
                hours,
                ip_allow,
                rails,
                x402_enabled,
                valid_from,
                valid_until: length.map(|hours| valid_from.plus_s(hours * 3_600)),
            }
        },
    )
}

fn hours() -> impl Strategy<Value = Hours> {
    let minute = || {
        (0_u16..=24, 0_u16..60).prop_map(|(h, m)| {
            format!("{h:02}:{:02}", if h == 24 { 0 } else { m }).parse::<Minute>().expect("a minute")
        })
    };
    (prop::collection::btree_set(prop::sample::select(Weekday::ALL.to_vec()), 0..8), minute(), minute())
        .prop_map(|(weekdays, from, until)| Hours { weekdays, from, until })
}

fn ask() -> impl Strategy<Value = Ask> {
    (
        prop::sample::select(SKUS.to_vec()),
        0_u128..3,
        prop_oneof![-1_i64..300, Just(i64::MAX)],
        prop::sample::select(vec![Currency::Aud, Currency::Usd]),
        prop::option::of(prop::sample::select(Rail::ALL.to_vec())),
        prop::option::of(prop::sample::select(vec!["AU", "IN", "NZ"]).prop_map(country)),
        prop::option::of(
            prop::sample::select(ADDRESSES.to_vec()).prop_map(|ip| ip.parse::<IpAddr>().expect("an address")),
        ),
        -400_000_i64..400_000,
        prop::sample::select(Risk::ALL.to_vec()),
    )
        .prop_map(|(sku, seller, minor, currency, rail, country, ip, offset, risk)| Ask {
            sku: sku.to_owned(),
            vendor: vendor(seller),
            amount: Money { minor, currency },
            rail,
            country,
            ip,
            at: at(DAY_S + offset),
            risk,
        })
}

fn usage() -> impl Strategy<Value = Usage> {
    (0_i64..300, 0_i64..300, 0_i64..5).prop_map(|(day_minor, month_minor, count)| Usage {
        day_minor,
        month_minor,
        count,
    })
}

/// The bits of an address as text; version 4 inside version 6 is version 4.
fn bits(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("{:032b}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:0128b}", u128::from(ip)),
    }
}

/// Every minute of the week at which a window is open, walked minute by minute from each beginning.
fn open_minutes(hours: &Hours) -> BTreeSet<(usize, u16)> {
    let mut open = BTreeSet::new();
    for (index, day) in Weekday::ALL.iter().enumerate() {
        if !hours.weekdays.contains(day) {
            continue;
        }
        let (mut where_, mut minute) = (index, hours.from.of_day());
        if minute == 1_440 {
            (where_, minute) = ((index + 1) % 7, 0);
        }
        let length = if hours.from < hours.until {
            hours.until.of_day() - hours.from.of_day()
        } else {
            1_440 - hours.from.of_day() + hours.until.of_day()
        };
        for _ in 0..length {
            open.insert((where_, minute));
            minute += 1;
            if minute == 1_440 {
                (where_, minute) = ((where_ + 1) % 7, 0);
            }
        }
    }
    open
}

fn oracle(rules: &Rules, ask: &Ask, usage: &Usage) -> BTreeSet<Code> {
    let caps = rules.caps.get(&ask.amount.currency);
    let minor = i128::from(ask.amount.minor);
    let sum = |used: i64| i128::from(used) + minor;
    let wall = ask.at.in_zone(&rules.zone);
    let here =
        (wall.weekday().to_monday_zero_offset() as usize, (wall.hour() as u16) * 60 + wall.minute() as u16);
    let usable = |rail: &Rail| match rail {
        Rail::Ledger | Rail::Stripe | Rail::Cashfree => rules.rails.contains(rail),
        Rail::X402 => rules.rails.contains(rail) && rules.x402_enabled && ask.risk != Risk::High,
    };
    let says = [
        (
            Code::PolicyExpired,
            ask.at < rules.valid_from || rules.valid_until.is_some_and(|end| ask.at >= end),
        ),
        (Code::SkuNotAllowed, !rules.skus.iter().any(|sku| *sku == ask.sku)),
        (Code::VendorNotAllowed, !rules.vendors.iter().any(|vendor| *vendor == ask.vendor)),
        (Code::CurrencyNotAllowed, caps.is_none()),
        (
            Code::AmountExceedsCap,
            caps.is_some_and(|c| minor < 1 || minor > i128::from(c.per_transaction_minor)),
        ),
        (Code::DailyLimitExceeded, caps.is_some_and(|c| sum(usage.day_minor) > i128::from(c.per_day_minor))),
        (
            Code::MonthlyLimitExceeded,
            caps.is_some_and(|c| sum(usage.month_minor) > i128::from(c.per_month_minor)),
        ),
        (Code::VelocityExceeded, rules.velocity.is_some_and(|v| usage.count + 1 > i64::from(v.count_max))),
        (
            Code::GeoDenied,
            match (&rules.geo, &ask.country) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(Geo::Allow(list)), Some(place)) => !list.iter().any(|c| c == place),
                (Some(Geo::Deny(list)), Some(place)) => list.iter().any(|c| c == place),
            },
        ),
        (
            Code::OutsideTimeWindow,
            rules.hours.as_ref().is_some_and(|hours| !open_minutes(hours).contains(&here)),
        ),
        (
            Code::IpDenied,
            rules.ip_allow.as_ref().is_some_and(|networks| {
                !networks.iter().any(|network| {
                    let prefix = &bits(network.network())[..usize::from(network.prefix_len())];
                    ask.ip.is_some_and(|ip| {
                        bits(ip).len() == bits(network.network()).len() && bits(ip).starts_with(prefix)
                    })
                })
            }),
        ),
        (
            Code::RailNotAllowed,
            !match &ask.rail {
                Some(rail) => usable(rail),
                None => Rail::ALL.iter().any(usable),
            },
        ),
        (
            Code::ApprovalRequired,
            ask.risk == Risk::High
                || caps.and_then(|c| c.approval_above_minor).is_some_and(|above| minor > i128::from(above)),
        ),
    ];
    says.into_iter().filter(|(_, broken)| *broken).map(|(code, _)| code).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_gate_names_exactly_the_rules_that_a_plain_reading_finds_broken(rules in rules(), ask in ask(), usage in usage()) {
        let broken = judge(&rules, &ask, &usage);
        let codes: Vec<Code> = broken.iter().map(|v| v.code).collect();
        let distinct: BTreeSet<Code> = codes.iter().copied().collect();
        prop_assert_eq!(codes.len(), distinct.len(), "a rule is named once");
        let expected = oracle(&rules, &ask, &usage);
        prop_assert_eq!(&distinct, &expected);
        let verdict = verdict(&broken);
        let only_approval = expected == BTreeSet::from([Code::ApprovalRequired]);
        prop_assert_eq!(verdict == Verdict::Pass, expected.is_empty());
        prop_assert_eq!(verdict == Verdict::NeedsApproval, only_approval);
    }

    #[test]
    fn a_policy_that_says_nothing_lets_nothing_through(ask in ask(), usage in usage()) {
        let broken = judge(&Rules::nothing(at(0)), &ask, &usage);
        prop_assert_eq!(verdict(&broken), Verdict::Deny);
        for code in [Code::SkuNotAllowed, Code::VendorNotAllowed, Code::CurrencyNotAllowed, Code::RailNotAllowed] {
            prop_assert!(broken.iter().any(|v| v.code == code));
        }
    }

    #[test]
    fn rules_read_back_as_they_were_written_and_keep_their_hash(rules in rules()) {
        let text = serde_json::to_string(&rules).expect("JSON");
        let back: Rules = serde_json::from_str(&text).expect("rules");
        prop_assert_eq!(back.hash().expect("a hash"), rules.hash().expect("a hash"));
        prop_assert_eq!(back, rules);
    }
}

#[test]
fn an_evening_past_midnight_belongs_to_the_day_on_which_it_begins() {
    let friday = Hours {
        weekdays: [Weekday::Fri].into(),
        from: "22:00".parse().expect("a minute"),
        until: "02:00".parse().expect("a minute"),
    };
    // 21 November 2026 is a Saturday.
    for (offset, open) in [
        (-2 * 3_600 - 1, false),
        (-2 * 3_600, true),
        (0, true),
        (7_199, true),
        (7_200, false),
        (86_400, false),
    ] {
        assert_eq!(is_within(&friday, &Zone::utc(), at(DAY_S + offset)), open, "{offset}");
    }
}

#[test]
fn the_hour_that_is_skipped_in_spring_opens_nothing() {
    // Sydney, 4 October 2026: 02:00 becomes 03:00 at 16:00 UTC of the third.
    let sunday = Hours {
        weekdays: [Weekday::Sun].into(),
        from: "02:00".parse().expect("a minute"),
        until: "03:00".parse().expect("a minute"),
    };
    let jump: Time = "2026-10-03T16:00:00Z".parse().expect("an instant");
    for second in [-1, 0, 1, 1_800, 3_600] {
        assert!(!is_within(&sunday, &Zone::sydney(), jump.plus_s(second)), "{second}");
    }
}

#[test]
fn damaged_words_are_refused() {
    for text in ["24:01", "9:30", "09:60", "25:00", "-1:00", "0930", ""] {
        assert!(text.parse::<Minute>().is_err(), "{text}");
    }
    for text in ["A", "AUS", "A1", "ÄU", ""] {
        assert!(text.parse::<Country>().is_err(), "{text}");
    }
    let base = serde_json::to_value(Rules::nothing(at(DAY_S))).expect("JSON");
    for (field, value) in [
        ("skus", serde_json::json!([" padded "])),
        ("skus", serde_json::json!([""])),
        (
            "caps",
            serde_json::json!({"AUD": {"per_transaction_minor": -1, "per_day_minor": 1, "per_month_minor": 1}}),
        ),
        (
            "caps",
            serde_json::json!({"AUD": {"per_transaction_minor": 9_007_199_254_740_992_i64, "per_day_minor": 1, "per_month_minor": 1}}),
        ),
        ("velocity", serde_json::json!({"count_max": 1, "window_s": 0})),
        ("velocity", serde_json::json!({"count_max": 1_001, "window_s": 1})),
        ("valid_until", serde_json::json!("2026-11-21T00:00:00Z")),
    ] {
        let mut rules = base.clone();
        rules[field] = value.clone();
        let read: Rules = serde_json::from_value(rules).expect("of the right form");
        assert!(read.check().is_err(), "{field}: {value}");
    }
    for (field, value) in [
        (
            "caps",
            serde_json::json!({"AUD": {"per_transaction_minor": 1.5, "per_day_minor": 1, "per_month_minor": 1}}),
        ),
        (
            "caps",
            serde_json::json!({"XTS": {"per_transaction_minor": 1, "per_day_minor": 1, "per_month_minor": 1}}),
        ),
        ("zone", serde_json::json!("Mars/Olympus")),
        ("ip_allow", serde_json::json!(["10.0.0.0/33"])),
        ("rails", serde_json::json!(["cash"])),
        ("more", serde_json::json!(1)),
    ] {
        let mut rules = base.clone();
        rules[field] = value.clone();
        assert!(serde_json::from_value::<Rules>(rules).is_err(), "{field}: {value}");
    }
}

#[test]
fn every_code_has_the_word_that_json_writes() {
    let mut seen = BTreeMap::new();
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).expect("JSON"), code.word());
        assert!(seen.insert(code.word(), code).is_none());
        let error = crate::refusal::refused(&[Violation::new(code, "No.")]);
        assert_eq!(error.code(), code.word());
    }
}
