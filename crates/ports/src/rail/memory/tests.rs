use super::*;
use crate::rail::{About, Credentials, Source, agree};
use base::{Currency, Secret, Time};

fn account() -> Account {
    Account { base_url: None, credentials: Credentials::Memory(Secret::new("s")) }
}

fn usd(minor: i64) -> Money {
    Money { minor, currency: Currency::Usd }
}

fn ask(minor: i64, timing: Timing) -> Authorise {
    Authorise {
        payment: Uuid::from_u128(7),
        amount: usd(minor),
        source: Source::Memory,
        timing,
        description: "run".to_owned(),
        at: Time::from_us(0),
    }
}

#[tokio::test]
async fn a_payment_asked_twice_moves_once_and_another_amount_under_the_same_key_is_refused() {
    let rail = MemoryRail::new(RailKind::Stripe);
    let first = rail.authorise(&account(), &ask(500, Timing::Now)).await.unwrap();
    assert_eq!(rail.authorise(&account(), &ask(500, Timing::Now)).await.unwrap(), first);
    assert_eq!(rail.effects(), 1);
    let other = rail.authorise(&account(), &ask(501, Timing::Now)).await.unwrap_err();
    assert!(matches!(other, RailError::Rejected { .. }) && !other.may_retry());
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_is_found_or_not() {
    let rail = MemoryRail::new(RailKind::Stripe);
    let sync = Sync {
        of: Asked::Payment(ask(500, Timing::Now)),
        provider_ref: None,
        last_asked_at: Time::from_us(0),
    };
    rail.inject(Fault::LostBefore);
    assert!(rail.authorise(&account(), &ask(500, Timing::Now)).await.unwrap_err().is_unknown());
    assert_eq!(rail.sync(&account(), &sync).await.unwrap(), Found::NotSeen { is_final: true });
    rail.inject(Fault::LostAfter);
    assert!(rail.authorise(&account(), &ask(500, Timing::Now)).await.unwrap_err().is_unknown());
    let Found::Payment(found) = rail.sync(&account(), &sync).await.unwrap() else { panic!("not found") };
    assert_eq!((found.status, found.captured, rail.effects()), (Status::Captured, usd(500), 1));
}

#[tokio::test]
async fn captures_voids_and_refunds_keep_within_what_was_held_and_taken() {
    let rail = MemoryRail::new(RailKind::Stripe);
    let held = rail.authorise(&account(), &ask(500, Timing::Later)).await.unwrap();
    let capture = |minor| Capture {
        payment: Uuid::from_u128(7),
        provider_ref: held.provider_ref.clone(),
        held: usd(500),
        amount: usd(minor),
    };
    assert!(matches!(rail.capture(&account(), &capture(501)).await, Err(RailError::Rejected { .. })));
    assert!(matches!(rail.capture(&account(), &capture(0)).await, Err(RailError::Rejected { .. })));
    assert_eq!(rail.capture(&account(), &capture(430)).await.unwrap().captured, usd(430));
    assert_eq!(rail.capture(&account(), &capture(430)).await.unwrap().captured, usd(430));
    let void = Void { payment: Uuid::from_u128(7), provider_ref: held.provider_ref.clone(), held: usd(500) };
    assert!(matches!(rail.void(&account(), &void).await, Err(RailError::Rejected { .. })));
    let refund = |id, minor| Refund {
        refund: Uuid::from_u128(id),
        payment: Uuid::from_u128(7),
        provider_ref: held.provider_ref.clone(),
        amount: usd(minor),
        note: String::new(),
        at: Time::from_us(0),
    };
    rail.refund(&account(), &refund(1, 400)).await.unwrap();
    rail.refund(&account(), &refund(1, 400)).await.unwrap();
    assert!(rail.refund(&account(), &refund(2, 31)).await.is_err());
    rail.refund(&account(), &refund(3, 30)).await.unwrap();
    assert_eq!(rail.effects(), 4);
}

#[tokio::test]
async fn a_wrong_amount_is_noticed_by_comparing() {
    let rail = MemoryRail::new(RailKind::Stripe);
    rail.inject(Fault::WrongAmount);
    let answer = rail.authorise(&account(), &ask(500, Timing::Now)).await.unwrap();
    assert!(agree(usd(500), answer.amount).is_err());
    assert!(agree(usd(500), Money { minor: 500, currency: Currency::Jpy }).is_err());
    assert!(agree(usd(500), usd(500)).is_ok());
}

#[tokio::test]
async fn a_webhook_needs_the_secret() {
    let rail = MemoryRail::new(RailKind::Stripe);
    let event = Event { id: "e".to_owned(), at: Time::from_us(0), kind: "x".to_owned(), about: About::Other };
    let inbound = |secret: Option<&str>| Inbound {
        headers: secret.map(|s| vec![("X-Memory-Secret".to_owned(), s.to_owned())]).unwrap_or_default(),
        body: serde_json::to_vec(&event).unwrap().into(),
        received_at: Time::from_us(0),
    };
    assert_eq!(rail.parse_webhook(&account(), &inbound(Some("s"))).unwrap(), event);
    assert_eq!(rail.parse_webhook(&account(), &inbound(Some("t"))), Err(WebhookError::BadSignature));
    assert_eq!(rail.parse_webhook(&account(), &inbound(None)), Err(WebhookError::Unsigned));
}
