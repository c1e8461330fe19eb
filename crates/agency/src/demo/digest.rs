//! One number for a whole history.

use base::{Digest, Result};
use db::Db;

/// The hash over the canonical history of all tenants: what happened, what was sent, what came back,
/// meetings, deals, suppression. Every line is made of what it means, and the lines are ordered by it.
///
/// # Errors
/// Unavailable when the database does not answer.
pub async fn digest(db: &Db) -> Result<Digest> {
    let mut cx = db.system("demo").await?;
    let mut digest = Digest::ZERO;
    // Sorted here: a database's order of texts hangs on its locale.
    let mut add = |mut lines: Vec<String>| {
        lines.sort_unstable();
        for line in lines {
            digest = digest.chain(line.as_bytes());
        }
    };
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, l.email, a.action, a.actor like 'user:%', a.preview, a.channel, extract(epoch from a.at)::text)::text as "line!"
           from outreach.activity a join accounts.tenant n on n.id = a.tenant_id left join leads.lead l on l.id = a.lead_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, l.email, c.name, t.step_number, t.state, t.recipient, t.sender, t.subject,
                    replace(t.body, coalesce(t.unsubscribe_token, ''), ''), t.skip_code, extract(epoch from t.sent_at)::text)::text as "line!"
           from outreach.touch t join accounts.tenant n on n.id = t.tenant_id join leads.lead l on l.id = t.lead_id
           join outreach.campaign c on c.id = t.campaign_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, m.direction, m.sender, m.recipient, m.subject, m.body, m.intent, m.method, m.state,
                    extract(epoch from m.at)::text)::text as "line!"
           from outreach.message m join accounts.tenant n on n.id = m.tenant_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, m.guest_email, m.title, m.status, m.sequence, extract(epoch from m.starts_at)::text)::text as "line!"
           from outreach.meeting m join accounts.tenant n on n.id = m.tenant_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, l.email, d.name, d.stage, d.value_minor, d.lost_reason, extract(epoch from d.updated_at)::text)::text as "line!"
           from outreach.deal d join accounts.tenant n on n.id = d.tenant_id join leads.lead l on l.id = d.lead_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    add(sqlx::query_scalar!(
        r#"select jsonb_build_array(n.name, s.kind, s.value, s.reason, s.source, s.note, extract(epoch from s.created_at)::text)::text as "line!"
           from leads.suppression s left join accounts.tenant n on n.id = s.tenant_id"#
    )
    .fetch_all(cx.conn())
    .await?);
    cx.rollback().await?;
    Ok(digest)
}
