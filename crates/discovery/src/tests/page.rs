use crate::page::{Kind, Zone, read};

#[test]
fn blocks_know_what_they_are_and_what_stands_above_them() {
    let page = read(
        "https://acme.test/services/index.html",
        "<title>Services | Acme</title><meta name=description content='What we do'><nav><ul><li><a href='/a'>About</a></ul></nav>\
         <main><h1>Services</h1><h2>Search</h2><p>We <b>rank</b> you.</p><ul><li>Audits<li>Links</ul><h2>Ads</h2>\
         <blockquote><p>Great.</p><cite>Jo Li, Acme</cite></blockquote><img alt='Beta logo' src=x></main>\
         <footer><section><p>© Acme</p></section></footer><script type='application/ld+json'>{\"@graph\":[{\"@type\":\"Service\",\"name\":\"SEO\"}]}</script>",
    );
    let seen: Vec<(Kind, Zone, &str, usize)> =
        page.blocks.iter().map(|b| (b.kind, b.zone, b.text.as_str(), b.under.len())).collect();
    assert_eq!(
        seen,
        [
            (Kind::Item, Zone::Nav, "About", 0),
            (Kind::Heading(1), Zone::Main, "Services", 0),
            (Kind::Heading(2), Zone::Main, "Search", 1),
            (Kind::Text, Zone::Main, "We rank you.", 2),
            (Kind::Item, Zone::Main, "Audits", 2),
            (Kind::Item, Zone::Main, "Links", 2),
            (Kind::Heading(2), Zone::Main, "Ads", 1),
            (Kind::Quote, Zone::Main, "Great.", 2),
            (Kind::Cite, Zone::Main, "Jo Li, Acme", 2),
            (Kind::Image, Zone::Main, "Beta logo", 2),
            (Kind::Text, Zone::Footer, "© Acme", 2),
        ]
    );
    assert_eq!(page.blocks[0].href.as_deref(), Some("/a"));
    assert_eq!(page.things[0]["name"], "SEO");
    assert_eq!((page.path().as_str(), page.is_home()), ("/services", false));
    assert!(read("https://acme.test/", "").is_home() && read("/index.html", "").is_home());
}

#[test]
fn a_page_that_scripts_build_is_known_as_one() {
    assert!(read("/", "<div id=root></div><script src=app.js></script>").needs_script);
    assert!(!read("/", &format!("<p>{}</p><script></script>", "word ".repeat(50))).needs_script);
}

#[test]
fn a_reader_sees_text_and_links_but_no_scripts() {
    let page = read(
        "https://acme.test/",
        "<!doctype html><title> Acme &amp; Co </title><meta name=description content='We &quot;build&quot;.'>\
         <script>if (a<b) document.write('<p>no</p>')</script><style>p{}</style>\
         <p>Call <b>02 1234&nbsp;5678</b><br>now</p><a href='/contact?a=1&amp;b=2'>Contact <i>us</i></a>\
         <img alt='A logo' src=x><svg><title>icon</title></svg><!-- hidden -->",
    );
    assert_eq!((page.title.as_str(), page.description.as_str()), ("Acme & Co", "We \"build\"."));
    assert_eq!(page.text(), "Call 02 1234 5678\nnow\nContact us");
    assert_eq!(page.links, [("/contact?a=1&b=2".to_owned(), "Contact us".to_owned())]);
}

#[test]
fn broken_pages_are_read_as_far_as_they_go() {
    for html in [
        "",
        "<",
        "<p",
        "<a href=",
        "<script>",
        "</p></a></title>x",
        "<title>x",
        "<h1><h1><li></h2>",
        "<script type=application/ld+json>{",
    ] {
        read("/x", html);
    }
}
