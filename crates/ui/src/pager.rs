//! Links between pages of a list. Lists go forward by cursor, so there are no page numbers.

use maud::{Markup, html};

/// A note ("50 of 2,410"), the way back to the first page and the way on; nothing when all are missing.
pub fn pager(note: Option<&str>, first: Option<&str>, next: Option<&str>) -> Markup {
    if note.is_none() && first.is_none() && next.is_none() {
        return html! {};
    }
    html! {
        nav.pager aria-label="Pages" {
            span.num { (note.unwrap_or_default()) }
            span.acts {
                @if let Some(href) = first { a.btn href=(href) { "First page" } }
                @if let Some(href) = next { a.btn rel="next" href=(href) { "Next page" } }
            }
        }
    }
}
