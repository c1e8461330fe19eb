//! Every channel from its step to what the provider reports of it.

use super::world::World;
use crate::{
    account, campaign,
    channel::{Channel, Form, way::PostalAddress},
    postal, resource,
    sequence::{self, Reach, Step},
    touch::Mode,
};
use ports::{
    delivery::{CallEnd, Event, Provider, What},
    voice::Outcome,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A hot lead with every address, and a campaign of one step of a channel over an account of its own.
async fn on(channel: Channel, form: Form, manual: bool) -> (World, Uuid) {
    over(World::new(Mode::Autopilot, 1).await, channel, form, manual, None).await
}

/// [`on`] in a world, with the service at another address than its own.
pub async fn over(
    w: World,
    channel: Channel,
    form: Form,
    manual: bool,
    base_url: Option<String>,
) -> (World, Uuid) {
    w.sql("update leads.lead set score = 90, tier = 'hot', phone = '+61400000002', linkedin_url = 'https://www.linkedin.com/in/Priya-Nair/', consent = 'express'").await;
    let typed = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let (provider, mut keys, address, details) = match channel {
        Channel::Email => unreachable!("the world's own"),
        Channel::Sms => {
            ("twilio", typed(&[("account_sid", "AC1"), ("auth_token", "t")]), "+61400000001", typed(&[]))
        }
        Channel::Linkedin => (
            "heyreach",
            typed(&[("api_key", "k"), ("connect_campaign", "7")]),
            "Ana Wells",
            typed(&[("seat", "3")]),
        ),
        Channel::Voice => (
            "vapi",
            typed(&[("api_key", "vapi-k")]),
            "+61400000001",
            typed(&[("assistant", "a"), ("phone_number", "p")]),
        ),
        Channel::Mail => (
            "lob",
            typed(&[("api_key", "test_k")]),
            "",
            typed(&[("line1", "1 George Street"), ("city", "Sydney"), ("country", "AU")]),
        ),
    };
    keys.extend(base_url.map(|url| ("base_url".to_owned(), url)));
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let own = account::add(&mut cx, &w.sender.keyring, provider, "", &keys).await.expect("an account");
    let new = resource::NewSender {
        channel,
        account: own.uuid(),
        address: address.into(),
        display_name: "Ana Wells".into(),
        details,
    };
    let sender = resource::add_sender(&mut cx, new).await.expect("a sender");
    campaign::assign(&mut cx, w.campaign.into(), &[sender.uuid()]).await.expect("assigned");
    let change =
        campaign::Change { allocation: Some([(channel, 100)].into()), ..campaign::Change::default() };
    campaign::edit(&mut cx, w.campaign.into(), &change).await.expect("changed");
    let steps = vec![
        Step { channel, form, manual, ..Step::default() },
        Step { channel, form, manual, delay_days: 5, ..Step::default() },
    ];
    sequence::save_for(&mut cx, w.campaign.into(), "", steps, Reach::InFlightToo).await.expect("saved");
    let at = PostalAddress {
        line1: "2 Pitt Street".into(),
        city: "Sydney".into(),
        country: "AU".into(),
        ..PostalAddress::default()
    };
    postal::set(&mut cx, w.leads[0], &at, "test").await.expect("an address");
    cx.commit().await.expect("a commit");
    (w, own.uuid())
}

pub async fn report(
    w: &World,
    account: Uuid,
    provider: Provider,
    key: &str,
    about: Option<Uuid>,
    what: What,
) {
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let at = cx.now();
    let event = Event { provider, key: key.to_owned(), at, provider_ref: None, ours: about, what };
    account::receive::keep(&mut cx, provider, account, &event, b"{}").await.expect("kept");
    cx.commit().await.expect("a commit");
    w.settle().await;
}

#[tokio::test]
async fn each_channel_hands_its_own_message_over_once_and_costs_are_counted() {
    for (channel, form) in [
        (Channel::Sms, Form::Plain),
        (Channel::Linkedin, Form::Invitation),
        (Channel::Voice, Form::Plain),
        (Channel::Mail, Form::Postcard),
    ] {
        let (w, _) = on(channel, form, false).await;
        w.run_s(3_600).await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.enrolment.as_str()),
            ("sent", "active"),
            "{channel:?} {:?}",
            touch.detail
        );
        let o = &w.outside;
        let counts =
            [o.sms.sent().len(), o.linkedin.done().len(), o.voice.placed().len(), o.post.posted().len()];
        let mut expected = [0; 4];
        expected[Channel::ALL.iter().position(|c| *c == channel).expect("one") - 1] = 1;
        assert_eq!(counts, expected, "{channel:?}");
        match channel {
            Channel::Sms => {
                let sms = &o.sms.sent()[0].what;
                assert_eq!((sms.to.as_str(), sms.id), ("+61400000002", touch.id.uuid()));
                assert!(sms.text.contains("STOP") && sms.report_to.is_some());
            }
            Channel::Linkedin => assert_eq!(
                o.linkedin.done()[0].what.person.profile.as_str(),
                "https://www.linkedin.com/in/priya-nair"
            ),
            Channel::Voice => {
                let script = &o.voice.placed()[0].what.script;
                assert!(
                    script.ai_disclosure.contains("AI assistant")
                        && script.recording_disclosure.contains("recorded")
                );
            }
            Channel::Mail => assert!(o.post.posted()[0].what.back.contains("/u/")),
            Channel::Email => {}
        }
        let held = if channel == Channel::Voice { "reserved" } else { "settled" };
        assert_eq!(
            w.count(&format!(
                "select count(*) from control.spend where state::text = '{held}' and task = 'outreach.send'"
            ))
            .await,
            1,
            "{channel:?}"
        );
        assert_eq!(w.provider.kept().len(), 0);
    }
}

#[tokio::test]
async fn stop_by_text_message_holds_on_every_channel_from_the_transaction_that_stores_it() {
    let (w, account) = on(Channel::Sms, Form::Plain, false).await;
    w.run_s(3_600).await;
    let stop = || What::OptedOut { from: "+61400000002".into(), text: Some("STOP".into()) };
    report(&w, account, Provider::Twilio, "SM1:received", None, stop()).await;
    report(&w, account, Provider::Twilio, "SM1:received", None, stop()).await;
    let touch = w.touch(0).await;
    assert_eq!((touch.lead.as_str(), touch.enrolment.as_str()), ("unsubscribed", "stopped"));
    let entries = w.count("select count(*) from leads.suppression where tenant_id is null and released_at is null and kind::text in ('phone', 'email')").await;
    assert_eq!(entries, 2, "the number and the mailbox, for everybody");
    assert_eq!(w.count("select count(*) from outreach.delivery").await, 1, "the second delivery is the same");
    w.run_s(20 * 86_400).await;
    assert_eq!((w.outside.sms.sent().len(), w.provider.kept().len()), (1, 0));
}

#[tokio::test]
async fn a_call_has_an_outcome_and_who_asks_not_to_be_called_is_not() {
    let (w, account) = on(Channel::Voice, Form::Plain, false).await;
    w.run_s(3_600).await;
    let touch = w.touch(0).await.id.uuid();
    let end = CallEnd {
        summary: Some("Asked to be left alone.".into()),
        transcript: Some("AI: Hello.\nUser: Please take me off your list and do not call me again.".into()),
        ..CallEnd::new(Outcome::Completed, "customer-ended-call")
    };
    report(&w, account, Provider::Vapi, "c1:end", Some(touch), What::CallEnded(Box::new(end))).await;
    assert_eq!(w.touch(0).await.lead, "unsubscribed");
    assert_eq!(
        w.count("select count(*) from outreach.touch where ended_at is not null and outcome = 'completed'")
            .await,
        1
    );
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'called' and detail ->> 'answered' = 'true'").await, 1);
    assert_eq!(w.count("select count(*) from control.spend where state::text = 'settled'").await, 1);
}

#[tokio::test]
async fn reports_never_lead_a_message_back_and_say_what_a_condition_asks() {
    let (w, account) = on(Channel::Linkedin, Form::Invitation, false).await;
    w.run_s(3_600).await;
    let touch = w.touch(0).await.id.uuid();
    for (key, what) in
        [("1", What::Delivered), ("2", What::Sent { message_id: None }), ("3", What::Connected)]
    {
        report(&w, account, Provider::HeyReach, key, Some(touch), what).await;
    }
    assert_eq!(w.count("select count(*) from outreach.touch where outcome = 'delivered'").await, 1);
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let known = sequence::known(&mut cx, w.campaign, &w.leads).await.expect("known");
    assert!(known[&w.leads[0]].connected);
}

#[tokio::test]
async fn nobody_is_called_without_a_fresh_answer_of_the_register_and_never_in_the_united_states() {
    let (w, _) = on(Channel::Voice, Form::Plain, false).await;
    w.sql("update leads.lead set consent = 'inferred_published'").await;
    w.run_s(3_600).await;
    assert_eq!(w.touch(0).await.code.as_deref(), Some("consent.not_washed"));
    washed(&w, "2026-01-15", "clear").await;
    w.run_s(7 * 3_600).await;
    assert_eq!(w.touch(0).await.code.as_deref(), Some("consent.wash_old"));
    washed(&w, "2026-03-01", "clear").await;
    w.run_s(86_400).await;
    assert_eq!(w.outside.voice.placed().len(), 1);
    let (w, _) = on(Channel::Voice, Form::Plain, false).await;
    w.sql("update leads.lead set country = 'US', consent = 'express', zone = 'Australia/Sydney'").await;
    w.run_s(3_600).await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), w.outside.voice.placed().len()), ("skipped", 0));
    assert_eq!(
        w.count("select count(*) from outreach.touch where skip_code = 'consent.not_for_channel'").await,
        1,
        "it is passed over"
    );
}

/// A wash of the lead's number on a day, with what the register said.
async fn washed(w: &World, day: &str, word: &str) {
    w.sql("insert into leads.dnc_wash (id, tenant_id, numbers, created_by, created_at) values ('00000000-0000-7000-8000-000000000001', $T, 1, 'test', now()) on conflict do nothing").await;
    w.sql(&format!(
        "insert into leads.dnc (tenant_id, phone, result, wash_id, washed_at, valid_until)
         values ($T, '+61400000002', '{word}', '00000000-0000-7000-8000-000000000001', '{day}', '{day}'::timestamptz + interval '30 days')
         on conflict (tenant_id, phone) do update set result = excluded.result, washed_at = excluded.washed_at, valid_until = excluded.valid_until"
    ))
    .await;
}

#[tokio::test]
async fn a_listed_number_is_never_called_and_the_register_says_nothing_of_numbers_elsewhere() {
    let (w, _) = on(Channel::Voice, Form::Plain, false).await;
    w.sql("update leads.lead set consent = 'inferred_published'").await;
    washed(&w, "2026-03-01", "listed").await;
    w.run_s(3_600).await;
    assert_eq!(w.outside.voice.placed().len(), 0);
    assert_eq!(
        w.count(
            "select count(*) from outreach.touch where skip_code = 'consent.listed' and retry_at is null"
        )
        .await,
        1
    );
    let (w, _) = on(Channel::Voice, Form::Plain, false).await;
    w.sql("update leads.lead set consent = 'inferred_published', phone = '+6421000002'").await;
    w.run_s(3_600).await;
    assert_eq!(w.outside.voice.placed().len(), 1);
}

#[tokio::test]
async fn a_manual_step_becomes_a_task_that_a_person_completes() {
    let (w, _) = on(Channel::Linkedin, Form::Invitation, true).await;
    w.run_s(3_600).await;
    let asked = w.touch(0).await;
    assert_eq!(asked.state, "awaiting_approval", "even on autopilot");
    assert_eq!(w.count("select count(*) from control.approval where kind = 'outreach.task'").await, 1);
    w.approve(0).await;
    w.settle().await;
    let done = w.touch(0).await;
    assert_eq!((done.state.as_str(), w.outside.linkedin.done().len()), ("sent", 0));
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'task_done'").await, 1);
    assert_eq!(done.next_due_at, Some(w.db.clock_now().plus_days(5)));
}

#[tokio::test]
async fn a_name_as_sender_needs_the_register_in_australia() {
    let (w, account) = on(Channel::Sms, Form::Plain, false).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let new = resource::NewSender {
        channel: Channel::Sms,
        account,
        address: "Anchor".into(),
        display_name: "Ana".into(),
        details: BTreeMap::new(),
    };
    let name = resource::add_sender(&mut cx, new).await.expect("a sender");
    campaign::assign(&mut cx, w.campaign.into(), &[name.uuid()]).await.expect("assigned");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.code.as_deref(), w.outside.sms.sent().len()), (Some("sender.missing"), 0));
    w.sql("update outreach.resource set settings = '{\"details\": {\"sender_id\": \"registered\"}}' where address = 'Anchor'").await;
    w.run_s(7_200).await;
    assert_eq!(w.outside.sms.sent().len(), 1);
}
