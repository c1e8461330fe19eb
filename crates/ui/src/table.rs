//! Tables: real tables with a caption, sort links, selectable rows, an empty state and a next page.

use crate::number;
use maud::{Markup, Render, html};

/// Which way a column is sorted now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sorted {
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// Where the content of a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
    /// Single marks.
    Center,
}

impl Align {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Left => None,
            Self::Right => Some("r"),
            Self::Center => Some("c"),
        }
    }
}

/// A column. Plain text makes a left-aligned one: `Table::new("Leads", ["Name", "Company"])`.
#[derive(Clone, Debug, Default)]
pub struct Column {
    label: String,
    align: Align,
    href: Option<String>,
    sorted: Option<Sorted>,
    hidden_label: bool,
}

impl Column {
    /// A column of words.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A column of numbers, right-aligned.
    pub fn number(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Right, ..Self::default() }
    }

    /// A column whose label only screen readers need (for row actions).
    pub fn acts(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Right, hidden_label: true, ..Self::default() }
    }

    /// Sets where the content stands.
    #[must_use]
    pub fn align(mut self, align: Align) -> Self {
        self.align = align;
        self
    }

    /// Makes the head a link that sorts by this column; `now` is how it is sorted at present.
    #[must_use]
    pub fn sort(mut self, href: impl Into<String>, now: Option<Sorted>) -> Self {
        self.href = Some(href.into());
        self.sorted = now;
        self
    }
}

impl From<&str> for Column {
    fn from(label: &str) -> Self {
        Self::text(label)
    }
}

impl From<String> for Column {
    fn from(label: String) -> Self {
        Self::text(label)
    }
}

/// A row: one cell per column. `Row::new().cell("Ada").cell(tag(Tone::Hot, "91"))`, or an array of alike cells.
#[derive(Clone, Debug, Default)]
pub struct Row {
    id: Option<String>,
    cells: Vec<Markup>,
    pick: Option<(String, String)>,
}

impl Row {
    /// An empty row.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cell. The first cell names the row for screen readers.
    #[must_use]
    pub fn cell(mut self, content: impl Render) -> Self {
        self.cells.push(content.render());
        self
    }

    /// Adds a link to the row's own page; the usual first cell.
    #[must_use]
    pub fn link(self, label: &str, href: &str) -> Self {
        self.cell(html! { a href=(href) { (label) } })
    }

    /// Adds a cell, a dash when there is nothing (unknown is not zero).
    #[must_use]
    pub fn maybe<R: Render>(self, content: Option<R>) -> Self {
        match content {
            Some(content) => self.cell(content),
            None => self.cell(html! { span.quiet aria-label="unknown" { "–" } }),
        }
    }

    /// Gives the row an id, to swap it alone.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Makes the row selectable: the value to send, and what it is called ("Select Ada Wong").
    #[must_use]
    pub fn pick(mut self, value: impl Into<String>, called: impl Into<String>) -> Self {
        self.pick = Some((value.into(), called.into()));
        self
    }
}

impl<R: Render, const N: usize> From<[R; N]> for Row {
    fn from(cells: [R; N]) -> Self {
        Self { cells: cells.iter().map(Render::render).collect(), ..Self::default() }
    }
}

/// What can be done with selected rows. The form sends `pick` once per chosen row, and `all=1` when
/// everything that matches the filter is meant.
#[derive(Clone, Debug, Default)]
struct Bulk {
    form: String,
    action: String,
    matching: Option<i64>,
    hidden: Vec<(String, String)>,
    buttons: Vec<Markup>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    id: Option<String>,
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    empty: Option<Markup>,
    bulk: Option<Bulk>,
    next: Option<String>,
    first: Option<String>,
    note: Option<String>,
}

impl Table {
    /// A table; the caption names it for screen readers.
    pub fn new<C: Into<Column>>(caption: impl Into<String>, columns: impl IntoIterator<Item = C>) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Gives it an id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, row: impl Into<Row>) -> Self {
        self.rows.push(row.into());
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn rows<R: Into<Row>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        self.rows.extend(rows.into_iter().map(Into::into));
        self
    }

    /// What stands here when there are no rows (see `state::empty`).
    #[must_use]
    pub fn empty(mut self, state: impl Render) -> Self {
        self.empty = Some(state.render());
        self
    }

    /// Makes rows that have [`Row::pick`] selectable and posts them to `action`; `form` is the id of the
    /// form. Row buttons that post must then stand outside of it or be [`crate::button::Button::post`].
    #[must_use]
    pub fn bulk(mut self, form: impl Into<String>, action: impl Into<String>) -> Self {
        self.bulk = Some(Bulk { form: form.into(), action: action.into(), ..Bulk::default() });
        self
    }

    /// How many rows match the filter in all, to offer "all 2,410 that match". Needs [`Table::bulk`].
    #[must_use]
    pub fn matching(mut self, total: i64) -> Self {
        if let Some(bulk) = &mut self.bulk {
            bulk.matching = Some(total);
        }
        self
    }

    /// Sends a hidden value with the selection (the filter). Needs [`Table::bulk`].
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Some(bulk) = &mut self.bulk {
            bulk.hidden.push((name.into(), value.into()));
        }
        self
    }

    /// A button for the selection. Needs [`Table::bulk`].
    #[must_use]
    pub fn bulk_act(mut self, button: impl Render) -> Self {
        if let Some(bulk) = &mut self.bulk {
            bulk.buttons.push(button.render());
        }
        self
    }

    /// The address of the next page, when there is one.
    #[must_use]
    pub fn next(mut self, href: Option<String>) -> Self {
        self.next = href;
        self
    }

    /// The address of the first page, when this is not it.
    #[must_use]
    pub fn first(mut self, href: Option<String>) -> Self {
        self.first = href;
        self
    }

    /// A word beside the page links: "50 of 2,410 leads".
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn head(&self) -> Markup {
        html! {
            thead {
                tr {
                    @if self.bulk.is_some() {
                        th.pick scope="col" { input type="checkbox" aria-label="Select all rows of this page" data-script-only hidden; }
                    }
                    @for column in &self.columns {
                        th scope="col" class=[column.align.class()] aria-sort=[column.sorted.map(|s| match s {
                            Sorted::Up => "ascending",
                            Sorted::Down => "descending",
                        })] {
                            @if let Some(href) = &column.href { a href=(href) { (column.label) } }
                            @else if column.hidden_label { span.vh { (column.label) } }
                            @else { (column.label) }
                        }
                    }
                }
            }
        }
    }

    fn body(&self) -> Markup {
        let form = self.bulk.as_ref().map(|bulk| &bulk.form);
        html! {
            tbody.num {
                @for row in &self.rows {
                    tr id=[&row.id] data-item {
                        @if self.bulk.is_some() {
                            td.pick {
                                @if let Some((value, called)) = &row.pick {
                                    input type="checkbox" name="pick" value=(value) form=[form] aria-label={ "Select " (called) };
                                }
                            }
                        }
                        @for (index, cell) in row.cells.iter().enumerate() {
                            td class=[self.columns.get(index).and_then(|c| c.align.class())] { (cell) }
                        }
                    }
                }
            }
        }
    }
}

impl Bulk {
    fn bar(&self, on_page: usize) -> Markup {
        let more = self.matching.filter(|total| usize::try_from(*total).is_ok_and(|t| t > on_page));
        html! {
            form.bulk id=(self.form) method="post" action=(self.action) {
                @for (name, value) in &self.hidden { input type="hidden" name=(name) value=(value); }
                span data-count role="status" { "Select rows, then:" }
                @if let Some(total) = more {
                    label.check { input type="checkbox" name="all" value="1"; span { "All " (number::count(total)) " that match" } }
                }
                (crate::button::acts(&self.buttons))
            }
        }
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        if self.rows.is_empty()
            && let Some(empty) = &self.empty
        {
            return html! { div id=[&self.id] { (empty) (crate::pager::pager(None, self.first.as_deref(), None)) } };
        }
        html! {
            div id=[&self.id] {
                @if let Some(bulk) = &self.bulk { (bulk.bar(self.rows.len())) }
                // A table wider than the screen scrolls by itself; the keyboard must reach it.
                div.scroll tabindex="0" role="group" aria-label=(self.caption) {
                    table { caption.vh { (self.caption) } (self.head()) (self.body()) }
                }
                (crate::pager::pager(self.note.as_deref(), self.first.as_deref(), self.next.as_deref()))
            }
        }
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;
