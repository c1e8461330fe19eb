//! Facts that stand plainly on a page, each with its words. Nothing is guessed: what is not
//! certain by its form is left out.

use base::{EmailAddress, Time};
use discovery::Page;
use ports::enrich::{About, Fact};
use url::Url;

/// Longest quote, in characters.
const QUOTE: usize = 200;

/// The facts of a page.
pub(super) fn find(page: &Page, url: &Url, at: Time) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |about: About, value: String, quote: &str| {
        let known = facts.iter().any(|fact| fact.about == about && fact.value == value);
        if !known && !value.is_empty() {
            let quote = quote.chars().take(QUOTE).collect();
            facts.push(Fact { about, value, quote, source: url.clone(), fetched_at: at });
        }
    };
    add(About::CompanyName, page.site_name.clone(), &page.site_name);
    add(About::Description, page.description.clone(), &page.description);
    for (href, words) in &page.links {
        let quote = if words.is_empty() { href } else { words };
        if let Some(address) = href.strip_prefix("mailto:") {
            let address = address.split('?').next().unwrap_or_default();
            if let Ok(address) = EmailAddress::parse(address) {
                add(About::Email, address.to_string(), quote);
            }
        } else if let Some(number) = href.strip_prefix("tel:") {
            let number: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            if (8..=16).contains(&number.len()) {
                add(About::Phone, number, quote);
            }
        } else if let Some(about) = profile(href) {
            add(about, href.clone(), quote);
        }
    }
    for line in page.text().lines() {
        for word in line.split(|c: char| c.is_whitespace() || "<>()[],;:|\"'".contains(c)) {
            if word.contains('@')
                && let Ok(address) = EmailAddress::parse(word.trim_end_matches('.'))
            {
                add(About::Email, address.to_string(), line);
            }
        }
        if let Some(number) = abn(line) {
            add(About::Abn, number, line);
        }
    }
    facts
}

/// A public profile on a network.
fn profile(href: &str) -> Option<About> {
    let url: Url = href.parse().ok()?;
    let host = url.host_str()?.strip_prefix("www.").unwrap_or(url.host_str()?).to_owned();
    let mut path = url.path_segments()?.filter(|part| !part.is_empty());
    let first = path.next()?;
    match host.as_str() {
        "facebook.com" | "instagram.com" | "x.com" | "twitter.com" | "youtube.com" => {
            // Buttons that share a page are no profiles.
            (!matches!(first, "sharer" | "sharer.php" | "share" | "intent" | "watch"))
                .then_some(About::SocialProfile)
        }
        host if host == "linkedin.com" || host.ends_with(".linkedin.com") => {
            (matches!(first, "company" | "in" | "school") && path.next().is_some()).then_some(About::LinkedIn)
        }
        _ => None,
    }
}

/// An Australian Business Number after the letters ABN, its check digits right (abr.business.gov.au:
/// the first digit less one, weights 10 1 3 5 7 9 11 13 15 17 19, sum divisible by 89).
fn abn(line: &str) -> Option<String> {
    let at = line.to_ascii_uppercase().find("ABN")?;
    let digits: String = line
        .get(at + 3..)?
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit() || c.is_whitespace())
        .filter(char::is_ascii_digit)
        .take(11)
        .collect();
    const WEIGHTS: [u32; 11] = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    let numbers: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    if numbers.len() != WEIGHTS.len() || numbers.first() == Some(&0) {
        return None;
    }
    let sum: u32 = numbers.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    // The first digit less one, times its weight.
    (sum - 10).is_multiple_of(89).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_with_their_words_and_nothing_is_guessed() {
        let page = discovery::page::read(
            "https://acme.example/about",
            "<meta property='og:site_name' content='Acme'>\
             <p>Write to Sales@Acme.example. or a@b</p><p>ABN 51 824 753 556</p><p>ABN: 51 824 753 557</p>\
             <a href='tel:+61 2 1234 5678'>Call</a><a href='mailto:hi@acme.example?subject=x'>Mail</a>\
             <a href='https://au.linkedin.com/company/acme'>in</a><a href='https://www.linkedin.com/'>no</a>\
             <a href='https://www.facebook.com/sharer/x'>no</a><a href='https://linkedin.com.evil.example/company/x'>no</a>",
        );
        let url: Url = "https://acme.example/about".parse().unwrap();
        let facts = find(&page, &url, Time::from_us(3));
        let found: Vec<(About, &str, &str)> =
            facts.iter().map(|f| (f.about, f.value.as_str(), f.quote.as_str())).collect();
        assert_eq!(
            found,
            [
                (About::CompanyName, "Acme", "Acme"),
                (About::Phone, "+61212345678", "Call"),
                (About::Email, "hi@acme.example", "Mail"),
                (About::LinkedIn, "https://au.linkedin.com/company/acme", "in"),
                (About::Email, "sales@acme.example", "Write to Sales@Acme.example. or a@b"),
                (About::Abn, "51824753556", "ABN 51 824 753 556"),
            ]
        );
        assert!(facts.iter().all(|fact| fact.source == url && fact.fetched_at == Time::from_us(3)));
    }
}
