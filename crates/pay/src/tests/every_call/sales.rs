//! Calls about being paid: credit, paid resources, simulated tokens.

use super::Call;
use super::agents::nothing;
use super::body::{Amounts, amounts, bad, currencies, lines, without};
use super::scene::Scene;
use crate::payment::tests::bed::text;
use serde_json::{Value, json};
use web::RouteInfo;

/// The row of a call; none: it is not one of these.
pub(super) async fn row(scene: &Scene, route: &RouteInfo) -> Option<Call> {
    Some(match (route.method.as_str(), route.path) {
        ("POST", "/api/v1/credits") => credit(),
        ("POST", "/api/v1/paid-resources") => {
            resource(scene, "/api/v1/paid-resources".to_owned(), 201).others(None)
        }
        ("PUT", "/api/v1/paid-resources/{id}") => {
            resource(scene, format!("/api/v1/paid-resources/{}", made(scene).await), 200)
        }
        ("DELETE", "/api/v1/paid-resources/{id}") => {
            nothing("/api/v1/paid-resources", &made(scene).await, "", 200)
        }
        ("POST", "/api/v1/x402/mint") => mint(),
        _ => return None,
    })
}

/// A wallet.
const WALLET: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

fn credit() -> Call {
    let good = json!({"kind": "paid", "amount_minor": 500, "currency": "AUD", "reference": "pi_once"});
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    let mut other = good.clone();
    other["amount_minor"] = 501.into();
    Call::new("/api/v1/credits", good.clone(), 201)
        .others(None)
        .other(other)
        .bad(amounts(&good, "/amount_minor", say))
        .bad(currencies(&good, "/currency"))
        .bad(lines(&good, "/reference", 100, "credit.reference"))
        .bad(["kind", "amount_minor", "currency", "reference"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/reference", "".into(), 400, "credit.reference"),
            bad(&good, "/kind", "gift".into(), 400, "body.invalid"),
            bad(&good, "/rail", "ledger".into(), 400, "credit.rail"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
        ])
}

fn selling(scene: &Scene) -> Value {
    json!({
        "name": scene.name("Report"), "content_type": "text/plain", "body": "All of it.", "price_minor": 5,
        "currency": "USD", "pay_to": WALLET,
    })
}

/// A paid resource.
pub(super) async fn made(scene: &Scene) -> String {
    text(&scene.made("/api/v1/paid-resources", selling(scene)).await["id"])
}

fn resource(scene: &Scene, path: String, status: u16) -> Call {
    let good = selling(scene);
    let low = (400, "resource.price");
    let say = Amounts { negative: low, zero: Some(low), large: low };
    let mut other = good.clone();
    other["price_minor"] = 6.into();
    // A price has no upper end but the one of its column.
    let prices = amounts(&good, "/price_minor", say);
    Call::new(path, good.clone(), status)
        .other(other)
        .bad(prices)
        .bad(currencies(&good, "/currency"))
        .bad(lines(&good, "/name", 200, "name.invalid"))
        .bad(
            ["name", "content_type", "body", "price_minor", "currency", "pay_to"]
                .map(|name| without(&good, name)),
        )
        .bad([
            bad(&good, "/currency", "JPY".into(), 400, "resource.currency"),
            bad(&good, "/pay_to", "x".into(), 400, "x402.wallet"),
            bad(&good, "/body", "".into(), 400, "resource.body"),
            bad(&good, "/body", "x".repeat(256 * 1024 + 1).into(), 400, "resource.body"),
            bad(&good, "/content_type", "exe".into(), 400, "body.invalid"),
            bad(&good, "/description", "x".repeat(1_001).into(), 400, "resource.description"),
            bad(&good, "/network", "eip155:1".into(), 400, "resource.currency"),
        ])
}

fn mint() -> Call {
    let good = json!({"holder": WALLET, "units": "1000000"});
    let units = |value: Value| bad(&good, "/units", value, 400, "x402.units");
    Call::new("/api/v1/x402/mint", good.clone(), 201)
        .others(None)
        .other(json!({"holder": WALLET, "units": "2"}))
        .bad(["-1", "0", "1.5", "1e6", "", "x", &"9".repeat(90)].map(|text| units(text.into())))
        .bad([
            bad(&good, "/units", 5.into(), 400, "body.invalid"),
            bad(&good, "/holder", "x".into(), 400, "x402.wallet"),
            bad(&good, "/asset", "x".into(), 400, "x402.token"),
            bad(&good, "/network", "eip155:1".into(), 400, "x402.token"),
            without(&good, "holder"),
            without(&good, "units"),
        ])
}
