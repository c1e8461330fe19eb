//! One field of a form: its label, control, hint and error, wired together for screen readers.

use maud::{Markup, Render, html};

/// What a one-line input holds; decides the keyboard on phones and the browser's own check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Input {
    /// Any text.
    #[default]
    Text,
    /// An email address.
    Email,
    /// A password.
    Password,
    /// A one-time code of digits.
    Code,
    /// A number.
    Number,
    /// A web address.
    Url,
    /// A phone number.
    Tel,
    /// A calendar day.
    Date,
    /// A day and a time of day.
    DateTime,
    /// A time of day.
    Time,
    /// Something to look for.
    Search,
    /// A colour.
    Color,
    /// A file to upload.
    File,
}

impl Input {
    fn kind(self) -> &'static str {
        match self {
            Self::Text | Self::Code => "text",
            Self::Email => "email",
            Self::Password => "password",
            Self::Number => "number",
            Self::Url => "url",
            Self::Tel => "tel",
            Self::Date => "date",
            Self::DateTime => "datetime-local",
            Self::Time => "time",
            Self::Search => "search",
            Self::Color => "color",
            Self::File => "file",
        }
    }
}

/// One choice of a select or of radio buttons.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub label: String,
    /// One more line under a radio button.
    pub hint: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    /// Adds the line under it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl<V: Into<String>, L: Into<String>> From<(V, L)> for Choice {
    fn from((value, label): (V, L)) -> Self {
        Self::new(value, label)
    }
}

#[derive(Clone, Debug)]
enum Control {
    Line(Input),
    Area(u16),
    Select(Vec<Choice>),
    Radios(Vec<Choice>),
    Checks(Vec<Choice>),
    Check,
    Word(String),
}

/// A field. `Field::email("email", "Work email").value(v).required().error(problem)`.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    label: String,
    control: Control,
    values: Vec<String>,
    hint: Option<String>,
    error: Option<String>,
    required: bool,
    checked: bool,
    disabled: bool,
    multiple: bool,
    autofocus: bool,
    hide_label: bool,
    grow: bool,
    autocomplete: Option<String>,
    placeholder: Option<String>,
    accept: Option<String>,
    min: Option<String>,
    max: Option<String>,
    step: Option<String>,
    max_chars: Option<u32>,
}

impl Field {
    fn new(name: impl Into<String>, label: impl Into<String>, control: Control) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            control,
            values: Vec::new(),
            hint: None,
            error: None,
            required: false,
            checked: false,
            disabled: false,
            multiple: false,
            autofocus: false,
            hide_label: false,
            grow: false,
            autocomplete: None,
            placeholder: None,
            accept: None,
            min: None,
            max: None,
            step: None,
            max_chars: None,
        }
    }

    /// A one-line input of this kind.
    pub fn line(kind: Input, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Control::Line(kind))
    }

    /// A line of text.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(Input::Text, name, label)
    }

    /// An email address.
    pub fn email(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(Input::Email, name, label).autocomplete("email")
    }

    /// A password; say with [`Field::autocomplete`] whether it is a `new-password`.
    pub fn password(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(Input::Password, name, label).autocomplete("current-password")
    }

    /// A number.
    pub fn number(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(Input::Number, name, label)
    }

    /// A file.
    pub fn file(name: impl Into<String>, label: impl Into<String>, accept: impl Into<String>) -> Self {
        let mut field = Self::line(Input::File, name, label);
        field.accept = Some(accept.into());
        field
    }

    /// Several lines of text.
    pub fn area(name: impl Into<String>, label: impl Into<String>, rows: u16) -> Self {
        Self::new(name, label, Control::Area(rows))
    }

    /// One of a list, folded.
    pub fn select<C: Into<Choice>>(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(name, label, Control::Select(choices.into_iter().map(Into::into).collect()))
    }

    /// One of a list, all in sight.
    pub fn radios<C: Into<Choice>>(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(name, label, Control::Radios(choices.into_iter().map(Into::into).collect()))
    }

    /// Any of a list: sends the name once per chosen value; preset them with [`Field::values`].
    pub fn checks<C: Into<Choice>>(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = C>,
    ) -> Self {
        Self::new(name, label, Control::Checks(choices.into_iter().map(Into::into).collect()))
    }

    /// Yes or no; sends `name=1` (or the value set) when yes.
    pub fn check(name: impl Into<String>, label: impl Into<String>, checked: bool) -> Self {
        let mut field = Self::new(name, label, Control::Check);
        field.checked = checked;
        field
    }

    /// A word to type before something that cannot be undone; the server must compare it again.
    pub fn confirm_word(name: impl Into<String>, word: impl Into<String>) -> Self {
        let word = word.into();
        Self::new(name, format!("Type “{word}” to confirm"), Control::Word(word))
            .required()
            .autocomplete("off")
    }

    /// The present value.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.values = vec![value.into()];
        self
    }

    /// The present values, for [`Field::checks`].
    #[must_use]
    pub fn values<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values = values.into_iter().map(Into::into).collect();
        self
    }

    /// What helps to fill it in.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong with the value, if something is.
    #[must_use]
    pub fn error<E: Into<String>>(mut self, error: Option<E>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// Must be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Cannot be changed here.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Takes several files.
    #[must_use]
    pub fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// Has the cursor when the page opens; at most one per page.
    #[must_use]
    pub fn autofocus(mut self) -> Self {
        self.autofocus = true;
        self
    }

    /// Keeps the label for screen readers only.
    #[must_use]
    pub fn hide_label(mut self) -> Self {
        self.hide_label = true;
        self
    }

    /// Takes the free width of a filter bar.
    #[must_use]
    pub fn grow(mut self) -> Self {
        self.grow = true;
        self
    }

    /// The HTML autocomplete token.
    #[must_use]
    pub fn autocomplete(mut self, token: impl Into<String>) -> Self {
        self.autocomplete = Some(token.into());
        self
    }

    /// An example of a value; never instead of the label.
    #[must_use]
    pub fn placeholder(mut self, example: impl Into<String>) -> Self {
        self.placeholder = Some(example.into());
        self
    }

    /// The smallest and the largest value, and the step between (`any` for decimals).
    #[must_use]
    pub fn range(mut self, min: impl Into<String>, max: impl Into<String>, step: impl Into<String>) -> Self {
        self.min = Some(min.into());
        self.max = Some(max.into());
        self.step = Some(step.into());
        self
    }

    /// The most characters.
    #[must_use]
    pub fn max_chars(mut self, chars: u32) -> Self {
        self.max_chars = Some(chars);
        self
    }

    /// The name, the label and the error, for a form's summary.
    pub(crate) fn problem(&self) -> Option<(&str, &str, &str)> {
        self.error.as_deref().map(|error| (self.name.as_str(), self.label.as_str(), error))
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.control, Control::Line(Input::File))
    }

    fn first_value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    fn described_by(&self, id: &str) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{id}-hint"));
        let error = self.error.as_ref().map(|_| format!("{id}-err"));
        match (error, hint) {
            (Some(error), Some(hint)) => Some(format!("{error} {hint}")),
            (one, other) => one.or(other),
        }
    }

    fn notes(&self, id: &str) -> Markup {
        html! {
            @if let Some(hint) = &self.hint { span.hint id={ (id) "-hint" } { (hint) } }
            @if let Some(error) = &self.error { span.err id={ (id) "-err" } { (error) } }
        }
    }

    /// Renders with ids that begin with `prefix`, so that two forms of a page never share one.
    pub fn render_in(&self, prefix: &str) -> Markup {
        let id = format!("{prefix}-{}", self.name);
        match &self.control {
            Control::Radios(choices) => self.group(&id, choices, "radio"),
            Control::Checks(choices) => self.group(&id, choices, "checkbox"),
            Control::Check => self.single_check(&id),
            Control::Line(_) | Control::Area(_) | Control::Select(_) | Control::Word(_) => html! {
                div.field.grow[self.grow] {
                    label class=[self.hide_label.then_some("vh")] for=(id) {
                        (self.label)
                        @if self.may_stay_empty() && !self.hide_label && !self.grow && prefix != "filter" { " " span.opt { "optional" } }
                    }
                    (self.control(&id))
                    (self.notes(&id))
                }
            },
        }
    }

    fn control(&self, id: &str) -> Markup {
        let described = self.described_by(id);
        let invalid = self.error.as_ref().map(|_| "true");
        match &self.control {
            Control::Area(rows) => html! {
                textarea id=(id) name=(self.name) rows=(rows) required[self.required] disabled[self.disabled] autofocus[self.autofocus]
                    placeholder=[&self.placeholder] maxlength=[self.max_chars] aria-describedby=[described] aria-invalid=[invalid] {
                    // The parser drops one line break right after the tag: give it one to drop.
                    "\n" (self.first_value())
                }
            },
            Control::Select(choices) => html! {
                select id=(id) name=(self.name) required[self.required] disabled[self.disabled] autofocus[self.autofocus]
                    aria-describedby=[described] aria-invalid=[invalid] {
                    @for choice in choices {
                        option value=(choice.value) selected[self.values.contains(&choice.value)] { (choice.label) }
                    }
                }
            },
            Control::Line(_)
            | Control::Word(_)
            | Control::Radios(_)
            | Control::Checks(_)
            | Control::Check => self.line_control(id, described, invalid),
        }
    }

    fn line_control(&self, id: &str, described: Option<String>, invalid: Option<&str>) -> Markup {
        let (kind, word) = match &self.control {
            Control::Line(kind) => (*kind, None),
            Control::Word(word) => (Input::Text, Some(word)),
            Control::Area(_)
            | Control::Select(_)
            | Control::Radios(_)
            | Control::Checks(_)
            | Control::Check => (Input::Text, None),
        };
        // Passwords and files never go back to the browser.
        let value = match kind {
            Input::Password | Input::File => None,
            Input::Text
            | Input::Email
            | Input::Code
            | Input::Number
            | Input::Url
            | Input::Tel
            | Input::Date
            | Input::DateTime
            | Input::Time
            | Input::Search
            | Input::Color => self.values.first(),
        };
        let mode = (kind == Input::Code).then_some("numeric");
        html! {
            input type=(kind.kind()) id=(id) name=(self.name) value=[value] required[self.required] disabled[self.disabled]
                multiple[self.multiple] autofocus[self.autofocus] inputmode=[mode] autocomplete=[&self.autocomplete]
                placeholder=[&self.placeholder] accept=[&self.accept] min=[&self.min] max=[&self.max] step=[&self.step]
                maxlength=[self.max_chars] data-word=[word] aria-describedby=[described] aria-invalid=[invalid];
        }
    }

    /// Whether nothing need be given; a list to choose from always has a value.
    fn may_stay_empty(&self) -> bool {
        !self.required && !self.disabled && !matches!(self.control, Control::Select(_))
    }

    fn single_check(&self, id: &str) -> Markup {
        let value = if self.values.is_empty() { "1" } else { self.first_value() };
        html! {
            div.field {
                label.check for=(id) {
                    input type="checkbox" id=(id) name=(self.name) value=(value) checked[self.checked] required[self.required]
                        disabled[self.disabled] aria-describedby=[self.described_by(id)] aria-invalid=[self.error.as_ref().map(|_| "true")];
                    span { (self.label) }
                }
                (self.notes(id))
            }
        }
    }

    fn group(&self, id: &str, choices: &[Choice], kind: &str) -> Markup {
        html! {
            fieldset.bare.field id=(id) aria-describedby=[self.described_by(id)] disabled[self.disabled] {
                legend class=[self.hide_label.then_some("vh")] { (self.label) }
                @for (index, choice) in choices.iter().enumerate() {
                    @let own = format!("{id}-{index}");
                    label.check for=(own) {
                        input type=(kind) id=(own) name=(self.name) value=(choice.value) checked[self.values.contains(&choice.value)]
                            required[self.required && kind == "radio"];
                        span { (choice.label) @if !choice.hint.is_empty() { span.hint { (choice.hint) } } }
                    }
                }
                (self.notes(id))
            }
        }
    }
}

impl Render for Field {
    fn render(&self) -> Markup {
        self.render_in("f")
    }
}
