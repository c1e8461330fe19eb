//! Behaviour of campaigns: verbs, pages, API.

mod pages;
mod room;

use super::{
    AddFilter, Change, Move, New, Stage, Status, activate, add_leads, complete, counts, create, edit,
    enrolled, get, missing, pause, resume, rules, without_consent,
};
use crate::channel::Channel;
use base::Time;
use db::Cx;
use testkit::{Tenant, TestDb};
use uuid::Uuid;

#[test]
fn only_the_named_moves_exist() {
    use Status::{Active, Completed, Draft, Paused, PendingApproval};
    let allowed = [
        (Move::Ask, Draft, PendingApproval),
        (Move::Withdraw, PendingApproval, Draft),
        (Move::Activate, Draft, Active),
        (Move::Activate, PendingApproval, Active),
        (Move::Pause, Active, Paused),
        (Move::Resume, Paused, Active),
        (Move::Complete, Active, Completed),
        (Move::Complete, Paused, Completed),
    ];
    for step in Move::ALL {
        for from in Status::ALL {
            let to = allowed.iter().find(|(s, f, _)| *s == step && *f == from).map(|(_, _, to)| *to);
            assert_eq!(step.after(from), to, "{step:?} from {from:?}");
        }
    }
}

#[test]
fn shares_add_up_over_all_channels() {
    let of = |pairs: &[(Channel, u8)]| {
        rules::check_allocation(&pairs.iter().copied().collect()).map_err(|e| e.code())
    };
    assert_eq!(of(&[(Channel::Email, 100), (Channel::Sms, 0)]), Ok(()));
    assert_eq!(of(&[(Channel::Email, 90)]), Err("campaign.allocation"));
    assert_eq!(of(&[(Channel::Email, 60), (Channel::Linkedin, 40)]), Ok(()));
    let half: rules::Allocation = [(Channel::Email, 67), (Channel::Linkedin, 33)].into();
    assert_eq!(
        [Channel::Email, Channel::Linkedin, Channel::Sms].map(|c| rules::share(&half, c, 50)),
        [34, 17, 0]
    );
    assert_eq!(of(&[]), Err("campaign.allocation"));
}

/// A scored lead that may be written to.
async fn lead(cx: &mut Cx, email: &str, score: i16, consent: bool) -> Uuid {
    let (id, tenant, now) = (cx.id::<Uuid>(), cx.tenant().expect("a tenant").uuid(), cx.now());
    let tier = match score {
        85.. => "hot",
        60.. => "warm",
        35.. => "cool",
        20.. => "cold",
        _ => "dead",
    };
    sqlx::query!(
        "insert into leads.lead (id, tenant_id, email, first_name, title, company_name, industry, status, score, tier, consent, source, created_at, updated_at)
         values ($1, $2, $3, 'Priya', 'Practice Manager', 'Harbour Dental', 'dental care', 'scored', $4, $5::text::leads.tier,
                 case when $6 then 'inferred_published'::leads.consent_basis end, 'manual', $7, $7)",
        id,
        tenant,
        email,
        score,
        tier,
        consent,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .expect("a lead is added");
    id
}

async fn mailbox(cx: &mut Cx, address: &str) -> Uuid {
    let (id, tenant, now) = (cx.id::<Uuid>(), cx.tenant().expect("a tenant").uuid(), cx.now());
    sqlx::query!(
        r#"insert into outreach.resource (id, tenant_id, channel, name, address, domain, display_name, provider, settings, created_at, updated_at)
           values ($1, $2, 'email', 'Sink', $3, split_part($3, '@', 2), 'Alex Morgan', 'sink',
                   '{"smtp": {"host": "127.0.0.1", "port": 2525, "security": "none", "username": ""}}', $4, $4)"#,
        id,
        tenant,
        address,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .expect("a mailbox is added");
    id
}

fn spring() -> New {
    New { name: "Spring".into(), goal: "A call".into(), offer: String::new(), with_template: true }
}

#[tokio::test]
async fn a_campaign_begins_only_when_everything_is_there() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let mut cx = db.cx(&tenant.owner).await;
    sqlx::query!("update accounts.tenant set postal_address = ' ' where id = $1", tenant.id.uuid())
        .execute(cx.conn())
        .await
        .expect("changed");
    let id = create(&mut cx, New { with_template: false, ..spring() }).await.expect("made");
    let campaign = get(&mut cx, id).await.expect("there");
    let codes = |all: Vec<super::Missing>| all.into_iter().map(|m| m.code).collect::<Vec<_>>();
    assert_eq!(
        codes(missing(&mut cx, &campaign).await.expect("a list")),
        ["steps", "resource", "postal_address"]
    );
    let error = activate(&mut cx, id).await.expect_err("not ready");
    assert_eq!(error.code(), "campaign.not_ready");
    assert!(error.message().contains("postal address") && error.message().contains("no step"), "{error}");

    crate::sequence::save(&mut cx, id, "", crate::sequence::first_contact()).await.expect("saved");
    let resource = mailbox(&mut cx, "alex@anchor.example").await;
    super::assign(&mut cx, id, &[resource]).await.expect("assigned");
    sqlx::query!("update accounts.tenant set postal_address = 'Here 1' where id = $1", tenant.id.uuid())
        .execute(cx.conn())
        .await
        .expect("changed");
    activate(&mut cx, id).await.expect("active");
    assert_eq!(get(&mut cx, id).await.expect("there").status, Status::Active);
    assert_eq!(activate(&mut cx, id).await.expect_err("already").code(), "campaign.state");
    assert_eq!(pause(&mut cx, id, " ").await.expect_err("no reason").code(), "campaign.reason");
    pause(&mut cx, id, "holiday").await.expect("paused");
    assert_eq!(get(&mut cx, id).await.expect("there").paused_reason.as_deref(), Some("holiday"));
    resume(&mut cx, id).await.expect("resumed");
    complete(&mut cx, id).await.expect("completed");
    assert_eq!(edit(&mut cx, id, &Change::default()).await.expect_err("over").code(), "campaign.completed");
    assert_eq!(resume(&mut cx, id).await.expect_err("over").code(), "campaign.state");
}

#[tokio::test]
async fn leads_join_by_what_they_are_best_first_and_never_twice() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let mut cx = db.cx(&theirs.owner).await;
    let foreign = lead(&mut cx, "x@x.example", 90, true).await;
    cx.commit().await.expect("a commit");
    let mut cx = db.cx(&ours.owner).await;
    let id = create(&mut cx, spring()).await.expect("made");
    for (email, score, consent) in [
        ("a@a.example", 90, true),
        ("b@b.example", 70, true),
        ("c@c.example", 65, false),
        ("d@d.example", 10, true),
    ] {
        lead(&mut cx, email, score, consent).await;
    }
    let warm = AddFilter { tier: Some("warm".into()), ..AddFilter::default() };
    assert_eq!(
        add_leads(&mut cx, id, &AddFilter { limit: Some(1), ..warm.clone() }).await.expect("joined"),
        1
    );
    assert_eq!(add_leads(&mut cx, id, &warm).await.expect("joined"), 1);
    assert_eq!(add_leads(&mut cx, id, &warm).await.expect("joined"), 0);
    let scored = AddFilter { status: Some("scored".into()), ..AddFilter::default() };
    assert_eq!(add_leads(&mut cx, id, &scored).await.expect("joined"), 1, "the dead one stays out");
    let theirs_by_id = AddFilter { lead_ids: vec![foreign], ..AddFilter::default() };
    assert_eq!(add_leads(&mut cx, id, &theirs_by_id).await.expect("joined"), 0);
    assert_eq!(
        add_leads(&mut cx, id, &AddFilter::default()).await.expect_err("everything?").code(),
        "campaign.no_filter"
    );
    let page = enrolled(&mut cx, id, Stage::All, None, 2).await.expect("a page");
    let rest = enrolled(&mut cx, id, Stage::All, page.next.as_ref(), 2).await.expect("a page");
    assert_eq!((page.rows.len(), rest.rows.len(), rest.next.is_none()), (2, 1, true));
    let own = counts(&mut cx, &[id.uuid()]).await.expect("counts").remove(&id.uuid()).expect("counted");
    assert_eq!((own.leads, own.contacted), (3, 0));
    assert_eq!(without_consent(&mut cx, id).await.expect("a count"), 1);
    assert!(enrolled(&mut cx, id, Stage::Contacted, None, 10).await.expect("a page").rows.is_empty());
}

/// A campaign that is ready, with one lead.
async fn ready(db: &TestDb, tenant: &Tenant) -> (Uuid, Uuid) {
    let mut cx = db.cx(&tenant.owner).await;
    mailbox(&mut cx, "alex@anchor.example").await;
    let id = create(&mut cx, spring()).await.expect("made");
    let lead = lead(&mut cx, "priya@harbour.example", 90, true).await;
    cx.commit().await.expect("a commit");
    (id.uuid(), lead)
}

#[tokio::test]
async fn the_sheet_holds_what_the_rows_say_best_first() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, lead) = ready(&db, &tenant).await;
    let mut cx = db.cx(&tenant.owner).await;
    let now = cx.now();
    sqlx::query!(
        "update leads.lead set funded_on = '2025-01-01', hiring = true, city = 'Newcastle' where id = $1",
        lead
    )
    .execute(cx.conn())
    .await
    .expect("changed");
    for (kind, text, confidence, expires, quarantined) in [
        ("pain_point", "Patients wait", 0.9_f32, 9, false),
        ("pain_point", "Is over", 0.9, -1, false),
        ("pain_point", "Is doubted", 0.9, 9, true),
        ("technology", "Is a guess", 0.3, 9, false),
    ] {
        sqlx::query!(
            "insert into leads.fact (id, tenant_id, lead_id, kind, text, source, confidence, observed_at, expires_at, quarantined, created_at)
             values (gen_random_uuid(), $1, $2, $3, $4, 'website', $5, $6, $7, $8, $6)",
            tenant.id.uuid(),
            lead,
            kind,
            text,
            confidence,
            now as Time,
            now.plus_days(expires) as Time,
            quarantined,
        )
        .execute(cx.conn())
        .await
        .expect("a fact is added");
    }
    let campaign = get(&mut cx, id.into()).await.expect("there");
    let sequence = campaign.sequence_id.expect("one");
    let sender = crate::content::brief::SenderCard {
        name: "Alex Morgan".into(),
        address: "alex@anchor.example".into(),
    };
    let brief =
        crate::content::Brief::preview(&mut cx, id, sequence, 2, lead, sender).await.expect("a sheet");
    let facts: Vec<&str> = brief.carrying().iter().map(|fact| fact.text.as_str()).collect();
    let expected = [
        "Harbour Dental is hiring",
        "Patients wait",
        "Practice Manager at Harbour Dental",
        "Harbour Dental works in dental care",
    ];
    assert_eq!(facts, expected, "old funding is no news, and what is over, doubted or a guess is not there");
    assert_eq!((brief.step.number, brief.step.of, brief.recipient.as_str()), (2, 3, "priya@harbour.example"));
    assert_eq!(brief.offer(), Some("Bookkeeping for builders"));
}
