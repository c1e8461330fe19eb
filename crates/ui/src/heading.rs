//! The head of a page: where we are, its title, one sentence, and what can be done here.

use maud::{Markup, Render, html};

/// The head of a page; its title is the only `h1`.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    title: String,
    about: Option<Markup>,
    crumbs: Vec<(String, String)>,
    acts: Vec<Markup>,
    tag: Option<Markup>,
}

impl Heading {
    /// A head with this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// The sentence under the title.
    #[must_use]
    pub fn about(mut self, about: impl Render) -> Self {
        self.about = Some(about.render());
        self
    }

    /// A page above this one, from the outermost on.
    #[must_use]
    pub fn crumb(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push((label.into(), href.into()));
        self
    }

    /// A tag after the title.
    #[must_use]
    pub fn tag(mut self, tag: Markup) -> Self {
        self.tag = Some(tag);
        self
    }

    /// A button at the right, the primary first.
    #[must_use]
    pub fn act(mut self, button: impl Render) -> Self {
        self.acts.push(button.render());
        self
    }
}

impl Render for Heading {
    fn render(&self) -> Markup {
        html! {
            div.head {
                div {
                    @if !self.crumbs.is_empty() { (breadcrumb(&self.crumbs, &self.title)) }
                    h1 { (self.title) @if let Some(tag) = &self.tag { " " (tag) } }
                    @if let Some(about) = &self.about { p { (about) } }
                }
                @if !self.acts.is_empty() { (crate::button::acts(&self.acts)) }
            }
        }
    }
}

/// The way here: pages above as (label, address), then this page's label.
pub fn breadcrumb(above: &[(String, String)], here: &str) -> Markup {
    html! {
        nav.crumbs aria-label="Breadcrumb" {
            ol {
                @for (label, href) in above { li { a href=(href) { (label) } } }
                li aria-current="page" { (here) }
            }
        }
    }
}
