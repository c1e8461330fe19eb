//! The leads of a campaign, and adding more.

use super::{ROWS, head, with_counts};
use crate::campaign::{AddFilter, Stage, add_leads, enrolled};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Error, Result};
use maud::html;
use serde::Deserialize;
use ui::prelude::{
    Button, Card, Choice, Column, Field, Row, Tab, Table, Tone, Wall, number, state, tabs, tag,
};
use uuid::Uuid;

/// What a list's address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Listed {
    stage: Stage,
    after: Option<Cursor>,
}

/// `GET /campaigns/{id}/leads`
pub async fn leads(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(listed): Query<Listed>,
) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let page = enrolled(&mut cx, campaign.id, listed.stage, listed.after.as_ref(), ROWS).await?;
    let imports = imports(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let stages: Vec<Tab> = Stage::ALL
        .into_iter()
        .map(|s| Tab::new(s.label(), format!("/campaigns/{id}/leads?stage={}", s.word())))
        .collect();
    let rows = page.rows.iter().map(|e| {
        let tone = match e.status.as_str() {
            "active" => Tone::Good,
            "paused" => Tone::Warm,
            "stopped" => Tone::Bad,
            _ => Tone::Cold,
        };
        let next = match (e.status.as_str(), e.next_due_at) {
            ("active", Some(at)) => html! { "Step " (e.next_step) ", " (wall.relative(at)) },
            ("active", None) => html! { "Step " (e.next_step) " is under way" },
            _ => html! { (e.status_reason.as_deref().unwrap_or("–")) },
        };
        Row::new()
            .link(&e.name, &format!("/leads/{}", e.lead_id))
            .maybe(e.company.as_ref())
            .maybe(e.tier.as_deref().map(|tier| tier_words(tier).to_owned()))
            .cell(tag(tone, &e.status))
            .cell(next)
            .cell(number::count(i64::from(e.touches)))
            .cell(e.version)
            .cell(wall.date(e.created_at))
    });
    let columns = [
        Column::text("Lead"),
        Column::text("Company"),
        Column::text("Tier"),
        Column::text("State"),
        Column::text("Next"),
        Column::number("Sent"),
        Column::number("Version"),
        Column::text("Joined"),
    ];
    let empty = state::empty(
        "No leads here",
        "Leads that join the campaign are listed here with their next step.",
        None::<Button>,
    );
    let next = page
        .next
        .as_ref()
        .map(|n| format!("/campaigns/{id}/leads?stage={}&after={}", listed.stage.word(), n.as_str()));
    let here = format!("/campaigns/{id}/leads?stage={}", listed.stage.word());
    let body = html! {
        (head(&campaign, &counts, "/leads"))
        (Card::new("Add leads").padded(add_form(id, &imports)))
        (tabs("Leads by how far they got", &here, &stages))
        (Card::bare().body(Table::new("Leads of the campaign", columns).rows(rows).empty(empty).next(next)))
    };
    let title = format!("Leads of {}", campaign.name);
    cx.page(&title, body).await
}

/// What people read of a tier: the same words as on the pages of leads.
fn tier_words(tier: &str) -> &str {
    tier.parse::<leads::score::Tier>().map_or(tier, |tier| tier.client_label())
}

fn add_form(id: Uuid, imports: &[(Uuid, String)]) -> ui::form::Form {
    let any = || std::iter::once(Choice::new("", "Any"));
    let tiers = [
        ("hot", "High priority (85 and more)"),
        ("warm", "Engaged (60-84)"),
        ("cool", "Nurturing (35-59)"),
        ("cold", "Low activity (20-34)"),
    ];
    let states = [("scored", "Scored"), ("enriched", "Enriched"), ("new", "New")];
    ui::form::Form::post(format!("/campaigns/{id}/leads"), "add")
        .line([
            Field::select("tier", "Tier", any().chain(tiers.map(Choice::from))),
            Field::select("status", "State", any().chain(states.map(Choice::from))),
            Field::select("import_id", "Import", any().chain(imports.iter().map(|(id, name)| Choice::new(id.to_string(), name)))),
            Field::number("limit", "At most").range("1", "10000", "1"),
        ])
        .other(html! { p.quiet { "Best score first. Leads that are in another sequence, have answered, opted out or have no address stay out." } })
        .submit("Add leads")
}

async fn imports(cx: &mut db::Cx) -> Result<Vec<(Uuid, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select id, file_name from leads.import where tenant_id = $1 and status = 'done' order by created_at desc limit 20",
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.file_name)).collect())
}

/// What is typed to add leads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Added {
    tier: String,
    status: String,
    import_id: String,
    limit: String,
    /// Ids of leads, separated by commas or blanks: from the list of leads.
    leads: String,
}

/// `POST /campaigns/{id}/leads`
pub async fn add(mut cx: web::Cx, Path(id): Path<Uuid>, Form(typed): Form<Added>) -> web::Result<Response> {
    let bad = |what: &'static str| Error::invalid("campaign.filter", format!("The {what} cannot be read."));
    let ids = typed
        .leads
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|text| !text.is_empty())
        .map(|text| text.parse::<Uuid>().map_err(|cause| bad("list of leads").caused_by(cause)))
        .collect::<Result<Vec<_>>>()?;
    let some = |text: &str| Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned);
    let filter = AddFilter {
        lead_ids: ids,
        tier: some(&typed.tier),
        status: some(&typed.status),
        import_id: some(&typed.import_id)
            .map(|t| t.parse().map_err(|cause| bad("import").caused_by(cause)))
            .transpose()?,
        limit: some(&typed.limit)
            .map(|t| t.parse().map_err(|cause| bad("number").caused_by(cause)))
            .transpose()?,
    };
    let joined = add_leads(&mut cx, id.into(), &filter).await?;
    cx.commit().await?;
    let count = i64::try_from(joined).unwrap_or(i64::MAX);
    let notice = format!("{} joined the campaign.", number::counted(count, "lead", "leads"));
    Ok(web::redirect_with(&format!("/campaigns/{id}/leads"), &notice))
}
