//! Calls that read.

use super::scene::Scene;
use super::{is_problem, is_untouched, placed, rightful, rows, strangers};
use crate::payment::tests::bed::text;
use serde_json::json;
use web::{Access, RouteInfo};

/// A call that reads, ready to be made.
pub(super) struct Read {
    /// Where, with the ids of this scene.
    path: String,
    /// Parameters that are refused.
    bad: Vec<(String, &'static str)>,
    /// What comes when it is asked well.
    status: u16,
}

fn one(list: &str, id: &str, rest: &str) -> Read {
    Read { path: format!("{list}/{id}{rest}"), bad: Vec::new(), status: 200 }
}

/// A list of what is the tenant's own.
fn list(path: &str, ids: &[&str], words: &[&str]) -> Read {
    let mut bad = vec![
        ("after=x".to_owned(), "cursor.invalid"),
        ("after=%00".to_owned(), "cursor.invalid"),
        ("more=1".to_owned(), "request.invalid"),
    ];
    bad.extend(ids.iter().chain(words).map(|name| (format!("{name}=x"), "request.invalid")));
    bad.extend(ids.iter().map(|name| (format!("{name}='"), "request.invalid")));
    Read { path: path.to_owned(), bad, status: 200 }
}

fn period(path: &str) -> Read {
    let bad = [
        "",
        "from=2026-03-01T00:00:00Z",
        "from=x&to=2026-03-02T00:00:00Z",
        "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&format=xls",
        "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&more=1",
    ];
    let mut bad: Vec<_> = bad.map(|query| (query.to_owned(), "request.invalid")).into();
    bad.push(("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z".to_owned(), "statement.period"));
    let path = format!("{path}?from=2026-03-01T00:00:00Z&to=2026-03-31T00:00:00Z");
    Read { path, bad, status: 200 }
}

fn plain(path: &str) -> Read {
    Read { path: path.to_owned(), bad: Vec::new(), status: 200 }
}

/// The row of a call; none: there is none.
pub(super) async fn row(scene: &Scene, route: &RouteInfo) -> Option<Read> {
    let (principals, bed) = ("/api/v1/principals", &scene.bed);
    Some(match route.path {
        "/api/v1/principals" => list(route.path, &[], &["status"]),
        "/api/v1/principals/{id}" => one(principals, &scene.other, ""),
        "/api/v1/principals/{id}/keys" => one(principals, &scene.other, "/keys"),
        "/api/v1/principals/{id}/public-keys" => one(principals, &scene.other, "/public-keys"),
        "/api/v1/policies" => list(route.path, &["principal"], &[]),
        "/api/v1/policies/{id}" => {
            let id = bed.sql("select id::text from pay.policy limit 1").await[0].clone();
            one("/api/v1/policies", &id, "")
        }
        "/api/v1/vendors" => list(route.path, &[], &["status"]),
        "/api/v1/vendors/{id}" => one("/api/v1/vendors", &bed.vendor, ""),
        "/api/v1/purchase-intents" => list(route.path, &["principal", "vendor"], &["status"]),
        "/api/v1/purchase-intents/{id}" => one("/api/v1/purchase-intents", &scene.expired_intent, ""),
        "/api/v1/purchase-intents/{id}/checkout" => {
            one("/api/v1/purchase-intents", &scene.intent(430).await, "/checkout")
        }
        "/api/v1/mandates" => list(route.path, &["principal", "parent", "intent"], &["status"]),
        "/api/v1/mandates/{id}" => one("/api/v1/mandates", &scene.used_mandate, ""),
        "/api/v1/payments" => list(route.path, &["principal", "vendor", "mandate"], &["status", "rail"]),
        "/api/v1/payments/{id}" => one("/api/v1/payments", &scene.payment, ""),
        "/api/v1/receipts" => list(route.path, &["principal"], &["kind"]),
        "/api/v1/receipts/{id}" => one("/api/v1/receipts", &scene.receipt().await, ""),
        "/api/v1/receipts/{id}/proof" => one("/api/v1/receipts", &scene.receipt().await, "/proof"),
        "/api/v1/payouts" => list(route.path, &["developer"], &[]),
        "/api/v1/payouts/{id}" => {
            let payee = json!({"rail": "stripe", "destination": "acct_1", "kyc": true});
            let path = format!("/api/v1/payees/{}", bed.vendor);
            bed.call(&bed.owner(), "PUT", &path, &payee).await.expect(200);
            let ask = json!({"developer_id": bed.vendor, "currency": "AUD"});
            let made = bed.call(&bed.owner(), "POST", "/api/v1/payouts", &ask).await.expect(202).json();
            one("/api/v1/payouts", &text(&made["id"]), "")
        }
        "/api/v1/dispute-fees" => list(route.path, &[], &["rail"]),
        "/api/v1/exchange-rates" => list(route.path, &[], &["currency"]),
        "/api/v1/exchanges" => list(route.path, &[], &["status"]),
        "/api/v1/exchanges/{id}" => one("/api/v1/exchanges", &scene.quote().await, ""),
        "/api/v1/payees/{id}" => {
            let bad = ["currency=XTS", "currency=aud", "more=1"];
            let bad = bad.map(|query| (query.to_owned(), "request.invalid")).into();
            Read { bad, ..one("/api/v1/payees", &bed.vendor, "") }
        }
        "/api/v1/exports/statement" => {
            let mut read = period(route.path);
            let foreign = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&account=x".to_owned();
            read.bad.push((foreign, "request.invalid"));
            read
        }
        "/api/v1/exports/journal" => period(route.path),
        "/api/v1/payments/{id}/delivery" => {
            // Over the ledger nothing is delivered.
            Read { status: 404, ..one("/api/v1/payments", &scene.payment, "/delivery") }
        }
        "/api/v1/paid-resources" => list(route.path, &[], &["status"]),
        "/api/v1/paid-resources/{id}" => one("/api/v1/paid-resources", &super::sales::made(scene).await, ""),
        "/api/v1/sales" => list(route.path, &["resource"], &["status"]),
        "/api/v1/sales/{id}" => Read { status: 404, ..one("/api/v1/sales", &scene.payment, "") },
        "/api/v1/x402" => {
            let bad = vec![("holder=x".to_owned(), "x402.wallet"), ("more=1".to_owned(), "request.invalid")];
            Read { bad, ..plain(route.path) }
        }
        "/api/v1/receipts/{id}/pdf" => one("/api/v1/receipts", &scene.receipt().await, "/pdf"),
        "/api/v1/rails" | "/api/v1/checkpoint" | "/api/v1/receipts/verify" | "/.well-known/jwks.json" => {
            plain(route.path)
        }
        _ => return None,
    })
}

/// Reads badly, compares what is stored, reads well.
pub(super) async fn holds(scene: &Scene, route: &RouteInfo, read: &Read, wrong: &mut Vec<String>) {
    let name = format!("GET {}", route.path);
    let before = rows::all(&scene.bed).await;
    for (who, client, status, code) in strangers(scene, route.access) {
        let answer = json_get(&client, &read.path).await;
        is_problem(wrong, &answer, &format!("{name}, {who}"), status, code);
    }
    let who = rightful(scene, route.access);
    if route.path.contains("{id}") {
        let (nil, there) = (uuid::Uuid::nil().to_string(), scene.bed.app.as_member(&scene.bed.other.owner));
        let mut others = vec![
            (json_get(&who, &placed(route.path, "x")).await, "no id", 400, "request.invalid"),
            (json_get(&who, &placed(route.path, &nil)).await, "nobody's id", 404, "not_found"),
            (json_get(&there, &read.path).await, "another tenant", 404, "not_found"),
        ];
        if matches!(route.access, Access::Machine(_)) {
            others.push((
                json_get(&scene.other_agent(), &read.path).await,
                "another agent",
                404,
                "not_found",
            ));
        }
        for (answer, what, status, code) in others {
            is_problem(wrong, &answer, &format!("{name}, {what}"), status, code);
        }
    }
    let (base, _) = read.path.split_once('?').unwrap_or((&read.path, ""));
    for (query, code) in &read.bad {
        let answer = json_get(&who, &format!("{base}?{query}")).await;
        is_problem(wrong, &answer, &format!("{name}?{query}"), 400, code);
    }
    is_untouched(wrong, &name, &before, &rows::all(&scene.bed).await);
    let good = json_get(&who, &read.path).await;
    if good.status != read.status {
        wrong.push(format!("{name}, well: {} {}", good.status, good.text()));
    }
}

async fn json_get(who: &testkit::Client, path: &str) -> testkit::Answer {
    let request = axum::http::Request::get(path).header("accept", "application/json");
    who.send(request.body(axum::body::Body::empty()).expect("a request")).await
}
