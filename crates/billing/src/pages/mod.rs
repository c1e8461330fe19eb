//! The pages of billing: [`client`] for the client, [`buy`] on the way to the provider, [`platform`] for
//! whoever runs the installation, with what is sold in [`offers`].

pub(crate) mod buy;
pub(crate) mod client;
pub(crate) mod offers;
pub(crate) mod platform;

use crate::credit;
use crate::invoice::Status;
use crate::standing::Standing;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base::{Cursor, Error};
use maud::Markup;
use serde::Deserialize;
use std::pin::Pin;
use ui::prelude::*;
use web::App;

/// The rest of a request, to draw a page or go on after its transaction is over.
pub(crate) struct Again(Parts, App);

impl FromRequestParts<App> for Again {
    type Rejection = web::Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> web::Result<Self> {
        Ok(Self(parts.clone(), app.clone()))
    }
}

impl Again {
    /// A fresh transaction of the same caller. The one before must be over.
    pub(crate) async fn cx(mut self) -> web::Result<web::Cx> {
        web::Cx::from_request_parts(&mut self.0, &self.1).await
    }
}

/// How to begin transactions of the same caller, one after the other.
pub(crate) fn beginning(cx: &web::Cx) -> impl Fn() -> Begun + use<> {
    let (db, scope, caller) = (cx.app().db().clone(), cx.scope(), cx.caller().clone());
    move || {
        let (db, caller) = (db.clone(), caller.clone());
        Box::pin(async move { db.begin(scope, caller).await })
    }
}

/// A transaction that is being begun.
pub(crate) type Begun = Pin<Box<dyn Future<Output = base::Result<db::Cx>> + Send>>;

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) after: String,
}

impl Asked {
    /// The cursor; none when it is empty. A damaged one is refused where it is used.
    pub(crate) fn cursor(&self) -> base::Result<Option<Cursor>> {
        if self.after.is_empty() {
            return Ok(None);
        }
        serde_json::from_value(serde_json::Value::from(self.after.as_str())).map(Some).map_err(Error::from)
    }
}

/// Hundredths of a percent, as people read them.
pub(crate) fn percent(basis_points: i32) -> String {
    let (whole, part) = (basis_points / 100, basis_points % 100);
    if part == 0 { format!("{whole}%") } else { format!("{whole}.{part:02}%") }
}

/// How a client stands.
pub(crate) fn standing_tag(standing: Standing) -> Markup {
    let tone = match standing {
        Standing::Active { .. } => Tone::Good,
        Standing::Trialing { .. } => Tone::Cool,
        Standing::OutOfCredits { .. } | Standing::Paused => Tone::Warm,
        Standing::PastDue { .. } | Standing::TrialOver { .. } => Tone::Bad,
        Standing::Cancelled => Tone::Cold,
    };
    tag(tone, standing.label())
}

/// How an invoice stands.
pub(crate) fn invoice_tag(status: Status) -> Markup {
    let tone = match status {
        Status::Paid => Tone::Good,
        Status::Open => Tone::Warm,
        Status::Void => Tone::Cold,
        Status::Uncollectible => Tone::Bad,
    };
    tag(tone, status.label())
}

/// What an entry is.
pub(crate) fn kind_tag(kind: credit::Kind) -> Markup {
    let tone = match kind {
        credit::Kind::Grant | credit::Kind::Upgrade => Tone::Good,
        credit::Kind::Lapse => Tone::Cold,
        credit::Kind::Reserve | credit::Kind::Release => Tone::Cool,
        credit::Kind::Settle => Tone::Warm,
    };
    tag(tone, kind.label())
}
