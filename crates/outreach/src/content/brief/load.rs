//! Reads the sheet from the rows.

use super::{
    Brief, CampaignCard, ClientCard, Earlier, Evidence, LeadCard, Rank, SenderCard, StepCard, Topic, rank,
};
use crate::{
    channel::{Channel, Form},
    resource,
    touch::TouchId,
};
use base::{Error, Result, Time, Zone};
use db::Cx;
use uuid::Uuid;

/// Facts with less confidence than this are not used.
const CONFIDENCE_MIN: f32 = 0.5;
/// Facts that are read at most.
const FACTS_MAX: i64 = 60;

/// For which step of which campaign a sheet is made.
struct Place {
    lead: Uuid,
    campaign: Uuid,
    sequence: Uuid,
    step: i16,
    arm: Option<String>,
}

impl Brief {
    /// The sheet of a touch, to be sent through a resource.
    pub async fn load(
        cx: &mut Cx,
        touch: TouchId,
        unsubscribe_url: &str,
        resource: Option<&resource::Resource>,
    ) -> Result<Self> {
        let tenant = cx.tenant()?.uuid();
        let row = sqlx::query!(
            "select t.lead_id, t.campaign_id, e.sequence_id, t.step_number, t.arm
             from outreach.touch t join outreach.enrolment e on e.id = t.enrolment_id where t.tenant_id = $1 and t.id = $2",
            tenant,
            touch.uuid(),
        )
        .fetch_optional(cx.conn())
        .await?
        .ok_or_else(|| Error::not_found("touch"))?;
        let place = Place {
            lead: row.lead_id,
            campaign: row.campaign_id,
            sequence: row.sequence_id,
            step: row.step_number,
            arm: row.arm,
        };
        let sender = resource.map_or_else(SenderCard::default, |resource| SenderCard {
            name: resource.display_name.clone(),
            address: resource.address.clone(),
        });
        read(cx, &place, sender, unsubscribe_url).await
    }

    /// The sheet of a step for any lead, as if it were its turn: for previews. Nothing is changed.
    pub async fn preview(
        cx: &mut Cx,
        campaign: Uuid,
        sequence: Uuid,
        step: i16,
        lead: Uuid,
        sender: SenderCard,
    ) -> Result<Self> {
        let place = Place { lead, campaign, sequence, step, arm: None };
        read(cx, &place, sender, "(the person's own opt-out link)").await
    }
}

/// Everything that one statement reads.
struct Read {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    title: Option<String>,
    company: Option<String>,
    industry: Option<String>,
    headcount: Option<i32>,
    city: Option<String>,
    country: Option<String>,
    website: Option<String>,
    source: String,
    role_started_on: Option<String>,
    hiring: Option<bool>,
    funded_on: Option<String>,
    updated_at: Time,
    company_id: Option<Uuid>,
    zone: String,
    client_name: String,
    legal_name: Option<String>,
    postal_address: Option<String>,
    client_website: Option<String>,
    client_offer: Option<String>,
    campaign_name: String,
    goal: String,
    offer: String,
    subject_template: String,
    body_template: String,
    purpose: String,
    threaded: bool,
    channel: Channel,
    form: String,
    steps: i64,
}

async fn row(cx: &mut Cx, place: &Place) -> Result<Read> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Read,
        r#"select l.email, l.first_name, l.last_name, l.title, coalesce(l.company_name, m.name) as company, coalesce(l.industry, m.industry) as industry,
                  coalesce(l.headcount, m.headcount) as headcount, coalesce(l.city, m.city) as city, l.country, l.website, l.source,
                  l.role_started_on::text as role_started_on, l.hiring, l.funded_on::text as funded_on, l.updated_at, l.company_id,
                  coalesce(l.zone, n.zone) as "zone!",
                  n.name as client_name, n.legal_name, n.postal_address, n.website as client_website, n.offer as client_offer,
                  c.name as campaign_name, c.goal, c.offer,
                  coalesce(b.subject_template, s.subject_template) as "subject_template!", coalesce(b.body_template, s.body_template) as "body_template!",
                  coalesce(nullif(b.purpose, ''), s.purpose) as "purpose!", s.threaded, s.channel as "channel: Channel", s.form,
                  (select count(*) from outreach.step o where o.tenant_id = $1 and o.sequence_id = $4) as "steps!"
           from leads.lead l
           join accounts.tenant n on n.id = l.tenant_id
           join outreach.campaign c on c.tenant_id = $1 and c.id = $3
           join outreach.step s on s.tenant_id = $1 and s.sequence_id = $4 and s.number = $5
           left join leads.company m on m.id = l.company_id
           left join outreach.step_arm b on b.tenant_id = $1 and b.sequence_id = $4 and b.number = $5 and b.arm = $6
           where l.tenant_id = $1 and l.id = $2 and l.deleted_at is null"#,
        tenant,
        place.lead,
        place.campaign,
        place.sequence,
        place.step,
        place.arm,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("lead or step"))
}

async fn read(cx: &mut Cx, place: &Place, sender: SenderCard, unsubscribe_url: &str) -> Result<Brief> {
    let now = cx.now();
    let row = row(cx, place).await?;
    let lead = LeadCard {
        id: place.lead,
        first_name: row.first_name,
        last_name: row.last_name,
        title: row.title,
        company: row.company,
        industry: row.industry,
        headcount: row.headcount,
        city: row.city,
        country: row.country,
        website: row.website,
    };
    let own = Own {
        source: &row.source,
        at: row.updated_at,
        role_started_on: row.role_started_on.as_deref(),
        hiring: row.hiring == Some(true),
        funded_on: row.funded_on.as_deref(),
    };
    let mut facts = own_facts(&lead, &own, now);
    facts.extend(stored_facts(cx, place.lead, row.company_id).await?);
    let objections =
        facts.iter().filter(|fact| fact.topic == Topic::Objection).map(|fact| fact.text.clone()).collect();
    let mut brief = Brief {
        lead,
        facts,
        client: ClientCard {
            name: row.client_name,
            legal_name: row.legal_name.unwrap_or_default(),
            postal_address: row.postal_address.unwrap_or_default(),
            website: row.client_website,
            offer: row.client_offer,
        },
        campaign: CampaignCard {
            id: place.campaign,
            name: row.campaign_name,
            goal: row.goal,
            offer: row.offer,
        },
        step: StepCard {
            number: place.step,
            of: i16::try_from(row.steps).unwrap_or(i16::MAX),
            subject_template: row.subject_template,
            body_template: row.body_template,
            purpose: row.purpose,
            threaded: row.threaded,
            channel: row.channel,
            form: Form::read(row.channel, &row.form),
        },
        sender,
        earlier: earlier(cx, place, row.channel).await?,
        objections,
        recipient: row.email.unwrap_or_default(),
        unsubscribe_url: unsubscribe_url.to_owned(),
        booking_url: None,
        now,
        zone: Zone::named(&row.zone)?,
    };
    brief.order();
    Ok(brief)
}

/// What the lead's own record says beside the card.
struct Own<'a> {
    source: &'a str,
    at: Time,
    role_started_on: Option<&'a str>,
    hiring: bool,
    funded_on: Option<&'a str>,
}

/// An ISO date at the beginning of its day, UTC.
fn day(text: Option<&str>) -> Option<Time> {
    text.and_then(|date| format!("{date}T00:00:00Z").parse().ok())
}

fn own_facts(lead: &LeadCard, own: &Own<'_>, now: Time) -> Vec<Evidence> {
    let company = lead.company.as_deref().unwrap_or("The company");
    let mut facts = Vec::new();
    let mut add = |field: &str, topic: Topic, at: Time, text: Option<String>| {
        if let Some(text) = text {
            facts.push(Evidence {
                id: format!("lead.{field}"),
                topic,
                text,
                quote: None,
                source: own.source.to_owned(),
                source_url: None,
                observed_at: at,
                confidence: 1.0,
                rank: rank(topic, at, now),
            });
        }
    };
    let role = day(own.role_started_on);
    let funded = day(own.funded_on);
    add("hiring", Topic::Hiring, own.at, own.hiring.then(|| format!("{company} is hiring")));
    add(
        "role_started_on",
        Topic::NewRole,
        role.unwrap_or(now),
        role.and(lead.title.as_ref()).map(|title| format!("Began as {title} at {company}")),
    );
    add("funded_on", Topic::Funding, funded.unwrap_or(now), funded.map(|_| format!("{company} was funded")));
    add("title", Topic::Title, own.at, lead.title.as_ref().map(|title| format!("{title} at {company}")));
    add(
        "industry",
        Topic::Industry,
        own.at,
        lead.industry.as_ref().map(|industry| format!("{company} works in {industry}")),
    );
    add(
        "headcount",
        Topic::Size,
        own.at,
        lead.headcount.map(|n| format!("About {n} people work at {company}")),
    );
    add("city", Topic::Place, own.at, lead.city.as_ref().map(|city| format!("{company} is in {city}")));
    facts
}

async fn stored_facts(cx: &mut Cx, lead: Uuid, company: Option<Uuid>) -> Result<Vec<Evidence>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query!(
        r#"select id, kind, text, quote, source, source_url, confidence, observed_at from leads.fact
           where tenant_id = $1 and (lead_id = $2 or company_id = $3) and not quarantined and (expires_at is null or expires_at > $4)
             and confidence >= $5
           order by observed_at desc, id limit $6"#,
        tenant,
        lead,
        company,
        now as Time,
        CONFIDENCE_MIN,
        FACTS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let topic = Topic::of(&row.kind);
            Evidence {
                id: row.id.to_string(),
                topic,
                text: row.text,
                quote: row.quote,
                source: row.source,
                source_url: row.source_url,
                observed_at: row.observed_at,
                confidence: row.confidence,
                rank: rank(topic, row.observed_at, now),
            }
        })
        .filter(|fact| fact.rank != Rank::Low || fact.topic == Topic::Place)
        .collect())
}

async fn earlier(cx: &mut Cx, place: &Place, channel: Channel) -> Result<Vec<Earlier>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select coalesce(subject, '') as "subject!", coalesce(body, '') as "body!", sent_at as "sent_at!"
           from outreach.touch
           where tenant_id = $1 and lead_id = $2 and campaign_id = $3 and channel = $5 and sent_at is not null and step_number < $4
           order by sent_at limit 20"#,
        tenant,
        place.lead,
        place.campaign,
        place.step,
        channel as Channel,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Earlier { subject: row.subject, body: row.body, at: row.sent_at })
        .collect())
}
