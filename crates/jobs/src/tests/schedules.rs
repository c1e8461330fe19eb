use super::bed::{Bed, Diary, Note, registry, tenant};
use crate::control;
use crate::schedule::{self, Misfire, Schedule, next_after};
use base::{Time, Zone};

fn times(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let zone = Zone::named(zone).unwrap();
    let mut at: Time = from.parse().unwrap();
    (0..count)
        .map(|_| {
            at = next_after(cron, &zone, at).unwrap();
            at.to_string()
        })
        .collect()
}

#[test]
fn a_time_in_the_gap_comes_at_its_end_and_a_doubled_time_once() {
    // Sydney: 2026-10-04 02:00 jumps to 03:00 (16:00Z the day before); 2026-04-05 03:00 falls to 02:00.
    assert_eq!(
        times("30 2 * * *", "Australia/Sydney", "2026-10-02T20:00:00Z", 2),
        ["2026-10-03T16:00:00Z", "2026-10-04T15:30:00Z"]
    );
    assert_eq!(
        times("30 2 * * *", "Australia/Sydney", "2026-04-03T20:00:00Z", 3),
        ["2026-04-04T15:30:00Z", "2026-04-05T16:30:00Z", "2026-04-06T16:30:00Z"]
    );
    assert_eq!(times("0 2 * * SUN", "UTC", "2026-03-02T00:00:00Z", 1), ["2026-03-08T02:00:00Z"]);
    assert!(next_after("61 * * * *", &Zone::utc(), "2026-03-02T00:00:00Z".parse().unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schedulers_fire_once_for_each_time_across_both_changes_of_the_clock() {
    let bed = Bed::virtual_clock().await;
    let mut registry = registry(&Diary::default());
    let note = Note("tick".into());
    registry.schedule(Schedule::new("tick", "30 2 * * *", Zone::sydney(), Misfire::All, &note).unwrap());
    for day in ["2026-04-03T20:00:00Z", "2026-10-02T20:00:00Z"] {
        bed.clock.advance_to(day.parse().unwrap());
        let mut cx = bed.system().await;
        sqlx::query("delete from jobs.schedule").execute(cx.conn()).await.unwrap();
        sqlx::query("delete from jobs.job").execute(cx.conn()).await.unwrap();
        cx.commit().await.unwrap();
        registry.sync(&bed.db).await.unwrap();
        for _ in 0..72 {
            bed.clock.advance_s(3_600);
            let fire = async || {
                let mut cx = bed.system().await;
                let n = schedule::fire(&mut cx).await.unwrap();
                cx.commit().await.unwrap();
                n
            };
            let (a, b) = tokio::join!(fire(), fire());
            assert!(a + b <= 1);
        }
        assert_eq!(bed.count("select count(*) from jobs.job").await, 3, "three nights from {day}");
        assert_eq!(bed.count("select count(distinct unique_key) from jobs.job").await, 3);
    }
}

#[tokio::test]
async fn missed_times_are_made_up_for_as_the_policy_says() {
    let bed = Bed::virtual_clock().await;
    let mut registry = registry(&Diary::default());
    for (name, misfire) in [("skip", Misfire::Skip), ("once", Misfire::Once), ("all", Misfire::All)] {
        registry
            .schedule(Schedule::new(name, "0 * * * *", Zone::utc(), misfire, &Note(name.into())).unwrap());
    }
    registry.sync(&bed.db).await.unwrap();
    bed.clock.advance_s(5 * 3_600 + 1_800);
    let mut cx = bed.system().await;
    assert_eq!(schedule::fire(&mut cx).await.unwrap(), 6);
    assert_eq!(schedule::fire(&mut cx).await.unwrap(), 0);
    cx.commit().await.unwrap();
    let fired = bed
        .text("select string_agg(payload #>> '{}', ' ' order by payload #>> '{}') from jobs.job")
        .await
        .unwrap();
    assert_eq!(fired, "all all all all all once");
}

#[tokio::test]
async fn a_tenants_schedule_can_be_paused_and_run_by_hand() {
    let bed = Bed::virtual_clock().await;
    let mut cx = bed.tenant(tenant(1)).await;
    let hourly = Schedule::new("digest", "0 * * * *", Zone::utc(), Misfire::Once, &Note("d".into())).unwrap();
    schedule::put(&mut cx, &hourly).await.unwrap();
    control::pause_schedule(&mut cx, Some(tenant(1).uuid()), "digest", true).await.unwrap();
    cx.commit().await.unwrap();
    bed.clock.advance_s(7_200);
    let mut cx = bed.system().await;
    assert_eq!(schedule::fire(&mut cx).await.unwrap(), 0);
    cx.commit().await.unwrap();
    let mut cx = bed.tenant(tenant(1)).await;
    control::run_schedule(&mut cx, Some(tenant(1).uuid()), "digest").await.unwrap();
    control::pause_schedule(&mut cx, Some(tenant(1).uuid()), "digest", false).await.unwrap();
    cx.commit().await.unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'ready'").await, 1);
    let mut cx = bed.system().await;
    assert_eq!(
        schedule::fire(&mut cx).await.unwrap(),
        0,
        "what passed while it was paused is not made up for"
    );
}
