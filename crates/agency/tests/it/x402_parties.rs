//! The running program against x402 software of other makers, over loopback: npm sells through our
//! facilitator and is paid by our wallet; npm and PyPI buy from our resource server.

use crate::program::{Program, Server, folder};
use serde_json::{Value, json};
use sqlx::Connection;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::TestDb;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Finds or makes an environment with the packages.
#[path = "../../../vendors/tests/third_party/python.rs"]
#[expect(dead_code, reason = "the program itself is asked for where a server is started with it")]
mod python;

/// Wallets whose keys guard nothing.
const BUYER: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const BUYER_ADDRESS: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const SELLER: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const BODY: &str = r#"{"answer":42}"#;
/// A cent in atomic units.
const CENT: i64 = 10_000;

/// The newest viem wants a package that registries do not have in the right version.
const PACKAGES: &str = r#"{
  "private": true,
  "dependencies": {
    "@x402/core": "2.27.0", "@x402/evm": "2.27.0", "@x402/express": "2.27.0", "@x402/extensions": "2.27.0",
    "@x402/fetch": "2.27.0", "express": "5.1.0", "viem": "2.55.0"
  },
  "overrides": { "viem": "2.55.0" }
}"#;

/// The folder with npm's packages: made once below the target folder.
async fn node_modules() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = std::fs::File::create(folder.join("x402-node.lock")).unwrap();
    // Tests run as processes side by side.
    tokio::task::block_in_place(|| lock.lock()).unwrap();
    let own = folder.join("x402-node");
    let manifest = own.join("package.json");
    let modules = own.join("node_modules");
    let is_there = std::fs::read_to_string(&manifest).is_ok_and(|text| text == PACKAGES)
        && modules.join("@x402/fetch/package.json").exists();
    if !is_there {
        std::fs::create_dir_all(&own).unwrap();
        let install = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"];
        std::fs::write(&manifest, PACKAGES).unwrap();
        python::succeeds(Command::new("npm").args(install).current_dir(&own)).await;
    }
    modules
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(name)
}

/// The program as it is started, with one member who is signed in.
struct House {
    kit: TestDb,
    server: Server,
    cookie: String,
    calls: AtomicU32,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let (kit, folder) = (TestDb::new().await, folder());
        let (email, password) = ("ada@example.com", "a long and odd passphrase 7");
        Program::new(folder.path(), &["user", "create", email, "--name", "Ada", "--company", "Anchor"])
            .env("DATABASE_URL", kit.url())
            .input(password)
            .run()
            .ok();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Program::new(folder.path(), &["serve"])
            .env("DATABASE_URL", kit.url())
            .env("AGENCY__WEB__LISTEN", &format!("127.0.0.1:{port}"))
            .env("AGENCY__SINK__ENABLED", "false")
            .env("AGENCY__OUTSIDE__ALLOW_LOOPBACK", "true")
            .start("Serving ");
        let cookie = server.sign_in(email, password);
        Self { kit, server, cookie, calls: AtomicU32::new(0), _folder: folder }
    }

    fn call(&self, who: (&str, &str), method: &str, path: &str, body: &Value) -> (u16, Value) {
        let key = format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        let headers = [who, ("idempotency-key", &key), ("content-type", "application/json")];
        let (status, text) = send(&self.server.url(), method, path, &headers, &body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {status} {text}")))
    }

    /// Five executions of a mandate at once, each a call of its own.
    fn executes(&self, who: (&str, &str), mandate: &str) -> Vec<(u16, Value)> {
        let (at, body) = (self.server.url(), json!({"mandate_id": mandate}).to_string());
        let number = self.calls.fetch_add(5, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let hands: Vec<_> = (0..5)
                .map(|n| {
                    let (at, body) = (&at, &body);
                    scope.spawn(move || {
                        let key = format!("call-{}", number + n);
                        let headers = [who, ("idempotency-key", &key), ("content-type", "application/json")];
                        send(at, "POST", "/api/v1/execute", &headers, body)
                    })
                })
                .collect();
            let answers = hands.into_iter().map(|hand| hand.join().unwrap());
            answers.map(|(status, text)| (status, serde_json::from_str(&text).unwrap())).collect()
        })
    }

    fn owner(&self, method: &str, path: &str, body: Value) -> Value {
        let cookie = format!("session={}", self.cookie);
        let (status, answer) = self.call(("cookie", &cookie), method, path, &body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    fn gives(&self, wallet: &str, units: i64) {
        self.owner("POST", "/api/v1/x402/mint", json!({"holder": wallet, "units": units.to_string()}));
    }

    /// Atomic units of a wallet.
    fn holds(&self, wallet: &str) -> i64 {
        let shown = self.owner("GET", &format!("/api/v1/x402?holder={wallet}"), json!({}));
        shown["balances"][0]["units"].as_str().map_or(0, |units| units.parse().unwrap())
    }

    /// Puts an answer on sale; its address.
    fn sells(&self) -> String {
        let ware = json!({
            "name": "Answer", "content_type": "application/json", "body": BODY,
            "price_minor": 1, "currency": "USD", "pay_to": SELLER,
        });
        self.owner("POST", "/api/v1/paid-resources", ware)["url"].as_str().unwrap().to_owned()
    }

    async fn number(&self, query: &str) -> i64 {
        let mut conn = sqlx::PgConnection::connect(self.kit.url()).await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut conn).await.unwrap()
    }

    /// So many sales, each paid and worked for once, and so many cents at the seller's.
    async fn sold(&self, sales: i64) {
        let paid = "select count(*) from pay.sale where status = 'delivered' and runs = 1";
        assert_eq!(
            (self.number(paid).await, self.number("select count(*) from pay.sale").await),
            (sales, sales)
        );
        assert_eq!(
            (self.holds(SELLER), self.number("select count(*) from pay.coin_transfer").await),
            (sales * CENT, sales)
        );
    }
}

/// Statuses in their order; every 200 has what was bought, nothing else has.
fn statuses(answers: &Value) -> Vec<i64> {
    let mut statuses = Vec::new();
    for answer in answers.as_array().unwrap() {
        let status = answer["status"].as_i64().unwrap();
        assert_eq!(answer["body"] == BODY, status == 200, "{answer}");
        statuses.push(status);
    }
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_npms_client_buys_from_our_resource_server_through_our_facilitator_and_replays_run_the_work_once()
{
    let house = House::new().await;
    let (url, modules) = (house.sells(), node_modules().await);
    house.gives(BUYER_ADDRESS, 100 * CENT);
    let mut node = Command::new("node");
    node.arg(script("x402_buyer.mjs")).arg(&modules).args([&url, BUYER]);
    let said: Value = serde_json::from_str(&python::succeeds(&mut node).await).unwrap();
    assert_eq!((&said["first"]["status"], &said["first"]["body"]), (&json!(200), &json!(BODY)));
    assert_eq!(
        (&said["first"]["settled"]["success"], &said["first"]["settled"]["payer"]),
        (&json!(true), &json!(BUYER_ADDRESS))
    );
    assert_eq!(statuses(&said["named"]), [200; 5]);
    assert_eq!(statuses(&said["nameless"]), [200, 402, 402, 402, 402]);
    house.sold(3).await;
    assert_eq!(house.holds(BUYER_ADDRESS), 97 * CENT);
    house.server.terminate().ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_pypis_client_buys_from_our_resource_server_through_our_facilitator_and_replays_run_the_work_once()
{
    let house = House::new().await;
    let url = house.sells();
    house.gives(BUYER_ADDRESS, 100 * CENT);
    let said = python::Python::ready().await.run("x402_buyer.py", &[&url, BUYER]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["first"], json!({"status": 200, "body": BODY, "settled": true}));
    assert_eq!(statuses(&said["named"]), [200; 5]);
    assert_eq!(statuses(&said["nameless"]), [200, 402, 402, 402, 402]);
    house.sold(3).await;
    house.server.terminate().ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_npms_express_server_is_paid_by_our_wallet_through_our_facilitator_once() {
    let house = House::new().await;
    let (base, modules) = (house.server.url(), node_modules().await);
    let mut shop = Command::new("node")
        .arg(script("x402_shop.mjs"))
        .arg(&modules)
        .args([&format!("{base}/x402"), SELLER])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(shop.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let port = line.strip_prefix("listening ").unwrap_or_else(|| panic!("{line}"));
    let shop_url = format!("http://127.0.0.1:{port}");
    house.gives(BUYER_ADDRESS, 100 * CENT);
    let agent = buyer(&house, &base, &format!("{shop_url}/report"));
    let bearer = format!("Bearer {}", agent.key);
    let who = ("authorization", bearer.as_str());
    let mandate = agent.mandate(&house, who);
    let (status, paid) = house.call(who, "POST", "/api/v1/execute", &json!({"mandate_id": mandate}));
    assert_eq!(
        (status, &paid["payment"]["status"], &paid["payment"]["rail"]),
        (200, &json!("succeeded"), &json!("x402")),
        "{paid}"
    );
    let delivery = format!("/api/v1/payments/{}/delivery", paid["payment"]["id"].as_str().unwrap());
    let (status, came) = house.call(who, "GET", &delivery, &json!({}));
    assert_eq!((status, came["text"].as_str()), (200, Some(r#"{"report":"sold by express"}"#)));
    // Five at once under the same mandate: the same payment, and no more work.
    for (status, again) in house.executes(who, &mandate) {
        assert_eq!((status, &again["payment"]["id"]), (200, &paid["payment"]["id"]));
    }
    // A mandate of its own is a payment of its own; five at once race for it.
    let fresh = agent.mandate(&house, who);
    let raced = house.executes(who, &fresh);
    for (status, answer) in &raced {
        assert_eq!((*status, &answer["payment"]["status"]), (200, &json!("succeeded")), "{answer}");
        assert_eq!(answer["payment"]["id"], raced[0].1["payment"]["id"]);
    }
    assert_eq!((house.holds(SELLER), house.holds(BUYER_ADDRESS)), (100 * CENT, 0));
    assert_eq!(house.number("select count(*) from pay.coin_transfer").await, 2);
    assert_eq!(send(&shop_url, "GET", "/worked", &[], "").1, r#"{"worked":2}"#);
    shop.kill().await.unwrap();
    house.server.terminate().ok();
}

/// One request over a connection of its own: the status and the body.
fn send(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let at = base.trim_start_matches("http://");
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nOrigin: {base}\r\nAccept: application/json\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split_whitespace().nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A paying agent with a wallet in the sandbox.
struct Buyer {
    key: String,
    vendor: String,
}

impl Buyer {
    /// A mandate for one report.
    fn mandate(&self, house: &House, who: (&str, &str)) -> String {
        let intent =
            json!({"vendor_id": self.vendor, "sku": "report", "amount_minor": 50, "currency": "USD"});
        let (status, intent) = house.call(who, "POST", "/api/v1/purchase-intents", &intent);
        assert_eq!(status, 201, "{intent}");
        let mandate = json!({"intent_id": intent["id"], "template": "micro_task"});
        let (status, mandate) = house.call(who, "POST", "/api/v1/mandates", &mandate);
        assert_eq!(status, 201, "{mandate}");
        mandate["id"].as_str().unwrap().to_owned()
    }
}

fn buyer(house: &House, base: &str, endpoint: &str) -> Buyer {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    house.owner(
        "PUT",
        "/api/v1/rails",
        json!({
            "rail": "x402", "key": BUYER, "rpc_url": format!("{base}/x402/rpc/84532"), "pay_to": SELLER,
            "facilitator_url": format!("{base}/x402"),
            "tokens": [{
                "network": "eip155:84532", "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
                "name": "USDC", "version": "2", "decimals": 6, "currency": "USD",
            }],
        }),
    );
    let principal =
        text(&house.owner("POST", "/api/v1/principals", json!({"name": "Buyer", "risk": "LOW"}))["id"]);
    let key = text(&house.owner("POST", &format!("/api/v1/principals/{principal}/keys"), json!({}))["key"]);
    let vendor = json!({"name": "Express Ltd", "rails": ["x402"], "x402_endpoint": endpoint});
    let vendor = text(&house.owner("POST", "/api/v1/vendors", vendor)["id"]);
    let rules = json!({
        "skus": ["report"], "vendors": [vendor], "rails": ["x402"], "x402_enabled": true,
        "caps": {"USD": {"per_transaction_minor": 200, "per_day_minor": 10_000, "per_month_minor": 90_000}},
        "valid_from": "2026-03-01T00:00:00Z",
    });
    house.owner("POST", "/api/v1/policies", json!({"principal_id": principal, "rules": rules}));
    Buyer { key, vendor }
}
