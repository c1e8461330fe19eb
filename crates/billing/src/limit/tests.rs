//! One more of what a plan limits, also wanted several times at once.

use super::{Limit, person, take};
use crate::plan::{self, Code, Typed};
use crate::testing::Bed;
use accounts::member::{self, Invited, Room};
use base::{EmailAddress, Role, Zone};
use testkit::TestApp;

const ROOM: Room = Some(person);

/// From now on the figures of a trial allow so many people.
async fn people(bed: &Bed, people: &str) {
    let mut cx = bed.kit.system().await;
    let row = plan::current(&mut cx, Code::Ignition).await.unwrap();
    let zone = Zone::sydney();
    let typed = Typed {
        people: people.to_owned(),
        valid_from: cx.now().in_zone(&zone).date().to_string(),
        source: "a test".to_owned(),
        ..Typed::of(&row)
    };
    let new = typed.read(cx.now(), &zone).unwrap();
    plan::add(&mut cx, &new).await.unwrap();
    cx.commit().await.unwrap();
}

async fn invite(bed: &Bed, n: usize) -> base::Result<()> {
    let mut cx = bed.cx().await;
    let who = Invited { email: EmailAddress::parse(&format!("p{n}@byte.example"))?, role: Role::Member };
    member::invite(&mut cx, Role::Owner, &who, ROOM).await?;
    cx.commit().await
}

#[tokio::test]
async fn the_plans_as_they_are_sold_at_first_limit_campaigns_and_seats_but_not_people() {
    let bed = Bed::new().await;
    let mut cx = bed.cx().await;
    take(&mut cx, Limit::Campaigns, async |_: &mut db::Cx| Ok(4)).await.unwrap();
    let error = take(&mut cx, Limit::Campaigns, async |_: &mut db::Cx| Ok(5)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (base::Kind::Refused, "plan.campaigns"));
    assert_eq!(
        error.message(),
        "Ignition allows 5 campaigns at once, and 5 are taken. Pause or complete one that runs, or choose Velocity under Billing."
    );
    // Far over every plan: nobody is sent to one that does not help.
    let error = take(&mut cx, Limit::Campaigns, async |_: &mut db::Cx| Ok(99)).await.unwrap_err();
    assert!(error.message().ends_with("or ask whoever runs this installation for a larger plan."), "{error}");
    let error = take(&mut cx, Limit::LinkedinSeats, async |_: &mut db::Cx| Ok(1)).await.unwrap_err();
    assert_eq!(error.code(), "plan.linkedin_seats");
    assert!(error.message().starts_with("Ignition allows 1 LinkedIn seat, and 1 is taken."), "{error}");
    take(&mut cx, Limit::People, async |_: &mut db::Cx| Ok(5_000)).await.unwrap();
}

#[tokio::test]
async fn eight_invitations_at_once_end_exactly_at_the_limit() {
    let bed = Bed::new().await;
    people(&bed, "4").await;
    let calls = (0..8).map(|n| invite(&bed, n));
    let outcomes: Vec<base::Result<()>> = futures::future::join_all(calls).await;
    let codes: Vec<&str> =
        outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(base::Error::code, |()| "sent")).collect();
    let sent = codes.iter().filter(|code| **code == "sent").count();
    // The owner is one of the four.
    assert_eq!((sent, codes.iter().filter(|code| **code == "plan.people").count()), (3, 5), "{codes:?}");
    assert_eq!(member::seated(&mut bed.cx().await).await.unwrap(), 4);
}

#[tokio::test]
async fn the_team_page_says_why_nobody_more_is_invited_and_billing_shows_what_is_used() {
    let bed = Bed::new().await;
    let modules = vec![
        accounts::module(bed.desk.mailer.clone(), ROOM),
        crate::module(bed.desk.clone()),
        hooks::module(),
    ];
    let app = TestApp::start(&bed.kit, modules).await;
    let us = app.as_member(&bed.ours.owner);
    us.get("/billing").await.expect(200).shows("any number");
    people(&bed, "2").await;
    let invitation = |email| [("email", email), ("role", "member")];
    us.post("/settings/team/invite", &invitation("bob@byte.example")).await.expect(303);
    us.post("/settings/team/invite", &invitation("eve@byte.example"))
        .await
        .expect(422)
        .shows("Ignition allows 2 people, and 2 are taken.")
        .shows("choose Velocity under Billing");
    us.get("/settings/team").await.expect(200).hides("eve@byte.example");
    us.get("/billing").await.expect(200).shows("No room");
    let stand = us.get("/api/v1/billing").await.expect(200).json();
    assert_eq!((&stand["used"]["people"], &stand["limits"]["people"]), (&2.into(), &2.into()));
    let body = serde_json::json!({"email": "eve@byte.example", "role": "member"});
    let answer = us.json("POST", "/api/v1/invitations", &body).await.expect(422).json();
    assert_eq!(
        (&answer["code"], &answer["allowed"], &answer["used"]),
        (&"plan.people".into(), &2.into(), &2.into())
    );
    // Another client's people do not count here.
    let them = app.as_member(&bed.theirs.owner);
    them.post("/settings/team/invite", &invitation("eve@byte.example")).await.expect(303);
}
