//! The steps of the waterfall, as rows: which service, at which price, for whom, and which fields it brings.

use base::{Error, Micros, Result, Time};
use db::{Cx, Fact};
use ports::provider::{Field, ProviderKind, Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A step as it counts now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Tier {
    /// The row.
    pub id: Uuid,
    /// Which service.
    pub provider: ProviderKind,
    /// What for.
    pub purpose: Purpose,
    /// 1 to 5; T0 is the cache.
    pub tier: i16,
    /// Order within the tier.
    pub position: i16,
    /// What a look-up costs, in millionths of an Australian dollar.
    pub cost_micros: i64,
    /// Charged only for what is found.
    pub per_hit: bool,
    /// Counted against the share of a batch.
    pub premium: bool,
    /// The least score.
    pub score_min: i16,
    /// What must be known.
    pub needs: Vec<Field>,
    /// Asked only while one of these is missing.
    pub fields: Vec<Field>,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// Since when this row counts.
    pub valid_from: Time,
    /// Where it comes from.
    pub source: String,
    /// Why it is so.
    pub reason: String,
    /// Whether it is the tenant's own.
    pub own: bool,
}

/// What is changed of a step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What a look-up costs, in millionths of an Australian dollar.
    pub cost_micros: i64,
    /// The least score.
    pub score_min: i16,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// Why.
    pub reason: String,
}

/// The dearest look-up that may be set: A$20.
const COST_MAX: i64 = 20_000_000;
/// The least score of a T4 and of a T5 step (growth spec).
const SCORE_FLOOR: [(i16, i16); 2] = [(4, 35), (5, 85)];

struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    provider: String,
    purpose: String,
    tier: i16,
    position: i16,
    cost_micros: i64,
    per_hit: bool,
    premium: bool,
    score_min: i16,
    needs: Vec<String>,
    fields: Vec<String>,
    enabled: bool,
    valid_from: Time,
    source: String,
    reason: String,
}

impl Row {
    fn read(self) -> Result<Tier> {
        let fields =
            |words: Vec<String>| words.iter().map(|word| word.parse()).collect::<Result<Vec<Field>>>();
        Ok(Tier {
            id: self.id,
            provider: self.provider.parse()?,
            purpose: self.purpose.parse()?,
            tier: self.tier,
            position: self.position,
            cost_micros: self.cost_micros,
            per_hit: self.per_hit,
            premium: self.premium,
            score_min: self.score_min,
            needs: fields(self.needs)?,
            fields: fields(self.fields)?,
            enabled: self.enabled,
            valid_from: self.valid_from,
            source: self.source,
            reason: self.reason,
            own: self.tenant_id.is_some(),
        })
    }
}

/// The steps as they count now, in their order: a tenant's own row goes before the platform's, of one owner the
/// latest.
pub async fn current(cx: &mut Cx) -> Result<Vec<Tier>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query_as!(
        Row,
        r#"select distinct on (provider, purpose) id, tenant_id, provider, purpose, tier, position, cost_micros, per_hit, premium,
                  score_min, needs, fields, enabled, valid_from as "valid_from: Time", source, reason
           from enrich.tier where (tenant_id = $1 or tenant_id is null) and valid_from <= $2
           order by provider, purpose, tenant_id is null, valid_from desc, created_at desc"#,
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut tiers = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    tiers.sort_by_key(|tier| (tier.tier, tier.position, tier.provider));
    Ok(tiers)
}

/// Every row of a step that this tenant sees, newest first: how its price and gate came about.
pub async fn history(cx: &mut Cx, provider: ProviderKind, purpose: Purpose) -> Result<Vec<Tier>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, tenant_id, provider, purpose, tier, position, cost_micros, per_hit, premium,
                  score_min, needs, fields, enabled, valid_from as "valid_from: Time", source, reason
           from enrich.tier where (tenant_id = $1 or tenant_id is null) and provider = $2 and purpose = $3
           order by valid_from desc, created_at desc limit 50"#,
        tenant,
        provider.word(),
        purpose.word(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Sets a step from now on, as the tenant's own row beside the ones before.
///
/// # Errors
/// `tier.cost`, `tier.score`, `tier.reason`; not found.
pub async fn set(cx: &mut Cx, provider: ProviderKind, purpose: Purpose, change: &Change) -> Result<Uuid> {
    let reason = change.reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(Error::invalid("tier.reason", "Say why, in 1 to 500 characters."));
    }
    if !(0..=COST_MAX).contains(&change.cost_micros) {
        return Err(Error::invalid("tier.cost", "A look-up costs between A$0 and A$20."));
    }
    let before =
        current(cx).await?.into_iter().find(|tier| tier.provider == provider && tier.purpose == purpose);
    let Some(before) = before else { return Err(Error::not_found("step")) };
    let floor = SCORE_FLOOR.iter().find(|(tier, _)| *tier == before.tier).map_or(0, |(_, least)| *least);
    if !(floor..=100).contains(&change.score_min) {
        return Err(Error::invalid(
            "tier.score",
            format!("The least score of a T{} step lies between {floor} and 100.", before.tier),
        ));
    }
    cx.because(reason).await?;
    let (tenant, now, source, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<Uuid>());
    let words = |fields: &[Field]| fields.iter().map(|field| field.word().to_owned()).collect::<Vec<_>>();
    sqlx::query!(
        "insert into enrich.tier (id, tenant_id, provider, purpose, tier, position, cost_micros, per_hit, premium, score_min, needs, fields, enabled, valid_from, source, reason, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $14)",
        id,
        tenant,
        provider.word(),
        purpose.word(),
        before.tier,
        before.position,
        change.cost_micros,
        before.per_hit,
        before.premium,
        change.score_min,
        &words(&before.needs),
        &words(&before.fields),
        change.enabled,
        now as Time,
        source,
        reason,
    )
    .execute(cx.conn())
    .await?;
    let payload =
        json!({"provider": provider.word(), "purpose": purpose.word(), "cost_micros": change.cost_micros});
    cx.publish(Fact::about("enrich.tier.set", id).with(payload)).await?;
    Ok(id)
}

/// Whether a step is asked for a lead, and if not why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gate {
    /// It is asked.
    Ask,
    /// It is not, because of this.
    Skip(String),
}

/// What the gate looks at besides the step.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// What is known well enough.
    pub known: &'a BTreeSet<Field>,
    /// What is there at all, however good.
    pub there: &'a BTreeSet<Field>,
    /// The score; none: not scored yet.
    pub score: Option<i16>,
    /// Whether the tenant has an account at the service.
    pub account: bool,
}

/// Whether a step is asked.
pub fn gate(tier: &Tier, standing: &Standing<'_>) -> Gate {
    let skip = |why: String| Gate::Skip(why);
    if !tier.enabled {
        return skip("switched off in the configuration".to_owned());
    }
    if !standing.account {
        return skip(format!("no account at {}", tier.provider.label()));
    }
    if !tier.fields.iter().any(|field| !standing.known.contains(field)) {
        return skip("everything that it brings is known".to_owned());
    }
    if let Some(missing) = tier.needs.iter().find(|field| !standing.there.contains(field)) {
        return skip(format!("needs: {}", missing.label().to_lowercase()));
    }
    match standing.score {
        _ if tier.score_min == 0 => Gate::Ask,
        None => skip(format!("only from a score of {}; not scored yet", tier.score_min)),
        Some(score) if score < tier.score_min => {
            skip(format!("only from a score of {}; this is {score}", tier.score_min))
        }
        Some(_) => Gate::Ask,
    }
}

impl Tier {
    /// What a look-up costs.
    pub fn cost(&self) -> Micros {
        Micros(self.cost_micros)
    }

    /// Whether a second look-up could cost a second time.
    pub fn is_paid(&self) -> bool {
        self.cost_micros > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(tier: i16, score_min: i16, needs: &[Field], fields: &[Field]) -> Tier {
        Tier {
            id: Uuid::nil(),
            provider: ProviderKind::Kaspr,
            purpose: Purpose::Mobile,
            tier,
            position: 1,
            cost_micros: 77_000,
            per_hit: true,
            premium: true,
            score_min,
            needs: needs.to_vec(),
            fields: fields.to_vec(),
            enabled: true,
            valid_from: Time::from_us(0),
            source: String::new(),
            reason: String::new(),
            own: false,
        }
    }

    #[test]
    fn a_step_is_asked_only_for_whom_it_is_and_what_is_missing() {
        let t5 = step(5, 85, &[Field::LinkedIn], &[Field::Mobile]);
        let t4 = step(4, 35, &[], &[Field::Title]);
        let (none, profile) = (BTreeSet::new(), BTreeSet::from([Field::LinkedIn]));
        let mobile = BTreeSet::from([Field::Mobile]);
        let off = Tier { enabled: false, ..t4.clone() };
        for (tier, known, there, score, account, asked) in [
            (&t5, &none, &profile, Some(85), true, true),
            (&t5, &none, &profile, Some(84), true, false),
            (&t5, &none, &profile, None, true, false),
            (&t5, &none, &none, Some(99), true, false),
            (&t5, &mobile, &profile, Some(99), true, false),
            (&t5, &none, &profile, Some(99), false, false),
            (&t4, &none, &none, Some(35), true, true),
            (&t4, &none, &none, Some(34), true, false),
            (&off, &none, &none, Some(99), true, false),
        ] {
            let got = gate(tier, &Standing { known, there, score, account });
            assert_eq!(got == Gate::Ask, asked, "{tier:?} {score:?}: {got:?}");
        }
    }
}
