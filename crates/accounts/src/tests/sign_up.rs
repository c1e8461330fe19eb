use super::{House, PASSWORD, sign_up};

#[tokio::test]
async fn sign_up_makes_person_organisation_ownership_and_session_at_once() {
    let house = House::new().await;
    let browser = house.browser();
    let answer = sign_up(&browser, " Ada@Byte.example", "Byte").await.expect(303);
    assert_eq!(answer.location(), "/welcome");
    let cookie =
        answer.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()).collect::<String>();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"),
        "{cookie}"
    );
    browser.get("/welcome").await.expect(200).shows("Welcome, Byte").shows("Postal address");
    let client = browser.get("/api/v1/client").await.expect(200).json();
    assert_eq!(client["status"], "trialing");
    assert_eq!(client["currency"], "AUD");
    assert_eq!(client["permission_mode"], "co_pilot");
    let ends = house.db.clock_now().plus_days(14);
    assert_eq!(client["trial_ends_at"], serde_json::to_value(ends).expect("a time"));
    let members = browser.get("/api/v1/members").await.expect(200).json();
    assert_eq!(members["rows"][0]["role"], "owner");
    assert_eq!(members["rows"][0]["email"], "ada@byte.example");
    assert_eq!(house.count("select count(*) from kernel.fact where type in ('accounts.tenant.created', 'accounts.member.joined')").await, 2);
}

#[tokio::test]
async fn only_the_first_person_runs_the_installation() {
    let house = House::new().await;
    house.owner("first@byte.example", "Byte").await;
    house.owner("second@byte.example", "Nibble").await;
    assert_eq!(house.count("select count(*) from accounts.person where platform_admin").await, 1);
    assert_eq!(
        house
            .count("select count(*) from accounts.person where platform_admin and email like 'first%'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_wrong_form_comes_back_with_its_problems_and_what_was_typed() {
    let house = House::new().await;
    let browser = house.browser();
    let fields = [
        ("name", "<b>Ada</b>"),
        ("email", "not an address"),
        ("password", "password123"),
        ("company", ""),
        ("zone", "Mars/Olympus"),
        ("country", "XX"),
    ];
    let answer = browser.post("/sign-up", &fields).await.expect(422).hides("<b>Ada</b>").hides("password123");
    assert_eq!(answer.field("name").as_deref(), Some("<b>Ada</b>"));
    let answer = answer.shows("is not an e-mail address").shows("guessed first");
    answer.shows("There is no time zone").shows("Choose a country");
    assert_eq!(house.count("select count(*) from accounts.person").await, 0);
    browser.post("/sign-up", &[]).await.expect(422);
}

#[tokio::test]
async fn an_e_mail_signs_up_once() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    sign_up(&house.browser(), "ADA@byte.example", "Other").await.expect(409).shows("already an account");
    assert_eq!(house.count("select count(*) from accounts.tenant").await, 1);
}

#[tokio::test]
async fn the_welcome_page_asks_step_by_step_and_ends_with_what_to_do_next() {
    let house = House::new().await;
    let browser = house.owner("ada@byte.example", "Byte").await;
    let lacking =
        [("step", "0"), ("legal_name", "Byte Pty Ltd"), ("postal_address", ""), ("website", "byte.example")];
    let again = browser.post("/welcome", &lacking).await.expect(422).shows("nothing is sent without it");
    assert_eq!(again.field("legal_name").as_deref(), Some("Byte Pty Ltd"));
    let whole = [
        ("step", "0"),
        ("legal_name", "Byte Pty Ltd"),
        ("postal_address", "1 Pitt St\nSydney 2000"),
        ("website", "byte.example"),
    ];
    assert_eq!(browser.post("/welcome", &whole).await.expect(303).location(), "/welcome?step=1");
    let offer = [("step", "1"), ("offer", "Bookkeeping for dentists"), ("mode", "manual")];
    assert_eq!(browser.post("/welcome", &offer).await.expect(303).location(), "/welcome?step=2");
    let last = browser.get("/welcome").await.expect(200).shows("Add a sending identity");
    assert!(last.attributes("href").contains(&"/leads/import".to_owned()));
    let client = browser.get("/api/v1/client").await.expect(200).json();
    assert_eq!(client["website"], "https://byte.example/");
    assert_eq!(client["permission_mode"], "manual");
    assert_eq!(house.count("select count(*) from accounts.tenant where onboarded_at is not null").await, 1);
}

#[tokio::test]
async fn secure_cookies_are_marked_where_the_settings_say_so() {
    let settings = web::Settings { secure_cookies: true, ..web::Settings::default() };
    let house = House::with(settings).await;
    let answer = sign_up(&house.browser(), "ada@byte.example", "Byte").await.expect(303);
    assert!(answer.header("set-cookie").is_some_and(|c| c.ends_with("; Secure")), "{:?}", answer.headers);
}

#[tokio::test]
async fn neither_password_nor_session_token_is_kept_readable() {
    let house = House::new().await;
    let browser = house.owner("ada@byte.example", "Byte").await;
    let token = browser.cookie("session").expect("a session");
    assert_eq!(token.len(), 43);
    let mut cx = house.db.system().await;
    let everything: String = sqlx::query_scalar(
        "select concat((select string_agg(to_jsonb(p)::text, '') from accounts.person p),
                       (select string_agg(to_jsonb(s)::text || encode(s.token_hash, 'escape'), '') from accounts.session s),
                       (select string_agg(to_jsonb(e)::text, '') from audit.entry e),
                       (select string_agg(to_jsonb(f)::text, '') from kernel.fact f))",
    )
    .fetch_one(cx.conn())
    .await
    .expect("rows");
    assert!(everything.contains("ada@byte.example"));
    assert!(!everything.contains(PASSWORD) && !everything.contains(&token));
}
