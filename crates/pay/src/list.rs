//! What the lists of intents, mandates, payments, policies and payouts have in common: ids in their links,
//! and what those are called whom they name.

use crate::{principal, vendor};
use base::{Error, Result};
use maud::{Markup, html};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The id in a link of a list; none when the list is not narrowed by it.
///
/// # Errors
/// Invalid (`filter.invalid`).
pub(crate) fn id<T: From<Uuid>>(text: &str) -> Result<Option<T>> {
    match text {
        "" => Ok(None),
        text => text.parse::<Uuid>().map(|id| Some(id.into())).map_err(|cause| {
            Error::invalid("filter.invalid", "This link is damaged. Start again from the whole list.")
                .caused_by(cause)
        }),
    }
}

/// Who pays whom, in a row.
pub(crate) trait Parties {
    /// The paying agent.
    fn payer(&self) -> Uuid;
    /// The vendor.
    fn payee(&self) -> Uuid;
}

/// What paying agents and vendors are called.
pub(crate) struct Names(BTreeMap<Uuid, String>);

impl Names {
    /// Of those in these rows.
    pub(crate) async fn of(cx: &mut db::Cx, rows: &[impl Parties]) -> Result<Self> {
        let mut names = principal::names(cx, &rows.iter().map(Parties::payer).collect::<Vec<_>>()).await?;
        names.extend(vendor::names(cx, &rows.iter().map(Parties::payee).collect::<Vec<_>>()).await?);
        Ok(Self(names))
    }

    fn named(&self, id: Uuid) -> &str {
        self.0.get(&id).map_or("—", String::as_str)
    }

    /// The name of the paying agent of a row.
    pub(crate) fn payer(&self, row: &impl Parties) -> &str {
        self.named(row.payer())
    }

    /// The paying agent of a row, with the way to its page.
    pub(crate) fn who(&self, row: &impl Parties) -> Markup {
        html! { a href={ "/pay/principals/" (row.payer()) } { (self.payer(row)) } }
    }

    /// The vendor of a row, with the way to its page.
    pub(crate) fn whom(&self, row: &impl Parties) -> Markup {
        html! { a href={ "/pay/vendors/" (row.payee()) } { (self.named(row.payee())) } }
    }
}
