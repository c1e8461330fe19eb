//! What `/palette?q=` answers: inside the dialog to requests with the header `HX-Request`, and inside
//! a whole page to everybody else.

use maud::{Markup, html};

/// One thing found: a page, a record or an act.
#[derive(Clone, Debug, Default)]
pub struct Hit {
    /// What it is called.
    pub label: String,
    /// What it is, or where: "lead, Harbour Dental Group".
    pub detail: String,
    /// Where it is.
    pub href: String,
}

/// Groups of hits, each with a title; the fragment that the script shows.
pub fn hits(query: &str, groups: &[(&str, Vec<Hit>)]) -> Markup {
    html! {
        div data-hits {
            @if groups.iter().all(|(_, hits)| hits.is_empty()) {
                p { @if query.is_empty() { "Type a name, a company or a page." } @else { "Nothing is called “" (query) "”." } }
            }
            @for (title, hits) in groups {
                @if !hits.is_empty() {
                    h2 { (title) }
                    @for hit in hits { a href=(hit.href) { (hit.label) span { (hit.detail) } } }
                }
            }
        }
    }
}

/// The same as the main part of a page, with its own search field.
pub fn page(query: &str, groups: &[(&str, Vec<Hit>)]) -> Markup {
    html! {
        h1 { "Find" }
        form.filters method="get" role="search" {
            div.field.grow { label for="palette-q" { "Name, company or page" } input type="search" id="palette-q" name="q" value=(query); }
            button type="submit" { "Find" }
        }
        div.card.hits { (hits(query, groups)) }
    }
}
