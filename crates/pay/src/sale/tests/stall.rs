//! A tenant that sells something, wallets that buy it, and who settles.

use crate::facilitator::Sandbox;
use crate::sale::{Output, Shop, Work};
use crate::signing::Ring;
use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use base::{Error, Result, Secret, TenantId};
use control::secret::{Keyring, Settings};
use db::{Caller, Db};
use ledger::account::Key;
use serde_json::{Value, json};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::{Answer, Client, Tenant, TestApp, TestDb, by_header};
use x402::exact::{self, Payload};
use x402::{
    Facilitator, PayerKey, PaymentPayload, PaymentRequired, Requirements, SettleResponse, VERSION, Word,
    header, identifier, keccak256,
};

/// What is sold, word for word.
pub const BODY: &str = r#"{"answer":"forty-two, and nobody reads it unpaid"}"#;
/// The price in minor units and in atomic ones.
pub const PRICE: i64 = 5;
pub const UNITS: u64 = 50_000;
/// The seller's wallet.
pub const SELLER: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

/// Delivers what is stored, counts, and does what a test wants before.
#[derive(Default)]
pub struct Counted {
    pub runs: AtomicU32,
    pub fails: std::sync::atomic::AtomicBool,
    pub slow_ms: std::sync::atomic::AtomicU64,
}

#[async_trait]
impl Work for Counted {
    async fn run(
        &self,
        db: &Db,
        tenant: TenantId,
        by: &Caller,
        resource: &crate::resource::Resource,
    ) -> Result<Output> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(self.slow_ms.load(Ordering::SeqCst))).await;
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::unavailable("agent.broken", "It does not start."));
        }
        crate::sale::Stored.run(db, tenant, by, resource).await
    }
}

pub struct Stall {
    pub kit: TestDb,
    pub app: TestApp,
    pub tenant: Tenant,
    pub other: Tenant,
    pub work: Arc<Counted>,
    pub facilitator: Arc<dyn Facilitator>,
    calls: AtomicU32,
}

/// A wallet of the tests; its key guards nothing.
pub fn wallet(seed: u8) -> PayerKey {
    PayerKey::read(&Secret::new(hex::encode([seed; 32]))).expect("a key")
}

/// A nonce of this name.
pub fn nonce(name: &str) -> Word {
    Word(keccak256(name.as_bytes()))
}

impl Stall {
    /// In the sandbox.
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let sandbox = Sandbox::shared(kit.db.clone());
        Self::settled_by(kit, sandbox).await
    }

    pub async fn settled_by(kit: TestDb, facilitator: Arc<dyn Facilitator>) -> Self {
        let (tenant, other) = kit.two_tenants().await;
        let settings = Settings { installation_key: Secret::new("ab".repeat(32)) };
        let keyring =
            Keyring::load(&settings, std::path::Path::new("/nowhere"), &kit.random).expect("a keyring");
        let ring = Arc::new(Ring::new(kit.db.clone(), Arc::new(keyring), "https://shop.example"));
        let work = Arc::new(Counted::default());
        let shop = Shop::new(facilitator.clone(), ring, "https://shop.example").doing(work.clone());
        let auth = Arc::new(crate::Auth::new(kit.db.clone(), by_header()));
        let modules = vec![crate::module(), crate::sales(shop)];
        let app = TestApp::with(&kit, auth, web::Settings::default(), modules).await;
        Self { kit, app, tenant, other, work, facilitator, calls: AtomicU32::new(0) }
    }

    pub fn owner(&self) -> Client {
        self.app.as_member(&self.tenant.owner)
    }

    /// A call of the API with a fresh Idempotency-Key.
    pub async fn call(&self, who: &Client, method: &str, path: &str, body: &Value) -> Answer {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", format!("call-{number}"));
        who.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// What is sold by default.
    pub fn ware(name: &str) -> Value {
        json!({
            "name": name, "description": "An answer", "content_type": "application/json", "body": BODY,
            "price_minor": PRICE, "currency": "USD", "pay_to": SELLER,
        })
    }

    /// Puts something on sale; its path.
    pub async fn sells(&self, ware: &Value) -> String {
        let made = self.call(&self.owner(), "POST", "/api/v1/paid-resources", ware).await.expect(201).json();
        let url = made["url"].as_str().expect("an address");
        url.strip_prefix("https://shop.example").expect("our address").to_owned()
    }

    pub async fn gives(&self, wallet: &PayerKey, units: u64) {
        let gift = json!({"holder": wallet.address(), "units": units.to_string()});
        self.call(&self.owner(), "POST", "/api/v1/x402/mint", &gift).await.expect(201);
    }

    /// Atomic units that a wallet holds in the sandbox.
    pub async fn holds(&self, wallet: &str) -> u64 {
        let path = format!("/api/v1/x402?holder={wallet}");
        let shown = self.call(&self.owner(), "GET", &path, &json!({})).await.expect(200).json();
        shown["balances"][0]["units"].as_str().map_or(0, |units| units.parse().expect("units"))
    }

    pub async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut request = Request::builder().method("GET").uri(path).header("accept", "*/*");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.stranger().send(request.body(Body::empty()).expect("a request")).await
    }

    /// What a 402 asks.
    pub async fn asked(&self, path: &str) -> PaymentRequired {
        let answer = self.get(path, &[]).await.expect(402);
        header::decode(answer.header(header::PAYMENT_REQUIRED).expect("the header")).expect("the object")
    }

    /// A payment for what is asked, under a name if one is given.
    pub fn signed(
        &self,
        asked: &PaymentRequired,
        by: &PayerKey,
        nonce: Word,
        name: Option<&str>,
    ) -> PaymentPayload {
        let required: &Requirements = &asked.accepts[0];
        let now_s = u64::try_from(self.kit.clock_now().ms() / 1_000).expect("after 1970");
        let payload: Payload = exact::authorise(by, required, nonce, now_s).expect("signed");
        PaymentPayload {
            x402_version: VERSION,
            resource: Some(asked.resource.clone()),
            accepted: required.clone(),
            payload: serde_json::to_value(payload).expect("JSON"),
            extensions: name.and_then(|name| identifier::echo(asked, name)),
        }
    }

    pub async fn pay(&self, path: &str, payment: &PaymentPayload) -> Answer {
        let value = header::encode(payment).expect("a header");
        self.get(path, &[(header::PAYMENT_SIGNATURE, &value)]).await
    }

    /// Asks, signs and pays.
    pub async fn buys(&self, path: &str, by: &PayerKey, name: &str) -> Answer {
        let asked = self.asked(path).await;
        self.pay(path, &self.signed(&asked, by, nonce(name), Some(name))).await
    }

    pub async fn sales(&self) -> Vec<Value> {
        let list = self.call(&self.owner(), "GET", "/api/v1/sales", &json!({})).await.expect(200).json();
        list["rows"].as_array().expect("rows").clone()
    }

    /// Minor units that resources earned, and what is left of them here.
    pub async fn earned(&self) -> (i64, i64) {
        let resource: uuid::Uuid = self.sales().await[0]["resource_id"].as_str().unwrap().parse().unwrap();
        let mut cx = self.kit.system().await;
        let key = Key::developer(self.tenant.id, resource, base::Currency::Usd);
        match ledger::account::find(&mut cx, key.id()).await {
            Ok(account) => (account.figures.posted_credits, account.posted()),
            Err(_) => (0, 0),
        }
    }

    /// The books balance.
    pub async fn books_hold(&self) {
        let mut cx = self.kit.system().await;
        assert_eq!(ledger::verify::verify(&mut cx).await.expect("verifies").first_bad, None);
    }

    /// Rows by a statement, as the owner of the schema, or as a role of the program within the tenant.
    pub async fn sql(&self, statement: &str) -> Vec<String> {
        let mut conn = sqlx::PgConnection::connect(self.kit.url()).await.expect("connects");
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned()))
            .fetch_all(&mut conn)
            .await
            .expect("rows")
    }

    /// Outputs that this tenant's role can read.
    pub async fn readable(&self) -> i64 {
        let mut cx = self.kit.cx(&self.tenant.owner).await;
        sqlx::query_scalar("select count(*) from pay.sale_output")
            .fetch_one(cx.conn())
            .await
            .expect("a count")
    }
}

/// What the header of an answer says became of the settlement.
pub fn settled(answer: &Answer) -> SettleResponse {
    header::decode(answer.header(header::PAYMENT_RESPONSE).expect("the header")).expect("the object")
}

/// Why an answer asks for payment.
pub fn reason(answer: &Answer) -> String {
    let asked: PaymentRequired =
        header::decode(answer.header(header::PAYMENT_REQUIRED).expect("the header")).expect("the object");
    asked.error.unwrap_or_default()
}
