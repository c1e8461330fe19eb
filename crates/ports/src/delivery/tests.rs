//! Behaviour of what the channels share, and of the channels in memory.

use super::{Failure, Found, Odds, PhoneNumber, Provider, Reason, What};
use crate::linkedin::{Act, Person, ProfileUrl, What as Does};
use crate::sms::{Asked, MemorySms, Sms, SmsAccount, SmsFrom, SmsSender, TwilioAccount};
use crate::voice::{Call, Script, Window};
use base::{ManualClock, Random, Secret, Time};
use std::sync::Arc;
use uuid::Uuid;

fn now() -> Time {
    Time::from_us(1_000_000)
}

fn sms(n: u128) -> Sms {
    let to = PhoneNumber::parse("+61400000001").unwrap();
    Sms { id: Uuid::from_u128(n), to, text: "Hello".into(), report_to: None }
}

fn account() -> SmsAccount {
    SmsAccount::Twilio(TwilioAccount {
        account_sid: "AC1".into(),
        api_key_sid: None,
        secret: Secret::default(),
        from: SmsFrom::Name("Anchor".into()),
        base_url: None,
    })
}

#[tokio::test]
async fn in_memory_what_is_lost_can_be_looked_up_and_arrives_once() {
    let memory = MemorySms::new(Arc::new(ManualClock::at(now())), Arc::new(Random::seeded(7)));
    memory.set_odds(Odds { refuse: 50, busy: 50, unreachable: 50, lost: 300 });
    let (mut arrived, mut refused) = (0, 0);
    for n in 0..300 {
        let sms = sms(n);
        loop {
            match memory.send(&account(), &sms).await {
                Ok(_) => {
                    arrived += 1;
                    break;
                }
                Err(Failure::Unknown { .. }) => {
                    let asked =
                        Asked { sms: sms.clone(), provider_ref: None, first_at: now(), last_at: now() };
                    match memory.find(&account(), &asked).await.unwrap() {
                        Found::Taken(_) => {
                            arrived += 1;
                            break;
                        }
                        Found::NotSeen => {}
                        Found::CannotTell => panic!("memory always knows"),
                    }
                }
                Err(failure) if failure.may_retry() => {}
                Err(failure) => {
                    assert!(matches!(failure, Failure::Refused(no) if no.reason == Reason::NoSuchRecipient));
                    refused += 1;
                    break;
                }
            }
        }
    }
    assert_eq!((memory.sent().len(), arrived + refused), (arrived, 300));
    assert!(refused > 0 && arrived > 200);
}

#[test]
fn numbers_and_profiles_have_one_form() {
    for bad in ["61400000001", "+0400000001", "+61 400 000 001", "+1234567", "+1234567890123456", "", "+"] {
        assert!(PhoneNumber::parse(bad).is_err(), "{bad}");
    }
    for same in [
        "https://www.linkedin.com/in/Ana-Lee/",
        "linkedin.com/in/ana-lee?x=1",
        "http://au.linkedin.com/in/ana-lee/en",
    ] {
        assert_eq!(
            ProfileUrl::parse(same).unwrap().as_str(),
            "https://www.linkedin.com/in/ana-lee",
            "{same}"
        );
    }
    for bad in ["https://linkedin.com/company/x", "https://notlinkedin.com/in/x", "linkedin.com/in/", "ana"] {
        assert!(ProfileUrl::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn providers_are_read_by_their_names() {
    for provider in Provider::ALL {
        assert_eq!(provider.as_str().parse::<Provider>().unwrap(), provider);
    }
    assert!("pigeon".parse::<Provider>().is_err());
}

#[test]
fn an_act_keeps_linkedins_limits() {
    let person = Person {
        profile: ProfileUrl::parse("linkedin.com/in/a").unwrap(),
        first_name: String::new(),
        last_name: String::new(),
        company: String::new(),
        position: String::new(),
    };
    let sound = |what| Act { id: Uuid::nil(), person: person.clone(), what }.check().is_ok();
    assert!(sound(Does::Connect { note: None }) && sound(Does::Connect { note: Some("é".repeat(300)) }));
    assert!(!sound(Does::Connect { note: Some("x".repeat(301)) }));
    assert!(!sound(Does::Message { text: " ".into() }) && !sound(Does::Message { text: "x".repeat(501) }));
    assert!(sound(Does::InMail { subject: "s".into(), text: "x".repeat(1_000) }));
    assert!(!sound(Does::InMail { subject: String::new(), text: "x".into() }));
}

#[test]
fn a_call_without_disclosure_or_with_a_window_that_ends_first_is_not_placed() {
    let script = Script {
        ai_disclosure: "An assistant speaks.".into(),
        recording_disclosure: "It is recorded.".into(),
        opening: "Hello.".into(),
        value: String::new(),
        ask: String::new(),
        instructions: String::new(),
        record: true,
    };
    assert_eq!(script.first_words(), "An assistant speaks. It is recorded. Hello.");
    let call = |script: Script, window| Call {
        id: Uuid::nil(),
        to: PhoneNumber::parse("+61400000001").unwrap(),
        name: String::new(),
        script,
        window,
        report_to: None,
    };
    assert!(call(script.clone(), None).check().is_ok());
    assert!(call(Script { ai_disclosure: " ".into(), ..script.clone() }, None).check().is_err());
    assert!(call(Script { recording_disclosure: String::new(), ..script.clone() }, None).check().is_err());
    assert!(call(Script { opening: "x".repeat(201), ..script.clone() }, None).check().is_err());
    let window = Window { earliest: now(), latest: now() };
    assert!(call(script, Some(window)).check().is_err());
}

#[test]
fn states_have_a_rank_and_other_words_have_none() {
    let sent = What::Sent { message_id: None };
    assert!(What::Queued.rank() < sent.rank() && sent.rank() < What::Delivered.rank());
    assert!(What::Delivered.rank() < What::ReturnedToSender.rank());
    assert_eq!(What::Opened { user_agent: None }.rank(), None);
    // What is written down is read again.
    let text =
        serde_json::to_string(&What::Clicked { url: "https://a.example/".into(), user_agent: None }).unwrap();
    assert!(text.contains(r#""what":"clicked""#), "{text}");
    assert!(matches!(serde_json::from_str(&text).unwrap(), What::Clicked { .. }));
    let bounced = r#"{"what":"bounced","recipient":null,"permanence":"permanent","reason":"blocked","kind":"k","detail":"d"}"#;
    assert!(matches!(serde_json::from_str(bounced).unwrap(), What::Bounced(_)));
}
