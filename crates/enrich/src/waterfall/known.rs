//! What is known of a lead when a service is asked.

use crate::call::Asked;
use crate::tier::Tier;
use base::{Micros, Result};
use control::figure;
use db::Cx;
use leads::{fact, lead};
use ports::provider::{Company, Field, Person};
use std::collections::BTreeSet;

/// What a step asks.
pub(super) fn asked(tier: &Tier, lead: &lead::Lead, abn: Option<String>, reference: Option<String>) -> Asked {
    let person = Person {
        first_name: lead.first_name.clone(),
        last_name: lead.last_name.clone(),
        email: lead.email.clone(),
        linkedin_url: lead.linkedin_url.clone(),
        title: lead.title.clone(),
        reference,
    };
    let company = Company {
        name: lead.company_name.clone(),
        domain: lead.domain.clone(),
        country: lead.country.clone(),
        region: lead.region.clone(),
        city: lead.city.clone(),
        abn,
    };
    // An Australian dollar is worth less than an American one: the limit is never above the price.
    Asked { person, company, per_hit: tier.per_hit, limit_usd: Micros(tier.cost_micros).0 }
}

/// What is remembered of a lead and its company beside its fields, and the company's ABN.
pub(super) async fn known_facts(cx: &mut Cx, lead: &lead::Lead) -> Result<(BTreeSet<Field>, Option<String>)> {
    let facts = fresh_facts(cx, lead).await?;
    let words = |kind: &str| match kind {
        "postal_address" => Some(Field::Address),
        other => other.parse::<Field>().ok(),
    };
    let known = facts.iter().filter_map(|fact| words(&fact.kind)).collect();
    let abn =
        facts.iter().filter(|fact| fact.kind == "abn").find_map(|fact| ports::provider::abn::abn(&fact.text));
    Ok((known, abn))
}

/// What is remembered of a lead and its company and is not older than a look-up is good for.
pub(super) async fn fresh_facts(cx: &mut Cx, lead: &lead::Lead) -> Result<Vec<fact::Fact>> {
    let days: i64 = figure::read(cx, "enrich.cache_days").await?;
    let since = cx.now().plus_days(-days);
    let mut facts = fact::of_lead(cx, lead.id, lead.company_id).await?;
    facts.retain(|fact| fact.observed_at > since);
    Ok(facts)
}
