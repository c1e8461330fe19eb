//! A database, rails that outlive every kill, an agent that may pay everywhere, and the processes.

use super::http::{Answer, Ask};
use super::load::Contested;
use crate::proof::{herd::Herd, house};
use accounts::key;
use axum::body::Body;
use axum::http::Request;
use base::{Currency, Money, Role, SystemClock};
use ledger::account::Key;
use ledger::{Act, Chart, Leg, Purpose, Step, TransferId};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{Client, Tenant, TestApp, TestDb};
use twins::rail::{Hook, RailTwin};

pub const HOOK_SECRET: &str = "whsec_crash";
const CASHFREE_SECRET: &str = "cfsk_crash";
pub const STRIPE_KEY: &str = "sk_test_crash";
/// A wallet's key; it guards nothing.
const WALLET: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const WALLET_ADDRESS: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
/// What the shop sells costs, in US cents.
pub const SHOP_MINOR: i64 = 150;
/// What the tenant's wallet begins with, in Australian cents.
pub const TOP_UP_MINOR: i64 = 10_000_000;
/// What was earned before the hold window, in Australian cents: the vendor's share of payments.
const EARLIER: [i64; 2] = [500_000, 500_000];

/// The rails with their vendors.
pub const RAILS: [(&str, &str); 4] =
    [("ledger", "AUD"), ("stripe", "AUD"), ("cashfree", "INR"), ("x402", "USD")];

/// Who pays whom.
#[derive(Clone, Debug)]
pub struct People {
    /// The agent's key.
    pub agent: String,
    /// The key of a program of the organisation that may do everything.
    pub admin: String,
    /// In the order of [`RAILS`].
    pub vendors: [String; 4],
}

/// The outside.
pub struct Outside {
    pub stripe: RailTwin,
    pub cashfree: RailTwin,
    pub x402: RailTwin,
}

impl Outside {
    async fn start() -> Self {
        let at = || "127.0.0.1:0".parse().expect("an address");
        let clock = || Arc::new(SystemClock);
        Self {
            stripe: twins::rail::stripe::start(at(), clock()).await.expect("a twin"),
            cashfree: twins::rail::cashfree::start(at(), clock()).await.expect("a twin"),
            x402: twins::rail::x402::start(at(), clock()).await.expect("a twin"),
        }
    }

    pub fn all(&self) -> [&RailTwin; 3] {
        [&self.stripe, &self.cashfree, &self.x402]
    }
}

/// Where a twin listens.
pub fn address(twin: &RailTwin) -> SocketAddr {
    twin.url().trim_start_matches("http://").parse().expect("an address")
}

pub struct Bed {
    pub kit: TestDb,
    pub folder: tempfile::TempDir,
    pub tenant: Tenant,
    pub people: People,
    pub outside: Arc<Outside>,
    pub herd: Herd,
    pub servers: [SocketAddr; 2],
    hooked: AtomicUsize,
}

/// The real list of modules in this process; members are who the tests say, agents call with their keys.
async fn app(kit: &TestDb, folder: &std::path::Path) -> TestApp {
    let house = house::house(kit, folder).await;
    let auth = Arc::new(pay::Auth::new(kit.db.clone(), testkit::by_header()));
    TestApp::with(kit, auth, web::Settings::default(), agency::wire::modules(&house).expect("modules")).await
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

impl Bed {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let folder = crate::program::folder();
        let tenant = kit.tenant("Anchor Agency").await;
        let outside = Arc::new(Outside::start().await);
        let setting = Setting {
            app: app(&kit, folder.path()).await,
            kit: &kit,
            tenant: &tenant,
            calls: AtomicUsize::new(0),
        };
        let people = setting.people(&outside).await;
        drop(setting);
        let servers = [free_port(), free_port()];
        let mut herd = Herd::new(
            folder.path(),
            kit.url(),
            &[
                ("AGENCY__SINK__ENABLED", "false"),
                ("AGENCY__OUTSIDE__ALLOW_LOOPBACK", "true"),
                ("AGENCY__WORK__QUEUES", "pay,default"),
            ],
        );
        for server in servers {
            herd.add_with("serve", &[("AGENCY__WEB__LISTEN", &server.to_string())]);
        }
        for role in ["work", "work", "schedule"] {
            herd.add(role);
        }
        let bed = Self { kit, folder, tenant, people, outside, herd, servers, hooked: AtomicUsize::new(0) };
        bed.hook();
        bed
    }

    /// Webhooks come twice and out of order, to one server or the other.
    pub fn hook(&self) {
        let server = self.servers[self.hooked.fetch_add(1, Ordering::Relaxed) % 2];
        for (twin, name, secret) in [
            (&self.outside.stripe, "stripe", HOOK_SECRET),
            (&self.outside.cashfree, "cashfree", CASHFREE_SECRET),
        ] {
            let url = format!("http://{server}/webhooks/{name}?tenant={}", self.tenant.id);
            twin.send_webhooks(Hook {
                url: Some(url.parse().expect("a URL")),
                secret: secret.to_owned(),
                duplicate: true,
                reorder: true,
                wrong_amount: false,
            });
        }
    }

    /// The rails behave from now on.
    pub fn quiet(&self) {
        for twin in self.outside.all() {
            twin.forget_faults();
        }
    }

    /// Every process is killed, an hour passes, they are started again. Nothing is under way meanwhile, so
    /// that the hour may be taken from what was written down.
    pub async fn outage(&mut self) {
        self.herd.fell();
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.hook();
        let open = "status in ('initiated', 'reserved', 'pending', 'unknown')";
        let at = "to_jsonb(to_char(((request->>'at')::timestamptz - interval '1 hour') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))";
        self.run(&format!(
            "update pay.payment set sent_at = sent_at - interval '1 hour', check_at = check_at - interval '1 hour',
                    request = jsonb_set(request, '{{at}}', {at}) where {open}"
        ))
        .await;
        for table in ["pay.refund", "pay.payout"] {
            let open = open.replace("'reserved', ", "");
            self.run(&format!(
                "update {table} set sent_at = sent_at - interval '1 hour', check_at = check_at - interval '1 hour' where {open}"
            ))
            .await;
        }
        self.run("update jobs.job set run_at = run_at - interval '1 hour' where state = 'scheduled'").await;
        self.run("update jobs.schedule set next_at = next_at - interval '1 hour' where name like 'pay.%'")
            .await;
        self.herd.rise();
    }

    /// What waits for its next try is tried at once.
    pub async fn hurry(&self) {
        self.run("update jobs.job set run_at = now() where state = 'scheduled' and kind like 'pay.%'").await;
    }

    /// How much has not come to its end.
    pub async fn open(&self) -> i64 {
        let sum = self
            .rows::<(i64,)>(
                "select (select count(*) from pay.payment where status in ('initiated', 'reserved', 'pending', 'unknown'))
                      + (select count(*) from pay.refund where status in ('initiated', 'pending', 'unknown'))
                      + (select count(*) from pay.payout where status in ('initiated', 'pending', 'unknown'))",
            )
            .await;
        sum[0].0
    }

    /// The disputes that do not stand here as they stand at Stripe.
    pub async fn untold<'a>(&self, contested: &'a [Contested]) -> Vec<&'a Contested> {
        let known: BTreeMap<String, String> = self
            .rows::<(String, String)>("select payment_id::text, status::text from pay.dispute")
            .await
            .into_iter()
            .collect();
        let word = |contested: &Contested| if contested.won == Some(true) { "won" } else { "lost" };
        contested
            .iter()
            .filter(|one| known.get(&one.payment).is_none_or(|status| status != word(one)))
            .collect()
    }

    /// As the owner of the schema, who sees everything.
    pub async fn rows<R>(&self, query: &str) -> Vec<R>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        let mut owner = PgConnection::connect(self.kit.url()).await.expect("connects");
        sqlx::query_as(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut owner)
            .await
            .unwrap_or_else(|cause| panic!("{query}: {cause}"))
    }

    pub async fn run(&self, statement: &str) {
        let mut owner = PgConnection::connect(self.kit.url()).await.expect("connects");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut owner)
            .await
            .unwrap_or_else(|cause| panic!("{statement}: {cause}"));
    }

    /// Where everything is, for the message of a failed test.
    pub async fn state(&self, answered: usize) -> String {
        let by = async |what: &str, of: &str| {
            self.rows::<(String, i64)>(&format!("select {what}, count(*) from {of} group by 1 order by 1"))
                .await
        };
        let payments = by("rail::text || ' ' || status::text || ' ' || recovery_point", "pay.payment").await;
        let refunds = by("status::text", "pay.refund").await;
        let payouts = by("status::text", "pay.payout").await;
        let jobs = by(
            "kind || ' ' || state::text || ' ' || coalesce(error, '')",
            "jobs.job where kind like 'pay.%'",
        )
        .await;
        format!(
            "{answered} answered\npayments: {payments:?}\nrefunds: {refunds:?}\npayouts: {payouts:?}\njobs: {jobs:#?}\n{}",
            self.herd.errors()
        )
    }
}

/// Calls a twin and reads its answer.
pub async fn ask_twin(
    twin: &RailTwin,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Answer {
    let headers: Vec<(&str, &str)> =
        [("content-type", "application/json")].iter().chain(headers).copied().collect();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let ask = Ask { method, path, headers: &headers, body };
    ask.send(address(twin), Duration::from_secs(5)).await.unwrap_or_else(|| panic!("no answer to {path}"))
}

/// Makes people, in this process, months before the processes run.
struct Setting<'a> {
    app: TestApp,
    kit: &'a TestDb,
    tenant: &'a Tenant,
    calls: AtomicUsize,
}

impl Setting<'_> {
    async fn call(&self, who: &Client, method: &str, path: &str, body: Value) -> Value {
        let key = format!("setting-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()))
            .expect("a request");
        let answer = who.send(request).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        answer.json()
    }

    async fn owner(&self, method: &str, path: &str, body: Value) -> Value {
        self.call(&self.app.as_member(&self.tenant.owner), method, path, body).await
    }

    async fn people(&self, outside: &Outside) -> People {
        let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
        let principal =
            id(&self.owner("POST", "/api/v1/principals", json!({"name": "Buyer", "risk": "LOW"})).await);
        let mut vendors = Vec::new();
        for (rail, _) in RAILS {
            let endpoint = (rail == "x402").then(|| format!("{}/shop/report", outside.x402.url()));
            let vendor =
                json!({"name": format!("Vendor of {rail}"), "rails": [rail], "x402_endpoint": endpoint});
            vendors.push(id(&self.owner("POST", "/api/v1/vendors", vendor).await));
        }
        let vendors: [String; 4] = vendors.try_into().expect("four");
        let caps = json!({"per_transaction_minor": 1_000_000, "per_day_minor": 1_000_000_000, "per_month_minor": 9_000_000_000_i64});
        let rules = json!({
            "skus": ["report"], "vendors": vendors, "caps": {"AUD": caps, "INR": caps, "USD": caps},
            "rails": RAILS.map(|(rail, _)| rail), "x402_enabled": true, "valid_from": "2026-03-01T00:00:00Z",
        });
        self.owner("POST", "/api/v1/policies", json!({"principal_id": principal, "rules": rules})).await;
        self.accounts(outside).await;
        let payee = format!("/api/v1/payees/{}", vendors[0]);
        self.owner("PUT", &payee, json!({"rail": "stripe", "destination": "acct_1", "kyc": true})).await;
        self.top_up().await;
        let made = self.owner("POST", &format!("/api/v1/principals/{principal}/keys"), json!({})).await;
        let agent = made["key"].as_str().expect("a key").to_owned();
        self.earlier(&agent, &vendors[0]).await;
        let mut cx = self.kit.cx(&self.tenant.owner).await;
        let new = key::New { name: "Crash".to_owned(), role: Role::Admin, expires_at: None };
        let (_, admin) = key::create(&mut cx, Role::Owner, &new).await.expect("a key");
        cx.commit().await.expect("commits");
        People { agent, admin: admin.expose().to_owned(), vendors }
    }

    async fn accounts(&self, outside: &Outside) {
        let stripe = json!({"rail": "stripe", "base_url": outside.stripe.url(), "secret_key": STRIPE_KEY,
            "webhook_secrets": [HOOK_SECRET], "payment_method": "pm_card_visa"});
        let cashfree = json!({"rail": "cashfree", "base_url": format!("{}/pg", outside.cashfree.url()), "client_id": "app",
            "client_secrets": [CASHFREE_SECRET], "phone": "9999999999", "upi": "testsuccess@gocash"});
        let token = json!({"network": format!("eip155:{}", twins::rail::x402::CHAIN), "asset": twins::rail::x402::ASSET,
            "name": twins::rail::x402::DOMAIN.0, "version": twins::rail::x402::DOMAIN.1, "decimals": 6, "currency": "USD"});
        let x402 = json!({"rail": "x402", "key": WALLET, "tokens": [token], "rpc_url": format!("{}/rpc", outside.x402.url()),
            "facilitator_url": outside.x402.url()});
        for setup in [stripe, cashfree, x402] {
            self.owner("PUT", "/api/v1/rails", setup).await;
        }
        let mint = json!({"address": WALLET_ADDRESS, "amount": "100000000000"});
        ask_twin(&outside.x402, "POST", "/_twin/mint", &[], mint).await;
        let price = json!({"name": "report", "amount": (SHOP_MINOR * 10_000).to_string(), "required": false});
        ask_twin(&outside.x402, "POST", "/_twin/price", &[], price).await;
    }

    async fn top_up(&self) {
        let psp = Key::platform(Chart::PspStripe, Currency::Aud).expect("the platform's");
        let wallet = Key::wallet(self.tenant.id, Currency::Aud);
        let mut cx = self.kit.system().await;
        ledger::account::open(&mut cx, &[psp, wallet]).await.expect("opens");
        let legs =
            vec![Leg::new(psp.id(), wallet.id(), Money { minor: TOP_UP_MINOR, currency: Currency::Aud })];
        let step = Step::new(cx.id::<TransferId>(), Purpose::TopUp, Act::Transfer { legs });
        ledger::apply_all(&mut cx, &[step]).await.expect("applies");
        cx.commit().await.expect("commits");
    }

    /// Payments whose shares may be paid out by now.
    async fn earlier(&self, agent: &str, vendor: &str) {
        let agent = self.app.stranger().with_header("authorization", &format!("Bearer {agent}"));
        for minor in EARLIER {
            let intent =
                json!({"vendor_id": vendor, "sku": "report", "amount_minor": minor, "currency": "AUD"});
            let intent = self.call(&agent, "POST", "/api/v1/purchase-intents", intent).await;
            let mandate = json!({"intent_id": intent["id"], "template": "micro_task"});
            let mandate = self.call(&agent, "POST", "/api/v1/mandates", mandate).await;
            let done =
                self.call(&agent, "POST", "/api/v1/execute", json!({"mandate_id": mandate["id"]})).await;
            assert_eq!(done["payment"]["status"], "succeeded");
        }
    }
}
