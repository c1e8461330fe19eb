//! Companies that the client has served, as confirmed: each with the page that says so, or with who
//! named it.

use crate::analysis::{AnalysisId, Finding};
use axum::{Form as Typed, extract::Path, response::Response};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

/// A company that was served.
#[derive(Clone, PartialEq, Debug)]
pub struct Company {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its trades.
    pub industries: Vec<String>,
    /// Its place.
    pub place: Option<String>,
    /// The page that says so.
    pub source_url: Option<String>,
    /// Its words.
    pub quote: Option<String>,
    /// Who confirmed it.
    pub confirmed_by: String,
}

/// Companies that are shown at most.
const SHOWN: i64 = 200;

/// All, by name.
pub async fn list(cx: &mut Cx) -> Result<Vec<Company>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Company,
        "select id, name, industries, place, source_url, quote, confirmed_by from onboarding.portfolio
         where tenant_id = $1 and deleted_at is null order by lower(name), id limit $2",
        tenant,
        SHOWN,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Keeps a company that a person confirmed; one that is there already stays as it is.
pub(crate) async fn keep(cx: &mut Cx, analysis: AnalysisId, finding: &Finding) -> Result<()> {
    let Some(name) = finding.holds() else { return Ok(()) };
    let industries: Vec<String> =
        serde_json::from_value(finding.detail["industries"].clone()).unwrap_or_default();
    let source = finding.sources.first();
    let row = Row {
        name,
        industries: &industries,
        place: finding.detail["place"].as_str(),
        source_url: source.map(|source| source.page.as_str()),
        quote: source.map(|source| source.quote.as_str()),
        confidence: finding.confidence,
        analysis: Some(analysis.uuid()),
    };
    insert(cx, &row).await
}

/// Adds a company that a person names. Errors: `portfolio.name`.
pub async fn add(cx: &mut Cx, name: &str) -> Result<()> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::invalid("portfolio.name", "Give the company's name in 1 to 200 characters."));
    }
    let row = Row {
        name,
        industries: &[],
        place: None,
        source_url: None,
        quote: None,
        confidence: None,
        analysis: None,
    };
    insert(cx, &row).await
}

struct Row<'a> {
    name: &'a str,
    industries: &'a [String],
    place: Option<&'a str>,
    source_url: Option<&'a str>,
    quote: Option<&'a str>,
    confidence: Option<f32>,
    analysis: Option<Uuid>,
}

async fn insert(cx: &mut Cx, row: &Row<'_>) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let (by, name) = (cx.actor().label(), row.name.chars().take(200).collect::<String>());
    let added = sqlx::query!(
        "insert into onboarding.portfolio (id, tenant_id, name, industries, place, source_url, quote, confidence, analysis_id, confirmed_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant_id, lower(name)) where deleted_at is null do nothing",
        id,
        tenant,
        name,
        row.industries,
        row.place,
        row.source_url,
        row.quote,
        row.confidence,
        row.analysis,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    cx.publish(Fact::about("onboarding.portfolio.added", id)).await
}

/// Takes a company out of the portfolio.
pub async fn remove(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let removed = sqlx::query!(
        "update onboarding.portfolio set deleted_at = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if removed.rows_affected() == 0 {
        return Err(Error::not_found("company of the portfolio"));
    }
    cx.publish(Fact::about("onboarding.portfolio.removed", id)).await
}

/// A company as typed.
#[derive(Deserialize)]
pub struct Named {
    name: String,
}

/// `POST /onboarding/portfolio`.
pub async fn add_post(mut cx: web::Cx, Typed(named): Typed<Named>) -> web::Result<Response> {
    add(&mut cx, &named.name).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/onboarding", "Added to your portfolio."))
}

/// `POST /onboarding/portfolio/{id}/remove`.
pub async fn remove_post(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    remove(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/onboarding", "Removed from your portfolio."))
}

/// The portfolio on its page.
pub(crate) fn card(companies: &[Company], may: bool) -> Markup {
    let rows = companies.iter().map(|company| {
        ui::table::Row::new()
            .cell(&company.name)
            .cell(company.industries.join(", "))
            .maybe(company.place.as_deref())
            .cell(match (&company.quote, &company.source_url) {
                (Some(quote), Some(page)) => html! { "“" (quote) "” " span.quiet { (page) } },
                (Some(_) | None, _) => html! { "Named by " (company.confirmed_by) },
            })
            .cell(html! {
                @if may { (Button::post("Remove", format!("/onboarding/portfolio/{}/remove", company.id)).quiet().about(format!("{} from the portfolio", company.name))) }
            })
    });
    let columns = [
        Column::text("Company"),
        Column::text("Trade"),
        Column::text("Place"),
        Column::text("Where it stands"),
        Column::acts("Change"),
    ];
    html! {
        (Card::new("Portfolio").id("portfolio").body(
            Table::new("Companies that you have served", columns).rows(rows)
                .empty(state::empty("No companies yet", "They come from your website when you confirm it, or name them here.", None))
        ))
        @if may {
            (Card::new("Name a company").padded(
                Form::post("/onboarding/portfolio", "portfolio-add")
                    .field(Field::text("name", "Company").required().max_chars(200))
                    .submit("Add")
            ))
        }
    }
}
