//! What a kept answer comes to: fields, facts, quarantine, and the step's line in the lineage.

use super::{Lead, known};
use crate::call::Call;
use crate::lineage::{self, Outcome};
use crate::merge::{self, Conflict};
use crate::quarantine;
use crate::tier::Tier;
use base::Result;
use db::Cx;
use leads::fact;
use leads::lead::{self, Fields, LeadId};
use ports::provider::{Field, Finding, Purpose};

impl Lead {
    /// Takes a kept answer into the lead.
    pub(super) async fn take(&self, cx: &mut Cx, lead: &lead::Lead, tier: &Tier, kept: &Call) -> Result<()> {
        let own = kept.run_id == self.run && kept.lead_id == self.lead;
        let findings = kept.findings.clone().unwrap_or_default();
        let mut fields = Fields::from(lead);
        let mut merged = if kept.purpose == Purpose::VerifyEmail && kept.asked.person.email != lead.email {
            merge::Merged::default()
        } else {
            merge::merge(&mut fields, &findings)
        };
        if merged.filled.contains(&Field::Email)
            && let Some(email) = fields.email.clone()
            && somebody_has(cx, self.lead, &email).await?
        {
            let reason = "another lead has this address already".to_owned();
            let held = lead.email.clone().unwrap_or_default();
            merged.conflicts.push(Conflict {
                field: Field::Email,
                value: email,
                held,
                reason,
                confidence: 1.0,
            });
            merged.filled.retain(|field| !matches!(field, Field::Email | Field::EmailState));
            fields.email.clone_from(&lead.email);
            (fields.email_state, fields.role_address, fields.freemail) =
                (lead.email_state, lead.role_address, lead.freemail);
        }
        if !merged.filled.is_empty() {
            lead::edit(cx, self.lead, fields).await?;
        }
        remember(cx, lead, kept, &merged.facts).await?;
        for conflict in &merged.conflicts {
            quarantine::add(cx, self.run, self.lead, kept.provider, conflict).await?;
        }
        let outcome = if merged.is_held() {
            Outcome::Quarantined
        } else if findings.is_empty() {
            Outcome::Miss
        } else if own {
            Outcome::Hit
        } else {
            Outcome::Cached
        };
        let why = match merged.conflicts.first() {
            Some(conflict) => conflict.reason.clone(),
            None if !own => "looked up before; nothing was paid again".to_owned(),
            None => String::new(),
        };
        let step = lineage::New {
            data: &findings,
            filled: &merged.filled,
            ..self.step(tier, outcome, &why, Some(kept))
        };
        lineage::add(cx, &step).await?;
        if !merged.filled.is_empty() {
            // The next gate asks the score of what is known now.
            leads::score::jobs::score_leads(cx, &[self.lead.uuid()]).await?;
        }
        Ok(())
    }

    /// Notes a step that brought nothing.
    pub(super) async fn note(
        &self,
        cx: &mut Cx,
        tier: &Tier,
        outcome: Outcome,
        why: &str,
        kept: Option<&Call>,
    ) -> Result<()> {
        lineage::add(cx, &self.step(tier, outcome, why, kept)).await
    }

    /// The line of a step that brought nothing; it costs where the look-up behind it was made for this lead.
    fn step<'a>(&self, tier: &Tier, outcome: Outcome, why: &'a str, kept: Option<&Call>) -> lineage::New<'a> {
        let own = kept.filter(|kept| kept.run_id == self.run && kept.lead_id == self.lead);
        lineage::New {
            run: self.run,
            lead: self.lead,
            tier: tier.tier,
            provider: tier.provider,
            purpose: tier.purpose,
            outcome,
            reason: why,
            cost_micros: own.map_or(0, |kept| kept.cost_micros),
            call: kept.map(|kept| kept.id),
            data: &[],
            filled: &[],
        }
    }
}

/// Remembers findings that are no fields, each once.
async fn remember(cx: &mut Cx, lead: &lead::Lead, kept: &Call, findings: &[Finding]) -> Result<()> {
    let now_known = known::fresh_facts(cx, lead).await?;
    let rows: Vec<fact::New> = findings
        .iter()
        .filter(|one| !now_known.iter().any(|fact| fact.kind == one.field.word() && fact.text == one.value))
        .map(|one| fact::New {
            lead_id: lead.company_id.is_none().then_some(lead.id),
            company_id: lead.company_id,
            kind: one.field.word().to_owned(),
            text: one.value.clone(),
            quote: None,
            source: kept.provider.word().to_owned(),
            source_url: one.source_url.clone(),
            confidence: one.confidence,
            observed_at: Some(kept.asked_at),
        })
        .collect();
    fact::add_many(cx, &rows).await
}

async fn somebody_has(cx: &mut Cx, lead: LeadId, email: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from leads.lead where tenant_id = $1 and email = $2 and id <> $3 and deleted_at is null) as "there!""#,
        tenant,
        email,
        lead.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}
