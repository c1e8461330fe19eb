//! Every statement about what the sink took in.

use super::{LetterId, tenant_of};
use base::{Cursor, Error, Page, Result, TenantId, Time};
use db::{Cx, Db, Fact};
use inbound::mail;
use serde_json::json;
use uuid::Uuid;

/// A message as the sink's SMTP server took it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The return path; none for `<>`.
    pub from: Option<String>,
    /// The recipients.
    pub to: Vec<String>,
    /// The Message-ID, when there is one.
    pub message_id: Option<String>,
    /// Who signed in: `tenant-<uuid>` for mailboxes of a tenant.
    pub username: Option<String>,
    /// When the content was complete.
    pub received_at: Time,
    /// The bytes as received.
    pub raw: Vec<u8>,
}

fn bare(id: &str) -> String {
    id.trim_matches(['<', '>', ' ']).to_owned()
}

/// Keeps a message. A mail of the installation itself (a password reset) belongs to no tenant.
pub async fn store(db: &Db, kept: Kept) -> Result<()> {
    let mut cx = db.system("sink").await?;
    let message_id = kept.message_id.as_deref().map(bare);
    let spellings: Vec<String> = message_id.iter().flat_map(|id| [id.clone(), format!("<{id}>")]).collect();
    let (tenant, touch) = owner_of(&mut cx, &kept, &spellings).await?;
    let subject: String = mail::read(&kept.raw).subject.chars().filter(|c| *c != '\0').take(500).collect();
    let id: Uuid = cx.id();
    sqlx::query!(
        "insert into outreach.sink_message (id, tenant_id, mail_from, rcpt_to, message_id, subject, raw, touch_id, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        tenant,
        kept.from.unwrap_or_default(),
        &kept.to,
        message_id,
        subject,
        kept.raw,
        touch,
        kept.received_at as Time,
    )
    .execute(cx.conn())
    .await?;
    if let Some(tenant) = tenant {
        cx.publish_for(
            TenantId(tenant),
            Fact::about("outreach.sink.kept", id).with(json!({"touch_id": touch})),
        )
        .await?;
    }
    cx.commit().await
}

/// The tenant that the sender signed in for, else the one whose message or mailbox it is; and the touch.
async fn owner_of(cx: &mut Cx, kept: &Kept, message_ids: &[String]) -> Result<(Option<Uuid>, Option<Uuid>)> {
    let named = tenant_of(kept.username.as_deref());
    let row = sqlx::query!(
        r#"select coalesce((select n.id from accounts.tenant n where n.id = $1), t.tenant_id,
                  (select m.tenant_id from outreach.message m where m.message_id = any($2) limit 1),
                  (select r.tenant_id from outreach.resource r where r.address = lower($3) and r.channel = 'email' and r.deleted_at is null limit 1)) as tenant,
                  t.id as "touch?"
           from (select 1) one left join outreach.touch t on t.message_id = any($2) and ($1::uuid is null or t.tenant_id = $1) limit 1"#,
        named,
        message_ids,
        kept.from.as_deref().unwrap_or_default(),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((row.tenant, row.touch))
}

/// How many messages with this Message-ID were kept, by whomever.
pub async fn find(db: &Db, message_id: &str) -> Result<u64> {
    let mut cx = db.system("sink").await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.sink_message where message_id = $1"#,
        bare(message_id),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A message with its bytes.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Which.
    pub id: LetterId,
    /// The return path.
    pub mail_from: String,
    /// The recipients.
    pub rcpt_to: Vec<String>,
    /// The Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The subject.
    pub subject: String,
    /// The bytes as received.
    pub raw: Vec<u8>,
    /// The touch that it is.
    pub touch_id: Option<Uuid>,
    /// Whether it was answered.
    pub answered: bool,
    /// When it came.
    pub at: Time,
}

/// A message as lists show it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which.
    pub id: LetterId,
    /// The recipients.
    pub rcpt_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// Whether it was answered.
    pub answered: bool,
    /// When it came.
    pub at: Time,
    /// The campaign that sent it.
    pub campaign: Option<String>,
    /// That campaign's id.
    pub campaign_id: Option<Uuid>,
}

/// One message of the tenant (with a system transaction: of the installation itself).
pub async fn get(cx: &mut Cx, id: LetterId) -> Result<Letter> {
    let tenant = owner(cx);
    sqlx::query_as!(
        Letter,
        r#"select id as "id: LetterId", mail_from, rcpt_to, message_id, subject, raw, touch_id, answered, at
           from outreach.sink_message where tenant_id is not distinct from $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("message in the sink"))
}

/// None stands for the installation itself.
fn owner(cx: &Cx) -> Option<Uuid> {
    match cx.scope() {
        db::Scope::Tenant(tenant) => Some(tenant.uuid()),
        db::Scope::System => None,
    }
}

/// The messages of the tenant (with a system transaction: of the installation itself), newest first;
/// with this text in the recipient or subject, if given.
pub async fn list(cx: &mut Cx, text: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Line>> {
    let tenant = owner(cx);
    let (at, id) = crate::thread::place(after)?;
    let like = (!text.trim().is_empty()).then(|| crate::thread::like(text));
    let rows = sqlx::query_as!(
        Line,
        r#"select s.id as "id: LetterId", s.rcpt_to, s.subject, s.answered, s.at, c.name as "campaign?", c.id as "campaign_id?"
           from outreach.sink_message s
           left join outreach.touch t on t.id = s.touch_id left join outreach.campaign c on c.id = t.campaign_id
           where s.tenant_id is not distinct from $1 and ($2::timestamptz is null or (s.at, s.id) < ($2, $3::uuid))
             and ($4::text is null or s.subject ilike $4 or array_to_string(s.rcpt_to, ' ') ilike $4)
           order by s.at desc, s.id desc limit $5"#,
        tenant,
        at as Option<Time>,
        id,
        like,
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |line| Cursor::after(&line.at.to_string(), line.id.uuid())))
}

pub(super) async fn answered(cx: &mut Cx, id: LetterId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.sink_message set answered = true where tenant_id = $1 and id = $2",
        tenant,
        id.uuid()
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
