//! What people and programs should not send gets a clear answer, and nothing is lost by it. The pages and
//! forms are found by walking the routes and reading what the pages offer.

use super::{catalogue, house};
use axum::{
    body::Body,
    http::{Request, header},
};
use std::{collections::BTreeMap, sync::Arc};
use testkit::{Answer, Client, Member, TestApp, TestDb};
use uuid::Uuid;
use web::{Access, RouteKind};

const HOSTILE: &str = r#"<script>alert(1)</script>"><img src=x onerror=alert(2)>'{{7*7}}"#;
const SQL: &str = "'; drop table leads.lead cascade; --";

/// Columns in which people and machines outside may write what they like.
const FREE: [&str; 34] = [
    "body",
    "city",
    "company_name",
    "description",
    "destination",
    "detail",
    "display_name",
    "error",
    "file_name",
    "first_name",
    "goal",
    "guest_name",
    "host_name",
    "industry",
    "last_name",
    "legal_name",
    "location",
    "name",
    "note",
    "notes",
    "offer",
    "paused_reason",
    "preview",
    "provider_ref",
    "purpose",
    "quote",
    "reason",
    "sku",
    "status_reason",
    "subject",
    "summary",
    "text",
    "title",
    "website",
];

/// Pages that a member may load, with ids of their own rows in the path.
fn pages(app: &TestApp, ids: &BTreeMap<String, Uuid>) -> Vec<String> {
    app.app
        .routes()
        .iter()
        .filter(|route| route.kind == RouteKind::Page && route.method == "GET" && route.path != "/live")
        .filter(|route| matches!(route.access, Access::Role(_)))
        .filter_map(|route| match super::tenancy::aimed(route.path, ids) {
            Some(path) => Some(path),
            None => (!route.path.contains('{')).then(|| route.path.to_owned()),
        })
        .collect()
}

/// One row of the tenant in every table, its texts replaced by a hostile one.
async fn hostile_rows(kit: &TestDb, tenant: Uuid) -> BTreeMap<String, Uuid> {
    let mut conn = catalogue::owner(kit).await;
    let mut ids = BTreeMap::new();
    for table in catalogue::tables(&mut conn).await {
        if !table.tenant || table.part || table.name == "accounts.tenant" {
            continue;
        }
        if let Some(id) = catalogue::plant(&mut conn, &table, tenant).await {
            ids.insert(table.name.clone(), id);
        }
        for column in FREE {
            // Where a table has no such text, or a check of its own on it, it keeps what it has.
            let statement = format!("update {} set {column} = $1 where tenant_id = $2", table.name);
            let tried = sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(HOSTILE)
                .bind(tenant)
                .execute(&mut conn)
                .await;
            if let Err(cause) = tried {
                assert!(cause.as_database_error().is_some(), "{}.{column}: {cause}", table.name);
            }
        }
    }
    // The queue rests: these rows are there to be shown. Zones and ids in text keep being readable.
    for statement in [
        "update jobs.job set state = 'waiting'",
        "update jobs.schedule set paused = true",
        "update leads.lead set zone = 'Australia/Sydney'",
        "update outreach.meeting set guest_zone = 'Australia/Sydney'",
        "update outreach.calendar set link = 'https://cal.example/ana', base_url = null",
        "update outreach.booking_page set zone = 'Australia/Sydney'",
        "update outreach.resource set address = 'ana@anchor.example', domain = 'anchor.example', provider = 'smtp', settings = '{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 25, \"security\": \"none\"}}'",
        "update leads.lead set email = 'priya@prospect.example', tier = 'warm', score = 70",
    ] {
        sqlx::raw_sql(statement)
            .execute(&mut conn)
            .await
            .unwrap_or_else(|cause| panic!("{statement}: {cause}"));
    }
    ids
}

#[tokio::test]
async fn hostile_html_in_any_stored_text_is_shown_as_text_on_every_page() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let tenant = kit.tenant("Anchor Agency").await;
    let app = house::app(&kit, folder.path()).await;
    let ids = hostile_rows(&kit, tenant.id.uuid()).await;
    let (mut shown, mut loaded, mut broken, mut failed) = (0, 0, Vec::new(), Vec::new());
    for path in pages(&app, &ids) {
        let answer = app.as_member(&tenant.owner).get(&path).await;
        let text = answer.text();
        let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        if answer.status == 200 {
            loaded += 1;
            shown += usize::from(text.contains("&lt;script&gt;alert(1)"));
        }
        if answer.status >= 500 {
            failed.push(format!("{path} → {}", answer.visible().chars().take(160).collect::<String>()));
        }
        if html && (text.contains("<script>alert(1)") || text.contains("<img src=x onerror")) {
            broken.push(format!("{path} carries it as it is"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    println!(
        "bad input: {loaded} pages loaded, {shown} show the hostile text, none carries it; {} cannot be read from these rows",
        failed.len()
    );
    assert!(loaded > 25 && shown > 5, "{loaded} pages, {shown} with the text; {}", failed.join("\n"));
}

/// A form of a page: where it goes and the names of its fields.
fn forms(answer: &Answer) -> Vec<(String, Vec<String>)> {
    let text = answer.text();
    text.split("<form")
        .skip(1)
        .filter_map(|rest| {
            let form = rest.split("</form>").next()?;
            let head = form.split('>').next()?;
            if !head.contains("method=\"post\"") {
                return None;
            }
            let action = head.split("action=\"").nth(1)?.split('"').next()?.to_owned();
            let names = form
                .split(" name=\"")
                .skip(1)
                .filter_map(|n| n.split('"').next().map(str::to_owned))
                .collect();
            Some((action, names))
        })
        .collect()
}

async fn filled(client: &Client, action: &str, names: &[String], value: &str) -> Answer {
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), value)).collect();
    client.post(action, &fields).await
}

#[tokio::test]
async fn sql_nonsense_and_other_encodings_in_every_field_of_every_form_break_nothing() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let tenant = kit.tenant("Anchor Agency").await;
    let app = house::app(&kit, folder.path()).await;
    let mut conn = catalogue::owner(&kit).await;
    let tables = catalogue::tables(&mut conn).await.len();
    let mut broken = Vec::new();
    let mut sent = 0;
    for path in pages(&app, &BTreeMap::new()) {
        let client = app.as_member(&tenant.owner);
        let page = client.get(&path).await;
        for (action, names) in forms(&page) {
            if action.contains("sign-out") || action.contains("logout") {
                continue;
            }
            let long = "x".repeat(100_000);
            for value in
                [SQL, "\u{0}\u{1b}", "\u{202e}\u{feff}Ωß漢", &long, "-1", "99999999999999999999", "NaN"]
            {
                let answer = filled(&client, &action, &names, value).await;
                sent += 1;
                if answer.status >= 500 {
                    broken.push(format!(
                        "{action} with {:?} in {names:?} → {}: {}",
                        &value.chars().take(20).collect::<String>(),
                        answer.status,
                        answer.visible().chars().take(200).collect::<String>()
                    ));
                }
            }
        }
        // The same in the query of the address.
        for query in [
            "?q=%27%3B+drop+table+leads.lead%3B--",
            "?after=%00",
            "?after=abc&page=-1&limit=99999999999",
            "?q=%ff%fe",
        ] {
            let answer = client.get(&format!("{path}{query}")).await;
            sent += 1;
            if answer.status >= 500 {
                broken.push(format!(
                    "{path}{query} → {}: {}",
                    answer.status,
                    answer.visible().chars().take(200).collect::<String>()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(catalogue::tables(&mut conn).await.len(), tables);
    println!(
        "bad input: {sent} forms and addresses with SQL, control characters, long and odd texts; none failed"
    );
    assert!(sent > 100, "{sent}");
}

async fn raw(app: &TestApp, who: &Member, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let request =
        Request::post(path).header(header::CONTENT_TYPE, kind).body(body.into()).expect("a request");
    app.as_member(who).send(request).await
}

#[tokio::test]
async fn bytes_that_are_no_text_and_bodies_that_are_too_large_are_refused_in_words() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let tenant = kit.tenant("Anchor Agency").await;
    let app = house::app(&kit, folder.path()).await;
    const FORM: &str = "application/x-www-form-urlencoded";
    let (mut seen, mut broken) = (0, Vec::new());
    for route in app.app.routes() {
        let Access::Role(_) = route.access else { continue };
        if route.method != "POST" || route.path.contains('{') {
            continue;
        }
        let bodies: [(&str, Vec<u8>); 4] = [
            ("application/json", vec![0xff, 0xfe, 0x00, 0x41]),
            ("application/json", b"{\"a\": ".to_vec()),
            (FORM, b"name=%ff%fe&%".to_vec()),
            ("multipart/form-data; boundary=x", b"--y\r\nbroken".to_vec()),
        ];
        for (kind, body) in bodies {
            let answer = raw(&app, &tenant.owner, route.path, kind, body).await;
            seen += 1;
            if answer.status >= 500 {
                broken.push(format!("{} with {kind} → {}", route.path, answer.status));
            }
        }
    }
    // 201 MB to the route that takes the largest bodies, and 3 MB to an ordinary one.
    let large = vec![b'a'; 201 * 1024 * 1024];
    let mut part =
        b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leads.csv\"\r\n\r\n".to_vec();
    part.extend_from_slice(&large);
    part.extend_from_slice(b"\r\n--x--\r\n");
    let uploads: Vec<&str> = app
        .app
        .routes()
        .iter()
        .filter(|route| {
            route.method == "POST"
                && (route.path.contains("import") || route.path.contains("upload"))
                && !route.path.contains('{')
                // Reads the client's own website; it takes a form, not a file.
                && route.path != "/knowledge/import"
        })
        .map(|route| route.path)
        .collect();
    assert!(!uploads.is_empty(), "no route takes files");
    for path in uploads {
        let answer = raw(&app, &tenant.owner, path, "multipart/form-data; boundary=x", part.clone()).await;
        if answer.status != 413 {
            broken.push(format!(
                "201 MB to {path} → {} {}",
                answer.status,
                answer.visible().chars().take(200).collect::<String>()
            ));
        }
    }
    let answer = raw(&app, &tenant.owner, "/stop", FORM, large[..3 * 1024 * 1024].to_vec()).await;
    if answer.status != 413 {
        broken.push(format!("3 MB to /stop → {}", answer.status));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    println!("bad input: {seen} bodies that are no text; none failed");
}

#[tokio::test]
async fn forms_from_other_sites_are_refused_on_every_route_that_trusts_cookies() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let tenant = kit.tenant("Anchor Agency").await;
    let app = house::app(&kit, folder.path()).await;
    let mut tried = 0;
    for route in app.app.routes() {
        if route.access == Access::Open || route.method == "GET" {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let evil = app.as_member(&tenant.owner).with_header("origin", "https://evil.example");
        let answer = evil.json(route.method.as_str(), &path, &serde_json::json!({})).await;
        assert_eq!(answer.status, 403, "{} {}", route.method, route.path);
        let evil = app.as_member(&tenant.owner).with_header("sec-fetch-site", "cross-site");
        assert_eq!(
            evil.json(route.method.as_str(), &path, &serde_json::json!({})).await.status,
            403,
            "{} {}",
            route.method,
            route.path
        );
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[tokio::test]
async fn a_session_that_ended_leads_back_to_the_sign_in() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let house = house::house(&kit, folder.path()).await;
    let auth = Arc::new(accounts::Auth::new(kit.db.clone()));
    let modules = agency::wire::modules(&house).expect("modules");
    let app = TestApp::with(&kit, auth, web::Settings::default(), modules).await;
    let create = ["user", "create", "ada@example.com", "--name", "Ada", "--company", "Anchor"];
    crate::program::Program::new(folder.path(), &create)
        .env("DATABASE_URL", kit.url())
        .input("a long and odd passphrase 7\n")
        .run()
        .ok();
    let browser = app.stranger();
    let fields = [("email", "ada@example.com"), ("password", "a long and odd passphrase 7")];
    browser.post("/login", &fields).await.expect(303);
    browser.get("/switches").await.expect(200);
    kit.clock.advance_s(400 * 86_400);
    let answer = browser.get("/switches").await.expect(303);
    assert!(answer.location().starts_with("/login"), "{}", answer.location());
    let answer = browser.post("/stop", &[("scope", "client"), ("reason", "late")]).await;
    assert!(matches!(answer.status, 303 | 401), "{}", answer.status);
    let mut cx = kit.system().await;
    let switches: i64 =
        sqlx::query_scalar("select count(*) from control.switch").fetch_one(cx.conn()).await.expect("counts");
    assert_eq!(switches, 0, "nothing is done for an ended session");
}

#[tokio::test]
async fn broken_mail_is_kept_as_it_came_and_shown_as_what_it_is() {
    let (kit, folder) = (TestDb::new().await, crate::program::folder());
    let tenant = kit.tenant("Anchor Agency").await;
    let app = house::app(&kit, folder.path()).await;
    let mut deep = b"Subject: deep\r\nMIME-Version: 1.0\r\n".to_vec();
    for n in 0..400 {
        deep.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n").as_bytes(),
        );
    }
    let broken: [Vec<u8>; 7] = [
        Vec::new(),
        vec![0; 4_096],
        (0..=255_u8).cycle().take(70_000).collect(),
        b"From: =?utf-8?B?////?= <a@b>\r\nSubject: =?x-none?Q?=FF?=\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%".to_vec(),
        b"Content-Type: multipart/mixed; boundary=\"\r\n\r\n--\r\n--\r\n".to_vec(),
        b"From: <script>@x\r\nReferences: <<<<>>>>\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+ADw-script+AD4-alert(1)".to_vec(),
        deep,
    ];
    let mut cx = kit.cx(&tenant.owner).await;
    for (n, raw) in broken.iter().enumerate() {
        let received = hooks::inbox::Received {
            source: "imap",
            account: "ana@anchor.example".to_owned(),
            dedupe_key: format!("broken-{n}"),
            headers: serde_json::json!({}),
            raw: raw.clone(),
        };
        hooks::inbox::receive(&mut cx, received).await.expect("everything is kept");
    }
    cx.commit().await.expect("a commit");
    app.settle().await;
    let mut conn = catalogue::owner(&kit).await;
    let kept: Vec<(Uuid, Vec<u8>)> = sqlx::query_as("select id, raw from hooks.inbox order by dedupe_key")
        .fetch_all(&mut conn)
        .await
        .expect("rows");
    assert_eq!(kept.iter().map(|(_, raw)| raw.clone()).collect::<Vec<_>>(), broken, "byte for byte");
    let open: i64 = sqlx::query_scalar("select count(*) from hooks.inbox where status = 'received'")
        .fetch_one(&mut conn)
        .await
        .expect("counts");
    assert_eq!(open, 0, "each was worked on");
    let client = app.as_member(&tenant.owner);
    client.get("/inbox").await.expect(200).hides("<script>");
    for (id, _) in kept {
        let answer = client.get(&format!("/operations/inbox/{id}")).await;
        assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    }
}
