use super::{
    Page, Slot,
    rules::{pick, slots},
};
use base::{Time, Zone};

fn t(text: &str) -> Time {
    text.parse().expect("an instant")
}

fn page() -> Page {
    Page {
        slug: "northlane".to_owned(),
        title: "Intro call".to_owned(),
        minutes: 30,
        zone: Zone::sydney(),
        hours: serde_json::from_value(
            serde_json::json!({"mon": [["09:00", "11:00"]], "tue": [["09:00", "10:15"]]}),
        )
        .expect("hours"),
        notice_hours: 4,
        days_ahead: 7,
        buffer_minutes: 10,
        location: String::new(),
        host_name: "Ana".to_owned(),
        host_email: "ana@northlane.example".to_owned(),
        active: true,
    }
}

#[test]
fn slots_lie_in_the_hours_after_the_notice() {
    // Monday 06:30 in Sydney: with 4 hours of notice only 10:30 is left today.
    let free = slots(&page(), &[], t("2026-11-22T19:30:00Z"));
    let starts: Vec<String> = free.iter().map(|s| s.starts_at.to_string()).collect();
    let expected = [
        "2026-11-22T23:30:00Z",
        "2026-11-23T22:00:00Z",
        "2026-11-23T22:30:00Z",
        "2026-11-29T22:00:00Z",
        "2026-11-29T22:30:00Z",
        "2026-11-29T23:00:00Z",
        "2026-11-29T23:30:00Z",
    ];
    assert_eq!(starts, expected);
}

#[test]
fn a_taken_slot_takes_its_buffer_with_it() {
    let taken = Slot { starts_at: t("2026-11-29T22:30:00Z"), ends_at: t("2026-11-29T23:00:00Z") };
    let free = slots(&page(), &[taken], t("2026-11-27T00:00:00Z"));
    let starts: Vec<String> = free.iter().map(|s| s.starts_at.to_string()).collect();
    assert_eq!(starts, ["2026-11-29T23:30:00Z", "2026-11-30T22:00:00Z", "2026-11-30T22:30:00Z"]);
}

#[test]
fn hours_follow_the_wall_clock_over_a_clock_change() {
    // Sydney leaves daylight saving on 2027-04-04.
    let before = slots(&page(), &[], t("2027-03-26T00:00:00Z"));
    let after = slots(&page(), &[], t("2027-04-02T00:00:00Z"));
    assert_eq!(before.first().map(|s| s.starts_at), Some(t("2027-03-28T22:00:00Z")));
    assert_eq!(after.first().map(|s| s.starts_at), Some(t("2027-04-04T23:00:00Z")));
}

#[test]
fn an_answer_names_one_time_of_each_of_the_next_days_in_the_readers_daytime() {
    // Monday, 11:00 in Sydney.
    let now = t("2026-11-23T00:00:00Z");
    let free: Vec<Time> = [
        "2026-11-23T01:00:00Z", // too soon
        "2026-11-23T04:30:00Z", // Monday 15:30
        "2026-11-23T03:00:00Z", // Monday 14:00
        "2026-11-23T12:00:00Z", // Monday 23:00
        "2026-11-23T22:00:00Z", // Tuesday 09:00
        "2026-11-24T00:00:00Z", // Tuesday 11:00
        "2026-11-26T22:00:00Z", // Friday 09:00
        "2026-11-30T22:00:00Z", // a fourth day
    ]
    .map(t)
    .to_vec();
    let picked = pick(&free, &Zone::sydney(), now);
    assert_eq!(picked, ["2026-11-23T03:00:00Z", "2026-11-23T22:00:00Z", "2026-11-26T22:00:00Z"].map(t));
    assert!(pick(&free, &Zone::sydney(), t("2027-01-01T00:00:00Z")).is_empty());
}
