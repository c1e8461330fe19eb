//! Every short form keeps its limits, whatever the sheet says.

use super::*;
use crate::content::brief::{ClientCard, LeadCard, Rank, SenderCard, StepCard, Topic};
use base::{Time, Zone};
use proptest::prelude::*;

fn brief(channel: Channel, form: Form, words: &str, number: i16) -> Brief {
    let now: Time = "2026-11-23T00:00:00Z".parse().expect("an instant");
    let fact = |id: &str, topic, text: &str| Evidence {
        id: id.to_owned(),
        topic,
        text: text.to_owned(),
        quote: None,
        source: "import".to_owned(),
        source_url: None,
        observed_at: now,
        confidence: 1.0,
        rank: Rank::Medium,
    };
    Brief {
        lead: LeadCard {
            first_name: Some(words.chars().take(30).collect()),
            title: Some("Owner".to_owned()),
            company: Some(format!("{words} Dental")),
            industry: Some("Dentists".to_owned()),
            ..LeadCard::default()
        },
        facts: vec![fact("f1", Topic::PainPoint, words), fact("lead.title", Topic::Title, "Owner")],
        client: ClientCard {
            name: "Anchor Agency".to_owned(),
            offer: Some(words.to_owned()),
            ..ClientCard::default()
        },
        campaign: crate::content::brief::CampaignCard::default(),
        step: StepCard { number, of: 3, channel, form, ..StepCard::default() },
        sender: SenderCard { name: "Ana Wells".to_owned(), address: "+61400000001".to_owned() },
        earlier: Vec::new(),
        objections: Vec::new(),
        recipient: "+61400000002".to_owned(),
        unsubscribe_url: "https://agency.example/u/0123456789".to_owned(),
        booking_url: None,
        now,
        zone: Zone::sydney(),
    }
}

const FORMS: [(Channel, Form); 6] = [
    (Channel::Sms, Form::Plain),
    (Channel::Linkedin, Form::Invitation),
    (Channel::Linkedin, Form::Message),
    (Channel::Linkedin, Form::Inmail),
    (Channel::Voice, Form::Plain),
    (Channel::Mail, Form::Postcard),
];

#[test]
fn each_short_form_is_written_from_a_usual_sheet() {
    for (channel, form) in FORMS {
        for step in 1..=3 {
            let written = write(&brief(channel, form, "Harbour", step)).expect("there is a title");
            assert!(!written.body.contains("{{"), "{}", written.body);
            assert!(!written.used.is_empty());
        }
    }
    let sms = write(&brief(Channel::Sms, Form::Plain, "Harbour", 1)).expect("written").body;
    assert!(sms.ends_with(SMS_OPT_OUT) && sms.contains("Ana from Anchor Agency"), "{sms}");
    let call = write(&brief(Channel::Voice, Form::Plain, "Harbour", 1)).expect("written").body;
    assert!(
        voice_parts(&call)[0].contains("AI assistant calling for Anchor Agency. The call is recorded."),
        "{call}"
    );
}

#[test]
fn checks_tell_good_from_bad() {
    let codes = |channel, form, subject: &str, body: &str| -> Vec<&str> {
        check(channel, form, subject, body).into_iter().map(|issue| issue.code).collect()
    };
    let sms = |body: &str| codes(Channel::Sms, Form::Plain, "", body);
    assert!(sms("Hi Priya, Ana from Anchor here. Worth a call? Reply STOP to opt out").is_empty());
    assert_eq!(sms("Worth a call?"), ["sms.opt_out"]);
    assert_eq!(sms(&format!("{} STOP", "a".repeat(160))), ["sms.long"]);
    // An extension character takes two septets, and a letter outside of the alphabet none at all.
    assert_eq!(sms(&format!("{}€ STOP", "a".repeat(154))), ["sms.long"]);
    assert!(sms(&format!("{}€ STOP", "a".repeat(153))).is_empty());
    assert_eq!(sms("Привет STOP"), ["sms.alphabet"]);
    assert_eq!(codes(Channel::Linkedin, Form::Invitation, "", &"a".repeat(301)), ["linkedin.long"]);
    assert!(codes(Channel::Linkedin, Form::Message, "", &"a".repeat(301)).is_empty());
    let call = "This is an AI assistant. It is recorded.\n\nHi.\n\nWe do books.\n\nIs it worth a talk?";
    assert!(codes(Channel::Voice, Form::Plain, "", call).is_empty());
    assert_eq!(
        codes(Channel::Voice, Form::Plain, "", "Hi.\n\nHi.\n\nWe do books.\n\nA talk?"),
        ["voice.disclosure"]
    );
    assert_eq!(codes(Channel::Mail, Form::Postcard, "", "Hello"), ["mail.headline"]);
    assert_eq!(codes(Channel::Mail, Form::Postcard, "Hello", &"word ".repeat(101)), ["mail.long"]);
    assert_eq!(to_gsm("“Zoë’s” — čafé…"), "\"Zoe's\" - afé...");
}

proptest! {
    #[test]
    fn whatever_the_sheet_says_no_limit_is_broken(words in "\\PC{0,400}", step in 1_i16..=3, which in 0_usize..6) {
        let (channel, form) = FORMS[which];
        if let Ok(written) = write(&brief(channel, form, &words, step)) {
            let errors: Vec<_> = check(channel, form, &written.subject, &written.body).into_iter().filter(|i| i.error).collect();
            prop_assert!(errors.is_empty(), "{errors:?}: {}", written.body);
            prop_assert!(channel != Channel::Sms || septets(&written.body).is_some_and(|n| n <= SMS_SEPTETS));
        }
    }
}
