//! Behaviour of mandates: over HTTP, by verbs, and under concurrent load.

mod approved;
mod bad_input;
mod calls;
mod delegated;
mod kept;
mod machine;
mod pages;
mod spent;
mod wallets;

use super::{Asked, Caps, Held, Mandate, MandateId, New, Outcome, Place, Template, Use};
use crate::intent::{self, IntentId};
use crate::policy::words::{Caps as Limits, Rules};
use crate::policy::{self, PolicyId};
use crate::principal::{self, PrincipalId, Risk, key};
use crate::rail::Rail;
use crate::signing::{Keys, Ring};
use crate::vendor::{self, VendorId};
use axum::body::Body;
use axum::http::Request;
use base::{Currency, Money, Secret};
use control::secret::{Keyring, Settings};
use db::Cx;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::{Answer, Client, Tenant, TestApp, TestDb, by_header};

pub(super) const AUDIENCE: &str = "http://agency.test";

/// A tenant with an agent that may buy `search` from one vendor.
pub(super) struct World {
    pub kit: TestDb,
    pub app: TestApp,
    pub ring: Arc<Ring>,
    pub tenant: Tenant,
    pub other: Tenant,
    pub principal: PrincipalId,
    pub vendor: VendorId,
    key: Secret,
    calls: AtomicU32,
    _folder: tempfile::TempDir,
}

pub(super) fn limits() -> Limits {
    Limits {
        per_transaction_minor: 1_000,
        per_day_minor: 50_000,
        per_month_minor: 200_000,
        approval_above_minor: None,
    }
}

pub(super) fn rules(vendor: VendorId, now: base::Time) -> Rules {
    let mut rules = Rules::nothing(now.plus_days(-1));
    rules.skus.insert("search".to_owned());
    rules.vendors.insert(vendor);
    rules.caps.insert(Currency::Aud, limits());
    rules.rails.insert(Rail::Ledger);
    rules
}

pub(super) fn aud(minor: i64) -> Money {
    Money { minor, currency: Currency::Aud }
}

pub(super) fn used(minor: i64) -> Use {
    Use { amount: aud(minor), rail: Some(Rail::Ledger), country: None, ip: None }
}

impl World {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let (tenant, other) = kit.two_tenants().await;
        let folder = tempfile::tempdir().expect("a folder");
        let keyring = Keyring::load(&Settings::default(), folder.path(), kit.db.random()).expect("a key");
        let ring = Arc::new(Ring::new(kit.db.clone(), Arc::new(keyring), AUDIENCE));
        let auth = Arc::new(crate::Auth::new(kit.db.clone(), by_header()));
        let modules = vec![crate::module(), crate::mandates(ring.clone())];
        let app = TestApp::with(&kit, auth, web::Settings::default(), modules).await;
        let mut cx = kit.cx(&tenant.owner).await;
        let named = |name: &str| principal::New { name: name.to_owned(), risk: Risk::Low };
        let principal = principal::add(&mut cx, &named("Buyer")).await.expect("a principal").id;
        let (_, key) = key::make(&mut cx, principal).await.expect("a key");
        let shop = vendor::New {
            name: "Search Ltd".to_owned(),
            x402_endpoint: None,
            rails: [Rail::Ledger].into(),
            payout_account: None,
        };
        let vendor = vendor::add(&mut cx, &shop).await.expect("a vendor").id;
        let rules = rules(vendor, cx.now());
        policy::add(&mut cx, principal, rules).await.expect("a policy");
        cx.commit().await.expect("a commit");
        Self {
            kit,
            app,
            ring,
            tenant,
            other,
            principal,
            vendor,
            key,
            calls: AtomicU32::new(0),
            _folder: folder,
        }
    }

    pub async fn cx(&self) -> Cx {
        self.kit.cx(&self.tenant.owner).await
    }

    pub async fn keys(&self) -> Arc<Keys> {
        self.ring.keys().await.expect("keys")
    }

    /// Another version of the policy that counts.
    pub async fn rule(&self, change: impl FnOnce(&mut Rules)) -> PolicyId {
        let mut cx = self.cx().await;
        let mut rules = rules(self.vendor, cx.now());
        change(&mut rules);
        let id = policy::add(&mut cx, self.principal, rules).await.expect("a policy").id;
        cx.commit().await.expect("a commit");
        id
    }

    pub async fn intent_of(&self, principal: PrincipalId, minor: i64) -> IntentId {
        let mut cx = self.cx().await;
        let new = intent::New {
            principal,
            vendor: self.vendor,
            sku: "search".to_owned(),
            amount_minor: minor,
            currency: Currency::Aud,
            description: "A search".to_owned(),
            meta: serde_json::Map::new(),
        };
        let id = intent::create(&mut cx, new).await.expect("an intent").id;
        cx.commit().await.expect("a commit");
        id
    }

    pub async fn intent(&self, minor: i64) -> IntentId {
        self.intent_of(self.principal, minor).await
    }

    /// Asks for a mandate in a transaction that is kept when it is signed or waits.
    pub async fn ask(&self, new: New) -> base::Result<Outcome> {
        let keys = self.keys().await;
        let mut cx = self.cx().await;
        let made = super::create(&mut cx, &keys, new).await;
        end(cx, made).await
    }

    /// A signed mandate.
    pub async fn signed(&self, new: New) -> Mandate {
        match self.ask(new).await.expect("a mandate") {
            Outcome::Signed(mandate) => *mandate,
            Outcome::Waiting(waiting) => panic!("it waits: {waiting:?}"),
        }
    }

    /// A recurring budget: so many payments of at most so much.
    pub async fn budget(&self, per_transaction: i64, total: i64, executions: i32) -> Mandate {
        let intent = self.intent(per_transaction.min(100)).await;
        self.signed(New { asked: asked(per_transaction, total, executions), ..recurring(intent) }).await
    }

    pub async fn hold(&self, id: MandateId, what: &Use) -> base::Result<Held> {
        let mut cx = self.cx().await;
        let held = super::hold(&mut cx, id, what).await;
        end(cx, held).await
    }

    pub async fn read(&self, id: MandateId) -> Mandate {
        super::get(&mut self.cx().await, id).await.expect("a mandate")
    }

    pub fn agent(&self) -> Client {
        self.app.stranger().with_header("authorization", &format!("Bearer {}", self.key.expose()))
    }

    pub fn owner(&self) -> Client {
        self.app.as_member(&self.tenant.owner)
    }

    /// A call with a fresh Idempotency-Key.
    pub async fn call(&self, who: &Client, method: &str, path: &str, body: &Value) -> Answer {
        self.call_text(who, method, path, &body.to_string()).await
    }

    pub async fn call_text(&self, who: &Client, method: &str, path: &str, body: &str) -> Answer {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", format!("call-{number}"))
            .body(Body::from(body.to_owned()));
        who.send(request.expect("a request")).await
    }

    /// One text of the database, as the owner of the schema.
    pub async fn sql(&self, statement: &str) {
        let mut conn =
            <sqlx::PgConnection as sqlx::Connection>::connect(self.kit.url()).await.expect("connects");
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut conn).await.expect("it runs");
    }
}

pub(super) fn asked(per_transaction: i64, total: i64, executions: i32) -> Asked {
    Asked {
        per_transaction_minor: Some(per_transaction),
        total_minor: Some(total),
        executions_max: Some(executions),
        ..Asked::default()
    }
}

pub(super) fn micro(intent: IntentId) -> New {
    New {
        intent,
        template: Template::MicroTask,
        mode: None,
        asked: Asked::default(),
        expires_in_s: None,
        holder: None,
        parent: None,
        wallet: None,
        place: Place::default(),
    }
}

pub(super) fn recurring(intent: IntentId) -> New {
    New { template: Template::RecurringBudget, ..micro(intent) }
}

/// The codes of a refusal.
pub(super) fn codes(error: &base::Error) -> Vec<String> {
    let list = error.members().find(|(name, _)| *name == "violations").map(|(_, list)| list.clone());
    let list = list.and_then(|list| list.as_array().cloned()).unwrap_or_default();
    list.iter().map(|v| v["code"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The codes of a problem document.
pub(super) fn listed(problem: &Value) -> Vec<String> {
    let list = problem["violations"].as_array().cloned().unwrap_or_default();
    list.iter().map(|v| v["code"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Whether caps are these.
pub(super) fn is(caps: &Caps, per_transaction: i64, total: i64, executions: i32) -> bool {
    (caps.per_transaction_minor, caps.total_minor, caps.executions_max)
        == (per_transaction, total, executions)
}

/// Keeps what went well and gives up the rest, now and not a little later: a sweep passes over rows that
/// somebody holds.
async fn end<T>(cx: db::Cx, told: base::Result<T>) -> base::Result<T> {
    match told {
        Ok(made) => cx.commit().await.map(|()| made),
        Err(error) => cx.rollback().await.and(Err(error)),
    }
}
