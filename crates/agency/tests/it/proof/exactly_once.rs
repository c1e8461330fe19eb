//! Thousands of touches fall due while schedulers and workers are killed at random: each leaves exactly
//! once by the mail server's own record, no limit is passed, and nothing begins after an opt-out.

use super::{
    bed::{Bed, PER_CAMPAIGN, plain_tenant},
    herd::Herd,
};
use base::{Clock, EmailAddress, Random, SystemClock, Time};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How large the run is.
struct Size {
    name: &'static str,
    campaigns: usize,
    kills: usize,
    opt_outs: usize,
    limit: Duration,
}

const FULL: Size =
    Size { name: "full", campaigns: 40, kills: 100, opt_outs: 100, limit: Duration::from_secs(1_800) };
const USUAL: Size = Size { name: "usual", campaigns: 10, kills: 100, opt_outs: 50, limit: LIMIT };
const SHORT: Size = Size { name: "short", campaigns: 3, kills: 30, opt_outs: 20, limit: LIMIT };
/// It must be through by then.
const LIMIT: Duration = Duration::from_secs(230);

/// `AGENCY_PROOF`: `short`, `full` (20,000 touches), else the usual size.
fn size() -> Size {
    match std::env::var("AGENCY_PROOF").as_deref() {
        Ok("short") => SHORT,
        Ok("full") => FULL,
        _ => USUAL,
    }
}

/// `AGENCY_PROOF_SEED`, else one of the moment; printed either way.
fn seed() -> u64 {
    let given = std::env::var("AGENCY_PROOF_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| SystemClock.now().us().unsigned_abs() % 1_000_000)
}

/// Somebody who opted out: between these two instants it was stored.
pub struct Gone {
    lead: Uuid,
    stored_by: Time,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_thousands_of_touches_leaves_exactly_once_though_processes_are_killed_all_the_time() {
    let (size, seed, random) = (size(), seed(), Random::seeded(seed()));
    let touches = size.campaigns * PER_CAMPAIGN;
    println!("exactly once, {}: {touches} touches, {} kills, seed {seed}", size.name, size.kills);
    let mut bed = Bed::new(plain_tenant).await;
    bed.fill(size.campaigns).await;
    let began = Instant::now();
    let mut herd = Herd::new(bed.folder.path(), &bed.url, &[]);
    for role in ["schedule", "schedule", "work", "work", "work", "work"] {
        herd.add(role);
    }
    let gone = disturb(&bed, &mut herd, &size, &random, began).await;
    let took = began.elapsed();
    judge(&bed, &herd, &gone, touches, took).await;
    assert!(herd.kills >= size.kills, "only {} kills", herd.kills);
}

/// Kills and opts out until every touch is settled.
async fn disturb(bed: &Bed, herd: &mut Herd, size: &Size, random: &Random, began: Instant) -> Vec<Gone> {
    let touches = size.campaigns * PER_CAMPAIGN;
    let mut leads: Vec<Uuid> = all_leads(bed).await;
    let mut gone = Vec::new();
    let mut next_kill = Instant::now() + Duration::from_millis(1_500);
    loop {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let done = bed.post.count();
        // Kills keep up with the mails, so that none of them comes when all is done.
        let behind = herd.kills * touches < done * size.kills * 12 / 10;
        if Instant::now() >= next_kill || behind && herd.kills < size.kills {
            let which = usize::try_from(random.between(0, herd.len() as i64 - 1)).expect("small");
            herd.kill(which);
            next_kill = Instant::now() + Duration::from_millis(random.between(250, 900).unsigned_abs());
        }
        if gone.len() < size.opt_outs && gone.len() * touches <= done * size.opt_outs {
            let which = usize::try_from(random.between(0, leads.len() as i64 - 1)).expect("small");
            gone.push(opt_out(bed, leads.swap_remove(which)).await);
        }
        if herd.kills.is_multiple_of(8) || herd.kills >= size.kills {
            let open = bed
                .count("select count(*) from outreach.enrolment where status = 'active' and touches = 0")
                .await;
            if open == 0 && herd.kills >= size.kills {
                return gone;
            }
        }
        // When enough were killed, the rest is left in peace.
        if herd.kills >= size.kills {
            next_kill = Instant::now() + Duration::from_secs(3_600);
        }
        assert!(
            began.elapsed() < size.limit,
            "{done} of {touches} after {} kills\n{}",
            herd.kills,
            state(bed, herd).await
        );
    }
}

pub async fn state(bed: &Bed, herd: &Herd) -> String {
    let mut cx = bed.db.system("proof").await.expect("begins");
    let states: Vec<(String, Option<String>, i64)> = sqlx::query_as(
        "select state::text, skip_code, count(*) from outreach.touch group by 1, 2 order by 3 desc",
    )
    .fetch_all(cx.conn())
    .await
    .expect("counts");
    let jobs: Vec<(String, String, i64)> =
        sqlx::query_as("select kind, state::text, count(*) from jobs.job group by 1, 2 order by 3 desc")
            .fetch_all(cx.conn())
            .await
            .expect("counts");
    format!("touches: {states:?}\njobs: {jobs:?}\n{}", herd.errors())
}

async fn all_leads(bed: &Bed) -> Vec<Uuid> {
    let mut cx = bed.db.system("proof").await.expect("begins");
    sqlx::query_scalar("select id from leads.lead order by id").fetch_all(cx.conn()).await.expect("leads")
}

async fn opt_out(bed: &Bed, lead: Uuid) -> Gone {
    let mut cx = bed.cx().await;
    let email: String = sqlx::query_scalar("select email from leads.lead where id = $1")
        .bind(lead)
        .fetch_one(cx.conn())
        .await
        .expect("an address");
    let address = EmailAddress::parse(&email).expect("an address");
    outreach::reply::effects::opt_out(&mut cx, lead, &address, "reply", "please stop")
        .await
        .expect("an opt-out is always stored");
    cx.commit().await.expect("an opt-out is always stored");
    Gone { lead, stored_by: SystemClock.now() }
}

pub async fn judge(bed: &Bed, herd: &Herd, gone: &[Gone], touches: usize, took: Duration) {
    let mails = bed.post.all();
    let (mut by_id, mut by_person): (HashMap<&str, usize>, HashMap<&str, usize>) = Default::default();
    for mail in &mails {
        *by_id.entry(&mail.message_id).or_default() += 1;
        *by_person.entry(&mail.to).or_default() += 1;
    }
    let twice =
        by_id.values().filter(|n| **n > 1).count().max(by_person.values().filter(|n| **n > 1).count());
    let mut cx = bed.db.system("proof").await.expect("begins");
    type Row = (Uuid, String, String, Option<Time>, Option<Time>);
    let rows: Vec<Row> = sqlx::query_as(
        "select l.id, l.email, coalesce(t.state::text, 'none'), t.intent_at, t.sent_at
         from leads.lead l left join outreach.touch t on t.lead_id = l.id",
    )
    .fetch_all(cx.conn())
    .await
    .expect("rows");
    let out: HashMap<Uuid, Time> = gone.iter().map(|g| (g.lead, g.stored_by)).collect();
    let (mut lost, mut late, mut silent) = (Vec::new(), Vec::new(), 0);
    for (lead, email, state, intent_at, _) in &rows {
        let arrived = by_person.contains_key(email.as_str());
        match out.get(lead) {
            Some(stored_by) => {
                if intent_at.is_some_and(|at| at > *stored_by) {
                    late.push(email);
                }
                silent += usize::from(!arrived);
            }
            None if !(arrived && state == "sent") => lost.push(format!("{email} ({state})")),
            None => {}
        }
    }
    let recorded: HashSet<&str> = rows.iter().filter(|r| r.4.is_some()).map(|r| r.1.as_str()).collect();
    let unrecorded = by_person.keys().filter(|to| !recorded.contains(**to)).count();
    let over =
        bed.count(&format!("select count(*) from outreach.capacity where used > {PER_CAMPAIGN}")).await;
    let used = bed
        .count("select coalesce(sum(used), 0)::bigint from outreach.capacity where key like 'campaign:%'")
        .await;
    let retries =
        bed.count("select coalesce(sum(tries - 1), 0)::bigint from outreach.touch where tries > 0").await;
    let found =
        bed.count("select count(*) from outreach.touch where response like 'found at the provider%'").await;
    println!(
        "kills {}, mails {}, duplicates {twice}, lost {}, over a limit {over}, after an opt-out {}; {} opted out of whom {silent} got nothing; {retries} hand-offs taken back, {found} settled by look-up; {:.1} s",
        herd.kills,
        mails.len(),
        lost.len(),
        late.len(),
        gone.len(),
        took.as_secs_f64(),
    );
    assert_eq!(rows.len(), touches);
    assert_eq!(twice, 0, "mails that left twice");
    assert!(lost.is_empty(), "lost: {lost:?}\n{}", state(bed, herd).await);
    assert!(late.is_empty(), "after an opt-out: {late:?}");
    assert_eq!((over, unrecorded), (0, 0));
    assert_eq!(used, mails.len() as i64, "capacity that is neither used nor given back");
}

/// As when PostgreSQL restarts under load: every connection of every process breaks at once, again and
/// again, in the middle of what it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_database_drops_every_connection_under_load() {
    let mut bed = Bed::new(plain_tenant).await;
    bed.fill(2).await;
    let (touches, began) = (2 * PER_CAMPAIGN, Instant::now());
    let mut herd = Herd::new(bed.folder.path(), &bed.url, &[]);
    for role in ["schedule", "work", "work"] {
        herd.add(role);
    }
    let mut owner = owner(&bed.url).await;
    let (mut cuts, mut broken) = (0, 0);
    while bed.post.count() < touches {
        tokio::time::sleep(Duration::from_millis(700)).await;
        if bed.post.count() > 20 && cuts < 10 {
            let ended: i64 = sqlx::query_scalar(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()",
            )
            .fetch_one(&mut owner)
            .await
            .expect("connections are ended");
            cuts += 1;
            broken += ended;
        }
        if cuts == 10 {
            hurry(&mut owner).await;
        }
        assert!(
            began.elapsed() < LIMIT,
            "{} of {touches} after {cuts} cuts\n{}",
            bed.post.count(),
            herd.errors()
        );
    }
    let open = "select count(*) from outreach.touch where state <> 'sent'";
    while bed.count(open).await > 0 {
        hurry(&mut owner).await;
        assert!(began.elapsed() < LIMIT, "{}", state(&bed, &herd).await);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    println!("connections cut: {cuts} times, {broken} connections");
    judge(&bed, &herd, &[], touches, began.elapsed()).await;
    assert!(cuts > 5, "only {cuts} cuts before all was sent");
}

/// As the owner of the schema, who sees everything.
pub async fn owner(url: &str) -> sqlx::PgConnection {
    <sqlx::PgConnection as sqlx::Connection>::connect(url).await.expect("connects")
}

/// What failed with its connection waits a minute or more for its next try; as on the page Operations,
/// somebody has it tried at once.
pub async fn hurry(owner: &mut sqlx::PgConnection) {
    sqlx::query("update jobs.job set run_at = now() where state = 'scheduled' and failures > 0")
        .execute(owner)
        .await
        .expect("they are hurried");
}
