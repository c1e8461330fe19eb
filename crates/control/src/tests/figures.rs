//! Limits and holidays as admins set them.

use super::house;
use crate::figure;
use base::Role;

#[tokio::test]
async fn a_bad_limit_comes_back_with_what_was_typed_and_what_is_wrong_beside_the_field() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let us = h.app.as_member(&h.db.member(&tenant, Role::Admin).await);
    let at = "/settings/limits";
    for (key, value, says) in [
        ("email.domain_daily", "many", "This is neither a number nor JSON."),
        ("email.domain_daily", "-3", "-3 is below 0."),
        ("email.domain_daily", "[20]", "another form than the present value"),
        ("email.reply_reserve_percent", "140", "140 is more than 100."),
        ("window.email", "{\"mon\": [[\"17:00\", \"09:00\"]]}", "is not a span such as"),
    ] {
        let page =
            us.post(at, &[("key", key), ("value", value), ("reason", "quiet weeks")]).await.expect(422);
        let page = page.shows(says).shows(value);
        assert_eq!(page.field("reason").as_deref(), Some("quiet weeks"));
        assert!(page.text().contains(&format!("<option value=\"{key}\" selected")), "{key} stays chosen");
        let wrong = page.text();
        let area = wrong.split("<textarea").nth(1).and_then(|rest| rest.split('>').next()).expect("a field");
        assert!(area.contains("aria-invalid=\"true\""), "{area}");
    }
    let why =
        us.post(at, &[("key", "email.domain_daily"), ("value", "20"), ("reason", " ")]).await.expect(422);
    why.shows("Say why, in 1 to 500 characters.").shows("20");
    us.post(at, &[("key", "no.such"), ("value", "20"), ("reason", "x")])
        .await
        .expect(422)
        .shows("from the list");
    us.post(at, &[("key", "email.domain_daily"), ("value", "20"), ("reason", "quiet")]).await.expect(303);
    let page = us.get(at).await.expect(200).shows("E-mails a day from one domain own 20");
    page.shows("admin of Harbour")
        .hides("user:")
        .shows("Mon–Fri 09:00–17:00")
        .shows("New South Wales, Australia");
    let viewer = h.app.as_member(&h.db.member(&tenant, Role::Viewer).await);
    viewer.get(at).await.expect(200).hides("Set your own");
    viewer.post(at, &[("key", "email.domain_daily"), ("value", "2"), ("reason", "x")]).await.expect(403);
}

#[tokio::test]
async fn admins_close_and_open_days_of_their_own_client_only() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let us = h.app.as_member(&h.db.member(&tenant, Role::Admin).await);
    let at = "/settings/limits/holidays";
    us.get(at).await.expect(200).shows("Australia the platform's").shows("Christmas Day").hides("Founders");
    let day =
        |date: &'static str, name: &'static str| [("calendar", "AU-NSW"), ("date", date), ("name", name)];
    for (date, name, says) in [
        ("2027-02-30", "Founders", "is not a day such as"),
        ("2020-01-02", "Founders", "Choose a day from today on"),
        ("2047-01-02", "Founders", "Choose a day from today on"),
        ("2027-03-26", "Founders", "closed already: Good Friday"),
        ("2027-02-02", " ", "Say what the day is"),
    ] {
        let page = us.post(at, &day(date, name)).await.expect(422).shows(says);
        let form = page.text().split("id=\"close\"").nth(1).expect("the form").to_owned();
        assert!(form.contains(&format!("value=\"{date}\"")), "what was typed stays: {form}");
    }
    us.post(at, &day("2027-02-02", "Founders’ Day")).await.expect(303);
    us.get(&format!("{at}?calendar=AU-NSW"))
        .await
        .expect(200)
        .shows("New South Wales, Australia your own")
        .shows("2 February 2027 Tuesday Founders’ Day")
        .shows("Good Friday");
    let closed: jiff::civil::Date = "2027-02-02".parse().expect("a day");
    let mut cx = h.db.cx(&tenant.owner).await;
    assert!(figure::holidays(&mut cx, "AU", Some("NSW")).await.expect("known").contains(&closed));
    assert!(!figure::holidays(&mut cx, "AU", Some("VIC")).await.expect("known").contains(&closed));
    drop(cx);
    let other = h.db.tenant("Stranger").await;
    h.app.as_member(&other.owner).get(&format!("{at}?calendar=AU-NSW")).await.expect(200).hides("Founders");
    h.db.clock.advance_s(1);
    us.post(&format!("{at}/remove"), &[("calendar", "AU-NSW"), ("date", "2027-02-02")]).await.expect(303);
    us.get(&format!("{at}?calendar=AU-NSW")).await.expect(200).hides("Founders");
    us.post(&format!("{at}/remove"), &[("calendar", "AU-NSW"), ("date", "2027-02-02")]).await.expect(404);
    let viewer = h.app.as_member(&h.db.member(&tenant, Role::Viewer).await);
    viewer.get(at).await.expect(200).hides("Close a day").hides("Open it");
    viewer.post(at, &day("2027-02-02", "x")).await.expect(403);
}

#[tokio::test]
async fn a_country_without_a_calendar_gets_one_with_its_first_day() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let us = h.app.as_member(&h.db.member(&tenant, Role::Admin).await);
    let at = "/settings/limits/holidays";
    let day = |country: &'static str| {
        [
            ("calendar", ""),
            ("country", country),
            ("date", "2027-10-03"),
            ("name", "Tag der Deutschen Einheit"),
        ]
    };
    let page = us.post(at, &day("Atlantis")).await.expect(422).shows("“Atlantis” is not a country");
    assert_eq!(page.field("country").as_deref(), Some("Atlantis"));
    us.post(at, &day("")).await.expect(422).shows("Say which country.");
    us.post(at, &[("calendar", "nowhere"), ("date", "2027-10-03"), ("name", "x")]).await.expect(422);
    assert_eq!(
        us.post(at, &day("Germany")).await.expect(303).location(),
        "/settings/limits/holidays?calendar=DE"
    );
    us.get(&format!("{at}?calendar=DE")).await.expect(200).shows("Germany your own").shows("3 October 2027");
}
