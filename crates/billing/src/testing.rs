//! What the tests of billing share: two clients, the twin of the provider, the modules.

use crate::{Desk, Settings};
use accounts::Mailer;
use axum::body::Body;
use axum::http::Request;
use base::{EmailAddress, Secret, Time};
use db::Cx;
use hmac::{Hmac, Mac};
use ports::InMemory;
use ports::email::{EmailAccount, Mailbox, Security, SmtpAccount};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Answer, Tenant, TestApp, TestDb};
use twins::rail::RailTwin;

const SECRET: &str = "whsec_test_secret";
/// The register's own example of a number.
pub(crate) const ABN: &str = "51 824 753 556";

pub(crate) struct Bed {
    pub kit: TestDb,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub app: TestApp,
    pub twin: RailTwin,
    pub desk: Desk,
    pub memory: InMemory,
    seen: std::sync::Mutex<usize>,
}

impl Bed {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let (ours, theirs) = kit.two_tenants().await;
        let clock: Arc<dyn base::Clock> = kit.clock.clone();
        let twin = twins::rail::stripe::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
        let settings = Settings {
            stripe_key: Secret::new("sk_test_agency"),
            stripe_webhook_secret: Secret::new(SECRET),
            stripe_url: twin.url(),
            seller_name: "Agency Pty Ltd".to_owned(),
            seller_abn: ABN.to_owned(),
            seller_address: "1 George Street\nSydney NSW 2000".to_owned(),
            seller_email: "accounts@agency.example".to_owned(),
        };
        let memory = kit.ports();
        let mailer = Mailer {
            sender: memory.email.clone(),
            account: EmailAccount::Smtp(SmtpAccount {
                host: "localhost".to_owned(),
                port: 25,
                security: Security::None,
                username: None,
                password: Secret::default(),
                lookup: None,
                sent: None,
            }),
            from: Mailbox {
                address: EmailAddress::parse("agency@agency.example").unwrap(),
                name: "Agency".to_owned(),
            },
            origin: "https://agency.example".to_owned(),
        };
        let line = vendors::rail::Line::new(clock, kit.random.clone(), Duration::from_millis(900)).unwrap();
        let provider = Arc::new(vendors::rail::stripe::Stripe::new(line));
        let desk = Desk::new(&settings, provider, mailer).unwrap();
        let app = TestApp::start(&kit, vec![crate::module(desk.clone()), hooks::module()]).await;
        Self { kit, ours, theirs, app, twin, desk, memory, seen: std::sync::Mutex::default() }
    }

    pub async fn cx(&self) -> Cx {
        self.kit.cx(&self.ours.owner).await
    }

    pub fn now(&self) -> Time {
        self.kit.clock_now()
    }

    /// A tenant on trial: signed up now.
    pub async fn on_trial(&self) -> Time {
        let until = self.now().plus_days(14);
        let mut cx = self.kit.system().await;
        sqlx::query!(
            "update accounts.tenant set status = 'trialing', trial_ends_at = $2, created_at = $3 where id = $1",
            self.ours.id.uuid(),
            until as Time,
            self.now() as Time,
        )
        .execute(cx.conn())
        .await
        .unwrap();
        cx.commit().await.unwrap();
        until
    }

    /// Asks the twin as its SDK would.
    pub async fn twin_get(&self, path: &str) -> Value {
        self.twin_call("GET", path, "").await.1
    }

    /// An order below `/_twin`.
    pub async fn order(&self, what: &str, body: Value) -> Value {
        self.twin_call("POST", &format!("/_twin/{what}"), &body.to_string()).await.1
    }

    /// A form of one of the twin's pages.
    pub async fn visit(&self, path: &str, form: &str) -> u16 {
        self.twin_call("POST", path, form).await.0
    }

    async fn twin_call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = self.twin.url().replace("http://", "");
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer sk_test_agency\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let json = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        (status, serde_json::from_str(json).unwrap_or_default())
    }

    /// Every event of the twin that was not told yet, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        let list = self.twin_get("/v1/events?limit=100").await;
        let mut all = list["data"].as_array().unwrap().clone();
        all.reverse();
        let mut seen = self.seen.lock().unwrap();
        let fresh = all.split_off(*seen);
        *seen += fresh.len();
        fresh
    }

    /// Delivers one event, signed as the twin signs.
    pub async fn tell(&self, event: &Value) -> Answer {
        self.tell_signed(event, SECRET).await
    }

    pub async fn tell_signed(&self, event: &Value, secret: &str) -> Answer {
        let body = event.to_string();
        let time = self.now().ms() / 1_000;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
        let request = Request::post("/webhooks/billing")
            .header("stripe-signature", signature)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        self.app.stranger().send(request).await
    }

    /// Delivers what is fresh and works it off.
    pub async fn hear(&self) {
        for event in self.events().await {
            self.tell(&event).await.expect(200);
        }
        self.visible().await;
        self.app.settle().await;
    }

    /// Waits until the outbox shows every fact.
    pub async fn visible(&self) {
        loop {
            let mut cx = self.kit.system().await;
            let hidden: bool = sqlx::query_scalar(
                "select exists (select from kernel.fact where xid >= pg_snapshot_xmin(pg_current_snapshot()))",
            )
            .fetch_one(cx.conn())
            .await
            .unwrap();
            if !hidden {
                return;
            }
            drop(cx);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Buys a plan on the pages and pays it on the twin's; its subscription at the twin.
    pub async fn buy(&self, plan: &str) -> String {
        let us = self.app.as_member(&self.ours.owner);
        let begun = us.post("/billing/checkout", &[("plan", plan)]).await.expect(303);
        let page = begun.location().to_owned();
        us.get(&page).await.expect(200).shows("Continue to payment");
        let mut cx = self.cx().await;
        let checkout = crate::checkout::list(&mut cx).await.unwrap().remove(0);
        drop(cx);
        let session = checkout.provider_ref.expect("a session");
        assert_eq!(self.visit(&format!("/_twin/checkout/{session}"), "act=pay").await, 303);
        let session = self.twin_get(&format!("/v1/checkout/sessions/{session}")).await;
        session["subscription"].as_str().expect("a subscription").to_owned()
    }

    /// The next period, paid or not.
    pub async fn renew(&self, subscription: &str) {
        self.order("renew", json!({ "subscription": subscription })).await;
    }

    /// Another card of the client.
    pub async fn card(&self, subscription: &str, card: &str) {
        let customer = self.twin_get(&format!("/v1/subscriptions/{subscription}")).await["customer"].clone();
        self.order("card", json!({ "customer": customer, "card": card })).await;
    }
}
