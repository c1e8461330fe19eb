//! To whom and to what a received mail belongs.

use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// What a received mail answers.
#[derive(Clone, Debug, Default)]
pub struct Belongs {
    /// The lead.
    pub lead: Option<Uuid>,
    /// The campaign.
    pub campaign: Option<Uuid>,
    /// The touch that is answered.
    pub touch: Option<Uuid>,
    /// The enrolment that still runs or pauses.
    pub enrolment: Option<Uuid>,
    /// What we wrote there, to tell quoted text from the person's own words.
    pub our_text: Option<String>,
    /// By what it was found: `reference`, `sender`, `recipient`; empty when it was not.
    pub by: &'static str,
}

/// Message-IDs as rows hold them: with and without angle brackets.
fn spellings<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    ids.into_iter()
        .map(|id| id.trim_matches(['<', '>', ' ']))
        .filter(|id| !id.is_empty())
        .flat_map(|id| [id.to_owned(), format!("<{id}>")])
        .collect()
}

/// By the Message-IDs that a mail names; the one that it answers counts before the rest of the thread.
pub async fn by_reference(
    cx: &mut Cx,
    in_reply_to: &[String],
    references: &[String],
) -> Result<Option<Belongs>> {
    let tenant = cx.tenant()?.uuid();
    let answered = spellings(in_reply_to);
    let all = spellings(in_reply_to.iter().chain(references));
    if all.is_empty() {
        return Ok(None);
    }
    let touch = sqlx::query!(
        "select id, lead_id, campaign_id, body from outreach.touch
         where tenant_id = $1 and message_id = any($2)
         order by (message_id = any($3)) desc, sent_at desc nulls last limit 1",
        tenant,
        &all,
        &answered,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(touch) = touch {
        let enrolment = open_enrolment(cx, touch.lead_id, Some(touch.campaign_id)).await?;
        return Ok(Some(Belongs {
            lead: Some(touch.lead_id),
            campaign: Some(touch.campaign_id),
            touch: Some(touch.id),
            enrolment,
            our_text: touch.body,
            by: "reference",
        }));
    }
    let message = sqlx::query!(
        r#"select t.lead_id, t.campaign_id, m.body, m.direction = 'outbound' as "ours!"
           from outreach.message m join outreach.thread t on t.id = m.thread_id
           where m.tenant_id = $1 and m.message_id = any($2)
           order by (m.message_id = any($3)) desc, m.at desc limit 1"#,
        tenant,
        &all,
        &answered,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(message) = message else {
        return Ok(None);
    };
    let enrolment = match message.lead_id {
        Some(lead) => open_enrolment(cx, lead, message.campaign_id).await?,
        None => None,
    };
    Ok(Some(Belongs {
        lead: message.lead_id,
        campaign: message.campaign_id,
        touch: None,
        enrolment,
        our_text: message.ours.then_some(message.body),
        by: "reference",
    }))
}

/// By an address: the lead who has it, with the latest thing that was sent to them.
pub async fn by_address(cx: &mut Cx, address: &str, by: &'static str) -> Result<Option<Belongs>> {
    let tenant = cx.tenant()?.uuid();
    let lead = sqlx::query_scalar!(
        "select id from leads.lead where tenant_id = $1 and email = lower($2)
         order by (deleted_at is null) desc, updated_at desc limit 1",
        tenant,
        address,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(lead) = lead else {
        return by_recipient(cx, address, by).await;
    };
    let touch = sqlx::query!(
        "select id, campaign_id, body from outreach.touch
         where tenant_id = $1 and lead_id = $2 and sent_at is not null order by sent_at desc limit 1",
        tenant,
        lead,
    )
    .fetch_optional(cx.conn())
    .await?;
    let campaign = match &touch {
        Some(touch) => Some(touch.campaign_id),
        None => latest_campaign(cx, lead).await?,
    };
    let enrolment = open_enrolment(cx, lead, None).await?;
    Ok(Some(Belongs {
        lead: Some(lead),
        campaign,
        touch: touch.as_ref().map(|t| t.id),
        enrolment,
        our_text: touch.and_then(|t| t.body),
        by,
    }))
}

/// By the address that a message of ours went to, though the lead has another one by now.
async fn by_recipient(cx: &mut Cx, address: &str, by: &'static str) -> Result<Option<Belongs>> {
    let tenant = cx.tenant()?.uuid();
    let touch = sqlx::query!(
        "select t.id, t.lead_id, t.campaign_id, t.body from outreach.touch t
         where t.tenant_id = $1 and t.sent_at is not null and lower(t.recipient) = lower($2)
         order by t.sent_at desc limit 1",
        tenant,
        address,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(touch) = touch else {
        return Ok(None);
    };
    let enrolment = open_enrolment(cx, touch.lead_id, Some(touch.campaign_id)).await?;
    Ok(Some(Belongs {
        lead: Some(touch.lead_id),
        campaign: Some(touch.campaign_id),
        touch: Some(touch.id),
        enrolment,
        our_text: touch.body,
        by,
    }))
}

async fn latest_campaign(cx: &mut Cx, lead: Uuid) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select campaign_id from outreach.enrolment where tenant_id = $1 and lead_id = $2 order by created_at desc limit 1",
        tenant,
        lead,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The enrolment of a lead that runs or pauses; of this campaign first.
pub async fn open_enrolment(cx: &mut Cx, lead: Uuid, campaign: Option<Uuid>) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select id from outreach.enrolment where tenant_id = $1 and lead_id = $2 and status in ('active', 'paused')
         order by (campaign_id is not distinct from $3) desc, created_at desc limit 1",
        tenant,
        lead,
        campaign,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Whether an address is one of our own mailboxes.
pub async fn is_ours(cx: &mut Cx, address: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.resource where tenant_id = $1 and channel = 'email' and address = lower($2)) as "is!""#,
        tenant,
        address,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Our own mailboxes, in lower case.
pub async fn our_addresses(cx: &mut Cx) -> Result<Vec<String>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select lower(address) as "address!" from outreach.resource where tenant_id = $1 and channel = 'email' order by 1 limit 1000"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Whether this very mail is in a conversation already: it came to two of our mailboxes, or by two ways.
pub async fn came_before(cx: &mut Cx, message_id: &str, sender: &str, body: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.message where tenant_id = $1 and direction = 'inbound' and message_id = $2
                            and sender = $3 and body = $4) as "came!""#,
        tenant,
        message_id,
        sender,
        body,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Where a lead is, for dates in words: their zone or the client's, and whether 03/04 is 4 March there.
pub async fn place(cx: &mut Cx, lead: Option<Uuid>) -> Result<(Option<base::Zone>, bool)> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select coalesce(l.zone, n.zone) as "zone!", coalesce(l.country, n.country) as "country!"
           from accounts.tenant n left join leads.lead l on l.tenant_id = n.id and l.id = $2 where n.id = $1"#,
        tenant,
        lead,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map_or((None, false), |row| (base::Zone::named(&row.zone).ok(), row.country == "US")))
}

/// Whether something of this kind is in the history of a touch (or, without one, of a lead since a day).
pub async fn is_known(
    cx: &mut Cx,
    lead: Uuid,
    touch: Option<Uuid>,
    action: crate::activity::Action,
    since: Time,
) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.activity where tenant_id = $1 and lead_id = $2 and action = $3
                            and (touch_id = $4 or ($4::uuid is null and at > $5))) as "known!""#,
        tenant,
        lead,
        action as crate::activity::Action,
        touch,
        since as Time,
    )
    .fetch_one(cx.conn())
    .await?)
}
