//! How fast the books are: reserve and post in batches of 64 pairs, one pair a transaction, and the same
//! money movement as minimal SQL, all in one run on a database of its own.
//!
//! `cargo run --release -p ledger --example throughput [seconds of each]` (default 5)

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

use base::{Currency, Money, Random, Result};
use db::Db;
use ledger::account::{self, Key};
use ledger::{AccountId, Act, Chart, Leg, Outcome, Part, Purpose, Step, TransferId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::{Tenant, TestDb};
use uuid::Uuid;

const WALLETS: usize = 512;
const DEVELOPERS: usize = 64;
const PAIRS: usize = 64;
const CLIENTS: usize = 8;

#[derive(Clone)]
struct Bench {
    db: Db,
    wallets: Arc<Vec<AccountId>>,
    developers: Arc<Vec<AccountId>>,
    fee: AccountId,
    random: Arc<Random>,
}

fn usd(minor: i64) -> Money {
    Money { minor, currency: Currency::Usd }
}

impl Bench {
    async fn new(kit: &TestDb) -> Result<Self> {
        let tenant: Tenant = kit.tenant("Bench").await;
        let random = Arc::new(Random::system());
        let db = kit.live().await;
        let key = |subject: usize| Key::developer(tenant.id, Uuid::from_u128(subject as u128), Currency::Usd);
        let developers: Vec<Key> = (0..DEVELOPERS).map(key).collect();
        let fresh = |_| Key::wallet(base::TenantId(random.uuid(db.clock().now())), Currency::Usd);
        let wallets: Vec<Key> = (0..WALLETS).map(fresh).collect();
        let psp = Key::platform(Chart::PspStripe, Currency::Usd)?.id();
        let mut cx = db.system("bench").await?;
        account::open_platform(&mut cx, Currency::Usd).await?;
        account::open(&mut cx, &developers).await?;
        account::open(&mut cx, &wallets).await?;
        let mut steps = Vec::new();
        for wallet in &wallets {
            let legs = vec![Leg::new(psp, wallet.id(), usd(1_000_000_000))];
            steps.push(Step::new(cx.id(), Purpose::TopUp, Act::Transfer { legs }));
        }
        ledger::apply_all(&mut cx, &steps).await?;
        cx.commit().await?;
        let ids = |keys: Vec<Key>| Arc::new(keys.iter().map(Key::id).collect::<Vec<_>>());
        let fee = Key::platform(Chart::PlatformFee, Currency::Usd)?.id();
        Ok(Self { db, wallets: ids(wallets), developers: ids(developers), fee, random })
    }

    fn pick(&self, among: &[AccountId]) -> AccountId {
        let index = self.random.between(0, i64::try_from(among.len()).unwrap_or(1) - 1);
        among[usize::try_from(index).unwrap_or(0)]
    }

    fn pair(&self) -> [Step; 2] {
        let now = self.db.clock().now();
        let (reserve, post) = (TransferId(self.random.uuid(now)), TransferId(self.random.uuid(now)));
        let act = Act::Reserve {
            from: vec![self.pick(&self.wallets)],
            credit: self.fee,
            amount: usd(500),
            expires_at: Some(now.plus_s(600)),
        };
        let parts = vec![
            Part { credit: self.pick(&self.developers), minor: 344 },
            Part { credit: self.fee, minor: 86 },
        ];
        [
            Step::new(reserve, Purpose::Charge, act),
            Step::new(post, Purpose::Charge, Act::Post { pending: reserve, parts }),
        ]
    }

    async fn batch(&self, pairs: usize) -> Result<u64> {
        let steps: Vec<Step> = (0..pairs).flat_map(|_| self.pair()).collect();
        self.commit(&steps).await?;
        Ok(pairs as u64)
    }

    async fn commit(&self, steps: &[Step]) -> Result<()> {
        let mut cx = self.db.system("bench").await?;
        let outcomes = ledger::apply_all(&mut cx, steps).await?;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
        cx.commit().await
    }

    /// As a payment does it: reserved in one transaction, posted in another.
    async fn apart(&self) -> Result<u64> {
        let [reserve, post] = self.pair();
        self.commit(&[reserve]).await?;
        self.commit(&[post]).await?;
        Ok(1)
    }

    /// The same rows without asking anything: reserve by a conditional update, post, three inserts.
    async fn minimal(&self) -> Result<u64> {
        let now = self.db.clock().now();
        let ids: [Uuid; 2] = [self.random.uuid(now), self.random.uuid(now)];
        let (wallet, developer) = (self.pick(&self.wallets).uuid(), self.pick(&self.developers).uuid());
        let mut tx = self.db.pool().begin().await?;
        let reserved = sqlx::query(
            "update bench.balance set pending = pending + 500 where id = $1 and posted - pending >= 500",
        )
        .bind(wallet)
        .execute(&mut *tx)
        .await?;
        assert_eq!(reserved.rows_affected(), 1);
        sqlx::query("insert into bench.transfer (id, leg, kind, debit, credit, minor) values ($1, 0, 'pending', $2, $3, 500)")
            .bind(ids[0])
            .bind(wallet)
            .bind(self.fee.uuid())
            .execute(&mut *tx)
            .await?;
        sqlx::query("update bench.balance set pending = pending - 500, posted = posted - 430 where id = $1")
            .bind(wallet)
            .execute(&mut *tx)
            .await?;
        sqlx::query("update bench.balance set posted = posted + 344 where id = $1")
            .bind(developer)
            .execute(&mut *tx)
            .await?;
        sqlx::query("insert into bench.transfer (id, leg, kind, debit, credit, minor) values ($1, 0, 'post', $2, $3, 344), ($1, 1, 'post', $2, $4, 86)")
            .bind(ids[1])
            .bind(wallet)
            .bind(developer)
            .bind(self.fee.uuid())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(1)
    }

    async fn prepare_minimal(&self, kit: &TestDb) -> Result<()> {
        use sqlx::Connection;
        let mut owner = sqlx::PgConnection::connect(kit.url()).await?;
        sqlx::raw_sql(
            "create schema bench;
             create table bench.balance (id uuid primary key, pending bigint not null, posted bigint not null) with (fillfactor = 50);
             create table bench.transfer (id uuid, leg smallint, kind text, debit uuid, credit uuid, minor bigint, at timestamptz default now(), primary key (id, leg));
             create index on bench.transfer (debit, at, id); create index on bench.transfer (credit, at, id);
             insert into bench.balance select account_id, 0, posted_credits from ledger.balance;
             grant usage on schema bench to agency_app; grant select, insert, update on all tables in schema bench to agency_app",
        )
        .execute(&mut owner)
        .await?;
        Ok(())
    }
}

/// Pairs per second of `clients` that do `what` over and over.
async fn measure<F>(name: &str, clients: usize, time: Duration, what: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<u64>>,
{
    let done = AtomicU64::new(0);
    let begun = Instant::now();
    let client = async || -> Result<()> {
        while begun.elapsed() < time {
            done.fetch_add(what().await?, Ordering::Relaxed);
        }
        Ok(())
    };
    let all = futures::future::try_join_all((0..clients).map(|_| client())).await;
    all?;
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    println!("{name:<46} {clients} clients  {rate:>8.0} pairs/s  {:>8.0} steps/s", 2.0 * rate);
    Ok(rate)
}

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let time = Duration::from_secs(seconds);
    let kit = TestDb::new().await;
    let bench = Bench::new(&kit).await?;
    bench.prepare_minimal(&kit).await?;
    let minimal =
        measure("minimal SQL, a transaction for each pair", CLIENTS, time, || bench.minimal()).await?;
    let one = measure("apply, a transaction for each pair", CLIENTS, time, || bench.batch(1)).await?;
    let apart = measure("apply, two transactions for each pair", CLIENTS, time, || bench.apart()).await?;
    let alone = measure("apply, 64 pairs a transaction", 1, time, || bench.batch(PAIRS)).await?;
    let batched = measure("apply, 64 pairs a transaction", 4, time, || bench.batch(PAIRS)).await?;
    let best = alone.max(batched);
    println!(
        "to minimal SQL: one {:.2}, apart {:.2}, batched {:.2}",
        one / minimal,
        apart / minimal,
        best / minimal
    );
    let mut cx = bench.db.system("bench").await?;
    let verdict = ledger::verify::verify(&mut cx).await?;
    println!("rebuilt {} balances from {} legs: {:?}", verdict.accounts, verdict.legs, verdict.first_bad);
    drop(cx);
    bench.db.close().await;
    Ok(())
}
