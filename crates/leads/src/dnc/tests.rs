//! Washes against the database.

use super::{Answer, Callable, callable, numbers, prepare, settle};
use crate::tests::World;

const MOBILE: &str = "+61491570156";

#[tokio::test]
async fn a_number_is_callable_only_with_a_clear_wash_of_the_last_thirty_days() {
    let world = World::new().await;
    world.add(&[("email", "a@one.example"), ("phone", "0491 570 156")]).await;
    world.add(&[("email", "b@two.example"), ("phone", "0491 570 157")]).await;
    world.add(&[("email", "c@three.example"), ("phone", "+14155552671"), ("country", "US")]).await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    assert_eq!(callable(&mut cx, MOBILE).await.expect("an answer"), Callable::NeverWashed);
    assert_eq!(callable(&mut cx, "+14155552671").await.expect("an answer"), Callable::Elsewhere);
    let wash = prepare(&mut cx).await.expect("a wash");
    assert_eq!(numbers(&mut cx, wash).await.expect("numbers").len(), 2);
    assert_eq!(callable(&mut cx, MOBILE).await.expect("an answer"), Callable::NeverWashed);
    let now = cx.now();
    let (taken, unread) =
        settle(&mut cx, wash, now.plus_days(-1), "Number,Status\n0491570156,N\n0491570157,Y\n")
            .await
            .expect("a result");
    assert_eq!((taken, unread.len()), (2, 0));
    assert_eq!(
        callable(&mut cx, MOBILE).await.expect("an answer"),
        Callable::Yes { until: now.plus_days(29) }
    );
    assert!(!callable(&mut cx, "+61491570157").await.expect("an answer").is_free());
    assert_eq!(prepare(&mut cx).await.expect_err("nothing is left").code(), "dnc.nothing");
    cx.commit().await.expect("a commit");
    world.db.clock.advance_s(29 * 86_400);
    let mut cx = world.db.cx(&world.ours.owner).await;
    assert!(matches!(callable(&mut cx, MOBILE).await.expect("an answer"), Callable::Expired { .. }));
    assert!(prepare(&mut cx).await.is_ok());
}

#[tokio::test]
async fn an_old_result_and_another_tenants_wash_are_refused() {
    let world = World::new().await;
    world.add(&[("email", "a@one.example"), ("phone", "0491 570 156")]).await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    let wash = prepare(&mut cx).await.expect("a wash");
    let now = cx.now();
    for (at, file) in [
        (now.plus_days(-30), "0491570156,N"),
        (now.plus_s(60), "0491570156,N"),
        (now, "hello"),
        (now, "0491570199,N"),
    ] {
        let mut cx = world.db.cx(&world.ours.owner).await;
        assert!(settle(&mut cx, wash, at, file).await.is_err(), "{file}");
    }
    cx.commit().await.expect("a commit");
    let mut theirs = world.db.cx(&world.theirs.owner).await;
    assert!(settle(&mut theirs, wash, now, "0491570156,N").await.is_err());
    assert!(numbers(&mut theirs, wash).await.is_err());
    let mut ours = world.db.cx(&world.ours.owner).await;
    assert_eq!(numbers(&mut ours, wash).await.expect("numbers"), [(MOBILE.to_owned(), Answer::Waiting)]);
}
