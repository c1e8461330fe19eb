//! Tabs: links between the views of one thing; each has its own address.

use maud::{Markup, html};

/// One tab.
#[derive(Clone, Debug, Default)]
pub struct Tab {
    /// What it shows.
    pub label: String,
    /// Where it is.
    pub href: String,
    /// How many things it holds, if that helps.
    pub count: Option<i64>,
}

impl Tab {
    /// A tab.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into(), count: None }
    }

    /// Adds a count.
    #[must_use]
    pub fn count(mut self, count: i64) -> Self {
        self.count = Some(count);
        self
    }
}

/// The tabs of `what`; `here` is the address of the present one.
pub fn tabs(what: &str, here: &str, tabs: &[Tab]) -> Markup {
    html! {
        nav.tabs aria-label=(what) {
            @for tab in tabs {
                a href=(tab.href) aria-current=[(tab.href == here).then_some("page")] {
                    (tab.label)
                    @if let Some(count) = tab.count { b.num { (crate::number::count(count)) } }
                }
            }
        }
    }
}
