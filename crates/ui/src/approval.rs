//! A decision that waits for a person: what will happen, the draft, why, and the three answers.

use crate::button::Button;
use maud::{Markup, Render, html};

/// An approval. The answers are on the keys `a`, `e` and `r` while the card is marked.
#[derive(Clone, Debug)]
pub struct Approval {
    id: String,
    title: Markup,
    draft: Option<String>,
    why: Vec<Markup>,
    evidence: Option<Markup>,
    acts: Vec<Markup>,
}

impl Approval {
    /// What will happen when it is approved; `id` is unique in the page.
    pub fn new(id: impl Into<String>, title: impl Render) -> Self {
        Self {
            id: id.into(),
            title: title.render(),
            draft: None,
            why: Vec::new(),
            evidence: None,
            acts: Vec::new(),
        }
    }

    /// The text that would be sent.
    #[must_use]
    pub fn draft(mut self, text: impl Into<String>) -> Self {
        self.draft = Some(text.into());
        self
    }

    /// One reason or circumstance: the agent, the evidence in short, the cost, when it expires.
    #[must_use]
    pub fn why(mut self, reason: impl Render) -> Self {
        self.why.push(reason.render());
        self
    }

    /// All of the evidence, prompt version, model and cost, folded.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Render) -> Self {
        self.evidence = Some(evidence.render());
        self
    }

    /// The button that approves ("Approve and send").
    #[must_use]
    pub fn approve(self, button: Button) -> Self {
        self.act(button.primary().key('a'))
    }

    /// The button or link that edits first.
    #[must_use]
    pub fn edit(self, button: Button) -> Self {
        self.act(button.key('e'))
    }

    /// The button or link that rejects ("Reject…").
    #[must_use]
    pub fn reject(self, button: Button) -> Self {
        self.act(button.key('r'))
    }

    /// Another answer.
    #[must_use]
    pub fn act(mut self, button: impl Render) -> Self {
        self.acts.push(button.render());
        self
    }
}

impl Render for Approval {
    fn render(&self) -> Markup {
        html! {
            article.approval id=(self.id) data-item aria-labelledby={ (self.id) "-t" } {
                h3 id={ (self.id) "-t" } { (self.title) }
                @if let Some(draft) = &self.draft { blockquote { (draft) } }
                @if !self.why.is_empty() {
                    div.why { @for (index, reason) in self.why.iter().enumerate() { @if index > 0 { " · " } (reason) } }
                }
                @if let Some(evidence) = &self.evidence {
                    details id={ (self.id) "-why" } { summary { "Evidence" } (evidence) }
                }
                @if !self.acts.is_empty() { (crate::button::acts(&self.acts)) }
            }
        }
    }
}
