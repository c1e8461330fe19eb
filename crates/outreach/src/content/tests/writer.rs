use super::{brief, fact, follow_up};
use crate::content::{
    brief::{Brief, Topic},
    builtin, claims, compose, fill, limits, text,
};
use proptest::prelude::*;

#[test]
fn a_first_message_carries_a_fact_an_offer_one_question_and_the_footer() {
    let draft = compose::compose_builtin(&brief()).expect("writable");
    assert_eq!(draft.subject, "A question for Harbour Dental");
    assert!(draft.body.starts_with("Hi Priya,\n\n"), "{}", draft.body);
    assert!(draft.body.contains("Harbour Dental"), "{}", draft.body);
    assert!(draft.body.contains("We build booking pages for clinics"), "{}", draft.body);
    assert_eq!(limits::questions(&draft.body), 1);
    let end = "Kind regards,\nAlex\nNorthwind Studio\n\n--\nNorthwind Studio Pty Ltd, 12 Example Street, Sydney NSW 2000\nIf you would rather not hear from us again: https://app.example/u/abc\n";
    assert!(draft.body.ends_with(end), "{}", draft.body);
    assert_eq!(draft.facts_used[0]["id"], "lead.hiring");
    assert_eq!(draft.provenance["writer"], "builtin");
}

#[test]
fn the_same_lead_gets_the_same_words_and_others_get_others() {
    let one = builtin::write(&brief()).expect("writable");
    assert_eq!(one, builtin::write(&brief()).expect("writable"));
    let bodies: std::collections::BTreeSet<String> = (1..40_u128)
        .map(|n| {
            let mut other = brief();
            other.lead.id = uuid::Uuid::from_u128(n);
            builtin::write(&other).expect("writable").body
        })
        .collect();
    assert!(bodies.len() >= 8, "{} variants", bodies.len());
}

#[test]
fn a_follow_up_stays_in_the_thread_and_takes_the_next_fact() {
    let draft = compose::compose_builtin(&follow_up(2)).expect("writable");
    assert_eq!(draft.subject, "Re: Hiring at Harbour Dental");
    assert!(draft.body.contains("21 November"), "{}", draft.body);
    assert_eq!(draft.facts_used[0]["id"], "f1");
    let mut fresh = follow_up(2);
    fresh.step.threaded = false;
    assert!(!compose::compose_builtin(&fresh).expect("writable").subject.starts_with("Re:"));
}

#[test]
fn without_a_fact_of_weight_nothing_is_written() {
    let mut thin = brief();
    thin.facts = vec![fact("lead.city", Topic::Place, "Harbour Dental is in Newcastle")];
    assert_eq!(compose::compose_builtin(&thin).expect_err("unwritable").code, "no_fact");
}

#[test]
fn an_own_template_is_filled_and_sentences_without_value_are_left_out() {
    let mut own = brief();
    own.step.body_template = "Hi {{first_name}},\n\nYou run {{company}} in {{city}}. In {{industry}} that counts. As {{title}} you decide.\n\n{{offer}}.".into();
    own.lead.city = None;
    own.facts.retain(|fact| fact.topic != Topic::Industry);
    own.lead.industry = None;
    let written = builtin::write(&own).expect("writable");
    assert!(!written.body.contains("You run") && !written.body.contains("that counts"), "{}", written.body);
    assert!(written.body.starts_with("Hi Priya,\n\nAs Practice Manager you decide."), "{}", written.body);
    assert_eq!(written.used, ["lead.title"]);
    assert_eq!(limits::questions(&written.body), 1);
}

#[test]
fn the_smart_prompt_is_put_into_an_own_template() {
    let mut own = brief();
    own.step.subject_template = "{{company}} and us".into();
    own.step.body_template = "Dear {{first_name}},\n\n{{SMART_PROMPT}}\n\nI am in {{city}} next week.".into();
    let written = builtin::write(&own).expect("writable");
    assert_eq!(written.subject, "Harbour Dental and us");
    assert!(
        written.body.starts_with("Dear Priya,\n\n") && written.body.ends_with("I am in Newcastle next week."),
        "{}",
        written.body
    );
    assert_eq!(written.used, ["lead.hiring"]);
}

#[test]
fn a_template_of_which_nothing_is_left_is_not_sent() {
    let mut own = brief();
    own.lead.city = None;
    own.step.body_template = "You are in {{city}}.".into();
    assert_eq!(builtin::write(&own).expect_err("unwritable").code, "template");
}

#[test]
fn unknown_placeholders_are_named() {
    assert_eq!(fill::unknown("{{first_name}} {{ company }} {{firstname}}"), ["firstname"]);
}

#[test]
fn names_are_cleaned_before_they_are_used() {
    for (raw, clean) in [
        ("PRIYA", Some("Priya")),
        ("  Jo-Anne ", Some("Jo-Anne")),
        ("{{first_name}}", None),
        ("R2D2", None),
        ("💥", None),
        ("A\r\nBcc: x@y.example", None),
        ("O'Brien", Some("O'Brien")),
    ] {
        assert_eq!(text::first_name(raw).as_deref(), clean, "{raw:?}");
    }
    assert_eq!(
        text::statement("Is 50% {{x}} of <b>it</b> ours?\n[NAME]", 25).as_deref(),
        Some("Is 50% x of b it /b ours. NAME")
    );
}

#[test]
fn the_built_in_writer_says_nothing_that_the_claim_check_refuses() {
    for number in 1..=3 {
        for id in 1..60_u128 {
            let mut sheet = if number == 1 { brief() } else { follow_up(number) };
            sheet.lead.id = uuid::Uuid::from_u128(id);
            let written = builtin::write(&sheet).expect("writable");
            let found = claims::unsupported(&claims::Ground::of(&sheet), &written.body);
            assert_eq!(found, [], "{}", written.body);
        }
    }
}

/// Text from the outside: names, markup, placeholders, control characters, very long words.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z ]{0,40}",
        "[A-Z ]{5,60}",
        ".{0,300}",
        "[a-zA-Z]{300}",
        "(\\{\\{[a-z_]{1,10}\\}\\}|\\[NAME\\]|<NAME>|%NAME%|\\{x\\}|free|WIN|casino|\\?|!|[ -~]){0,30}",
        "[\u{0}-\u{1f}\u{7f}\u{1F600}-\u{1F64F}a-z ]{0,50}",
        Just("What? Why? How? {{offer}} [COMPANY] FREE CASH %X%".to_owned()),
    ]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), hostile().prop_map(Some)]
}

fn sheets() -> impl Strategy<Value = Brief> {
    let lead = (maybe(), maybe(), maybe(), maybe(), maybe());
    let topics = prop_oneof![
        Just(Topic::Hiring),
        Just(Topic::Funding),
        Just(Topic::NewRole),
        Just(Topic::PainPoint),
        Just(Topic::Objection),
        Just(Topic::Social),
        Just(Topic::Title),
        Just(Topic::Industry),
        Just(Topic::Size),
        Just(Topic::Technology),
        Just(Topic::Profile),
        Just(Topic::Place),
    ];
    let facts = proptest::collection::vec((topics, hostile(), any::<bool>()), 0..6);
    (lead, facts, maybe(), hostile(), hostile(), 1_i16..5, any::<u128>(), any::<bool>()).prop_map(
        |((first, company, title, industry, city), facts, offer, client, sender, number, id, earlier)| {
            let mut sheet = if earlier { follow_up(number) } else { brief() };
            sheet.step.number = number;
            sheet.lead.id = uuid::Uuid::from_u128(id);
            sheet.lead.first_name = first;
            sheet.lead.company = company;
            sheet.lead.title = title;
            sheet.lead.industry = industry;
            sheet.lead.city = city;
            sheet.client.name = client;
            sheet.client.offer = offer;
            sheet.sender.name = sender;
            sheet.facts = facts
                .into_iter()
                .enumerate()
                .map(|(n, (topic, text, own))| {
                    fact(&if own { format!("lead.{n}") } else { n.to_string() }, topic, &text)
                })
                .collect();
            sheet.order();
            sheet
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_sheet_says_the_built_in_writer_keeps_every_limit(sheet in sheets()) {
        match builtin::write(&sheet) {
            Ok(written) => {
                let errors: Vec<_> = limits::check(&written.subject, &written.body).into_iter().filter(|i| i.error).collect();
                prop_assert!(errors.is_empty(), "{errors:?}\n{}\n{}", written.subject, written.body);
                let whole = compose::compose_builtin(&sheet).expect("written once already");
                prop_assert!(whole.body.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", whole.body);
                prop_assert!(limits::leftovers(&whole.body).is_empty(), "{}", whole.body);
                prop_assert!(whole.body.contains("https://app.example/u/abc"));
                let used = whole.facts_used.as_array().map_or(0, Vec::len);
                prop_assert!(used > 0);
            }
            Err(unwritable) => prop_assert_eq!(unwritable.code, "no_fact", "{}", unwritable.detail),
        }
    }
}

#[test]
fn three_hundred_drafts_over_all_channels_claim_nothing_that_the_sheet_does_not_carry() {
    let (mut drafts, mut found) = (0, Vec::new());
    for sheet in super::sheets::three_hundred() {
        let draft = compose::compose_builtin(&sheet).unwrap_or_else(|why| panic!("{why}: {sheet:?}"));
        drafts += 1;
        let said = if sheet.step.channel == crate::channel::Channel::Email {
            draft.body.split("Kind regards,").next().unwrap_or_default().to_owned()
        } else {
            compose::claimed(&sheet, &draft.body)
        };
        let ground = claims::Ground::of(&sheet);
        let parts: Vec<_> = [said.as_str(), draft.subject.as_str()]
            .iter()
            .flat_map(|text| claims::unsupported(&ground, text))
            .collect();
        if !parts.is_empty() {
            found.push((parts, draft.body.clone()));
        }
        assert!(draft.facts_used.as_array().is_some_and(|used| !used.is_empty()));
        assert!(draft.facts_used[0]["rank"] == "high" || draft.facts_used[0]["rank"] == "medium");
    }
    assert_eq!((drafts, found.len()), (300, 0), "{found:#?}");
}
