//! The register's answers.

use super::{Verdict, answer, ask, parse, permits, verdict};
use base::Time;
use testkit::TestDb;

#[test]
fn the_answers_of_the_register_are_read_in_its_usual_forms() {
    let text = "Number,Result\n+61400000001,N\n0400 000 002,Y\n\"61400000003\";listed\n400000004\tinvalid\n\nnonsense\n";
    let found = parse(text);
    let expected = [
        ("+61400000001", Verdict::Clear),
        ("+61400000002", Verdict::Listed),
        ("+61400000003", Verdict::Listed),
        ("+61400000004", Verdict::Invalid),
    ];
    assert_eq!(found.iter().map(|(n, v)| (n.as_str(), *v)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_call_needs_a_fresh_clear_answer_or_express_consent() {
    let now: Time = "2026-11-23T00:00:00Z".parse().expect("an instant");
    let code = |answer, express| permits(answer, express, 30, now).err().map(|(code, _)| code);
    assert_eq!(code(None, false), Some("not_washed"));
    assert_eq!(code(None, true), None);
    assert_eq!(code(Some((Verdict::Listed, now)), false), Some("listed"));
    assert_eq!(code(Some((Verdict::Clear, now.plus_days(-29))), false), None);
    assert_eq!(code(Some((Verdict::Clear, now.plus_days(-30))), false), Some("wash_old"));
}

#[tokio::test]
async fn a_batch_holds_each_number_that_needs_an_answer_once_and_its_answer_is_kept() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let mut cx = db.cx(&ours.owner).await;
    let (tenant, now) = (ours.id.uuid(), cx.now());
    for n in 1..=3 {
        sqlx::query("insert into leads.lead (id, tenant_id, phone, country, status, source, created_at, updated_at) values (gen_random_uuid(), $1, $2, 'AU', 'scored', 'test', $3, $3)")
            .bind(tenant)
            .bind(format!("+6140000000{}", n.min(2)))
            .bind(now)
            .execute(cx.conn())
            .await
            .expect("a lead");
    }
    let batch = ask(&mut cx).await.expect("a batch").expect("numbers");
    assert_eq!(
        super::numbers(&mut cx, batch.uuid()).await.expect("numbers"),
        ["+61400000001", "+61400000002"]
    );
    assert!(ask(&mut cx).await.expect("asked").is_none(), "they were handed in already");
    let done = answer(&mut cx, batch.uuid(), "0400000001,N\n0400000002,Y\n0400000009,N", "upload")
        .await
        .expect("read");
    assert_eq!((done.clear, done.listed, done.unknown), (1, 1, 1));
    assert_eq!(verdict(&mut cx, "+61400000002").await.expect("kept").map(|v| v.0), Some(Verdict::Listed));
    cx.commit().await.expect("a commit");
    let mut cx = db.cx(&theirs.owner).await;
    assert_eq!(verdict(&mut cx, "+61400000002").await.expect("read"), None);
}
