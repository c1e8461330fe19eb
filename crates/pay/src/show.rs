//! What the pages of this domain share.

use crate::intent;
use crate::principal::{self, Risk};
use crate::refusal::Violation;
use crate::vendor;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use base::{Cursor, Error, Kind, Role};
use maud::{Markup, html};
use ui::prelude::*;
use web::App;

/// The rest of a request, to draw a page after its transaction was committed.
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

/// Whether a person may change principals, policies and vendors.
pub(crate) fn may_manage(cx: &web::Cx) -> bool {
    cx.who().role >= Role::Admin
}

/// What is wrong with a form, for its summary; anything that is not the person's to mend goes on as an error.
pub(crate) fn problem(error: Error) -> web::Result<String> {
    match error.kind() {
        Kind::Invalid | Kind::Refused | Kind::Conflict => Ok(error.message().to_owned()),
        Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::TooLarge
        | Kind::Limited
        | Kind::Unavailable
        | Kind::Internal => Err(error.into()),
    }
}

/// The status of a page that shows a form again.
pub(crate) fn with_status(mut page: Response, failed: bool) -> Response {
    if failed {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    page
}

/// The address of the next page of a list whose other parameters are these.
pub(crate) fn next(path: &str, query: &[(&str, &str)], after: &Cursor) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        text.append_pair(name, value);
    }
    format!("{path}?{}", text.append_pair("after", after.as_str()).finish())
}

/// The status of a principal.
pub(crate) fn principal_tag(status: principal::Status) -> Markup {
    let tone = match status {
        principal::Status::Active => Tone::Good,
        principal::Status::Suspended => Tone::Warm,
        principal::Status::Closed => Tone::Cold,
    };
    tag(tone, status.label())
}

/// A risk tier.
pub(crate) fn risk_tag(risk: Risk) -> Markup {
    let tone = match risk {
        Risk::Low => Tone::Cold,
        Risk::Medium => Tone::Cool,
        Risk::High => Tone::Warm,
    };
    tag(tone, risk.word())
}

/// The status of a vendor.
pub(crate) fn vendor_tag(status: vendor::Status) -> Markup {
    match status {
        vendor::Status::Active => tag(Tone::Good, "Active"),
        vendor::Status::Retired => tag(Tone::Cold, "Retired"),
    }
}

/// The status of an intent.
pub(crate) fn intent_tag(status: intent::Status) -> Markup {
    let tone = match status {
        intent::Status::Pending => Tone::Cool,
        intent::Status::Authorised => Tone::Good,
        intent::Status::Rejected => Tone::Bad,
        intent::Status::Expired | intent::Status::Cancelled => Tone::Cold,
    };
    tag(tone, status.label())
}

/// Every broken rule with its code.
pub(crate) fn violations(list: &[Violation]) -> Table {
    let rows =
        list.iter().map(|v| Row::new().cell(html! { code { (v.code.word()) } }).cell(v.message.as_str()));
    Table::new("Broken rules", [Column::text("Rule"), Column::text("What it says")])
        .rows(rows)
        .empty(state::empty("No rule is broken", "The policy lets this payment through.", None))
}
