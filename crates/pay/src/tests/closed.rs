//! Paying with a mandate that an agent closed under an open one (AP2, human not present), over HTTP: the
//! good way, once, and every binding that may be wrong.

use crate::payment::tests::bed::{AUD, Bed, text};
use ap2::mandate::{ClosedCheckout, ClosedPayment, Instrument, Merchant, OpenPayment};
use ap2::sdjwt::{self, Binding};
use ap2::{Amount, CurrencyCode, Json, MandateKey};
use serde_json::{Value, json};
use testkit::Answer;

const HERE: &str = "https://pay.example";

/// A tenant whose agent holds an open mandate that its own key closes.
struct Shop {
    bed: Bed,
    agent: MandateKey,
    mandate: Value,
}

/// What is closed, and how.
#[derive(Clone)]
struct Closing {
    minor: i64,
    currency: &'static str,
    payee: String,
    audience: &'static str,
    nonce: String,
    instrument: &'static str,
    /// The transaction; none: the hash of the checkout.
    transaction: Option<String>,
    exp: Option<i64>,
}

fn amount(minor: i64, currency: &str) -> Amount {
    Amount { minor, currency: CurrencyCode::parse(currency).expect("a currency") }
}

impl Shop {
    async fn new() -> Self {
        let bed = Bed::new().await;
        bed.top_up(10_000).await;
        let random = bed.kit.db.random();
        let agent = MandateKey::generate(random);
        let path = format!("/api/v1/principals/{}/public-keys", bed.principal);
        let jwk = json!({"jwk": agent.public().bare()});
        let kid = text(&bed.call(&bed.owner(), "POST", &path, &jwk).await.expect(201).json()["kid"]);
        let mut shop = Self { bed, agent, mandate: Value::Null };
        shop.mandate = shop.open(&kid).await;
        shop
    }

    /// At most 500 in each of four payments, 900 in all.
    async fn open(&self, kid: &str) -> Value {
        let caps = json!({"per_transaction_minor": 500, "total_minor": 900, "executions_max": 4});
        let body = json!({
            "intent_id": self.intent(100).await, "template": "recurring_budget", "caps": caps, "holder": kid,
        });
        let made =
            self.bed.call(&self.bed.agent(), "POST", "/api/v1/mandates", &body).await.expect(201).json();
        assert_eq!(made["mode"], "autonomous");
        made
    }

    async fn intent(&self, minor: i64) -> String {
        let body =
            json!({"vendor_id": self.bed.vendor, "sku": "search", "amount_minor": minor, "currency": "AUD"});
        let made = self.bed.call(&self.bed.agent(), "POST", "/api/v1/purchase-intents", &body).await;
        text(&made.expect(201).json()["id"])
    }

    /// The vendor's signed offer of a purchase.
    async fn offer(&self, minor: i64) -> ClosedCheckout {
        let path = format!("/api/v1/purchase-intents/{}/checkout", self.intent(minor).await);
        let offer = self.bed.agent().get(&path).await.expect(200).json();
        ClosedCheckout::of(text(&offer["checkout_jwt"]), None, None)
    }

    fn closing(&self, minor: i64, nonce: &str) -> Closing {
        Closing {
            minor,
            currency: "AUD",
            payee: self.bed.vendor.clone(),
            audience: HERE,
            nonce: nonce.to_owned(),
            instrument: "agency",
            transaction: None,
            exp: None,
        }
    }

    fn payment(&self, how: &Closing, checkout: &ClosedCheckout) -> ClosedPayment {
        ClosedPayment {
            transaction_id: how.transaction.clone().unwrap_or_else(|| checkout.checkout_hash.clone()),
            payee: Merchant { id: Some(how.payee.clone()), name: "Search Ltd".into(), website: None },
            amount: amount(how.minor, how.currency),
            instrument: Instrument {
                id: how.instrument.into(),
                kind: how.instrument.into(),
                description: None,
            },
            pisp: None,
            execution_date: None,
            iat: None,
            exp: how.exp,
            signed: Json::Null,
        }
    }

    /// `closed` as it goes into an execution.
    fn close(&self, mandate: &Value, how: &Closing, checkout: &ClosedCheckout) -> Value {
        let (random, now) = (self.bed.kit.db.random(), self.bed.kit.clock_now());
        let binding = Binding { audience: how.audience, nonce: &how.nonce };
        let key = &self.agent;
        let (token, shop) = (text(&mandate["token"]), text(&mandate["checkout_token"]));
        let claims = self.payment(how, checkout).claims(&[]).expect("claims");
        let payment = sdjwt::extend(&token, claims, &binding, key, now, random).expect("a chain");
        let shown = sdjwt::extend(&shop, checkout.claims(&[], random), &binding, key, now, random);
        json!({"payment": payment, "checkout": shown.expect("a chain"), "nonce": how.nonce})
    }

    async fn execute(&self, closed: &Value) -> Answer {
        let body = json!({"mandate_id": self.mandate["id"], "closed": closed});
        self.bed.call(&self.bed.agent(), "POST", "/api/v1/execute", &body).await
    }

    async fn paid(&self) -> (i64, i64) {
        (self.bed.count("pay.payment").await, 10_000 - self.bed.wallet().await)
    }
}

#[tokio::test]
async fn m3_what_an_agent_closed_under_its_mandate_is_paid_with_a_receipt_that_names_the_mandate() {
    let shop = Shop::new().await;
    let closed = shop.close(&shop.mandate, &shop.closing(430, "n-1"), &shop.offer(430).await);
    let done = shop.execute(&closed).await.expect(200).json();
    assert_eq!(
        (&done["payment"]["amount_minor"], &done["payment"]["status"]),
        (&json!(430), &json!("succeeded"))
    );
    assert_eq!(done["receipt"]["receipt"]["mandate_hash"], shop.mandate["hash"], "{done}");
    assert_eq!((shop.paid().await, shop.bed.earned(AUD).await), ((1, 430), 344));
    // Another one under the same mandate; a third would pass the total.
    let closed = shop.close(&shop.mandate, &shop.closing(470, "n-2"), &shop.offer(470).await);
    shop.execute(&closed).await.expect(200);
    assert_eq!(shop.paid().await, (2, 900));
    let closed = shop.close(&shop.mandate, &shop.closing(1, "n-3"), &shop.offer(1).await);
    let code = text(&shop.execute(&closed).await.json()["code"]);
    assert!(["invalid_mandate", "mandate_exhausted"].contains(&code.as_str()), "{code}");
    shop.bed.holds().await;
}

#[tokio::test]
async fn m7_the_same_closed_mandate_is_paid_once_whoever_sends_it_how_often() {
    let shop = Shop::new().await;
    let checkout = shop.offer(430).await;
    let closed = shop.close(&shop.mandate, &shop.closing(430, "n-1"), &checkout);
    let answers = futures::future::join_all((0..12).map(|_| shop.execute(&closed))).await;
    let ids: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| text(&answer.expect(200).json()["payment"]["id"])).collect();
    assert_eq!((ids.len(), shop.paid().await), (1, (1, 430)));
    // Signed once more, byte for byte another token: the nonce and the checkout were used.
    let again = shop.close(&shop.mandate, &shop.closing(430, "n-1"), &checkout);
    let refused = shop.execute(&again).await;
    assert_ne!(again, closed, "salts and signatures differ");
    assert!(refused.status == 422 || refused.status == 200, "{}", refused.text());
    for (nonce, checkout) in [("n-1", &shop.offer(20).await), ("n-2", &checkout)] {
        let minor = if nonce == "n-1" { 20 } else { 430 };
        let closed = shop.close(&shop.mandate, &shop.closing(minor, nonce), checkout);
        let refused = shop.execute(&closed).await.expect(422).json();
        assert_eq!(refused["code"], "mandate_used", "{nonce}: {refused}");
    }
    assert_eq!(shop.paid().await, (1, 430));
    shop.bed.holds().await;
}

#[tokio::test]
async fn m3_each_wrong_binding_of_a_closed_mandate_is_refused_and_nothing_is_written() {
    let shop = Shop::new().await;
    let checkout = shop.offer(430).await;
    let good = shop.closing(430, "n-1");
    let other = shop.open(&shop.agent.public().id()).await;
    let other_checkout = shop.offer(400).await;
    let close = |how: Closing| shop.close(&shop.mandate, &how, &checkout);
    let sent = close(good.clone());
    let but = |name: &str, value: Value| {
        let mut closed = sent.clone();
        closed[name] = value;
        closed
    };
    let flip = |name: &str, at: usize| {
        let mut token = text(&sent[name]);
        let with = if &token[at..=at] == "A" { "B" } else { "A" };
        token.replace_range(at..=at, with);
        but(name, token.into())
    };
    let payment = text(&sent["payment"]);
    let hop = payment.rfind("~~").expect("two hops") + 2;
    let body = payment[hop..].find('.').expect("a JWT") + hop + 20;
    let unsigned = {
        let (_, rest) = payment[hop..].split_once('.').expect("a JWT");
        let header = crate::mandate::b64(br#"{"alg":"none","typ":"kb+sd-jwt"}"#);
        but("payment", format!("{}{header}.{rest}", &payment[..hop]).into())
    };
    let borrowed = {
        let another = text(&close(Closing { minor: 429, ..good.clone() })["payment"]);
        let signature =
            |text: &str| text.trim_end_matches('~').rsplit('.').next().unwrap_or_default().to_owned();
        but("payment", payment.replace(&signature(&payment), &signature(&another)).into())
    };
    let past = shop.bed.kit.clock_now().ms() / 1_000 - 301;
    let cases: Vec<(&str, Value, &str)> = vec![
        ("another nonce", but("nonce", "n-2".into()), "signature_invalid"),
        ("no nonce", but("nonce", "".into()), "signature_invalid"),
        (
            "another audience",
            close(Closing { audience: "https://elsewhere", ..good.clone() }),
            "signature_invalid",
        ),
        ("the signature of another one", borrowed, "signature_invalid"),
        ("under another mandate", shop.close(&other, &good, &checkout), "signature_invalid"),
        ("the open mandate alone", but("payment", shop.mandate["token"].clone()), "signature_invalid"),
        ("one bit of the mandate", flip("payment", 60), "signature_invalid"),
        ("one bit of what was closed", flip("payment", body), "signature_invalid"),
        (
            "one bit of the checkout",
            flip("checkout", text(&sent["checkout"]).len() - 30),
            "signature_invalid",
        ),
        ("alg none", unsigned, "signature_invalid"),
        (
            "swapped",
            json!({"payment": sent["checkout"], "checkout": sent["payment"], "nonce": "n-1"}),
            "signature_invalid",
        ),
        ("a hop twice", but("payment", format!("{payment}~{}", &payment[hop..]).into()), "signature_invalid"),
        ("nothing", but("payment", "".into()), "signature_invalid"),
        ("ended", close(Closing { exp: Some(past), ..good.clone() }), "signature_invalid"),
        ("too much", close(Closing { minor: 501, ..good.clone() }), "invalid_mandate"),
        (
            "another amount than the checkout",
            close(Closing { minor: 429, ..good.clone() }),
            "invalid_mandate",
        ),
        ("another currency", close(Closing { currency: "USD", ..good.clone() }), "invalid_mandate"),
        ("another payee", close(Closing { payee: "somebody".to_owned(), ..good.clone() }), "invalid_mandate"),
        ("another means", close(Closing { instrument: "cash", ..good.clone() }), "invalid_mandate"),
        (
            "another transaction",
            close(Closing { transaction: Some("x".into()), ..good.clone() }),
            "invalid_mandate",
        ),
        (
            "the checkout of another payment",
            but("checkout", shop.close(&shop.mandate, &good, &other_checkout)["checkout"].clone()),
            "invalid_mandate",
        ),
        (
            "a checkout under another mandate",
            but("checkout", shop.close(&other, &good, &checkout)["checkout"].clone()),
            "signature_invalid",
        ),
    ];
    let before = shop.bed.sql("select md5(string_agg(m::text, '|' order by id)) from pay.mandate m").await;
    for (name, closed, code) in cases {
        let refused = shop.execute(&closed).await;
        assert_eq!(refused.status, 422, "{name}: {}", refused.text());
        assert_eq!(refused.json()["code"], code, "{name}: {}", refused.text());
    }
    let bare = json!({"payment": sent["payment"], "nonce": "n-1"});
    assert_eq!(shop.execute(&bare).await.expect(400).json()["code"], "checkout.missing");
    let open = json!({"mandate_id": shop.mandate["id"]});
    let answer = shop.bed.call(&shop.bed.agent(), "POST", "/api/v1/execute", &open).await.expect(400);
    assert_eq!(answer.json()["code"], "mandate.open");
    let differs = json!({"mandate_id": shop.mandate["id"], "closed": sent, "amount_minor": 431});
    let answer = shop.bed.call(&shop.bed.agent(), "POST", "/api/v1/execute", &differs).await.expect(400);
    assert_eq!(answer.json()["code"], "amount.differs");
    let after = shop.bed.sql("select md5(string_agg(m::text, '|' order by id)) from pay.mandate m").await;
    assert_eq!((after, shop.paid().await), (before, (0, 0)), "nothing was written");
    // After all that the good one is paid.
    shop.execute(&sent).await.expect(200);
    assert_eq!(shop.paid().await, (1, 430));
}

#[tokio::test]
async fn m3_a_wallets_open_mandate_without_a_checkout_is_closed_and_paid_by_the_agent_it_names() {
    let shop = Shop::new().await;
    let bed = &shop.bed;
    let random = bed.kit.db.random();
    let wallet = MandateKey::generate(random);
    let path = format!("/api/v1/principals/{}/public-keys", bed.principal);
    bed.call(&bed.owner(), "POST", &path, &json!({"jwk": wallet.public().bare()})).await.expect(201);
    let merchant = Merchant { id: Some(bed.vendor.clone()), name: "Search Ltd".into(), website: None };
    let range = ap2::constraint::AmountRange { currency: amount(0, "AUD").currency, min: None, max: 200 };
    let open = OpenPayment {
        constraints: vec![
            ap2::constraint::PaymentConstraint::AmountRange(range),
            ap2::constraint::PaymentConstraint::Budget(amount(300, "AUD")),
            ap2::constraint::PaymentConstraint::AgentRecurrence(ap2::constraint::Recurrence {
                frequency: ap2::constraint::Frequency::OnDemand,
                max_occurrences: Some(4),
                zone: base::Zone::utc(),
            }),
            ap2::constraint::PaymentConstraint::AllowedPayees(vec![merchant]),
        ],
        holder: shop.agent.public(),
        preset: Vec::new(),
        iat: None,
        exp: Some(bed.kit.clock_now().ms() / 1_000 + 86_400),
    };
    let payment = sdjwt::root(open.claims(random).expect("claims"), &wallet, random);
    let body = json!({"intent_id": shop.intent(150).await, "template": "recurring_budget", "wallet": {"payment": payment}});
    let mandate = bed.call(&bed.agent(), "POST", "/api/v1/mandates", &body).await.expect(201).json();
    let checkout = shop.offer(150).await;
    let mut spent = 0;
    for (nonce, minor, status) in [("a", 200, 200), ("b", 101, 422), ("c", 100, 200), ("d", 1, 422)] {
        let how = Closing { transaction: Some(format!("t-{nonce}")), ..shop.closing(minor, nonce) };
        let (now, binding) = (bed.kit.clock_now(), Binding { audience: HERE, nonce });
        let claims = shop.payment(&how, &checkout).claims(&[]).expect("claims");
        let closed = sdjwt::extend(&payment, claims, &binding, &shop.agent, now, random).expect("a chain");
        let body = json!({"mandate_id": mandate["id"], "closed": {"payment": closed, "nonce": nonce}});
        let answer = bed.call(&bed.agent(), "POST", "/api/v1/execute", &body).await;
        let is_over = nonce == "d" && answer.status == 403;
        assert!(answer.status == status || is_over, "{nonce}: {}", answer.text());
        spent += if status == 200 { minor } else { 0 };
        assert_eq!(10_000 - bed.wallet().await, spent);
    }
    bed.holds().await;
}
