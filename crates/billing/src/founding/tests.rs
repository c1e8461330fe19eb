use super::{give_back, hold, keep, left, own};
use crate::testing::Bed;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_takers_at_once_exactly_twenty_get_a_spot() {
    let bed = Arc::new(Bed::new().await);
    let mut owners = Vec::new();
    for n in 0..64 {
        owners.push(bed.kit.tenant(&format!("Client {n}")).await.owner);
    }
    let until = bed.now().plus_days(1);
    let takers: Vec<_> = owners
        .into_iter()
        .enumerate()
        .map(|(n, owner)| {
            let bed = bed.clone();
            tokio::spawn(async move {
                let mut cx = bed.kit.cx(&owner).await;
                let spot = hold(&mut cx, until).await.unwrap();
                // Some change their mind before anything is kept: their spot is somebody else's.
                if n % 8 == 0 {
                    cx.rollback().await.unwrap();
                    return None;
                }
                keep(&mut cx).await.unwrap();
                cx.commit().await.unwrap();
                spot.map(|spot| spot.number)
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for taker in takers {
        numbers.extend(taker.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    let mut cx = bed.cx().await;
    assert_eq!(left(&mut cx).await.unwrap().free, 0);
    assert_eq!(hold(&mut cx, until).await.unwrap(), None);
}

#[tokio::test]
async fn a_held_spot_can_be_given_back_and_a_kept_one_cannot() {
    let bed = Bed::new().await;
    let until = bed.now().plus_days(1);
    let mut cx = bed.cx().await;
    let spot = hold(&mut cx, until).await.unwrap().unwrap();
    assert_eq!((spot.number, spot.percent_off), (1, 50));
    assert_eq!(hold(&mut cx, until).await.unwrap().unwrap().number, 1, "nobody has two");
    assert_eq!(left(&mut cx).await.unwrap().free, 19);
    give_back(&mut cx).await.unwrap();
    assert_eq!(own(&mut cx).await.unwrap(), None);
    hold(&mut cx, until).await.unwrap();
    keep(&mut cx).await.unwrap();
    give_back(&mut cx).await.unwrap();
    assert_eq!(own(&mut cx).await.unwrap().map(|spot| spot.held_until), Some(None));
}
