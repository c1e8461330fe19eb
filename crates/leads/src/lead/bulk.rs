//! One act on many leads: on chosen ones, or on everything that matches a filter.

use super::{Asked, Consent, LeadId, Status, find, jobs::BulkJob};
use crate::score::jobs::{Of, Score};
use crate::suppression::Reason;
use base::{Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Up to this many leads are dealt with at once; more become a job.
pub const BULK_AT_ONCE: usize = 500;

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "act", deny_unknown_fields)]
pub enum Act {
    /// Onto the client's suppression list, and out of play.
    Suppress {
        /// Why.
        reason: Reason,
    },
    /// Taken out; their history stays.
    Delete,
    /// A basis of consent is recorded.
    Consent {
        /// Which.
        basis: Consent,
        /// Where it stands.
        source: String,
    },
    /// Scored again.
    Rescore,
    /// Facts are looked up again.
    Enrich,
}

impl Act {
    /// Refuses what is incomplete.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Consent { source, .. } if source.trim().is_empty() => Err(Error::invalid(
                "lead.consent_source",
                "Say where the consent stands: a form, a contract, a page.",
            )),
            Self::Suppress { .. } | Self::Delete | Self::Consent { .. } | Self::Rescore | Self::Enrich => {
                Ok(())
            }
        }
    }

    /// What was done, after a number: "12 leads …".
    pub fn done(&self) -> &'static str {
        match self {
            Self::Suppress { .. } => "suppressed",
            Self::Delete => "deleted",
            Self::Consent { .. } => "given a basis of consent",
            Self::Rescore => "being scored again",
            Self::Enrich => "being looked up again",
        }
    }
}

/// Which leads an act is for: those that were chosen, or everything that a filter matches.
#[derive(Clone, PartialEq, Debug)]
pub enum Selection {
    /// These.
    Chosen(Vec<LeadId>),
    /// Everything that matches.
    Matching(Box<Asked>),
}

impl Selection {
    /// From the form under a table: `pick` for each chosen lead, `all=1` with `filter` (the list's query)
    /// for everything. Errors when nothing was chosen.
    pub fn from_form(form: &[(String, String)]) -> Result<Self> {
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if value("all") == Some("1") {
            return Ok(Self::Matching(Box::new(Asked::from_query(value("filter").unwrap_or_default()))));
        }
        let chosen: Vec<LeadId> = form
            .iter()
            .filter(|(key, _)| key == "pick")
            .map(|(_, id)| {
                id.parse().map_err(|_| Error::invalid("lead.id", format!("“{id}” is not the id of a lead.")))
            })
            .collect::<Result<_>>()?;
        if chosen.is_empty() {
            return Err(Error::invalid("lead.nothing_chosen", "Choose at least one lead first."));
        }
        if chosen.len() > BULK_AT_ONCE {
            return Err(Error::invalid(
                "lead.too_many",
                format!("Choose at most {BULK_AT_ONCE} leads, or everything that matches."),
            ));
        }
        Ok(Self::Chosen(chosen))
    }

    /// The hidden values with which a form says the same again.
    pub fn hidden(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Chosen(ids) => ids.iter().map(|id| ("pick", id.to_string())).collect(),
            Self::Matching(asked) => vec![("all", "1".to_owned()), ("filter", asked.query())],
        }
    }

    /// How many leads these are; stops counting at one more than [`find::COUNT_MAX`].
    pub async fn count(&self, cx: &mut Cx) -> Result<i64> {
        match self {
            Self::Chosen(ids) => Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX)),
            Self::Matching(asked) => {
                let filter = asked.filter()?;
                if filter.is_tallied() {
                    let tier = if filter.unscored { Some(None) } else { filter.tier.map(Some) };
                    return Ok(super::tally(cx).await?.of(filter.status, tier));
                }
                find::count(cx, &filter).await
            }
        }
    }

    /// The ids, at most `limit` of them, for the acts of other domains.
    pub async fn ids(&self, cx: &mut Cx, limit: usize) -> Result<Vec<LeadId>> {
        match self {
            Self::Chosen(ids) => Ok(ids.iter().copied().take(limit).collect()),
            Self::Matching(asked) => {
                let now = cx.now();
                find::ids(cx, &asked.filter()?, None, now, i64::try_from(limit).unwrap_or(i64::MAX)).await
            }
        }
    }
}

/// Carries an act out: at once for few leads, as a job for many. Returns how many were dealt with now, or
/// none when a job does it.
pub async fn bulk(cx: &mut Cx, selection: &Selection, act: &Act) -> Result<Option<usize>> {
    act.check()?;
    let asked_at = cx.now();
    let ids = selection.ids(cx, BULK_AT_ONCE + 1).await?;
    cx.publish(bulk_fact("leads.bulk_asked", act, ids.len().min(BULK_AT_ONCE))).await?;
    if ids.len() <= BULK_AT_ONCE {
        return apply(cx, &ids, act).await.map(Some);
    }
    let Selection::Matching(asked) = selection else {
        return Err(Error::invalid("lead.too_many", format!("Choose at most {BULK_AT_ONCE} leads.")));
    };
    let job = BulkJob { query: asked.query(), act: act.clone(), asked_at, after: None };
    jobs::enqueue(cx, &job).await?;
    Ok(None)
}

pub(super) fn bulk_fact(kind: &'static str, act: &Act, count: usize) -> Fact {
    Fact { kind, subject: None, payload: json!({"act": act, "count": count}) }
}

/// Does it to these leads, with one statement each; returns how many were touched.
pub(super) async fn apply(cx: &mut Cx, ids: &[LeadId], act: &Act) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let raw: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let touched = match act {
        Act::Suppress { reason } => suppress(cx, &raw, *reason).await?,
        Act::Delete => delete(cx, &raw).await?,
        Act::Consent { basis, source } => consent(cx, &raw, *basis, source).await?,
        Act::Rescore => {
            jobs::enqueue(cx, &Score { of: Of::Leads(ids.to_vec()) }).await?;
            ids.len()
        }
        Act::Enrich => crate::enrich::ask(cx, &raw).await?,
    };
    cx.publish(bulk_fact("leads.bulk_done", act, touched)).await?;
    Ok(touched)
}

async fn delete(cx: &mut Cx, ids: &[Uuid]) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update leads.lead set deleted_at = $3, updated_at = $3 where tenant_id = $1 and id = any($2) and deleted_at is null",
        tenant,
        ids,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

async fn consent(cx: &mut Cx, ids: &[Uuid], basis: Consent, source: &str) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update leads.lead set consent = $3, consent_source = $4, consent_at = $5, updated_at = $5
         where tenant_id = $1 and id = any($2) and deleted_at is null",
        tenant,
        ids,
        basis as Consent,
        source.trim(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

/// Addresses and numbers onto the list, the leads out of play where their state allows it.
async fn suppress(cx: &mut Cx, ids: &[Uuid], reason: Reason) -> Result<usize> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let keys = sqlx::query!(
        r#"select email as "value!", 'email' as "kind!" from leads.lead where tenant_id = $1 and id = any($2) and deleted_at is null and email is not null
           union
           select phone, 'phone' from leads.lead where tenant_id = $1 and id = any($2) and deleted_at is null and phone is not null"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    let entries: Vec<_> =
        keys.iter().map(|key| json!({"id": cx.id::<Uuid>(), "kind": key.kind, "value": key.value})).collect();
    sqlx::query!(
        "insert into leads.suppression (id, tenant_id, kind, value, reason, source, created_by, created_at)
         select r.id, $1, r.kind, r.value, $3, 'person', $4, $5
         from jsonb_to_recordset($2) as r(id uuid, kind leads.suppression_kind, value text) on conflict do nothing",
        tenant,
        serde_json::Value::from(entries),
        reason as Reason,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let to = if reason == Reason::Unsubscribed { Status::Unsubscribed } else { Status::Disqualified };
    let from: Vec<i16> =
        Status::ALL.into_iter().filter(|from| from.may_become(to)).map(Status::number).collect();
    let moved = sqlx::query_scalar!(
        "update leads.lead set status = $3, status_reason = $4, updated_at = $5
         where tenant_id = $1 and id = any($2) and deleted_at is null and status_no = any($6) returning id",
        tenant,
        ids,
        to as Status,
        reason.label(),
        now as Time,
        &from,
    )
    .fetch_all(cx.conn())
    .await?;
    let facts = moved.iter().map(|id| {
        Fact::about("leads.lead.moved", *id).with(json!({"to": to.word(), "reason": reason.label()}))
    });
    cx.publish_all(facts.collect()).await?;
    Ok(moved.len())
}
