use super::*;

fn nav() -> Vec<NavGroup> {
    vec![NavGroup {
        title: "Acquire".into(),
        items: vec![
            NavItem::new("Today", "/").daily(),
            NavItem::new("Leads", "/leads").key('l').count(12_400).daily(),
            NavItem::new("Imports", "/leads/imports"),
        ],
    }]
}

fn page(path: &str) -> String {
    Shell { title: "T".into(), nav: nav(), path: path.into(), ..Shell::default() }
        .page("content")
        .into_string()
}

#[test]
fn the_navigation_marks_the_nearest_place_only() {
    let here = |path: &str| {
        let html = page(path);
        let side = html.split("</nav>").next().expect("a navigation").to_owned();
        let mut marked = side
            .match_indices("aria-current=\"page\" ")
            .map(|(at, _)| side[..at].rsplit("href=").next().unwrap_or("").to_owned());
        let first = marked.next().unwrap_or_else(|| {
            side.rsplit("aria-current")
                .nth(1)
                .map_or(String::new(), |s| s.rsplit("href=").next().unwrap_or("").to_owned())
        });
        assert!(marked.next().is_none(), "{side}");
        first.trim().trim_matches('"').to_owned()
    };
    assert_eq!(here("/leads/8?tab=x"), "/leads");
    assert_eq!(here("/leads/imports/3"), "/leads/imports");
    assert_eq!(here("/"), "/");
    assert_eq!(here("/leadsheet"), "");
}

#[test]
fn the_page_keeps_to_the_content_security_policy() {
    for html in [crate::gallery::gallery().into_string(), crate::gallery::plain().into_string()] {
        assert!(!html.contains(" style="), "an inline style");
        assert!(!html.contains("<style"), "an inline style sheet");
        assert!(!html.contains(" onclick=") && !html.contains("javascript:"), "an inline script");
        for tag in html.split("<script").skip(1) {
            assert!(tag.starts_with(" src=\"/assets/"), "{}", &tag[..40.min(tag.len())]);
        }
    }
}

#[test]
fn no_id_is_used_twice_and_every_reference_finds_its_id() {
    let html = crate::gallery::gallery().into_string();
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id is used twice");
    for attribute in [" for=\"", " aria-describedby=\"", " aria-labelledby=\"", " form=\"", " data-open=\""] {
        for value in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            for id in value.split(' ') {
                assert!(ids.binary_search(&id).is_ok(), "{attribute}{id}");
            }
        }
    }
}

#[test]
fn the_theme_of_the_cookie_is_rendered_and_a_bad_one_is_the_devices() {
    let dark = Shell { theme: Theme::named("dark"), ..Shell::default() }.page("").into_string();
    assert!(dark.contains("<html lang=\"en\" data-theme=\"dark\">"));
    assert!(dark.contains("value=\"dark\" aria-pressed=\"true\""));
    assert_eq!(Theme::named("\"><script>"), Theme::System);
    assert!(page("/").contains("<html lang=\"en\">"));
}

#[test]
fn hostile_names_stay_text_around_the_page() {
    let bad = "</title><script>x</script>\" x=\"";
    let shell = Shell {
        title: bad.into(),
        who: Who { user: bad.into(), tenant: bad.into(), tenants: vec![(bad.into(), bad.into())] },
        banner: Some(Banner { text: bad.into(), ..Banner::default() }),
        flash: Some(Flash { text: bad.into(), ..Flash::default() }),
        ..Shell::default()
    };
    let html = shell.page(bad).into_string();
    assert!(!html.contains("<script>x") && !html.contains("\" x=\""), "{html}");
}

#[test]
fn a_skip_link_leads_to_the_main_part_and_stopping_is_one_press_away() {
    let shell = Shell { stop_href: Some("/stop".into()), csrf: Some("t0".into()), ..Shell::default() };
    let html = shell.page("content").into_string();
    assert!(
        html.contains("<a class=\"skip\" href=\"#main\">")
            && html.contains("<main id=\"main\" tabindex=\"-1\">")
    );
    assert!(html.contains("href=\"/stop\""), "{html}");
    assert!(html.contains("name=\"csrf\" value=\"t0\""), "{html}");
    assert!(!page("/").contains("Stop…"));
}
