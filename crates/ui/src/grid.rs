//! How parts of a page stand: these functions are all the layout classes that a page needs.

use maud::{Markup, Render, html};

/// A wide part and a narrow one beside it; under each other on small screens.
pub fn main_side(wide: impl Render, narrow: impl Render) -> Markup {
    html! { div.row.c21 { div.stack { (wide) } div.stack { (narrow) } } }
}

/// Parts of the same width, two in a row where there is room.
pub fn halves<R: Render>(parts: impl IntoIterator<Item = R>) -> Markup {
    html! { div.row.halves { @for part in parts { (part) } } }
}

/// Parts of the same width, three or more in a row where there is room.
pub fn thirds<R: Render>(parts: impl IntoIterator<Item = R>) -> Markup {
    html! { div.row.thirds { @for part in parts { (part) } } }
}

/// Parts under each other.
pub fn stack<R: Render>(parts: impl IntoIterator<Item = R>) -> Markup {
    html! { div.stack { @for part in parts { (part) } } }
}

/// Running text with a readable line length.
pub fn prose(text: impl Render) -> Markup {
    html! { div.prose { (text) } }
}
