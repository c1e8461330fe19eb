//! Calls that lead to money: intents, mandates, payments, refunds, payouts, the accounts at the rails.

use super::Call;
use super::agents::nothing;
use super::body::{Amounts, Bad, amounts, bad, currencies, ids, lines, raw, without};
use super::scene::Scene;
use serde_json::json;
use web::RouteInfo;

/// The row of a call; none: it is not one of these.
pub(super) async fn row(scene: &Scene, route: &RouteInfo) -> Option<Call> {
    Some(match (route.method.as_str(), route.path) {
        ("POST", "/api/v1/purchase-intents") => intent(scene),
        ("POST", "/api/v1/purchase-intents/{id}/cancel") => {
            nothing("/api/v1/purchase-intents", &scene.intent(430).await, "/cancel", 200)
        }
        ("POST", "/api/v1/mandates") => mandate(scene).await,
        ("POST", "/api/v1/mandates/{id}/revoke") => revoked(scene).await,
        ("POST", "/api/v1/execute") => execute(scene).await,
        ("POST", "/api/v1/payments/{id}/refund") => refund(scene).await,
        ("POST", "/api/v1/payouts") => payout(scene).await,
        ("PUT", "/api/v1/payees/{id}") => payee(scene),
        ("PUT", "/api/v1/rails") => rails(),
        ("POST", "/api/v1/dispute-fees") => dispute_fee(),
        ("POST", "/api/v1/exchange-rates") => exchange_rates(scene),
        ("POST", "/api/v1/exchanges") => exchange(),
        ("POST", "/api/v1/exchanges/{id}/execute") => {
            nothing("/api/v1/exchanges", &scene.quote().await, "/execute", 200)
        }
        _ => return None,
    })
}

fn intent(scene: &Scene) -> Call {
    let good = json!({
        "principal_id": scene.bed.principal, "vendor_id": scene.bed.vendor, "sku": "search",
        "amount_minor": 430, "currency": "AUD", "description": "A search", "meta": {"order": 7},
    });
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    let mut other = good.clone();
    other["amount_minor"] = 431.into();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    Call::new("/api/v1/purchase-intents", good.clone(), 201)
        .other(other)
        .bad(amounts(&good, "/amount_minor", say))
        .bad(currencies(&good, "/currency"))
        .bad(lines(&good, "/sku", 200, "sku.invalid"))
        .bad(ids(&good, "/vendor_id", (422, "vendor_not_allowed")))
        .bad(ids(&good, "/principal_id", (404, "not_found")))
        .bad(["vendor_id", "sku", "amount_minor", "currency"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/sku", "other".into(), 422, "sku_not_allowed"),
            bad(&good, "/sku", "".into(), 400, "sku.invalid"),
            bad(&good, "/sku", " search".into(), 400, "sku.invalid"),
            bad(&good, "/vendor_id", scene.retired_vendor.clone().into(), 422, "vendor_not_allowed"),
            bad(&good, "/vendor_id", scene.foreign_vendor.clone().into(), 422, "vendor_not_allowed"),
            bad(&good, "/principal_id", scene.other.clone().into(), 404, "not_found"),
            bad(&good, "/principal_id", scene.foreign_principal.clone().into(), 404, "not_found"),
            bad(&good, "/description", "x".repeat(501).into(), 400, "description.too_long"),
            bad(&good, "/meta", json!({"a": "x".repeat(4_096)}), 400, "meta.too_large"),
            bad(&good, "/meta", json!({"a": "\u{0}"}), 400, "meta.too_large"),
            bad(&good, "/meta", json!([1]), 400, "body.invalid"),
            bad(&good, "/meta", json!({"a": deep}), 400, "body.not_json"),
        ])
}

async fn mandate(scene: &Scene) -> Call {
    let caps = json!({
        "per_transaction_minor": 500, "per_day_minor": 900, "total_minor": 1_000, "executions_max": 2,
        "velocity": {"count_max": 2, "window_s": 60},
    });
    let good = json!({
        "intent_id": scene.intent(430).await, "template": "recurring_budget", "caps": caps, "expires_in_s": 600,
    });
    let wrong = (400, "mandate.caps");
    let say = Amounts { negative: wrong, zero: Some(wrong), large: wrong };
    let mut call = Call::new("/api/v1/mandates", good.clone(), 201)
        .other(json!({"intent_id": good["intent_id"], "template": "micro_task"}))
        .bad(ids(&good, "/intent_id", (404, "not_found")))
        .bad(["intent_id", "template"].map(|name| without(&good, name)))
        .bad(amounts(&good, "/expires_in_s", say));
    for cap in ["per_transaction_minor", "per_day_minor", "total_minor"] {
        call = call.bad(amounts(&good, &format!("/caps/{cap}"), say));
    }
    let yen = json!({"vendor_id": scene.bed.vendor, "sku": "search", "amount_minor": 430, "currency": "JPY"});
    let made = scene.bed.call(&scene.bed.agent(), "POST", "/api/v1/purchase-intents", &yen).await.expect(201);
    let of = |intent: serde_json::Value, code: &'static str| {
        let body = json!({"intent_id": intent, "template": "micro_task"});
        Bad { body: body.to_string(), status: 422, code }
    };
    let (yen, large) = (made.json()["id"].clone(), scene.intent(10_001).await);
    call = call.bad([of(yen, "currency_not_allowed"), of(large.into(), "amount_exceeds_cap")]);
    let gone = |id: &String| bad(&good, "/intent_id", id.clone().into(), 409, "intent.not_pending");
    let wallet = |text: &str| {
        let body =
            json!({"intent_id": good["intent_id"], "template": "micro_task", "wallet": {"payment": text}});
        Bad { body: body.to_string(), status: 422, code: "signature_invalid" }
    };
    call.bad([
        gone(&scene.expired_intent),
        gone(&scene.cancelled_intent),
        bad(&good, "/template", "anything".into(), 400, "body.invalid"),
        bad(&good, "/mode", "sideways".into(), 400, "body.invalid"),
        bad(&good, "/mode", "direct".into(), 400, "mandate.mode"),
        bad(&good, "/parent_id", uuid::Uuid::nil().to_string().into(), 404, "not_found"),
        bad(&good, "/holder", "nobody".into(), 400, "mandate.holder"),
        bad(&good, "/caps/more", 1.into(), 400, "body.invalid"),
        bad(&good, "/caps/total_minor", 429.into(), 400, "mandate.caps"),
        bad(&good, "/caps/per_transaction_minor", 429.into(), 400, "mandate.caps"),
        bad(&good, "/caps/per_transaction_minor", 1_001.into(), 400, "mandate.caps"),
        bad(&good, "/caps/executions_max", 0.into(), 400, "mandate.caps"),
        bad(&good, "/caps/executions_max", 100_001.into(), 400, "mandate.caps"),
        bad(&good, "/caps/executions_max", 3_000_000_000_i64.into(), 400, "body.invalid"),
        bad(&good, "/caps/frequency", "HOURLY".into(), 400, "body.invalid"),
        bad(&good, "/caps/velocity/count_max", 0.into(), 400, "mandate.caps"),
        bad(&good, "/caps/velocity/window_s", 0.into(), 400, "mandate.caps"),
        wallet(""),
        wallet("~~~~~~"),
        wallet("a.b.c~"),
        wallet(&"x".repeat(300 * 1024)),
    ])
}

async fn revoked(scene: &Scene) -> Call {
    let good = json!({"reason": "Enough."});
    Call::new(format!("/api/v1/mandates/{}/revoke", scene.bed.mandate(430).await), good.clone(), 200)
        .other(json!({"reason": "Another."}))
        .bad(lines(&good, "/reason", 500, "mandate.reason").into_iter().filter(|b| !b.body.contains("\\n")))
        .bad(["", "  "].map(|text| bad(&good, "/reason", text.into(), 400, "mandate.reason")))
        .bad([without(&good, "reason")])
}

async fn execute(scene: &Scene) -> Call {
    let good = json!({"mandate_id": scene.bed.mandate(430).await, "amount_minor": 430, "rail": "ledger"});
    let over = |id: &String, code: &'static str| Bad {
        body: json!({"mandate_id": id}).to_string(),
        status: 403,
        code,
    };
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    let mut other = good.clone();
    other["amount_minor"] = 429.into();
    Call::new("/api/v1/execute", good.clone(), 200)
        .other(other)
        .bad(ids(&good, "/mandate_id", (404, "not_found")))
        .bad(amounts(&good, "/amount_minor", say))
        .bad([without(&good, "mandate_id")])
        .bad([
            over(&scene.expired_mandate, "mandate_expired"),
            over(&scene.revoked_mandate, "mandate_revoked"),
            bad(&good, "/amount_minor", 431.into(), 422, "amount_exceeds_cap"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
            bad(&good, "/rail", "stripe".into(), 422, "rail_not_allowed"),
            bad(&good, "/closed", json!({}), 400, "body.invalid"),
            bad(&good, "/closed", json!({"payment": "x", "nonce": "y", "more": 1}), 400, "body.invalid"),
            bad(&good, "/closed", json!({"payment": "x", "nonce": "y"}), 400, "mandate.closed"),
            bad(&good, "/currency", "AUD".into(), 400, "body.invalid"),
        ])
}

async fn refund(scene: &Scene) -> Call {
    let good = json!({"amount_minor": 100, "reason": "Half of it was missing."});
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (422, "refund.exceeds") };
    Call::new(format!("/api/v1/payments/{}/refund", scene.paid(430).await), good.clone(), 201)
        .other(json!({"amount_minor": 101}))
        .bad(amounts(&good, "/amount_minor", say))
        .bad([
            raw(&good, "/amount_minor", "431", 422, "refund.exceeds"),
            bad(&good, "/reason", "x".repeat(501).into(), 400, "refund.reason"),
            bad(&good, "/reason", "a\u{0}b".into(), 400, "refund.reason"),
            bad(&good, "/reason", 1.into(), 400, "body.invalid"),
        ])
}

async fn payout(scene: &Scene) -> Call {
    let payee = json!({"rail": "stripe", "destination": "acct_1", "kyc": true});
    let path = format!("/api/v1/payees/{}", scene.bed.vendor);
    scene.bed.call(&scene.bed.owner(), "PUT", &path, &payee).await.expect(200);
    assert!(scene.earned().await.minor >= 4_000);
    let good = json!({"developer_id": scene.bed.vendor, "currency": "AUD", "amount_minor": 2_000});
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    Call::new("/api/v1/payouts", good.clone(), 202)
        .others(Some((422, "payout.payee")))
        .other(json!({"developer_id": scene.bed.vendor, "currency": "AUD"}))
        .bad(amounts(&good, "/amount_minor", say))
        .bad(currencies(&good, "/currency"))
        .bad(ids(&good, "/developer_id", (422, "payout.payee")))
        .bad(["developer_id", "currency"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/currency", "USD".into(), 422, "ledger_payout_exceeds"),
            bad(&good, "/amount_minor", 1.into(), 422, "payout.minimum"),
            bad(&good, "/amount_minor", 9_999.into(), 422, "ledger_payout_exceeds"),
        ])
}

fn payee(scene: &Scene) -> Call {
    let good = json!({"rail": "stripe", "destination": "acct_2", "kyc": true});
    Call::new(format!("/api/v1/payees/{}", scene.bed.vendor), good.clone(), 200)
        .others(None)
        .other(json!({"rail": "stripe", "destination": "acct_3"}))
        .bad(lines(&good, "/destination", 500, "payee.destination"))
        .bad(["rail", "destination"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/destination", " ".into(), 400, "payee.destination"),
            bad(&good, "/rail", "ledger".into(), 422, "payee.rail"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
            bad(&good, "/kyc", "yes".into(), 400, "body.invalid"),
        ])
}

fn rails() -> Call {
    let good = json!({"rail": "stripe", "secret_key": "sk_test_1", "payment_method": "pm_1", "webhook_secrets": ["whsec_1"]});
    let x402 = |key: &str| {
        let body = json!({"rail": "x402", "key": key, "tokens": [], "rpc_url": "http://127.0.0.1:1/"});
        Bad { body: body.to_string(), status: 400, code: "rail.account" }
    };
    Call::new("/api/v1/rails", good.clone(), 200)
        .others(None)
        .other(json!({"rail": "stripe", "secret_key": "sk_test_2", "payment_method": "pm_1"}))
        .bad(lines(&good, "/secret_key", 500, "rail.account"))
        .bad(lines(&good, "/payment_method", 500, "rail.account"))
        .bad(["rail", "secret_key", "payment_method"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/rail", "ledger".into(), 400, "body.invalid"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
            bad(&good, "/secret_key", "".into(), 400, "rail.account"),
            bad(&good, "/webhook_secrets", json!([""]), 400, "rail.account"),
            bad(&good, "/base_url", "nowhere".into(), 400, "body.invalid"),
            bad(&good, "/base_url", "file:///etc/passwd".into(), 400, "rail.account"),
            x402(""),
            x402("12"),
            x402(&"zz".repeat(32)),
        ])
}

fn exchange() -> Call {
    let good = json!({"give_minor": 430, "give_currency": "AUD", "get_currency": "INR"});
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    let mut other = good.clone();
    other["give_minor"] = 431.into();
    Call::new("/api/v1/exchanges", good.clone(), 201)
        // Whoever asks is quoted what they ask for, out of their own credit.
        .others(None)
        .other(other)
        .bad(amounts(&good, "/give_minor", say))
        .bad(currencies(&good, "/give_currency"))
        .bad(currencies(&good, "/get_currency"))
        .bad(["give_minor", "give_currency", "get_currency"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/get_currency", "AUD".into(), 400, "exchange.same_currency"),
            bad(&good, "/get_currency", "KWD".into(), 422, "exchange.no_rate"),
            bad(&good, "/give_minor", 1.into(), 422, "ledger_exchange_small"),
        ])
}

fn exchange_rates(scene: &Scene) -> Call {
    let now = scene.bed.kit.clock_now();
    let good = json!({
        "source": "A list", "valid_until": now.plus_s(3_600), "spread_bps": 10,
        "rates": [{"base": "AUD", "quote": "USD", "rate": "0.65"}],
    });
    let mut other = good.clone();
    other["spread_bps"] = 11.into();
    let rate = |text: &str| bad(&good, "/rates/0/rate", text.into(), 400, "ledger_rate");
    Call::new("/api/v1/exchange-rates", good.clone(), 201)
        .others(None)
        .other(other)
        .bad(currencies(&good, "/rates/0/base"))
        .bad(currencies(&good, "/rates/0/quote"))
        .bad(lines(&good, "/source", 200, "exchange_rate.source"))
        .bad(["source", "valid_until", "rates"].map(|name| without(&good, name)))
        .bad(["", "0", "0.00", "-1", "1e3", "1,5", ".5", "5.", "x", "1234567890123456"].map(rate))
        .bad([
            bad(&good, "/source", " ".into(), 400, "exchange_rate.source"),
            bad(&good, "/rates/0/rate", json!(0.65), 400, "body.invalid"),
            bad(&good, "/rates/0/quote", "AUD".into(), 400, "ledger_rate"),
            bad(&good, "/rates/0", json!({"base": "AUD"}), 400, "body.invalid"),
            bad(&good, "/rates", json!([]), 400, "exchange_rate.list"),
            bad(&good, "/rates", json!({}), 400, "body.invalid"),
            bad(&good, "/spread_bps", 2_001.into(), 400, "exchange_rate.spread"),
            bad(&good, "/spread_bps", (-1).into(), 400, "body.invalid"),
            bad(&good, "/spread_bps", json!(0.5), 400, "body.invalid"),
            bad(&good, "/valid_until", json!(now), 400, "exchange_rate.span"),
            bad(&good, "/valid_until", json!(now.plus_days(32)), 400, "exchange_rate.span"),
            bad(&good, "/valid_until", "tomorrow".into(), 400, "body.invalid"),
            bad(&good, "/valid_from", json!(now.plus_days(2)), 400, "exchange_rate.span"),
        ])
}

fn dispute_fee() -> Call {
    let good = json!({"rail": "stripe", "currency": "AUD", "fee_minor": 2_500, "source": "The contract"});
    let wrong = (400, "dispute_fee.amount");
    let say = Amounts { negative: wrong, zero: None, large: wrong };
    let mut other = good.clone();
    other["fee_minor"] = 2_600.into();
    Call::new("/api/v1/dispute-fees", good.clone(), 201)
        .others(None)
        .other(other)
        .bad(amounts(&good, "/fee_minor", say))
        .bad(currencies(&good, "/currency"))
        .bad(lines(&good, "/source", 200, "dispute_fee.source"))
        .bad(["rail", "currency", "fee_minor", "source"].map(|name| without(&good, name)))
        .bad([
            bad(&good, "/rail", "ledger".into(), 400, "dispute_fee.rail"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
            bad(&good, "/source", "".into(), 400, "dispute_fee.source"),
            bad(&good, "/fee_minor", 100_000_001.into(), 400, "dispute_fee.amount"),
            bad(&good, "/valid_from", "tomorrow".into(), 400, "body.invalid"),
        ])
}
