//! Golden signatures, made by the vendors' own SDKs, and what must be refused.

use super::stage::{cashfree_account, stripe_account};
use crate::rail::{cashfree, rails, stripe};
use base::{Clock, ManualClock, Random, Secret, Time};
use ports::rail::{About, Account, Credentials, Inbound, Rail, RailKind, WebhookError};
use std::sync::Arc;

const BODY: &str = r#"{"id":"evt_1","type":"test","amount":170.00}"#;
const AT: i64 = 1_760_000_000;
/// npm stripe, `generateTestHeaderString`.
const STRIPE: &str = "t=1760000000,v1=992c319873d6f408d3b022280c81f0541df1103968b296af5c2ac2cee7fec75e";
/// Accepted by npm cashfree-pg, `PGVerifyWebhookSignature`.
const CASHFREE: &str = "Y2qhANEJ4HQS6Yley2o/G3LkWo3z9pevOvu3gQDBCvw=";

fn at(seconds: i64) -> Time {
    Time::from_us(seconds * 1_000_000)
}

fn inbound(headers: &[(&str, &str)], body: &str, seconds: i64) -> Inbound {
    Inbound {
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: body.to_owned().into(),
        received_at: at(seconds),
    }
}

fn rail(kind: RailKind) -> Arc<dyn Rail> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(at(AT)));
    rails(true, &clock, &Arc::new(Random::seeded(1))).unwrap().get(kind).unwrap().clone()
}

/// Signed well, and then not of the form: how we see that a signature passed.
fn passes(result: Result<ports::rail::Event, WebhookError>) -> bool {
    match result {
        Ok(_) | Err(WebhookError::Malformed(_)) => true,
        Err(
            WebhookError::Unsupported
            | WebhookError::Unsigned
            | WebhookError::BadSignature
            | WebhookError::Stale { .. },
        ) => false,
    }
}

#[test]
fn stripes_golden_signature_passes_within_300_s_in_both_directions() {
    let (rail, account) = (rail(RailKind::Stripe), stripe_account("http://127.0.0.1"));
    let parse = |header: &str, body: &str, seconds| {
        rail.parse_webhook(&account, &inbound(&[("Stripe-Signature", header)], body, seconds))
    };
    for seconds in [AT, AT + 300, AT - 300] {
        assert!(passes(parse(STRIPE, BODY, seconds)), "{seconds}");
    }
    assert_eq!(parse(STRIPE, BODY, AT + 301), Err(WebhookError::Stale { off_s: 301, window_s: 300 }));
    assert_eq!(parse(STRIPE, BODY, AT - 301), Err(WebhookError::Stale { off_s: -301, window_s: 300 }));
    let rotated = STRIPE.replace(",v1=", ",v1=00,v0=11,v1=");
    assert!(passes(parse(&rotated, BODY, AT)), "any one signature is enough");
    for (header, body) in [
        (STRIPE.to_owned(), BODY.replace("170.00", "170")),
        (STRIPE.replace("1760000000", "1760000001"), BODY.to_owned()),
        (STRIPE.replace("992c", "992d"), BODY.to_owned()),
        (STRIPE.replace("v1=", "v0="), BODY.to_owned()),
        ("t=1760000000".to_owned(), BODY.to_owned()),
        (String::new(), BODY.to_owned()),
    ] {
        assert_eq!(parse(&header, &body, AT), Err(WebhookError::BadSignature), "{header}");
    }
    assert_eq!(rail.parse_webhook(&account, &inbound(&[], BODY, AT)), Err(WebhookError::Unsigned));
}

#[test]
fn cashfrees_golden_signature_passes_within_ten_minutes_in_milliseconds() {
    let rail = rail(RailKind::Cashfree);
    let mut account = cashfree_account("http://127.0.0.1");
    let Credentials::Cashfree(keys) = &mut account.credentials else { panic!() };
    keys.client_secrets = vec![Secret::new("newer"), Secret::new("cfsecret")];
    let parse = |signature: &str, time: &str, body: &str, seconds| {
        let headers = [("x-webhook-signature", signature), ("x-webhook-timestamp", time)];
        rail.parse_webhook(&account, &inbound(&headers, body, seconds))
    };
    for seconds in [AT, AT + 600, AT - 600] {
        assert!(passes(parse(CASHFREE, "1760000000000", BODY, seconds)), "{seconds}");
    }
    for seconds in [AT + 601, AT - 601] {
        assert!(matches!(parse(CASHFREE, "1760000000000", BODY, seconds), Err(WebhookError::Stale { .. })));
    }
    assert_eq!(
        parse(CASHFREE, "1760000000000", &BODY.replace("170.00", "170"), AT),
        Err(WebhookError::BadSignature)
    );
    assert_eq!(parse(CASHFREE, "1760000000001", BODY, AT), Err(WebhookError::BadSignature));
    assert_eq!(parse("%%%", "1760000000000", BODY, AT), Err(WebhookError::BadSignature));
    let headers = [("x-webhook-signature", CASHFREE)];
    assert_eq!(rail.parse_webhook(&account, &inbound(&headers, BODY, AT)), Err(WebhookError::Unsigned));
}

#[test]
fn an_account_without_a_secret_takes_nothing() {
    for kind in [RailKind::Stripe, RailKind::Cashfree] {
        let mut account: Account = match kind {
            RailKind::Stripe => stripe_account("http://127.0.0.1"),
            RailKind::Cashfree | RailKind::X402 | RailKind::Ledger => cashfree_account("http://127.0.0.1"),
        };
        match &mut account.credentials {
            Credentials::Stripe(keys) => keys.webhook_secrets = vec![Secret::new("")],
            Credentials::Cashfree(keys) => keys.client_secrets = vec![],
            Credentials::X402(_) | Credentials::Memory(_) => {}
        }
        let headers = [
            ("Stripe-Signature", STRIPE),
            ("x-webhook-signature", CASHFREE),
            ("x-webhook-timestamp", "1760000000000"),
        ];
        let refused = rail(kind).parse_webhook(&account, &inbound(&headers, BODY, AT));
        assert_eq!(refused, Err(WebhookError::Unsigned), "{kind}");
    }
}

#[test]
fn a_published_cashfree_webhook_is_read_with_both_of_its_amounts() {
    // The documentation's sample: the order is for 2 and, after an offer, 1 was paid.
    let body = r#"{"data":{"order":{"order_id":"order_OFR_2","order_amount":2,"order_currency":"INR","order_tags":null},"payment":{"cf_payment_id":1453002795,"payment_status":"SUCCESS","payment_amount":1.00,"payment_currency":"INR","payment_message":"00::Transaction success","payment_time":"2025-01-15T12:20:29+05:30","bank_reference":"234928698581","payment_group":"upi"},"customer_details":{"customer_phone":"9908734801"}},"event_time":"2025-01-15T12:20:29+05:30","type":"PAYMENT_SUCCESS_WEBHOOK"}"#;
    let time = "1760000000000";
    let signature = {
        use base64::Engine as _;
        let mac =
            crate::rail::signature::mac(super::stage::SECRET.as_bytes(), &[time.as_bytes(), body.as_bytes()]);
        base64::engine::general_purpose::STANDARD.encode(mac)
    };
    let headers = [("X-Webhook-Signature", signature.as_str()), ("X-Webhook-Timestamp", time)];
    let account = cashfree_account("http://127.0.0.1");
    let event = rail(RailKind::Cashfree).parse_webhook(&account, &inbound(&headers, body, AT)).unwrap();
    assert_eq!(event.id, "PAYMENT_SUCCESS_WEBHOOK:1453002795");
    assert_eq!(event.at, "2025-01-15T06:50:29Z".parse().unwrap());
    let About::Payment { ours: None, payment } = event.about else { panic!("{event:?}") };
    assert_eq!((payment.amount.minor, payment.captured.minor), (200, 100));
}

#[test]
fn the_pinned_versions_are_those_of_the_twins() {
    assert_eq!(stripe::VERSION, twins::rail::stripe::VERSION);
    assert_eq!(cashfree::VERSION, "2026-01-01");
}
