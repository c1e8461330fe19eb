use super::text::{Ours, own_words};
use super::train::{Example, Measure, read_examples};
use super::{
    Intent, Method, Objection, OurMail, Understood, entities, eval, optout, phrase, understand,
    understand_text,
};
use base::Time;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Monday, 1 December 2025.
fn now() -> Time {
    "2025-12-01T02:00:00Z".parse().unwrap()
}

fn read(text: &str) -> Understood {
    understand_text(text, now(), &OurMail::default())
}

fn examples(name: &str) -> Vec<Example> {
    let path = format!("{}/../../fixtures/replies/{name}", env!("CARGO_MANIFEST_DIR"));
    read_examples(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

#[test]
fn only_the_persons_own_words_remain() {
    let table = [
        (
            "Yes please\n\nOn Mon, 2 Mar 2026 at 09:00, Sam <sam@ours.test> wrote:\n> unsubscribe here",
            "Yes please",
        ),
        (
            "Yes please\n\nOn Mon, 2 Mar 2026 at 09:00, Sam Porter\n<sam@ours.test> wrote:\n\nunmarked quote",
            "Yes please",
        ),
        ("Gern\n\nAm 02.03.2026 um 09:00 schrieb Sam <sam@ours.test>:\n> Hallo", "Gern"),
        ("Oui\n\nLe lun. 2 mars 2026 à 09:00, Sam <sam@ours.test> a écrit :\n> Bonjour", "Oui"),
        ("Sí\n\nEl lun, 2 mar 2026 a las 9:00, Sam (<sam@ours.test>) escribió:\n> Hola", "Sí"),
        ("No thanks\n\n-----Original Message-----\nFrom: Sam\nstop", "No thanks"),
        (
            "Fine\n\n________________________________\nFrom: Sam <s@o.test>\nSent: Monday\nTo: Ann\nSubject: Hi\n\nstop",
            "Fine",
        ),
        ("Fine\n\nVon: Sam\nGesendet: Montag\nAn: Ann\nBetreff: Hi\n\nabmelden", "Fine"),
        ("> How many staff?\nTwelve\n> Which city?\nPerth", "Twelve\nPerth"),
        ("On 3 Mar Sam <s@o.test> wrote:\n> How many staff?\nTwelve", "Twelve"),
        ("Call me\n-- \nAnn Lee\nAcme", "Call me"),
        ("Call me\n\nKind regards,\nAnn Lee\n0412 345 678", "Call me"),
        ("Call me\n\nSent from my iPhone", "Call me"),
        (
            "Not now.\n\nThanks,\nAnn\n\nPS please take me off your list",
            "Not now.\n\nPS please take me off your list",
        ),
        ("Thanks,\nbut we have one already", "Thanks,\nbut we have one already"),
        ("Ok\n\nTo unsubscribe, click here: https://ours.test/u/1", "Ok"),
        ("On Monday we wrote: the plan", "On Monday we wrote: the plan"),
    ];
    for (raw, expected) in table {
        assert_eq!(own_words(raw, &Ours::default()).text, expected, "{raw}");
    }
}

#[test]
fn our_own_lines_that_come_back_unmarked_are_removed() {
    let ours = Ours {
        body: Some("We help dentists fill empty chairs."),
        footer: Some("If this is not for you, reply and I will stop writing."),
    };
    let raw = "Tell me more\n\nWe help dentists fill empty chairs.\nIf this is not for you, reply and I will stop writing.";
    assert_eq!(own_words(raw, &ours).text, "Tell me more");
}

#[test]
fn opt_outs_are_seen_in_any_clothes() {
    for text in [
        "STOP",
        "stop",
        "Please stop",
        "unsubscribe",
        "Unsubcribe pls",
        "take me off",
        "Take us off your list",
        "remove me",
        "please remove my email from your database",
        "stop emailing me",
        "No more emails",
        "I want to unsubscribe",
        "Please do not contact me again",
        "don't email me",
        "please don't send me any more of these",
        "Merci de me désinscrire",
        "Bitte tragen Sie mich aus / austragen",
        "quiero darme de baja",
        "mail mat bhejo",
        "Leave me alone",
        "I'd like to opt out",
        "Looks great, but take me off your list",
        "why don't you stop emailing me",
        "kindly remove my id from list",
        "Kindly discontinue these mails",
    ] {
        assert!(optout::find(text).is_some(), "{text}");
        assert!(read(text).opt_out, "{text}");
    }
}

#[test]
fn what_only_sounds_like_an_opt_out_is_none() {
    for text in [
        "please don't stop",
        "Please stop by our booth at the expo",
        "don't unsubscribe me",
        "Never unsubscribe me, I love these",
        "We can't stop talking about it",
        "Does your tool handle unsubscribes?",
        "What is your unsubscribe rate?",
        "Ping me an invite",
        "Email me the details",
        "Contact me on Monday",
        "Call us on 03 9555 0142",
        "We offer a one stop shop",
        "Remove the second slot, Tuesday is fine",
        "Take me through it on Thursday",
        "Don't contact me until March",
        "Please send me an email",
        "To unsubscribe from this list click here",
        "This won't stop us",
        "I opted for plan B",
    ] {
        assert_eq!(optout::find(text), None, "{text}");
    }
}

#[test]
fn a_quoted_footer_never_opts_anybody_out() {
    let footer = "To unsubscribe click here. Reply STOP to opt out.";
    for raw in [
        format!("Sounds good\n\nOn 2 Mar 2026, Sam <s@o.test> wrote:\n> Hello\n> {footer}"),
        format!("Sounds good\n\n-----Original Message-----\nHello\n{footer}"),
        format!("Sounds good\n\nFrom: Sam\nSent: Monday\nTo: Ann\nSubject: x\n\n{footer}"),
        format!("Sounds good\n\n{footer}"),
    ] {
        let found = read(&raw);
        assert!(!found.opt_out, "{raw}");
        assert_eq!(found.intent, Intent::Interested, "{raw}");
    }
}

#[test]
fn the_safest_intent_wins_and_negation_is_understood() {
    use Intent::*;
    let table = [
        ("Not interested, thanks.", NotInterested),
        ("I'm not interested at this time.", NotInterested),
        ("Happy to chat in Q3, not now", NotInterested),
        ("Please stop by our booth at the expo, happy to chat on Tuesday", MeetingRequest),
        ("We are interested, let's talk on Tuesday at 2pm", MeetingRequest),
        ("Sounds interesting, tell me more", Interested),
        ("We already have an agency but I'd love to see what you do", Interested),
        ("Love it, but we already have an agency", NotInterested),
        ("How much is it?", Question),
        ("Interesting product, but unsubscribe me", Unsubscribe),
        ("I'm keen to talk but stop emailing my staff", Unsubscribe),
        ("Fuck off, this is spam. Take me off your list", Angry),
        ("Our lawyer will contact you", Angry),
        ("I'm not the right person, please contact jane@acme.test", Referral),
        ("I no longer work there", WrongPerson),
        ("You have the wrong person", WrongPerson),
        ("I am out of the office until Monday", OutOfOffice),
        ("This is an automated response", AutoReply),
        ("Ok", Unclear),
        ("", Unclear),
    ];
    for (text, expected) in table {
        let found = read(text);
        assert_eq!(found.intent, expected, "{text}: {found:?}");
    }
}

#[test]
fn plain_answers_of_each_kind_are_read_as_what_they_are() {
    use Intent::*;
    for (text, expected) in [
        ("Hi,\n\nsounds interesting. Could you send me more details?\n\nThanks", Interested),
        ("Sounds interesting, please send me more details.", Interested),
        ("Hello,\n\nhappy to have a chat. Does Tuesday at 3pm work for you?\n\nCheers", MeetingRequest),
        ("Hi,\n\nwhat does it cost, and do you work with companies of our size?\n\nRegards", Question),
        ("Thanks, but we are not interested.\n\nRegards", NotInterested),
        ("Please remove me from your list.\n", Unsubscribe),
        (
            "I am out of the office and will be back on Monday. In urgent cases please call our front desk.",
            OutOfOffice,
        ),
        ("This is spam. How dare you send me this rubbish? Stop harassing me or I will report you.", Angry),
        ("This is disgusting spam, you idiots. I will report you.", Angry),
        ("Please contact our marketing manager instead: sam@prospect.example", Referral),
        ("I am not the right person for this, I do not work in that area.\n\nRegards", WrongPerson),
        ("I am not the right person for this.", WrongPerson),
        ("Purple elephants on the roof.", Unclear),
    ] {
        let found = read(text);
        assert_eq!(found.intent, expected, "{text}: {found:?}");
    }
}

#[test]
fn anger_with_an_opt_out_keeps_both() {
    let found = read("Fuck off and take me off your list");
    assert_eq!(found.intent, Intent::Angry);
    assert!(found.opt_out);
    assert!(found.sentiment < -0.4);
}

#[test]
fn headers_decide_before_words() {
    let raw = b"From: Ann <ann@acme.test>\r\nTo: me@ours.test\r\nSubject: Automatic reply: hi\r\nAuto-Submitted: auto-replied\r\nDate: Mon, 24 Feb 2025 09:00:00 +1100\r\n\r\n\
        I am interested in many things but on leave, back on Monday 3 March. To opt out reply STOP.\r\n";
    let found = understand(raw, "2025-02-24T00:00:00Z".parse().unwrap(), &OurMail::default());
    assert_eq!((found.intent, found.by), (Intent::OutOfOffice, Method::Header));
    assert_eq!(found.return_date, Some(date(2025, 3, 3)));
    assert!(!found.opt_out);
}

#[test]
fn an_auto_reply_that_says_somebody_left_is_a_wrong_person() {
    let raw = b"From: ann@acme.test\r\nSubject: Automatic reply: hi\r\nAuto-Submitted: auto-replied\r\n\r\nAnn no longer works here. Please contact bob@acme.test.\r\n";
    let found = understand(raw, now(), &OurMail::default());
    assert_eq!(found.intent, Intent::WrongPerson);
    assert_eq!(found.referral.as_deref(), Some("bob@acme.test"));
}

#[test]
fn return_dates_are_read_as_people_write_them() {
    let today = date(2025, 12, 1);
    let table: &[(&str, Option<Date>)] = &[
        ("I'm back on Monday 3 March", Some(date(2026, 3, 3))),
        ("Out of office until 12/01/2026", Some(date(2026, 1, 12))),
        ("on leave, returning 5 Jan", Some(date(2026, 1, 5))),
        ("Ich bin im Urlaub und am 3. März zurück", Some(date(2026, 3, 3))),
        ("away from 1 December to 12 December, back on the 15th", Some(date(2025, 12, 15))),
        ("I will return on January 9", Some(date(2026, 1, 9))),
        ("OOO until Friday", Some(date(2025, 12, 5))),
        ("I'll be back tomorrow", Some(date(2025, 12, 2))),
        ("de retour le 15 décembre", Some(date(2025, 12, 15))),
        ("Estaré fuera hasta el 10 de enero de 2026", Some(date(2026, 1, 10))),
        ("away until 2026-01-20", Some(date(2026, 1, 20))),
        ("Out of office from 22.12. bis 05.01.2026", Some(date(2026, 1, 5))),
        ("I am away with no access to email", None),
        ("until 31/02/2026", None),
    ];
    for (text, expected) in table {
        assert_eq!(entities::return_date(text, today, true), *expected, "{text}");
    }
    assert_eq!(entities::return_date("out until 12/01/2026", today, false), Some(date(2026, 12, 1)));
}

#[test]
fn facts_inside_a_reply_are_found_and_never_made_up() {
    let found = read(
        "Thanks Sam. What does it cost? Do you cover\nthe west? You could ask Bob, bob@acme.test, or ring 0412 345 678.",
    );
    assert_eq!(found.questions, ["What does it cost?", "Do you cover\nthe west?"]);
    assert_eq!(found.phone.as_deref(), Some("0412 345 678"));
    assert_eq!(read("Please contact my colleague Bob Smith at Acme").referral, None);
    let ours = OurMail { addresses: vec!["sam@ours.test".to_owned()], ..OurMail::default() };
    assert_eq!(
        understand_text("Wrong person, sam@ours.test. Try bob@acme.test", now(), &ours).referral.as_deref(),
        Some("bob@acme.test")
    );
    let words = phrase::words("Tuesday 3pm or tomorrow morning");
    assert_eq!(
        entities::times("Tuesday 3pm or tomorrow morning", &words),
        ["Tuesday 3pm", "tomorrow morning"]
    );
}

#[test]
fn objections_are_named() {
    for (text, expected) in [
        ("We don't have the budget", Objection::Budget),
        ("We already work with an agency", Objection::Competitor),
        ("Not now, try me next year", Objection::Timing),
        ("I'd have to check with my boss, not interested for now though", Objection::Authority),
        ("We don't need this", Objection::Need),
        ("No thanks", Objection::Other),
    ] {
        assert_eq!(read(text).objection, Some(expected), "{text}");
    }
}

#[test]
fn an_eval_line_may_be_a_message_or_plain_text() {
    let plain = eval::answer_json(r#"{"id":1,"raw":"Not interested, thanks."}"#, now()).unwrap();
    assert!(
        plain.contains(r#""id":1"#)
            && plain.contains(r#""intent":"not_interested""#)
            && plain.contains(r#""opt_out":false"#),
        "{plain}"
    );
    let message = eval::answer_json(
        r#"{"id":"m","raw":"From: a@b.test\nSubject: Re: hi\nDate: Mon, 1 Dec 2025 09:00:00 +0000\n\nI'm on leave, back on 5 January\n"}"#,
        now(),
    )
    .unwrap();
    assert!(
        message.contains(r#""return_date":"2026-01-05""#) && message.contains("out_of_office"),
        "{message}"
    );
    assert!(!eval::looks_like_message("Note: call me\n\nthanks"));
    assert!(eval::answer_json("{}", now()).is_err());
}

#[test]
fn any_text_is_read_without_panic() {
    for text in [
        "\u{0}\u{ffff}",
        "İ'''’’",
        "a@",
        "?\n?\n?",
        "۳ مارس",
        "on on on on:",
        "99/99/99 until 31/31",
        "-",
        "é'é'é@é.é",
    ] {
        let _ = read(text);
        let _ = read(&text.repeat(500));
    }
}

#[test]
fn measured_quality_stays_above_the_published_floor() {
    for (part, authors, floor) in [("development.jsonl", 6, 0.94), ("held_out.jsonl", 8, 0.90)] {
        let mut measure = Measure::default();
        let replies = examples(part);
        for example in &replies {
            let found = read(&example.text);
            measure.add(example, found.intent, found.opt_out);
        }
        assert_eq!(authors_of(&replies).len(), authors, "{part}");
        assert!(measure.macro_f1() >= floor, "{part}: macro-F1 {}", measure.macro_f1());
        assert!(measure.opt_out_recall() >= 0.99, "{part}: opt-out recall {}", measure.opt_out_recall());
        assert!(measure.positive_precision() >= 0.97, "{part}: positive {}", measure.positive_precision());
    }
}

fn authors_of(replies: &[Example]) -> BTreeSet<&str> {
    replies.iter().map(|example| example.author.as_str()).collect()
}

#[test]
fn no_author_and_no_reply_is_on_two_sides() {
    let parts = ["train.jsonl", "development.jsonl", "held_out.jsonl"].map(examples);
    assert!(parts.iter().map(Vec::len).sum::<usize>() >= 600);
    let texts = |part: &[Example]| -> BTreeSet<String> {
        part.iter().map(|example| example.text.to_lowercase()).collect()
    };
    for (at, one) in parts.iter().enumerate() {
        for other in &parts[at + 1..] {
            assert!(authors_of(one).is_disjoint(&authors_of(other)));
            assert!(texts(one).is_disjoint(&texts(other)));
        }
    }
    // The weights are those of these replies.
    assert_eq!(super::train::train(&parts[0]), super::classifier::shipped());
}

#[test]
fn public_replies_are_taken_apart_as_their_authors_expect() {
    let folder = format!("{}/../../fixtures/reply_extraction", env!("CARGO_MANIFEST_DIR"));
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut right, mut all) = (0, 0);
    for entry in std::fs::read_dir(format!("{folder}/expected")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        let raw = std::fs::read(format!("{folder}/messages/{name}")).unwrap();
        let expected = std::fs::read_to_string(format!("{folder}/expected/{name}")).unwrap();
        let found = own_words(&crate::mail::read(&raw).text, &Ours::default());
        all += 1;
        right += u32::from(flat(&found.reply) == flat(&expected));
    }
    // The two that differ keep “Sent from my iPhone” and a signature below “--”.
    assert!(all >= 12 && right + 2 >= all, "{right} of {all}");
}

#[test]
fn amounts_and_suppliers_are_found_as_written() {
    for (text, budget, competitor) in [
        ("Our budget is $2,500 a month", Some("$2,500 a month"), None),
        ("we can do Rs 20,000 per month max", Some("Rs 20,000 per month"), None),
        ("max 5k AUD", Some("5k AUD"), None),
        ("3 lakh is too much", Some("3 lakh"), None),
        ("Wir haben 1.500 € im Monat", Some("1.500 € im Monat"), None),
        ("call 0412 345 678 at 3", None, None),
        ("We are 40 people", None, None),
        ("We already use HubSpot, thanks", None, Some("HubSpot")),
        ("We went with Acme Digital last year", None, Some("Acme Digital")),
        ("I have a contract with Apollo until June", None, Some("Apollo")),
        ("We switched to Pipedrive", None, Some("Pipedrive")),
        ("We already have an agency", None, None),
        ("we already use somebody else", None, None),
    ] {
        let found = read(text);
        assert_eq!(found.budget.as_deref(), budget, "{text}");
        assert_eq!(found.competitor.as_deref(), competitor, "{text}");
    }
}

#[test]
fn sentiment_follows_the_words() {
    for (text, low, high) in [
        ("Love it, great timing, happy to talk", 0.5, 1.0),
        ("Thanks, sounds good", 0.1, 1.0),
        ("Tuesday at ten", -0.1, 0.1),
        ("No, unfortunately we are too busy", -0.8, -0.1),
        ("This is spam, what a ridiculous waste of time", -1.0, -0.8),
        ("not good", -0.6, -0.05),
    ] {
        let found = read(text).sentiment;
        assert!((low..=high).contains(&found), "{text}: {found}");
    }
}

#[test]
fn times_are_found_as_written() {
    for (text, expected) in [
        ("Tuesday at half ten?", &["Tuesday", "half ten"][..]),
        ("Tues 3 EST works", &["Tues 3 EST"]),
        ("tomorrow 3pm or Friday morning", &["tomorrow 3pm", "Friday morning"]),
        ("kal subah", &["kal subah"]),
        ("we did this in 2019", &[]),
    ] {
        assert_eq!(entities::times(text, &phrase::words(text)), expected, "{text}");
    }
}

const QUOTES: [&str; 5] = [
    "\n\nOn Tue, 4 Aug 2026 at 10:12, Sam Porter <sam@ours.test> wrote:\n> {}\n> {}\n",
    "\n\n-----Original Message-----\nFrom: Sam Porter\nSent: Monday\nSubject: Hi\n\n{}\n{}\n",
    "\n\n________________________________\nFrom: Sam <sam@ours.test>\nSent: Monday\nTo: Ann\nSubject: Hi\n\n{}\n",
    "\n\nAm 04.08.2026 um 10:12 schrieb Sam <sam@ours.test>:\n> {}\n",
    "\n\n> {}\n> {}\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn quoted_text_never_changes_the_intent(
        at in 0usize..200,
        quote in prop::sample::select(QUOTES.to_vec()),
        line in prop::sample::select(vec![
            "Please unsubscribe me, stop emailing", "I would love to talk on Tuesday at 3pm", "Fuck off, spammer",
            "I am out of the office until Monday", "Not interested", "You have the wrong person", "How much is it?",
        ]),
    ) {
        let replies = examples("development.jsonl");
        let own = own_words(&replies[at % replies.len()].text, &Ours::default()).text;
        prop_assume!(!own.is_empty());
        let (alone, answered) = (read(&own), read(&format!("{own}{}", quote.replace("{}", line))));
        prop_assert_eq!((alone.intent, alone.opt_out), (answered.intent, answered.opt_out), "{} / {}", own, quote);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), text in "\\PC{0,300}") {
        let _ = understand(&bytes, now(), &OurMail::default());
        let _ = read(&text);
        let _ = read(&String::from_utf8_lossy(&bytes));
        let _ = crate::bounce::eval::recipients(&bytes);
    }

    #[test]
    fn any_report_is_read_without_panic(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "Final-Recipient: rfc822;", "a@b.test", ">>> RCPT To:<a@b.test>", "<<< 550 5.1.1", "550", "<é@é>:", "",
                "Diagnostic-Code: smtp; 5", "--b", "Content-Type: message/delivery-status", "{\"notificationType\":\"Bounce\"",
                "On Mon, 2 Mar 2026 at 9:00 Ann", "> x", "--", "Status: 9.9.9", "2016-03-03 17:21 GMT <a@b>:", "wrote:",
            ]),
            0..30,
        )
    ) {
        let raw = format!(
            "From: MAILER-DAEMON\r\nContent-Type: multipart/report; boundary=b; report-type=delivery-status\r\n\r\n{}",
            lines.join("\r\n")
        );
        let _ = crate::bounce::eval::recipients(raw.as_bytes());
        let _ = understand(raw.as_bytes(), now(), &OurMail::default());
        let _ = read(&lines.join("\n"));
    }
}
