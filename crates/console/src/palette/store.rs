//! Records by words: leads by the trigram index, the rest among a bounded number of latest rows.

use base::Result;
use db::Cx;
use ui::palette::Hit;

/// A pattern that finds the text anywhere; what is special in patterns is plain text.
fn pattern(text: &str) -> String {
    let mut out = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('%');
    out
}

/// Leads by name, company, address or title; the best of the first few that match.
pub(super) async fn leads(cx: &mut Cx, query: &str, limit: i64) -> Result<Vec<Hit>> {
    let tenant = cx.tenant()?.uuid();
    let words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
    let rows = sqlx::query!(
        r#"select id, coalesce(nullif(concat_ws(' ', first_name, last_name), ''), email, company_name, 'a lead') as "name!",
                  concat_ws(', ', title, company_name) as "detail!"
           from leads.lead where tenant_id = $1 and id = any(array(select leads.seek($2, 50))) order by rank desc, id desc limit $3"#,
        tenant,
        &words,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Hit { label: r.name, detail: r.detail, href: format!("/leads/{}", r.id) })
        .collect())
}

/// Campaigns by name.
pub(super) async fn campaigns(cx: &mut Cx, query: &str, limit: i64) -> Result<Vec<Hit>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, name, status::text as "status!"
           from (select id, name, status from outreach.campaign where tenant_id = $1 and deleted_at is null
                 order by created_at desc, id limit 1000) c
           where lower(name) like $2 limit $3"#,
        tenant,
        pattern(query),
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Hit {
            label: r.name,
            detail: format!("campaign, {}", r.status.replace('_', " ")),
            href: format!("/campaigns/{}", r.id),
        })
        .collect())
}

/// Conversations by subject or by whom they are with, among the latest thousand.
pub(super) async fn threads(cx: &mut Cx, query: &str, limit: i64) -> Result<Vec<Hit>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select t.id, t.subject, coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, '') as "lead!"
           from (select id, subject, lead_id, last_message_at from outreach.thread where tenant_id = $1
                 order by last_message_at desc, id desc limit 1000) t
           left join leads.lead l on l.tenant_id = $1 and l.id = t.lead_id
           where lower(t.subject) like $2 or l.search like $2
           order by t.last_message_at desc limit $3"#,
        tenant,
        pattern(query),
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Hit {
            label: if r.subject.is_empty() { "(no subject)".to_owned() } else { r.subject },
            detail: if r.lead.is_empty() {
                "conversation".to_owned()
            } else {
                format!("conversation with {}", r.lead)
            },
            href: format!("/inbox/{}", r.id),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn wildcards_in_a_query_are_plain_text() {
        assert_eq!(pattern("50%_A\\"), "%50\\%\\_a\\\\%");
    }
}
