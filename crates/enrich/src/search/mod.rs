//! Discovery: services are searched by the ideal customer profile, page by page, and what they find becomes leads.

mod jobs;
pub mod pages;

pub(crate) use jobs::Page;

use crate::account;
use base::{Error, Result, Time};
use db::{Cx, Fact};
use leads::lead::LeadId;
use leads::score;
use ports::provider::{ProviderKind, Search as Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Where a search stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.search_state", rename_all = "snake_case")]
pub enum State {
    /// Pages are being read.
    Running,
    /// Everything asked for was read.
    Done,
    /// The service refused, or an answer was lost.
    Failed,
}

/// What a person asks for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Typed {
    /// At which service: `places`, `apollo` or `hunter`.
    pub provider: String,
    /// A city or state; for Hunter the domain.
    pub place: String,
    /// Trades in words, separated by commas; empty: those of the ideal customer profile.
    pub industries: String,
    /// Titles, separated by commas; empty: those of the profile.
    pub titles: String,
    /// At most so many.
    pub most: i32,
}

/// A search.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Search {
    /// Which.
    pub id: Uuid,
    /// At which service.
    pub provider: String,
    /// What was asked.
    pub query: serde_json::Value,
    /// Where it stands.
    pub state: State,
    /// Read so far.
    pub found: i32,
    /// Leads that were added.
    pub added: i32,
    /// Those that were known already.
    pub known: i32,
    /// Those that nobody may contact.
    pub suppressed: i32,
    /// What it cost.
    pub spent_micros: i64,
    /// Why it failed.
    pub error: Option<String>,
    /// Since when.
    pub created_at: Time,
}

/// Services that can be searched.
pub const SERVICES: [ProviderKind; 3] = [ProviderKind::Places, ProviderKind::Apollo, ProviderKind::Hunter];
/// Leads of one search at most.
const MOST: i32 = 1_000;
/// What a page of each costs, in millionths of an Australian dollar: a map request is charged, the others by plan.
fn page_cost(provider: ProviderKind) -> i64 {
    match provider {
        ProviderKind::Places => 54_000,
        ProviderKind::Hunter => 12_000,
        ProviderKind::Apollo
        | ProviderKind::Abn
        | ProviderKind::Apify
        | ProviderKind::Clay
        | ProviderKind::Kaspr
        | ProviderKind::Website => 0,
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).take(20).collect()
}

/// Starts a search. What is left empty comes from the ideal customer profile.
///
/// # Errors
/// `search.service`, `search.account`, `search.most`, `search.words`.
pub async fn start(cx: &mut Cx, typed: &Typed) -> Result<Uuid> {
    let provider: ProviderKind = typed.provider.parse()?;
    if !SERVICES.contains(&provider) {
        return Err(Error::invalid("search.service", format!("{} cannot be searched.", provider.label())));
    }
    if !account::kinds(cx).await?.contains(&provider) {
        return Err(Error::refused(
            "search.account",
            format!("There is no account at {}. Add one under Enrichment.", provider.label()),
        ));
    }
    if !(1..=MOST).contains(&typed.most) {
        return Err(Error::invalid("search.most", format!("Ask for 1 to {MOST} leads.")));
    }
    let target = score::target(cx).await?;
    let or = |typed: &str, profile: Vec<String>| if typed.trim().is_empty() { profile } else { words(typed) };
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    let query = Query {
        titles: or(&typed.titles, target.titles),
        industries: or(&typed.industries, target.industries),
        countries: target.countries,
        place: Some(typed.place.trim().to_owned()).filter(|place| !place.is_empty()),
        headcount_min: count(target.headcount_min),
        headcount_max: count(target.headcount_max),
        page: None,
        per_page: 20,
    };
    let missing = match provider {
        ProviderKind::Places => query.industries.is_empty().then_some("a trade"),
        ProviderKind::Hunter => query.place.is_none().then_some("the domain of a company as the place"),
        ProviderKind::Apollo => {
            (query.titles.is_empty() && query.industries.is_empty()).then_some("titles or industries")
        }
        ProviderKind::Abn
        | ProviderKind::Apify
        | ProviderKind::Clay
        | ProviderKind::Kaspr
        | ProviderKind::Website => None,
    };
    if let Some(missing) = missing {
        return Err(Error::invalid(
            "search.words",
            format!("{} needs {missing}: give it here or in the ideal customer profile.", provider.label()),
        ));
    }
    let (tenant, now, id, by) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>(), cx.actor().label());
    sqlx::query!(
        "insert into enrich.search (id, tenant_id, provider, query, most, cost_micros, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        tenant,
        provider.word(),
        serde_json::to_value(&query)?,
        typed.most,
        page_cost(provider),
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    ::jobs::enqueue(cx, &Page { search: id }).await?;
    cx.publish(Fact::about("enrich.search.started", id).with(json!({"provider": provider.word()}))).await?;
    Ok(id)
}

/// The newest searches.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Search>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Search,
        r#"select id, provider, query, state as "state: State", found, added, known, suppressed, spent_micros, error, created_at as "created_at: Time"
           from enrich.search where tenant_id = $1 order by created_at desc, id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What a service itself calls a lead that it found.
pub async fn reference(cx: &mut Cx, provider: ProviderKind, lead: LeadId) -> Result<Option<String>> {
    let tenant = cx.tenant()?.uuid();
    if provider != ProviderKind::Apollo {
        return Ok(None);
    }
    Ok(sqlx::query_scalar!(
        "select reference from enrich.prospect where tenant_id = $1 and provider = $2 and lead_id = $3 limit 1",
        tenant,
        provider.word(),
        lead.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}
