//! HTML as a reader sees it: headings, paragraphs, items, quotes, links and pictures, each with the
//! headings above it and its place on the page.

use html5gum::{Token, Tokenizer};
use serde::Serialize;
use serde_json::Value;

/// Blocks of one page at most; a page of more is read so far.
const BLOCKS_MAX: usize = 4_000;
/// Most links of a page.
const LINKS_MAX: usize = 500;
/// Below so many words of text a page with scripts is one that a browser must build.
const WORDS_OF_A_SHELL: usize = 40;

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// h1 to h6.
    Heading(u8),
    /// A paragraph or any other running text.
    Text,
    /// An entry of a list.
    Item,
    /// Somebody's words.
    Quote,
    /// Who said them, or a caption.
    Cite,
    /// The description of a picture.
    Image,
}

/// Where on the page it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// The menu.
    Nav,
    /// The page itself.
    Main,
    /// Below it.
    Footer,
}

/// A piece of text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Where.
    pub zone: Zone,
    /// Its words, with single spaces.
    pub text: String,
    /// The headings above it, outermost first.
    pub under: Vec<String>,
    /// Where its first link goes.
    pub href: Option<String>,
}

/// A page.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// `<title>`.
    pub title: String,
    /// `<meta name=description>`, or what it says for sharing.
    pub description: String,
    /// `og:site_name`.
    pub site_name: String,
    /// In the order of the page.
    pub blocks: Vec<Block>,
    /// Where its links go, as written, with their words.
    pub links: Vec<(String, String)>,
    /// JSON-LD as it stands there, flattened to its things.
    pub things: Vec<Value>,
    /// Whether a browser must run scripts to show what it says.
    pub needs_script: bool,
}

impl Page {
    /// The path of its address, in lower case, without a closing slash or `.html`.
    pub fn path(&self) -> String {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let path = path.split(['?', '#']).next().unwrap_or("").trim_end_matches('/').to_lowercase();
        let path = path.strip_suffix(".html").or(path.strip_suffix(".htm")).unwrap_or(&path);
        path.strip_suffix("/index").unwrap_or(path).to_owned()
    }

    /// Whether it is the first page of the site.
    pub fn is_home(&self) -> bool {
        self.path().is_empty()
    }

    /// Whether it is written about a topic rather than about the agency.
    pub fn is_article(&self) -> bool {
        let path = self.path();
        ["/blog/", "/news/", "/insights/", "/articles/", "/posts/", "/journal/", "/resources/", "/recipes/"]
            .iter()
            .any(|part| path.contains(part))
    }

    /// Whether it tells of one piece of work.
    pub fn is_case(&self) -> bool {
        let path = self.path();
        path.contains("case-stud") || path.split('/').any(|part| part == "work") && !path.ends_with("work")
    }

    /// Whether the address, or the first heading, has one of the words.
    pub fn is_about(&self, words: &[&str]) -> bool {
        let path = self.path().replace(['-', '_'], " ");
        let first = self.blocks.iter().find(|block| matches!(block.kind, Kind::Heading(1)));
        let first = first.map(|block| block.text.to_lowercase()).unwrap_or_default();
        words.iter().any(|word| path.contains(word) || first.contains(word))
    }

    /// What a reader sees, each block on a line of its own; pictures' descriptions are not seen.
    pub fn text(&self) -> String {
        let lines = self.blocks.iter().filter(|block| block.kind != Kind::Image);
        lines.map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Blocks of the page itself.
    pub fn main(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.zone == Zone::Main)
    }
}

impl Block {
    /// Whether it is a heading.
    pub fn is_heading(&self) -> bool {
        matches!(self.kind, Kind::Heading(_))
    }

    /// Whether a heading above it has one of the words.
    pub fn is_under(&self, words: &[&str]) -> bool {
        self.under.iter().any(|heading| {
            let heading = heading.to_lowercase();
            words.iter().any(|word| heading.contains(word))
        })
    }
}

/// Elements whose content no reader sees.
const UNSEEN: [&str; 6] = ["style", "noscript", "template", "svg", "iframe", "select"];
/// Elements that stand in a line of text.
const INLINE: [&str; 19] = [
    "a", "abbr", "b", "bdi", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "sub",
    "sup", "u", "time", "wbr",
];

struct Reader {
    page: Page,
    headings: Vec<(u8, String)>,
    text: String,
    kind: Kind,
    zones: Vec<(String, Zone)>,
    href: Option<String>,
    in_link: bool,
    scripts: usize,
}

/// Reads a page; any text is some page, so this does not fail.
pub fn read(url: &str, html: &str) -> Page {
    let mut reader = Reader {
        page: Page { url: url.to_owned(), ..Page::default() },
        headings: Vec::new(),
        text: String::new(),
        kind: Kind::Text,
        zones: Vec::new(),
        href: None,
        in_link: false,
        scripts: 0,
    };
    let mut skip: Option<String> = None;
    let mut script: Option<(bool, String)> = None;
    let mut title = false;
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                let attribute = |key: &[u8]| {
                    tag.attributes.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned())
                };
                if skip.is_some() || script.is_some() {
                    continue;
                }
                if name == "script" {
                    reader.scripts += 1;
                    let linked = attribute(b"type").is_some_and(|kind| kind == "application/ld+json");
                    script = Some((linked, String::new()));
                } else if name == "title" && reader.page.title.is_empty() {
                    title = true;
                } else if UNSEEN.contains(&name.as_str()) {
                    skip = (!tag.self_closing).then_some(name);
                } else {
                    reader.opened(&name, attribute);
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                if name == "script" {
                    if let Some((true, json)) = script.take() {
                        reader.things(&json);
                    }
                    script = None;
                } else if skip.as_deref() == Some(name.as_str()) {
                    skip = None;
                } else if name == "title" {
                    title = false;
                } else if skip.is_none() && script.is_none() {
                    reader.closed(&name);
                }
            }
            Token::String(text) => {
                let text = String::from_utf8_lossy(&text);
                if let Some((_, json)) = &mut script {
                    json.push_str(&text);
                } else if title {
                    reader.page.title.push_str(&text);
                } else if skip.is_none() {
                    reader.said(&text);
                }
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reader.end_block();
    let mut page = reader.page;
    page.title = words(&page.title);
    for (_, text) in &mut page.links {
        *text = words(text);
    }
    let said: usize = page.main().map(|block| block.text.split(' ').count()).sum();
    page.needs_script = reader.scripts > 0 && said < WORDS_OF_A_SHELL;
    page
}

impl Reader {
    fn opened(&mut self, name: &str, attribute: impl Fn(&[u8]) -> Option<String>) {
        if name == "meta" {
            self.meta(
                &attribute(b"name").or_else(|| attribute(b"property")).unwrap_or_default(),
                attribute(b"content"),
            );
            return;
        }
        if name == "a" {
            self.link(attribute(b"href"));
        }
        if INLINE.contains(&name) {
            // Two buttons or chips side by side are two words, not one.
            if name == "a" || name == "span" {
                self.text.push(' ');
            }
            return;
        }
        if name == "img" {
            if let Some(alt) = attribute(b"alt").filter(|alt| !alt.is_empty()) {
                let kept = (std::mem::take(&mut self.text), self.kind);
                (self.text, self.kind) = (alt, Kind::Image);
                self.end_block();
                (self.text, self.kind) = kept;
            }
            return;
        }
        self.end_block();
        let zone = match name {
            "nav" => Some(Zone::Nav),
            "footer" => Some(Zone::Footer),
            "main" | "article" | "section" => Some(Zone::Main),
            _ => None,
        };
        if let Some(zone) = zone {
            // A section inside a footer is still the footer.
            let inside = self.zone();
            self.zones.push((name.to_owned(), if inside == Zone::Main { zone } else { inside }));
        }
        self.kind = match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Kind::Heading(name.as_bytes()[1] - b'0'),
            "li" | "dt" => Kind::Item,
            "blockquote" => Kind::Quote,
            "cite" | "figcaption" => Kind::Cite,
            // A paragraph in a quotation is a part of it.
            "p" if self.kind == Kind::Quote || self.kind == Kind::Item => self.kind,
            _ if name == "br" => self.kind,
            _ => Kind::Text,
        };
    }

    fn closed(&mut self, name: &str) {
        if name == "a" {
            self.in_link = false;
            self.text.push(' ');
            return;
        }
        if INLINE.contains(&name) {
            if name == "span" {
                self.text.push(' ');
            }
            return;
        }
        self.end_block();
        if let Some(at) = self.zones.iter().rposition(|(open, _)| open == name) {
            self.zones.truncate(at);
        }
        if name != "p" || self.kind != Kind::Quote {
            self.kind = Kind::Text;
        }
    }

    fn said(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some((_, words)) = self.page.links.last_mut().filter(|_| self.in_link) {
            words.push_str(text);
        }
    }

    fn link(&mut self, href: Option<String>) {
        let Some(href) = href else { return };
        if self.page.links.len() < LINKS_MAX {
            self.page.links.push((href.clone(), String::new()));
            self.in_link = true;
        }
        self.href.get_or_insert(href);
    }

    fn zone(&self) -> Zone {
        self.zones.last().map_or(Zone::Main, |(_, zone)| *zone)
    }

    fn meta(&mut self, key: &str, content: Option<String>) {
        let Some(content) = content.map(|content| words(&content)).filter(|content| !content.is_empty())
        else {
            return;
        };
        match key.to_ascii_lowercase().as_str() {
            "description" => self.page.description = content,
            "og:description" if self.page.description.is_empty() => self.page.description = content,
            "og:site_name" => self.page.site_name = content,
            _ => {}
        }
    }

    fn end_block(&mut self) {
        let text = words(&std::mem::take(&mut self.text));
        let href = self.href.take();
        if text.is_empty() || self.page.blocks.len() >= BLOCKS_MAX {
            return;
        }
        if let Kind::Heading(level) = self.kind {
            self.headings.retain(|(above, _)| *above < level);
        }
        let block = Block {
            kind: self.kind,
            zone: self.zone(),
            under: self.headings.iter().map(|(_, heading)| heading.clone()).collect(),
            text,
            href,
        };
        if let Kind::Heading(level) = self.kind {
            self.headings.push((level, block.text.clone()));
        }
        self.page.blocks.push(block);
    }

    fn things(&mut self, json: &str) {
        // Broken JSON-LD says nothing; the page itself still does.
        let Ok(value) = serde_json::from_str::<Value>(json) else { return };
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Array(all) => waiting.extend(all),
                Value::Object(mut thing) => match thing.remove("@graph") {
                    Some(graph) => waiting.push(graph),
                    None => self.page.things.push(Value::Object(thing)),
                },
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }
}

/// One space between words.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
