//! Behaviour of mailboxes against a database.

use super::{
    New, PACED, Reserve, Reserved, Server, Settings, SinkSettings, Status, account, add, add_sink,
    check::Outcomes, get, health, pick, remaining_today, reply_room::take_one, reserve, rules::Health, store,
};
use crate::{
    limits::Limits,
    window::{LocalWindow, Window},
};
use base::{EmailAddress, Random, Secret, Time, Zone};
use control::secret::Keyring;
use db::{Caller, Cx, Db, Scope};
use jiff::civil::{Date, Weekday};
use ports::email::{EmailAccount, Security};
use testkit::{Tenant, TestDb};
use uuid::Uuid;

fn ring() -> Keyring {
    let folder = std::env::temp_dir().join(format!("outreach-key-{}", Random::system().between(0, i64::MAX)));
    std::fs::create_dir_all(&folder).expect("a folder");
    let ring =
        Keyring::load(&control::secret::Settings::default(), &folder, &Random::system()).expect("a key");
    std::fs::remove_dir_all(&folder).expect("removed");
    ring
}

fn mailbox(address: &str) -> New {
    New {
        name: address.to_owned(),
        address: EmailAddress::parse(address).expect("an address"),
        display_name: "Alex Morgan".to_owned(),
        provider: "smtp",
        settings: Settings {
            smtp: Some(Server {
                host: "smtp.example.com".into(),
                port: 587,
                security: Security::StartTls,
                username: "alex".into(),
            }),
            imap: None,
            sent_folder: None,
            lookup: None,
            dkim_selector: None,
            details: Default::default(),
        },
        password: Secret::new("hush"),
    }
}

async fn mailboxes(db: &TestDb, tenant: &Tenant, addresses: &[&str]) -> Vec<Uuid> {
    let ring = ring();
    let mut cx = db.cx(&tenant.owner).await;
    let mut ids = Vec::new();
    for address in addresses {
        ids.push(add(&mut cx, &ring, mailbox(address)).await.expect("added").uuid());
    }
    cx.commit().await.expect("a commit");
    ids
}

/// Monday to Friday, nine to five, Sydney.
fn window() -> LocalWindow {
    let week = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    LocalWindow { window: Window::hours(&week, 9, 17), zone: Zone::sydney(), holidays: [].into() }
}

async fn ask(cx: &mut Cx, resource: Uuid, campaign: Uuid, slot_at: Option<Time>) -> Reserved {
    let limits = Limits::load(cx, "AU", None).await.expect("limits");
    let window = window();
    let form = crate::channel::Form::Plain;
    let ask =
        Reserve { resource, campaign, campaign_daily: 50, slot_at, window: &window, form, channel_daily: 50 };
    reserve(cx, &limits, &ask).await.expect("an answer")
}

async fn asked(
    db: &TestDb,
    tenant: &Tenant,
    resource: Uuid,
    campaign: Uuid,
    slot_at: Option<Time>,
) -> Reserved {
    let mut cx = db.cx(&tenant.owner).await;
    let answer = ask(&mut cx, resource, campaign, slot_at).await;
    match answer {
        Reserved::No(..) => cx.rollback().await.expect("a rollback"),
        Reserved::Yes(_) | Reserved::Slot(_) => cx.commit().await.expect("a commit"),
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_never_pass_a_limit() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let day: Date = "2026-03-02".parse().expect("a date");
    for round in 0..100 {
        let limit = 1 + round % 40;
        let key = format!("domain:round-{round}.example");
        let tries: Vec<_> = (0..64)
            .map(|_| {
                let (db, key, tenant) = (db.db.clone(), key.clone(), tenant.id);
                tokio::spawn(async move { one(&db, tenant, &key, day, limit).await })
            })
            .collect();
        let mut taken = 0;
        for one in tries {
            taken += i32::from(one.await.expect("no panic"));
        }
        assert_eq!(taken, limit, "round {round}");
    }
}

async fn one(db: &Db, tenant: base::TenantId, key: &str, day: Date, limit: i32) -> bool {
    let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("test", db)).await.expect("begins");
    let taken = take_one(&mut cx, key, day, limit).await.expect("an answer");
    cx.commit().await.expect("a commit");
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mailboxes_of_one_domain_share_its_first_day() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let addresses: Vec<String> = (0..8).map(|n| format!("m{n}@anchor.example")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let ids = mailboxes(&db, &tenant, &addresses).await;
    let campaign = Uuid::from_u128(1);
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (inner, id, tenant) = (db.db.clone(), ids[n % 8], tenant.id);
            tokio::spawn(async move {
                let mut cx =
                    inner.begin(Scope::Tenant(tenant), Caller::system("test", &inner)).await.expect("begins");
                let answer = ask(&mut cx, id, campaign, None).await;
                match answer {
                    Reserved::No(..) => cx.rollback().await.expect("a rollback"),
                    Reserved::Yes(_) | Reserved::Slot(_) => cx.commit().await.expect("a commit"),
                }
                answer
            })
        })
        .collect();
    let mut sent = 0;
    for answer in tries {
        sent += i32::from(matches!(answer.await.expect("no panic"), Reserved::Yes(_)));
    }
    // Five on the first day, one of them kept for replies.
    assert_eq!(sent, 4);
    let mut cx = db.cx(&tenant.owner).await;
    assert_eq!(get(&mut cx, ids[0]).await.expect("there").domain, Some("anchor.example".to_owned()));
    let used = sqlx::query_scalar!("select used from outreach.capacity where key = 'domain:anchor.example'")
        .fetch_one(cx.conn())
        .await;
    assert_eq!(used.expect("a row"), 4);
}

#[tokio::test]
async fn a_mailbox_pauses_between_messages_and_keeps_slots() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let id = mailboxes(&db, &tenant, &["alex@anchor.example"]).await[0];
    let campaign = Uuid::from_u128(1);
    assert!(matches!(asked(&db, &tenant, id, campaign, None).await, Reserved::Yes(held) if held.len() == 2));
    let now = db.clock_now();
    let Reserved::Slot(second) = asked(&db, &tenant, id, campaign, None).await else {
        panic!("a slot was expected")
    };
    assert!((30..=90).contains(&second.since_s(now)), "{second}");
    let Reserved::Slot(third) = asked(&db, &tenant, id, campaign, None).await else {
        panic!("a slot was expected")
    };
    assert!((30..=90).contains(&third.since_s(second)), "{third}");
    // Its own slot is asked for too early: it is kept.
    assert_eq!(asked(&db, &tenant, id, campaign, Some(second)).await, Reserved::Slot(second));
    db.clock.advance_to(second);
    assert!(matches!(asked(&db, &tenant, id, campaign, Some(second)).await, Reserved::Yes(_)));
    // Somebody without a slot does not come between.
    assert!(matches!(asked(&db, &tenant, id, campaign, None).await, Reserved::Slot(after) if after > third));
}

#[tokio::test]
async fn slots_that_a_stop_let_lapse_are_given_anew_one_by_one() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let id = mailboxes(&db, &tenant, &["alex@anchor.example"]).await[0];
    let campaign = Uuid::from_u128(1);
    assert!(matches!(asked(&db, &tenant, id, campaign, None).await, Reserved::Yes(_)));
    let mut slots = Vec::new();
    for _ in 0..3 {
        let Reserved::Slot(slot) = asked(&db, &tenant, id, campaign, None).await else {
            panic!("a slot was expected")
        };
        slots.push(slot);
    }
    db.clock.advance_s(3_600);
    let mut now = 0;
    for slot in slots {
        now += i32::from(matches!(asked(&db, &tenant, id, campaign, Some(slot)).await, Reserved::Yes(_)));
    }
    assert_eq!(now, 1, "one at once, the others wait");
}

#[tokio::test]
async fn a_day_that_is_used_up_goes_on_in_the_next_window() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let id = mailboxes(&db, &tenant, &["alex@anchor.example"]).await[0];
    let campaign = Uuid::from_u128(1);
    for _ in 0..4 {
        assert!(matches!(asked(&db, &tenant, id, campaign, None).await, Reserved::Yes(_)));
        db.clock.advance_s(120);
    }
    let Reserved::No(code, detail, retry_at) = asked(&db, &tenant, id, campaign, None).await else {
        panic!("a no was expected")
    };
    assert_eq!(
        (code, retry_at),
        ("used_up", Some("2026-03-02T22:00:00Z".parse().expect("an instant"))),
        "{detail}"
    );
    assert_ne!(code, PACED);
    // Tuesday, nine in Sydney.
    db.clock.advance_to(retry_at.expect("said above"));
    assert!(matches!(asked(&db, &tenant, id, campaign, None).await, Reserved::Yes(_)));
    let mut cx = db.cx(&tenant.owner).await;
    assert_eq!(get(&mut cx, id).await.expect("there").domain_in_use_since.as_deref(), Some("2026-03-02"));
}

#[tokio::test]
async fn what_is_paused_sick_or_retired_sends_nothing() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ids = mailboxes(&db, &tenant, &["a@a.example", "b@b.example", "c@c.example", "d@d.example"]).await;
    let mut cx = db.cx(&tenant.owner).await;
    super::pause(&mut cx, ids[0], "holiday").await.expect("paused");
    let later = cx.now().plus_s(7_200);
    store::set_paused_until(&mut cx, ids[1], Some(later), Some("rests")).await.expect("set");
    store::set_health(&mut cx, ids[2], Health::Critical, &super::check::Checks::default())
        .await
        .expect("set");
    store::set_status(&mut cx, ids[3], &[Status::Active], Status::Retired, Some("bad")).await.expect("set");
    cx.commit().await.expect("a commit");
    for (id, code) in ids.iter().zip(["paused", "paused", "unhealthy", "unhealthy"]) {
        let answer = asked(&db, &tenant, *id, Uuid::nil(), None).await;
        assert!(matches!(&answer, Reserved::No(c, _, _) if *c == code), "{answer:?}");
    }
    let mut cx = db.cx(&tenant.owner).await;
    assert_eq!(super::resume(&mut cx, ids[3]).await.expect_err("retired").code(), "resource.state");
    super::resume(&mut cx, ids[0]).await.expect("resumed");
}

#[tokio::test]
async fn a_password_is_sealed_and_comes_back_only_for_the_account() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let ring = ring();
    let mut cx = db.cx(&ours.owner).await;
    let id = add(&mut cx, &ring, mailbox("alex@anchor.example")).await.expect("added");
    let sink = SinkSettings {
        host: "127.0.0.1".into(),
        port: 2525,
        lookup: "http://127.0.0.1:2526/".parse().expect("a URL"),
    };
    let address = EmailAddress::parse("try@anchor.example").expect("an address");
    let sink_id = add_sink(&mut cx, &ring, &sink, address, "Alex").await.expect("added");
    let found = get(&mut cx, id.uuid()).await.expect("there");
    let EmailAccount::Smtp(smtp) = account(&mut cx, &ring, &found).await.expect("opens") else {
        panic!("an SMTP account")
    };
    assert_eq!((smtp.username.as_deref(), smtp.password.expose()), (Some("alex"), "hush"));
    let found = get(&mut cx, sink_id.uuid()).await.expect("there");
    let EmailAccount::Smtp(smtp) = account(&mut cx, &ring, &found).await.expect("opens") else {
        panic!("an SMTP account")
    };
    assert_eq!(smtp.username, Some(format!("tenant-{}", ours.id)));
    assert!(smtp.lookup.is_some());
    let again = add(&mut cx, &ring, mailbox("alex@anchor.example")).await;
    assert_eq!(again.expect_err("taken").code(), "resource.taken");
    cx.rollback().await.expect("a rollback");
    let mut open = mailbox("x@anchor.example");
    if let Some(smtp) = &mut open.settings.smtp {
        smtp.security = Security::None;
    }
    let mut cx = db.cx(&theirs.owner).await;
    assert_eq!(add(&mut cx, &ring, open).await.expect_err("no encryption").code(), "email.unencrypted");
    assert!(super::list(&mut cx).await.expect("a list").is_empty());
}

#[tokio::test]
async fn the_least_recently_used_mailbox_sends_next_and_a_campaign_has_no_more_room_than_its_domains() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ids = mailboxes(&db, &tenant, &["a@one.example", "b@one.example", "c@two.example"]).await;
    let mut cx = db.cx(&tenant.owner).await;
    let new = crate::campaign::New { name: "Spring".into(), with_template: true, ..Default::default() };
    let campaign = crate::campaign::create(&mut cx, new).await.expect("made");
    crate::campaign::assign(&mut cx, campaign, &ids).await.expect("assigned");
    cx.commit().await.expect("a commit");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut cx = db.cx(&tenant.owner).await;
        let next = pick(&mut cx, campaign.uuid(), crate::channel::Channel::Email, Uuid::nil())
            .await
            .expect("an answer")
            .expect("one");
        drop(cx);
        assert!(matches!(asked(&db, &tenant, next.id.uuid(), campaign.uuid(), None).await, Reserved::Yes(_)));
        seen.push(next.id.uuid());
        db.clock.advance_s(1);
    }
    seen.sort_unstable();
    let mut all = ids.clone();
    all.sort_unstable();
    assert_eq!(seen, all);
    let mut cx = db.cx(&tenant.owner).await;
    // Two domains on their first day: 4 and 4, of which 3 are used.
    assert_eq!(
        remaining_today(&mut cx, campaign.uuid(), 50, crate::channel::Channel::Email, 50)
            .await
            .expect("room"),
        5
    );
    assert_eq!(
        remaining_today(&mut cx, campaign.uuid(), 4, crate::channel::Channel::Email, 4).await.expect("room"),
        1
    );
}

#[tokio::test]
async fn bounces_slow_stop_and_rest() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let mut cx = db.cx(&tenant.owner).await;
    let by = health::Rules {
        limits: Limits::load(&mut cx, "AU", None).await.expect("limits").health().expect("figures"),
        rest: control::figure::read(&mut cx, "health.mailbox_pause").await.expect("a figure"),
        retire_days: 7,
    };
    let now = cx.now();
    let of = |sent, bounced, complained| Outcomes { sent, bounced, complained };
    let judge = |domain, mailbox, since| health::judge(&by, domain, mailbox, since, now);
    let good = judge(of(1_000, 19, 0), of(100, 4, 0), None);
    assert_eq!((good.health, good.rest, good.retire), (Health::Good, false, false));
    assert_eq!(judge(of(1_000, 20, 0), of(1_000, 20, 0), None).health, Health::Warning);
    assert!(judge(of(1_000, 20, 0), of(100, 5, 0), None).rest);
    assert!(!judge(of(1_000, 20, 0), of(99, 50, 0), None).rest, "too few to tell");
    let bad = judge(of(1_000, 51, 0), of(1_000, 0, 0), None);
    assert_eq!((bad.health, bad.critical_since, bad.retire), (Health::Critical, Some(now), false));
    assert!(judge(of(1_000, 51, 0), of(0, 0, 0), Some(now.plus_days(-7))).retire);
    assert!(
        judge(of(1_000, 0, 0), of(0, 0, 0), Some(now.plus_days(-7))).critical_since.is_none(),
        "it recovered"
    );
}

/// Messages that a mailbox sent, some of which bounced.
async fn history(cx: &mut Cx, resource: Uuid, sent: i32, bounced: i32) {
    let tenant = cx.tenant().expect("a tenant").uuid();
    let now = cx.now();
    let new = crate::campaign::New { name: "History".into(), with_template: true, ..Default::default() };
    let campaign = crate::campaign::create(cx, new).await.expect("made");
    sqlx::query!(
        r#"with l as (insert into leads.lead (id, tenant_id, email, source, created_at, updated_at)
                      select gen_random_uuid(), $1, 'l' || n || $2::uuid || '@x.example', 'manual', $5, $5 from generate_series(1, $3) n returning id),
           e as (insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, created_at, updated_at)
                 select gen_random_uuid(), $1, c.id, l.id, c.sequence_id, $5, $5 from l, outreach.campaign c where c.id = $6 returning id, lead_id),
           t as (insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, state, due_at, resource_id, sent_at, created_at, updated_at)
                 select gen_random_uuid(), $1, e.id, $6, e.lead_id, 1, 'email', 'sent', $5, $2, $5, $5, $5 from e returning id)
           insert into outreach.activity (id, tenant_id, touch_id, action, actor, at)
           select gen_random_uuid(), $1, t.id, 'bounced', 'test', $5 from t limit $4"#,
        tenant,
        resource,
        sent,
        i64::from(bounced),
        now as Time,
        campaign.uuid(),
    )
    .execute(cx.conn())
    .await
    .expect("rows");
}

#[tokio::test]
async fn a_mailbox_with_many_bounces_rests_once_people_are_told_and_a_resume_holds() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ids = mailboxes(&db, &tenant, &["a@one.example", "b@two.example"]).await;
    let mut cx = db.cx(&tenant.owner).await;
    history(&mut cx, ids[0], 200, 9).await;
    history(&mut cx, ids[1], 100, 5).await;
    assert_eq!(health::recompute(&mut cx).await.expect("computed"), 2);
    let first = get(&mut cx, ids[0]).await.expect("there");
    assert_eq!((first.health, first.paused_until), (Health::Warning, None), "4.5 %");
    let second = get(&mut cx, ids[1]).await.expect("there");
    let later = cx.now().plus_s(72 * 3_600);
    assert_eq!((second.health, second.paused_until), (Health::Warning, Some(later)), "5 %");
    assert_eq!(second.checks.outcomes, Some(Outcomes { sent: 100, bounced: 5, complained: 0 }));
    let told =
        sqlx::query_scalar!(r#"select count(*) as "count!" from control.notification where kind = 'health'"#)
            .fetch_one(cx.conn())
            .await;
    assert_eq!(told.expect("a count"), 2);
    super::resume(&mut cx, ids[1]).await.expect("resumed");
    cx.commit().await.expect("a commit");
    db.clock.advance_s(3_600);
    let mut cx = db.cx(&tenant.owner).await;
    assert_eq!(health::recompute(&mut cx).await.expect("computed"), 0);
    assert_eq!(
        get(&mut cx, ids[1]).await.expect("there").paused_until,
        None,
        "old bounces do not count again"
    );
}

#[test]
fn the_other_senders_have_ramps_weaker_health_and_a_share_for_replies() {
    use super::rules::{OtherLimits, other_daily};
    let seat =
        OtherLimits { daily: 17, ramp: vec![(1, 5), (4, 10), (8, 15), (12, 17)], reply_reserve_percent: 0 };
    let days = [1, 3, 4, 8, 12, 90].map(|day| other_daily(&seat, day, Health::Good));
    assert_eq!(days, [5, 5, 10, 15, 17, 17]);
    let texts = OtherLimits { daily: 100, ramp: Vec::new(), reply_reserve_percent: 10 };
    assert_eq!(other_daily(&texts, 1, Health::Good), 90);
    assert_eq!(other_daily(&texts, 1, Health::Warning), 63);
    assert_eq!(other_daily(&texts, 1, Health::Critical), 0);
}

#[test]
fn a_domain_sends_only_with_fresh_and_good_records() {
    use super::check::{Checks, Found, Verdict, unready};
    let now: Time = "2026-11-23T00:00:00Z".parse().expect("an instant");
    let found = |what: &str, verdict| Found {
        what: what.into(),
        verdict,
        detail: String::new(),
        todo: String::new(),
    };
    let of = |dkim, at: Option<Time>, host: &str| super::Resource {
        id: Uuid::nil().into(),
        channel: crate::channel::Channel::Email,
        name: String::new(),
        address: "a@anchor.example".into(),
        domain: Some("anchor.example".into()),
        display_name: "A".into(),
        provider: "smtp".into(),
        account: None,
        settings: Settings {
            smtp: Some(Server {
                host: host.into(),
                port: 25,
                security: Security::None,
                username: String::new(),
            }),
            ..Settings::default()
        },
        status: Status::Active,
        status_reason: None,
        health: Health::Good,
        paused_until: None,
        domain_in_use_since: None,
        last_used_at: None,
        checked_at: at,
        checks: Checks {
            dns: vec![found("SPF", Verdict::Good), found("DKIM", dkim), found("DMARC", Verdict::Weak)],
            ..Checks::default()
        },
    };
    assert_eq!(unready(&of(Verdict::Good, Some(now.plus_days(-6)), "mx.example"), 7, now), None);
    for (dkim, at) in [
        (Verdict::Bad, Some(now)),
        (Verdict::Open, Some(now)),
        (Verdict::Good, None),
        (Verdict::Good, Some(now.plus_days(-7))),
    ] {
        assert!(unready(&of(dkim, at, "mx.example"), 7, now).is_some(), "{dkim:?} {at:?}");
        assert_eq!(unready(&of(dkim, at, "127.0.0.1"), 7, now), None, "mail that stays on this machine");
    }
}

#[tokio::test]
async fn a_plan_with_one_linkedin_seat_has_one_in_use() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ring = ring();
    let mut cx = db.cx(&tenant.owner).await;
    let typed = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let keys = typed(&[("api_key", "k"), ("connect_campaign", "7")]);
    let own = crate::account::add(&mut cx, &ring, "heyreach", "", &keys).await.expect("an account");
    let seat = |name: &str, number: &str| super::NewSender {
        channel: crate::channel::Channel::Linkedin,
        account: own.uuid(),
        address: name.to_owned(),
        display_name: name.to_owned(),
        details: typed(&[("seat", number)]),
    };
    let first = super::add_sender(&mut cx, seat("Ana Wells", "3")).await.expect("added").uuid();
    let error = super::add_sender(&mut cx, seat("Ben Wells", "4")).await.expect_err("a second one");
    assert_eq!(error.code(), "plan.linkedin_seats");
    super::pause(&mut cx, first, "left us").await.expect("paused");
    super::add_sender(&mut cx, seat("Ben Wells", "4")).await.expect("in its place");
    assert_eq!(super::resume(&mut cx, first).await.expect_err("no place").code(), "plan.linkedin_seats");
    assert_eq!(store::linkedin_seats(&mut cx).await.expect("a count"), 1);
}
