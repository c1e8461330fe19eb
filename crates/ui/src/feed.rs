//! What happened: the live feed (newest first, one line each) and the timeline of one thing.

use crate::tag::Tone;
use maud::{Markup, Render, html};

/// One line of the feed.
#[derive(Clone, Debug)]
pub struct Entry {
    at: Markup,
    what: Markup,
}

impl Entry {
    /// When (a `time` element) and what.
    pub fn new(at: impl Render, what: impl Render) -> Self {
        Self { at: at.render(), what: what.render() }
    }
}

/// The feed.
pub fn feed(entries: &[Entry]) -> Markup {
    html! {
        ul.feed { @for entry in entries { li { (entry.at) span { (entry.what) } } } }
    }
}

/// One event in the life of a thing.
#[derive(Clone, Debug)]
pub struct Event {
    at: Markup,
    title: Markup,
    meta: Option<Markup>,
    quote: Option<String>,
    tone: Tone,
}

impl Event {
    /// When (a `time` element) and what.
    pub fn new(at: impl Render, title: impl Render) -> Self {
        Self { at: at.render(), title: title.render(), meta: None, quote: None, tone: Tone::Cold }
    }

    /// How to read it.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Who did it, at what cost, with which evidence.
    #[must_use]
    pub fn meta(mut self, meta: impl Render) -> Self {
        self.meta = Some(meta.render());
        self
    }

    /// What was written or said.
    #[must_use]
    pub fn quote(mut self, text: impl Into<String>) -> Self {
        self.quote = Some(text.into());
        self
    }
}

/// The timeline of one thing.
pub fn timeline(events: &[Event]) -> Markup {
    html! {
        ol.timeline {
            @for event in events {
                li class={ "t-" (event.tone.name()) } {
                    div { (event.title) }
                    div.meta { (event.at) @if let Some(meta) = &event.meta { " · " (meta) } }
                    @if let Some(quote) = &event.quote { blockquote { (quote) } }
                }
            }
        }
    }
}
