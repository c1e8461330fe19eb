//! Forms: real ones, posted, that work without scripts; problems are listed first and beside each field.

use crate::button::{Button, acts};
use crate::field::Field;
use maud::{Markup, Render, html};

#[derive(Clone, Debug)]
enum Part {
    One(Box<Field>),
    Line(Vec<Field>),
    Set(String, Vec<Field>),
    Other(Markup),
}

/// A form that posts. `Form::post("/leads", "lead").field(..).submit("Save lead")`.
#[derive(Clone, Debug, Default)]
pub struct Form {
    action: String,
    id: String,
    parts: Vec<Part>,
    hidden: Vec<(String, String)>,
    problem: Option<String>,
    acts: Vec<Markup>,
    confirm: Option<String>,
    swaps: Option<String>,
}

impl Form {
    /// A form that posts to `action`; its id is unique in the page and begins the ids of its fields.
    pub fn post(action: impl Into<String>, id: impl Into<String>) -> Self {
        Self { action: action.into(), id: id.into(), ..Self::default() }
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.parts.push(Part::One(Box::new(field)));
        self
    }

    /// Adds short fields side by side.
    #[must_use]
    pub fn line(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.parts.push(Part::Line(fields.into_iter().collect()));
        self
    }

    /// Adds a named group of fields.
    #[must_use]
    pub fn set(mut self, legend: impl Into<String>, fields: impl IntoIterator<Item = Field>) -> Self {
        self.parts.push(Part::Set(legend.into(), fields.into_iter().collect()));
        self
    }

    /// Adds anything between the fields: an explanation, a preview.
    #[must_use]
    pub fn other(mut self, content: impl Render) -> Self {
        self.parts.push(Part::Other(content.render()));
        self
    }

    /// Sends a value that people do not see.
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.hidden.push((name.into(), value.into()));
        self
    }

    /// What is wrong with the whole, if something is. Problems of fields are listed by themselves.
    #[must_use]
    pub fn problem<E: Into<String>>(mut self, problem: Option<E>) -> Self {
        self.problem = problem.map(Into::into);
        self
    }

    /// The primary button.
    #[must_use]
    pub fn submit(self, label: impl Into<String>) -> Self {
        self.act(Button::submit(label).primary())
    }

    /// A link beside the buttons that leaves without saving.
    #[must_use]
    pub fn cancel(self, href: impl Into<String>) -> Self {
        self.act(Button::link("Cancel", href).quiet())
    }

    /// One more button or link in the last row.
    #[must_use]
    pub fn act(mut self, button: impl Render) -> Self {
        self.acts.push(button.render());
        self
    }

    /// Asks this question before it posts (with scripts).
    #[must_use]
    pub fn confirm(mut self, question: impl Into<String>) -> Self {
        self.confirm = Some(question.into());
        self
    }

    /// With scripts, puts the answer in place of the element with this selector instead of loading a page.
    #[must_use]
    pub fn swaps(mut self, selector: impl Into<String>) -> Self {
        self.swaps = Some(selector.into());
        self
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().flat_map(|part| match part {
            Part::One(field) => std::slice::from_ref(field.as_ref()),
            Part::Line(fields) | Part::Set(_, fields) => fields.as_slice(),
            Part::Other(_) => &[],
        })
    }

    fn summary(&self) -> Markup {
        let problems: Vec<_> = self.fields().filter_map(Field::problem).collect();
        if problems.is_empty() && self.problem.is_none() {
            return html! {};
        }
        html! {
            div.problem role="alert" {
                h2 { @match &self.problem { Some(text) => (text), None => "This could not be saved yet" } }
                @if !problems.is_empty() {
                    ul { @for (name, label, error) in problems { li { a href={ "#" (self.id) "-" (name) } { (label) } ": " (error) } } }
                }
            }
        }
    }
}

impl Render for Form {
    fn render(&self) -> Markup {
        let encoding = self.fields().any(Field::is_file).then_some("multipart/form-data");
        html! {
            form.form id=(self.id) method="post" action=(self.action) enctype=[encoding] data-confirm=[&self.confirm]
                hx-post=[self.swaps.as_ref().map(|_| &self.action)] hx-target=[&self.swaps]
                hx-swap=[self.swaps.as_ref().map(|_| "outerHTML")] hx-encoding=[self.swaps.as_ref().and(encoding)] {
                (self.summary())
                @for (name, value) in &self.hidden { input type="hidden" name=(name) value=(value); }
                @for part in &self.parts {
                    @match part {
                        Part::One(field) => (field.render_in(&self.id)),
                        Part::Line(fields) => { div.fields { @for field in fields { (field.render_in(&self.id)) } } },
                        Part::Set(legend, fields) => { fieldset { legend { (legend) } @for field in fields { (field.render_in(&self.id)) } } },
                        Part::Other(content) => (content),
                    }
                }
                @if !self.acts.is_empty() { (acts(&self.acts)) }
            }
        }
    }
}

#[cfg(test)]
#[path = "form/tests.rs"]
mod tests;
