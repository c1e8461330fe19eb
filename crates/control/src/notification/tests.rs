//! Behaviour of notifications, against PostgreSQL.

use super::*;
use crate::testing::World;

fn news(key: &str, kind: Kind) -> Notification {
    Notification {
        kind,
        severity: Severity::Info,
        title: "Something".into(),
        body: String::new(),
        href: None,
        dedupe_key: key.into(),
        person: None,
    }
}

#[tokio::test]
async fn the_same_news_is_told_again_only_after_it_was_read() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let first = notify(&mut cx, &news("a", Kind::Reply)).await.expect("tells").expect("is fresh");
    assert!(notify(&mut cx, &news("a", Kind::Reply)).await.expect("holds back").is_none());
    assert_eq!(unread(&mut cx).await.expect("counts"), 1);
    read(&mut cx, first).await.expect("reads");
    assert!(notify(&mut cx, &news("a", Kind::Reply)).await.expect("tells").is_some());
    assert_eq!(list(&mut cx, Some(w.person), false, None, 10).await.expect("lists").rows.len(), 2);
    assert_eq!(read_all(&mut cx).await.expect("reads"), 1);
    assert_eq!(unread(&mut cx).await.expect("counts"), 0);
    w.drop().await;
}

#[tokio::test]
async fn what_a_person_turned_off_or_is_for_another_is_not_shown() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let other = w.db.random().id(w.clock.as_ref());
    notify(&mut cx, &news("a", Kind::Reply)).await.expect("tells");
    notify(&mut cx, &news("b", Kind::Report)).await.expect("tells");
    notify(&mut cx, &Notification { person: Some(other), ..news("c", Kind::Reply) }).await.expect("tells");
    let mut choices = preferences(&mut cx, w.person).await.expect("reads");
    assert!(choices.iter().all(|c| c.in_app && !c.email && c.quiet.is_none()));
    for choice in &mut choices {
        choice.in_app = choice.kind != Kind::Report;
        choice.quiet = Some((20, 7));
    }
    set(&mut cx, w.person, &choices).await.expect("keeps");
    assert_eq!(preferences(&mut cx, w.person).await.expect("reads"), choices);
    let shown = list(&mut cx, Some(w.person), true, None, 10).await.expect("lists");
    assert_eq!(shown.rows.iter().map(|n| n.kind.as_str()).collect::<Vec<_>>(), ["reply"]);
    assert_eq!(unread(&mut cx).await.expect("counts"), 1);
    choices[0].quiet = Some((24, 7));
    assert_eq!(set(&mut cx, w.person, &choices).await.expect_err("no hour").code(), "notification.quiet");
    w.drop().await;
}
