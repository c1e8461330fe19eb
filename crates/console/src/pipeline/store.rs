//! Leads by where they stand; counted by the running tally, found by the index of states.

use base::Result;
use db::Cx;
use uuid::Uuid;

/// States of leads: words, and the same as numbers (`leads.lead.status_no`).
#[derive(Debug)]
pub(super) struct Statuses {
    pub words: &'static [&'static str],
    pub numbers: &'static [i16],
}

/// A lead on a card.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub id: Uuid,
    pub name: String,
    pub company: Option<String>,
    pub tier: Option<String>,
    pub score: Option<i16>,
}

/// The best leads in these states, and how many there are. States are given by their words and by the
/// numbers that the index of leads knows them by.
pub(super) async fn lane(cx: &mut Cx, lane: &Statuses, limit: i64) -> Result<(i64, Vec<Card>)> {
    let tenant = cx.tenant()?.uuid();
    let words: Vec<String> = lane.words.iter().map(|word| (*word).to_owned()).collect();
    let count = sqlx::query_scalar!(
        r#"select coalesce(sum(leads), 0)::bigint as "count!" from leads.tally where tenant_id = $1 and status::text = any($2)"#,
        tenant,
        &words,
    )
    .fetch_one(cx.conn())
    .await?;
    // The best of each state by its index, then the best of those.
    let cards = sqlx::query_as!(
        Card,
        r#"select l.id as "id!", coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, l.company_name, 'a lead') as "name!",
                  l.company_name as company, l.tier::text as tier, l.score
           from unnest($2::int2[]) as s (number)
           cross join lateral (
             select id, first_name, last_name, email, company_name, tier, score, rank from leads.lead
             where tenant_id = $1 and status_no = s.number and deleted_at is null
             order by rank desc, id desc limit $3) l
           order by l.rank desc, l.id desc limit $3"#,
        tenant,
        lane.numbers,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok((count, cards))
}
