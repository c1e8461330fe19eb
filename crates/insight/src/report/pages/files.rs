//! Reports as files.

use super::super::attribution::{self, Model, Of, credit};
use super::super::engagement;
use super::super::pdf::Paper;
use super::{Asked, Range, report};
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Error, Result};
use leads::export::csv_cell;
use serde_json::json;

/// People of the export at most.
const PEOPLE: i64 = 100_000;

fn file(name: &str, kind: &'static str, body: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body)
        .into_response()
}

/// Rows as CSV; cells that a spreadsheet would execute are disarmed.
fn csv(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let failed =
        |cause: csv::Error| Error::internal("The report could not be written as CSV.").caused_by(cause);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(failed)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned())).map_err(failed)?;
    }
    writer.into_inner().map_err(|cause| {
        Error::internal("The report could not be written as CSV.").caused_by(cause.to_string())
    })
}

const CSV: &str = "text/csv; charset=utf-8";

/// `GET /reports/outcomes.csv`
pub async fn outcomes_csv(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let report = report(&mut cx, &asked).await?;
    let rows = report.lines().into_iter().map(|line| {
        vec![
            line.label.to_owned(),
            line.now.unwrap_or_default(),
            line.plan.unwrap_or_default(),
            line.before.unwrap_or_default(),
        ]
    });
    let body = csv(&["what", "month", "plan", "month_before"], rows)?;
    let month = report.month.word();
    cx.note("report.export", "insight.outcome", None, json!({"month": month, "form": "csv"})).await?;
    cx.commit().await?;
    Ok(file(&format!("outcomes-{month}.csv"), CSV, body))
}

/// `GET /reports/outcomes.pdf`
pub async fn outcomes_pdf(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let report = report(&mut cx, &asked).await?;
    let organisation = cx.who().tenant_name.clone();
    let month = report.month.word();
    let mut paper = Paper::new(&format!("Outcomes of {}", report.month.label()), &organisation);
    paper.head("Against the plan and the month before");
    paper.columns(&["", &report.month.label(), "Plan", &report.month.plus(-1).label()]);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    for line in report.lines() {
        paper.row([line.label.to_owned(), dash(line.now), dash(line.plan), dash(line.before)]);
    }
    paper.head("Leads by score tier");
    paper.columns(&["", "Leads"]);
    for (tier, count) in &report.tiers {
        let label = tier.map_or("Not scored yet", leads::score::Tier::client_label);
        paper.row([label.to_owned(), ui::number::count(*count)]);
    }
    let (from, to) = report.month.span()?;
    let (successes, _) = attribution::read(&mut cx, Of::Meetings, from, to).await?;
    if !successes.is_empty() {
        paper.head("Meetings by channel");
        let heads: Vec<&str> = std::iter::once("").chain(Model::ALL.map(Model::label)).collect();
        paper.columns(&heads);
        let total = successes.len() as f64;
        for (channel, credits) in credit(&successes, |touch| touch.channel.clone()) {
            paper.row(
                std::iter::once(channel).chain(credits.map(|credit| ui::number::percent(credit / total))),
            );
        }
    }
    cx.note("report.export", "insight.outcome", None, json!({"month": month, "form": "pdf"})).await?;
    cx.commit().await?;
    Ok(file(&format!("outcomes-{month}.pdf"), "application/pdf", paper.write()))
}

/// `GET /reports/attribution.csv`
pub async fn attribution_csv(mut cx: web::Cx, range: Query<Range>) -> web::Result<Response> {
    let of = Of::parse(&range.of);
    let (from, to) = range.span(&cx)?;
    let (successes, without) = attribution::read(&mut cx, of, from, to).await?;
    let mut rows = Vec::new();
    let by_channel = credit(&successes, |touch| touch.channel.clone());
    let by_campaign = credit(&successes, |touch| touch.name.clone());
    let by_step = credit(&successes, |touch| format!("{}, step {}", touch.name, touch.step));
    for (kind, credits) in [("channel", by_channel), ("campaign", by_campaign), ("step", by_step)] {
        for (name, credit) in credits {
            let cells = credit.map(|credit| format!("{credit:.6}"));
            rows.push([kind.to_owned(), name].into_iter().chain(cells).collect());
        }
    }
    let body = csv(&["by", "name", "first", "last", "linear", "time_decay"], rows)?;
    let detail = json!({"of": of.word(), "days": range.days(), "without": without});
    cx.note("report.export", "insight.outcome", None, detail).await?;
    cx.commit().await?;
    Ok(file(&format!("attribution-{}.csv", of.word()), CSV, body))
}

/// `GET /reports/leads.csv`
pub async fn engagement_csv(mut cx: web::Cx, range: Query<Range>) -> web::Result<Response> {
    let (from, to) = range.span(&cx)?;
    let people = engagement::people(&mut cx, from, to, PEOPLE).await?;
    let rows = people.into_iter().map(|person| {
        vec![
            person.lead_id.to_string(),
            person.name,
            person.company.unwrap_or_default(),
            person.tier.map_or("", leads::score::Tier::word).to_owned(),
            person.touches.to_string(),
            person.replies.to_string(),
            person.positive.to_string(),
            person.meetings.to_string(),
            person.last_touch_at.to_string(),
        ]
    });
    let head = [
        "lead_id",
        "name",
        "company",
        "tier",
        "messages",
        "replies",
        "positive",
        "meetings",
        "last_message_at",
    ];
    let body = csv(&head, rows)?;
    cx.note("report.export", "insight.outcome", None, json!({"days": range.days(), "of": "people"})).await?;
    cx.commit().await?;
    Ok(file("people.csv", CSV, body))
}
