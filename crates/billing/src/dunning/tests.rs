use super::{State, list};
use crate::testing::Bed;

#[tokio::test]
async fn reminders_leave_on_their_days_and_stop_when_it_is_paid() {
    let bed = Bed::new().await;
    let id = bed.buy("ignition").await;
    bed.hear().await;
    bed.card(&id, "pm_card_chargeDeclined").await;
    bed.renew(&id).await;
    bed.hear().await;
    let failed = bed.now();
    let days = async || {
        let mut cx = bed.cx().await;
        let mut all: Vec<(i32, State)> =
            list(&mut cx).await.unwrap().into_iter().map(|one| (one.day, one.state)).collect();
        all.sort_by_key(|one| one.0);
        all
    };
    assert_eq!(days().await, [(0, State::Sent)]);
    bed.kit.clock.advance_to(failed.plus_days(3));
    bed.app.run_until(bed.now().plus_s(60)).await;
    assert_eq!(days().await, [(0, State::Sent), (3, State::Sent)]);
    let mails = bed.memory.email.delivered();
    assert_eq!(mails.len(), 2);
    assert!(
        mails[0].mail.subject.starts_with("Your payment did not go through"),
        "{}",
        mails[0].mail.subject
    );
    assert!(mails[1].mail.subject.starts_with("Your payment is still missing"), "{}", mails[1].mail.subject);
    assert!(
        mails[1].mail.text.contains("INV-000002") && mails[1].mail.text.contains("/_twin/invoice/"),
        "{}",
        mails[1].mail.text
    );
    bed.card(&id, "pm_card_visa").await;
    let open = bed.twin_get("/v1/invoices?status=open").await["data"][0]["id"].as_str().unwrap().to_owned();
    bed.visit(&format!("/_twin/invoice/{open}"), "act=pay").await;
    bed.hear().await;
    bed.kit.clock.advance_to(failed.plus_days(20));
    bed.app.run_until(bed.now().plus_s(60)).await;
    assert_eq!(days().await.len(), 2, "nothing is owed any more");
}
