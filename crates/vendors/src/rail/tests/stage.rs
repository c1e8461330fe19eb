//! A rail, its twin and an account, ready to play.

use crate::rail::{Line, cashfree, stripe, x402};
use base::{Currency, ManualClock, Money, Random, Secret, Time};
use ports::rail::{
    Account, Asked, Authorise, CashfreeAccount, Credentials, Payer, Rail, RailKind, Refund, Source,
    StripeAccount, Sync, Timing, Token, X402Account,
};
use reqwest::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use twins::rail::{Fault, FaultKind, RailTwin};
use url::Url;
use uuid::Uuid;

/// How long the rails wait for an answer.
pub(super) const PATIENCE: Duration = Duration::from_millis(600);
/// The secret that signs webhooks.
pub(super) const SECRET: &str = "whsec_test_secret";
/// The wallet's key; it guards nothing.
const WALLET: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const WALLET_ADDRESS: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
/// What everything costs here, in minor units.
pub(super) const PRICE: i64 = 4_35;

pub(super) struct Stage {
    pub(super) kind: RailKind,
    pub(super) twin: RailTwin,
    pub(super) rail: Arc<dyn Rail>,
    pub(super) account: Account,
    pub(super) clock: Arc<ManualClock>,
    pub(super) start: Time,
}

/// The outside rails.
pub(super) const RAILS: [RailKind; 3] = [RailKind::Stripe, RailKind::Cashfree, RailKind::X402];

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

impl Stage {
    pub(super) async fn of(kind: RailKind) -> Self {
        let start: Time = "2026-11-21T00:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let line = Line::new(clock.clone(), Arc::new(Random::seeded(7)), PATIENCE).unwrap();
        let at = "127.0.0.1:0".parse().unwrap();
        let (twin, rail, account): (RailTwin, Arc<dyn Rail>, Account) = match kind {
            RailKind::Stripe => {
                let twin = twins::rail::stripe::start(at, clock.clone()).await.unwrap();
                let account = stripe_account(&twin.url());
                (twin, Arc::new(stripe::Stripe::new(line)), account)
            }
            RailKind::Cashfree => {
                let twin = twins::rail::cashfree::start(at, clock.clone()).await.unwrap();
                let account = cashfree_account(&format!("{}/pg", twin.url()));
                (twin, Arc::new(cashfree::Cashfree::new(line)), account)
            }
            RailKind::X402 => {
                let twin = twins::rail::x402::start(at, clock.clone()).await.unwrap();
                let account = x402_account(&twin.url());
                (twin, Arc::new(x402::X402::new(line, PATIENCE, true).unwrap()), account)
            }
            RailKind::Ledger => panic!("the ledger has no twin"),
        };
        let stage = Self { kind, twin, rail, account, clock, start };
        if kind == RailKind::X402 {
            stage.order("mint", json!({"address": WALLET_ADDRESS, "amount": "1000000000"})).await;
            let units = (PRICE * 10_000).to_string();
            stage.order("price", json!({"name": "report", "amount": units, "required": true})).await;
        }
        stage
    }

    /// Tells the twin something below `/_twin`.
    pub(super) async fn order(&self, what: &str, body: Value) -> Value {
        let sent = Client::new()
            .post(format!("{}/_twin/{what}", self.twin.url()))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = sent.send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        assert_eq!(answer.headers()["x-twin"], "agency-os");
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
    }

    pub(super) fn currency(&self) -> Currency {
        if self.kind == RailKind::Cashfree { Currency::Inr } else { Currency::Usd }
    }

    pub(super) fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency() }
    }

    /// A payment that works at once.
    pub(super) fn ask(&self, id: u128, timing: Timing) -> Authorise {
        let payment = Uuid::from_u128(id);
        let source = match self.kind {
            RailKind::Stripe => Source::Saved { customer: None, method: "pm_card_visa".to_owned() },
            RailKind::Cashfree => Source::Upi { payer: payer(), address: "testsuccess@gocash".to_owned() },
            RailKind::X402 => Source::Resource {
                url: url(&format!("{}/shop/report", self.twin.url())),
                mandate: format!("mandate~{payment}~"),
            },
            RailKind::Ledger => Source::Memory,
        };
        Authorise {
            payment,
            amount: self.money(PRICE),
            source,
            timing,
            description: "A run of an agent".to_owned(),
            at: self.start,
        }
    }

    /// The same, declined by whoever pays.
    pub(super) fn ask_declined(&self, id: u128) -> Authorise {
        let good = self.ask(id, Timing::Now);
        let source = match good.source {
            Source::Saved { customer, .. } => {
                Source::Saved { customer, method: "pm_card_visa_chargeDeclinedInsufficientFunds".to_owned() }
            }
            Source::Upi { payer, .. } => Source::Upi { payer, address: "testfailure@gocash".to_owned() },
            other @ (Source::Granted { .. }
            | Source::Hosted(_)
            | Source::Resource { .. }
            | Source::Memory) => other,
        };
        Authorise { source, ..good }
    }

    pub(super) fn sync(&self, asked: &Authorise, provider_ref: Option<&str>) -> Sync {
        Sync {
            of: Asked::Payment(asked.clone()),
            provider_ref: provider_ref.map(str::to_owned),
            last_asked_at: self.start,
        }
    }

    pub(super) fn refund(&self, id: u128, asked: &Authorise, provider_ref: &str, minor: i64) -> Refund {
        Refund {
            refund: Uuid::from_u128(id),
            payment: asked.payment,
            provider_ref: provider_ref.to_owned(),
            amount: self.money(minor),
            note: "not as described".to_owned(),
            at: self.start,
        }
    }

    /// The call in which the money moves.
    pub(super) fn moving(&self) -> &'static str {
        match self.kind {
            RailKind::Stripe => "POST /v1/payment_intents",
            RailKind::Cashfree => "POST /pg/orders/sessions",
            RailKind::X402 => "PAID GET /shop/report",
            RailKind::Ledger => "",
        }
    }

    /// The first call that leaves a trace.
    pub(super) fn opening(&self) -> &'static str {
        if self.kind == RailKind::Cashfree { "POST /pg/orders" } else { self.moving() }
    }

    pub(super) fn inject(&self, kind: FaultKind, on: &str) {
        self.twin.inject(Fault::on(kind, on));
    }
}

pub(super) fn payer() -> Payer {
    Payer { id: "payer_1".to_owned(), phone: "9999999999".to_owned(), email: None, return_url: None }
}

pub(super) fn stripe_account(base: &str) -> Account {
    let keys = StripeAccount {
        secret_key: Secret::new("sk_test_twin"),
        webhook_secrets: vec![Secret::new("whsec_older"), Secret::new(SECRET)],
        connected: None,
    };
    Account { base_url: Some(url(base)), credentials: Credentials::Stripe(keys) }
}

pub(super) fn cashfree_account(base: &str) -> Account {
    let keys = CashfreeAccount {
        client_id: "app_1".to_owned(),
        client_secrets: vec![Secret::new(SECRET)],
        notify_url: None,
    };
    Account { base_url: Some(url(base)), credentials: Credentials::Cashfree(keys) }
}

pub(super) fn x402_account(base: &str) -> Account {
    let token = Token {
        network: format!("eip155:{}", twins::rail::x402::CHAIN),
        asset: twins::rail::x402::ASSET.to_owned(),
        name: twins::rail::x402::DOMAIN.0.to_owned(),
        version: twins::rail::x402::DOMAIN.1.to_owned(),
        decimals: 6,
        currency: Currency::Usd,
    };
    let keys = X402Account {
        key: Secret::new(WALLET),
        tokens: vec![token],
        rpc_url: url(&format!("{base}/rpc")),
        facilitator_url: Some(url(base)),
        pay_to: Some(twins::rail::x402::SELLER.to_lowercase()),
    };
    Account { base_url: None, credentials: Credentials::X402(keys) }
}
