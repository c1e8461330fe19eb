//! Dialogs that are already in the page. Open them with `Button::link(label, fallback).opens(id)`; most
//! dialogs need not be here at all: `Button::link(..).in_dialog(title)` shows another page in one.

use maud::{Markup, Render, html};

/// A dialog with a title and a way to close it without scripts in it.
pub fn dialog(id: &str, title: &str, body: impl Render) -> Markup {
    html! {
        dialog id=(id) aria-labelledby={ (id) "-title" } {
            div.hd {
                h2 id={ (id) "-title" } { (title) }
                form method="dialog" { button.btn-quiet type="submit" { "Close" } }
            }
            div.bd { (body) }
        }
    }
}

/// Marks the part of a page that is shown when the page opens in a dialog.
pub fn dialog_body(content: impl Render) -> Markup {
    html! { div.stack data-dialog-body { (content) } }
}
