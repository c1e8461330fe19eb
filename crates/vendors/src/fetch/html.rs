//! What a reader sees of an HTML page: title, description, text, links.

use html5gum::{Token, Tokenizer};

/// The parts of a page that we use.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) title: String,
    /// `<meta name="description">`.
    pub(super) description: String,
    /// `<meta property="og:site_name">`.
    pub(super) site_name: String,
    /// Text, blocks on lines of their own.
    pub(super) text: String,
    /// Link targets as written, with their words.
    pub(super) links: Vec<(String, String)>,
}

/// Elements whose content no reader sees.
const UNSEEN: [&str; 6] = ["script", "style", "noscript", "template", "svg", "iframe"];
/// Elements that stand in a line of text.
const INLINE: [&str; 18] = [
    "a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong",
    "sub", "sup", "u",
];
/// Most links of a page.
const MAX_LINKS: usize = 500;

/// Reads a page; any text is some page, so this does not fail.
pub(super) fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut unseen: Option<String> = None;
    let mut in_title = false;
    let mut in_link = false;
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                if unseen.is_some() {
                    continue;
                }
                let attribute = |key: &[u8]| {
                    tag.attributes.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned())
                };
                match name.as_str() {
                    "title" => in_title = page.title.is_empty(),
                    "a" => {
                        if let Some(href) = attribute(b"href").filter(|_| page.links.len() < MAX_LINKS) {
                            page.links.push((href, String::new()));
                            in_link = true;
                        }
                    }
                    "meta" => {
                        let key = attribute(b"name").or_else(|| attribute(b"property")).unwrap_or_default();
                        let content = attribute(b"content").unwrap_or_default();
                        match key.to_ascii_lowercase().as_str() {
                            "description" => page.description = content,
                            "og:site_name" => page.site_name = content,
                            _ => {}
                        }
                    }
                    _ => {}
                }
                if UNSEEN.contains(&name.as_str()) && !tag.self_closing {
                    unseen = Some(name);
                } else if !INLINE.contains(&name.as_str()) {
                    page.text.push('\n');
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name);
                if unseen.as_deref() == Some(name.as_ref()) {
                    unseen = None;
                }
                match name.as_ref() {
                    "title" => in_title = false,
                    "a" => in_link = false,
                    _ => {}
                }
                if !INLINE.contains(&name.as_ref()) {
                    page.text.push('\n');
                }
            }
            Token::String(text) if unseen.is_none() => {
                let text = String::from_utf8_lossy(&text);
                if in_title {
                    page.title.push_str(&text);
                } else {
                    page.text.push_str(&text);
                    if let Some((_, words)) = page.links.last_mut().filter(|_| in_link) {
                        words.push_str(&text);
                    }
                }
            }
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.title = words(&page.title);
    page.text = page.text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    for (_, text) in &mut page.links {
        *text = words(text);
    }
    page
}

/// One space between words.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_text_and_links_but_no_scripts() {
        let page = read(
            "<!doctype html><title> Acme &amp; Co </title><meta name=description content='We &quot;build&quot;.'>\
             <script>if (a<b) document.write('<p>no</p>')</script><style>p{}</style>\
             <p>Call <b>02 1234&nbsp;5678</b><br>now</p><a href='/contact?a=1&amp;b=2'>Contact <i>us</i></a>\
             <svg><title>icon</title></svg><!-- hidden -->",
        );
        assert_eq!(page.title, "Acme & Co");
        assert_eq!(page.description, "We \"build\".");
        assert_eq!(page.text, "Call 02 1234 5678\nnow\nContact us");
        assert_eq!(page.links, [("/contact?a=1&b=2".to_owned(), "Contact us".to_owned())]);
    }

    #[test]
    fn broken_pages_are_read_as_far_as_they_go() {
        for page in ["", "<", "<p", "<a href=", "<script>", "</p></a></title>x", "<title>x"] {
            read(page);
        }
        assert_eq!(read("</p></a></title>x").text, "x");
    }
}
