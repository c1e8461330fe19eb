//! PostgreSQL itself is stopped (`pg_ctl stop -m fast`) and started again, several times, while touches are
//! sent: nothing is lost, nothing leaves twice, and every process goes on by itself and says so.

use super::{
    bed::{Bed, PER_CAMPAIGN},
    exactly_once::{hurry, judge, owner, state},
    herd::Herd,
};
use agency::cluster::Cluster;
use std::time::{Duration, Instant};

const RESTARTS: usize = 5;
const LIMIT: Duration = Duration::from_secs(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_postgresql_is_restarted_under_load() {
    let folder = crate::program::folder();
    let place = folder.path().join("server");
    std::fs::create_dir_all(&place).expect("a folder");
    let mut cluster = Cluster::start(&place).expect("a server of its own");
    let mut bed = Bed::on(&cluster.url(), folder).await;
    bed.fill(2).await;
    let (touches, began) = (2 * PER_CAMPAIGN, Instant::now());
    let mut herd = Herd::new(bed.folder.path(), &bed.url, &[("AGENCY__LOG__FILTER", "warn,db=info")]);
    for role in ["schedule", "work", "work"] {
        herd.add(role);
    }
    let (mut restarts, mut away_ms, mut at) = (0, Vec::new(), 60);
    while bed.post.count() < touches {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if restarts < RESTARTS && bed.post.count() >= at {
            let stopped = Instant::now();
            cluster.stop().expect("it stops");
            tokio::time::sleep(Duration::from_millis(400)).await;
            cluster = Cluster::start(&place).expect("it starts again");
            away_ms.push(stopped.elapsed().as_millis());
            restarts += 1;
            at = bed.post.count() + 60;
        } else if began.elapsed().as_millis() % 1_000 < 120 {
            hurry(&mut owner(&bed.url).await).await;
        }
        assert!(began.elapsed() < LIMIT, "{} of {touches}\n{}", bed.post.count(), state(&bed, &herd).await);
    }
    while bed.count("select count(*) from outreach.touch where state <> 'sent'").await > 0 {
        hurry(&mut owner(&bed.url).await).await;
        assert!(began.elapsed() < LIMIT, "{}", state(&bed, &herd).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("restarts {restarts}, away for {away_ms:?} ms each");
    assert_eq!(restarts, RESTARTS);
    for log in herd.logs() {
        let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
        let said = (lines("PostgreSQL went away"), lines("PostgreSQL answers again"));
        assert_eq!(said, (RESTARTS, RESTARTS), "{log}");
    }
    judge(&bed, &herd, &[], touches, began.elapsed()).await;
    drop(herd);
    bed.db.close().await;
    cluster.stop().expect("it stops");
}
