//! What was sent is what its snapshot holds, word for word, whichever wording it was written with.

use super::{batch::ROOM, world::World};
use crate::{
    sequence::{self, Arm, Reach, Step},
    touch::Mode,
};
use control::approval::{self, ApprovalId};
use std::collections::BTreeSet;

#[tokio::test]
async fn what_was_sent_equals_its_snapshot_in_each_wording() {
    let w = World::new(Mode::Autopilot, 8).await;
    w.sql(ROOM).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let arm = |subject: &str| Arm { subject_template: subject.into(), ..Arm::default() };
    let steps = vec![
        Step { arms: vec![arm("About {{company}}"), arm("For {{first_name}}")], ..Step::default() },
        Step { delay_days: 3, ..Step::default() },
    ];
    sequence::save_for(&mut cx, w.campaign.into(), "", steps, Reach::InFlightToo).await.expect("saved");
    cx.commit().await.expect("a commit");
    w.run_s(7 * 3_600).await;
    let mails = w.provider.kept();
    assert_eq!(mails.len(), 8);
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let mut arms = BTreeSet::new();
    for mail in &mails {
        let row = sqlx::query!(
            r#"select t.arm, s.variant, s.content, s.writer, s.template, s.prompt_version, jsonb_array_length(s.facts) as "facts!"
               from outreach.touch t join outreach.content_snapshot s on s.touch_id = t.id
               where t.tenant_id = $1 and trim(both '<>' from t.message_id) = trim(both '<>' from $2)"#,
            w.tenant.id.uuid(),
            mail.message_id.to_string(),
        )
        .fetch_one(cx.conn())
        .await
        .expect("one snapshot of one message");
        assert_eq!(row.content["subject"], mail.subject.as_str());
        assert_eq!(row.content["body"], mail.text.as_str());
        assert_eq!(row.content["to"], mail.to[0].to_string().as_str());
        assert_eq!(row.variant, row.arm, "the snapshot names its wording");
        assert!(
            row.writer == "builtin"
                && row.template.is_some()
                && !row.prompt_version.is_empty()
                && row.facts > 0
        );
        arms.extend(row.arm);
    }
    assert!(arms.len() >= 2, "more than one wording was sent: {arms:?}");
}

#[tokio::test]
async fn what_a_person_edited_has_a_snapshot_of_its_own_as_it_left() {
    let w = World::new(Mode::CoPilot, 1).await;
    w.settle().await;
    let id = ApprovalId(w.touch(0).await.approval.expect("asked"));
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let mut content = approval::get(&mut cx, id).await.expect("there").content;
    content["subject"] = "Chairs for Harbour Dental".into();
    let edited = approval::edit(&mut cx, id, content, None).await.expect("it waits");
    approval::approve(&mut cx, id, Some(&edited.digest)).await.expect("it waits");
    cx.commit().await.expect("a commit");
    w.settle().await;
    let mail = w.provider.kept().pop().expect("it left");
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let all =
        sqlx::query!("select writer, content, cost_micros from outreach.content_snapshot order by at, id")
            .fetch_all(cx.conn())
            .await
            .expect("rows");
    let writers: Vec<&str> = all.iter().map(|row| row.writer.as_str()).collect();
    assert_eq!(writers, ["builtin", "person"], "the draft stays beside it");
    assert_eq!(all[1].content["subject"], mail.subject.as_str());
    assert_eq!(all[1].content["body"], mail.text.as_str());
    assert_eq!(all[1].content["to"], mail.to[0].to_string().as_str());
    assert_ne!(all[0].content["subject"], all[1].content["subject"]);
}
