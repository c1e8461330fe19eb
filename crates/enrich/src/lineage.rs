//! What each step of the waterfall did for a lead: with which service, when, at which cost, with which data.

use base::{Currency, Micros, Result, Time, Zone};
use db::Cx;
use leads::lead::LeadId;
use maud::{Markup, html};
use ports::provider::{Field, Finding, ProviderKind, Purpose};
use serde::Serialize;
use ui::prelude::*;
use uuid::Uuid;

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The service knew something.
    Hit,
    /// It knew nothing.
    Miss,
    /// It was known from an earlier look-up, free of charge.
    Cached,
    /// It was not asked.
    Skipped,
    /// It refused, or could not be reached.
    Failed,
    /// Its answer was lost; it may have charged.
    Unknown,
    /// The person forbade it.
    Restricted,
    /// It is about somebody else and waits for a person.
    Quarantined,
}

impl Outcome {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hit => "Found",
            Self::Miss => "Nothing",
            Self::Cached => "Known already",
            Self::Skipped => "Not asked",
            Self::Failed => "Failed",
            Self::Unknown => "Answer lost",
            Self::Restricted => "Forbidden",
            Self::Quarantined => "Contradicts",
        }
    }

    /// How it is coloured.
    pub fn tone(self) -> Tone {
        match self {
            Self::Hit | Self::Cached => Tone::Good,
            Self::Miss | Self::Skipped => Tone::Cold,
            Self::Quarantined | Self::Unknown => Tone::Warm,
            Self::Failed | Self::Restricted => Tone::Bad,
        }
    }
}

/// A step to be written.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// The batch.
    pub run: Uuid,
    /// Whom.
    pub lead: LeadId,
    /// The tier.
    pub tier: i16,
    /// The service.
    pub provider: ProviderKind,
    /// What for.
    pub purpose: Purpose,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: &'a str,
    /// What it cost.
    pub cost_micros: i64,
    /// The look-up behind it.
    pub call: Option<Uuid>,
    /// What it brought.
    pub data: &'a [Finding],
    /// What of it was taken.
    pub filled: &'a [Field],
}

/// A step that was done.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Step {
    /// The batch.
    pub run_id: Uuid,
    /// The tier.
    pub tier: i16,
    /// The service.
    pub provider: String,
    /// What for.
    pub purpose: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// What it cost, in millionths of an Australian dollar.
    pub cost_micros: i64,
    /// What it brought.
    pub data: serde_json::Value,
    /// What of it was taken.
    pub filled: Vec<String>,
    /// When.
    pub at: Time,
}

/// Writes a step; a second one of the same batch, lead, service and purpose adds nothing.
pub async fn add(cx: &mut Cx, step: &New<'_>) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let filled: Vec<String> = step.filled.iter().map(|field| field.word().to_owned()).collect();
    let reason: String = step.reason.chars().take(500).collect();
    sqlx::query!(
        "insert into enrich.step (id, tenant_id, run_id, lead_id, tier, provider, purpose, outcome, reason, cost_micros, call_id, data, filled, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (tenant_id, run_id, lead_id, provider, purpose) do nothing",
        id,
        tenant,
        step.run,
        step.lead.uuid(),
        step.tier,
        step.provider.word(),
        step.purpose.word(),
        step.outcome as Outcome,
        reason,
        step.cost_micros,
        step.call,
        serde_json::to_value(step.data)?,
        &filled,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The steps of a lead in one batch, in their order.
pub async fn of_item(cx: &mut Cx, run: Uuid, lead: LeadId) -> Result<Vec<Step>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Step,
        r#"select run_id, tier, provider, purpose, outcome as "outcome: Outcome", reason, cost_micros, data, filled, at as "at: Time"
           from enrich.step where tenant_id = $1 and run_id = $2 and lead_id = $3 order by at, tier, id"#,
        tenant,
        run,
        lead.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The newest steps of a lead in every batch.
pub async fn of_lead(cx: &mut Cx, lead: LeadId, limit: i64) -> Result<Vec<Step>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Step,
        r#"select run_id, tier, provider, purpose, outcome as "outcome: Outcome", reason, cost_micros, data, filled, at as "at: Time"
           from enrich.step where tenant_id = $1 and lead_id = $2 order by at desc, tier desc, id desc limit $3"#,
        tenant,
        lead.uuid(),
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The name of a service and of a purpose, for people.
pub fn called(provider: &str, purpose: &str) -> String {
    let purpose = match purpose.parse::<Purpose>() {
        Ok(known) => known.label().to_lowercase(),
        Err(_) => purpose.to_owned(),
    };
    format!("{}: {purpose}", service(provider))
}

/// The name of a service, for people.
pub fn service(provider: &str) -> String {
    match provider.parse::<ProviderKind>() {
        Ok(known) => known.label().to_owned(),
        Err(_) => provider.to_owned(),
    }
}

/// Millionths of an Australian dollar, for people.
/// Parts of a cent are shown: a look-up costs one or two of them.
pub fn money(micros: i64) -> String {
    if micros % 10_000 == 0 || micros < 0 {
        return Micros(micros).show(Currency::Aud);
    }
    let digits = format!("{:06}", micros % 1_000_000);
    format!("{}{}.{}", Currency::Aud.sign(), micros / 1_000_000, digits.trim_end_matches('0'))
}

/// What a step brought, in words.
fn said(step: &Step) -> Markup {
    let findings: Vec<Finding> = serde_json::from_value(step.data.clone()).unwrap_or_default();
    html! {
        @if !step.reason.is_empty() { p { (step.reason) } }
        @if !findings.is_empty() {
            ul { @for finding in findings.iter().take(20) {
                li {
                    (finding.field.label()) ": " (finding.value) " (" (number::percent(f64::from(finding.confidence))) ")"
                    @if step.filled.iter().any(|word| word == finding.field.word()) { " " (tag(Tone::Good, "taken")) }
                }
            } }
        }
    }
}

/// Steps as a table.
pub fn table(caption: &str, steps: &[Step], wall: &Wall) -> Table {
    let columns = [
        Column::text("Tier"),
        Column::text("Service"),
        Column::text("Outcome"),
        Column::text("What it said"),
        Column::number("Cost"),
        Column::text("When"),
    ];
    Table::new(caption, columns).rows(steps.iter().map(|step| {
        Row::new()
            .cell(format!("T{}", step.tier))
            .cell(called(&step.provider, &step.purpose))
            .cell(tag(step.outcome.tone(), step.outcome.label()))
            .cell(said(step))
            .cell(money(step.cost_micros))
            .cell(wall.relative(step.at))
    }))
}

/// Steps that a lead's page shows.
const SHOWN: i64 = 30;

/// The lineage of a lead as a card of its page.
pub async fn card(cx: &mut Cx, lead: LeadId) -> Result<Markup> {
    let steps = of_lead(cx, lead, SHOWN).await?;
    let tenant = cx.tenant()?.uuid();
    let zone = sqlx::query_scalar!("select zone from accounts.tenant where id = $1", tenant)
        .fetch_one(cx.conn())
        .await?;
    let wall = Wall::new(cx.now(), Zone::named(&zone)?);
    let spent: i64 = steps.iter().map(|step| step.cost_micros).sum();
    let table = table("Look-ups at outside services", &steps, &wall).empty(state::empty(
        "Nothing was looked up at outside services",
        "Each step of the waterfall appears here with its source, time, cost and data.",
        None,
    ));
    Ok(html! {
        (Card::new("Look-ups").id("lineage")
            .aside(Button::post("Look up at services", format!("/enrichment/leads/{lead}")).quiet())
            .body(table)
            .foot(html! { "Spent on this lead: " (money(spent)) ". " a href="/enrichment" { "Enrichment" } }))
    })
}
