//! Reading conversations: the list with its filters, one conversation with its messages.

use super::{MessageId, ThreadId};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

/// Which conversations are shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those that nobody opened since the last message.
    pub unread: bool,
    /// Only those in which a person must do something.
    pub needs_person: bool,
    /// Only those whose latest reply means this.
    pub intent: Option<String>,
    /// Only those with this text in the subject or the lead.
    pub text: String,
}

/// A conversation as the list shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    /// Which.
    pub id: ThreadId,
    /// The subject.
    pub subject: String,
    /// The lead's name; empty when they are no lead or have none.
    pub name: String,
    /// The lead's company.
    pub company: Option<String>,
    /// The other side's address.
    pub address: String,
    /// What the latest reply means.
    pub intent: Option<String>,
    /// Whether a person must do something.
    pub needs_person: bool,
    /// Whether nobody opened it since the last message.
    pub unread: bool,
    /// Messages in it.
    pub messages: i32,
    /// The latest reply's words.
    pub preview: String,
    /// The latest message of either side.
    pub last_message_at: Time,
}

/// The sort key and id behind a cursor over times.
pub(crate) fn place(after: Option<&Cursor>) -> Result<(Option<Time>, Option<Uuid>)> {
    let Some((key, id)) = after.map(Cursor::parts).transpose()? else {
        return Ok((None, None));
    };
    let at = key.parse::<Time>().map_err(|_| {
        Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
    })?;
    Ok((Some(at), Some(id)))
}

/// A pattern that finds a text anywhere; `%`, `_` and `\` in it stand for themselves.
pub(crate) fn like(text: &str) -> String {
    let escaped: String = text
        .trim()
        .chars()
        .take(100)
        .filter(|c| *c != '\0')
        .flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect();
    format!("%{escaped}%")
}

/// The statement of one page: it finds the conversations first and only then what stands beside them.
/// Conditions that are not asked for are not in it, so that the index made for each one serves it.
fn page_query(
    tenant: Uuid,
    filter: &Filter,
    after: (Option<Time>, Option<Uuid>),
    limit: i64,
) -> QueryBuilder<Postgres> {
    let latest = |tenant: &str, thread: &str| {
        format!(
            "left join lateral (select i.sender, i.body from outreach.message i where i.tenant_id = {tenant}
               and i.thread_id = {thread}.id and i.direction = 'inbound' order by i.at desc, i.id desc limit 1) m on true"
        )
    };
    let mut query = QueryBuilder::new("with page as materialized (select c.* from outreach.thread c");
    if !filter.text.trim().is_empty() {
        query.push(" left join leads.lead l on l.id = c.lead_id ").push(latest("c.tenant_id", "c"));
    }
    query.push(" where c.tenant_id = ").push_bind(tenant).push(" and c.intent is not null");
    if filter.unread {
        query.push(" and c.unread");
    }
    if filter.needs_person {
        query.push(" and c.needs_person");
    }
    if let Some(intent) = &filter.intent {
        // A smallint, because row security lets no condition on an enum near an index (see the schema).
        query
            .push(" and c.intent_no = outreach.intent_number(")
            .push_bind(intent.clone())
            .push("::outreach.intent)");
    }
    if !filter.text.trim().is_empty() {
        let like = like(&filter.text);
        query.push(" and (c.subject ilike ").push_bind(like.clone());
        query.push(" or l.search ilike ").push_bind(like.clone());
        query.push(" or m.sender ilike ").push_bind(like).push(")");
    }
    if let (Some(at), Some(id)) = after {
        query.push(" and (c.last_message_at, c.id) < (").push_bind(at).push(", ").push_bind(id).push(")");
    }
    // The limit stands in the text: a plan that does not know it is never good enough to be kept.
    query
        .push(format!(" order by c.last_message_at desc, c.id desc limit {limit}"))
        .push(
            ") select t.id, t.subject, trim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')) as name,
                 l.company_name as company, coalesce(m.sender, l.email, '') as address, t.intent::text as intent, t.needs_person,
                 t.unread, t.messages, left(coalesce(m.body, ''), 160) as preview, t.last_message_at
               from page t left join leads.lead l on l.id = t.lead_id ",
        )
        .push(latest("t.tenant_id", "t"))
        .push(" order by t.last_message_at desc, t.id desc");
    query
}

/// The conversations in which somebody wrote to us, latest first.
pub async fn list(cx: &mut Cx, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Result<Page<Line>> {
    let tenant = cx.tenant()?.uuid();
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut query = page_query(tenant, filter, place(after)?, most);
    let rows: Vec<Line> = query.build_query_as().fetch_all(cx.conn()).await?;
    Ok(Page::cut(rows, limit, |line| Cursor::after(&line.last_message_at.to_string(), line.id.uuid())))
}

/// Conversations that nobody opened since their last message, for the menu.
pub(crate) const UNREAD: web::Count = web::Count(
    "select count(*) from (select from outreach.thread
       where tenant_id = $1 and unread and intent is not null limit 100) unread",
);

/// One conversation.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Which.
    pub id: ThreadId,
    /// The subject.
    pub subject: String,
    /// Where it stands.
    pub status: String,
    /// What the latest reply means.
    pub intent: Option<String>,
    /// Whether a person must do something.
    pub needs_person: bool,
    /// The lead.
    pub lead: Option<Uuid>,
    /// The lead's name; empty when unknown.
    pub name: String,
    /// The lead's title.
    pub title: Option<String>,
    /// The lead's company.
    pub company: Option<String>,
    /// The lead's address.
    pub email: Option<String>,
    /// The lead's state.
    pub lead_status: Option<String>,
    /// The lead's score.
    pub score: Option<i16>,
    /// The campaign.
    pub campaign: Option<Uuid>,
    /// The campaign's name.
    pub campaign_name: Option<String>,
}

/// Reads one conversation.
pub async fn get(cx: &mut Cx, id: ThreadId) -> Result<Thread> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Thread,
        r#"select t.id as "id: ThreadId", t.subject, t.status::text as "status!", t.intent::text as intent, t.needs_person, t.lead_id as lead,
                  trim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')) as "name!", l.title as "title?",
                  l.company_name as "company?", l.email as "email?", l.status::text as lead_status, l.score as "score?",
                  t.campaign_id as campaign, c.name as "campaign_name?"
           from outreach.thread t
           left join leads.lead l on l.id = t.lead_id left join outreach.campaign c on c.id = t.campaign_id
           where t.tenant_id = $1 and t.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("conversation"))
}

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Whether they wrote it.
    pub inbound: bool,
    /// The delivery that it came by.
    pub inbox: Option<Uuid>,
    /// Who wrote it.
    pub sender: String,
    /// To whom.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The words.
    pub body: String,
    /// What it means.
    pub intent: Option<String>,
    /// How sure, 0 to 1.
    pub confidence: Option<f32>,
    /// By which method.
    pub method: Option<String>,
    /// Evidence, entities, the first verdict.
    pub understood: Value,
    /// Who corrected the verdict.
    pub overridden_by: Option<String>,
    /// Where it stands.
    pub state: String,
    /// The approval that it waits for.
    pub approval: Option<Uuid>,
    /// When.
    pub at: Time,
}

/// Messages of a conversation that are shown at most, the latest.
const MESSAGES_MAX: i64 = 200;

/// The messages of a conversation, oldest first, without discarded drafts.
pub async fn messages(cx: &mut Cx, id: ThreadId) -> Result<Vec<Message>> {
    let tenant = cx.tenant()?.uuid();
    let mut rows = sqlx::query_as!(
        Message,
        r#"select id as "id: MessageId", direction = 'inbound' as "inbound!", inbox_id as inbox, sender, recipient, subject, body,
                  intent::text as intent, confidence, method, understood, overridden_by, state, approval_id as approval, at
           from outreach.message where tenant_id = $1 and thread_id = $2 and state <> 'discarded' order by at desc, id desc limit $3"#,
        tenant,
        id.uuid(),
        MESSAGES_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.reverse();
    Ok(rows)
}

/// Somebody opened a conversation.
pub async fn mark_read(cx: &mut Cx, id: ThreadId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.thread set unread = false, updated_at = $3 where tenant_id = $1 and id = $2 and unread",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed > 0 {
        cx.publish(db::Fact::about("outreach.thread.read", id)).await?;
    }
    Ok(())
}

/// A person has done what was to be done in a conversation.
pub async fn handled(cx: &mut Cx, id: ThreadId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.thread set status = 'handled', needs_person = false, unread = false, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::not_found("conversation"));
    }
    cx.publish(db::Fact::about("outreach.thread.handled", id)).await
}
