//! Rows of plans: what is typed, when they count, who sees them.

use super::{Code, Typed, add, current, get};
use crate::testing::Bed;
use base::{Time, Zone};

fn typed() -> Typed {
    Typed {
        plan: "velocity".into(),
        name: " Velocity ".into(),
        price: "5200.50".into(),
        leads: "2500".into(),
        campaigns: "12".into(),
        seats: "4".into(),
        valid_from: "2026-12-01".into(),
        source: "Price list of December".into(),
        ..Typed::default()
    }
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn what_is_typed_is_read_in_the_days_of_whoever_types_and_today_counts_at_once() {
    let now = at("2026-11-20T15:00:00Z");
    let new = typed().read(now, &Zone::sydney()).unwrap();
    assert_eq!((new.code, new.name.as_str(), new.price.minor), (Code::Velocity, "Velocity", 520_050));
    assert_eq!((new.leads, new.campaigns, new.seats, new.people), (2_500, 12, 4, None));
    assert_eq!(new.valid_from, at("2026-11-30T13:00:00Z"));
    // In Sydney it is the 21st already.
    let today = Typed { valid_from: "2026-11-21".into(), people: "7".into(), ..typed() };
    let new = today.read(now, &Zone::sydney()).unwrap();
    assert_eq!((new.valid_from, new.people), (now, Some(7)));
}

#[test]
fn everything_that_is_wrong_is_told_at_its_field() {
    let now = at("2026-11-20T15:00:00Z");
    let zone = Zone::sydney();
    let bad = Typed {
        plan: "gold".into(),
        name: "V".into(),
        price: "12.345".into(),
        leads: "-1".into(),
        campaigns: "1.5".into(),
        seats: String::new(),
        people: "0".into(),
        valid_from: "2026-11-20".into(),
        source: "  ".into(),
        ..Typed::default()
    };
    let wrong = bad.read(now, &zone).unwrap_err();
    for field in ["form", "name", "price", "leads", "campaigns", "seats", "people", "valid_from", "source"] {
        assert!(wrong.of(field).is_some(), "{field}");
    }
    assert!(wrong.of("valid_from").unwrap().contains("2026-11-21"), "{wrong:?}");
    let one = |change: &dyn Fn(&mut Typed), field: &str| {
        let mut typed = typed();
        change(&mut typed);
        let wrong = typed.read(now, &zone).unwrap_err();
        assert!(wrong.of(field).is_some(), "{field}: {wrong:?}");
    };
    one(&|typed| typed.valid_from = "1.12.2026".into(), "valid_from");
    one(&|typed| typed.valid_from = "2062-12-01".into(), "valid_from");
    one(&|typed| typed.price = "-1".into(), "price");
    one(&|typed| typed.price = "1000000.01".into(), "price");
    one(&|typed| typed.leads = "1000001".into(), "leads");
    one(&|typed| typed.name = "x".repeat(61), "name");
}

#[tokio::test]
async fn a_row_counts_from_its_day_on_and_what_was_sold_stays_as_it_is() {
    let bed = Bed::new().await;
    let (now, zone) = (bed.now(), Zone::sydney());
    let day = now.plus_days(10).in_zone(&zone).date().to_string();
    let mut cx = bed.kit.system().await;
    let before = current(&mut cx, Code::Velocity).await.unwrap();
    let new = Typed { valid_from: day, ..typed() }.read(now, &zone).unwrap();
    let id = add(&mut cx, &new).await.unwrap();
    assert_eq!(add(&mut cx, &new).await.unwrap_err().code(), "plan.same");
    cx.commit().await.unwrap();
    let mut cx = bed.kit.system().await;
    let other = super::New { leads: 1, ..new.clone() };
    assert_eq!(add(&mut cx, &other).await.unwrap_err().code(), "plan.dated");
    cx.rollback().await.unwrap();
    assert_eq!(current(&mut bed.cx().await, Code::Velocity).await.unwrap(), before);
    bed.kit.clock.advance_s(10 * 86_400);
    let mut cx = bed.cx().await;
    let after = current(&mut cx, Code::Velocity).await.unwrap();
    assert_eq!((after.id, after.campaigns, after.source.as_str()), (id, 12, "Price list of December"));
    assert_eq!(get(&mut cx, before.id).await.unwrap(), before);
}

#[tokio::test]
async fn not_even_the_kernels_role_changes_a_row() {
    let bed = Bed::new().await;
    let mut cx = bed.kit.system().await;
    let changed = sqlx::query("update billing.plan set price_minor = 1").execute(cx.conn()).await;
    assert!(changed.unwrap_err().to_string().contains("permission denied"));
    drop(cx);
    let mut cx = bed.cx().await;
    let added =
        sqlx::query("insert into billing.plan (id) select gen_random_uuid()").execute(cx.conn()).await;
    assert!(added.unwrap_err().to_string().contains("permission denied"));
}

#[tokio::test]
async fn whoever_runs_the_installation_adds_a_row_on_the_page_and_nobody_else_does() {
    let bed = Bed::new().await;
    let mut chief = bed.ours.owner.clone();
    chief.platform = true;
    let chief = bed.app.as_member(&chief);
    let day = bed.now().plus_days(30).in_zone(&Zone::sydney()).date().to_string();
    let form = |price: &'static str| {
        let day = day.clone();
        move || {
            vec![
                ("plan", "velocity".to_owned()),
                ("name", "Velocity".to_owned()),
                ("price", price.to_owned()),
                ("leads", "2250".to_owned()),
                ("campaigns", "10".to_owned()),
                ("seats", "3".to_owned()),
                ("people", "8".to_owned()),
                ("valid_from", day.clone()),
                ("source", "Price list of spring".to_owned()),
            ]
        }
    };
    let post = async |who: &testkit::Client, fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        who.post("/platform/billing/plans", &fields).await
    };
    chief.get("/platform/billing?plan=velocity").await.expect(200).shows("Change Velocity from a day on");
    let wrong = post(&chief, form("52.005")()).await.expect(422);
    let kept = wrong.shows("is not an amount in AUD").attributes("value");
    assert!(kept.iter().any(|value| value == "Price list of spring"), "{kept:?}");
    post(&chief, form("5200")()).await.expect(303);
    chief
        .get("/platform/billing")
        .await
        .expect(200)
        .shows("A$5,200.00")
        .shows("From then on")
        .shows("Price list of spring")
        .shows("A$5,000.00");
    post(&chief, form("5200")()).await.expect(422).shows("nothing would change");
    post(&chief, form("5300")()).await.expect(422).shows("begins on that day already");
    let us = bed.app.as_member(&bed.theirs.owner);
    post(&us, form("1")()).await.expect(403);
}
