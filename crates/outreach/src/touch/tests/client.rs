//! How the client stands with what it pays for, asked at the gate.

use super::world::World;
use crate::touch::Mode;

const SUBSCRIBED: &str = "insert into billing.subscription (id, tenant_id, provider_ref, customer_ref, status, plan_id, period_start, period_end, past_due_since, looked_at, created_at, updated_at)
  select gen_random_uuid(), $T, 'sub_1', 'cus_1', 'past_due', id, '2026-02-01', '2026-12-01', '2026-03-01', now(), now(), now() from billing.plan where code = 'ignition'";
const NOTHING_LEFT: &str = "insert into billing.credit_account (tenant_id, available, reserved, quota, period_start, period_end) values ($T, 0, 0, 100, '2026-02-01', '2026-12-01')
  on conflict (tenant_id) do update set available = 0, reserved = 0, quota = 100, period_start = '2026-02-01', period_end = '2026-12-01'";

#[tokio::test]
async fn nothing_leaves_for_a_client_whose_payment_is_missing_at_the_gate_and_it_goes_out_after_payment() {
    for status in ["past_due", "paused", "cancelled"] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.evening();
        w.settle().await;
        // The client's own row still says active: what is subscribed counts.
        w.sql(SUBSCRIBED).await;
        w.sql(&format!("update billing.subscription set status = '{status}'")).await;
        w.next_day().await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
            ("approved", Some("client.not_active"), "active"),
            "{status}"
        );
        let said = touch.detail.expect("words");
        assert_eq!(said.contains("Pay the open invoice"), status == "past_due", "{said}");
        assert_eq!((w.provider.kept().len(), w.used().await), (0, 0), "{status}");
        w.sql("update billing.subscription set status = 'active', past_due_since = null").await;
        w.run_s(20 * 3_600).await;
        assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1), "{status}");
    }
}

#[tokio::test]
async fn a_trial_that_is_over_sends_nothing_until_a_plan_is_chosen() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.sql("update accounts.tenant set status = 'trialing', trial_ends_at = '2026-03-01'").await;
    w.run_s(3_600).await;
    let touch = w.touch(0).await;
    assert_eq!((touch.code.as_deref(), touch.body), (Some("client.not_active"), None));
    assert!(touch.detail.is_some_and(|why| why.contains("The trial is over")));
    w.sql(&SUBSCRIBED.replace("'past_due'", "'active'").replace("'2026-03-01'", "null")).await;
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
}

#[tokio::test]
async fn without_credits_nobody_new_is_written_to_but_who_was_paid_for_is() {
    let w = World::new(Mode::Autopilot, 2).await;
    // The second lead was enriched: a credit was used for it.
    w.sql(&format!(
        "insert into billing.credit_reservation (id, tenant_id, credits, used, state, period_start, purpose, subject_id, key, made_at)
         values (gen_random_uuid(), $T, 1, 1, 'settled', '2026-02-01', 'enrich.lead', '{}', 'k', now())",
        w.leads[1]
    ))
    .await;
    w.sql(NOTHING_LEFT).await;
    w.run_s(3_600).await;
    let stranger = w.touch(0).await;
    assert_eq!((stranger.code.as_deref(), stranger.body), (Some("client.no_credits"), None));
    assert_eq!((w.touch(1).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
    // An upgrade adds credits at once; what was begun with them goes on when they are used up.
    w.sql("update billing.credit_account set available = 1").await;
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 2));
    w.sql("update billing.credit_account set available = 0").await;
    w.run_s(8 * 86_400).await;
    let steps = "select count(*) from outreach.touch where step_number = 2 and sent_at is not null";
    assert_eq!(w.count(steps).await, 2, "follow-ups go on");
}
