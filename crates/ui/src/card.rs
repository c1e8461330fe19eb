//! Cards: a surface with an optional title, one link or button at its right, and a body.

use maud::{Markup, PreEscaped, Render, html};

/// A card. `Card::new("Fleet").link("Open fleet", "/agents").body(table)`.
#[derive(Clone, Debug, Default)]
pub struct Card {
    id: Option<String>,
    title: Option<String>,
    aside: Option<Markup>,
    body: Vec<Markup>,
    foot: Option<Markup>,
}

impl Card {
    /// A card with a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..Self::default() }
    }

    /// A card without a title.
    pub fn bare() -> Self {
        Self::default()
    }

    /// Gives it an id, to link to it or to swap it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// What stands at the right of the title: a link, a tag, a button.
    #[must_use]
    pub fn aside(mut self, aside: impl Render) -> Self {
        self.aside = Some(aside.render());
        self
    }

    /// A link at the right of the title.
    #[must_use]
    pub fn link(self, label: &str, href: &str) -> Self {
        self.aside(html! { a href=(href) { (label) } })
    }

    /// Adds content that brings its own padding: tables, feeds, approvals, states.
    #[must_use]
    pub fn body(mut self, content: impl Render) -> Self {
        self.body.push(content.render());
        self
    }

    /// Adds content with the card's padding: text, forms, charts, definition lists.
    #[must_use]
    pub fn padded(mut self, content: impl Render) -> Self {
        self.body.push(html! { div.bd { (content) } });
        self
    }

    /// A last line: where the numbers come from, when they were read.
    #[must_use]
    pub fn foot(mut self, content: impl Render) -> Self {
        self.foot = Some(content.render());
        self
    }
}

impl Render for Card {
    fn render(&self) -> Markup {
        let nothing = PreEscaped(String::new());
        html! {
            section.card id=[&self.id] aria-label=[&self.title] {
                @if let Some(title) = &self.title {
                    div.hd { h2 { (title) } (self.aside.as_ref().unwrap_or(&nothing)) }
                }
                @for part in &self.body { (part) }
                @if let Some(foot) = &self.foot { div.ft { (foot) } }
            }
        }
    }
}
