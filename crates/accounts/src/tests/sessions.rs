use super::{House, PASSWORD, login};

const DAY_S: i64 = 86_400;

#[tokio::test]
async fn a_wrong_password_and_an_unknown_e_mail_get_the_same_answer() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    let browser = house.browser();
    let wrong = login(&browser, "ada@byte.example", "wrong horse battery").await.expect(422).visible();
    let unknown = login(&browser, "bob@byte.example", "wrong horse battery").await.expect(422).visible();
    assert_eq!(wrong, unknown);
    assert!(wrong.contains("E-mail or password is not right."), "{wrong}");
    login(&browser, "no address at all", "x").await.expect(422);
    browser.get("/settings").await.expect(303);
    login(&browser, "ADA@byte.example ", PASSWORD).await.expect(303);
    browser.get("/settings").await.expect(200);
}

#[tokio::test]
async fn guessing_is_slowed_down_by_the_clock_and_forgiven_by_the_right_password() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    let browser = house.browser();
    for _ in 0..5 {
        login(&browser, "ada@byte.example", "wrong horse battery").await.expect(422);
    }
    // Even the right one has to wait now.
    login(&browser, "ada@byte.example", PASSWORD).await.expect(429).shows("Wait 2 seconds");
    house.db.clock.advance_s(2);
    login(&browser, "ada@byte.example", "wrong horse battery").await.expect(422);
    login(&browser, "ada@byte.example", PASSWORD).await.expect(429).shows("Wait 4 seconds");
    // Another address is not held up by this one, up to the e-mail's own limit.
    let elsewhere = house.browser().with_header("x-forwarded-for", "203.0.113.9");
    login(&elsewhere, "ada@byte.example", "wrong horse battery").await.expect(422);
    house.db.clock.advance_s(4);
    login(&browser, "ada@byte.example", PASSWORD).await.expect(303);
    for _ in 0..5 {
        login(&house.browser(), "ada@byte.example", "wrong horse battery").await.expect(422);
    }
}

#[tokio::test]
async fn an_address_that_guesses_many_e_mails_is_slowed_down_too() {
    let house = House::new().await;
    let mut cx = house.db.system().await;
    let now = cx.now();
    sqlx::query("insert into accounts.sign_in_failure (key, at) select 'address:127.0.0.1', $1 from generate_series(1, 60)")
        .bind(now)
        .execute(cx.conn())
        .await
        .expect("failures");
    cx.commit().await.expect("kept");
    login(&house.browser(), "fresh@byte.example", "whatever it may be").await.expect(429);
    house.db.clock.advance_s(DAY_S + 1);
    login(&house.browser(), "fresh@byte.example", "whatever it may be").await.expect(422);
    assert_eq!(
        house.count("select count(*) from accounts.sign_in_failure where key like 'address:%'").await,
        1
    );
}

#[tokio::test]
async fn many_guesses_at_once_gain_nothing() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    let browsers: Vec<_> = (0..12).map(|_| house.browser()).collect();
    let tries = browsers.iter().map(|b| login(b, "ada@byte.example", "wrong horse battery"));
    let mut looked_at = 0;
    let mut running: Vec<_> = tries.map(Box::pin).collect();
    let answers = std::future::poll_fn(|cx| {
        running.retain_mut(|run| match run.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                looked_at += usize::from(answer.status == 422);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    answers.await;
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn a_session_slides_with_its_use_and_ends_unused_or_after_ninety_days() {
    let house = House::new().await;
    let used = house.owner("ada@byte.example", "Byte").await;
    let unused = house.signed_in("ada@byte.example").await;
    for _ in 0..3 {
        house.db.clock.advance_s(29 * DAY_S);
        used.get("/settings").await.expect(200);
    }
    let answer = unused.get("/settings/team").await.expect(303);
    assert_eq!(answer.location(), "/login?next=/settings/team");
    unused.get("/api/v1/client").await.expect(401);
    unused.get("/login").await.expect(200);
    house.db.clock.advance_s(3 * DAY_S);
    used.get("/settings").await.expect(303);
}

#[tokio::test]
async fn the_use_of_a_session_is_written_down_once_a_minute() {
    let house = House::new().await;
    let browser = house.owner("ada@byte.example", "Byte").await;
    let unseen = "select count(*) from accounts.session where seen_at = created_at";
    house.db.clock.advance_s(59);
    browser.get("/settings").await.expect(200);
    assert_eq!(house.count(unseen).await, 1);
    house.db.clock.advance_s(1);
    browser.get("/settings").await.expect(200);
    assert_eq!(house.count(unseen).await, 0);
}

#[tokio::test]
async fn forms_from_other_sites_are_not_carried_out() {
    let house = House::new().await;
    let browser = house.owner("ada@byte.example", "Byte").await;
    let token = format!("session={}", browser.cookie("session").expect("a session"));
    let evil = house.browser().with_header("origin", "https://evil.example").with_header("cookie", &token);
    evil.get("/settings").await.expect(200);
    evil.post("/settings/profile", &[("name", "Mallory"), ("zone", "UTC")]).await.expect(403);
    evil.post("/settings/security/sign-out-everywhere", &[]).await.expect(403);
    evil.post("/login", &[("email", "ada@byte.example"), ("password", PASSWORD)]).await.expect(403);
    evil.json("PATCH", "/api/v1/client", &serde_json::json!({"name": "Evil"})).await.expect(403);
    assert_eq!(house.count("select count(*) from accounts.person where name = 'Mallory'").await, 0);
    browser.get("/settings").await.expect(200);
}

#[tokio::test]
async fn a_person_ends_single_sessions_of_their_own_only() {
    let house = House::new().await;
    let desk = house.owner("ada@byte.example", "Byte").await;
    let phone = house.signed_in("ada@byte.example").await;
    let page = desk.get("/settings/security").await.expect(200).shows("This one");
    let revoke: Vec<String> =
        page.attributes("action").into_iter().filter(|a| a.ends_with("/revoke")).collect();
    assert_eq!(revoke.len(), 1);
    let stranger = house.owner("eve@other.example", "Other").await;
    stranger.post(&revoke[0], &[]).await.expect(404);
    phone.get("/settings").await.expect(200);
    desk.post(&revoke[0], &[]).await.expect(303);
    phone.get("/settings").await.expect(303);
    desk.get("/settings").await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let house = House::new().await;
    let browser = house.owner("ada@byte.example", "Byte").await;
    let token = format!("session={}", browser.cookie("session").expect("a session"));
    assert_eq!(browser.post("/sign-out", &[]).await.expect(303).location(), "/login");
    browser.get("/settings").await.expect(303);
    house.browser().with_header("cookie", &token).get("/settings").await.expect(303);
    // Pressed twice, or long after the session ended.
    browser.post("/sign-out", &[]).await.expect(303);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session() {
    let house = House::new().await;
    let desk = house.owner("ada@byte.example", "Byte").await;
    let phone = house.signed_in("ada@byte.example").await;
    let other = house.owner("eve@other.example", "Other").await;
    desk.post("/settings/security/sign-out-everywhere", &[]).await.expect(303);
    desk.get("/settings").await.expect(303);
    phone.get("/settings").await.expect(303);
    other.get("/settings").await.expect(200);
}

#[tokio::test]
async fn a_changed_password_signs_the_other_devices_out() {
    let house = House::new().await;
    let desk = house.owner("ada@byte.example", "Byte").await;
    let phone = house.signed_in("ada@byte.example").await;
    let change = |current: &'static str, password: &'static str| {
        desk.post(
            "/settings/security/password",
            Box::leak(Box::new([("current", current), ("password", password)])),
        )
    };
    change("wrong horse battery", "a teapot sings at noon")
        .await
        .expect(422)
        .shows("not your present password");
    change(PASSWORD, "short").await.expect(422).shows("at least 10 characters");
    change(PASSWORD, "a teapot sings at noon").await.expect(303);
    desk.get("/settings").await.expect(200);
    phone.get("/settings").await.expect(303);
    login(&house.browser(), "ada@byte.example", PASSWORD).await.expect(422);
    login(&house.browser(), "ada@byte.example", "a teapot sings at noon").await.expect(303);
}

#[tokio::test]
async fn the_header_switches_to_the_other_organisations_of_a_person_and_names_no_more() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    ada.get("/settings").await.expect(200).hides("switch to another");
    let ned = house.owner("ned@nibble.example", "Nibble & Co").await;
    house.owner("eve@other.example", "Other Org").await;
    ned.post("/settings/team/invite", &[("email", "ada@byte.example"), ("role", "viewer")]).await.expect(303);
    let link = house.link("/invite/", "ada@byte.example").await.expect("an invitation");
    ada.post(&link, &[]).await.expect(303);
    let in_byte = house.signed_in("ada@byte.example").await;
    let page = in_byte.get("/settings").await.expect(200).shows("switch to another").hides("Other Org");
    let elsewhere = page.text().split("action=\"/switch\"").nth(1).expect("a form").to_owned();
    let value = elsewhere.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a value");
    in_byte.post("/switch", &[("tenant", value)]).await.expect(303);
    let there = in_byte.get("/api/v1/client").await.expect(200).json()["name"].clone();
    let back = in_byte.get("/settings").await.expect(200).shows(if there == "Byte" {
        "Nibble & Co"
    } else {
        "Byte"
    });
    back.shows("switch to another");
    // Out of the team, out of the header.
    let person = house.person("ada@byte.example").await;
    ned.post(&format!("/settings/team/{person}/remove"), &[]).await.expect(303);
    house.signed_in("ada@byte.example").await.get("/settings").await.expect(200).hides("Nibble");
}

#[tokio::test]
async fn a_person_of_two_organisations_switches_between_them_and_into_no_other() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    let bob = house.owner("bob@nibble.example", "Nibble").await;
    let nibble =
        bob.get("/api/v1/client").await.expect(200).json()["id"].as_str().map(str::to_owned).expect("an id");
    ada.post("/switch", &[("tenant", &nibble)]).await.expect(404);
    bob.post("/settings/team/invite", &[("email", "ada@byte.example"), ("role", "viewer")]).await.expect(303);
    let link = house.link("/invite/", "ada@byte.example").await.expect("an invitation");
    ada.post(&link, &[]).await.expect(303);
    assert_eq!(ada.get("/api/v1/client").await.expect(200).json()["name"], "Nibble");
    let page = ada.get("/switch").await.expect(200).shows("Byte").shows("Nibble");
    let byte = page.field("tenant").expect("a way back");
    ada.post("/switch", &[("tenant", &byte)]).await.expect(303);
    assert_eq!(ada.get("/api/v1/client").await.expect(200).json()["name"], "Byte");
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    for (next, to) in
        [("/leads", "/leads"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")]
    {
        let fields = [("email", "ada@byte.example"), ("password", PASSWORD), ("next", next)];
        assert_eq!(house.browser().post("/login", &fields).await.expect(303).location(), to, "{next}");
    }
}
