//! The states of a view besides "ready": empty, error, loading, partial; and the notices above a page.

use crate::button::Button;
use maud::{Markup, Render, html};

/// Nothing here yet: says so, why, and offers the next useful thing to do.
pub fn empty(title: &str, why: impl Render, next: Option<Button>) -> Markup {
    html! {
        div.state {
            // No heading: it stands in cards with a title and without one.
            p.state-title { (title) }
            p { (why) }
            @if let Some(next) = next { div.acts { (next) } }
        }
    }
}

/// What an error tells a person.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// What did not work: "The leads could not be read".
    pub what: String,
    /// Why, as far as known.
    pub why: String,
    /// What to do now.
    pub todo: String,
    /// The id to quote to support.
    pub request_id: Option<String>,
    /// Where to try again.
    pub retry: Option<String>,
}

impl Render for Failure {
    fn render(&self) -> Markup {
        html! {
            div.state.bad role="alert" {
                h3 { (self.what) }
                p { (self.why) @if !self.todo.is_empty() { " " (self.todo) } }
                @if let Some(href) = &self.retry { div.acts { (Button::link("Try again", href)) } }
                @if let Some(id) = &self.request_id { p { code { "Request " (id) } } }
            }
        }
    }
}

/// Something is on its way: grey lines of roughly its shape, and words for those who do not see them.
pub fn loading(what: &str, lines: u8) -> Markup {
    html! {
        div.skeleton role="status" {
            span.vh { "Loading " (what) "…" }
            @for _ in 0..lines { i aria-hidden="true" {} }
        }
    }
}

/// A part is missing or stale: which, and until when; stands above the part that is there.
pub fn partial(what: impl Render) -> Markup {
    html! { div.note.b-warn role="status" { (what) } }
}

/// What kind of news a notice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Level {
    /// For information.
    #[default]
    Info,
    /// It worked.
    Good,
    /// Look at this soon.
    Warn,
    /// Something is stopped or broken.
    Bad,
}

impl Level {
    fn class(self) -> &'static str {
        match self {
            Self::Info => "b-info",
            Self::Good => "b-good",
            Self::Warn => "b-warn",
            Self::Bad => "b-bad",
        }
    }
}

/// A bar over the whole page (trial ends, everything is stopped, data are simulated).
#[derive(Clone, Debug, Default)]
pub struct Banner {
    /// How urgent.
    pub level: Level,
    /// What is the case.
    pub text: String,
    /// What to do about it: label and address.
    pub act: Option<(String, String)>,
}

impl Render for Banner {
    fn render(&self) -> Markup {
        html! {
            div.banner.(self.level.class()) role="status" {
                span { (self.text) }
                @if let Some((label, href)) = &self.act { a.btn href=(href) { (label) } }
            }
        }
    }
}

/// The answer to what the person just did, on the next page.
#[derive(Clone, Debug, Default)]
pub struct Flash {
    /// How it went.
    pub level: Level,
    /// What happened.
    pub text: String,
}

impl Render for Flash {
    fn render(&self) -> Markup {
        let role = if self.level == Level::Bad { "alert" } else { "status" };
        html! { div.note.(self.level.class()) role=(role) { (self.text) } }
    }
}
