//! Anything in any order: people decide, opt out, pause and stop while mails are planned, written and
//! handed over to a provider that fails in every way. Three promises hold whatever happens.

use super::world::{Act, World, address, opt_out};
use crate::{campaign, enrolment, touch::Mode};
use base::{Random, TenantId, Time};
use control::{
    approval::{self, Filter},
    switch::{self, Target},
};
use db::{Caller, Db, Scope};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use uuid::Uuid;

const LEADS: usize = 6;

/// What the tests remember beside the database.
#[derive(Default)]
struct Seen {
    opted_out: BTreeMap<Uuid, Time>,
    broken: Vec<String>,
}

/// What one person or event does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Approve,
    Reject,
    OptOut,
    PauseLead,
    ResumeLead,
    PauseCampaign,
    ResumeCampaign,
    Stop,
    Release,
    Tamper,
    Fail(Act),
    Wait(i64),
}

fn draw(random: &Random) -> Step {
    const ACTS: [Act; 7] = [
        Act::Take,
        Act::Later,
        Act::Away,
        Act::WrongPassword,
        Act::LostKept,
        Act::LostGone,
        Act::NoSuchAddress,
    ];
    let pick = |most: usize| usize::try_from(random.between(0, most as i64 - 1)).expect("small");
    match pick(20) {
        0..=3 => Step::Approve,
        4 => Step::Reject,
        5 => Step::OptOut,
        6 => Step::PauseLead,
        7..=8 => Step::ResumeLead,
        9 => Step::PauseCampaign,
        10..=11 => Step::ResumeCampaign,
        12 => Step::Stop,
        13..=14 => Step::Release,
        15 => Step::Tamper,
        16 => Step::Fail(ACTS[pick(ACTS.len())]),
        _ => Step::Wait([20, 90, 600, 7_200, 20_000, 50_000][pick(6)]),
    }
}

/// What the gate should have seen, read while the mail is at the provider: nothing has changed since.
async fn check(db: &Db, tenant: TenantId, to: &str, seen: &Mutex<Seen>) {
    let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("test", db)).await.expect("begins");
    let row = sqlx::query!(
        r#"select t.lead_id, t.state::text as "touch!", e.status::text as "enrolment!", l.status::text as "lead!", c.status::text as "campaign!",
                  t.approval_id is null or a.status = 'approved' and a.digest = t.digest as "approved!",
                  coalesce(c.mode, n.mode)::text as "mode!", t.approval_id,
                  exists (select from control.switch s where s.released_at is null) as "stopped!",
                  exists (select from leads.suppression s where s.released_at is null and s.value = l.email) as "suppressed!",
                  (select count(*) from outreach.touch o where o.lead_id = t.lead_id and o.sent_at > $3::timestamptz - interval '2 days') as "recent!"
           from outreach.touch t join outreach.enrolment e on e.id = t.enrolment_id join leads.lead l on l.id = t.lead_id
           join outreach.campaign c on c.id = t.campaign_id join accounts.tenant n on n.id = t.tenant_id
           left join control.approval a on a.id = t.approval_id
           where t.tenant_id = $1 and l.email = $2 and t.state = 'sending'"#,
        tenant.uuid(),
        to,
        cx.now() as Time,
    )
    .fetch_one(cx.conn())
    .await
    .expect("a mail leaves only under a recorded intent");
    let mut seen = seen.lock().expect("alone");
    let mut must = |holds: bool, what: &str| {
        if !holds {
            seen.broken.push(format!("{to}: {what}"));
        }
    };
    must(row.enrolment == "active", "the sequence does not run");
    must(["scored", "in_sequence"].contains(&row.lead.as_str()), "the lead may not be written to");
    must(row.campaign == "active", "the campaign does not run");
    must(row.approved, "it is not what was approved");
    must(row.approval_id.is_some() || row.mode == "autopilot", "nobody was asked");
    must(!row.stopped, "a switch is engaged");
    must(!row.suppressed, "the address is suppressed");
    must(row.recent == 0, "too soon after the last");
    let gone = seen.opted_out.contains_key(&row.lead_id);
    if gone {
        seen.broken.push(format!("{to}: opted out before"));
    }
}

async fn act(w: &World, step: Step, random: &Random, seen: &Mutex<Seen>) {
    let n = usize::try_from(random.between(0, LEADS as i64 - 1)).expect("small");
    let lead = w.leads[n];
    let mut cx = w.db.cx(&w.tenant.owner).await;
    match step {
        Step::Approve | Step::Reject => {
            let waiting = approval::list(&mut cx, &Filter::default(), None, 50).await.expect("a list");
            if let Some(first) = waiting.rows.get(n % waiting.rows.len().max(1)) {
                // Lapsed or withdrawn meanwhile: then there is nothing to decide.
                if matches!(step, Step::Approve) {
                    drop(approval::approve(&mut cx, first.id, Some(&first.digest)).await);
                } else {
                    drop(approval::reject(&mut cx, first.id, "no").await);
                }
            }
        }
        Step::OptOut => {
            drop(cx);
            opt_out(&w.db.db, &w.tenant, lead, n).await.expect("an opt-out is always stored");
            seen.lock().expect("alone").opted_out.insert(lead, w.db.clock_now());
            return;
        }
        Step::PauseLead | Step::ResumeLead => {
            let id = sqlx::query_scalar!(
                "select id from outreach.enrolment where tenant_id = $1 and lead_id = $2",
                w.tenant.id.uuid(),
                lead
            )
            .fetch_one(cx.conn())
            .await
            .expect("an enrolment");
            if matches!(step, Step::PauseLead) {
                enrolment::pause(&mut cx, id, "test", None).await.expect("pauses");
            } else {
                enrolment::resume(&mut cx, id).await.expect("resumes");
            }
        }
        Step::PauseCampaign => drop(campaign::pause(&mut cx, w.campaign.into(), "test").await),
        Step::ResumeCampaign => drop(campaign::resume(&mut cx, w.campaign.into()).await),
        Step::Stop => drop(switch::engage(&mut cx, &Target::client(), "test").await),
        Step::Release => {
            for on in switch::state(&mut cx).await.expect("a list") {
                switch::release(&mut cx, on.id, "test").await.expect("releases");
            }
        }
        Step::Tamper => {
            drop(cx);
            w.sql(&format!(
                "update outreach.touch set body = body || '!' where lead_id = '{lead}' and state = 'approved'"
            ))
            .await;
            return;
        }
        Step::Fail(act) => w.provider.will(&[act]),
        Step::Wait(seconds) => {
            drop(cx);
            return w.run_s(seconds).await;
        }
    }
    // A verb that said no may have left its transaction broken.
    drop(cx.commit().await);
}

async fn one_run(seed: u64, mode: Mode) {
    let w = Arc::new(World::new(mode, LEADS).await);
    let (random, seen) = (Arc::new(Random::seeded(seed)), Arc::new(Mutex::new(Seen::default())));
    let (inside, watching, chance) = (Arc::downgrade(&w), seen.clone(), random.clone());
    w.provider.during(Some(Arc::new(move |mail| {
        let (w, seen, random) = (inside.upgrade().expect("the test runs"), watching.clone(), chance.clone());
        Box::pin(async move {
            check(&w.db.db, w.tenant.id, mail.to[0].as_str(), &seen).await;
            // Now and then a person acts exactly while the mail is on its way.
            if random.between(0, 3) == 0 {
                let step = [Step::OptOut, Step::PauseLead, Step::Stop, Step::ResumeLead, Step::PauseCampaign]
                    [usize::try_from(random.between(0, 4)).expect("small")];
                act(&w, step, &random, &seen).await;
            }
        })
    })));
    let mut steps = Vec::new();
    for _ in 0..35 {
        let step = draw(&random);
        steps.push(step);
        act(&w, step, &random, &seen).await;
        if random.between(0, 1) == 0 {
            w.settle().await;
        }
        let broken = seen.lock().expect("alone").broken.clone();
        assert!(broken.is_empty(), "seed {seed}: {broken:?} after {steps:?}");
    }
    w.run_s(86_400).await;
    verify(&w, seed, &steps, &seen).await;
    w.provider.during(None);
}

async fn verify(w: &World, seed: u64, steps: &[Step], seen: &Mutex<Seen>) {
    let broken = seen.lock().expect("alone").broken.clone();
    assert!(broken.is_empty(), "seed {seed}: {broken:?} after {steps:?}");
    let mails = w.provider.kept();
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in &mails {
        *by_id.entry(mail.message_id.as_str()).or_default() += 1;
    }
    assert!(by_id.values().all(|n| *n == 1), "seed {seed}: a mail left twice after {steps:?}");
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let sent = sqlx::query!(
        r#"select l.email as "email!", count(*) filter (where t.sent_at is not null) as "sent!",
                  count(*) filter (where t.state in ('sending', 'unknown')) as "open!"
           from outreach.touch t join leads.lead l on l.id = t.lead_id where t.tenant_id = $1 group by l.email"#,
        w.tenant.id.uuid(),
    )
    .fetch_all(cx.conn())
    .await
    .expect("counts");
    for row in sent {
        let arrived = mails.iter().filter(|mail| mail.to[0].as_str() == row.email).count() as i64;
        assert!(
            (row.sent..=row.sent + row.open).contains(&arrived),
            "seed {seed}: {} got {arrived}, recorded {} and {} open after {steps:?}",
            row.email,
            row.sent,
            row.open
        );
    }
    let over = sqlx::query_scalar!(
        r#"select count(*) as "n!" from outreach.capacity where tenant_id = $1 and used > 50"#,
        w.tenant.id.uuid()
    )
    .fetch_one(cx.conn())
    .await
    .expect("counts");
    assert_eq!(over, 0);
    assert!(mails.iter().all(|mail| (0..LEADS).any(|n| address(n) == mail.to[0].as_str())));
}

async fn runs(seeds: std::ops::RangeInclusive<u64>) {
    for seed in seeds {
        let mode = if seed % 2 == 0 { Mode::CoPilot } else { Mode::Autopilot };
        one_run(seed, mode).await;
    }
}

#[tokio::test]
async fn whatever_happens_in_whatever_order_each_step_leaves_at_most_once_and_only_as_allowed() {
    runs(1..=3).await;
}

#[tokio::test]
async fn and_so_it_is_in_other_orders() {
    runs(4..=6).await;
}
