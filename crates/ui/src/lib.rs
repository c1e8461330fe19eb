//! The design system: every page of Agency OS is made of these parts, and of nothing else that carries
//! a class. Parts are values that render into [`maud`] markup; all text is escaped by maud.
//!
//! ```
//! use maud::html;
//! use ui::prelude::*;
//!
//! let leads = Table::new("Leads of this campaign", [Column::text("Name"), Column::text("Tier"), Column::number("Score")])
//!     .empty(state::empty("No leads yet", "Import a list or let Scout find some.", Some(Button::link("Import leads", "/leads/import").primary())))
//!     .row(Row::new().link("Priya Nair", "/leads/8").cell(tag(Tone::Hot, "High priority")).cell(number::count(91)));
//! let main = html! {
//!     (Heading::new("Leads").about("People worth writing to.").act(Button::link("New lead", "/leads/new").primary()))
//!     (kpis(&[Kpi::new("Leads", "2,410").href("/leads")]))
//!     (Card::new("All leads").body(leads))
//! };
//! let page = Shell { title: "Leads".into(), path: "/leads".into(), ..Shell::default() }.page(main);
//! assert!(page.into_string().contains("Priya Nair"));
//! ```
//!
//! How to choose:
//! - **Page**: [`layout::Shell`] (signed in) or [`layout::Plain`] (one card: sign-in, booking, errors).
//!   The content begins with one [`heading::Heading`]; [`grid`] places parts.
//! - **Surface**: [`card::Card`] with `.body` (brings its own padding: tables, feeds, states) or `.padded`.
//! - **Numbers**: [`kpi`], [`number`], money by its own `Display`; times by [`time::Wall`]. Unknown is a
//!   dash, never a zero.
//! - **Doing**: [`button::Button`], [`form::Form`] of [`field::Field`]s, [`filter::Filter`],
//!   [`approval::Approval`], [`dialog`].
//! - **States**: [`state`] (empty, failure, loading, partial, banner, flash), [`progress`].
//! - **Plots**: [`chart`].
//! - **Live**: wrap what may change in [`live::region`] and give the shell its [`layout::Live`] stream.
//! - **Keyboard**: table rows, board cards and approvals are walked with `j`/`k` by themselves.
//!
//! Content security policy that everything here keeps to: `default-src 'self'; style-src 'self';
//! script-src 'self'`. So no inline style or script, ever: a bar is [`progress::meter`] or a chart.

pub mod approval;
pub mod assets;
pub mod board;
pub mod button;
pub mod card;
pub mod chart;
pub mod dialog;
pub mod feed;
pub mod field;
pub mod filter;
pub mod form;
pub mod gallery;
pub mod grid;
pub mod heading;
pub mod kpi;
pub mod layout;
pub mod live;
pub mod number;
pub mod pager;
pub mod pairs;
pub mod palette;
pub mod progress;
pub mod state;
pub mod table;
pub mod tabs;
pub mod tag;
pub mod time;

pub use assets::{Asset, assets};
pub use layout::{Plain, Shell};

/// What most pages need in scope.
pub mod prelude {
    pub use crate::approval::Approval;
    pub use crate::board::{Lane, board};
    pub use crate::button::{Button, acts, copy};
    pub use crate::card::Card;
    pub use crate::chart;
    pub use crate::feed::{Entry, Event, feed, timeline};
    pub use crate::field::{Choice, Field, Input};
    pub use crate::filter::Filter;
    pub use crate::form::Form;
    pub use crate::heading::Heading;
    pub use crate::kpi::{Kpi, Trend, kpis};
    pub use crate::layout::{Live, NavGroup, NavItem, Plain, Shell, Spend, Theme, Who};
    pub use crate::pairs::{Pairs, diff, stepper};
    pub use crate::progress::{Progress, meter};
    pub use crate::state::{Banner, Failure, Flash, Level};
    pub use crate::table::{Align, Column, Row, Sorted, Table};
    pub use crate::tabs::{Tab, tabs};
    pub use crate::tag::{Tone, tag};
    pub use crate::time::Wall;
    pub use crate::{dialog, grid, live, number, state};
}
