//! What people are told: in the app, and by mail where they ask for it; never twice while unread.

pub mod mail;
pub mod pages;
mod preference;

#[cfg(test)]
mod tests;

pub use preference::{Preference, preferences, set};

use base::{Cursor, Error, Page, Result, Time, UserId};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// One notification.
    NotificationId
);

/// What a notification is about; people choose by kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something waits for a decision.
    Approval,
    /// A reply that needs a person.
    Reply,
    /// A meeting was booked, moved or cancelled.
    Meeting,
    /// Spend near or at a limit.
    Spend,
    /// Something was stopped or released.
    Switch,
    /// A domain's or mailbox's health.
    Health,
    /// Somebody complained.
    Complaint,
    /// Work failed for good.
    Failure,
    /// A report is ready.
    Report,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Approval,
        Self::Reply,
        Self::Meeting,
        Self::Spend,
        Self::Switch,
        Self::Health,
        Self::Complaint,
        Self::Failure,
        Self::Report,
    ];

    /// The word in the database and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Reply => "reply",
            Self::Meeting => "meeting",
            Self::Spend => "spend",
            Self::Switch => "switch",
            Self::Health => "health",
            Self::Complaint => "complaint",
            Self::Failure => "failure",
            Self::Report => "report",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Approval => "Decisions that wait",
            Self::Reply => "Replies that need a person",
            Self::Meeting => "Meetings",
            Self::Spend => "Spend and limits",
            Self::Switch => "Stops and releases",
            Self::Health => "Health of domains and mailboxes",
            Self::Complaint => "Complaints",
            Self::Failure => "Failed work",
            Self::Report => "Reports",
        }
    }
}

/// How urgent it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.severity", rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it soon.
    Warning,
    /// Look at it now; quiet hours do not hold it back.
    Critical,
}

/// Something to tell.
#[derive(Clone, Debug)]
pub struct Notification {
    /// What it is about.
    pub kind: Kind,
    /// How urgent.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// More, if needed.
    pub body: String,
    /// Where to look.
    pub href: Option<String>,
    /// While one with this key is unread, it is not told again.
    pub dedupe_key: String,
    /// Whom; none: every member.
    pub person: Option<UserId>,
}

/// A notification that was told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Its id.
    pub id: NotificationId,
    /// What it is about, as [`Kind::word`].
    pub kind: String,
    /// How urgent.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// More.
    pub body: String,
    /// Where to look.
    pub href: Option<String>,
    /// When.
    pub created_at: Time,
    /// When somebody read it.
    pub read_at: Option<Time>,
}

/// Tells the members, or one person. None: an unread one with the same key is there already.
pub async fn notify(cx: &mut Cx, notification: &Notification) -> Result<Option<NotificationId>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let id = cx.id::<NotificationId>();
    let told = sqlx::query!(
        "insert into control.notification (id, tenant_id, person_id, kind, severity, title, body, href, dedupe_key, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, dedupe_key) where read_at is null do nothing",
        id.uuid(),
        tenant.uuid(),
        notification.person.map(UserId::uuid),
        notification.kind.word(),
        notification.severity as Severity,
        notification.title,
        notification.body,
        notification.href,
        notification.dedupe_key,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if told.rows_affected() == 0 {
        return Ok(None);
    }
    let payload =
        json!({"kind": notification.kind, "severity": notification.severity, "title": notification.title});
    cx.publish(Fact::about("control.notification.created", id).with(payload)).await?;
    Ok(Some(id))
}

/// What this person was told in the app, the latest first; kinds that they turned off are left out.
pub async fn list(
    cx: &mut Cx,
    person: Option<UserId>,
    unread_only: bool,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<Told>> {
    let tenant = cx.tenant()?;
    let (at, id) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => (key.parse::<Time>().ok(), Some(id)),
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Told,
        r#"select id as "id: NotificationId", kind, severity as "severity: Severity", title, body, href, created_at, read_at
           from control.notification n
           where tenant_id = $1 and (person_id is null or person_id = $2) and (not $3 or read_at is null)
             and not exists (select from control.notification_preference p
                             where p.tenant_id = $1 and p.person_id = $2 and p.kind = n.kind and not p.in_app)
             and ($4::timestamptz is null or (created_at, id) < ($4, $5))
           order by created_at desc, id desc limit $6"#,
        tenant.uuid(),
        person.map(UserId::uuid),
        unread_only,
        at as Option<Time>,
        id,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, usize::try_from(limit).unwrap_or(0), |n| {
        Cursor::after(&n.created_at.to_string(), n.id.uuid())
    }))
}

/// How many are unread, for the menu: those to every member and to this one.
pub(crate) const UNREAD: web::Count = web::Count(
    "select count(*) from (select from control.notification n
       where tenant_id = $1 and (person_id is null or person_id = $2) and read_at is null
         and not exists (select from control.notification_preference p
                         where p.tenant_id = $1 and p.person_id = $2 and p.kind = n.kind and not p.in_app) limit 100) unread",
);

/// How many are unread: those to every member.
pub async fn unread(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?;
    let person = match cx.actor() {
        base::Actor::User { id } => Some(id.uuid()),
        base::Actor::ApiKey { .. }
        | base::Actor::Principal { .. }
        | base::Actor::Agent { .. }
        | base::Actor::Prospect
        | base::Actor::System { .. }
        | base::Actor::Anonymous => None,
    };
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from control.notification n
           where tenant_id = $1 and (person_id is null or person_id = $2) and read_at is null
             and not exists (select from control.notification_preference p
                             where p.tenant_id = $1 and p.person_id = $2 and p.kind = n.kind and not p.in_app)"#,
        tenant.uuid(),
        person,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Marks one as read.
pub async fn read(cx: &mut Cx, id: NotificationId) -> Result<()> {
    if mark(cx, Some(id)).await? == 0 { Err(Error::not_found("notification")) } else { Ok(()) }
}

/// Marks all as read that this person sees; returns how many.
pub async fn read_all(cx: &mut Cx) -> Result<u64> {
    mark(cx, None).await
}

async fn mark(cx: &mut Cx, id: Option<NotificationId>) -> Result<u64> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let person = match cx.actor() {
        base::Actor::User { id } => Some(id.uuid()),
        base::Actor::ApiKey { .. }
        | base::Actor::Principal { .. }
        | base::Actor::Agent { .. }
        | base::Actor::Prospect
        | base::Actor::System { .. }
        | base::Actor::Anonymous => None,
    };
    let done = sqlx::query!(
        "update control.notification set read_at = coalesce(read_at, $4)
         where tenant_id = $1 and (person_id is null or person_id = $2)
           and ($3::uuid is null and read_at is null or id = $3)",
        tenant.uuid(),
        person,
        id.map(NotificationId::uuid),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected())
}
