//! A board: columns of cards, each an accessible list with its count.

use crate::number;
use maud::{Markup, Render, html};

/// One column.
#[derive(Clone, Debug)]
pub struct Lane {
    title: String,
    count: i64,
    href: Option<String>,
    cards: Vec<Markup>,
}

impl Lane {
    /// A column; `count` is how many there are in all, which may be more than are shown.
    pub fn new(title: impl Into<String>, count: i64) -> Self {
        Self { title: title.into(), count, href: None, cards: Vec::new() }
    }

    /// Where all of them are listed.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// Adds a card: a link, then lines under it.
    #[must_use]
    pub fn card(mut self, content: impl Render) -> Self {
        self.cards.push(content.render());
        self
    }
}

/// The board.
pub fn board(name: &str, lanes: &[Lane]) -> Markup {
    html! {
        div.board tabindex="0" role="region" aria-label=(name) {
            @for lane in lanes {
                section aria-label=(lane.title) {
                    h2 { span { (lane.title) } b.num { (number::count(lane.count)) } }
                    @if lane.cards.is_empty() { p.none { "None now" } }
                    @else { ul { @for card in &lane.cards { li data-item { (card) } } } }
                    @if let Some(href) = &lane.href
                        && usize::try_from(lane.count).is_ok_and(|count| count > lane.cards.len()) {
                        a.btn.btn-quiet href=(href) { "All " (number::count(lane.count)) }
                    }
                }
            }
        }
    }
}
