//! L12: the exported books against a program that is not ours.

use crate::credit::{self, Kind};
use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use base::{Currency, Money};
use ledger::account::Key;
use ledger::exchange::{Exchange, Rate, exchange};
use ports::rail::{Dispute, DisputeStage, Fault, MemoryRail, RailKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::sync::Arc;

/// Of an account in a currency, in minor units; positive on the credit side.
type Sums = BTreeMap<(String, String), i64>;

/// A tenant with every kind of movement.
async fn busy() -> Bed {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["ledger", "stripe"]).await;
    bed.set_up(&stripe()).await;
    for (kind, minor, reference) in [(Kind::Paid, 50_001, "pi_1"), (Kind::Trial, 333, "welcome")] {
        let new = credit::New {
            kind,
            amount_minor: minor,
            currency: AUD,
            reference: reference.to_owned(),
            rail: None,
        };
        let mut cx = bed.kit.cx(&bed.tenant.owner).await;
        credit::add(&mut cx, &new).await.expect("books");
        cx.commit().await.expect("commits");
    }
    let mixed = paid(&bed, 431, "ledger").await;
    refunded(&bed, &mixed, 101).await;
    paid(&bed, 7, "ledger").await;
    let card = paid(&bed, 9_999, "stripe").await;
    refunded(&bed, &card, 3_333).await;
    for (name, ends) in
        [("dp_won", Some(DisputeStage::Won)), ("dp_lost", Some(DisputeStage::Lost)), ("dp_open", None)]
    {
        let disputed = paid(&bed, 1_000, "stripe").await;
        heard(&bed, &disputed, name, DisputeStage::Open).await;
        if let Some(end) = ends {
            heard(&bed, &disputed, name, end).await;
        }
    }
    rail.inject(Fault::Declined);
    let ask = json!({"mandate_id": bed.mandate(60).await, "rail": "stripe"});
    let failed = bed.call(&bed.agent(), "POST", "/api/v1/execute", &ask).await.expect(200).json();
    assert_eq!(failed["payment"]["status"], "failed");
    exchanged(&bed, "151.5", Currency::Jpy).await;
    exchanged(&bed, "0.30715", Currency::Kwd).await;
    let payee = format!("/api/v1/payees/{}", bed.vendor);
    let to = json!({"rail": "stripe", "destination": "acct_1", "kyc": true});
    bed.call(&bed.owner(), "PUT", &payee, &to).await.expect(200);
    bed.kit.clock.advance_s(crate::payout::HOLD_WINDOW_S + 1);
    let ask = json!({"developer_id": bed.vendor, "currency": "AUD", "amount_minor": 4_321});
    bed.call(&bed.owner(), "POST", "/api/v1/payouts", &ask).await.expect(202);
    bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
    assert_eq!(bed.sql("select status::text from pay.payout").await, ["succeeded"]);
    bed
}

async fn paid(bed: &Bed, minor: i64, rail: &str) -> String {
    let mandate = bed.mandate(minor).await;
    let ask = json!({"mandate_id": mandate, "rail": rail});
    let answer = bed.call(&bed.agent(), "POST", "/api/v1/execute", &ask).await.expect(200).json();
    assert_eq!(answer["payment"]["status"], "succeeded");
    text(&answer["payment"]["id"])
}

async fn refunded(bed: &Bed, payment: &str, minor: i64) {
    let path = format!("/api/v1/payments/{payment}/refund");
    let answer = bed.call(&bed.owner(), "POST", &path, &json!({"amount_minor": minor})).await;
    assert!(matches!(answer.status, 201 | 202), "{}", answer.text());
    bed.app.run_until(bed.kit.clock_now().plus_s(60)).await;
}

async fn heard(bed: &Bed, payment: &str, name: &str, stage: DisputeStage) {
    let word = Dispute {
        provider_ref: name.to_owned(),
        payment_ref: None,
        amount: Money { minor: 1_000, currency: AUD },
        fee_minor: None,
        reason: "fraudulent".to_owned(),
        stage,
    };
    let keys = bed.ring.keys().await.expect("keys");
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    crate::dispute::heard(&mut cx, &keys, payment.parse().expect("an id"), &word).await.expect("heard");
    cx.commit().await.expect("commits");
}

async fn exchanged(bed: &Bed, rate: &str, currency: Currency) {
    let mut cx = bed.kit.system().await;
    ledger::account::open_platform(&mut cx, AUD).await.expect("opens");
    ledger::account::open_platform(&mut cx, currency).await.expect("opens");
    let to = Key::wallet(bed.tenant.id, currency);
    ledger::account::open(&mut cx, &[to]).await.expect("opens");
    let swap = Exchange {
        id: cx.id(),
        from: Key::wallet(bed.tenant.id, AUD).id(),
        to: to.id(),
        give: Money { minor: 9_999, currency: AUD },
        rate: Rate::parse(rate, AUD, currency, cx.now().plus_s(60)).expect("a rate"),
        spread_bps: 75,
    };
    exchange(&mut cx, &swap).await.expect("exchanges");
    cx.commit().await.expect("commits");
}

async fn exported(bed: &Bed, format: &str) -> String {
    let path = format!(
        "/api/v1/exports/statement?from=2026-03-01T00:00:00Z&to=2027-03-01T00:00:00Z&format={format}"
    );
    bed.owner().get(&path).await.expect(200).text()
}

/// The lines of a statement, summed; each with its closing balance.
fn of_statement(csv: &str) -> (Sums, BTreeSet<String>) {
    let (mut sums, mut purposes) = (Sums::new(), BTreeSet::new());
    let mut closing = Sums::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let place: String = cells[0].split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let account = (format!("Liabilities:{place}:{}", cells[1].to_uppercase()), cells[2].to_owned());
        match cells[3] {
            "line" => {
                let minor = cells[9].parse::<i64>().expect("minor units");
                let currency: Currency = cells[2].parse().expect("a currency");
                assert_eq!(cells[10], Money { minor, currency }.to_major(), "both are the same amount");
                *sums.entry(account).or_default() += minor;
                purposes.insert(cells[5].to_owned());
            }
            "closing" => drop(closing.insert(account, cells[11].parse().expect("a balance"))),
            _ => {}
        }
    }
    closing.retain(|_, minor| *minor != 0);
    sums.retain(|_, minor| *minor != 0);
    assert_eq!(sums, closing);
    (sums, purposes)
}

/// Runs hledger over a journal; none where it is not installed, which CI does not accept.
fn hledger(journal: &str, args: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("books.journal");
    std::fs::write(&file, journal).expect("written");
    match Command::new("hledger").arg("-f").arg(&file).args(args).output() {
        Ok(output) => Some(output),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            println!("hledger is not installed: the journal was not checked");
            None
        }
        Err(cause) => panic!("hledger does not run: {cause}"),
    }
}

/// What hledger makes of the tenant's accounts.
fn of_journal(listed: &str, subjects: &[String]) -> Sums {
    let mut sums = Sums::new();
    for line in listed.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
        let [account, currency, amount] = cells[..] else { panic!("{line}") };
        if subjects.iter().any(|subject| account.ends_with(subject.as_str())) {
            // Debits are positive there.
            let minor: i64 = amount.replace('.', "").parse().expect("a number");
            sums.insert((account.to_owned(), currency.to_owned()), -minor);
        }
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

#[tokio::test]
async fn l12_the_exported_journal_passes_hledger_and_is_the_statement_cent_for_cent() {
    let bed = busy().await;
    let (statement, purposes) = of_statement(&exported(&bed, "csv").await);
    // What a lost dispute moves is not the tenant's any more: it is in the journal of the platform.
    let expected =
        ["charge", "dispute_open", "dispute_won", "exchange", "payout", "refund", "top_up", "trial_grant"];
    let seen: Vec<&str> = purposes.iter().map(String::as_str).collect();
    assert!(expected.iter().all(|purpose| seen.contains(purpose)), "{seen:?}");
    let journal = exported(&bed, "journal").await;
    let Some(checked) = hledger(&journal, &["check", "--strict"]) else { return };
    assert!(checked.status.success(), "{}\n{journal}", String::from_utf8_lossy(&checked.stderr));
    // A cent less on one side is noticed.
    let wrong = journal.replacen("43.21 AUD", "43.20 AUD", 1);
    assert!(wrong != journal, "{journal}");
    assert!(!hledger(&wrong, &["check", "--strict"]).expect("runs").status.success());
    let args = ["balance", "--flat", "--no-total", "--output-format=csv", "--layout=bare"];
    let listed = String::from_utf8(hledger(&journal, &args).expect("runs").stdout).expect("text");
    let subjects = [bed.tenant.id.to_string().to_uppercase(), bed.vendor.to_uppercase()];
    assert_eq!(of_journal(&listed, &subjects), statement, "{listed}");
    assert!(statement.len() >= 4, "wallets in three currencies and earnings: {statement:?}");
    let same = bed
        .owner()
        .get("/api/v1/exports/journal?from=2026-03-01T00:00:00Z&to=2027-03-01T00:00:00Z")
        .await
        .expect(200)
        .text();
    assert!(same == journal, "{same}");
    let account = Key::wallet(bed.tenant.id, AUD).id();
    let one = format!(
        "/api/v1/exports/statement?from=2026-03-01T00:00:00Z&to=2027-03-01T00:00:00Z&account={account}&format=journal"
    );
    let refused: Value = bed.owner().get(&one).await.expect(400).json();
    assert_eq!(refused["code"], "statement.account");
    bed.holds().await;
}
