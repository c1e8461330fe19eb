//! The leads of a campaign: adding them by what they are, listing them by how far they got.

use super::{CampaignId, Status, get};
use crate::enrolment;
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which leads are added. Everything that is said must hold.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AddFilter {
    /// These leads.
    pub lead_ids: Vec<Uuid>,
    /// Of this tier: `hot`, `warm`, `cool`, `cold`.
    pub tier: Option<String>,
    /// In this state: `new`, `enriched`, `scored`.
    pub status: Option<String>,
    /// Of this import.
    pub import_id: Option<Uuid>,
    /// At most so many, best first.
    pub limit: Option<i64>,
}

/// Leads that are added at once at most.
const ADD_MAX: i64 = 10_000;

/// Adds leads, best first. Returns how many joined: leads in another sequence, suppressed by their
/// state or without a score tier that permits e-mail stay out.
pub async fn add_leads(cx: &mut Cx, id: CampaignId, filter: &AddFilter) -> Result<usize> {
    let campaign = get(cx, id).await?;
    if campaign.status == Status::Completed {
        return Err(Error::conflict("campaign.completed", "A completed campaign takes no leads."));
    }
    if campaign.sequence_id.is_none() {
        return Err(Error::refused(
            "campaign.no_sequence",
            "Give the campaign a sequence first; leads join a sequence.",
        ));
    }
    let word =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let (tier, status) = (word(&filter.tier), word(&filter.status));
    if filter.lead_ids.is_empty() && tier.is_none() && status.is_none() && filter.import_id.is_none() {
        return Err(Error::invalid(
            "campaign.no_filter",
            "Say which leads: some of them, a tier, a state or an import.",
        ));
    }
    let tenant = cx.tenant()?.uuid();
    let ids = sqlx::query_scalar!(
        "select l.id from leads.lead l
         where l.tenant_id = $1 and l.deleted_at is null and l.email is not null and l.status in ('new', 'enriched', 'scored')
           and l.tier is not null and l.tier <> 'dead'
           and (cardinality($2::uuid[]) = 0 or l.id = any($2))
           and ($3::text is null or l.tier::text = $3) and ($4::text is null or l.status::text = $4) and ($5::uuid is null or l.import_id = $5)
           and not exists (select from outreach.enrolment e where e.tenant_id = $1 and e.lead_id = l.id and (e.status in ('active', 'paused') or e.campaign_id = $6))
         order by l.score desc nulls last, l.id limit $7",
        tenant,
        &filter.lead_ids,
        tier,
        status,
        filter.import_id,
        id.uuid(),
        filter.limit.unwrap_or(ADD_MAX).clamp(1, ADD_MAX),
    )
    .fetch_all(cx.conn())
    .await?;
    enrolment::enrol(cx, id.uuid(), &ids).await
}

/// How far a lead got, as the numbers of the campaign count it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Everyone.
    #[default]
    All,
    /// Something was sent.
    Contacted,
    /// Answered.
    Replied,
    /// Wants to talk or know more.
    Positive,
    /// Has a meeting.
    Meeting,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 5] = [Self::All, Self::Contacted, Self::Replied, Self::Positive, Self::Meeting];

    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Contacted => "contacted",
            Self::Replied => "replied",
            Self::Positive => "positive",
            Self::Meeting => "meeting",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Contacted => "Contacted",
            Self::Replied => "Replied",
            Self::Positive => "Positive",
            Self::Meeting => "Meeting",
        }
    }
}

/// A lead in a campaign.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Enrolled {
    /// The enrolment.
    pub id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
    /// Its name, else its address.
    pub name: String,
    /// Its company.
    pub company: Option<String>,
    /// Its tier.
    pub tier: Option<String>,
    /// Where the enrolment stands.
    pub status: String,
    /// Why, if it stopped or is paused.
    pub status_reason: Option<String>,
    /// The sequence version that it runs through.
    pub version: i32,
    /// The next step.
    pub next_step: i16,
    /// When that is due; none while a message is under way or all is done.
    #[schemars(with = "Option<String>")]
    pub next_due_at: Option<Time>,
    /// Messages that were sent.
    pub touches: i16,
    /// When it joined.
    #[schemars(with = "String")]
    pub created_at: Time,
}

/// The leads of a campaign, the latest first.
pub async fn enrolled(
    cx: &mut Cx,
    id: CampaignId,
    stage: Stage,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<Enrolled>> {
    let tenant = cx.tenant()?.uuid();
    let (at, last) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let at = key.parse::<i64>().map_err(|cause| {
                Error::invalid("cursor.invalid", "This page link is damaged.").caused_by(cause)
            })?;
            (Some(Time::from_us(at)), id)
        }
        None => (None, Uuid::nil()),
    };
    let rows = sqlx::query_as!(
        Enrolled,
        r#"select e.id, e.lead_id, coalesce(nullif(trim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, 'No name') as "name!",
                  l.company_name as company, l.tier::text as tier, e.status::text as "status!", e.status_reason, s.version, e.next_step, e.next_due_at,
                  e.touches, e.created_at
           from outreach.enrolment e join leads.lead l on l.id = e.lead_id join outreach.sequence s on s.id = e.sequence_id
           where e.tenant_id = $1 and e.campaign_id = $2 and ($3::timestamptz is null or (e.created_at, e.id) < ($3, $4))
             and ($5 = 'all'
               or ($5 = 'contacted' and exists (select from outreach.touch t where t.tenant_id = $1 and t.campaign_id = $2 and t.lead_id = e.lead_id and t.sent_at is not null))
               or ($5 = 'replied' and exists (select from outreach.activity a where a.tenant_id = $1 and a.campaign_id = $2 and a.lead_id = e.lead_id and a.action = 'replied'))
               or ($5 = 'positive' and exists (select from outreach.thread h join outreach.message m on m.thread_id = h.id
                     where h.tenant_id = $1 and h.campaign_id = $2 and h.lead_id = e.lead_id and m.direction = 'inbound' and m.intent in ('meeting_request', 'interested')))
               or ($5 = 'meeting' and exists (select from outreach.meeting m where m.tenant_id = $1 and m.campaign_id = $2 and m.lead_id = e.lead_id and m.status <> 'cancelled')))
           order by e.created_at desc, e.id desc limit $6"#,
        tenant,
        id.uuid(),
        at as Option<Time>,
        last,
        stage.word(),
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let most = usize::try_from(limit).unwrap_or(0);
    Ok(Page::cut(rows, most, |row| Cursor::after(&row.created_at.us().to_string(), row.id)))
}
