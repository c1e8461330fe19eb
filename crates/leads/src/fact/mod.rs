//! What is known of a lead or its company, each with where it came from: evidence and lineage.

use crate::company::CompanyId;
use crate::lead::LeadId;
use base::{Error, Result, Time};
use db::{Cx, Fact as Happened};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Something to be remembered.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct New {
    /// About this lead.
    pub lead_id: Option<LeadId>,
    /// About this company.
    pub company_id: Option<CompanyId>,
    /// What it is about: `hiring`, `funding`, `pain_point`, `note`, `description`, …
    pub kind: String,
    /// The fact in words that a message may use.
    pub text: String,
    /// The words of the source.
    pub quote: Option<String>,
    /// `import:<file> line <n>`, `website`, `dns`, `person`.
    pub source: String,
    /// The page.
    pub source_url: Option<String>,
    /// 0 to 1.
    pub confidence: f32,
    /// When it was seen; absent: now.
    pub observed_at: Option<Time>,
}

/// A remembered fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// Which.
    pub id: Uuid,
    /// What it is about.
    pub kind: String,
    /// The fact in words.
    pub text: String,
    /// The words of the source.
    pub quote: Option<String>,
    /// Where it came from.
    pub source: String,
    /// The page.
    pub source_url: Option<String>,
    /// 0 to 1.
    pub confidence: f32,
    /// When it was seen.
    pub observed_at: Time,
    /// What it cost, in millionths.
    pub cost_micros: i64,
    /// Contradicts another fact.
    pub quarantined: bool,
}

/// How many facts of a lead are shown.
const SHOWN: i64 = 100;

/// Remembers facts with one statement.
pub async fn add_many(cx: &mut Cx, facts: &[New]) -> Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows: Vec<serde_json::Value> = facts
        .iter()
        .map(|fact| {
            let mut row = serde_json::to_value(fact)?;
            row["id"] = json!(cx.id::<Uuid>());
            Ok(row)
        })
        .collect::<Result<_>>()?;
    sqlx::query!(
        "insert into leads.fact (id, tenant_id, lead_id, company_id, kind, text, quote, source, source_url, confidence, observed_at, created_at)
         select r.id, $1, r.lead_id, r.company_id, r.kind, left(r.text, 2000), left(r.quote, 2000), r.source, r.source_url, r.confidence, coalesce(r.observed_at, $3), $3
         from jsonb_to_recordset($2) as r(id uuid, lead_id uuid, company_id uuid, kind text, text text, quote text, source text, source_url text, confidence real, observed_at timestamptz)",
        tenant,
        serde_json::Value::from(rows),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What a person knows about a lead, in their words.
pub async fn tell(cx: &mut Cx, lead: LeadId, kind: &str, text: &str) -> Result<()> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 2_000 {
        return Err(Error::invalid("lead.fact", "Write between 1 and 2,000 characters."));
    }
    if !KINDS.iter().any(|(word, _)| *word == kind) {
        return Err(Error::invalid(
            "lead.fact",
            format!("“{kind}” is not a kind of fact that can be added."),
        ));
    }
    crate::lead::get(cx, lead).await?;
    let fact = New {
        lead_id: Some(lead),
        company_id: None,
        kind: kind.to_owned(),
        text: text.to_owned(),
        quote: None,
        source: "person".to_owned(),
        source_url: None,
        confidence: 1.0,
        observed_at: None,
    };
    add_many(cx, &[fact]).await?;
    cx.publish(Happened::about("leads.lead.fact_added", lead).with(json!({"kind": kind}))).await
}

/// Kinds that a person may add, with what they are called.
pub const KINDS: [(&str, &str); 5] = [
    ("note", "Note"),
    ("pain_point", "Pain point"),
    ("hiring", "Hiring"),
    ("funding", "Funding"),
    ("social", "Social hook"),
];

/// The facts of a lead and of its company, newest first.
pub async fn of_lead(cx: &mut Cx, lead: LeadId, company: Option<CompanyId>) -> Result<Vec<Fact>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query_as!(
        Fact,
        r#"select id as "id!", kind as "kind!", text as "text!", quote, source as "source!", source_url, confidence as "confidence!",
                  observed_at as "observed_at!: Time", cost_micros as "cost_micros!", quarantined as "quarantined!"
           from (select id, kind, text, quote, source, source_url, confidence, observed_at, cost_micros, quarantined
                 from leads.fact where tenant_id = $1 and lead_id = $2
                 union all
                 select id, kind, text, quote, source, source_url, confidence, observed_at, cost_micros, quarantined
                 from leads.fact where tenant_id = $1 and company_id = $3 and lead_id is null) f
           order by observed_at desc, id desc limit $4"#,
        tenant,
        lead.uuid(),
        company.map(CompanyId::uuid),
        SHOWN,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows)
}
