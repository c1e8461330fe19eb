use super::job::Intake;
use super::{ImportId, Status, get, store};
use crate::tests::{World, counts, id_of, rows_of};
use db::{Caller, Scope};
use std::time::Duration;

const MESSY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/leads/messy-500.csv");

fn messy() -> Vec<u8> {
    std::fs::read(MESSY).expect("the fixture is part of the repository")
}

#[tokio::test]
async fn the_messy_list_comes_in_with_exactly_the_counts_of_its_readme() {
    let world = World::new().await;
    let at = world.upload("messy-500.csv", &messy()).await;
    world
        .us()
        .get(&at)
        .await
        .expect(200)
        .shows("500")
        .shows("468")
        .shows("UTF-8")
        .shows("recognised, 100 % sure");
    // Nothing was chosen about consent: it does not start.
    world
        .us()
        .post(&at, &[("act", "start"), ("country", "AU")])
        .await
        .expect(400)
        .shows("Say why these people may be written to");
    let start = [("act", "start"), ("country", "AU"), ("consent", "later")];
    world.them().post(&at, &start).await.expect(404);
    world.us().post(&at, &start).await.expect(303);
    world.app.settle().await;
    assert_eq!(counts(&world, &at).await, [440, 32, 28, 0, 0]);
    let page = world.us().get(&at).await.expect(200).shows("Done").shows("500 of 500");
    assert!(page.attributes("href").iter().any(|href| href.starts_with("/leads?import=")));
    world.them().get(&at).await.expect(404);
    let source = format!("import:{}", id_of(&at));
    assert_eq!(world.one(&format!("select count(*) from leads.lead where source = '{source}' and consent is null and status = 'scored' and tenant_id = '{}'", world.ours.id)).await, "440");
    assert_eq!(world.one("select count(*) from leads.lead where email is not null").await, "371");
    assert_eq!(world.one("select count(*) from kernel.fact where type = 'leads.import.done' and payload ->> 'accepted' = '440'").await, "1");
    assert_eq!(world.one("select count(*) from kernel.fact where type = 'leads.import.scored'").await, "1");
    assert_ne!(
        world.one("select count(*) from leads.fact where source like 'import:messy-500.csv line %'").await,
        "0"
    );
    world.us().get("/leads").await.expect(200).shows("440");
    world.them().get("/leads").await.expect(200).shows("No leads yet");
    world.us().get(&format!("{at}/rows?outcome=duplicate")).await.expect(200).shows("Duplicates in the file");
    world.us().get(&format!("{at}/rejects")).await.expect(200).shows("email invalid").shows("quote unclosed");
    let file = rows_of(&world.us().get(&format!("{at}/rejects.csv")).await.expect(200));
    assert_eq!(file.len(), 33);
    assert!(
        file[0].len() > 10 && file.iter().any(|row| row[3] == "email_invalid" && row.len() > 10),
        "{:?}",
        file[0]
    );
    world.them().get(&format!("{at}/rejects.csv")).await.expect(404);
    assert!(
        !super::file_of(world.folder.path(), ImportId(id_of(&at))).exists(),
        "the upload is removed when it is done"
    );
}

#[tokio::test]
async fn the_same_list_again_adds_nobody() {
    let world = World::new().await;
    let first = world.import("messy.csv", &messy(), &[]).await;
    world.app.settle().await;
    let again = world.import("messy.csv", &messy(), &[]).await;
    world.app.settle().await;
    assert_eq!(counts(&world, &first).await, [440, 32, 28, 0, 0]);
    assert_eq!(counts(&world, &again).await, [0, 32, 28, 440, 0]);
    assert_eq!(world.one("select count(*) from leads.lead").await, "440");
    assert_eq!(world.one("select count(*) from leads.lead where consent = 'inferred_published' and consent_source = 'the trade register'").await, "440");
}

#[tokio::test]
async fn whoever_is_suppressed_does_not_come_in() {
    let world = World::new().await;
    let list = "First,Email,Company,Phone\nAnn,ann@a.example,Acme,\nBob,bob@b.example,Blocked Pty,\nCid,cid@c.example,Cee,\nDee,dee@d.example,Dee,0491 570 156\nEve,eve@e.example,Eee,\n";
    for (kind, value) in [
        ("email", "ann@a.example"),
        ("company", "blocked pty"),
        ("domain", "c.example"),
        ("phone", "0491570156"),
    ] {
        world
            .us()
            .post(
                "/compliance/suppression",
                &[("kind", kind), ("value", value), ("reason", "existing_customer")],
            )
            .await
            .expect(303);
    }
    let at = world.import("list.csv", list.as_bytes(), &[]).await;
    world.app.settle().await;
    assert_eq!(counts(&world, &at).await, [1, 0, 0, 0, 4]);
    assert_eq!(world.one("select string_agg(email, ',') from leads.lead").await, "eve@e.example");
    world
        .us()
        .get(&format!("{at}/rows?outcome=suppressed"))
        .await
        .expect(200)
        .shows("nobody may contact this person");
}

#[tokio::test]
async fn a_row_of_somebody_known_fills_what_is_missing_and_says_so() {
    let world = World::new().await;
    let lead = world.add(&[("email", "ann@acme.example"), ("first_name", "Ann"), ("title", "CEO")]).await;
    let list = "First,Email,Title,Industry,Hiring,Pain points\nAnna,ANN@acme.example,Intern,Dental,yes,Too many no-shows\n";
    let at = world.import("more.csv", list.as_bytes(), &[]).await;
    world.app.settle().await;
    assert_eq!(counts(&world, &at).await, [0, 0, 0, 1, 0]);
    let page = world
        .us()
        .get(&lead)
        .await
        .expect(200)
        .shows("CEO")
        .shows("Dental")
        .shows("Too many no-shows")
        .shows("import:more.csv line 2");
    page.hides("Intern");
    world.us().get(&format!("{at}/rows?outcome=merged")).await.expect(200).shows("industry, hiring");
}

/// One pass over the file by hand, as a worker would do it.
fn intake(world: &World, at: &str, batch: usize, db: &db::Db) -> Intake {
    Intake {
        db: db.clone(),
        scope: Scope::Tenant(world.ours.id),
        caller: Caller::system("test", db),
        import: ImportId(id_of(at)),
        state_dir: world.folder.path().to_owned(),
        batch,
    }
}

async fn status(world: &World, at: &str) -> Status {
    let mut cx = world.db.cx(&world.ours.owner).await;
    get(&mut cx, ImportId(id_of(at))).await.expect("an import").status
}

const PEOPLE: &str = "select string_agg(concat_ws('|', email, linkedin_url, phone, first_name, last_name, company_name, title, headcount, city), E'\\n' order by email, linkedin_url, phone, first_name, last_name) from leads.lead";

#[tokio::test]
async fn killed_anywhere_it_ends_with_the_same_people_and_counts() {
    let whole = World::new().await;
    let at = whole.import("messy.csv", &messy(), &[]).await;
    whole.app.settle().await;
    let expected = whole.one(PEOPLE).await;
    assert_eq!(counts(&whole, &at).await, [440, 32, 28, 0, 0]);

    let world = World::new().await;
    let at = world.import("messy.csv", &messy(), &[]).await;
    let live = world.db.live().await;
    let mut killed = 0;
    for round in 0..200_u64 {
        if status(&world, &at).await == Status::Done {
            break;
        }
        // Dropped at an arbitrary point, as by SIGKILL: what the transaction held is gone.
        let work = intake(&world, &at, 23, &live);
        let task = tokio::spawn(async move { work.take(usize::MAX, None).await });
        tokio::time::sleep(Duration::from_millis(20 + round * 8 + (round * 37) % 60)).await;
        if task.is_finished() {
            // An aborted run may still have held the row; then this one says so and the next goes on.
            drop(task.await.expect("no panic"));
        } else {
            task.abort();
            drop(task.await);
            killed += 1;
        }
    }
    assert!(killed >= 3, "the test killed only {killed} runs");
    assert_eq!(status(&world, &at).await, Status::Done);
    assert_eq!(counts(&world, &at).await, [440, 32, 28, 0, 0]);
    assert_eq!(world.one(PEOPLE).await, expected);
    assert_eq!(world.one("select count(*) from leads.import_row").await, "468");
    assert_eq!(world.one("select count(*) from leads.import_reject").await, "32");
}

#[tokio::test]
async fn a_cancelled_import_keeps_what_it_took_and_can_go_on() {
    let world = World::new().await;
    let at = world.import("messy.csv", &messy(), &[]).await;
    intake(&world, &at, 50, &world.db.db).take(2, None).await.expect("two batches");
    let before = world.one("select count(*) from leads.lead").await;
    world.us().post(&format!("{at}/cancel"), &[]).await.expect(303);
    world.app.settle().await;
    assert_eq!(world.one("select count(*) from leads.lead").await, before);
    assert_eq!(status(&world, &at).await, Status::Cancelled);
    world.us().get(&at).await.expect(200).shows("100 of 500").shows("Go on where it stopped");
    world.us().post(&format!("{at}/resume"), &[]).await.expect(303);
    world.app.settle().await;
    assert_eq!(counts(&world, &at).await, [440, 32, 28, 0, 0]);
}

#[tokio::test]
async fn what_is_no_list_is_refused_and_leaves_nothing_behind() {
    let world = World::new().await;
    for (bytes, says) in [
        (b"%PDF-1.7 something".as_slice(), "The file is a PDF"),
        (b"\xd0\xcf\x11\xe0 old", "old Excel workbook"),
    ] {
        world.us().upload("/leads/import", &[("file", "list.csv", bytes)]).await.expect(400).shows(says);
    }
    world.us().upload("/leads/import", &[("file", "list.csv", b"")]).await.expect(400).shows("Choose a file");
    assert_eq!(std::fs::read_dir(super::folder(world.folder.path())).expect("the folder").count(), 0);
    assert_eq!(world.one("select count(*) from leads.import").await, "0");
    let viewer = world.db.member(&world.ours, testkit::role::VIEWER).await;
    world
        .app
        .as_member(&viewer)
        .upload("/leads/import", &[("file", "list.csv", b"a@b.example")])
        .await
        .expect(403);
}

#[tokio::test]
async fn a_file_over_200_megabytes_gets_a_413_that_says_what_to_do() {
    let world = World::new().await;
    let big = vec![b'x'; 200 * 1024 * 1024 + 10];
    world
        .us()
        .upload("/leads/import", &[("file", "big.csv", &big)])
        .await
        .expect(413)
        .shows("larger than 200 MB");
    assert_eq!(std::fs::read_dir(super::folder(world.folder.path())).expect("the folder").count(), 0);
}

#[tokio::test]
async fn pasted_rows_and_a_mapping_by_hand_come_in() {
    let world = World::new().await;
    let answer = world
        .us()
        .upload(
            "/leads/import",
            &[("file", "none.csv", b""), ("pasted", "", b"x,y,z\nann@a.example,Lee,Ann\n")],
        )
        .await
        .expect(303);
    let at = answer.location().to_owned();
    let form = [
        ("act", "preview"),
        ("country", "AU"),
        ("consent", ""),
        ("col_0", "email"),
        ("col_1", "last_name"),
        ("col_2", "first_name"),
    ];
    world.us().post(&at, &form).await.expect(303);
    let page = world.us().get(&at).await.expect(200).shows("pasted text").shows("chosen by you");
    drop(page);
    world
        .us()
        .post(
            &at,
            &[
                ("act", "start"),
                ("country", "AU"),
                ("consent", "later"),
                ("col_0", "email"),
                ("col_1", "email"),
                ("col_2", "title"),
                ("col_1", "title"),
            ],
        )
        .await
        .expect(400)
        .shows("Two columns hold");
    world.us().post(&at, &[("act", "start"), ("country", "AU"), ("consent", "later")]).await.expect(303);
    world.app.settle().await;
    assert_eq!(
        world
            .one("select first_name || ' ' || last_name from leads.lead where email = 'ann@a.example'")
            .await,
        "Ann Lee"
    );
    let mut cx = world.db.cx(&world.ours.owner).await;
    assert!(store::start(&mut cx, ImportId(id_of(&at))).await.is_err(), "an import starts once");
}

#[tokio::test]
async fn hostile_values_are_text_everywhere() {
    let world = World::new().await;
    let evil = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; drop table leads.lead; --",
        "=cmd|'/c calc'!A1",
        "%_\\x",
        "{{7*7}}",
    ];
    let mut list =
        "First name,Last name,Title,Company,Industry,City,State,Notes,Pain points,Email\n".to_owned();
    for (n, bad) in evil.iter().enumerate() {
        let cell = format!("\"{}\"", bad.replace('"', "\"\""));
        list.push_str(&format!("{}e{n}@evil{n}.example\n", format!("{cell},").repeat(9)));
    }
    let at = world.import("<b>evil</b>'.csv", list.as_bytes(), &[]).await;
    world.app.settle().await;
    assert_eq!(
        world
            .one("select coalesce(string_agg(code || reason || value, ' '), '') from leads.import_reject")
            .await,
        ""
    );
    assert_eq!(world.one("select count(*) from leads.lead").await, "6");
    let mut pages = vec![
        "/leads".to_owned(),
        at.clone(),
        "/leads/imports".to_owned(),
        format!("{at}/rows?outcome=accepted"),
    ];
    for bad in evil {
        let q: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        pages.push(format!("/leads?q={q}"));
        pages.push(format!("/leads?industry={q}"));
        pages.push(format!("/compliance/suppression?q={q}"));
    }
    for id in world.ids(&world.ours.owner, "").await {
        pages.push(format!("/leads/{id}"));
        pages.push(format!("/leads/{id}/edit"));
    }
    for page in pages {
        world.us().get(&page).await.expect(200).hides("<script>alert").hides("<img src=x").hides("<b>evil");
    }
    world.us().get("/leads?q=drop+table").await.expect(200).shows("1 of 1 lead");
    world.us().get("/leads?q=%25_%5Cx").await.expect(200).shows("1 of 1 lead");
    world.us().get("/leads?status=%27%3B--").await.expect(400);
    world.us().get("/leads?after=zz").await.expect(400);
    let file = rows_of(&world.us().get("/leads/export.csv").await.expect(200));
    assert_eq!(file.len(), 7);
    for cell in file.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
}

#[tokio::test]
async fn an_export_holds_exactly_what_is_filtered_and_comes_back_the_same() {
    let world = World::new().await;
    world
        .import(
            "messy.csv",
            &std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/leads/messy-500.csv"))
                .expect("the fixture"),
            &[],
        )
        .await;
    world.app.settle().await;
    let all = world.us().get("/leads/export.csv?sort=name").await.expect(200);
    assert_eq!(rows_of(&all).len(), 441);
    let some = rows_of(&world.us().get("/leads/export.csv?email=no").await.expect(200));
    assert_eq!(some.len(), 1 + 69);
    assert!(some[1..].iter().all(|row| row[0].is_empty()));
    assert_eq!(world.one("select count(*) from audit.entry where action = 'leads.export'").await, "2");
    let people = "select string_agg(concat_ws('|', email, linkedin_url, phone, first_name, last_name, company_name, domain, title, industry, headcount, country, region, city, role_started_on, hiring, funded_on, notes, email_state), E'\\n' order by email, linkedin_url, phone, first_name, last_name) from leads.lead";
    let back = World::new().await;
    let at = back.import("leads.csv", &all.bytes, &[]).await;
    back.app.settle().await;
    assert_eq!(counts(&back, &at).await, [440, 0, 0, 0, 0]);
    let (there, here) = (world.one(people).await, back.one(people).await);
    for (a, b) in there.lines().zip(here.lines()) {
        assert_eq!(a, b);
    }
    assert_eq!(there.len(), here.len());
}

/// What the killed process runs: one pass over the file, by what the test's environment names.
#[tokio::test]
#[ignore = "is the process that the next test kills"]
async fn a_process_that_takes_in() {
    let Ok(url) = std::env::var("INTAKE_URL") else { return };
    let named = |name: &str| std::env::var(name).expect("the parent names it");
    let settings = db::Settings { url: base::Secret::new(url), ..db::Settings::default() };
    let live = db::Db::connect(
        &settings,
        std::sync::Arc::new(base::SystemClock),
        std::sync::Arc::new(base::Random::system()),
    )
    .await
    .expect("the test's database is there");
    let tenant = base::TenantId(named("INTAKE_TENANT").parse().expect("an id"));
    let work = Intake {
        scope: Scope::Tenant(tenant),
        caller: Caller::system("test", &live),
        db: live,
        import: ImportId(named("INTAKE_ID").parse().expect("an id")),
        state_dir: named("INTAKE_STATE").into(),
        batch: 200,
    };
    work.take(usize::MAX, None).await.expect("it goes on");
}

#[tokio::test]
async fn a_worker_killed_by_the_system_loses_no_row_and_takes_none_twice() {
    let world = World::new().await;
    let at = world.upload("big.csv", crate::bench::list(3_000).as_bytes()).await;
    world.us().post(&at, &[("act", "start"), ("country", "AU"), ("consent", "later")]).await.expect(303);
    let program = std::env::current_exe().expect("this test");
    let mut killed = 0;
    for round in 0..60_u64 {
        if status(&world, &at).await == Status::Done {
            break;
        }
        let mut child = std::process::Command::new(&program)
            .args(["--exact", "import::tests::a_process_that_takes_in", "--ignored"])
            .env("INTAKE_URL", world.db.url())
            .env("INTAKE_TENANT", world.ours.id.uuid().to_string())
            .env("INTAKE_ID", id_of(&at).to_string())
            .env("INTAKE_STATE", world.folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("a process");
        // Later every time, so that one of them comes to the end on any machine.
        tokio::time::sleep(Duration::from_millis(400 + round * 350 + (round * 173) % 300)).await;
        if child.try_wait().expect("a state").is_none() {
            child.kill().expect("SIGKILL");
            killed += 1;
        }
        child.wait().expect("it ended");
    }
    assert!(killed >= 2, "only {killed} processes were killed");
    assert_eq!(status(&world, &at).await, Status::Done);
    let [accepted, rejected, duplicates, merged, suppressed] = counts(&world, &at).await;
    assert_eq!(accepted + rejected + duplicates + merged + suppressed, 3_000);
    assert_eq!(world.one("select count(*) from leads.lead").await, accepted.to_string());
    assert_eq!(
        world.one("select count(*) || ' ' || count(distinct line) from leads.import_row").await,
        format!("{0} {0}", 3_000 - rejected)
    );
    assert_eq!(
        world.one("select count(*) || ' ' || count(distinct line) from leads.import_reject").await,
        format!("{rejected} {rejected}")
    );
}
