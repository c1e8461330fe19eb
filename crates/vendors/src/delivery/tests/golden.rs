//! Signatures that the vendors' own packages made, and what must not pass for one.

use super::stage::{PUBLIC, TOKEN, WHSEC};
use crate::delivery::receivers;
use base::{Secret, Time};
use ports::delivery::{Event, Inbound, Keys, Provider, SignaturePlan, Signing, WebhookError};

const BODY: &str = r#"{"id":"evt_1","type":"test","amount":170.00}"#;
const AT: i64 = 1_760_000_000;
const STANDARD: &str = "v1,db0pL2roJGOsJahUayz4HcQdPXYWY8/Nhw1fQ8aKdos=";
const TWILIO: &str = "9Zxah+xRMAhmUOpRxFMSd8nYz3Y=";
const TELNYX: &str =
    "AIFEEh9e9bzV2KMXYnFn4AsMi+rDhLM4Vt7pnG/IoxoxbIa/7S2g9d7s1+YYN0v0KfJi0GGmFDGakurvFWlODQ==";
const ELEVENLABS: &str = "t=1760000000,v0=2b60cc3996b5121391557573a86d7e2f6676a45bc9fb3ad349ff635c868ba1f4";

fn inbound(url: &str, headers: &[(&str, &str)], body: &str, at_s: i64) -> Inbound {
    Inbound {
        url: url.parse().unwrap(),
        path_token: TOKEN.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_owned().into(),
        received_at: Time::from_us(at_s * 1_000_000),
    }
}

fn take(provider: Provider, secret: &str, inbound: &Inbound) -> Result<Event, WebhookError> {
    // One that is being rotated out stands beside the current one.
    let signing = Signing::Secrets(vec![Secret::new("b2xkZXI="), Secret::new(secret)]);
    let keys = Keys { path_token: Secret::new(TOKEN), signing };
    receivers().get(provider).unwrap().receive(&keys, inbound)
}

fn passes(result: &Result<Event, WebhookError>) -> bool {
    matches!(result, Ok(_) | Err(WebhookError::Malformed(_)))
}

#[test]
fn standard_webhooks_pass_under_both_names_within_300_s() {
    let take = |prefix: &str, signature: &str, body: &str, at| {
        let names = ["id", "timestamp", "signature"].map(|part| format!("{prefix}-{part}"));
        let [id, time, sig] = names.each_ref().map(String::as_str);
        let headers = [(id, "msg_1"), (time, "1760000000"), (sig, signature)];
        take(Provider::Resend, WHSEC, &inbound("https://a.example/", &headers, body, at))
    };
    for prefix in ["webhook", "svix", "Svix"] {
        assert_eq!(take(prefix, STANDARD, BODY, AT).unwrap().key, "msg_1", "{prefix}");
    }
    for at in [AT + 300, AT - 300] {
        assert!(passes(&take("svix", STANDARD, BODY, at)));
    }
    for at in [AT + 301, AT - 301] {
        assert!(matches!(take("svix", STANDARD, BODY, at), Err(WebhookError::Stale { window_s: 300, .. })));
    }
    let several = format!("v1a,AAAA v1,AAAA {STANDARD}");
    assert!(passes(&take("svix", &several, BODY, AT)), "any one is enough");
    let changed = BODY.replace("170.00", "170");
    for (signature, body) in [(STANDARD, changed.as_str()), ("v1,AAAA", BODY), ("", BODY), ("v2,x", BODY)] {
        assert!(!passes(&take("svix", signature, body, AT)), "{signature}");
    }
}

#[test]
fn twilios_signature_binds_the_address_and_every_field() {
    const URL: &str = "https://app.example.com/webhooks/twilio/sms?tenant=a";
    const FORM: &str = "From=%2B61400000001&To=%2B61400000002&Body=Yes+please&MessageSid=SM1&AccountSid=AC1";
    let take = |url: &str, body: &str, signature: &str| {
        take(Provider::Twilio, "authtoken123", &inbound(url, &[("X-Twilio-Signature", signature)], body, AT))
    };
    let event = take(URL, FORM, TWILIO).unwrap();
    assert_eq!((event.key.as_str(), event.provider_ref.as_deref()), ("SM1:received", Some("SM1")));
    let sorted = "AccountSid=AC1&Body=Yes+please&From=%2B61400000001&MessageSid=SM1&To=%2B61400000002";
    assert!(passes(&take(URL, sorted, TWILIO)), "the order of the fields does not count");
    for (url, form) in [
        (URL.replace("tenant=a", "tenant=b"), FORM.to_owned()),
        (URL.to_owned(), FORM.replace("Yes", "No")),
        (URL.to_owned(), format!("{FORM}&More=1")),
        (URL.replace("https", "http"), FORM.to_owned()),
    ] {
        assert_eq!(take(&url, &form, TWILIO), Err(WebhookError::BadSignature), "{url} {form}");
    }
}

#[test]
fn telnyx_golden_signature_passes_within_300_s() {
    let take = |time: &str, signature: &str, body: &str, at| {
        let headers = [("telnyx-signature-ed25519", signature), ("telnyx-timestamp", time)];
        take(Provider::Telnyx, PUBLIC, &inbound("https://a.example/", &headers, body, at))
    };
    for at in [AT, AT + 300, AT - 300] {
        assert!(passes(&take("1760000000", TELNYX, BODY, at)), "{at}");
    }
    assert!(matches!(take("1760000000", TELNYX, BODY, AT + 301), Err(WebhookError::Stale { .. })));
    for (time, body) in [("1760000001", BODY), ("1760000000", "{}"), ("+1760000000", BODY), ("", BODY)] {
        assert!(!passes(&take(time, TELNYX, body, AT)), "{time}");
    }
}

#[test]
fn elevenlabs_golden_signature_passes_for_half_an_hour() {
    let take = |header: &str, body: &str, at| {
        let headers = [("elevenlabs-signature", header)];
        take(Provider::ElevenLabs, "elsecret", &inbound("https://a.example/", &headers, body, at))
    };
    for at in [AT, AT + 1_800] {
        assert!(passes(&take(ELEVENLABS, BODY, at)), "{at}");
    }
    assert!(matches!(take(ELEVENLABS, BODY, AT + 1_801), Err(WebhookError::Stale { .. })));
    for header in [ELEVENLABS.replace("v0=", "v1="), ELEVENLABS.replace("2b60", "2b61")] {
        assert_eq!(take(&header, BODY, AT), Err(WebhookError::BadSignature));
    }
}

#[test]
fn vapis_plans_are_told_apart() {
    let receive = |plan: SignaturePlan, headers: &[(&str, &str)]| {
        let keys = Keys { path_token: Secret::new(TOKEN), signing: Signing::Plan(plan) };
        let body = r#"{"message":{"type":"status-update","status":"ringing"}}"#;
        receivers()
            .get(Provider::Vapi)
            .unwrap()
            .receive(&keys, &inbound("https://a.example/", headers, body, AT))
    };
    let secrets = || vec![Secret::new("s")];
    assert!(passes(&receive(SignaturePlan::Bearer(secrets()), &[("authorization", "Bearer s")])));
    assert!(passes(&receive(SignaturePlan::Bearer(secrets()), &[("x-vapi-secret", "s")])));
    assert_eq!(
        receive(SignaturePlan::Bearer(secrets()), &[("authorization", "Bearer t")]),
        Err(WebhookError::BadSignature)
    );
    // A secret that is known to the wrong plan signs nothing.
    assert_eq!(
        receive(SignaturePlan::Hmac(secrets()), &[("authorization", "Bearer s")]),
        Err(WebhookError::Unsigned)
    );
    assert_eq!(receive(SignaturePlan::Bearer(vec![]), &[("x-vapi-secret", "")]), Err(WebhookError::Unsigned));
}

#[test]
fn without_the_addresss_token_or_a_secret_nobody_is_believed() {
    for provider in Provider::ALL {
        let receive = |token: &str, signing: Signing| {
            let keys = Keys { path_token: Secret::new(token), signing };
            let inbound = inbound("https://a.example/", &[("x-vapi-secret", "s")], r#"{"type":"x"}"#, AT);
            receivers().get(provider).unwrap().receive(&keys, &inbound)
        };
        assert_eq!(receive("other", Signing::None), Err(WebhookError::BadSignature), "{provider}");
        assert_eq!(receive("", Signing::None), Err(WebhookError::Unsigned), "{provider}");
        if provider.signs() {
            assert_eq!(receive(TOKEN, Signing::None), Err(WebhookError::Unsigned), "{provider}");
            let empty = Signing::Secrets(vec![Secret::new("")]);
            assert_eq!(receive(TOKEN, empty), Err(WebhookError::Unsigned), "{provider}");
        }
    }
}

#[test]
fn every_provider_has_a_receiver() {
    let wired: Vec<Provider> = receivers().all().map(|receiver| receiver.provider()).collect();
    assert_eq!(wired, Provider::ALL);
}
