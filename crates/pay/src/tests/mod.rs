//! Behaviour over HTTP: calls, keys, tenants, pages; and limits under concurrent load.

mod calls;
mod closed;
mod crashes;
mod every_call;
mod handed;
mod keys;
mod limits;
mod matrix;
mod pages;
mod runs;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::{Answer, Client, Member, Tenant, TestApp, TestDb, by_header};

/// One tenant with pay in front of it.
pub(super) struct House {
    pub kit: TestDb,
    pub app: TestApp,
    pub tenant: Tenant,
    pub other: Tenant,
    calls: AtomicU32,
}

impl House {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let (tenant, other) = kit.two_tenants().await;
        let auth = Arc::new(crate::Auth::new(kit.db.clone(), by_header()));
        let app = TestApp::with(&kit, auth, web::Settings::default(), vec![crate::module()]).await;
        Self { kit, app, tenant, other, calls: AtomicU32::new(0) }
    }

    pub fn owner(&self) -> Client {
        self.app.as_member(&self.tenant.owner)
    }

    pub fn member(&self, who: &Member) -> Client {
        self.app.as_member(who)
    }

    /// A program with this key of a paying agent.
    pub fn agent(&self, key: &str) -> Client {
        self.app.stranger().with_header("authorization", &format!("Bearer {key}"))
    }

    /// A call with a fresh Idempotency-Key.
    pub async fn call(&self, who: &Client, method: &str, path: &str, body: &Value) -> Answer {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.call_with(who, method, path, &body.to_string(), Some(&format!("call-{number}"))).await
    }

    /// A call with this body and key.
    pub async fn call_with(
        &self,
        who: &Client,
        method: &str,
        path: &str,
        body: &str,
        key: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        who.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    pub async fn principal(&self, name: &str) -> String {
        let made = self
            .call(&self.owner(), "POST", "/api/v1/principals", &json!({"name": name, "risk": "LOW"}))
            .await;
        text(&made.expect(201).json()["id"])
    }

    pub async fn key(&self, principal: &str) -> String {
        let path = format!("/api/v1/principals/{principal}/keys");
        text(&self.call(&self.owner(), "POST", &path, &json!({})).await.expect(201).json()["key"])
    }

    pub async fn vendor(&self, name: &str) -> String {
        let body = json!({"name": name, "rails": ["ledger"]});
        text(&self.call(&self.owner(), "POST", "/api/v1/vendors", &body).await.expect(201).json()["id"])
    }

    /// A version that lets `sku` be bought from these vendors.
    pub async fn policy(&self, principal: &str, vendors: &[&str]) -> String {
        let body = json!({"principal_id": principal, "rules": rules(vendors)});
        text(&self.call(&self.owner(), "POST", "/api/v1/policies", &body).await.expect(201).json()["id"])
    }

    /// A paying agent that may buy `search` from one vendor: principal, key, vendor, policy.
    pub async fn shop(&self) -> Shop {
        let principal = self.principal("Buyer").await;
        let key = self.key(&principal).await;
        let vendor = self.vendor("Search Ltd").await;
        let policy = self.policy(&principal, &[&vendor]).await;
        Shop { principal, key, vendor, policy }
    }

    /// What the tenant has in every table that a call can write: counts and contents.
    pub async fn state(&self) -> String {
        let mut conn = sqlx::PgConnection::connect(self.kit.url()).await.expect("connects");
        let mut state = String::new();
        for table in [
            "pay.principal",
            "pay.principal_key",
            "pay.public_key",
            "pay.policy",
            "pay.vendor",
            "pay.intent",
            "pay.cap_use",
            "pay.velocity",
            "kernel.fact",
            "kernel.idempotency",
        ] {
            // A key's use is written down apart from what the call does.
            let query = format!(
                "select count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(t) - 'used_at')::text, '|' order by t::text)), '') from {table} t"
            );
            let line: String =
                sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut conn).await.expect("a count");
            state.push_str(&format!("{table} {line}\n"));
        }
        state
    }
}

pub(super) struct Shop {
    pub principal: String,
    pub key: String,
    pub vendor: String,
    pub policy: String,
}

impl Shop {
    pub fn intent(&self) -> Value {
        json!({"vendor_id": self.vendor, "sku": "search", "amount_minor": 430, "currency": "AUD"})
    }
}

pub(super) fn rules(vendors: &[&str]) -> Value {
    json!({
        "skus": ["search"],
        "vendors": vendors,
        "caps": {"AUD": {"per_transaction_minor": 1_000, "per_day_minor": 5_000, "per_month_minor": 20_000}},
        "zone": "Australia/Sydney",
        "rails": ["ledger"],
        "valid_from": "2026-03-01T00:00:00Z",
    })
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub(super) fn codes(problem: &Value) -> Vec<String> {
    problem["violations"]
        .as_array()
        .map(|list| list.iter().map(|v| text(&v["code"])).collect())
        .unwrap_or_default()
}
