//! The addresses that rails, vendors and buyers call.

use super::scene::Scene;
use super::{is_problem, is_untouched, rows};
use crate::account::Setup;
use crate::payment::tests::bed::stripe;
use axum::body::Body;
use axum::http::Request;
use testkit::Answer;
use web::RouteInfo;

async fn send(scene: &Scene, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    scene.bed.app.stranger().send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// Calls it badly; false: it has no row.
pub(super) async fn holds(scene: &Scene, route: &RouteInfo, wrong: &mut Vec<String>) -> bool {
    match route.path {
        "/webhooks/stripe" => of_rail(scene, route.path, Some(stripe()), wrong).await,
        "/webhooks/cashfree" => of_rail(scene, route.path, Some(cashfree()), wrong).await,
        // What a vendor tells over x402 is asked of the network: nothing is set up for it here.
        "/webhooks/x402/{vendor}" => of_rail(scene, route.path, None, wrong).await,
        "/x402/supported" => {
            let answer = send(scene, "GET", route.path, &[], "").await;
            if answer.status != 200 {
                wrong.push(format!("{}: {}", route.path, answer.text()));
            }
        }
        "/x402/verify" | "/x402/settle" => facilitator(scene, route.path, wrong).await,
        "/x402/rpc/{chain}" => network(scene, wrong).await,
        "/x402/r/{id}" => {
            let nil = format!("/x402/r/{}", uuid::Uuid::nil());
            is_problem(wrong, &json(scene, "GET", "/x402/r/x").await, "no id", 400, "request.invalid");
            is_problem(wrong, &json(scene, "GET", &nil).await, "nobody's id", 404, "not_found");
            unpaid(scene, wrong).await;
        }
        _ => return false,
    }
    true
}

async fn json(scene: &Scene, method: &str, path: &str) -> Answer {
    send(scene, method, path, &[("accept", "application/json")], "{}").await
}

async fn of_rail(scene: &Scene, template: &str, setup: Option<Setup>, wrong: &mut Vec<String>) {
    let bed = &scene.bed;
    let is_vendors = template.contains('{');
    let place = |id: &str, tenant: &str| {
        if is_vendors { template.replace("{vendor}", id) } else { format!("{template}?tenant={tenant}") }
    };
    let ours = place(&bed.vendor, &bed.tenant.id.to_string());
    let theirs = place(&scene.foreign_vendor, &bed.other.id.to_string());
    let before = rows::all(bed).await;
    // No account at the rail: there is nothing at this address, for no tenant.
    for path in [&ours, &theirs] {
        is_problem(wrong, &json(scene, "POST", path).await, path, 404, "not_found");
    }
    is_problem(wrong, &json(scene, "POST", &place("x", "x")).await, template, 400, "request.invalid");
    if !is_vendors {
        is_problem(wrong, &json(scene, "POST", template).await, template, 400, "webhook.tenant");
    }
    is_untouched(wrong, template, &before, &rows::all(bed).await);
    let Some(setup) = setup else { return };
    bed.set_up(&setup).await;
    let before = rows::all(bed).await;
    let now = bed.kit.clock_now();
    let (stamp, ms) = (format!("t={},v1={}", now.ms() / 1_000, "00".repeat(32)), now.ms().to_string());
    for (value, at) in [("", ""), ("x", "x"), ("t=1,v1=", "1"), (&stamp, ms.as_str()), ("AAAA", ms.as_str())]
    {
        let headers =
            [("stripe-signature", value), ("x-webhook-signature", value), ("x-webhook-timestamp", at)];
        for body in ["", "{", "{}", "[]", "\u{0}"] {
            let answer = send(scene, "POST", &ours, &headers, body).await;
            if !matches!(answer.status, 400 | 401) {
                wrong.push(format!("{template} {headers:?} {body:?}: {} {}", answer.status, answer.text()));
            }
        }
    }
    let large = "x".repeat((1 << 20) + 1);
    is_problem(wrong, &send(scene, "POST", &ours, &[], &large).await, template, 413, "webhook.too_large");
    let answer = send(scene, "POST", &ours, &[], &"x".repeat(3 << 20)).await;
    is_problem(wrong, &answer, template, 413, "too_large");
    is_problem(wrong, &json(scene, "GET", &ours).await, template, 404, "method_not_allowed");
    is_untouched(wrong, template, &before, &rows::all(bed).await);
}

/// What is no payment is no payment, and moves no tokens.
async fn facilitator(scene: &Scene, path: &str, wrong: &mut Vec<String>) {
    let before = rows::all(&scene.bed).await;
    let unpayable = r#"{"x402Version":2,"paymentPayload":{"x402Version":2},"paymentRequirements":{}}"#;
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "null",
        r#"{"x402Version":1}"#,
        r#"{"x402Version":2}"#,
        unpayable,
        &"x".repeat(65 * 1024),
    ] {
        let answer = send(scene, "POST", path, &[], body).await;
        let said: serde_json::Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        let reason = said.get("invalidReason").or(said.get("errorReason"));
        let is_so = answer.status == 400
            && reason.is_some_and(|reason| reason.as_str().is_some_and(|text| text.starts_with("invalid_")))
            && (said["isValid"] == false || said["success"] == false);
        if !is_so {
            wrong.push(format!("{path} {body:.60}: {} {}", answer.status, answer.text()));
        }
    }
    let answer = send(scene, "POST", path, &[], &"x".repeat(3 << 20)).await;
    if answer.status != 413 {
        wrong.push(format!("{path}, 3 MiB: {} {}", answer.status, answer.text()));
    }
    is_untouched(wrong, path, &before, &rows::all(&scene.bed).await);
}

async fn network(scene: &Scene, wrong: &mut Vec<String>) {
    let before = rows::all(&scene.bed).await;
    is_problem(wrong, &json(scene, "POST", "/x402/rpc/x").await, "no chain", 400, "request.invalid");
    for body in
        ["", "{", "[]", "{}", r#"{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x"]}"#]
    {
        let answer = send(scene, "POST", "/x402/rpc/84532", &[], body).await;
        let said: serde_json::Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        if said.get("error").is_none() || said.get("result").is_some_and(|result| !result.is_null()) {
            wrong.push(format!("the network, {body}: {} {}", answer.status, answer.text()));
        }
    }
    is_untouched(wrong, "the network", &before, &rows::all(&scene.bed).await);
}

/// What is for sale is not given away: not unpaid, and not for what is no payment.
async fn unpaid(scene: &Scene, wrong: &mut Vec<String>) {
    let path = format!("/x402/r/{}", super::sales::made(scene).await);
    let before = rows::all(&scene.bed).await;
    for value in ["", "x", "e30=", "bnVsbA==", "eyJ4NDAyVmVyc2lvbiI6MX0=", &"A".repeat(7_000)] {
        for header in ["payment-signature", "authorization", "x-payment"] {
            let value = if header == "authorization" { format!("Payment {value}") } else { value.to_owned() };
            let answer = send(scene, "GET", &path, &[(header, &value)], "").await;
            if !matches!(answer.status, 400 | 402) || answer.text().contains("All of it.") {
                wrong.push(format!("{path} {header} {value:.40}: {} {}", answer.status, answer.text()));
            }
        }
    }
    is_untouched(wrong, &path, &before, &rows::all(&scene.bed).await);
}

fn cashfree() -> Setup {
    Setup::Cashfree {
        base_url: None,
        client_id: "app".to_owned(),
        client_secrets: vec!["secret".to_owned()],
        notify_url: None,
        phone: "9999999999".to_owned(),
        upi: "name@bank".to_owned(),
    }
}
