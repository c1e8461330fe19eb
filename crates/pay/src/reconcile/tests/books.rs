//! The books are verified each night, and overdue reservations are given back by themselves.

use crate::payment::tests::bed::{AUD, Bed};
use base::Money;
use ledger::account::Key;
use ledger::{Act, Chart, Purpose, Step, TransferId};

/// Does what no role of the program can: changes the books.
async fn tamper(bed: &Bed, statement: &str) {
    bed.run_sql(&format!("set session_replication_role = replica; {statement}")).await;
}

async fn paid() -> Bed {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    bed.execute(&bed.mandate(430).await).await.expect(200);
    bed
}

const ALARMS: &str = "control.notification where dedupe_key = 'pay.books'";

/// Until the next night is over.
async fn a_night(bed: &Bed) {
    // The check is at a quarter to three; the hours before it change nothing.
    bed.kit.clock.advance_s(20 * 3_600);
    bed.app.run_until(bed.kit.clock_now().plus_s(4 * 3_600)).await;
}

#[tokio::test]
async fn l1_l12_the_nightly_check_finds_a_planted_defect_in_the_books_and_tells_its_owner() {
    let plants = [
        "update ledger.balance set posted_credits = posted_credits + 1 where account_id = (select id from ledger.account where chart = 'wallet')",
        "update ledger.transfer set currency = 'USD' where credit_account = (select id from ledger.account where chart = 'developer')",
        "update ledger.transfer set minor = minor + 1 where kind = 'post'",
    ];
    futures::future::join_all(plants.map(async |plant| {
        let bed = paid().await;
        bed.kit.clock.advance_s(2 * 3_600);
        bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
        assert_eq!(bed.count(ALARMS).await, 0, "sound books alarm nobody");
        assert_eq!(bed.count("jobs.job_done where kind = 'pay.verify_books'").await, 1, "they were checked");
        tamper(&bed, plant).await;
        a_night(&bed).await;
        assert_eq!(bed.count(ALARMS).await, 1, "{plant}");
        let told =
            bed.sql("select tenant_id::text from control.notification where dedupe_key = 'pay.books'").await;
        assert_eq!(told, [bed.tenant.id.to_string()]);
    }))
    .await;
}

#[tokio::test]
async fn l6_overdue_reservations_are_given_back_by_themselves_and_those_in_time_stay() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let wallet = Key::wallet(bed.tenant.id, AUD).id();
    let now = bed.kit.clock_now();
    let mut cx = bed.kit.system().await;
    ledger::account::open_platform(&mut cx, AUD).await.expect("opens");
    let credit = Key::platform(Chart::PlatformFee, AUD).expect("the platform's").id();
    let mut steps = Vec::new();
    for (minor, seconds) in [(300, 60), (200, 7_200)] {
        let amount = Money { minor, currency: AUD };
        let act = Act::Reserve { from: vec![wallet], credit, amount, expires_at: Some(now.plus_s(seconds)) };
        steps.push(Step::new(cx.id::<TransferId>(), Purpose::Charge, act));
    }
    ledger::apply_all(&mut cx, &steps).await.expect("reserves");
    cx.commit().await.expect("commits");
    let available = async || {
        let mut cx = bed.kit.system().await;
        ledger::account::find(&mut cx, wallet).await.expect("it is open").available()
    };
    assert_eq!(available().await, 500);
    bed.app.run_until(now.plus_s(400)).await;
    assert_eq!(available().await, 800, "the first is over");
    bed.app.run_until(now.plus_s(7_600)).await;
    assert_eq!(available().await, 1_000);
    bed.holds().await;
}
