use super::{House, PASSWORD, login};

const FRESH: &str = "a teapot sings at noon";

#[tokio::test]
async fn a_reset_link_sets_a_password_once_and_ends_all_sessions() {
    let house = House::new().await;
    let desk = house.owner("ada@byte.example", "Byte").await;
    let browser = house.browser();
    browser.post("/reset", &[("email", "Ada@byte.example")]).await.expect(200);
    let link = house.link("/reset/", "ada@byte.example").await.expect("a link");
    // Opening it changes nothing.
    browser.get(&link).await.expect(200);
    desk.get("/settings").await.expect(200);
    browser.post(&link, &[("password", "short")]).await.expect(422).shows("at least 10 characters");
    browser.post(&link, &[("password", FRESH)]).await.expect(303);
    desk.get("/settings").await.expect(303);
    browser.get(&link).await.expect(404);
    browser.post(&link, &[("password", PASSWORD)]).await.expect(404);
    login(&browser, "ada@byte.example", PASSWORD).await.expect(422);
    login(&browser, "ada@byte.example", FRESH).await.expect(303);
}

#[tokio::test]
async fn a_reset_link_is_good_for_an_hour() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    house.browser().post("/reset", &[("email", "ada@byte.example")]).await.expect(200);
    let link = house.link("/reset/", "ada@byte.example").await.expect("a link");
    house.db.clock.advance_s(3_599);
    house.browser().get(&link).await.expect(200);
    house.db.clock.advance_s(1);
    house.browser().get(&link).await.expect(404).shows("too old");
    house.browser().post(&link, &[("password", FRESH)]).await.expect(404);
}

#[tokio::test]
async fn asking_for_a_reset_does_not_tell_who_has_an_account() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    let known = house.browser().post("/reset", &[("email", "ada@byte.example")]).await.expect(200).visible();
    let unknown =
        house.browser().post("/reset", &[("email", "bob@byte.example")]).await.expect(200).visible();
    assert_eq!(known.replace("ada@", "bob@"), unknown);
    assert!(house.link("/reset/", "ada@byte.example").await.is_some());
    assert!(house.link("/reset/", "bob@byte.example").await.is_none());
    house.browser().post("/reset", &[("email", "nonsense")]).await.expect(422);
}

#[tokio::test]
async fn a_mailbox_gets_at_most_five_reset_mails_an_hour() {
    let house = House::new().await;
    house.owner("ada@byte.example", "Byte").await;
    for _ in 0..8 {
        house.browser().post("/reset", &[("email", "ada@byte.example")]).await.expect(200);
        house.app.settle().await;
    }
    let resets = house.post.delivered().iter().filter(|d| d.mail.text.contains("/reset/")).count();
    assert_eq!(resets, 5);
}

#[tokio::test]
async fn a_verification_link_confirms_the_address() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    ada.get("/settings/profile").await.expect(200).shows("Not confirmed yet");
    let link = house.link("/verify/", "ada@byte.example").await.expect("a link");
    house.browser().get(&link).await.expect(200).shows("ada@byte.example");
    ada.get("/settings/profile").await.expect(200).shows("Not confirmed yet");
    house.browser().post(&link, &[]).await.expect(303);
    ada.get("/settings/profile").await.expect(200).shows("Confirmed").hides("Not confirmed yet");
    house.browser().post(&link, &[]).await.expect(404);
    // A reset link is no verification link.
    ada.post("/settings/profile/verify", &[]).await.expect(303);
    let before = house.post.delivered().len();
    house.app.settle().await;
    assert_eq!(house.post.delivered().len(), before, "a confirmed address is asked again");
}

#[tokio::test]
async fn no_queue_row_holds_a_link() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    ada.post("/settings/team/invite", &[("email", "bob@byte.example"), ("role", "member")]).await.expect(303);
    house.browser().post("/reset", &[("email", "ada@byte.example")]).await.expect(200);
    house.app.settle().await;
    let mails = house.post.delivered();
    assert_eq!(mails.len(), 3);
    let mut cx = house.db.system().await;
    let rows: String = sqlx::query_scalar(
        "select concat((select string_agg(to_jsonb(j)::text, '') from jobs.job_done j),
                       (select string_agg(to_jsonb(e)::text, '') from audit.entry e),
                       (select string_agg(to_jsonb(i)::text, '') from accounts.invitation i),
                       (select string_agg(to_jsonb(t)::text, '') from accounts.mail_token t))",
    )
    .fetch_one(cx.conn())
    .await
    .expect("rows");
    assert!(rows.contains("accounts.mail"), "{rows}");
    for mail in mails {
        let token =
            mail.mail.text.split("https://agency.test/").nth(1).and_then(|t| t.split_whitespace().next());
        let token = token.and_then(|t| t.split('/').nth(1)).expect("a token").to_owned();
        assert!(!rows.contains(&token), "{token} is kept");
    }
}
