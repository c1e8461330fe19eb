//! Leads by where they stand; counts stop where a page need not know more.

use crate::today::Count;
use base::Result;
use db::Cx;
use uuid::Uuid;

/// A lead on a card.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub id: Uuid,
    pub name: String,
    pub company: Option<String>,
    pub tier: Option<String>,
    pub score: Option<i16>,
}

/// The best leads in these states, and how many there are.
pub(super) async fn lane(cx: &mut Cx, statuses: &[String], limit: i64) -> Result<(Count, Vec<Card>)> {
    let tenant = cx.tenant()?.uuid();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from leads.lead where tenant_id = $1 and status = any($2::text[]::leads.status[]) and deleted_at is null limit $3) x"#,
        tenant,
        statuses,
        Count::MAX + 1,
    )
    .fetch_one(cx.conn())
    .await?;
    // The best of each state by its index, then the best of those.
    let cards = sqlx::query_as!(
        Card,
        r#"select l.id as "id!", coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, l.company_name, 'a lead') as "name!",
                  l.company_name as company, l.tier::text as tier, l.score
           from unnest($2::text[]) as s (status)
           cross join lateral (
             select id, first_name, last_name, email, company_name, tier, score from leads.lead
             where tenant_id = $1 and status = s.status::leads.status and deleted_at is null
             order by score desc nulls last, id desc limit $3) l
           order by l.score desc nulls last, l.id desc limit $3"#,
        tenant,
        statuses,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok((Count(count), cards))
}
