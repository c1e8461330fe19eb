//! Behaviour of the twins of booking services that is not seen through our adapters.

use super::{NAMES, book::Book, start, start_all};
use base::{Clock, ManualClock, Time};
use std::sync::Arc;

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at("2026-11-21T00:00:00Z".parse::<Time>().unwrap()))
}

#[tokio::test]
async fn every_twin_starts_on_this_machine_only_and_an_unknown_one_does_not() {
    let any = "127.0.0.1:0".parse().unwrap();
    let twins = start_all(any, &clock()).await.unwrap();
    assert_eq!(twins.len(), NAMES.len());
    for twin in twins {
        assert_eq!(twin.calls(), 0);
        twin.shutdown().await;
    }
    assert!(start("calendly", "0.0.0.0:0".parse().unwrap(), clock()).await.is_err());
    assert_eq!(start("diary", any, clock()).await.err().unwrap().code(), "twin.unknown");
}

#[test]
fn free_hours_are_those_of_working_days() {
    let book = Book::default();
    let t = |text: &str| text.parse::<Time>().unwrap();
    // A Saturday, then a Monday.
    assert!(book.free(t("2026-11-21T00:00:00Z"), t("2026-11-23T00:00:00Z")).is_empty());
    let monday = book.free(t("2026-11-23T00:10:00Z"), t("2026-11-24T00:00:00Z"));
    assert_eq!((monday.len(), monday.first().copied()), (11, Some(t("2026-11-23T00:30:00Z"))));
}
