use super::{Asked, Sort, Status, find, tally};
use crate::score::Tier;
use crate::tests::{World, id_of};
use crate::{BulkAct, Extras};
use maud::html;
use serde_json::json;

/// Leads by SQL, for lists that must be long.
async fn many(world: &World, count: u32) {
    let mut cx = world.db.cx(&world.ours.owner).await;
    sqlx::query(
        "insert into leads.lead (id, tenant_id, email, first_name, last_name, company_name, domain, title, industry, country, phone, status, score, tier, source, created_at, updated_at)
         select gen_random_uuid(), $1, 'p' || n || '@c' || n % 997 || '.example', 'First' || n % 89, 'Last' || n, 'Company ' || n % 997, 'c' || n % 997 || '.example',
           case n % 3 when 0 then 'CEO' else 'Clerk' end, case n % 4 when 0 then 'Dental' else 'Building ' || n % 40 end, case n % 5 when 0 then 'NZ' else 'AU' end, null,
           (enum_range(null::leads.status))[1 + n % 3], n % 101, (case when n % 101 >= 85 then 'hot' when n % 101 >= 60 then 'warm' when n % 101 >= 35 then 'cool' when n % 101 >= 20 then 'cold' else 'dead' end)::leads.tier,
           'test', $2, $2 from generate_series(1, $3) n",
    )
    .bind(world.ours.id.uuid())
    .bind(world.db.clock_now())
    .bind(i32::try_from(count).expect("a small number"))
    .execute(cx.conn())
    .await
    .expect("leads are added");
    cx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_lead_is_written_read_changed_scored_and_taken_out_by_its_own_client_only() {
    let world = World::new().await;
    world
        .us()
        .post("/leads", &[("email", "not an address")])
        .await
        .expect(400)
        .shows("This is not an e-mail address");
    world.us().post("/leads", &[("first_name", "Nobody")]).await.expect(400).shows("nobody can be reached");
    let at = world
        .add(&[
            ("email", "Priya@Harbour.example"),
            ("first_name", "Priya"),
            ("last_name", "Nair"),
            ("title", "Owner"),
            ("company", "Harbour Dental"),
            ("country", "Australia"),
            ("headcount", "11-50"),
        ])
        .await;
    world.app.settle().await;
    let page = world.us().get(&at).await.expect(200);
    let page = page
        .shows("Priya Nair")
        .shows("priya@harbour.example")
        .shows("Why this score")
        .shows("25 of 25")
        .shows("The smallest step into the next tier");
    page.shows("is not recorded");
    world.them().get(&at).await.expect(404);
    for act in ["edit", "delete", "suppress", "consent", "mode", "facts", "rescore", "enrich"] {
        let form = [
            ("reason", "other"),
            ("consent", ""),
            ("mode", ""),
            ("kind", "note"),
            ("text", "x"),
            ("email", "x@y.example"),
        ];
        world.them().post(&format!("{at}/{act}"), &form).await.expect(404);
    }
    world
        .us()
        .post("/leads", &[("email", "priya@harbour.example")])
        .await
        .expect(400)
        .shows("There is a lead with this e-mail address already");
    world.them().post("/leads", &[("email", "priya@harbour.example")]).await.expect(303);
    world
        .us()
        .post(
            &format!("{at}/edit"),
            &[("email", "priya@harbour.example"), ("first_name", "Priya"), ("title", "Clerk")],
        )
        .await
        .expect(303);
    world.app.settle().await;
    world.us().get(&at).await.expect(200).shows("5 of 25");
    world
        .us()
        .post(&format!("{at}/consent"), &[("consent", "express"), ("consent_source", "")])
        .await
        .expect(400);
    world
        .us()
        .post(&format!("{at}/consent"), &[("consent", "express"), ("consent_source", "the form of 1 March")])
        .await
        .expect(303);
    world
        .us()
        .post(&format!("{at}/mode"), &[("mode", "manual"), ("until", "2026-03-09T10:00")])
        .await
        .expect(303);
    world
        .us()
        .post(&format!("{at}/facts"), &[("kind", "pain_point"), ("text", "Phones ring unanswered")])
        .await
        .expect(303);
    let page = world
        .us()
        .get(&at)
        .await
        .expect(200)
        .shows("the form of 1 March")
        .shows("Manual for this lead until Mon 9 Mar, 10:00")
        .shows("Phones ring unanswered");
    drop(page);
    world.us().post(&format!("{at}/suppress"), &[("reason", "competitor")]).await.expect(303);
    world.us().get(&at).await.expect(200).shows("Nobody may contact this person").shows("Disqualified");
    world
        .us()
        .post("/leads", &[("email", "priya@harbour.example")])
        .await
        .expect(400)
        .shows("is on the suppression list");
    world.us().post(&format!("{at}/delete"), &[]).await.expect(303);
    world.us().get(&at).await.expect(404);
    assert_eq!(
        world
            .one(&format!(
                "select count(*) from leads.lead where id = '{}' and deleted_at is not null",
                id_of(&at)
            ))
            .await,
        "1"
    );
}

#[tokio::test]
async fn programs_write_the_same_leads() {
    let world = World::new().await;
    let us = world.us();
    let made = us.json("POST", "/api/v1/leads", &json!({"email": "a@b.example", "headcount": 20, "hiring": true, "consent": "express", "consent_source": "contract"})).await.expect(201).json();
    let at = format!("/api/v1/leads/{}", made["id"].as_str().expect("an id"));
    us.json("POST", "/api/v1/leads", &json!({"email": "a@b.example"})).await.expect(409);
    us.json("POST", "/api/v1/leads", &json!({"email": "c@d.example", "consent": "express"}))
        .await
        .expect(400);
    us.json("POST", "/api/v1/leads", &json!({"emale": "c@d.example"})).await.expect(400);
    let patched = us.json("PATCH", &at, &json!({"title": "CEO", "hiring": false})).await.expect(200).json();
    assert_eq!(
        (&patched["title"], &patched["hiring"], &patched["headcount"], &patched["consent"]),
        (&json!("CEO"), &json!(false), &json!(20), &json!("express"))
    );
    world.them().get(&at).await.expect(404);
    world.them().json("PATCH", &at, &json!({"title": "x"})).await.expect(404);
    world.them().json("DELETE", &at, &json!({})).await.expect(404);
    world.app.settle().await;
    let listed = us.get("/api/v1/leads?consent=recorded&sort=newest").await.expect(200).json();
    assert_eq!((&listed["total"], &listed["rows"][0]["title"]), (&json!(1), &json!("CEO")));
    us.get("/api/v1/leads?status=happy").await.expect(400);
    let done = us
        .json(
            "POST",
            "/api/v1/leads/bulk",
            &json!({"act": {"act": "suppress", "reason": "competitor"}, "filter": {"consent": "recorded"}}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(done["done"], json!(1));
    us.json("DELETE", &at, &json!({})).await.expect(204);
    us.get(&at).await.expect(404);
}

#[tokio::test]
async fn a_country_is_told_by_its_name() {
    let world = World::new().await;
    let fields = [("email", "a@b.example"), ("first_name", "A"), ("city", "Sydney"), ("country", "AU")];
    let at = world.add(&fields).await;
    world.us().get(&at).await.expect(200).shows("Place Sydney, Australia");
}

#[tokio::test]
async fn the_tally_is_exact_and_folding_changes_nothing() {
    let world = World::new().await;
    many(&world, 1_000).await;
    let at = world.add(&[("email", "one@more.example")]).await;
    world.app.settle().await;
    world.us().post(&format!("{at}/delete"), &[]).await.expect(303);
    let check = async || {
        let mut cx = world.db.cx(&world.ours.owner).await;
        let kept = tally(&mut cx).await.expect("a tally");
        let hot =
            world.one("select count(*) from leads.lead where tier = 'hot' and deleted_at is null").await;
        let enriched = world
            .one("select count(*) from leads.lead where status = 'enriched' and deleted_at is null")
            .await;
        assert_eq!(kept.total(), 1_000);
        assert_eq!(kept.of(None, Some(Some(Tier::Hot))).to_string(), hot);
        assert_eq!(kept.of(Some(Status::Enriched), None).to_string(), enriched);
    };
    check().await;
    let before: i64 = world.one("select count(*) from leads.tally").await.parse().expect("a number");
    world.app.run_until(world.db.clock_now().plus_s(3_700)).await;
    let after: i64 = world.one("select count(*) from leads.tally").await.parse().expect("a number");
    assert!(after < before, "{before} → {after}");
    check().await;
    world.them().get("/leads").await.expect(200).shows("No leads yet");
}

#[tokio::test]
async fn pages_by_cursor_show_every_lead_once_in_every_order() {
    let world = World::new().await;
    many(&world, 260).await;
    world.add(&[("email", "late@x.example")]).await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    for sort in [Sort::Score, Sort::Newest, Sort::Name] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = find::list(&mut cx, &super::Filter::default(), sort, after.as_ref(), 50)
                .await
                .expect("a page");
            seen.extend(page.rows.iter().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (261, 261), "{sort:?}");
    }
}

#[tokio::test]
async fn acts_on_many_do_what_they_say_to_exactly_those() {
    let extras = Extras {
        bulk: vec![BulkAct { label: "Add to campaign", href: "/campaigns/add" }],
        detail: Some(|_, id| Box::pin(async move { Ok(html! { p { "Timeline of " (id) } }) })),
        campaigns: None,
    };
    let world = World::with(extras).await;
    many(&world, 1_200).await;
    let page = world.us().get("/leads?country=NZ").await.expect(200).shows("240").shows("Add to campaign");
    let ids =
        page.attributes("value").into_iter().filter(|value| value.len() == 36).take(2).collect::<Vec<_>>();
    let answer = world.us().post("/leads/bulk", &[("act", "extra-0"), ("pick", &ids[0])]).await.expect(307);
    assert_eq!(answer.location(), "/campaigns/add");
    world.us().get(&format!("/leads/{}", ids[0])).await.expect(200).shows(&format!("Timeline of {}", ids[0]));
    world.us().post("/leads/bulk", &[("act", "delete")]).await.expect(400).shows("Choose at least one lead");
    world
        .us()
        .post("/leads/bulk", &[("act", "delete"), ("pick", &ids[0])])
        .await
        .expect(200)
        .shows("Delete 1 lead?");
    world
        .us()
        .post("/leads/bulk", &[("act", "delete"), ("sure", "1"), ("pick", &ids[0]), ("pick", &ids[1])])
        .await
        .expect(303);
    assert_eq!(world.one("select count(*) from leads.lead where deleted_at is null").await, "1198");
    world
        .them()
        .post(
            "/leads/bulk",
            &[
                ("act", "delete"),
                ("sure", "1"),
                ("pick", &world.ids(&world.ours.owner, "").await[0].to_string()),
            ],
        )
        .await
        .expect(303);
    assert_eq!(world.one("select count(*) from leads.lead where deleted_at is null").await, "1198");
    let consent = [
        ("act", "consent"),
        ("sure", "1"),
        ("all", "1"),
        ("filter", "country=NZ"),
        ("basis", "express"),
        ("source", "form"),
    ];
    world.us().post("/leads/bulk", &consent).await.expect(303);
    assert_eq!(world.one("select count(*) from leads.lead where consent = 'express' and country = 'NZ' and deleted_at is null").await, "238");
    assert_eq!(world.one("select count(*) from leads.lead where consent is not null").await, "238");
    // More than 500 match: a job does it, and leads that come later stay.
    world
        .us()
        .post(
            "/leads/bulk",
            &[
                ("act", "suppress"),
                ("sure", "1"),
                ("all", "1"),
                ("filter", "country=AU"),
                ("reason", "competitor"),
            ],
        )
        .await
        .expect(303);
    world.db.clock.advance_s(1);
    let late = world.add(&[("email", "late@new.example"), ("country", "AU")]).await;
    world.app.settle().await;
    assert_eq!(
        world.one("select count(*) from leads.lead where country = 'AU' and status = 'disqualified'").await,
        "960"
    );
    assert_eq!(
        world
            .one("select count(*) from leads.suppression where kind = 'email' and reason = 'competitor'")
            .await,
        "960"
    );
    world.us().get(&late).await.expect(200).shows("Scored");
}

#[tokio::test]
async fn views_are_saved_shown_and_removed() {
    let world = World::new().await;
    world
        .us()
        .post("/leads/views", &[("name", "Kiwis"), ("query", "country=NZ&sort=name&after=abc&evil=1")])
        .await
        .expect(303);
    let page = world
        .us()
        .get("/leads?country=NZ&sort=name")
        .await
        .expect(200)
        .shows("Kiwis")
        .shows("Remove this view");
    let remove = page
        .attributes("action")
        .into_iter()
        .find(|action| action.starts_with("/leads/views/"))
        .expect("a way to remove it");
    world.them().get("/leads").await.expect(200).hides("Kiwis");
    world.them().post(&remove, &[]).await.expect(404);
    world.us().post("/leads/views", &[("name", "Bad"), ("query", "status=happy")]).await.expect(400);
    world.us().post(&remove, &[]).await.expect(303);
    world.us().get("/leads").await.expect(200).hides("Kiwis");
}

/// The plans of every statement of the list, as the role of the application sees them.
#[tokio::test]
async fn no_statement_of_the_list_reads_the_whole_table() {
    let world = World::new().await;
    many(&world, 24_000).await;
    sqlx::raw_sql("reset role; analyze leads.lead; set role agency_app")
        .execute(world.db.db.pool())
        .await
        .expect("statistics");
    let queries = [
        "",
        "tier=hot",
        "tier=none",
        "status=scored",
        "status=replied",
        "country=NZ",
        "industry=dental",
        "industry=nothing",
        "import=019d6e4b-8a00-7000-8000-000000000000",
        "email=no",
        "email=yes",
        "consent=missing",
        "consent=recorded",
        "score_min=40&score_max=45",
        "q=company+12",
        "q=nobodyatall",
        "q=last77&tier=hot&country=AU",
        "tier=hot&status=new&country=AU&industry=dental",
    ];
    let mut cx = world.db.cx(&world.ours.owner).await;
    let tenant = cx.tenant().expect("a tenant").uuid();
    for query in queries {
        let filter = Asked::from_query(query).filter().expect("a filter");
        for sort in [Sort::Score, Sort::Newest, Sort::Name] {
            let first = find::list(&mut cx, &filter, sort, None, 50).await.expect("a page");
            for after in [None, first.next.as_ref()] {
                let mut built = find::page_query("explain (costs off) ", tenant, &filter, sort, after, 51)
                    .expect("a statement");
                let plan: Vec<String> =
                    built.build_query_scalar().fetch_all(cx.conn()).await.expect("a plan");
                let plan = plan.join("\n");
                assert!(!plan.contains("Seq Scan on lead"), "{query} {sort:?}\n{plan}");
                assert!(plan.contains("Index"), "{query} {sort:?}\n{plan}");
            }
        }
        let plan: Vec<String> = find::count_query("explain (costs off) ", tenant, &filter)
            .build_query_scalar()
            .fetch_all(cx.conn())
            .await
            .expect("a plan");
        assert!(
            !plan.join("\n").contains("Seq Scan on lead") || filter.is_tallied() || is_limited(&plan),
            "count {query}\n{}",
            plan.join("\n")
        );
    }
    cx.rollback().await.expect("a rollback");
    let mut cx = world.db.system().await;
    // So few rows are read as quickly in any order: what counts is that the index can serve the words.
    sqlx::query("set local enable_seqscan = off").execute(cx.conn()).await.expect("a setting");
    let plan: Vec<String> = sqlx::query_scalar(
        "explain (costs off) select id from leads.lead where search like '%last777%' limit 10000",
    )
    .fetch_all(cx.conn())
    .await
    .expect("a plan");
    assert!(plan.join("\n").contains("lead_search"), "{}", plan.join("\n"));
}

/// A count that stops at its limit may read the table in any order.
fn is_limited(plan: &[String]) -> bool {
    plan.iter().any(|line| line.contains("Limit"))
}
