use crate::{TestApp, TestDb, role};
use axum::http::Method;
use base::{Clock, Role};
use maud::html;
use web::{Access, Module};

async fn names(cx: web::Cx) -> web::Result<axum::response::Response> {
    let mut cx = cx;
    let tenant = cx.tenant()?.uuid();
    let rows: Vec<String> = sqlx::query_scalar("select name from accounts.tenant where $1::uuid is not null")
        .bind(tenant)
        .fetch_all(cx.conn())
        .await
        .map_err(base::Error::from)?;
    cx.page("Names", html! { @for name in &rows { p title="a &amp; b" { (name) } } }).await
}

async fn accept(cx: web::Cx) -> web::Result<axum::response::Response> {
    cx.commit().await?;
    Ok(web::redirect_with("/names", "Saved."))
}

fn module() -> Module {
    Module::new("sample").page(Method::GET, "/names", Access::Role(Role::Viewer), names).page(
        Method::POST,
        "/names",
        Access::Role(Role::Member),
        accept,
    )
}

#[tokio::test]
async fn a_member_sees_only_their_own_organisation() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![module()]).await;
    app.as_member(&ours.owner).get("/names").await.expect(200).shows("Anchor Agency").hides("Beacon Agency");
    app.as_member(&theirs.owner)
        .get("/names")
        .await
        .expect(200)
        .shows("Beacon Agency")
        .hides("Anchor Agency");
}

#[tokio::test]
async fn roles_strangers_and_foreign_pages_are_told_apart() {
    let db = TestDb::new().await;
    let (ours, _) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![module()]).await;
    let viewer = db.member(&ours, role::VIEWER).await;
    app.as_member(&viewer).post("/names", &[]).await.expect(403);
    let foreign = app.as_member(&ours.owner).with_header("origin", "https://evil.example");
    foreign.post("/names", &[]).await.expect(403);
    assert_eq!(app.stranger().get("/names").await.expect(303).location(), "/login?next=/names");
    let owner = app.as_member(&ours.owner);
    assert_eq!(owner.post("/names", &[("a", "1 & 2")]).await.expect(303).location(), "/names");
    assert!(owner.cookie("flash").is_some());
    owner.get("/names").await.expect(200).shows("Saved.");
    assert!(owner.cookie("flash").is_none());
}

#[tokio::test]
async fn each_test_has_a_database_and_a_clock_of_its_own() {
    let (one, two) = (TestDb::new().await, TestDb::new().await);
    one.tenant("Only here").await;
    let mut cx = two.system().await;
    let rows: i64 =
        sqlx::query_scalar("select count(*) from accounts.tenant").fetch_one(cx.conn()).await.unwrap();
    assert_eq!(rows, 0);
    one.clock.advance_s(60);
    assert_eq!(one.clock.now().since_s(two.clock.now()), 60);
}

#[tokio::test]
async fn a_database_is_dropped_with_its_handle() {
    let name = {
        let gone = TestDb::new().await;
        gone.url().rsplit('/').next().unwrap().to_owned()
    };
    let left = TestDb::new().await;
    let mut cx = left.system().await;
    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(cx.conn())
        .await
        .unwrap();
    assert!(!there);
}
