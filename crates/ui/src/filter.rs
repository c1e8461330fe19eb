//! The filter bar above a list: a form that gets, so that every filter is an address to share.

use crate::field::Field;
use maud::{Markup, Render, html};

/// A filter bar. With scripts it applies when a choice changes; the button is there for everybody.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    action: String,
    fields: Vec<Field>,
    hidden: Vec<(String, String)>,
    clear: bool,
    acts: Vec<Markup>,
    views: Vec<(String, String, bool)>,
}

impl Filter {
    /// A bar for the list at this address.
    pub fn new(action: impl Into<String>) -> Self {
        Self { action: action.into(), ..Self::default() }
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Keeps a value that is not part of the bar (the sort order).
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.hidden.push((name.into(), value.into()));
        self
    }

    /// Whether something is filtered now; shows the way back to everything.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.clear = active;
        self
    }

    /// A button or link after the fields: export, save this view.
    #[must_use]
    pub fn act(mut self, button: impl Render) -> Self {
        self.acts.push(button.render());
        self
    }

    /// A saved view: its label, its address, whether it is the present one.
    #[must_use]
    pub fn view(mut self, label: impl Into<String>, href: impl Into<String>, here: bool) -> Self {
        self.views.push((label.into(), href.into(), here));
        self
    }
}

impl Render for Filter {
    fn render(&self) -> Markup {
        html! {
            div.stack {
                @if !self.views.is_empty() {
                    nav.chips aria-label="Saved views" {
                        @for (label, href, here) in &self.views { a.chip href=(href) aria-current=[here.then_some("true")] { (label) } }
                    }
                }
                form.filters method="get" action=(self.action) role="search" {
                    @for (name, value) in &self.hidden { input type="hidden" name=(name) value=(value); }
                    @for field in &self.fields { (field.render_in("filter")) }
                    button type="submit" { "Filter" }
                    @if self.clear { a.btn.btn-quiet href=(self.action) { "Clear" } }
                    @for act in &self.acts { (act) }
                }
            }
        }
    }
}
