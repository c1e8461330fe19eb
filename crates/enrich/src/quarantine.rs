//! What contradicts is held back until a person decides: `/enrichment/quarantine`.

use crate::merge::{self, Conflict};
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Error, Page, Result, Time};
use db::{Cx, Fact};
use leads::lead::{self, Fields, LeadId};
use maud::html;
use ports::provider::{Field, Finding, ProviderKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ui::prelude::*;
use uuid::Uuid;

/// Where a held-back value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.quarantine_state", rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided.
    Open,
    /// The service was right.
    Accepted,
    /// What was known stays.
    Rejected,
}

/// A held-back value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Held {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub lead_id: Uuid,
    /// What to call them.
    pub name: Option<String>,
    /// From which service.
    pub provider: String,
    /// About what.
    pub field: String,
    /// What the service says.
    pub value: String,
    /// What is known.
    pub held: String,
    /// Why it is held back.
    pub reason: String,
    /// How sure the service is.
    pub confidence: f32,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub created_at: Time,
}

/// Holds a value back, once while it is open.
pub async fn add(
    cx: &mut Cx,
    run: Uuid,
    lead: LeadId,
    provider: ProviderKind,
    conflict: &Conflict,
) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let cut = |text: &str| text.chars().take(500).collect::<String>();
    sqlx::query!(
        "insert into enrich.quarantine (id, tenant_id, run_id, lead_id, provider, field, value, held, reason, confidence, created_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
         where not exists (select from enrich.quarantine where tenant_id = $2 and lead_id = $4 and field = $6 and value = $7 and state <> 'accepted')",
        id,
        tenant,
        run,
        lead.uuid(),
        provider.word(),
        conflict.field.word(),
        cut(&conflict.value),
        cut(&conflict.held),
        cut(&conflict.reason),
        conflict.confidence,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What waits for a person, newest first.
pub async fn open(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Held>> {
    let tenant = cx.tenant()?.uuid();
    let (at, id) = match after.map(Cursor::parts).transpose()? {
        Some((at, id)) => {
            let at = at
                .parse::<Time>()
                .map_err(|_| Error::invalid("cursor", "This page's address is damaged."))?;
            (Some(at), Some(id))
        }
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Held,
        r#"select q.id, q.lead_id, coalesce(nullif(btrim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, l.company_name) as name,
                  q.provider, q.field, q.value, q.held, q.reason, q.confidence, q.state as "state: State", q.created_at as "created_at: Time"
           from enrich.quarantine q join leads.lead l on l.id = q.lead_id and l.tenant_id = $1
           where q.tenant_id = $1 and q.state = 'open' and ($2::timestamptz is null or (q.created_at, q.id) < ($2, $3))
           order by q.created_at desc, q.id desc limit $4"#,
        tenant,
        at as Option<Time>,
        id,
        i64::try_from(limit + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |held| Cursor::after(&held.created_at.to_string(), held.id)))
}

/// How many wait for a person.
pub async fn count(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "open!" from enrich.quarantine where tenant_id = $1 and state = 'open'"#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Decides about a held-back value; an accepted one takes the place of what was known.
///
/// # Errors
/// `quarantine.decided`; what editing the lead refuses.
pub async fn decide(cx: &mut Cx, id: Uuid, accept: bool) -> Result<LeadId> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let row = sqlx::query!(
        r#"select lead_id, provider, field, value, confidence, state as "state: State" from enrich.quarantine where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("held-back value"))?;
    if row.state != State::Open {
        return Err(Error::conflict("quarantine.decided", "Somebody has decided about this already."));
    }
    let lead_id = LeadId(row.lead_id);
    if accept {
        let field: Field = row.field.parse()?;
        let mut fields = Fields::from(&lead::get(cx, lead_id).await?);
        merge::empty(&mut fields, field);
        let finding = Finding::new(field, row.value, row.confidence);
        let merged = merge::accept(&mut fields, &finding);
        if !merged {
            return Err(Error::invalid("quarantine.value", "This value cannot be used: it is malformed."));
        }
        lead::edit(cx, lead_id, fields).await?;
    }
    sqlx::query!(
        "update enrich.quarantine set state = $3, decided_at = $4, decided_by = $5 where tenant_id = $1 and id = $2",
        tenant,
        id,
        if accept { State::Accepted } else { State::Rejected } as State,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    let payload = json!({"lead_id": lead_id, "field": row.field, "accepted": accept});
    cx.publish(Fact::about("enrich.quarantine.decided", id).with(payload)).await?;
    Ok(lead_id)
}

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    after: Option<Cursor>,
}

/// Held-back values on one page.
const ROWS: usize = 50;

/// `GET /enrichment/quarantine`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let page = open(&mut cx, asked.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= base::Role::Member;
    let columns = [
        Column::text("Lead"),
        Column::text("About"),
        Column::text("Known"),
        Column::text("The service says"),
        Column::text("Why it waits"),
        Column::text("Since"),
        Column::acts("Decide"),
    ];
    let table = Table::new("Values that contradict", columns)
        .rows(page.rows.iter().map(|held| {
            let name = held.name.clone().unwrap_or_else(|| "Unnamed lead".to_owned());
            let field = match held.field.parse::<Field>() {
                Ok(known) => known.label().to_owned(),
                Err(_) => held.field.clone(),
            };
            let provider = crate::lineage::service(&held.provider);
            Row::new()
                .link(&name, &format!("/leads/{}", held.lead_id))
                .cell(&field)
                .maybe((!held.held.is_empty()).then_some(&held.held))
                .cell(html! { (held.value) " (" (provider) ", " (number::percent(f64::from(held.confidence))) ")" })
                .cell(&held.reason)
                .cell(wall.relative(held.created_at))
                .cell(html! { @if may {
                    (acts([
                        Button::post("Take it", format!("/enrichment/quarantine/{}/accept", held.id)).about(format!("{field} of {name}")),
                        Button::post("Keep what is known", format!("/enrichment/quarantine/{}/reject", held.id)).quiet().about(format!("{field} of {name}")),
                    ]))
                } })
        }))
        .empty(state::empty("Nothing contradicts", "What services say against what is known waits here for you.", None))
        .next(page.next.map(|next| format!("/enrichment/quarantine?after={}", next.as_str())));
    let body = html! {
        (Heading::new("Quarantine").crumb("Enrichment", "/enrichment")
            .about("What outside services say against what is known. Nothing of it is used before you decide."))
        (Card::bare().body(table))
    };
    cx.page("Quarantine", body).await
}

/// `POST /enrichment/quarantine/{id}/accept`
pub(crate) async fn accept(cx: web::Cx, id: Path<Uuid>) -> web::Result<Response> {
    decided(cx, id, true, "Taken.").await
}

/// `POST /enrichment/quarantine/{id}/reject`
pub(crate) async fn reject(cx: web::Cx, id: Path<Uuid>) -> web::Result<Response> {
    decided(cx, id, false, "What was known stays.").await
}

async fn decided(mut cx: web::Cx, Path(id): Path<Uuid>, accept: bool, notice: &str) -> web::Result<Response> {
    decide(&mut cx, id, accept).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/enrichment/quarantine", notice))
}
