//! A tenant in which everything there is to name exists, and some of it has ended.

use crate::payment::tests::bed::{Bed, text};
use base::{Money, Role};
use ports::rail::{Rail, Rails};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::{Client, Member, TestDb};
use vendors::rail::{Line, cashfree::Cashfree, stripe::Stripe};

pub(super) struct Scene {
    pub(super) bed: Bed,
    pub(super) viewer: Member,
    pub(super) chief: Member,
    pub(super) revoked_key: String,
    pub(super) expired_key: String,
    /// Another principal of the tenant, and its key.
    pub(super) other: String,
    other_key: String,
    /// The vendor of the other tenant, and its principal.
    pub(super) foreign_vendor: String,
    pub(super) foreign_principal: String,
    pub(super) retired_vendor: String,
    pub(super) expired_mandate: String,
    pub(super) revoked_mandate: String,
    pub(super) used_mandate: String,
    pub(super) expired_intent: String,
    pub(super) cancelled_intent: String,
    /// A payment of the used mandate.
    pub(super) payment: String,
    number: AtomicU32,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let kit = TestDb::new().await;
        let line =
            || Line::new(kit.clock.clone(), kit.random.clone(), Duration::from_millis(600)).expect("a line");
        let rails: [Arc<dyn Rail>; 2] = [Arc::new(Stripe::new(line())), Arc::new(Cashfree::new(line()))];
        let bed = Bed::in_place(kit, Rails::of(rails), &["ledger"], None).await;
        bed.top_up(50_000).await;
        let viewer = bed.kit.member(&bed.tenant, Role::Viewer).await;
        let chief = Member { platform: true, ..bed.tenant.owner.clone() };
        let owner = bed.owner();
        let post =
            async |path: &str, body: Value| bed.call(&owner, "POST", path, &body).await.expect(201).json();
        let other = text(&post("/api/v1/principals", json!({"name": "Other", "risk": "LOW"})).await["id"]);
        let keys = format!("/api/v1/principals/{other}/keys");
        let revoked = post(&keys, json!({})).await;
        let path = format!("{keys}/{}", text(&revoked["id"]));
        bed.call(&owner, "DELETE", &path, &json!({})).await.expect(200);
        let expired_key = text(&post(&keys, json!({})).await["key"]);
        let other_key = text(&post(&format!("{keys}/rotate"), json!({"overlap_s": 60})).await["key"]);
        let retired = json!({"name": "Gone Ltd", "rails": ["ledger"]});
        let retired_vendor = text(&post("/api/v1/vendors", retired).await["id"]);
        let path = format!("/api/v1/vendors/{retired_vendor}");
        bed.call(&owner, "DELETE", &path, &json!({})).await.expect(200);
        let theirs = bed.app.as_member(&bed.other.owner);
        let vendor = json!({"name": "Theirs", "rails": ["ledger"]});
        let foreign = bed.call(&theirs, "POST", "/api/v1/vendors", &vendor).await.expect(201).json();
        let principal = json!({"name": "Theirs", "risk": "LOW"});
        let foreign_principal =
            bed.call(&theirs, "POST", "/api/v1/principals", &principal).await.expect(201).json();
        let expired_intent = intent(&bed, 430).await;
        let soon = json!({"template": "micro_task", "expires_in_s": 30});
        let expired_mandate = bed.mandate_like(430, "AUD", soon).await;
        let used_mandate = bed.mandate(5_000).await;
        let paid = bed.execute(&used_mandate).await.expect(200).json();
        bed.kit.clock.advance_s(crate::payout::HOLD_WINDOW_S + 1);
        let revoked_mandate = bed.mandate(430).await;
        let path = format!("/api/v1/mandates/{revoked_mandate}/revoke");
        bed.call(&owner, "POST", &path, &json!({"reason": "No."})).await.expect(200);
        let cancelled_intent = intent(&bed, 430).await;
        let path = format!("/api/v1/purchase-intents/{cancelled_intent}/cancel");
        bed.call(&bed.agent(), "POST", &path, &json!({})).await.expect(200);
        let (foreign_vendor, foreign_principal) = (text(&foreign["id"]), text(&foreign_principal["id"]));
        let (revoked_key, payment) = (text(&revoked["key"]), text(&paid["payment"]["id"]));
        // A key's use is written down once a minute: not between two counts of rows.
        bed.agent().get("/api/v1/mandates").await.expect(200);
        let scene = Self {
            bed,
            viewer,
            chief,
            revoked_key,
            expired_key,
            other,
            other_key,
            foreign_vendor,
            foreign_principal,
            retired_vendor,
            expired_mandate,
            revoked_mandate,
            used_mandate,
            expired_intent,
            cancelled_intent,
            payment,
            number: AtomicU32::new(0),
        };
        scene.other_agent().get("/api/v1/mandates").await.expect(200);
        let until = scene.bed.kit.clock_now().plus_days(7);
        let rates = json!({"source": "A list", "valid_until": until, "rates": [{"base": "AUD", "quote": "INR", "rate": "0.5"}]});
        let chief = scene.bed.app.as_member(&scene.chief);
        scene.bed.call(&chief, "POST", "/api/v1/exchange-rates", &rates).await.expect(201);
        scene
    }

    pub(super) fn other_agent(&self) -> Client {
        self.bed.app.stranger().with_header("authorization", &format!("Bearer {}", self.other_key))
    }

    /// The agent's key with its last character changed.
    pub(super) fn changed_key(&self) -> String {
        let mut key = self.bed.key.clone();
        let last = if key.pop() == Some('A') { 'B' } else { 'A' };
        key.push(last);
        key
    }

    /// A name that nothing has yet.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{what} {}", self.number.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) async fn made(&self, path: &str, body: Value) -> Value {
        self.bed.call(&self.bed.owner(), "POST", path, &body).await.expect(201).json()
    }

    pub(super) async fn principal(&self) -> String {
        let body = json!({"name": self.name("Principal"), "risk": "LOW"});
        text(&self.made("/api/v1/principals", body).await["id"])
    }

    pub(super) async fn vendor(&self) -> String {
        let body = json!({"name": self.name("Vendor"), "rails": ["ledger"]});
        text(&self.made("/api/v1/vendors", body).await["id"])
    }

    pub(super) async fn intent(&self, minor: i64) -> String {
        intent(&self.bed, minor).await
    }

    /// A payment over the ledger that succeeded.
    pub(super) async fn paid(&self, minor: i64) -> String {
        let mandate = self.bed.mandate(minor).await;
        text(&self.bed.execute(&mandate).await.expect(200).json()["payment"]["id"])
    }

    /// A quote of an exchange of 4.30 Australian dollars; there are rates of AUD and INR.
    pub(super) async fn quote(&self) -> String {
        let body = json!({"give_minor": 430, "give_currency": "AUD", "get_currency": "INR"});
        text(&self.made("/api/v1/exchanges", body).await["id"])
    }

    /// A receipt of the used mandate's payment.
    pub(super) async fn receipt(&self) -> String {
        self.bed.sql("select id::text from pay.receipt order by sequence limit 1").await[0].clone()
    }

    /// Earnings of the vendor, in minor units.
    pub(super) async fn earned(&self) -> Money {
        Money { minor: self.bed.earned(base::Currency::Aud).await, currency: base::Currency::Aud }
    }
}

async fn intent(bed: &Bed, minor: i64) -> String {
    let body = json!({"vendor_id": bed.vendor, "sku": "search", "amount_minor": minor, "currency": "AUD"});
    let made = bed.call(&bed.agent(), "POST", "/api/v1/purchase-intents", &body).await.expect(201);
    text(&made.json()["id"])
}
