//! What is known of leads, for the conditions of their steps; read with one statement for many.

use super::condition::Known;
use base::Result;
use db::Cx;
use leads::score::Tier;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is known of each lead in a campaign.
pub async fn known(cx: &mut Cx, campaign: Uuid, leads: &[Uuid]) -> Result<BTreeMap<Uuid, Known>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select l.id, l.tier as "tier: Tier", l.email is not null and l.email_state <> 'invalid' as "email!", l.phone is not null as "phone!",
                  l.linkedin_url is not null as "linkedin!", l.title, l.industry, l.company_name, l.country, l.region, l.city,
                  exists (select from outreach.postal_address p where p.lead_id = l.id and p.verdict <> 'undeliverable') as "address!",
                  coalesce(a.replied, false) as "replied!", coalesce(a.opened, false) as "opened!", coalesce(a.clicked, false) as "clicked!",
                  coalesce(a.connected, false) as "connected!", coalesce(a.answered, false) as "answered!"
           from leads.lead l
           left join lateral (
             select bool_or(v.action = 'replied' and v.campaign_id = $2) as replied, bool_or(v.action = 'opened' and v.campaign_id = $2) as opened,
                    bool_or(v.action = 'clicked' and v.campaign_id = $2) as clicked, bool_or(v.action = 'connected') as connected,
                    bool_or(v.action = 'called' and v.campaign_id = $2 and v.detail ->> 'answered' = 'true') as answered
             from outreach.activity v where v.tenant_id = $1 and v.lead_id = l.id) a on true
           where l.tenant_id = $1 and l.id = any($3)"#,
        tenant,
        campaign,
        leads,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let known = Known {
                replied: row.replied,
                opened: row.opened,
                clicked: row.clicked,
                tier: row.tier,
                email: row.email,
                phone: row.phone,
                linkedin: row.linkedin,
                address: row.address,
                connected: row.connected,
                call_answered: row.answered,
                fields: [row.title, row.industry, row.company_name, row.country, row.region, row.city],
            };
            (row.id, known)
        })
        .collect())
}
