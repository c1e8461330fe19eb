//! Leads in the public API.

use super::{Act, Asked, Consent, Fields, Lead, LeadId, Selection, Summary, Typed};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Error, Page, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// A list of leads.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Listed {
    #[serde(flatten)]
    page: Page<Summary>,
    /// How many match in all; 10,001 stands for more than 10,000.
    total: i64,
}

/// `GET /api/v1/leads`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Listed>> {
    let (filter, sort, after) = (asked.filter()?, asked.order()?, asked.cursor()?);
    let page = super::list(&mut cx, &filter, sort, after.as_ref(), 100).await?;
    let total = Selection::Matching(Box::new(asked)).count(&mut cx).await?;
    Ok(Output(Listed { page, total }))
}

/// `GET /api/v1/leads/{id}`
pub(crate) async fn get(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<Output<Lead>> {
    Ok(Output(super::get(&mut cx, id.into()).await?))
}

/// What a program writes about a lead. What is left out stays; an empty text takes the value away.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Write {
    email: Option<String>,
    personal_email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    title: Option<String>,
    phone: Option<String>,
    linkedin: Option<String>,
    company: Option<String>,
    website: Option<String>,
    industry: Option<String>,
    headcount: Option<u32>,
    country: Option<String>,
    state: Option<String>,
    city: Option<String>,
    /// A date (`2026-03-31`).
    role_started_on: Option<String>,
    hiring: Option<bool>,
    /// A date (`2026-03-31`).
    funded_on: Option<String>,
    competitor: Option<bool>,
    notes: Option<String>,
    consent: Option<Consent>,
    /// Where the consent stands; needed with `consent`.
    consent_source: Option<String>,
}

impl Write {
    fn onto(self, typed: &mut Typed) {
        let put = |slot: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *slot = value;
            }
        };
        put(&mut typed.email, self.email);
        put(&mut typed.personal_email, self.personal_email);
        put(&mut typed.first_name, self.first_name);
        put(&mut typed.last_name, self.last_name);
        put(&mut typed.title, self.title);
        put(&mut typed.phone, self.phone);
        put(&mut typed.linkedin, self.linkedin);
        put(&mut typed.company, self.company);
        put(&mut typed.website, self.website);
        put(&mut typed.industry, self.industry);
        put(&mut typed.headcount, self.headcount.map(|n| n.to_string()));
        put(&mut typed.country, self.country);
        put(&mut typed.state, self.state);
        put(&mut typed.city, self.city);
        put(&mut typed.role_started_on, self.role_started_on);
        put(&mut typed.hiring, self.hiring.map(|yes| if yes { "yes" } else { "no" }.to_owned()));
        put(&mut typed.funded_on, self.funded_on);
        put(&mut typed.competitor, self.competitor.map(|yes| if yes { "1" } else { "" }.to_owned()));
        put(&mut typed.notes, self.notes);
    }
}

fn said(problems: Vec<super::Problem>) -> Error {
    let text: Vec<String> = problems.into_iter().map(|(field, wrong)| format!("{field}: {wrong}")).collect();
    Error::invalid("lead.invalid", text.join(" "))
}

fn basis(consent: Option<Consent>, source: Option<&str>) -> Result<Option<(Consent, &str)>> {
    match (consent, source.map(str::trim).filter(|source| !source.is_empty())) {
        (Some(consent), Some(source)) => Ok(Some((consent, source))),
        (Some(_), None) => Err(Error::invalid(
            "lead.consent_source",
            "A basis of consent needs consent_source: where it stands.",
        )),
        (None, _) => Ok(None),
    }
}

/// `POST /api/v1/leads`
pub(crate) async fn create(cx: Cx, input: Input<Write>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, mut write: Write| -> Result<Lead> {
        let (consent, source) = (write.consent.take(), write.consent_source.take());
        let mut typed = Typed::default();
        write.onto(&mut typed);
        let fields = typed.read(&Fields::default()).map_err(said)?;
        let id = super::create(cx, fields, "api", basis(consent, source.as_deref())?).await?;
        super::get(cx, id).await
    })
    .await
}

/// `PATCH /api/v1/leads/{id}`
pub(crate) async fn patch(cx: Cx, Path(id): Path<Uuid>, input: Input<Write>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, mut write: Write| -> Result<Lead> {
        let id = LeadId(id);
        let (consent, source) = (write.consent.take(), write.consent_source.take());
        let lead = super::get(cx, id).await?;
        let mut typed = super::typed(&lead);
        write.onto(&mut typed);
        let fields = typed.read(&Fields::from(&lead)).map_err(said)?;
        super::edit(cx, id, fields).await?;
        if let Some(basis) = basis(consent, source.as_deref())? {
            super::consent(cx, id, Some(basis)).await?;
        }
        super::get(cx, id).await
    })
    .await
}

/// `DELETE /api/v1/leads/{id}`
pub(crate) async fn delete(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<StatusCode> {
    super::remove(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One act on many leads: on `ids`, or on everything that `filter` matches.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bulk {
    /// What is done.
    act: Act,
    /// To these leads (at most 500).
    #[serde(default)]
    ids: Vec<LeadId>,
    /// To everything that matches.
    #[serde(default)]
    filter: Option<Asked>,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BulkDone {
    /// How many leads were dealt with; absent when a job does it.
    done: Option<usize>,
}

/// `POST /api/v1/leads/bulk`
pub(crate) async fn bulk(cx: Cx, input: Input<Bulk>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, bulk: Bulk| -> Result<BulkDone> {
        let selection = match (bulk.filter, bulk.ids) {
            (Some(asked), ids) if ids.is_empty() => Selection::Matching(Box::new(asked)),
            (None, ids) if !ids.is_empty() && ids.len() <= super::BULK_AT_ONCE => Selection::Chosen(ids),
            (Some(_) | None, _) => {
                return Err(Error::invalid(
                    "lead.selection",
                    format!("Give either ids (1 to {}) or a filter.", super::BULK_AT_ONCE),
                ));
            }
        };
        Ok(BulkDone { done: super::bulk(cx, &selection, &bulk.act).await? })
    })
    .await
}
