use crate::tests::World;
use base::Time;
use ports::enrich::{About, Fact};
use ports::fetch::WebPage;

fn publish(world: &World, host: &str) {
    let url: url::Url = format!("https://{host}/").parse().expect("an address");
    let fact = |about, value: &str, quote: &str| Fact {
        about,
        value: value.to_owned(),
        quote: quote.to_owned(),
        source: url.clone(),
        fetched_at: Time::from_us(0),
    };
    world.outside.fetcher.publish(WebPage {
        title: "Harbour Dental".into(),
        text: String::new(),
        html: String::new(),
        facts: vec![
            fact(About::Description, "Dentists by the harbour", "We are dentists by the harbour"),
            fact(About::CompanyName, "Harbour Dental", "Harbour Dental"),
        ],
        fetched_at: Time::from_us(0),
        cut: false,
        url: url.clone(),
    });
}

#[tokio::test]
async fn what_a_website_says_is_kept_with_its_page_and_everyone_there_is_enriched_and_scored() {
    let world = World::new().await;
    publish(&world, "harbour-dental.com.au");
    world.outside.dns.add_mx("harbour-dental.com.au", 10, "mx.harbour-dental.com.au");
    let one = world.add(&[("email", "a@harbour-dental.com.au")]).await;
    let two = world.add(&[("email", "b@harbour-dental.com.au")]).await;
    world.app.settle().await;
    for at in [one, two] {
        world
            .us()
            .get(&at)
            .await
            .expect(200)
            .shows("Dentists by the harbour")
            .shows("website")
            .shows("Scored")
            .shows("Not verified");
    }
    assert_eq!(world.one("select count(*) from leads.fact where source_url = 'https://harbour-dental.com.au/' and cost_micros = 0").await, "2");
    assert_eq!(world.one("select count(*) from leads.company where name = 'harbour-dental.com.au' or name = 'Harbour Dental'").await, "1");
    assert_eq!(world.one("select count(*) from leads.lead where enriched_at is not null").await, "2");
    let told = "select count(distinct subject_id) from kernel.fact where type = 'leads.lead.enriched' and payload ->> 'company_id' is not null";
    assert_eq!(world.one(told).await, "2", "each of them is told");
}

#[tokio::test]
async fn a_domain_without_mail_exchanger_makes_the_address_invalid_and_says_why() {
    let world = World::new().await;
    publish(&world, "nomail.com.au");
    let at = world.add(&[("email", "a@nomail.com.au")]).await;
    world.app.settle().await;
    world
        .us()
        .get(&at)
        .await
        .expect(200)
        .shows("Cannot receive mail")
        .shows("it publishes no mail exchanger")
        .shows("e-mail address unknown");
}

#[tokio::test]
async fn without_a_network_nothing_is_concluded() {
    let world = World::new().await;
    world.outside.dns.set_down(true);
    let at = world.add(&[("email", "a@somewhere.com.au")]).await;
    let reserved = world.add(&[("email", "a@somewhere.example")]).await;
    world.app.settle().await;
    for at in [at, reserved] {
        world.us().get(&at).await.expect(200).shows("Not verified").shows("Scored");
    }
    assert_eq!(
        world
            .one(
                "select count(*) from leads.lead where enriched_at is not null or email_state <> 'unverified'"
            )
            .await,
        "0"
    );
    assert_eq!(world.one("select count(*) from leads.fact").await, "0");
}

#[tokio::test]
async fn a_suppressed_domain_is_not_visited() {
    let world = World::new().await;
    publish(&world, "rival.com.au");
    let at = world.add(&[("email", "a@rival.com.au")]).await;
    world
        .us()
        .post(
            "/compliance/suppression",
            &[("kind", "domain"), ("value", "rival.com.au"), ("reason", "competitor")],
        )
        .await
        .expect(303);
    world.app.settle().await;
    world.us().get(&at).await.expect(200).hides("Dentists");
}
