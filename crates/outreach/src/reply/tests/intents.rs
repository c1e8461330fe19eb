//! Each intent, end to end.

use super::world::{World, answer, mail};
use crate::reply::reclassify;
use inbound::reply::Intent;

struct Case {
    intent: &'static str,
    headers: &'static str,
    words: &'static str,
    enrolment: &'static str,
    lead: &'static str,
    suppressed: Option<&'static str>,
    needs_person: bool,
    draft: bool,
}

const AUTO: &str = "Auto-Submitted: auto-replied\r\n";

#[rustfmt::skip]
const CASES: [Case; 11] = [
    Case { intent: "meeting_request", headers: "", words: "Happy to have a chat. Does Tuesday at 3pm work for you?", enrolment: "stopped", lead: "replied", suppressed: None, needs_person: true, draft: true },
    Case { intent: "interested", headers: "", words: "Sounds interesting, please send me more details.", enrolment: "stopped", lead: "replied", suppressed: None, needs_person: true, draft: true },
    Case { intent: "question", headers: "", words: "What does it cost, and do you work with companies of our size?", enrolment: "paused", lead: "replied", suppressed: None, needs_person: true, draft: false },
    Case { intent: "not_interested", headers: "", words: "Thanks, but we are not interested.", enrolment: "stopped", lead: "disqualified", suppressed: Some("client not_interested"), needs_person: false, draft: false },
    Case { intent: "unsubscribe", headers: "", words: "Please remove me from your list.", enrolment: "stopped", lead: "unsubscribed", suppressed: Some("platform unsubscribed"), needs_person: false, draft: false },
    Case { intent: "out_of_office", headers: AUTO, words: "I am out of the office and will be back on 9 March 2026.", enrolment: "paused", lead: "in_sequence", suppressed: None, needs_person: false, draft: false },
    Case { intent: "auto_reply", headers: AUTO, words: "Thank you for your enquiry. We have received it; your ticket is 1234.", enrolment: "active", lead: "in_sequence", suppressed: None, needs_person: false, draft: false },
    Case { intent: "referral", headers: "", words: "Please contact our marketing manager instead: sam@prospect.example", enrolment: "stopped", lead: "replied", suppressed: None, needs_person: true, draft: true },
    Case { intent: "wrong_person", headers: "", words: "I am not the right person for this.", enrolment: "stopped", lead: "disqualified", suppressed: None, needs_person: false, draft: false },
    Case { intent: "angry", headers: "", words: "This is disgusting spam, you idiots. I will report you.", enrolment: "stopped", lead: "replied", suppressed: None, needs_person: true, draft: false },
    Case { intent: "unclear", headers: "", words: "Purple elephants on the roof.", enrolment: "paused", lead: "replied", suppressed: None, needs_person: true, draft: false },
];

#[tokio::test]
async fn each_intent_has_its_effect_and_coming_twice_changes_nothing() {
    for case in &CASES {
        let world = World::new().await;
        let raw = answer(case.headers, case.words);
        assert!(world.comes(&raw).await.is_some());
        let at = case.intent;
        let one = |sql: &'static str| world.one(sql);
        assert_eq!(
            one("select intent::text from outreach.message where direction = 'inbound'").await.as_deref(),
            Some(at)
        );
        assert_eq!(
            one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
            Some(case.enrolment),
            "{at}"
        );
        assert_eq!(
            one("select status::text from leads.lead where id = $l").await.as_deref(),
            Some(case.lead),
            "{at}"
        );
        let suppressed = one("select case when tenant_id is null then 'platform ' else 'client ' end || reason::text from leads.suppression where value = 'priya@prospect.example'").await;
        assert_eq!(suppressed.as_deref(), case.suppressed, "{at}");
        assert_eq!(
            one("select needs_person::text from outreach.thread").await,
            Some(case.needs_person.to_string()),
            "{at}"
        );
        assert_eq!(world.count("outreach.thread").await, 1, "{at}: it is in the conversation of our mail");
        let draft = world.count("outreach.message where direction = 'outbound' and state = 'awaiting_approval' and approval_id is not null").await;
        assert_eq!(draft, i64::from(case.draft), "{at}");
        // The only message that leaves by itself confirms an opt-out, once.
        let sent = world.ports.email.delivered();
        assert_eq!(sent.len(), usize::from(at == "unsubscribe"), "{at}");
        let reason = world
            .count("leads.fact where kind = 'objection' and source = 'reply' and quote is not null")
            .await;
        assert_eq!(reason, i64::from(at == "not_interested"), "{at}");
        assert_eq!(
            world
                .count("outreach.activity where action = 'classified' and detail ->> 'evidence' is not null")
                .await,
            1,
            "{at}"
        );
        assert_eq!(world.count("hooks.inbox where status = 'processed'").await, 1, "{at}");
        assert_eq!(world.count("kernel.fact where type = 'outreach.reply.received'").await, 1, "{at}");
        let before = world.fingerprint().await;
        assert_eq!(world.comes(&raw).await, None);
        // The same mail by another way: other bytes, the same Message-ID and words.
        world.comes(&format!("Received: from elsewhere\r\n{raw}")).await;
        assert_eq!(world.fingerprint().await, before, "{at}");
    }
}

#[tokio::test]
async fn an_absence_ends_two_days_after_the_stated_return() {
    let world = World::new().await;
    world.comes(&answer(AUTO, "I am out of the office and will be back on 9 March 2026.")).await;
    let until = world.one("select (paused_until at time zone 'Australia/Sydney')::date::text from outreach.enrolment where id = $e").await;
    assert_eq!(until.as_deref(), Some("2026-03-11"));
}

#[tokio::test]
async fn a_referral_adds_the_named_address_without_consent_and_nothing_else() {
    let world = World::new().await;
    world.comes(&answer("", "Please contact our marketing manager instead: sam@prospect.example")).await;
    assert_eq!(world.count("leads.lead where email = 'sam@prospect.example' and consent is null").await, 1);
    assert_eq!(world.count("leads.lead").await, 2);
}

#[tokio::test]
async fn a_mail_with_the_subject_unsubscribe_and_no_words_opts_out() {
    let world = World::new().await;
    world.comes(&mail(super::world::PRIYA, "unsubscribe", "", "")).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("unsubscribed")
    );
    // So does a stranger, whom nobody may ever contact then.
    world.comes(&mail("stranger@else.example", "Unsubscribe", "", "")).await;
    assert_eq!(world.count("leads.suppression where tenant_id is null and value = 'stranger@else.example' and reason = 'unsubscribed'").await, 1);
}

#[tokio::test]
async fn a_mail_without_reference_belongs_to_the_lead_with_the_address_and_any_other_to_nobody() {
    let world = World::new().await;
    world
        .comes(&mail(
            super::world::PRIYA,
            "About your mail",
            "",
            "Sounds interesting, please send me more details.",
        ))
        .await;
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("stopped")
    );
    world.comes(&mail("bob@else.example", "Hello", "", "Do you also work with bakeries?")).await;
    assert_eq!(world.count("outreach.thread where lead_id is null and needs_person and unread").await, 1);
    // A newsletter answers nothing of ours: it is kept raw, and nobody is asked to read it.
    world
        .comes(&mail(
            "news@else.example",
            "Our news",
            "List-Id: <news.else.example>\r\n",
            "Read all about it.",
        ))
        .await;
    assert_eq!(world.count("hooks.inbox where status = 'ignored'").await, 1);
    assert_eq!(world.count("outreach.thread").await, 2);
}

#[tokio::test]
async fn a_correction_keeps_the_first_verdict_and_carries_out_the_other_intent() {
    let world = World::new().await;
    world.comes(&answer("", "Sounds interesting, please send me more details.")).await;
    assert_eq!(world.count("control.approval where status = 'pending'").await, 1);
    let id = world
        .one("select id::text from outreach.message where direction = 'inbound'")
        .await
        .expect("a message");
    let id = id.parse().expect("an id");
    let mut cx = world.db.cx(&world.tenant.owner).await;
    assert_eq!(reclassify(&mut cx, id, Intent::NotInterested, " ").await.unwrap_err().code(), "reply.reason");
    let needs = reclassify(&mut cx, id, Intent::NotInterested, "It was irony.").await.expect("a correction");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    assert!(!needs);
    let verdict = world.one("select intent::text || ' ' || method || ' ' || (understood -> 'first' ->> 'intent') || ' ' || overridden_by from outreach.message where direction = 'inbound'").await;
    assert_eq!(
        verdict,
        Some(format!("not_interested person interested {}", world.tenant.owner.actor().label()))
    );
    assert_eq!(
        world.count("leads.suppression where tenant_id is not null and reason = 'not_interested'").await,
        1
    );
    assert_eq!(
        world.count("outreach.activity where action = 'reclassified' and preview = 'It was irony.'").await,
        1
    );
    assert_eq!(
        world.count("control.approval where status = 'withdrawn'").await,
        1,
        "nobody is asked to approve the draft any more"
    );
}

#[tokio::test]
async fn an_opt_out_is_confirmed_once_for_an_address_and_by_nothing_else() {
    let world = World::new().await;
    world.comes(&answer("", "Please remove me from your list.")).await;
    world.comes(&answer("", "I said: remove me from your list, please.")).await;
    let sent = world.ports.email.delivered();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].mail.text.contains("You will hear no more from us"), "{}", sent[0].mail.text);
    assert_eq!(world.count("outreach.message where understood ->> 'confirms' = 'true'").await, 1);
}

#[tokio::test]
async fn money_and_a_competitor_that_they_name_are_kept_with_their_words() {
    let world = World::new().await;
    world.comes(&answer("", "Sounds interesting, please send me more details. Our budget is $2,000 a month. We currently use Bright Books.")).await;
    let said = world.one("select (understood -> 'budget' ->> 'value') || ' ' || (understood -> 'competitor' ->> 'value') from outreach.message where direction = 'inbound'").await;
    assert_eq!(said.as_deref(), Some("$2,000 Bright Books"));
}
