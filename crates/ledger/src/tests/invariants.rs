//! L1 to L6: the ledger itself.

use super::bed::{Bed, CURRENCY, nobody, owner, usd};
use crate::{
    Act, Chart, Ending, Leg, Outcome, Part, Purpose, Step, TransferId, account, apply, linked, sweep,
};
use base::{Currency, Money};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn l1_debits_equal_credits_after_every_step_pending_and_posted() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    bed.grant(150).await;
    bed.holds().await;
    let first = bed.reserve_from(&[bed.trial, bed.wallet], 500, None);
    let second = bed.reserve(300, 60);
    assert_eq!(bed.run(&[first.clone(), second.clone()]).await, [Outcome::Done, Outcome::Done]);
    bed.holds().await;
    assert_eq!(bed.account(bed.of(Chart::PlatformFee)).await.figures.pending_credits, 800, "not one-sided");
    assert_eq!(bed.one(bed.post(first.id, 344, 86)).await, Outcome::Done);
    bed.holds().await;
    assert_eq!(bed.one(bed.void(second.id)).await, Outcome::Done);
    bed.holds().await;
    let fee = bed.account(bed.of(Chart::PlatformFee)).await;
    assert_eq!((fee.figures.pending_credits, fee.figures.posted_credits), (0, 86));
    assert_eq!(bed.posted(bed.developer).await, 344);
    assert_eq!((bed.available(bed.trial).await, bed.available(bed.wallet).await), (0, 720));
}

#[tokio::test]
async fn l2_every_amount_is_whole_above_zero_and_fits_64_bits() {
    let bed = Bed::new().await;
    let psp = bed.of(Chart::PspStripe);
    let transfer = |minor| {
        let legs = vec![Leg::new(psp, bed.wallet, usd(minor))];
        Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs })
    };
    for minor in [0, -1, i64::MIN] {
        assert!(matches!(bed.one(transfer(minor)).await, Outcome::Malformed(_)), "{minor}");
        let mut reserve = bed.reserve(1, 60);
        if let Act::Reserve { amount, .. } = &mut reserve.act {
            amount.minor = minor;
        }
        assert!(matches!(bed.one(reserve).await, Outcome::Malformed(_)), "{minor}");
        assert!(matches!(
            bed.one(bed.post(bed.id(), minor, 1 - minor.max(-9))).await,
            Outcome::Malformed(_) | Outcome::UnknownPending { .. }
        ));
    }
    let none = Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs: Vec::new() });
    assert!(matches!(bed.one(none).await, Outcome::Malformed(_)), "two entries at least");
    assert_eq!(bed.one(transfer(i64::MAX)).await, Outcome::Done);
    assert_eq!(bed.one(transfer(1)).await, Outcome::Overflow { account: bed.wallet });
    let reserve = bed.reserve(i64::MAX, 60);
    let post = bed.post(reserve.id, i64::MAX, i64::MAX);
    assert_eq!(
        bed.run(&[reserve, post]).await,
        [Outcome::Done, Outcome::ExceedsReservation { reserved: i64::MAX }]
    );
    bed.holds().await;
    let mut conn = owner(&bed.kit).await;
    for minor in [0, -1] {
        let forged = format!(
            "insert into ledger.transfer (id, leg, kind, purpose, debit_account, credit_account, minor, currency, at)
             values (gen_random_uuid(), 0, 'posted', 'charge', gen_random_uuid(), gen_random_uuid(), {minor}, 'USD', now())"
        );
        assert!(
            sqlx::raw_sql(AssertSqlSafe(forged)).execute(&mut conn).await.is_err(),
            "the database refuses {minor}"
        );
    }
    let floats: i64 = sqlx::query_scalar(
        "select count(*) from information_schema.columns where table_schema = 'ledger' and data_type in ('real', 'double precision', 'numeric', 'money')",
    )
    .fetch_one(&mut conn)
    .await
    .expect("the catalogue");
    assert_eq!(floats, 0);
}

#[test]
fn l2_no_floating_point_is_in_the_books() {
    let sources = [
        include_str!("../account/mod.rs"),
        include_str!("../account/store.rs"),
        include_str!("../chart.rs"),
        include_str!("../dispute.rs"),
        include_str!("../exchange.rs"),
        include_str!("../journal.rs"),
        include_str!("../payout.rs"),
        include_str!("../refund.rs"),
        include_str!("../split.rs"),
        include_str!("../statement.rs"),
        include_str!("../sweep.rs"),
        include_str!("../transfer/book.rs"),
        include_str!("../transfer/mod.rs"),
        include_str!("../transfer/rules.rs"),
        include_str!("../transfer/store.rs"),
        include_str!("../verify.rs"),
    ];
    for source in sources {
        for float in [concat!("f", "32"), concat!("f", "64")] {
            assert!(!source.contains(float), "{float} in {}", source.lines().next().unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn l3_nothing_written_is_ever_changed_or_deleted() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    bed.charge(80, 20).await;
    let forbidden = [
        "update ledger.transfer set minor = 1",
        "delete from ledger.transfer",
        "truncate ledger.transfer",
        "update ledger.resolution set posted_minor = 1",
        "delete from ledger.resolution",
        "update ledger.account set currency = 'EUR'",
        "delete from ledger.account",
        "delete from ledger.balance",
    ];
    let written_by_functions_only = [
        "update ledger.balance set posted_credits = 1000000",
        "insert into ledger.transfer (id, leg, kind, purpose, debit_account, credit_account, minor, currency, at) values (gen_random_uuid(), 0, 'posted', 'charge', gen_random_uuid(), gen_random_uuid(), 1, 'USD', now())",
        "insert into ledger.resolution (pending_id, id, ending, posted_minor, at) values (gen_random_uuid(), gen_random_uuid(), 'voided', 0, now())",
        "insert into ledger.balance (account_id, debits_limited, credits_limited) values (gen_random_uuid(), false, false)",
    ];
    let denied = |cause: sqlx::Error, statement: &str| {
        let code = cause.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {cause}");
    };
    for statement in forbidden.iter().chain(&written_by_functions_only) {
        for tenant in [Some(&bed.buyer), Some(&bed.maker), None] {
            let mut cx = match tenant {
                Some(tenant) => bed.as_tenant(tenant).await,
                None => bed.kit.system().await,
            };
            let refused = sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(cx.conn()).await;
            denied(refused.expect_err(statement), statement);
        }
    }
    // Who owns the tables has every right; the triggers refuse all the same.
    let mut conn = owner(&bed.kit).await;
    for statement in forbidden {
        let refused = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut conn).await;
        denied(refused.expect_err(statement), statement);
    }
    bed.holds().await;
}

#[tokio::test]
async fn l4_what_is_reserved_cannot_be_spent_again() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    let first = bed.reserve(430, 60);
    let second = bed.reserve(71, 60);
    let third = bed.reserve(70, 60);
    assert_eq!(
        bed.run(&[first, second, third]).await,
        [Outcome::Done, Outcome::InsufficientFunds { account: bed.wallet, available: 70 }, Outcome::Done]
    );
    let legs = vec![Leg::new(bed.wallet, bed.of(Chart::PlatformFee), usd(1))];
    let direct = Step::new(bed.id(), Purpose::Charge, Act::Transfer { legs });
    assert_eq!(bed.one(direct).await, Outcome::InsufficientFunds { account: bed.wallet, available: 0 });
    // A database that is told to overspend says no by itself.
    let mut conn = owner(&bed.kit).await;
    let forced = sqlx::raw_sql("update ledger.balance set posted_debits = posted_debits + 1 where debits_limited and posted_credits > 0")
        .execute(&mut conn)
        .await
        .expect_err("the balance has a limit");
    assert_eq!(base::error::constraint(&forced), Some("balance_debits"));
}

#[tokio::test]
async fn l5_a_reservation_ends_once_and_the_rest_returns() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    let reserve = bed.reserve(500, 60);
    let pending = reserve.id;
    assert_eq!(bed.one(reserve).await, Outcome::Done);
    assert_eq!(bed.one(bed.post(pending, 500, 1)).await, Outcome::ExceedsReservation { reserved: 500 });
    let post = bed.post(pending, 344, 86);
    assert_eq!(bed.one(post.clone()).await, Outcome::Done);
    let wallet = bed.account(bed.wallet).await;
    assert_eq!((wallet.available(), wallet.figures.pending_debits), (70, 0), "0.70 of 5.00 returns at once");
    let ended = Outcome::AlreadyResolved { ending: Ending::Posted { minor: 430 }, by: post.id };
    assert_eq!(bed.one(post.clone()).await, Outcome::Exists, "the same step again");
    for again in [bed.post(pending, 344, 86), bed.void(pending)] {
        assert_eq!(bed.one(again).await, ended, "another step learns of the first");
    }
    let expire = Step::new(bed.id(), Purpose::Charge, Act::Expire { pending });
    assert_eq!(bed.one(expire).await, ended);
    let voided = bed.reserve(70, 60);
    let (void, twice) = (bed.void(voided.id), bed.void(voided.id));
    let first = void.id;
    assert_eq!(
        bed.run(&[voided, void, twice]).await,
        [Outcome::Done, Outcome::Done, Outcome::AlreadyResolved { ending: Ending::Voided, by: first }]
    );
    // Nothing was reserved under this id.
    let unknown = bed.id();
    assert_eq!(bed.one(bed.void(unknown)).await, Outcome::UnknownPending { pending: unknown });
    assert_eq!(bed.one(bed.void(post.id)).await, Outcome::UnknownPending { pending: post.id });
    bed.holds().await;
}

#[tokio::test]
async fn l6_what_has_expired_cannot_be_posted_and_is_spendable_again() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    let reserve = bed.reserve(500, 60);
    let (pending, expires_at) = (reserve.id, bed.now().plus_s(60));
    let forever = bed.reserve_from(&[bed.trial], 1, None);
    assert_eq!(bed.one(reserve).await, Outcome::Done);
    bed.grant(1).await;
    assert_eq!(bed.one(forever.clone()).await, Outcome::Done);
    let expire = |pending| Step::new(bed.id(), Purpose::Charge, Act::Expire { pending });
    bed.kit.clock.advance_s(59);
    assert_eq!(bed.one(expire(pending)).await, Outcome::NotDue { expires_at: Some(expires_at) });
    assert_eq!(bed.one(expire(forever.id)).await, Outcome::NotDue { expires_at: None });
    let mut cx = bed.kit.system().await;
    assert_eq!(sweep::sweep(&mut cx, 100).await.expect("sweeps").expired, 0);
    cx.commit().await.expect("commits");
    bed.kit.clock.advance_s(1);
    assert_eq!(bed.one(bed.post(pending, 400, 100)).await, Outcome::Expired { expires_at });
    assert_eq!(bed.one(bed.void(pending)).await, Outcome::Expired { expires_at });
    assert_eq!(bed.available(bed.wallet).await, 0);
    let mut cx = bed.kit.system().await;
    assert_eq!(sweep::sweep(&mut cx, 100).await.expect("sweeps").expired, 1);
    assert_eq!(sweep::sweep(&mut cx, 100).await.expect("sweeps"), sweep::Swept::default());
    cx.commit().await.expect("commits");
    assert_eq!(bed.available(bed.wallet).await, 500);
    let by = pending.derived("expire");
    assert_eq!(
        bed.one(bed.post(pending, 400, 100)).await,
        Outcome::AlreadyResolved { ending: Ending::Expired, by }
    );
    assert_eq!(bed.one(bed.reserve(500, 60)).await, Outcome::Done);
    bed.holds().await;
}

#[tokio::test]
async fn a_sweep_in_parts_leaves_nothing_behind() {
    let bed = Bed::new().await;
    bed.top_up(100).await;
    let steps: Vec<Step> = (0..100).map(|number| bed.reserve(1, 10 + number % 7)).collect();
    assert!(bed.run(&steps).await.iter().all(|outcome| *outcome == Outcome::Done));
    bed.kit.clock.advance_s(20);
    let (mut expired, mut rounds) = (0, 0);
    loop {
        let mut cx = bed.kit.system().await;
        let swept = sweep::sweep(&mut cx, 30).await.expect("sweeps");
        cx.commit().await.expect("commits");
        expired += swept.expired;
        rounds += 1;
        if !swept.more {
            break;
        }
    }
    assert_eq!((expired, rounds), (100, 4));
    assert_eq!(bed.available(bed.wallet).await, 100);
}

#[tokio::test]
async fn the_same_id_is_the_same_step_and_nothing_else() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    let reserve = bed.reserve(100, 60);
    assert_eq!(bed.run(&[reserve.clone(), reserve.clone()]).await, [Outcome::Done, Outcome::Exists]);
    assert_eq!(bed.one(reserve.clone()).await, Outcome::Exists);
    let mut other = bed.reserve(101, 60);
    other.id = reserve.id;
    assert_eq!(bed.one(other.clone()).await, Outcome::IdConflict);
    assert_eq!(other_error(Outcome::IdConflict), "ledger_id_conflict");
    let mut void = bed.void(reserve.id);
    void.id = reserve.id;
    assert_eq!(bed.one(void).await, Outcome::IdConflict);
    let post = bed.post(reserve.id, 80, 20);
    assert_eq!(bed.one(post.clone()).await, Outcome::Done);
    let mut less = bed.post(reserve.id, 70, 20);
    less.id = post.id;
    assert_eq!(bed.one(less).await, Outcome::IdConflict);
    assert_eq!(bed.run(&[reserve, post]).await, [Outcome::Exists, Outcome::Exists]);
    assert_eq!(bed.available(bed.wallet).await, 400, "once");
    // What was refused left no trace: the same id may be tried again.
    let large = bed.reserve(450, 60);
    assert!(matches!(bed.one(large.clone()).await, Outcome::InsufficientFunds { available: 400, .. }));
    bed.top_up(50).await;
    assert_eq!(bed.one(large).await, Outcome::Done);
}

fn other_error(outcome: Outcome) -> &'static str {
    outcome.ok().expect_err("it was refused").code()
}

#[tokio::test]
async fn linked_steps_happen_all_or_not_at_all() {
    let bed = Bed::new().await;
    bed.top_up(100).await;
    let group = linked(vec![bed.reserve(60, 60), bed.reserve(30, 60), bed.reserve(11, 60)]);
    let alone = bed.reserve(100, 60);
    let mut steps = group.clone();
    steps.push(alone.clone());
    let failed = Outcome::LinkedFailed { step: 2 };
    let outcomes = bed.run(&steps).await;
    assert_eq!(outcomes[..2], [failed, failed]);
    assert!(matches!(outcomes[2], Outcome::InsufficientFunds { .. }));
    assert_eq!(outcomes[3], Outcome::Done, "what they would have taken is there");
    assert_eq!(bed.one(bed.void(alone.id)).await, Outcome::Done);
    let mut cx = bed.kit.system().await;
    assert_eq!(crate::apply_all(&mut cx, &group).await.expect_err("refused").code(), "insufficient_funds");
    drop(cx);
    bed.top_up(1).await;
    assert_eq!(bed.run(&group).await, [Outcome::Done; 3]);
    assert_eq!(bed.run(&group).await, [Outcome::Exists; 3]);
    let mut open = bed.reserve(1, 60);
    open.linked = true;
    assert!(matches!(bed.one(open).await, Outcome::Malformed(_)), "linked to nothing");
    bed.holds().await;
}

#[tokio::test]
async fn accounts_that_do_not_exist_or_have_another_currency_are_named() {
    let bed = Bed::new().await;
    bed.top_up(100).await;
    let psp = bed.of(Chart::PspStripe);
    let transfer = |debit, credit, amount| {
        Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs: vec![Leg::new(debit, credit, amount)] })
    };
    assert_eq!(bed.one(transfer(psp, nobody(), usd(1))).await, Outcome::UnknownAccount { account: nobody() });
    assert!(matches!(bed.one(transfer(psp, psp, usd(1))).await, Outcome::Malformed(_)));
    let euros = Money { minor: 1, currency: Currency::Eur };
    assert_eq!(bed.one(transfer(psp, bed.wallet, euros)).await, Outcome::CurrencyMismatch { account: psp });
    let unbounded = bed.reserve_from(&[bed.of(Chart::PspFee)], 1, None);
    assert!(matches!(bed.one(unbounded).await, Outcome::Malformed(_)));
    let past = bed.reserve_from(&[bed.wallet], 1, Some(bed.now()));
    assert!(matches!(bed.one(past).await, Outcome::Malformed(_)));
}

#[tokio::test]
async fn a_tenant_sees_its_own_books_and_takes_from_nobody_else() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    let capture = bed.charge(80, 20).await;
    let mut ours = bed.as_tenant(&bed.buyer).await;
    let mut theirs = bed.as_tenant(&bed.maker).await;
    let count = async |cx: &mut db::Cx, table: &str| {
        let query = format!("select count(*) from ledger.{table}");
        sqlx::query_scalar::<_, i64>(AssertSqlSafe(query)).fetch_one(cx.conn()).await.expect("counts")
    };
    let seen = account::list(&mut ours, None, 10).await.expect("lists");
    assert_eq!(seen.iter().map(|a| a.chart).collect::<Vec<_>>(), [Chart::Wallet, Chart::TrialCredit]);
    // The top-up, the reservation and the two legs of the post; the developer sees its share only.
    assert_eq!((count(&mut ours, "transfer").await, count(&mut ours, "resolution").await), (4, 1));
    assert_eq!((count(&mut theirs, "transfer").await, count(&mut theirs, "resolution").await), (1, 0));
    assert_eq!(account::find(&mut theirs, bed.wallet).await.expect_err("not theirs").code(), "not_found");
    // Theirs tries to spend ours: at once, by a reservation, and by ending one of ours.
    let legs = vec![Leg::new(bed.wallet, bed.developer, usd(1))];
    let steal = Step::new(bed.id(), Purpose::Charge, Act::Transfer { legs });
    let unknown = Outcome::UnknownAccount { account: bed.wallet };
    assert_eq!(apply(&mut theirs, &[steal, bed.reserve(1, 60)]).await.expect("applies"), [unknown, unknown]);
    // A transaction that failed may hold locks until it ends.
    drop(theirs);
    let mut theirs = bed.as_tenant(&bed.maker).await;
    let reserve = bed.reserve(50, 60);
    assert_eq!(apply(&mut ours, std::slice::from_ref(&reserve)).await.expect("applies"), [Outcome::Done]);
    ours.commit().await.expect("commits");
    let pending = reserve.id;
    let parts = vec![Part { credit: bed.developer, minor: 50 }];
    let post = Step::new(bed.id(), Purpose::Charge, Act::Post { pending, parts });
    let unknown = Outcome::UnknownPending { pending };
    assert_eq!(apply(&mut theirs, &[post, bed.void(pending)]).await.expect("applies"), [unknown, unknown]);
    // The function that writes refuses too, whatever it is told.
    let forged = sqlx::query(
        "select ledger.write_transfers(array[gen_random_uuid()], array[0::smallint], array['posted'], array['charge'], array[$1::uuid], array[$2::uuid],
           array[1::bigint], array['USD'], array[false], array[null::timestamptz], array[null::uuid], array[null::uuid], array[''], now())",
    )
    .bind(bed.wallet.uuid())
    .bind(bed.developer.uuid())
    .execute(theirs.conn())
    .await
    .expect_err("a leg out of a foreign wallet");
    assert_eq!(base::error::constraint(&forged), Some("transfer_sides"));
    // A stranger's charge is not there for a third tenant.
    let third = bed.kit.tenant("Third").await;
    let mut cx = bed.as_tenant(&third).await;
    let refund = crate::refund::Refund { id: bed.id(), capture, amount: usd(1), memo: String::new() };
    assert_eq!(crate::refund::refund(&mut cx, &refund).await.expect_err("not theirs").code(), "not_found");
    let foreign = account::Key::wallet(bed.buyer.id, CURRENCY);
    assert_eq!(account::open(&mut cx, &[foreign]).await.expect_err("not theirs").code(), "not_found");
}

#[test]
fn ids_of_accounts_and_derived_steps_follow_from_what_they_are() {
    let tenant = base::TenantId(uuid::Uuid::from_u128(1));
    let wallet = account::Key::wallet(tenant, Currency::Usd);
    assert_eq!(wallet.id(), account::Key::wallet(tenant, Currency::Usd).id());
    let others = [
        account::Key::wallet(tenant, Currency::Eur),
        account::Key::trial(tenant, Currency::Usd),
        account::Key::developer(tenant, tenant.uuid(), Currency::Usd),
        account::Key::wallet(base::TenantId(uuid::Uuid::from_u128(2)), Currency::Usd),
    ];
    assert!(others.iter().all(|other| other.id() != wallet.id()));
    assert!(account::Key::platform(Chart::Wallet, Currency::Usd).is_err());
    let id = TransferId(uuid::Uuid::from_u128(3));
    assert_eq!(id.derived("expire"), id.derived("expire"));
    assert_ne!(id.derived("expire"), id.derived("void"));
}
