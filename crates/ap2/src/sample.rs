//! What the tests of this crate build mandates from.

use crate::constraint::{
    AcceptableItem, AmountRange, CheckoutConstraint, Frequency, LineRequirement, PaymentConstraint,
    Recurrence,
};
use crate::mandate::{
    Checkout, ClosedPayment, Instrument, Item, LineItem, Merchant, OpenCheckout, OpenPayment, Total,
};
use crate::sdjwt::{Binding, Check};
use crate::{Amount, CurrencyCode, Json, MandateKey, PublicKey};
use base::{Random, Time, Zone};

pub(crate) const CHECKOUT_OPEN: &str = include_str!("../../../fixtures/ap2/checkout_open.txt");
pub(crate) const CHECKOUT_CLOSED: &str = include_str!("../../../fixtures/ap2/checkout_closed.txt");
pub(crate) const CHECKOUT_CHAIN: &str = include_str!("../../../fixtures/ap2/checkout_chain.txt");
pub(crate) const PAYMENT_OPEN: &str = include_str!("../../../fixtures/ap2/payment_open.txt");
pub(crate) const PAYMENT_CLOSED: &str = include_str!("../../../fixtures/ap2/payment_closed.txt");
pub(crate) const PAYMENT_CHAIN: &str = include_str!("../../../fixtures/ap2/payment_chain.txt");

pub(crate) const NOW_S: i64 = 1_800_000_000;
pub(crate) const HERE: Binding<'static> = Binding { audience: "gateway", nonce: "n-1" };
pub(crate) const THERE: Binding<'static> = Binding { audience: "sub-agent", nonce: "n-0" };

pub(crate) fn now() -> Time {
    Time::from_us(NOW_S * 1_000_000)
}

pub(crate) fn at(text: &str) -> Time {
    text.parse().unwrap()
}

pub(crate) fn usd(minor: i64) -> Amount {
    Amount { minor, currency: CurrencyCode::parse("USD").unwrap() }
}

/// The parties of a purchase and their keys.
pub(crate) struct Parties {
    pub(crate) random: Random,
    pub(crate) person: MandateKey,
    pub(crate) agent: MandateKey,
    pub(crate) helper: MandateKey,
    pub(crate) merchant: MandateKey,
    pub(crate) stranger: MandateKey,
}

impl Parties {
    pub(crate) fn new() -> Self {
        let random = Random::seeded(7);
        let key = || MandateKey::generate(&random);
        let (person, agent, helper, merchant, stranger) = (key(), key(), key(), key(), key());
        Self { random, person, agent, helper, merchant, stranger }
    }

    /// The person's key is the only trusted one.
    pub(crate) fn trust(&self, kid: Option<&str>) -> Option<PublicKey> {
        let key = self.person.public();
        (kid == Some(key.id().as_str())).then_some(key)
    }

    pub(crate) fn verify(&self, chain: &str, bindings: &[Binding<'_>]) -> crate::Result<crate::sdjwt::Chain> {
        let root_key = |kid: Option<&str>| self.trust(kid);
        crate::sdjwt::Chain::verify(chain, &Check { root_key: &root_key, bindings, now: now(), skew_s: 300 })
    }

    pub(crate) fn open_payment(&self) -> OpenPayment {
        OpenPayment {
            constraints: vec![
                PaymentConstraint::AmountRange(AmountRange {
                    currency: usd(0).currency,
                    min: None,
                    max: 20_000,
                }),
                PaymentConstraint::AllowedPayees(vec![shop(1), shop(2)]),
            ],
            holder: self.agent.public(),
            preset: Vec::new(),
            iat: Some(NOW_S - 60),
            exp: Some(NOW_S + 3_600),
        }
    }

    pub(crate) fn recurring(&self, frequency: Frequency, zone: &str) -> OpenPayment {
        let mut open = self.open_payment();
        let zone = Zone::named(zone).unwrap();
        open.constraints.push(PaymentConstraint::Budget(usd(100_000)));
        open.constraints.push(PaymentConstraint::AgentRecurrence(Recurrence {
            frequency,
            max_occurrences: Some(12),
            zone,
        }));
        open
    }

    pub(crate) fn open_checkout(&self) -> OpenCheckout {
        OpenCheckout {
            constraints: vec![
                CheckoutConstraint::LineItems(vec![requirement("shoes", &["red", "blue"], 1)]),
                CheckoutConstraint::AllowedMerchants(vec![shop(1), shop(2)]),
            ],
            holder: self.agent.public(),
            preset: Vec::new(),
            iat: Some(NOW_S - 60),
            exp: Some(NOW_S + 3_600),
        }
    }
}

pub(crate) fn shop(number: u8) -> Merchant {
    Merchant { id: Some(format!("shop-{number}")), name: format!("Shop {number}"), website: None }
}

pub(crate) fn requirement(id: &str, products: &[&str], quantity: u32) -> LineRequirement {
    let item = |id: &&str| AcceptableItem { id: (*id).to_owned(), title: format!("The {id} one") };
    LineRequirement { id: id.to_owned(), acceptable_items: products.iter().map(item).collect(), quantity }
}

pub(crate) fn line(product: &str, quantity: u32) -> LineItem {
    let item = Item { id: product.to_owned(), title: product.to_owned(), price: 19_900 };
    LineItem { id: format!("line-{product}"), item, quantity, totals: Vec::new() }
}

pub(crate) fn checkout(lines: Vec<LineItem>) -> Checkout {
    Checkout {
        id: "intent-1".to_owned(),
        merchant: Some(shop(1)),
        line_items: lines,
        status: "ready_for_complete".to_owned(),
        currency: usd(0).currency,
        totals: vec![Total { kind: "total".to_owned(), amount: 19_900 }],
        links: Vec::new(),
    }
}

pub(crate) fn payment(minor: i64) -> ClosedPayment {
    ClosedPayment {
        transaction_id: "t".to_owned(),
        payee: shop(1),
        amount: usd(minor),
        instrument: Instrument { id: "wallet".to_owned(), kind: "ledger".to_owned(), description: None },
        pisp: None,
        execution_date: None,
        iat: Some(NOW_S),
        exp: None,
        signed: Json::Null,
    }
}
