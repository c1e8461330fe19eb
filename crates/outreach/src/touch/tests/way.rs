//! From the plan to what leaves, and what a decision means.

use super::world::{World, address};
use crate::touch::Mode;
use control::approval::{self, ApprovalId};

#[tokio::test]
async fn on_autopilot_a_due_step_is_written_sent_once_and_recorded() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.settle().await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.enrolment.as_str(), touch.lead.as_str()),
        ("sent", "active", "in_sequence")
    );
    let mails = w.provider.kept();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to[0].as_str(), address(0));
    assert_eq!(Some(mails[0].text.as_str()), touch.body.as_deref());
    assert_eq!(touch.message_id, Some(mails[0].message_id.bracketed()));
    let out = mails[0].list_unsubscribe.as_ref().expect("a way out");
    assert!(out.https.as_str().starts_with("https://agency.example/u/"));
    assert!(mails[0].text.contains(out.https.as_str()), "the way out is readable too");
    assert_eq!(w.count("select count(*) from outreach.message where state = 'sent'").await, 1);
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'sent'").await, 1);
    assert_eq!(w.count("select count(*) from kernel.fact where type = 'outreach.touch.sent'").await, 1);
    // The next step comes three days after this one, in its thread, and the last ends the sequence.
    assert_eq!(touch.next_due_at, Some(w.db.clock_now().plus_days(3)));
    w.run_days(9).await;
    let mails = w.provider.kept();
    assert_eq!(mails.len(), 3);
    assert_eq!(mails[1].in_reply_to.as_ref(), Some(&mails[0].message_id));
    assert_eq!(mails[2].references, [mails[0].message_id.clone(), mails[1].message_id.clone()]);
    let last = w.touch(0).await;
    assert_eq!(
        (last.state.as_str(), last.enrolment.as_str(), last.lead.as_str()),
        ("sent", "finished", "completed")
    );
}

#[tokio::test]
async fn in_co_pilot_nothing_leaves_before_a_person_said_yes_and_then_exactly_that() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.run_s(3_600).await;
    let asked = w.touch(0).await;
    assert_eq!(asked.state, "awaiting_approval");
    assert!(w.provider.kept().is_empty());
    assert_eq!(w.used().await, 0);
    w.approve(0).await;
    w.settle().await;
    assert_eq!(w.touch(0).await.state, "sent");
    let mails = w.provider.kept();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (Some(mails[0].subject.as_str()), Some(mails[0].text.as_str())),
        (asked.subject.as_deref(), asked.body.as_deref())
    );
}

#[tokio::test]
async fn an_edited_draft_leaves_as_it_was_approved() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.settle().await;
    let id = ApprovalId(w.touch(0).await.approval.expect("asked"));
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let mut content = approval::get(&mut cx, id).await.expect("there").content;
    content["subject"] = "Chairs for Harbour Dental".into();
    let body = content["body"].as_str().expect("a body").replace("Hi Priya", "Dear Priya");
    content["body"] = body.clone().into();
    let edited = approval::edit(&mut cx, id, content, None).await.expect("it waits");
    approval::approve(&mut cx, id, Some(&edited.digest)).await.expect("it waits");
    cx.commit().await.expect("a commit");
    w.settle().await;
    let mails = w.provider.kept();
    assert_eq!(
        (mails[0].subject.as_str(), mails[0].text.as_str()),
        ("Chairs for Harbour Dental", body.as_str())
    );
}

#[tokio::test]
async fn one_byte_changed_after_the_approval_is_refused_with_the_reason_and_never_sent() {
    let cases = [
        ("update outreach.touch set body = replace(body, 'Priya', 'Prija')", "mode.content_changed"),
        ("update outreach.touch set subject = subject || ' '", "mode.content_changed"),
        ("update outreach.touch set recipient = 'other@prospect0.example'", "mode.content_changed"),
        ("update outreach.touch set sender = replace(sender, 'Ana', 'Ann')", "mode.content_changed"),
        // The approval's own digest, or what it shows, no longer fits.
        (
            "update control.approval set digest = set_byte(digest, 0, (get_byte(digest, 0) + 1) % 256)",
            "mode.content_changed",
        ),
        // The change reaches the touch's digest as well: the approval still tells.
        (
            "update outreach.touch set body = body || '.', digest = set_byte(digest, 0, (get_byte(digest, 0) + 1) % 256)",
            "mode.content_changed",
        ),
        (
            "update outreach.touch set digest = set_byte(digest, 0, (get_byte(digest, 0) + 1) % 256)",
            "content.failed_checks",
        ),
    ];
    for (tamper, code) in cases {
        let w = World::new(Mode::CoPilot, 1).await;
        w.evening();
        w.settle().await;
        w.approve(0).await;
        w.settle().await;
        assert_eq!(w.touch(0).await.state, "approved");
        w.sql(tamper).await;
        w.next_day().await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
            ("skipped", Some(code), "paused"),
            "{tamper}"
        );
        assert!(touch.detail.is_some_and(|why| !why.is_empty()));
        assert!(w.provider.kept().is_empty(), "{tamper}");
        assert_eq!(w.used().await, 0);
        let told = w.count("select count(*) from outreach.activity where action = 'skipped'").await;
        let noted = w.count("select count(*) from audit.entry where action = 'approval.refuse'").await;
        assert_eq!((told, noted), (1, i64::from(code == "mode.content_changed")), "{tamper}");
    }
}

#[tokio::test]
async fn content_that_was_changed_before_the_yes_arrives_is_refused_too() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.settle().await;
    // What the approval shows is changed behind its digest.
    w.sql("update control.approval set content = jsonb_set(content, '{body}', '\"Buy now\"')").await;
    w.approve(0).await;
    w.next_day().await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), touch.code.as_deref()), ("skipped", Some("mode.content_changed")));
    assert!(w.provider.kept().is_empty());
}

#[tokio::test]
async fn a_rejected_draft_ends_the_sequence_of_its_lead() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.settle().await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let id = ApprovalId(w.touch(0).await.approval.expect("asked"));
    approval::reject(&mut cx, id, "not this one").await.expect("it waits");
    cx.commit().await.expect("a commit");
    w.run_days(5).await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), touch.enrolment.as_str()), ("cancelled", "stopped"));
    assert!(w.provider.kept().is_empty());
}

#[tokio::test]
async fn what_nobody_approved_in_time_is_not_sent_and_waits_for_a_person() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.settle().await;
    w.run_days(10).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    assert_eq!(approval::expire(&mut cx).await.expect("expires"), 1);
    cx.commit().await.expect("a commit");
    w.next_day().await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
        ("skipped", Some("expired"), "paused")
    );
    assert!(w.provider.kept().is_empty());
}

#[tokio::test]
async fn stale_content_is_written_again_and_asked_for_again() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.evening();
    w.settle().await;
    let first = w.touch(0).await;
    w.approve(0).await;
    w.settle().await;
    // The campaign rests while the content grows old.
    w.sql("update outreach.campaign set status = 'paused'").await;
    w.run_days(8).await;
    w.sql("update outreach.campaign set status = 'active'").await;
    w.run_s(86_400).await;
    let again = w.touch(0).await;
    assert_eq!(again.state, "awaiting_approval");
    assert_ne!((again.approval, &again.message_id), (first.approval, &first.message_id));
    assert!(w.provider.kept().is_empty());
    w.approve(0).await;
    w.next_day().await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
}

#[tokio::test]
async fn a_client_who_turns_to_autopilot_while_stale_content_is_written_again_is_served() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.evening();
    w.settle().await;
    w.approve(0).await;
    w.settle().await;
    w.sql("update outreach.campaign set status = 'paused'").await;
    w.run_days(8).await;
    w.sql("update outreach.campaign set status = 'active', mode = 'autopilot'").await;
    w.run_s(86_400).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
}

#[tokio::test]
async fn mails_of_one_mailbox_leave_at_its_pace_and_within_its_day() {
    let w = World::new(Mode::Autopilot, 8).await;
    let times = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, clock) = (times.clone(), w.db.clock.clone());
    w.provider.during(Some(std::sync::Arc::new(move |_| {
        seen.lock().expect("alone").push(base::Clock::now(clock.as_ref()));
        Box::pin(async {})
    })));
    w.run_s(4 * 3_600).await;
    let times = times.lock().expect("alone").clone();
    // The first day of a domain allows five, of which one is kept for replies.
    assert_eq!(times.len(), 4);
    for pair in times.windows(2) {
        let gap = pair[1].since_s(pair[0]);
        assert!((30..=300).contains(&gap), "{gap} s between two mails");
    }
    assert_eq!(w.used().await, 4);
    w.run_s(24 * 3_600).await;
    assert_eq!(w.provider.kept().len(), 8, "the next day takes the rest");
}
