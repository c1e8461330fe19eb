//! Each refusal of the gate, end to end: what it leaves behind, and that nothing left.

use super::world::World;
use crate::touch::Mode;

/// What makes the gate refuse: its name, the statement, the code that is kept, the state of touch and
/// enrolment, whether it is tried again, and the statement that lifts it.
struct Case {
    breaks: &'static str,
    code: &'static str,
    touch: &'static str,
    enrolment: &'static str,
    lift: Option<&'static str>,
}

const WAITS: &str = "approved";

fn cases() -> Vec<Case> {
    let held =
        |breaks, code, lift| Case { breaks, code, touch: WAITS, enrolment: "active", lift: Some(lift) };
    let ends = |breaks, code, enrolment| Case { breaks, code, touch: "skipped", enrolment, lift: None };
    vec![
        held(
            "insert into control.switch (id, tenant_id, scope, reason, engaged_by, engaged_at) values (gen_random_uuid(), $T, 'client', 'halt', 'test', now())",
            "switch.engaged",
            "update control.switch set released_at = now(), released_by = 'test', release_reason = 'over'",
        ),
        held(
            "update accounts.tenant set status = 'past_due'",
            "client.not_active",
            "update accounts.tenant set status = 'active'",
        ),
        held(
            "update outreach.campaign set status = 'paused'",
            "campaign.not_active",
            "update outreach.campaign set status = 'active'",
        ),
        held(
            "update outreach.campaign set starts_on = '2027-01-01'",
            "campaign.not_active",
            "update outreach.campaign set starts_on = null",
        ),
        ends("update leads.lead set mode = 'manual'", "mode.manual", "paused"),
        ends("update outreach.campaign set mode = 'manual'", "mode.manual", "paused"),
        ends("update leads.lead set status = 'replied'", "lead.state", "stopped"),
        ends("update leads.lead set deleted_at = now()", "lead.state", "stopped"),
        ends("update leads.lead set email_state = 'invalid'", "lead.state", "stopped"),
        ends(
            "insert into leads.suppression (id, kind, value, reason, source, created_by, created_at) values (gen_random_uuid(), 'domain', 'prospect0.example', 'unsubscribed', 'test', 'test', now())",
            "platform_suppression.suppressed",
            "stopped",
        ),
        ends(
            "insert into leads.suppression (id, tenant_id, kind, value, reason, source, created_by, created_at) values (gen_random_uuid(), $T, 'company', 'harbour dental', 'competitor', 'test', 'test', now())",
            "client_suppression.suppressed",
            "stopped",
        ),
        ends("update leads.lead set consent = null", "consent.no_basis", "stopped"),
        ends("update outreach.enrolment set touches = 3", "frequency.sequence_done", "finished"),
        ends("update leads.lead set score = 10, tier = 'dead'", "channel_policy.tier", "active"),
        held(
            "update outreach.resource set status = 'paused', status_reason = 'test'",
            "paused",
            "update outreach.resource set status = 'active', status_reason = null",
        ),
        held(
            "update outreach.resource set health = 'critical'",
            "unhealthy",
            "update outreach.resource set health = 'good'",
        ),
        ends("update outreach.resource set status = 'retired'", "resource.unhealthy", "paused"),
        held(
            "update accounts.tenant set postal_address = ''",
            "sender.missing",
            "update accounts.tenant set postal_address = '1 George Street'",
        ),
        held(
            "update accounts.tenant set legal_name = null",
            "sender.missing",
            "update accounts.tenant set legal_name = 'Anchor Pty Ltd'",
        ),
        ends("update leads.lead set email = 'moved@prospect0.example'", "content.failed_checks", "paused"),
    ]
}

#[tokio::test]
async fn each_refusal_leaves_its_reason_and_what_may_pass_later_passes_later() {
    for case in cases() {
        let w = World::new(Mode::Autopilot, 1).await;
        w.evening();
        w.settle().await;
        let waiting = w.touch(0).await;
        assert_eq!((waiting.state.as_str(), waiting.code.as_deref()), (WAITS, Some("window.closed")));
        let opens = waiting.retry_at.expect("the window opens");
        w.sql(case.breaks).await;
        w.run_until(opens.plus_s(60)).await;
        let touch = w.touch(0).await;
        let seen = (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str());
        assert_eq!(seen, (case.touch, Some(case.code), case.enrolment), "{}", case.breaks);
        assert!(touch.detail.is_some_and(|why| why.len() > 10), "{}", case.breaks);
        assert_eq!(touch.retry_at.is_some(), case.lift.is_some(), "{}", case.breaks);
        assert_eq!((w.provider.kept().len(), w.used().await), (0, 0), "{}", case.breaks);
        if let Some(lift) = case.lift {
            w.sql(lift).await;
            w.run_s(3 * 3_600).await;
            assert_eq!(
                (w.touch(0).await.state.as_str(), w.provider.kept().len()),
                ("sent", 1),
                "{}",
                case.breaks
            );
        }
    }
}

#[tokio::test]
async fn a_lead_of_another_zone_gets_the_mail_in_its_own_morning() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.sql("update leads.lead set zone = 'Europe/Berlin', country = 'DE'").await;
    w.settle().await;
    let touch = w.touch(0).await;
    // 11:00 in Sydney is 01:00 in Berlin; its window opens at 09:00 there.
    assert_eq!(touch.retry_at.map(|at| at.to_string()), Some("2026-03-02T08:00:00Z".to_owned()));
    w.run_s(9 * 3_600).await;
    assert_eq!(w.touch(0).await.state, "sent");
}

#[tokio::test]
async fn nothing_is_spent_on_writing_what_could_not_leave() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.sql("update leads.lead set consent = null").await;
    w.settle().await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), touch.body), ("skipped", None));
    assert_eq!(touch.enrolment, "stopped");
}

#[tokio::test]
async fn a_lead_without_any_fact_is_left_to_a_person() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.sql("update leads.lead set title = null, industry = null, headcount = null, city = null").await;
    w.settle().await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
        ("skipped", Some("content.no_fact"), "paused")
    );
    // Once something is known and a person resumes it, the same step is written and sent.
    w.sql("update leads.lead set title = 'Owner', industry = 'Dentists'").await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let id =
        sqlx::query_scalar!("select id from outreach.enrolment where tenant_id = $1", w.tenant.id.uuid())
            .fetch_one(cx.conn())
            .await
            .expect("an enrolment");
    crate::enrolment::resume(&mut cx, id).await.expect("resumes");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
}
