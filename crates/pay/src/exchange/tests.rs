//! Exchanges: quoted, executed once, at rates that somebody wrote down.

use super::{New, QUOTE_S, execute, quote, rate};
use crate::payment::tests::bed::{AUD, Bed, text};
use base::{Currency, Result};
use futures::future::join_all;
use ledger::account::Key;
use ledger::{Chart, Side};
use serde_json::{Value, json};
use testkit::{Client, Member};

fn chief(bed: &Bed) -> Client {
    bed.app.as_member(&Member { platform: true, ..bed.tenant.owner.clone() })
}

/// Writes a rate down that is valid for a day.
async fn wrote(bed: &Bed, base: &str, quote: &str, rate: &str, spread_bps: u16) -> Value {
    let until = bed.kit.clock_now().plus_s(86_400);
    let body = json!({"source": "The bank's list", "valid_until": until, "spread_bps": spread_bps,
        "rates": [{"base": base, "quote": quote, "rate": rate}]});
    bed.call(&chief(bed), "POST", "/api/v1/exchange-rates", &body).await.expect(201).json()["rates"][0]
        .clone()
}

async fn asked(bed: &Bed, minor: i64, give: &str, get: &str) -> testkit::Answer {
    let body = json!({"give_minor": minor, "give_currency": give, "get_currency": get});
    bed.call(&bed.owner(), "POST", "/api/v1/exchanges", &body).await
}

async fn done(bed: &Bed, id: &str) -> testkit::Answer {
    bed.call(&bed.owner(), "POST", &format!("/api/v1/exchanges/{id}/execute"), &json!({})).await
}

async fn held(bed: &Bed, currency: Currency) -> i64 {
    bed.posted(Key::wallet(bed.tenant.id, currency)).await
}

#[tokio::test]
async fn a_quote_moves_nothing_and_is_executed_once_to_the_minor_unit() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let wrote = wrote(&bed, "AUD", "JPY", "97.35", 50).await;
    let quoted = asked(&bed, 10_000, "AUD", "JPY").await.expect(201).json();
    // 100.00 less 0.50 is 99.50, which is worth 9,686.3 yen.
    assert_eq!((quoted["spread_minor"].as_i64(), quoted["get_minor"].as_i64()), (Some(50), Some(9_686)));
    assert_eq!((&quoted["status"], &quoted["rate_id"]), (&json!("quoted"), &wrote["id"]));
    assert_eq!(
        (&quoted["rate"], &quoted["source"]),
        (&json!("1 AUD = 97.35 JPY"), &json!("The bank's list"))
    );
    assert_eq!((bed.wallet().await, held(&bed, Currency::Jpy).await), (10_000, 0));
    let id = text(&quoted["id"]);
    let told = join_all((0..8).map(|_| done(&bed, &id))).await;
    for answer in &told {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), told[0].json(), "each is told the same");
    }
    assert_eq!(told[0].json()["status"], "executed");
    assert_eq!((bed.wallet().await, held(&bed, Currency::Jpy).await), (0, 9_686));
    let mut cx = bed.kit.system().await;
    let spread = Key::platform(Chart::FxSpread, AUD).expect("the platform's");
    assert_eq!(
        ledger::account::find(&mut cx, spread.id()).await.expect("is there").figures.posted(Side::Income),
        50
    );
    drop(cx);
    assert_eq!(bed.count("ledger.transfer where purpose = 'exchange'").await, 3, "two legs and the spread");
    assert_eq!(bed.count("kernel.fact where type = 'pay.exchange.executed'").await, 1);
    bed.holds().await;
}

#[tokio::test]
async fn a_quote_that_ended_is_refused_and_moves_nothing() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    wrote(&bed, "AUD", "USD", "0.65", 0).await;
    let quoted = asked(&bed, 1_000, "AUD", "USD").await.expect(201).json();
    bed.kit.clock.advance_s(QUOTE_S - 1);
    let in_time = text(&asked(&bed, 1_000, "AUD", "USD").await.expect(201).json()["id"]);
    bed.kit.clock.advance_s(1);
    let refused = done(&bed, &text(&quoted["id"])).await.expect(422).json();
    assert_eq!(refused["code"], "exchange.quote_expired");
    assert_eq!(
        (bed.wallet().await, bed.count("ledger.transfer where purpose = 'exchange'").await),
        (10_000, 0)
    );
    done(&bed, &in_time).await.expect(200);
    bed.kit.clock.advance_s(86_400);
    assert_eq!(
        done(&bed, &in_time).await.expect(200).json()["status"],
        "executed",
        "what was done in time stays done"
    );
    let over = asked(&bed, 1_000, "AUD", "USD").await.expect(422).json();
    assert_eq!(over["code"], "exchange.no_rate", "a rate that ended says nothing");
    bed.holds().await;
}

#[tokio::test]
async fn a_quote_ends_no_later_than_its_rate() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let until = bed.kit.clock_now().plus_s(30);
    let body = json!({"source": "A list", "valid_until": until, "rates": [{"base": "AUD", "quote": "USD", "rate": "0.65"}]});
    bed.call(&chief(&bed), "POST", "/api/v1/exchange-rates", &body).await.expect(201);
    let quoted = asked(&bed, 1_000, "AUD", "USD").await.expect(201).json();
    assert_eq!(quoted["expires_at"], json!(until));
}

#[tokio::test]
async fn l11_no_rate_is_invented_and_there_and_back_never_gains() {
    let bed = Bed::new().await;
    bed.top_up(100_000).await;
    for (give, get) in [("AUD", "INR"), ("INR", "AUD")] {
        assert_eq!(asked(&bed, 100, give, get).await.expect(422).json()["code"], "exchange.no_rate");
    }
    wrote(&bed, "AUD", "USD", "0.65", 10).await;
    wrote(&bed, "USD", "INR", "88.1", 10).await;
    let refused = asked(&bed, 100, "AUD", "INR").await.expect(422).json();
    assert_eq!(refused["code"], "exchange.no_rate", "two known rates are no third one");
    // Another rate of the same pair, the other way round and dearer: the later one counts both ways.
    bed.kit.clock.advance_s(60);
    wrote(&bed, "USD", "AUD", "1.31", 10).await;
    for minor in [7, 101, 3_333, 50_000] {
        let before = (bed.wallet().await, held(&bed, Currency::Usd).await);
        let there = asked(&bed, minor, "AUD", "USD").await;
        if there.status == 422 {
            continue;
        }
        let there = done(&bed, &text(&there.expect(201).json()["id"])).await.expect(200).json();
        assert_eq!(there["rate"], "1 USD = 1.31 AUD");
        let back =
            asked(&bed, there["get_minor"].as_i64().expect("minor units"), "USD", "AUD").await.expect(201);
        done(&bed, &text(&back.json()["id"])).await.expect(200);
        let after = (bed.wallet().await, held(&bed, Currency::Usd).await);
        assert!(after.0 < before.0 && after.1 == before.1, "{minor}: {before:?} became {after:?}");
    }
    bed.holds().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_exchanged() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    wrote(&bed, "AUD", "USD", "0.65", 0).await;
    let quotes = join_all((0..4).map(|_| asked(&bed, 200, "AUD", "USD"))).await;
    let told =
        join_all(quotes.iter().map(async |quoted| done(&bed, &text(&quoted.json()["id"])).await)).await;
    let mut codes: Vec<(u16, Value)> = told.iter().map(|a| (a.status, a.json()["code"].clone())).collect();
    codes.sort_by_key(|(status, _)| *status);
    let refused = (422, json!("insufficient_funds"));
    assert_eq!(codes, [(200, Value::Null), (200, Value::Null), refused.clone(), refused]);
    assert_eq!((bed.wallet().await, held(&bed, Currency::Usd).await), (100, 260));
    // Trial credit becomes no other money.
    let trial = json!({"kind": "trial", "amount_minor": 9_000, "currency": "AUD", "reference": "welcome"});
    bed.call(&chief(&bed), "POST", "/api/v1/credits", &trial).await.expect(201);
    let more = text(&asked(&bed, 200, "AUD", "USD").await.expect(201).json()["id"]);
    assert_eq!(done(&bed, &more).await.expect(422).json()["code"], "insufficient_funds");
    bed.holds().await;
}

#[tokio::test]
async fn a_quote_is_its_tenants_own_and_is_never_changed() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    wrote(&bed, "AUD", "USD", "0.65", 0).await;
    let id = text(&asked(&bed, 200, "AUD", "USD").await.expect(201).json()["id"]);
    let theirs = bed.app.as_member(&bed.other.owner);
    bed.call(&theirs, "POST", &format!("/api/v1/exchanges/{id}/execute"), &json!({})).await.expect(404);
    theirs.get(&format!("/pay/exchanges/{id}")).await.expect(404);
    let dearer = "update pay.exchange set get_minor = get_minor + 1";
    let mut cx = bed.kit.system().await;
    let refused = sqlx::raw_sql(dearer).execute(cx.conn()).await.expect_err("is kept");
    assert_eq!(base::error::constraint(&refused), Some("exchange_kept"));
    drop(cx);
    let mut cx = bed.kit.system().await;
    let changed = sqlx::raw_sql("update pay.exchange_rate set rate = '9'").execute(cx.conn()).await;
    assert!(changed.is_err(), "a rate that was written down stays");
}

#[tokio::test]
async fn a_stop_stops_exchanges_too() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    wrote(&bed, "AUD", "USD", "0.65", 0).await;
    let id = text(&asked(&bed, 200, "AUD", "USD").await.expect(201).json()["id"]);
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let client = control::switch::Target { scope: control::switch::Scope::Client, name: None };
    control::switch::engage(&mut cx, &client, "a test").await.expect("engages");
    cx.commit().await.expect("commits");
    assert_eq!(done(&bed, &id).await.json()["code"], "switch.engaged");
    assert_eq!(asked(&bed, 200, "AUD", "USD").await.json()["code"], "switch.engaged");
    assert_eq!(bed.wallet().await, 1_000);
}

#[tokio::test]
async fn the_pages_lead_from_rates_to_a_quote_to_the_accounts() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let (owner, chief) = (bed.owner(), chief(&bed));
    owner.get("/pay/accounts").await.expect(200).shows("Exchange");
    owner.get("/pay/exchanges").await.expect(200).shows("No rates yet");
    owner.get("/pay/exchange-rates").await.expect(200).hides("Write rates down");
    let lines = [
        ("source", "The bank's list"),
        ("rates", "AUD INR 54.80\r\nUSD/INR, 88.1\r\n"),
        ("hours", "24"),
        ("spread_bps", "75"),
    ];
    owner.post("/pay/exchange-rates", &lines).await.expect(403);
    let wrong = [("source", "x"), ("rates", "AUD INR fifty"), ("hours", "24"), ("spread_bps", "0")];
    let again = chief.post("/pay/exchange-rates", &wrong).await.expect(422).shows("is not a rate such as");
    assert_eq!(again.field("source").as_deref(), Some("x"), "what was typed stays");
    chief.post("/pay/exchange-rates", &lines).await.expect(303);
    owner
        .get("/pay/exchange-rates")
        .await
        .expect(200)
        .shows("1 AUD = 54.80 INR")
        .shows("0.75 %")
        .shows("The bank's list");
    owner
        .post("/pay/exchanges", &[("amount", "50.00"), ("give", "AUD"), ("get", "KWD")])
        .await
        .expect(422)
        .shows("No rate of AUD and KWD");
    let made = owner
        .post("/pay/exchanges", &[("amount", "50.00"), ("give", "AUD"), ("get", "INR")])
        .await
        .expect(303);
    let page = made.header("location").expect("a place").to_owned();
    // 50.00 less 0.38 is 49.62, times 54.80.
    owner.get(&page).await.expect(200).shows("A$50.00 for ₹2,719.17").shows("Exchange now").shows("A$0.38");
    let viewer = bed.app.as_member(&bed.kit.member(&bed.tenant, base::Role::Viewer).await);
    viewer.get(&page).await.expect(200).hides("Exchange now");
    viewer.post(&format!("{page}/execute"), &[]).await.expect(403);
    owner.post(&format!("{page}/execute"), &[]).await.expect(303);
    let shown = owner.get(&page).await.expect(200).shows("Exchanged").hides("Exchange now");
    let wallet = format!("/pay/accounts/{}", Key::wallet(bed.tenant.id, Currency::Inr).id());
    assert!(shown.attributes("href").contains(&wallet), "the amount leads to its account");
    let account = owner.get(&wallet).await.expect(200).shows("₹2,719.17").shows("its exchange");
    assert!(account.attributes("href").contains(&page), "the entry leads back");
    owner.get("/pay/exchanges?status=executed").await.expect(200).shows("1 AUD = 54.80 INR");
    let late =
        owner.post("/pay/exchanges", &[("amount", "1"), ("give", "AUD"), ("get", "INR")]).await.expect(303);
    let late = late.header("location").expect("a place").to_owned();
    bed.kit.clock.advance_s(QUOTE_S);
    owner.post(&format!("{late}/execute"), &[]).await.expect(422).shows("This quote ended");
}

#[tokio::test]
async fn verbs_refuse_what_the_edges_cannot_see() -> Result<()> {
    let bed = Bed::new().await;
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let now = cx.now();
    let list = |rates: Vec<rate::Pair>, until| rate::New {
        source: "x".to_owned(),
        valid_from: None,
        valid_until: until,
        spread_bps: 0,
        rates,
    };
    let pair = |base, quote| rate::Pair { base, quote, rate: "2".to_owned() };
    let twice = vec![pair(AUD, Currency::Usd), pair(Currency::Usd, AUD)];
    let refused = rate::add(&mut cx, &list(twice, now.plus_s(60))).await.expect_err("twice");
    assert_eq!(refused.code(), "exchange_rate.list");
    let late = rate::add(&mut cx, &list(vec![pair(AUD, Currency::Usd)], now.plus_days(32))).await;
    assert_eq!(late.expect_err("too long").code(), "exchange_rate.span");
    rate::add(&mut cx, &list(vec![pair(AUD, Currency::Usd)], now.plus_s(60))).await?;
    let same = New { give_minor: 5, give_currency: AUD, get_currency: AUD };
    assert_eq!(quote(&mut cx, &same).await.expect_err("one currency").code(), "exchange.same_currency");
    let id = cx.id();
    let nobody = execute(&mut cx, id).await.expect_err("nobody's");
    assert_eq!(nobody.code(), "not_found");
    Ok(())
}
