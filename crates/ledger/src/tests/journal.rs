//! L12: the books can be rebuilt, and programs that are not ours agree with them.

use super::bed::{Bed, CURRENCY, owner, usd};
use crate::account::{self, Key};
use crate::dispute::{self, Opened};
use crate::exchange::{Exchange, Rate, exchange};
use crate::journal::{self, Dialect, Written};
use crate::refund::{Refund, refund};
use crate::statement::statement;
use crate::verify::{Defect, verify};
use crate::{Act, Chart, Leg, Outcome, Purpose, Step};
use base::{Currency, Money, Time};
use sqlx::AssertSqlSafe;
use std::process::Command;

type IsIt = fn(&Defect) -> bool;

/// Books with a bit of everything, in three currencies of two, none and three decimals.
async fn busy() -> Bed {
    let bed = Bed::new().await;
    let mut cx = bed.kit.system().await;
    for currency in [Currency::Jpy, Currency::Kwd] {
        account::open_platform(&mut cx, currency).await.expect("opens");
        account::open(&mut cx, &[Key::wallet(bed.buyer.id, currency)]).await.expect("opens");
    }
    cx.commit().await.expect("commits");
    bed.top_up(100_000).await;
    bed.grant(300).await;
    let mixed = bed.charge_from(&[bed.trial, bed.wallet], 344, 86).await;
    let disputed = bed.charge(800, 200).await;
    assert_eq!(bed.one(bed.reserve(55, 60)).await, Outcome::Done);
    bed.kit.clock.advance_s(86_400);
    let mut cx = bed.kit.system().await;
    let back = Refund {
        id: bed.id(),
        capture: mixed,
        amount: usd(101),
        memo: "wrong; \"size\"\nreally | so".to_owned(),
    };
    refund(&mut cx, &back).await.expect("refunds");
    dispute::open(&mut cx, &Opened { id: bed.id(), capture: disputed, amount: usd(1_000) })
        .await
        .expect("opens");
    for (text, currency) in [("151.5", Currency::Jpy), ("0.30715", Currency::Kwd)] {
        let rate = Rate::parse(text, CURRENCY, currency, bed.now().plus_s(60)).expect("a rate");
        let to = Key::wallet(bed.buyer.id, currency).id();
        let swap = Exchange { id: bed.id(), from: bed.wallet, to, give: usd(9_999), rate, spread_bps: 75 };
        exchange(&mut cx, &swap).await.expect("exchanges");
    }
    cx.commit().await.expect("commits");
    bed.holds().await;
    bed
}

fn always() -> (Time, Time) {
    (Time::from_us(0), Time::from_us(0).plus_days(36_500))
}

async fn export(bed: &Bed, dialect: Dialect) -> (String, Written) {
    let mut out = Vec::new();
    let mut cx = bed.kit.system().await;
    let written = journal::write(&mut cx, always(), dialect, &mut out).await.expect("writes");
    (String::from_utf8(out).expect("text"), written)
}

#[tokio::test]
async fn l12_balances_rebuilt_from_the_legs_equal_the_stored_ones() {
    let bed = busy().await;
    let mut cx = bed.kit.system().await;
    let verdict = verify(&mut cx).await.expect("verifies");
    assert_eq!((verdict.accounts, verdict.first_bad), (5, None));
    assert!(verdict.legs > 15);
    drop(cx);
    let mut cx = bed.as_tenant(&bed.buyer).await;
    assert!(verify(&mut cx).await.is_err(), "a tenant sees not enough");
}

#[tokio::test]
async fn l12_the_first_account_that_is_not_right_is_named() {
    let bed = busy().await;
    let defects: [(&str, IsIt); 5] = [
        (
            "update ledger.balance set posted_credits = posted_credits + 1 where account_id = '{wallet}'",
            |defect| matches!(defect, Defect::Figures { stored: Some(stored), computed } if stored.posted_credits == computed.posted_credits + 1),
        ),
        (
            "update ledger.transfer set minor = minor + 1 where kind = 'pending' and debit_account = '{wallet}' and expires_at is not null",
            |defect| matches!(defect, Defect::Figures { stored: Some(stored), computed } if stored.pending_debits + 1 == computed.pending_debits),
        ),
        ("delete from ledger.balance where account_id = '{wallet}'", |defect| {
            matches!(defect, Defect::Figures { stored: None, .. })
        }),
        ("update ledger.resolution set posted_minor = posted_minor + 1", |defect| *defect == Defect::Ending),
        (
            "update ledger.transfer set currency = 'EUR' where debit_account = '{wallet}' and kind = 'post'",
            |defect| *defect == Defect::Leg,
        ),
    ];
    let mut conn = owner(&bed.kit).await;
    for (plant, is_it) in defects {
        let plant = plant.replace("{wallet}", &bed.wallet.to_string());
        // A copy of the books, spoiled, read by the same verb.
        let spoiled = format!("begin; set local session_replication_role = replica; {plant}; commit");
        let healed = ["balance", "transfer", "resolution"];
        for table in healed {
            let keep = format!(
                "drop table if exists public.{table}_kept; create table public.{table}_kept as table ledger.{table}"
            );
            sqlx::raw_sql(AssertSqlSafe(keep)).execute(&mut conn).await.expect("kept");
        }
        sqlx::raw_sql(AssertSqlSafe(spoiled)).execute(&mut conn).await.expect(&plant);
        let mut cx = bed.kit.system().await;
        let found = verify(&mut cx).await.expect("verifies").first_bad;
        drop(cx);
        let heals = healed.map(|table| {
            format!("delete from ledger.{table}; insert into ledger.{table} table public.{table}_kept;")
        });
        let heal = format!("begin; set local session_replication_role = replica; {} commit", heals.concat());
        sqlx::raw_sql(AssertSqlSafe(heal)).execute(&mut conn).await.expect("healed");
        let (account, defect) = found.unwrap_or_else(|| panic!("not found: {plant}"));
        assert!(is_it(&defect), "{plant}: {defect:?}");
        if !plant.contains("resolution") {
            assert_eq!(account, bed.wallet, "{plant}");
        }
    }
    bed.holds().await;
}

#[tokio::test]
async fn l12_hledger_accepts_the_journal_and_finds_the_same_balances() {
    let bed = busy().await;
    let (text, written) = export(&bed, Dialect::Hledger).await;
    assert!(written.transactions >= 8 && written.postings > 2 * written.transactions, "{written:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("books.journal");
    let hledger = |text: &str, args: &[&str]| {
        std::fs::write(&file, text).expect("written");
        Command::new("hledger").arg("-f").arg(&file).args(args).output()
    };
    let checked = match hledger(&text, &["check", "--strict"]) {
        Ok(checked) => checked,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            println!("hledger is not installed: the journal was not checked");
            return;
        }
        Err(cause) => panic!("hledger does not run: {cause}"),
    };
    assert!(checked.status.success(), "{}\n{text}", String::from_utf8_lossy(&checked.stderr));
    // A unit less on one side is noticed.
    let wrong = text.replacen("2.00 USD", "1.99 USD", 1);
    assert_ne!(wrong, text);
    assert!(!hledger(&wrong, &["check", "--strict"]).expect("runs").status.success());
    let listed = hledger(&text, &["balance", "--flat", "--no-total", "--output-format=csv", "--layout=bare"])
        .expect("runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let mut cx = bed.kit.system().await;
    let mut compared = 0;
    for account in account::list(&mut cx, None, 1_000).await.expect("lists") {
        // hledger: debits are positive.
        let minor = account.figures.posted_debits - account.figures.posted_credits;
        if minor == 0 {
            continue;
        }
        let amount = Money { minor, currency: account.currency }.to_major();
        let place: String =
            account.chart.word().split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let whose = if account.tenant.is_some() {
            format!(":{place}:{}", account.subject.to_string().to_uppercase())
        } else {
            format!(":{place}\"")
        };
        let found = listed.lines().any(|line| {
            line.contains(&whose)
                && line.contains(account.currency.code())
                && line.contains(&format!("\"{amount}\""))
        });
        assert!(found, "{whose} {amount} {} in\n{listed}", account.currency.code());
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

#[tokio::test]
async fn l12_a_journal_names_no_stranger_and_beancount_can_open_its_accounts() {
    let bed = busy().await;
    let (text, written) = export(&bed, Dialect::Beancount).await;
    assert!(text.contains("1970-01-01 open Liabilities:Wallet:") && !text.contains("commodity"));
    let used: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter_map(|line| line.split_once("  "))
        .map(|(name, _)| name)
        .collect();
    for name in used {
        assert!(text.contains(&format!(" open {name}\n")), "{name}");
        assert!(
            name.split(':')
                .all(|part| part.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())),
            "{name}"
        );
    }
    let mut out = Vec::new();
    let mut cx = bed.as_tenant(&bed.buyer).await;
    let own = journal::write(&mut cx, always(), Dialect::Hledger, &mut out).await.expect("writes");
    let own_text = String::from_utf8(out).expect("text");
    assert!(own.postings < written.postings, "what touches the buyer only");
    assert!(own_text.contains(&bed.buyer.id.to_string().to_uppercase()));
    assert!(
        !own_text.contains(&bed.maker.id.to_string().to_uppercase()),
        "the developer's tenant is no business of the buyer's"
    );
}

#[tokio::test]
async fn a_statement_adds_up_to_the_account() {
    let bed = busy().await;
    let mut cx = bed.as_tenant(&bed.buyer).await;
    let whole = statement(&mut cx, bed.wallet, always(), None, 1_000).await.expect("reads");
    assert_eq!((whole.opening, whole.next), (0, None));
    assert_eq!(whole.closing, whole.account.posted());
    assert_eq!(whole.lines.iter().map(|line| line.minor).sum::<i64>(), whole.closing);
    assert_eq!(whole.lines[0].other, Chart::PspStripe);
    let second_day = (bed.now(), always().1);
    let rest = statement(&mut cx, bed.wallet, second_day, None, 1_000).await.expect("reads");
    assert_eq!(rest.opening + rest.lines.iter().map(|line| line.minor).sum::<i64>(), rest.closing);
    assert!(rest.opening > 0 && rest.closing == whole.closing);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = statement(&mut cx, bed.wallet, always(), after, 2).await.expect("reads");
        pages.extend(page.lines);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, whole.lines);
    let developer = statement(&mut cx, bed.developer, always(), None, 10).await;
    assert_eq!(developer.expect_err("not theirs").code(), "not_found");
    let legs = vec![Leg::new(bed.of(Chart::PspStripe), bed.wallet, usd(1))];
    assert_eq!(bed.one(Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs })).await, Outcome::Done);
}
