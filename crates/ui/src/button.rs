//! Buttons: one primary per card; a link when it goes somewhere, a button when it does something.

use maud::{Markup, Render, html};

/// How loud a button is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Look {
    /// The usual button.
    #[default]
    Plain,
    /// The one thing to do here.
    Primary,
    /// Stops, removes or refuses something.
    Danger,
    /// Nearly text, for the least important.
    Quiet,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "btn",
            Self::Primary => "btn btn-primary",
            Self::Danger => "btn btn-danger",
            Self::Quiet => "btn btn-quiet",
        }
    }
}

#[derive(Clone, Debug)]
enum Does {
    Submit { form: Option<String> },
    Go(String),
    Post { action: String, hidden: Vec<(String, String)> },
}

/// A button that submits, links or posts. Build, then put it into markup: `(Button::submit("Save").primary())`.
#[derive(Clone, Debug)]
pub struct Button {
    label: String,
    does: Does,
    look: Look,
    name: Option<(String, String)>,
    confirm: Option<String>,
    dialog: Option<String>,
    opens: Option<String>,
    act: Option<char>,
    off: Option<String>,
    swaps: Option<String>,
    about: Option<String>,
}

impl Button {
    fn new(label: impl Into<String>, does: Does) -> Self {
        Self {
            label: label.into(),
            does,
            look: Look::Plain,
            name: None,
            confirm: None,
            dialog: None,
            opens: None,
            act: None,
            off: None,
            swaps: None,
            about: None,
        }
    }

    /// Submits the form around it.
    pub fn submit(label: impl Into<String>) -> Self {
        Self::new(label, Does::Submit { form: None })
    }

    /// Submits the form with this id, from anywhere in the page.
    pub fn submit_of(label: impl Into<String>, form: impl Into<String>) -> Self {
        Self::new(label, Does::Submit { form: Some(form.into()) })
    }

    /// A link that looks like a button.
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self::new(label, Does::Go(href.into()))
    }

    /// A form of its own with nothing but this button. Not inside another form.
    pub fn post(label: impl Into<String>, action: impl Into<String>) -> Self {
        Self::new(label, Does::Post { action: action.into(), hidden: Vec::new() })
    }

    /// Sends a hidden value along; only for [`Button::post`].
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Does::Post { hidden, .. } = &mut self.does {
            hidden.push((name.into(), value.into()));
        }
        self
    }

    /// The one thing to do here.
    #[must_use]
    pub fn primary(self) -> Self {
        self.look(Look::Primary)
    }

    /// Stops, removes or refuses something.
    #[must_use]
    pub fn danger(self) -> Self {
        self.look(Look::Danger)
    }

    /// Nearly text.
    #[must_use]
    pub fn quiet(self) -> Self {
        self.look(Look::Quiet)
    }

    /// Sets how loud it is.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// Sends `name=value` when this button submits.
    #[must_use]
    pub fn value(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.name = Some((name.into(), value.into()));
        self
    }

    /// Asks this question first (with scripts; the server must still be able to undo or ask).
    #[must_use]
    pub fn confirm(mut self, question: impl Into<String>) -> Self {
        self.confirm = Some(question.into());
        self
    }

    /// Shows the linked page's `[data-dialog-body]` (else its main part) in a dialog with this title;
    /// without scripts it is a plain link.
    #[must_use]
    pub fn in_dialog(mut self, title: impl Into<String>) -> Self {
        self.dialog = Some(title.into());
        self
    }

    /// Opens the `<dialog>` with this id that is already in the page; a link's address is the way
    /// without scripts.
    #[must_use]
    pub fn opens(mut self, id: impl Into<String>) -> Self {
        self.opens = Some(id.into());
        self
    }

    /// The key that presses it while its row or card is marked (`a`, `e`, `r` in approvals).
    #[must_use]
    pub fn key(mut self, key: char) -> Self {
        self.act = Some(key);
        self
    }

    /// Cannot be used now; the reason is shown on hover and read out.
    #[must_use]
    pub fn off(mut self, reason: impl Into<String>) -> Self {
        self.off = Some(reason.into());
        self
    }

    /// With scripts, puts the answer in place of the element with this selector (`#row-8`) instead of
    /// loading a page; only for [`Button::post`].
    #[must_use]
    pub fn swaps(mut self, selector: impl Into<String>) -> Self {
        self.swaps = Some(selector.into());
        self
    }

    /// What it is about, read out after the label, when many buttons say the same ("Pause" + "Scout").
    #[must_use]
    pub fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }

    fn inside(&self) -> Markup {
        html! {
            (self.label)
            @if let Some(about) = &self.about { span.vh { " " (about) } }
        }
    }

    fn button(&self, form: Option<&str>) -> Markup {
        let (name, value) = match &self.name {
            Some((name, value)) => (Some(name), Some(value)),
            None => (None, None),
        };
        html! {
            button type=(if self.opens.is_some() { "button" } else { "submit" }) class=(self.look.class()) form=[form]
                name=[name] value=[value] data-confirm=[&self.confirm] data-act=[self.act]
                data-open=[&self.opens] disabled[self.off.is_some()] title=[&self.off] { (self.inside()) }
        }
    }
}

impl Render for Button {
    fn render(&self) -> Markup {
        match &self.does {
            Does::Submit { form } => self.button(form.as_deref()),
            Does::Go(href) => html! {
                a class=(self.look.class()) href=[self.off.is_none().then_some(href)]
                    aria-disabled=[self.off.as_ref().map(|_| "true")] title=[&self.off] data-act=[self.act]
                    aria-haspopup=[(self.dialog.is_some() || self.opens.is_some()).then_some("dialog")]
                    data-dialog=[&self.dialog] data-open=[&self.opens] { (self.inside()) }
            },
            Does::Post { action, hidden } => html! {
                form.one method="post" action=(action) hx-post=[self.swaps.as_ref().map(|_| action)]
                    hx-target=[&self.swaps] hx-swap=[self.swaps.as_ref().map(|_| "outerHTML")] {
                    @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
                    (self.button(None))
                }
            },
        }
    }
}

/// Buttons side by side, the primary first.
pub fn acts<B: Render>(buttons: impl IntoIterator<Item = B>) -> Markup {
    html! { div.acts { @for button in buttons { (button) } } }
}

/// A value to take away, with a button that copies it (the button needs scripts and hides without).
pub fn copy(value: &str) -> Markup {
    html! {
        span.copy {
            code { (value) }
            button type="button" data-copy=(value) data-script-only hidden { "Copy" span.vh { " " (value) } }
        }
    }
}
