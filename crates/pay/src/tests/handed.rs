//! Mandates that are handed on, over HTTP: they pay, their receipts name what was closed, and an agent that
//! closes its own mandates signs the hop itself.

use crate::payment::tests::bed::{Bed, text};
use ap2::constraint::PaymentConstraint;
use ap2::mandate::{Mandate, OpenCheckout, OpenPayment};
use ap2::receipt::Receipt;
use ap2::sdjwt::{self, Binding, Chain, Check, References, SKEW_S};
use ap2::{Jwks, MandateKey};
use serde_json::{Value, json};

const HERE: &str = "https://pay.example";

async fn intent(bed: &Bed, minor: i64) -> String {
    let body = json!({"vendor_id": bed.vendor, "sku": "search", "amount_minor": minor, "currency": "AUD"});
    let made = bed.call(&bed.agent(), "POST", "/api/v1/purchase-intents", &body).await.expect(201);
    text(&made.json()["id"])
}

async fn asked(bed: &Bed, minor: i64, mut body: Value) -> testkit::Answer {
    body["intent_id"] = intent(bed, minor).await.into();
    bed.call(&bed.agent(), "POST", "/api/v1/mandates", &body).await
}

fn budget(total: i64, parent: Option<&Value>) -> Value {
    let caps = json!({"per_transaction_minor": 100, "total_minor": total, "executions_max": 4});
    let mut body = json!({"template": "recurring_budget", "caps": caps, "expires_in_s": 3_600});
    if let Some(parent) = parent {
        body["parent_id"] = parent["id"].clone();
    } else {
        body["expires_in_s"] = 7_200.into();
        body["caps"]["executions_max"] = 20.into();
    }
    body
}

async fn jwks(bed: &Bed) -> Jwks {
    serde_json::from_value(bed.owner().get("/.well-known/jwks.json").await.expect(200).json()).expect("keys")
}

/// The AP2 receipt of a payment that succeeded.
async fn receipt(bed: &Bed, paid: &Value) -> Receipt {
    assert_eq!(paid["payment"]["status"], "succeeded", "{paid}");
    let keys = jwks(bed).await;
    let find = |kid: Option<&str>| {
        keys.keys.iter().filter_map(|jwk| jwk.key().ok()).find(|key| kid == Some(key.id().as_str()))
    };
    Receipt::verify(&text(&paid["receipt"]["jwt"]), &find).expect("a receipt")
}

#[tokio::test]
async fn a_mandate_that_was_handed_on_pays_and_its_receipt_names_what_was_closed() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let parent = asked(&bed, 100, budget(900, None)).await.expect(201).json();
    let direct = json!({"template": "micro_task", "parent_id": parent["id"], "expires_in_s": 3_600});
    let direct = asked(&bed, 70, direct).await.expect(201).json();
    let open = asked(&bed, 60, budget(200, Some(&parent))).await.expect(201).json();
    for (mandate, minor, hops) in [(&parent, 100, 2), (&direct, 70, 2), (&open, 60, 3)] {
        let own = text(&mandate["token"]);
        let answer = bed.execute(&text(&mandate["id"])).await.expect(200).json();
        assert_eq!(answer["payment"]["amount_minor"], minor);
        let said = receipt(&bed, &answer).await;
        let shown = format!(
            "select convert_from(coalesce(c.payment_token, m.token), 'utf8') from pay.mandate m
             left join pay.closed_mandate c on c.mandate_id = m.id where m.id = '{}'",
            text(&mandate["id"])
        );
        let shown = bed.sql(&shown).await.remove(0);
        assert!(shown.starts_with(&own) && shown.matches("~~").count() + 1 == hops, "{hops}: {shown}");
        let references = References::of(&shown).expect("hashes");
        assert_eq!(
            (&said.reference, said.reference_jwt.as_ref()),
            (&references.token, Some(&references.jwt))
        );
        assert!(said.is_about(&references));
        if hops > 2 || mandate == &parent {
            assert!(!said.is_about(&References::of(&own).expect("hashes")), "not the open mandate");
        }
    }
    // The pages walk the chains too.
    for (mandate, hops) in [(&parent, 0), (&direct, 1), (&open, 1)] {
        let page = bed.owner().get(&format!("/pay/mandates/{}", text(&mandate["id"]))).await.expect(200);
        let shown = page.visible();
        let hop = |number: usize| shown.matches(&format!("Hop {number}")).count();
        assert_eq!((hop(1), hop(2)), (2 * hops, 0), "both tokens: {shown}");
        assert_eq!(shown.matches("Every signature, digest and time in it holds").count(), 2, "{shown}");
    }
    // A refund's receipt names the same closed mandate as the payment's.
    let again = bed.execute(&text(&open["id"])).await.expect(200).json();
    let path = format!("/api/v1/payments/{}/refund", text(&again["payment"]["id"]));
    bed.call(&bed.owner(), "POST", &path, &json!({"amount_minor": 10})).await.expect(201);
    let of = receipt(&bed, &again).await;
    let jwt = bed.sql("select jwt from pay.receipt where kind = 'refunded'").await.remove(0);
    let keys = jwks(&bed).await;
    let find = |kid: Option<&str>| {
        keys.keys.iter().filter_map(|jwk| jwk.key().ok()).find(|key| kid == Some(key.id().as_str()))
    };
    assert_eq!(Receipt::verify(&jwt, &find).expect("a receipt").reference, of.reference);
    bed.holds().await;
}

/// The open mandates at the end of a mandate's chains.
async fn opens(bed: &Bed, mandate: &Value) -> (OpenPayment, OpenCheckout) {
    let keys = jwks(bed).await;
    let find = |kid: Option<&str>| {
        keys.keys.iter().filter_map(|jwk| jwk.key().ok()).find(|key| kid == Some(key.id().as_str()))
    };
    let nonces: Vec<String> = serde_json::from_value(mandate["nonces"].clone()).expect("nonces");
    let bindings: Vec<Binding<'_>> = nonces.iter().map(|nonce| Binding { audience: HERE, nonce }).collect();
    let check = Check { root_key: &find, bindings: &bindings, now: bed.kit.clock_now(), skew_s: SKEW_S };
    let last = |token: &Value| {
        let chain = Chain::verify(&text(token), &check).expect("verifies");
        Mandate::read(chain.last()).expect("a mandate")
    };
    match (last(&mandate["token"]), last(&mandate["checkout_token"])) {
        (Mandate::OpenPayment(payment), Mandate::OpenCheckout(checkout)) => (payment, checkout),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_agent_that_closes_its_own_mandate_hands_it_on_with_its_own_signature() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let random = bed.kit.db.random();
    let (agent, helper, stranger) =
        (MandateKey::generate(random), MandateKey::generate(random), MandateKey::generate(random));
    let path = format!("/api/v1/principals/{}/public-keys", bed.principal);
    let jwk = json!({"jwk": agent.public().bare()});
    let kid = text(&bed.call(&bed.owner(), "POST", &path, &jwk).await.expect(201).json()["kid"]);
    let mut ask = budget(900, None);
    ask["holder"] = kid.into();
    let parent = asked(&bed, 100, ask).await.expect(201).json();
    // This installation cannot sign for the agent.
    let refused = asked(&bed, 60, budget(200, Some(&parent))).await.expect(422).json();
    assert_eq!(refused["code"], "signature_invalid");
    assert!(text(&refused["detail"]).contains("the agent's own key"), "{refused}");
    let (payment, checkout) = opens(&bed, &parent).await;
    let end = bed.kit.clock_now().us() / 1_000_000 + 1_800;
    let handed = async |max: i64, key: &MandateKey, behind: &Value| {
        let intent = intent(&bed, 60).await;
        let mut open = OpenPayment { holder: helper.public(), exp: Some(end), ..payment.clone() };
        for limit in &mut open.constraints {
            match limit {
                PaymentConstraint::AmountRange(range) => range.max = max,
                PaymentConstraint::Budget(budget) => budget.minor = 200,
                PaymentConstraint::AgentRecurrence(often) => often.max_occurrences = Some(2),
                PaymentConstraint::AllowedPayees(_)
                | PaymentConstraint::AllowedInstruments(_)
                | PaymentConstraint::AllowedPisps(_)
                | PaymentConstraint::ExecutionDate(_)
                | PaymentConstraint::Reference(_)
                | PaymentConstraint::Unknown { .. } => {}
            }
        }
        let shop = OpenCheckout { holder: helper.public(), exp: Some(end), ..checkout.clone() };
        let binding = Binding { audience: HERE, nonce: &intent };
        let extend = |token: &Value, claims| {
            sdjwt::extend(&text(token), claims, &binding, key, bed.kit.clock_now(), random)
        };
        let payment = extend(&behind["token"], open.claims(random).expect("claims"));
        let shop = extend(&behind["checkout_token"], shop.claims(random));
        let wallet = match (payment, shop) {
            (Ok(payment), Ok(shop)) => json!({"payment": payment, "checkout": shop}),
            _ => return None,
        };
        let body = json!({"intent_id": intent, "template": "recurring_budget", "parent_id": parent["id"], "wallet": wallet, "expires_in_s": 1_800});
        Some(bed.call(&bed.agent(), "POST", "/api/v1/mandates", &body).await)
    };
    assert!(handed(60, &stranger, &parent).await.is_none(), "the chain names the agent's key");
    let wider = handed(101, &agent, &parent).await.expect("signed").expect(422).json();
    assert!(text(&wider["detail"]).contains("would allow more"), "{wider}");
    let child = handed(60, &agent, &parent).await.expect("signed").expect(201).json();
    assert!(text(&child["token"]).starts_with(&format!("{}~", text(&parent["token"]))));
    assert_eq!(child["signed_by_wallet"], false, "its root is this installation's");
    assert_eq!(
        (&child["caps"]["per_transaction_minor"], &child["caps"]["total_minor"]),
        (&json!(60), &json!(200))
    );
    // Another mandate of the same agent is not the parent that is named.
    let mut ask = budget(900, None);
    ask["holder"] = agent.public().id().into();
    let other = asked(&bed, 100, ask).await.expect(201).json();
    let foreign = handed(60, &agent, &other).await.expect("signed").expect(422).json();
    assert_eq!(foreign["code"], "signature_invalid");
    // The helper closes it with the key that the hop names, and it pays.
    let (_, shop) = opens(&bed, &child).await;
    assert_eq!(shop.holder.id(), helper.public().id());
    assert_eq!(bed.count("pay.mandate where parent_id is not null").await, 1);
    bed.holds().await;
}
