//! Live regions: parts of a page that fetch themselves again when a fact names them.
//!
//! The page's stream ([`crate::layout::Live`]) sends messages with an id and JSON data
//! `{"type":"outreach.reply.received"}`; after a broken connection it resumes behind the last id
//! (`Last-Event-ID` header; without it `?last_event_id=`, which the script sends on the first connection and
//! when it had to reconnect itself. The header is the newer one and wins). Type `reset` means
//! that it cannot, and makes every region fetch itself.

use maud::{Markup, Render, html};

/// A region: `id` is unique, `href` answers with a page or fragment that holds the same region, `facts`
/// are fact types (`lead.added`, or `lead.*`).
pub fn region(id: &str, href: &str, facts: &[&str], content: impl Render) -> Markup {
    html! {
        div.stack id=(id) data-refetch-on=(facts.join(" ")) data-refetch-href=(href) { (content) }
    }
}

/// Says whether the stream runs; for the head of a live card.
pub fn tag() -> Markup {
    html! { span.tag.ok data-live-tag data-script-only hidden role="status" { "streaming" } }
}
