//! Machines and people.

use super::{Kind, Seen, Signs, html, links, machine};

const SIGNS: Signs = Signs { open_after_send_s: 10, click_after_send_s: 30, burst_links: 3, burst_s: 10 };
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36";

fn seen<'a>(kind: Kind, agent: &'a str, since: i64, links_near: i64) -> Seen<'a> {
    Seen { kind, agent, looked: false, since_sent_s: Some(since), links_near }
}

#[test]
fn gateways_relays_and_scripts_are_no_persons() {
    for (what, agent, since, links) in [
        (Kind::Opened, CHROME, 3, 0),
        (Kind::Clicked, CHROME, 25, 1),
        (Kind::Clicked, CHROME, 4_000, 3),
        (Kind::Opened, "", 4_000, 0),
        (Kind::Opened, "Mozilla/5.0", 4_000, 0),
        (Kind::Clicked, "Mozilla/5.0 (compatible; Barracuda Sentinel)", 4_000, 1),
        (Kind::Clicked, "python-requests/2.32", 4_000, 1),
        (Kind::Clicked, "Microsoft Office Existence Discovery", 4_000, 1),
        (Kind::Opened, "YahooMailProxy; https://help.yahoo.com", 4_000, 0),
        (Kind::Clicked, "Slackbot-LinkExpanding 1.0", 4_000, 1),
        (Kind::Clicked, "Mozilla/5.0 HeadlessChrome/120", 4_000, 1),
    ] {
        assert!(machine(&SIGNS, &seen(what, agent, since, links)).is_some(), "{agent} {since}");
    }
    let asked = Seen { looked: true, ..seen(Kind::Clicked, CHROME, 4_000, 1) };
    assert!(machine(&SIGNS, &asked).is_some());
}

#[test]
fn a_person_with_a_browser_counts() {
    assert_eq!(machine(&SIGNS, &seen(Kind::Opened, CHROME, 60, 0)), None);
    assert_eq!(machine(&SIGNS, &seen(Kind::Clicked, CHROME, 60, 2)), None);
    let gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
    assert_eq!(machine(&SIGNS, &seen(Kind::Opened, gmail, 60, 0)), None);
}

#[test]
fn links_lead_over_us_except_the_way_out() {
    let body = "Hi,\n\nsee https://anchor.example/offer. Or (http://anchor.example/a?b=1&c=2)!\n\nStop: https://agency.example/u/abc\n";
    assert_eq!(links(body), ["https://anchor.example/offer", "http://anchor.example/a?b=1&c=2"]);
    let track = "https://agency.example/t/0123".parse().expect("a URL");
    let page = html(body, &track);
    assert!(
        page.contains(r#"<a href="https://agency.example/t/0123/c/0">https://anchor.example/offer</a>."#),
        "{page}"
    );
    assert!(
        page.contains(r#"href="https://agency.example/t/0123/c/1">http://anchor.example/a?b=1&amp;c=2</a>"#),
        "{page}"
    );
    assert!(page.contains("https://agency.example/u/abc") && !page.contains("c/2"), "{page}");
    assert!(page.contains(r#"<img src="https://agency.example/t/0123/o""#), "{page}");
    assert!(!html("<script>1</script>", &track).contains("<script>"));
}
