//! Who is in the seed, and what they may do.

use base::{Currency, Time, Zone};
use pay::Rail;
use pay::policy::Rules;
use pay::policy::words::{Caps, Velocity};
use pay::principal::Risk;
use pay::vendor::{self, VendorId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const OWNER_EMAIL: &str = "owner@seed.example";
pub(super) const OWNER_NAME: &str = "Sam Seed";
pub(super) const COMPANY: &str = "Seed Trading";
pub(super) const CURRENCY: Currency = Currency::Aud;

/// A paying agent with what it may do.
pub(super) struct Agent {
    pub name: &'static str,
    pub risk: Risk,
    pub rails: &'static [Rail],
    pub x402: bool,
    pub caps: Caps,
    pub velocity: Option<Velocity>,
}

pub(super) const AGENTS: [Agent; 3] = [
    Agent {
        name: "Research agent",
        risk: Risk::Low,
        rails: &[Rail::Ledger, Rail::Stripe, Rail::X402],
        x402: true,
        caps: caps(50_000, 200_000, 1_000_000, None),
        velocity: None,
    },
    Agent {
        name: "Travel agent",
        risk: Risk::Medium,
        rails: &[Rail::Ledger, Rail::Stripe],
        x402: false,
        caps: caps(10_000, 40_000, 200_000, Some(5_000)),
        velocity: Some(Velocity { count_max: 20, window_s: 3_600 }),
    },
    Agent {
        name: "Trial agent",
        risk: Risk::High,
        rails: &[Rail::Ledger],
        x402: false,
        caps: caps(500, 1_000, 5_000, Some(200)),
        velocity: Some(Velocity { count_max: 3, window_s: 86_400 }),
    },
];

const fn caps(transaction: i64, day: i64, month: i64, approval_above: Option<i64>) -> Caps {
    Caps {
        per_transaction_minor: transaction,
        per_day_minor: day,
        per_month_minor: month,
        approval_above_minor: approval_above,
    }
}

/// What can be bought.
pub(super) const SKUS: [&str; 2] = ["search.query", "data.rows"];

/// Both sell over x402 and are also paid over balances and cards.
pub(super) fn vendors() -> [vendor::New; 2] {
    [
        ("Northwind Search", "https://search.northwind.example/query"),
        ("Harbour Data", "https://data.harbour.example/rows"),
    ]
    .map(|(name, endpoint)| vendor::New {
        name: name.to_owned(),
        x402_endpoint: Some(endpoint.to_owned()),
        rails: BTreeSet::from([Rail::Ledger, Rail::Stripe, Rail::X402]),
        payout_account: None,
    })
}

impl Agent {
    /// Its policy.
    pub fn rules(&self, vendors: &[VendorId], from: Time, zone: Zone) -> Rules {
        Rules {
            skus: SKUS.map(str::to_owned).into(),
            vendors: vendors.iter().copied().collect(),
            caps: BTreeMap::from([(CURRENCY, self.caps)]),
            velocity: self.velocity,
            zone,
            rails: self.rails.iter().copied().collect(),
            x402_enabled: self.x402,
            ..Rules::nothing(from)
        }
    }
}
