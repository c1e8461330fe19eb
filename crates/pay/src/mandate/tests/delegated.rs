//! M10: a delegated mandate allows nothing that its parent does not, and all children together no more
//! than the parent has left.

use super::{World, asked, codes, recurring, used};
use crate::mandate::{self, Asked, Mandate, MandateId, New, Status};
use crate::principal::{self, PrincipalId, Risk};
use futures::future::join_all;

/// Another agent with the same rules.
async fn helper(w: &World, name: &str) -> PrincipalId {
    let mut cx = w.cx().await;
    let new = principal::New { name: name.to_owned(), risk: Risk::Low };
    let id = principal::add(&mut cx, &new).await.expect("a principal").id;
    let rules = super::rules(w.vendor, cx.now());
    crate::policy::add(&mut cx, id, rules).await.expect("a policy");
    cx.commit().await.expect("a commit");
    id
}

async fn child(w: &World, parent: MandateId, who: PrincipalId, asked: Asked) -> base::Result<Mandate> {
    let intent = w.intent_of(who, 10).await;
    let new = New { asked, parent: Some(parent), expires_in_s: Some(3_600), ..recurring(intent) };
    match w.ask(new).await? {
        mandate::Outcome::Signed(mandate) => Ok(*mandate),
        mandate::Outcome::Waiting(waiting) => panic!("it waits: {waiting:?}"),
    }
}

#[tokio::test]
async fn m10_a_child_that_would_allow_more_is_refused_with_every_reason() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 10).await;
    let who = helper(&w, "Helper").await;
    for (asked, expected) in [
        (asked(101, 500, 10), vec!["amount_exceeds_cap"]),
        (Asked { per_day_minor: Some(500), ..asked(100, 501, 10) }, vec!["amount_exceeds_cap"]),
        (asked(100, 500, 11), vec!["velocity_exceeded"]),
        (Asked { per_day_minor: Some(501), ..asked(100, 500, 10) }, vec!["daily_limit_exceeded"]),
        (
            asked(101, 501, 11),
            vec!["amount_exceeds_cap", "amount_exceeds_cap", "daily_limit_exceeded", "velocity_exceeded"],
        ),
    ] {
        let error = child(&w, parent.id, who, asked.clone()).await.expect_err("wider");
        assert_eq!(codes(&error), expected, "{asked:?}");
    }
    let intent = w.intent_of(who, 10).await;
    let long = New {
        asked: asked(10, 10, 1),
        parent: Some(parent.id),
        expires_in_s: Some(31 * 86_400),
        ..recurring(intent)
    };
    assert_eq!(codes(&w.ask(long).await.expect_err("it ends later")), ["mandate_expired"]);
    assert_eq!(w.read(parent.id).await.used.delegated_minor, 0);
}

#[tokio::test]
async fn m10_children_who_race_never_take_more_than_the_parent_has() {
    let w = World::new().await;
    for round in 0..5 {
        let parent = w.budget(100, 500, 64).await;
        let who = helper(&w, &format!("Helper {round}")).await;
        let told = join_all((0..16).map(|_| child(&w, parent.id, who, asked(30, 90, 2)))).await;
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 5, "5 of 90 fit into 500");
        for refused in told.iter().filter_map(|told| told.as_ref().err()) {
            assert_eq!(codes(refused), ["amount_exceeds_cap"], "{refused}");
        }
        let now = w.read(parent.id).await;
        assert_eq!((now.used.delegated_minor, now.used.executions, now.left_minor()), (450, 10, 50));
        assert_eq!(
            codes(&w.hold(parent.id, &used(51)).await.expect_err("50 is left")),
            ["amount_exceeds_cap"]
        );
        w.hold(parent.id, &used(50)).await.expect("the rest");
    }
}

#[tokio::test]
async fn m10_a_childs_payments_count_in_its_parents_day_too() {
    let w = World::new().await;
    let intent = w.intent(10).await;
    let limits = Asked { per_day_minor: Some(100), ..asked(50, 1_000, 50) };
    let parent = w.signed(New { asked: limits, ..recurring(intent) }).await;
    let who = helper(&w, "Helper").await;
    let narrow = Asked { per_day_minor: Some(100), ..asked(50, 300, 6) };
    let first = child(&w, parent.id, who, narrow.clone()).await.expect("narrower");
    let second = child(&w, parent.id, who, narrow).await.expect("narrower");
    w.hold(first.id, &used(50)).await.expect("50 of 100");
    w.hold(second.id, &used(50)).await.expect("100 of 100");
    let error = w.hold(second.id, &used(1)).await.expect_err("the parent's day is full");
    assert_eq!(codes(&error), ["daily_limit_exceeded"]);
    assert_eq!(w.read(second.id).await.used.reserved_minor, 50);
}

#[tokio::test]
async fn m10_revoking_a_mandate_revokes_what_came_from_it_and_a_childs_rest_returns() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 20).await;
    let who = helper(&w, "Helper").await;
    let first = child(&w, parent.id, who, asked(50, 200, 5)).await.expect("narrower");
    let second = child(&w, parent.id, who, asked(50, 200, 5)).await.expect("narrower");
    let deep = child(&w, second.id, who, asked(20, 100, 2)).await.expect("narrower still");
    let held = w.hold(first.id, &used(50)).await.expect("room");
    let mut cx = w.cx().await;
    mandate::settle(&mut cx, first.id, &held.taken, 50).await.expect("settled");
    mandate::revoke(&mut cx, first.id, "done").await.expect("revoked");
    cx.commit().await.expect("a commit");
    let now = w.read(parent.id).await.used;
    assert_eq!((now.delegated_minor, now.executions), (250, 6), "150 and four payments returned");
    let mut cx = w.cx().await;
    mandate::revoke(&mut cx, parent.id, "all of it").await.expect("revoked");
    cx.commit().await.expect("a commit");
    for id in [parent.id, second.id, deep.id] {
        assert_eq!(w.read(id).await.status, Status::Revoked);
        assert_eq!(codes(&w.hold(id, &used(10)).await.expect_err("revoked")), ["mandate_revoked"]);
    }
    let error = child(&w, parent.id, who, asked(10, 10, 1)).await.expect_err("revoked");
    assert!(codes(&error).contains(&"mandate_revoked".to_owned()));
}

#[tokio::test]
async fn m10_what_an_ended_child_did_not_use_returns() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 20).await;
    let who = helper(&w, "Helper").await;
    let short = child(&w, parent.id, who, asked(50, 200, 5)).await.expect("narrower");
    assert_eq!(w.read(parent.id).await.left_minor(), 300);
    w.app.run_until(short.expires_at.plus_s(120)).await;
    let now = w.read(parent.id).await;
    assert_eq!((now.left_minor(), now.used.executions), (500, 0));
}

#[tokio::test]
async fn m10_an_agent_hands_on_only_what_is_its_own() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 20).await;
    let who = helper(&w, "Helper").await;
    let intent = w.intent_of(who, 10).await;
    let body = serde_json::json!({
        "intent_id": intent, "template": "recurring_budget", "parent_id": parent.id, "expires_in_s": 3_600,
        "caps": {"total_minor": 100, "executions_max": 2},
    });
    let made = w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(201).json();
    assert_eq!(made["parent_id"], serde_json::json!(parent.id));
    let mut cx = w.cx().await;
    let (_, key) = crate::principal::key::make(&mut cx, who).await.expect("a key");
    cx.commit().await.expect("a commit");
    let helper = w.app.stranger().with_header("authorization", &format!("Bearer {}", key.expose()));
    w.call(&helper, "POST", "/api/v1/mandates", &body).await.expect(404);
}

/// A mandate whose token is another one, countersigned as if this installation had meant it.
async fn forged(w: &World, of: &Mandate, token: String, nonces: Vec<String>) -> Mandate {
    let keys = w.keys().await;
    let hash = ap2::signed::mandate_hash(&token);
    let signer = keys.signer(crate::signing::Purpose::Mandate).expect("a key");
    let signature = Some(ap2::signed::sign_mandate_hash(hash, &signer.hash));
    Mandate { token, hash, signature, nonces, ..of.clone() }
}

async fn verdict(w: &World, mandate: &Mandate) -> base::Result<usize> {
    let keys = w.keys().await;
    let mut cx = w.cx().await;
    mandate::verify(&mut cx, &keys, mandate).await.map(|chain| chain.hops.len())
}

#[tokio::test]
async fn m10_a_child_is_a_hop_behind_its_parents_chain_signed_by_the_key_that_the_parent_names() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 20).await;
    let who = helper(&w, "Helper").await;
    let first = child(&w, parent.id, who, asked(50, 200, 5)).await.expect("narrower");
    let deep = child(&w, first.id, who, asked(20, 100, 2)).await.expect("narrower still");
    for (mandate, above, hops) in [(&first, &parent, 2), (&deep, &first, 3)] {
        assert!(mandate.token.starts_with(&format!("{}~", above.token)), "byte for byte");
        let (own, theirs) = (mandate.checkout_token.as_deref(), above.checkout_token.as_deref());
        assert!(own.expect("a checkout").starts_with(&format!("{}~", theirs.expect("a checkout"))));
        assert_eq!(
            (&mandate.kid, mandate.signed_by_wallet),
            (&parent.kid, false),
            "the root is the parent's"
        );
        assert_eq!(mandate.nonces.last(), Some(&mandate.id.to_string()));
        assert_eq!(verdict(&w, mandate).await.expect("verifies"), hops);
    }
    // The chain is walked: another parent, no parent, another nonce, a root alone are no chain.
    let other = w.budget(100, 500, 20).await;
    let hop = &first.token[parent.token.len()..];
    let swapped = format!("{}{hop}", other.token);
    let alone = hop.trim_start_matches('~').to_owned();
    let wrong_nonce = vec!["x".to_owned()];
    for (token, nonces) in [
        (swapped, first.nonces.clone()),
        (alone, Vec::new()),
        (first.token.clone(), wrong_nonce),
        (first.token.clone(), Vec::new()),
        (deep.token.replacen(hop, "", 1), deep.nonces.clone()),
    ] {
        let forged = forged(&w, &first, token, nonces).await;
        assert_eq!(codes(&verdict(&w, &forged).await.expect_err("no chain")), ["signature_invalid"]);
    }
}

#[tokio::test]
async fn m10_a_hop_that_allows_more_than_the_one_before_it_is_no_mandate_though_it_is_signed_well() {
    let w = World::new().await;
    let parent = w.budget(100, 500, 20).await;
    let who = helper(&w, "Helper").await;
    let first = child(&w, parent.id, who, asked(50, 200, 5)).await.expect("narrower");
    let keys = w.keys().await;
    let signer = keys.signer(crate::signing::Purpose::Mandate).expect("a key");
    let mut cx = w.cx().await;
    let chain = mandate::verify(&mut cx, &keys, &first).await.expect("verifies");
    let open = ap2::mandate::PaymentDelegation::read(&chain).expect("open").opens.pop().expect("a last one");
    let random = w.kit.db.random();
    for (wider, max) in [(false, 50), (true, 101)] {
        let mut claims = open.clone();
        for limit in &mut claims.constraints {
            if let ap2::constraint::PaymentConstraint::AmountRange(range) = limit {
                range.max = max;
            }
        }
        let binding = ap2::sdjwt::Binding { audience: super::AUDIENCE, nonce: "n" };
        let claims = claims.claims(random).expect("claims");
        let token = ap2::sdjwt::extend(&parent.token, claims, &binding, &signer.token, cx.now(), random)
            .expect("a hop");
        let forged = forged(&w, &first, token, vec!["n".to_owned()]).await;
        match verdict(&w, &forged).await {
            Ok(hops) => assert!(!wider && hops == 2),
            Err(error) => {
                assert!(wider, "{error}");
                assert!(error.message().contains("allows more than its root does"), "{error}");
            }
        }
    }
}
