//! The leads of a campaign, and adding more.

use super::{ROWS, head, refused, with_counts};
use crate::campaign::{AddFilter, Stage, add_leads, enrolled};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Kind, Result};
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
pub async fn leads(cx: web::Cx, Path(id): Path<Uuid>, Query(listed): Query<Listed>) -> web::Result<Response> {
    page(cx, id, &listed, &Added::default(), None).await
}

/// The leads, and the form with what was typed and what is wrong with it: the field, and a sentence.
async fn page(
    mut cx: web::Cx,
    id: Uuid,
    listed: &Listed,
    typed: &Added,
    problem: Option<Problem>,
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
        (Card::new("Add leads").padded(add_form(id, &imports, typed, problem.as_ref())))
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

/// The tiers that a campaign takes, with what people call them.
const TIERS: [(&str, &str); 4] = [
    ("hot", "High priority (85 and more)"),
    ("warm", "Engaged (60-84)"),
    ("cool", "Nurturing (35-59)"),
    ("cold", "Low activity (20-34)"),
];
/// The states in which a lead may join.
const STATES: [(&str, &str); 3] = [("scored", "Scored"), ("enriched", "Enriched"), ("new", "New")];
/// Leads that join at once at most.
const LIMIT_MAX: i64 = 10_000;

fn add_form(
    id: Uuid,
    imports: &[(Uuid, String)],
    typed: &Added,
    problem: Option<&Problem>,
) -> ui::form::Form {
    let of = |field: &str| problem.filter(|(at, _)| *at == field).map(|(_, text)| text.clone());
    let any = || std::iter::once(Choice::new("", "Any"));
    let imports = imports.iter().map(|(id, name)| Choice::new(id.to_string(), name));
    let mut form = ui::form::Form::post(format!("/campaigns/{id}/leads"), "add");
    if !typed.leads.is_empty() {
        form = form.hidden("leads", &typed.leads);
    }
    form.problem(of(""))
        .line([
            Field::select("tier", "Tier", any().chain(TIERS.map(Choice::from))).value(&typed.tier).error(of("tier")),
            Field::select("status", "State", any().chain(STATES.map(Choice::from))).value(&typed.status).error(of("status")),
            Field::select("import_id", "Import", any().chain(imports)).value(&typed.import_id).error(of("import_id")),
            Field::number("limit", "At most").range("1", LIMIT_MAX.to_string(), "1").value(&typed.limit).error(of("limit")),
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

/// What is wrong with what was typed: the field (empty: the whole), and a sentence.
type Problem = (&'static str, String);

impl Added {
    fn filter(&self) -> std::result::Result<AddFilter, Problem> {
        let some = |text: &str| Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned);
        let one_of = |field: &'static str, text: &str, known: &[(&str, &str)]| match some(text) {
            Some(word) if !known.iter().any(|(known, _)| *known == word) => {
                Err((field, "Choose one from the list.".to_owned()))
            }
            other => Ok(other),
        };
        let lead_ids = self
            .leads
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|text| !text.is_empty())
            .map(|text| text.parse::<Uuid>().map_err(|_| ("", format!("“{text}” is not the id of a lead."))))
            .collect::<std::result::Result<Vec<_>, Problem>>()?;
        let import_id = some(&self.import_id)
            .map(|t| t.parse().map_err(|_| ("import_id", "Choose an import from the list.".to_owned())))
            .transpose()?;
        let limit = match some(&self.limit) {
            None => None,
            Some(text) => match text.parse::<i64>() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Some(limit),
                Ok(_) | Err(_) => {
                    let most = number::count(LIMIT_MAX);
                    return Err(("limit", format!("“{text}” is not a whole number from 1 to {most}.")));
                }
            },
        };
        Ok(AddFilter {
            lead_ids,
            tier: one_of("tier", &self.tier, &TIERS)?,
            status: one_of("status", &self.status, &STATES)?,
            import_id,
            limit,
        })
    }
}

/// `POST /campaigns/{id}/leads`
pub async fn add(mut cx: web::Cx, Path(id): Path<Uuid>, Form(typed): Form<Added>) -> web::Result<Response> {
    let done = match typed.filter() {
        Ok(filter) => add_leads(&mut cx, id.into(), &filter).await.map_err(|error| {
            // Beside the first of the fields, any of which would do.
            let field = if error.code() == "campaign.no_filter" { "tier" } else { "" };
            (field, error)
        }),
        Err(problem) => {
            return refused(page(cx, id, &Listed::default(), &typed, Some(problem)).await?);
        }
    };
    match done {
        Ok(joined) => {
            cx.commit().await?;
            let count = i64::try_from(joined).unwrap_or(i64::MAX);
            let notice = format!("{} joined the campaign.", number::counted(count, "lead", "leads"));
            Ok(web::redirect_with(&format!("/campaigns/{id}/leads"), &notice))
        }
        Err((field, error)) if matches!(error.kind(), Kind::Invalid | Kind::Refused | Kind::Conflict) => {
            let problem = (field, error.message().to_owned());
            refused(page(cx, id, &Listed::default(), &typed, Some(problem)).await?)
        }
        Err((_, error)) => Err(error.into()),
    }
}
