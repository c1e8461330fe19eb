//! Agents pay over every rail while the program's processes are killed at random points and the rails
//! misbehave: nothing is lost, nothing happens twice, by the rails' own records.

mod bed;
mod http;
mod judge;
mod load;

use base::{Clock, Random, SystemClock};
use bed::Bed;
use load::{Contested, Load};
use std::time::{Duration, Instant};

/// How large the run is.
struct Size {
    name: &'static str,
    kills: usize,
    /// Times at which every process is gone for an hour.
    outages: usize,
}

const FULL: Size = Size { name: "full", kills: 300, outages: 5 };
const SHORT: Size = Size { name: "short", kills: 60, outages: 2 };
/// Clients that pay at once.
const CLIENTS: usize = 12;
/// It must be through by then.
const LIMIT: Duration = Duration::from_secs(280);

fn size() -> Size {
    match std::env::var("AGENCY_PROOF").as_deref() {
        Ok("short") => SHORT,
        _ => FULL,
    }
}

/// `AGENCY_PROOF_SEED`, else one of the moment; printed either way.
fn seed() -> u64 {
    let given = std::env::var("AGENCY_PROOF_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| SystemClock.now().us().unsigned_abs() % 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_refund_payout_or_dispute_is_lost_or_doubled_though_processes_are_killed_all_the_time() {
    let (size, seed) = (size(), seed());
    println!("payments, {}: {} kills, seed {seed}", size.name, size.kills);
    let random = Random::seeded(seed);
    let mut bed = Bed::new().await;
    let began = Instant::now();
    let load = Load::start(&bed, seed, CLIENTS);
    disturb(&mut bed, &load, &size, &random, began).await;
    let kills = bed.herd.kills;
    let disturbed = began.elapsed();
    let (ops, mut contested) = load.stop().await;
    bed.quiet();
    settle(&mut bed, &mut contested, began).await;
    let settled = began.elapsed();
    judge::judge(&bed, ops, &contested).await;
    println!(
        "{:.1} s of kills, {:.1} s until all was settled, {:.1} s of checks",
        disturbed.as_secs_f64(),
        (settled - disturbed).as_secs_f64(),
        (began.elapsed() - settled).as_secs_f64()
    );
    assert!(kills >= size.kills, "only {kills} kills");
}

/// Kills one process after another; now and then all of them, and an hour passes.
async fn disturb(bed: &mut Bed, load: &Load, size: &Size, random: &Random, began: Instant) {
    let between = size.kills / (size.outages + 1);
    let mut next_outage = between;
    while bed.herd.kills < size.kills {
        tokio::time::sleep(Duration::from_millis(random.between(120, 480).unsigned_abs())).await;
        if bed.herd.kills >= next_outage {
            bed.outage().await;
            next_outage += between;
            // Somebody has to come up again.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        } else {
            let which = usize::try_from(random.between(0, bed.herd.len() as i64 - 1)).expect("small");
            bed.herd.kill(which);
        }
        assert!(began.elapsed() < LIMIT, "{} kills\n{}", bed.herd.kills, bed.state(load.answered()).await);
    }
}

/// Lets everything come to its end in peace; hours may pass. Banks decide about what is still open, and
/// Stripe says again what was not taken, as it does for three days.
async fn settle(bed: &mut Bed, contested: &mut [Contested], began: Instant) {
    for (number, open) in contested.iter_mut().filter(|contested| contested.won.is_none()).enumerate() {
        open.won = Some(number % 2 == 0);
    }
    loop {
        bed.outage().await;
        for round in 0..40 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            bed.hurry().await;
            let untold = bed.untold(contested).await;
            if untold.is_empty() && bed.open().await == 0 {
                return;
            }
            if round % 10 == 4 {
                for contested in untold {
                    contested.tell(&bed.outside).await;
                }
            }
        }
        assert!(began.elapsed() < LIMIT, "something stays open\n{}", bed.state(0).await);
    }
}
