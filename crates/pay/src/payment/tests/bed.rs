//! A tenant with credit, a paying agent, a vendor, and rails in memory or at their twins.

use crate::account::{self, Setup};
use crate::payment::Desk;
use crate::signing::Ring;
use axum::body::Body;
use axum::http::Request;
use base::{Currency, Money, Secret};
use control::secret::{Keyring, Settings};
use ledger::account::Key;
use ledger::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId};
use ports::rail::{MemoryRail, Rails};
use serde_json::{Value, json};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::{Answer, Client, Tenant, TestApp, TestDb, by_header};

pub(crate) struct Bed {
    pub kit: TestDb,
    pub app: TestApp,
    pub tenant: Tenant,
    pub other: Tenant,
    pub desk: Desk,
    pub keyring: Arc<Keyring>,
    pub ring: Arc<Ring>,
    pub principal: String,
    pub key: String,
    pub vendor: String,
    calls: AtomicU32,
}

pub(crate) const AUD: Currency = Currency::Aud;

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Bed {
    /// Everything over the ledger.
    pub async fn new() -> Self {
        Self::with(Rails::default(), &["ledger"]).await
    }

    /// Stripe in memory, with an account that believes webhooks with its secret.
    pub async fn with(rails: Rails, names: &[&str]) -> Self {
        Self::in_place(TestDb::new().await, rails, names, None).await
    }

    pub async fn in_place(kit: TestDb, rails: Rails, names: &[&str], endpoint: Option<&str>) -> Self {
        let (tenant, other) = kit.two_tenants().await;
        let settings = Settings { installation_key: Secret::new("ab".repeat(32)) };
        let keyring =
            Keyring::load(&settings, std::path::Path::new("/nowhere"), &kit.random).expect("a keyring");
        let keyring = Arc::new(keyring);
        let ring = Arc::new(Ring::new(kit.db.clone(), keyring.clone(), "https://pay.example"));
        let desk = Desk::new(rails, keyring.clone(), ring.clone());
        let auth = Arc::new(crate::Auth::new(kit.db.clone(), by_header()));
        let modules = vec![
            crate::module(),
            crate::mandates(ring.clone()),
            crate::payments(desk.clone()),
            crate::sales(crate::sale::Shop::new(
                crate::facilitator::Sandbox::shared(kit.db.clone()),
                ring.clone(),
                "https://pay.example",
            )),
            hooks::module(),
        ];
        let app = TestApp::with(&kit, auth, web::Settings::default(), modules).await;
        let mut bed = Self {
            kit,
            app,
            tenant,
            other,
            desk,
            keyring,
            ring,
            principal: String::new(),
            key: String::new(),
            vendor: String::new(),
            calls: AtomicU32::new(0),
        };
        bed.people(names, endpoint).await;
        bed
    }

    async fn people(&mut self, rails: &[&str], endpoint: Option<&str>) {
        let owner = self.owner();
        let made =
            self.call(&owner, "POST", "/api/v1/principals", &json!({"name": "Buyer", "risk": "LOW"})).await;
        self.principal = text(&made.expect(201).json()["id"]);
        let path = format!("/api/v1/principals/{}/keys", self.principal);
        self.key = text(&self.call(&owner, "POST", &path, &json!({})).await.expect(201).json()["key"]);
        let vendor = json!({"name": "Search Ltd", "rails": rails, "x402_endpoint": endpoint});
        self.vendor =
            text(&self.call(&owner, "POST", "/api/v1/vendors", &vendor).await.expect(201).json()["id"]);
        let caps = json!({"per_transaction_minor": 10_000, "per_day_minor": 1_000_000, "per_month_minor": 9_000_000});
        let rules = json!({
            "skus": ["search"],
            "vendors": [self.vendor],
            "caps": {"AUD": caps, "INR": caps, "USD": caps},
            "rails": rails,
            "x402_enabled": rails.contains(&"x402"),
            "valid_from": "2026-03-01T00:00:00Z",
        });
        let body = json!({"principal_id": self.principal, "rules": rules});
        self.call(&owner, "POST", "/api/v1/policies", &body).await.expect(201);
    }

    pub fn owner(&self) -> Client {
        self.app.as_member(&self.tenant.owner)
    }

    pub fn agent(&self) -> Client {
        self.app.stranger().with_header("authorization", &format!("Bearer {}", self.key))
    }

    /// A call with a fresh Idempotency-Key.
    pub async fn call(&self, who: &Client, method: &str, path: &str, body: &Value) -> Answer {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.keyed(who, method, path, body, &format!("call-{number}")).await
    }

    pub async fn keyed(&self, who: &Client, method: &str, path: &str, body: &Value, key: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", key);
        who.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// Credit for the tenant.
    pub async fn top_up(&self, minor: i64) {
        let psp = Key::platform(Chart::PspStripe, AUD).expect("the platform's");
        let wallet = Key::wallet(self.tenant.id, AUD);
        let mut cx = self.kit.system().await;
        ledger::account::open(&mut cx, &[psp, wallet]).await.expect("opens");
        let legs = vec![Leg::new(psp.id(), wallet.id(), Money { minor, currency: AUD })];
        let step = Step::new(cx.id::<TransferId>(), Purpose::TopUp, Act::Transfer { legs });
        assert_eq!(ledger::apply(&mut cx, &[step]).await.expect("applies"), [Outcome::Done]);
        cx.commit().await.expect("commits");
    }

    /// A mandate for one payment.
    pub async fn mandate(&self, minor: i64) -> String {
        self.mandate_in(minor, "AUD").await
    }

    pub async fn mandate_in(&self, minor: i64, currency: &str) -> String {
        self.mandate_like(minor, currency, json!({"template": "micro_task"})).await
    }

    pub async fn mandate_like(&self, minor: i64, currency: &str, mut mandate: Value) -> String {
        let agent = self.agent();
        let intent =
            json!({"vendor_id": self.vendor, "sku": "search", "amount_minor": minor, "currency": currency});
        let made = self.call(&agent, "POST", "/api/v1/purchase-intents", &intent).await.expect(201);
        mandate["intent_id"] = made.json()["id"].clone();
        text(&self.call(&agent, "POST", "/api/v1/mandates", &mandate).await.expect(201).json()["id"])
    }

    pub async fn execute(&self, mandate: &str) -> Answer {
        self.call(&self.agent(), "POST", "/api/v1/execute", &json!({"mandate_id": mandate})).await
    }

    /// The figures of an account of the tenant.
    pub async fn posted(&self, key: Key) -> i64 {
        let mut cx = self.kit.system().await;
        ledger::account::find(&mut cx, key.id()).await.map(|account| account.posted()).unwrap_or(0)
    }

    pub async fn wallet(&self) -> i64 {
        self.posted(Key::wallet(self.tenant.id, AUD)).await
    }

    pub async fn earned(&self, currency: Currency) -> i64 {
        let vendor = self.vendor.parse::<uuid::Uuid>().expect("an id");
        self.posted(Key::developer(self.tenant.id, vendor, currency)).await
    }

    pub async fn fees(&self, currency: Currency) -> i64 {
        self.posted(Key::platform(Chart::PlatformFee, currency).expect("the platform's")).await
    }

    pub async fn set_up(&self, setup: &Setup) {
        let mut cx = self.kit.cx(&self.tenant.owner).await;
        account::put(&mut cx, &self.keyring, setup).await.expect("kept");
        cx.commit().await.expect("commits");
    }

    /// Rows by a statement, as the owner of the schema.
    pub async fn sql(&self, query: &str) -> Vec<String> {
        let mut conn = sqlx::PgConnection::connect(self.kit.url()).await.expect("connects");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(&mut conn).await.expect("rows")
    }

    pub async fn run_sql(&self, statement: &str) {
        let mut conn = sqlx::PgConnection::connect(self.kit.url()).await.expect("connects");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect("runs");
    }

    pub async fn count(&self, of: &str) -> i64 {
        self.sql(&format!("select count(*)::text from {of}")).await[0].parse().expect("a count")
    }

    /// What must hold after every step: the books balance, and the chain of receipts is sound.
    pub async fn holds(&self) {
        let mut cx = self.kit.system().await;
        assert_eq!(ledger::verify::verify(&mut cx).await.expect("verifies").first_bad, None);
        drop(cx);
        let keys = self.ring.keys().await.expect("keys").jwks();
        let mut cx = self.kit.cx(&self.tenant.owner).await;
        let verdict = crate::receipt::verify::chain(&mut cx, &keys).await.expect("verifies");
        assert_eq!(verdict.first_bad, None);
    }
}

/// A rail in memory as a desk's only one.
pub(crate) fn only(rail: &Arc<MemoryRail>) -> Rails {
    Rails::of([rail.clone() as Arc<dyn ports::rail::Rail>])
}

/// An account whose keys no service knows: rails in memory ask for none.
pub(crate) fn stripe() -> Setup {
    Setup::Stripe {
        base_url: None,
        secret_key: "sk_test_x".to_owned(),
        webhook_secrets: vec!["whsec_x".to_owned()],
        connected: None,
        customer: None,
        payment_method: "pm_card_visa".to_owned(),
    }
}
