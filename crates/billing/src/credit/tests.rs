use super::{
    Ask, State, balance, entries, open_period, present, release, reservation, reserve, settle, verify,
};
use crate::testing::Bed;
use base::Time;
use ports::subscription::Span;
use std::sync::Arc;

fn ask(credits: i32, key: &str) -> Ask {
    Ask { credits, key: key.to_owned(), purpose: "leads.enrich".to_owned(), subject: None }
}

/// A period of its own kind with so many credits, beginning now.
async fn grant(bed: &Bed, credits: i32) -> Span {
    let span = Span { start: bed.now(), end: bed.now().plus_days(30) };
    let mut cx = bed.cx().await;
    open_period(&mut cx, "test", span, credits).await.unwrap();
    cx.commit().await.unwrap();
    span
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_at_once_end_exactly_at_zero() {
    let bed = Arc::new(Bed::new().await);
    grant(&bed, 40).await;
    let takers: Vec<_> = (0..64)
        .map(|n| {
            let bed = bed.clone();
            tokio::spawn(async move {
                let mut cx = bed.cx().await;
                match reserve(&mut cx, &ask(1, &format!("lead {n}"))).await {
                    Ok(id) => {
                        cx.commit().await.unwrap();
                        let mut cx = bed.cx().await;
                        settle(&mut cx, id, 1).await.unwrap();
                        cx.commit().await.unwrap();
                        1
                    }
                    Err(error) => {
                        assert_eq!(error.code(), "credits.short");
                        0
                    }
                }
            })
        })
        .collect();
    let mut got = 0;
    for taker in takers {
        got += taker.await.unwrap();
    }
    let mut cx = bed.cx().await;
    let held = balance(&mut cx).await.unwrap();
    assert_eq!((got, held.available, held.reserved), (40, 0, 0));
    verify(&mut cx).await.unwrap();
}

#[tokio::test]
async fn a_repeated_try_gets_the_reservation_of_the_first_and_a_refusal_leaves_nothing() {
    let bed = Bed::new().await;
    grant(&bed, 3).await;
    let mut cx = bed.cx().await;
    let first = reserve(&mut cx, &ask(2, "lead 1")).await.unwrap();
    assert_eq!(reserve(&mut cx, &ask(2, "lead 1")).await.unwrap(), first);
    let short = reserve(&mut cx, &ask(2, "lead 2")).await.unwrap_err();
    assert_eq!(short.code(), "credits.short");
    assert_eq!(
        short.members().find(|(name, _)| *name == "available").map(|(_, value)| value.clone()),
        Some(1.into())
    );
    // The transaction goes on.
    let held = balance(&mut cx).await.unwrap();
    assert_eq!((held.available, held.reserved), (1, 2));
    assert_eq!(reserve(&mut cx, &ask(0, "lead 3")).await.unwrap_err().code(), "credits.ask");
    verify(&mut cx).await.unwrap();
}

#[tokio::test]
async fn what_is_not_used_comes_back_and_each_end_is_an_end() {
    let bed = Bed::new().await;
    grant(&bed, 10).await;
    let mut cx = bed.cx().await;
    let one = reserve(&mut cx, &ask(4, "batch")).await.unwrap();
    assert_eq!(settle(&mut cx, one, 5).await.unwrap_err().code(), "credits.used");
    settle(&mut cx, one, 3).await.unwrap();
    settle(&mut cx, one, 3).await.unwrap();
    assert_eq!(release(&mut cx, one).await.unwrap_err().code(), "credits.ended");
    let two = reserve(&mut cx, &ask(2, "other")).await.unwrap();
    release(&mut cx, two).await.unwrap();
    release(&mut cx, two).await.unwrap();
    assert_eq!(settle(&mut cx, two, 1).await.unwrap_err().code(), "credits.ended");
    assert_eq!(reservation(&mut cx, two).await.unwrap().state, State::Released);
    let held = balance(&mut cx).await.unwrap();
    assert_eq!((held.available, held.reserved), (7, 0));
    verify(&mut cx).await.unwrap();
}

#[tokio::test]
async fn nothing_rolls_over_not_even_what_is_given_back_later() {
    let bed = Bed::new().await;
    let span = grant(&bed, 10).await;
    let mut cx = bed.cx().await;
    let held = reserve(&mut cx, &ask(4, "under way")).await.unwrap();
    cx.commit().await.unwrap();
    bed.kit.clock.advance_to(span.end);
    let next = grant(&bed, 5).await;
    let mut cx = bed.cx().await;
    assert!(!open_period(&mut cx, "test", next, 5).await.unwrap(), "a period is granted once");
    let now = balance(&mut cx).await.unwrap();
    assert_eq!((now.available, now.reserved), (5, 4));
    release(&mut cx, held).await.unwrap();
    let now = balance(&mut cx).await.unwrap();
    assert_eq!((now.available, now.reserved), (5, 0));
    verify(&mut cx).await.unwrap();
}

#[tokio::test]
async fn entries_cannot_be_changed_and_a_damaged_account_is_named() {
    let bed = Bed::new().await;
    grant(&bed, 10).await;
    let mut cx = bed.cx().await;
    let changed =
        sqlx::query("update billing.credit_entry set available_delta = 99").execute(cx.conn()).await;
    assert!(changed.unwrap_err().to_string().contains("permission denied"));
    drop(cx);
    let mut cx = bed.cx().await;
    sqlx::query("update billing.credit_account set available = 11").execute(cx.conn()).await.unwrap();
    assert!(verify(&mut cx).await.unwrap_err().message().contains("not the sum"));
}

#[tokio::test]
async fn a_trial_has_the_smallest_plans_credits_and_a_given_client_a_month_after_the_other() {
    let bed = Bed::new().await;
    let until = bed.on_trial().await;
    let mut cx = bed.cx().await;
    let held = present(&mut cx).await.unwrap();
    assert_eq!((held.available, held.period_end), (1_250, Some(until)));
    cx.commit().await.unwrap();
    // The other client stands as active without a subscription.
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    let first = present(&mut cx).await.unwrap();
    reserve(&mut cx, &ask(250, "used")).await.unwrap();
    cx.commit().await.unwrap();
    let end: Time = first.period_end.unwrap();
    bed.kit.clock.advance_to(end.plus_s(1));
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    let next = present(&mut cx).await.unwrap();
    assert_eq!((next.available, next.reserved, next.period_start), (1_250, 250, Some(end)));
    let kinds: Vec<_> =
        entries(&mut cx, None, 10).await.unwrap().rows.into_iter().map(|one| one.kind.label()).collect();
    assert_eq!(kinds, ["Granted", "Lapsed", "Set aside", "Granted"]);
    verify(&mut cx).await.unwrap();
}
