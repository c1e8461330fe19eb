//! The order and the answers of the gate.

use super::*;
use crate::window::Window;
use base::Zone;
use jiff::civil::Weekday;

const NOW: &str = "2026-11-24T00:00:00Z"; // Tuesday 11:00 in Sydney

fn passing() -> Inputs {
    let week = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let now: Time = NOW.parse().expect("an instant");
    Inputs {
        now,
        switch: None,
        client_blocked: None,
        campaign_blocked: None,
        mode: Mode::CoPilot,
        approval: Approval::Given,
        lead_blocked: None,
        unreachable: None,
        platform_suppression: None,
        client_suppression: None,
        consent_blocked: None,
        touches: 1,
        steps: 3,
        last_touch_at: Some(now.plus_days(-3)),
        emails_14_days: vec![now.plus_days(-3)],
        sms_30_days: Vec::new(),
        limits: FrequencyLimits { emails_per_14_days: 3, sms_per_30_days: 1, gap_days: 2, stale_days: 7 },
        channel: Channel::Email,
        channel_blocked: None,
        window: Some(LocalWindow {
            window: Window::hours(&week, 9, 17),
            zone: Zone::sydney(),
            holidays: [].into(),
        }),
        resource: Resource::Ready,
        budget_blocked: None,
        written_at: Some(now.plus_days(-1)),
        content_blocked: None,
        sender_missing: None,
    }
}

/// Makes exactly one check fail.
fn fail(check: Check, i: &mut Inputs) {
    let why = || Some("because".to_owned());
    match check {
        Check::Switch => i.switch = why(),
        Check::Client => i.client_blocked = Some(("not_active", "because".to_owned())),
        Check::Campaign => i.campaign_blocked = why(),
        Check::Mode => i.mode = Mode::Manual,
        Check::Lead => i.lead_blocked = why(),
        Check::PlatformSuppression => i.platform_suppression = why(),
        Check::ClientSuppression => i.client_suppression = why(),
        Check::Consent => i.consent_blocked = Some(("no_basis", "because".to_owned())),
        Check::Frequency => i.touches = i.steps,
        Check::ChannelPolicy => i.channel_blocked = why(),
        Check::Window => i.window = None,
        Check::Resource => {
            i.resource = Resource::Missing { code: "used_up", detail: "because".to_owned(), retry_at: None };
        }
        Check::Budget => i.budget_blocked = why(),
        Check::Content => i.content_blocked = why(),
        Check::Sender => i.sender_missing = why(),
    }
}

#[test]
fn everything_in_order_passes() {
    assert_eq!(decide(&passing(), Purpose::Send), Ok(()));
    assert_eq!(decide(&passing(), Purpose::DryRun), Ok(()));
}

#[test]
fn the_order_is_that_of_the_specification() {
    let words: Vec<&str> = Check::ALL.into_iter().map(Check::word).collect();
    assert_eq!(
        words,
        [
            "switch",
            "client",
            "campaign",
            "mode",
            "lead",
            "platform_suppression",
            "client_suppression",
            "consent",
            "frequency",
            "channel_policy",
            "window",
            "resource",
            "budget",
            "content",
            "sender",
        ]
    );
    let mut sorted = Check::ALL;
    sorted.sort_unstable();
    assert_eq!(sorted, Check::ALL);
}

#[test]
fn each_check_refuses_alone_and_says_so_on_every_channel() {
    for channel in Channel::ALL {
        assert_eq!(decide(&Inputs { channel, ..passing() }, Purpose::Send), Ok(()));
        for check in Check::ALL {
            let mut inputs = Inputs { channel, ..passing() };
            fail(check, &mut inputs);
            assert_eq!(decide(&inputs, Purpose::Send).expect_err("refused").check, check, "{channel:?}");
        }
    }
}

#[test]
fn of_two_failing_checks_the_earlier_is_the_answer_on_every_channel() {
    for channel in Channel::ALL {
        for (place, first) in Check::ALL.into_iter().enumerate() {
            for second in Check::ALL.into_iter().skip(place) {
                let mut inputs = Inputs { channel, ..passing() };
                fail(second, &mut inputs);
                fail(first, &mut inputs);
                let skip = decide(&inputs, Purpose::Send).expect_err("refused");
                assert_eq!(skip.check, first, "{channel:?}: {first:?} before {second:?}");
                let half = if first < Check::Resource { before_reserving } else { after_reserving };
                if first != Check::Resource && first != Check::Budget {
                    assert_eq!(half(&inputs, Purpose::Send).expect_err("refused").check, first);
                }
            }
        }
    }
}

#[test]
fn a_person_who_did_a_task_is_bound_by_everything_but_hours_senders_and_the_age_of_words() {
    let free = [Check::Mode, Check::Window, Check::Resource, Check::Content];
    for check in Check::ALL {
        let mut inputs = passing();
        fail(check, &mut inputs);
        let refused = decide(&inputs, Purpose::Task).is_err();
        // A zone that is not known at all is no hour that was passed.
        assert_eq!(refused, !free.contains(&check) || check == Check::Window, "{check:?}");
    }
}

#[test]
fn one_text_message_a_month_and_numbers_wait_for_the_register() {
    let now = passing().now;
    let texted = Inputs { channel: Channel::Sms, sms_30_days: vec![now.plus_days(-12)], ..passing() };
    let skip = decide(&texted, Purpose::Send).expect_err("refused");
    assert_eq!((skip.code, skip.retry_at), ("too_many", Some(now.plus_days(18))));
    assert_eq!(decide(&Inputs { channel: Channel::Voice, ..texted }, Purpose::Send), Ok(()));
    for (code, again) in [("not_washed", true), ("wash_old", true), ("listed", false), ("no_basis", false)] {
        let inputs = Inputs { consent_blocked: Some((code, "because".to_owned())), ..passing() };
        let skip = decide(&inputs, Purpose::Send).expect_err("refused");
        assert_eq!((skip.code, skip.retry_at.is_some()), (code, again));
    }
}

#[test]
fn only_the_content_and_the_hour_may_be_missing_in_a_dry_run() {
    let mut inputs = passing();
    inputs.approval = Approval::None;
    inputs.written_at = None;
    inputs.now = inputs.now.plus_s(8 * 3_600); // 19:00 in Sydney
    assert_eq!(decide(&inputs, Purpose::DryRun), Ok(()));
    assert_eq!(decide(&inputs, Purpose::Send).expect_err("refused").code, "not_approved");
}

#[test]
fn the_approval_table() {
    let cases = [
        (Mode::Autopilot, Approval::None, None),
        (Mode::Autopilot, Approval::Given, None),
        (Mode::Autopilot, Approval::Pending, Some("not_approved")),
        (Mode::Autopilot, Approval::Changed, Some("content_changed")),
        (Mode::Autopilot, Approval::Refused, Some("refused")),
        (Mode::CoPilot, Approval::Given, None),
        (Mode::CoPilot, Approval::None, Some("not_approved")),
        (Mode::CoPilot, Approval::Pending, Some("not_approved")),
        (Mode::CoPilot, Approval::Changed, Some("content_changed")),
        (Mode::CoPilot, Approval::Refused, Some("refused")),
        (Mode::Manual, Approval::Given, Some("manual")),
    ];
    for (mode, approval, code) in cases {
        let inputs = Inputs { mode, approval, ..passing() };
        assert_eq!(decide(&inputs, Purpose::Send).err().map(|s| s.code), code, "{mode:?} {approval:?}");
    }
}

#[test]
fn limits_say_when_there_is_room_again() {
    let now = passing().now;
    let cooling = Inputs { last_touch_at: Some(now.plus_s(-3_600)), ..passing() };
    assert_eq!(
        decide(&cooling, Purpose::Send).expect_err("refused").retry_at,
        Some(now.plus_s(-3_600).plus_days(2))
    );
    let three = vec![now.plus_days(-13), now.plus_days(-9), now.plus_days(-4)];
    let many = Inputs { emails_14_days: three, ..passing() };
    let skip = decide(&many, Purpose::Send).expect_err("refused");
    assert_eq!((skip.code, skip.retry_at), ("too_many", Some(now.plus_days(1))));
    let stale = Inputs { written_at: Some(now.plus_days(-7)), ..passing() };
    assert_eq!(decide(&stale, Purpose::Send).expect_err("refused").code, "stale");
}

#[test]
fn the_closest_permission_mode_counts() {
    let now = passing().now;
    let table = [
        (None, None, Mode::CoPilot),
        (None, Some(Mode::Autopilot), Mode::Autopilot),
        (Some((Mode::Manual, None)), Some(Mode::Autopilot), Mode::Manual),
        (Some((Mode::Manual, Some(now.plus_s(1)))), Some(Mode::Autopilot), Mode::Manual),
        (Some((Mode::Manual, Some(now))), Some(Mode::Autopilot), Mode::Autopilot),
    ];
    for (lead, campaign, expected) in table {
        assert_eq!(Mode::effective(lead, campaign, Mode::CoPilot, now), expected);
    }
}
