use super::*;

#[test]
fn every_file_is_served_under_the_hash_of_its_content() {
    for asset in assets() {
        let hash = base::Digest::of(asset.bytes).short();
        assert!(asset.path.starts_with("/assets/") && asset.path.contains(&hash), "{}", asset.path);
        assert!(!asset.bytes.is_empty());
        assert_eq!(find(asset.path).map(|a| a.bytes.len()), Some(asset.bytes.len()));
    }
    assert!(
        css().ends_with(".css")
            && js().ends_with(".js")
            && htmx().ends_with(".js")
            && icon().ends_with(".svg")
    );
    assert!(find("/assets/app.css").is_none());
}

#[test]
fn a_page_loads_less_than_the_budget_of_bytes_even_uncompressed_without_htmx() {
    let ours: usize = assets().iter().filter(|a| a.path != htmx()).map(|a| a.bytes.len()).sum();
    assert!(ours < 64 * 1024, "{ours} bytes");
}

/// The light and the dark value of a token.
fn token(name: &str) -> (String, String) {
    let start = format!("--{name}:light-dark(");
    let at = CSS.find(&start).expect("the token is in the style sheet") + start.len();
    let (pair, _) = CSS[at..].split_once(')').expect("the value ends");
    let (light, dark) = pair.split_once(',').expect("two colours");
    (light.to_owned(), dark.to_owned())
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&hex[at..at + 2], 16).expect("a hex colour");
        let share = f64::from(value) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_contrasts_with_its_ground_in_both_themes_as_wcag_aa_asks() {
    let mut pairs = vec![
        ("accent-ink", "accent"),
        ("accent-ink", "heat-4"),
        ("accent", "accent-soft"),
        ("accent", "surface"),
    ];
    for ink in ["ink", "ink-2", "ink-3"] {
        pairs.extend(["paper", "surface", "sunken"].map(|ground| (ink, ground)));
    }
    for (ink, ground) in [
        ("hot", "hot-soft"),
        ("warm", "warm-soft"),
        ("cool", "cool-soft"),
        ("cold", "cold-soft"),
        ("good", "good-soft"),
        ("bad", "bad-soft"),
        ("bad", "surface"),
        ("good", "surface"),
        ("ink", "heat-1"),
        ("ink", "heat-2"),
        ("ink", "heat-3"),
        ("ink", "accent-soft"),
        ("ink", "bad-soft"),
    ] {
        pairs.push((ink, ground));
    }
    for (ink, ground) in pairs {
        let (ink_of, ground_of) = (token(ink), token(ground));
        for (theme, a, b) in [("light", &ink_of.0, &ground_of.0), ("dark", &ink_of.1, &ground_of.1)] {
            let ratio = contrast(a, b);
            assert!(ratio >= 4.5, "{ink} on {ground}, {theme}: {ratio:.2}");
        }
    }
    // Borders of controls and the marks of charts: 3 to 1.
    for (mark, ground) in
        [("control", "surface"), ("accent", "sunken"), ("cool", "surface"), ("warm", "surface")]
    {
        let (m, g) = (token(mark), token(ground));
        assert!(contrast(&m.0, &g.0) >= 3.0 && contrast(&m.1, &g.1) >= 3.0, "{mark} on {ground}");
    }
}

#[test]
fn colours_are_literal_only_in_the_tokens() {
    let (_, rules) = CSS.split_once("/* Ground */").expect("the tokens end where the ground begins");
    let literal = rules
        .match_indices('#')
        .find(|(at, _)| rules[at + 1..].chars().take_while(char::is_ascii_hexdigit).count() >= 3);
    assert!(literal.is_none(), "{literal:?}");
}
