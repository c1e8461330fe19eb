//! Notifications by mail, for those who ask for it: once for each notification and person, at once or, in
//! the person's quiet hours, together in one mail when they end. What was read meanwhile is not sent.
//!
//! Who is told is settled in the transaction that reacts to the notification; each mail is then handed over
//! by a job whose id makes its Message-ID. A mail whose outcome was lost is looked up and, where that cannot
//! be, left as it is: never sent twice.

use super::{NotificationId, Severity, preference};
use base::{EmailAddress, Error, Result, TenantId, Time, UserId, Zone};
use db::Cx;
use jobs::{Job, Options, Registry, Retry, Run};
use ports::email::{EmailAccount, EmailSender, Found, Mailbox, MessageId, Outgoing, SendError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// How the installation sends its own mails.
#[derive(Clone)]
pub struct Mailer {
    /// Hands mails over.
    pub sender: Arc<dyn EmailSender>,
    /// Through which account.
    pub account: EmailAccount,
    /// As whom.
    pub from: Mailbox,
    /// The public address of the installation without a final slash, for links.
    pub origin: String,
}

/// Notifications in one mail at most; the rest follows in another.
const DIGEST_MAX: i64 = 50;

/// Settles who is told by mail about one notification, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    notification: NotificationId,
}

impl Job for Address {
    const KIND: &'static str = "control.notification_address";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        for (person, due_at) in address(&mut cx, self.notification).await? {
            // What is due at one instant goes with one job, and so into one mail.
            let unique_key = Some(format!("{person}:{}", due_at.ms()));
            let options = Options { at: Some(due_at), unique_key, ..Options::default() };
            jobs::enqueue_with(&mut cx, &Deliver { person }, options).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Sends one person what is due for them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliver {
    person: UserId,
}

impl Job for Deliver {
    const KIND: &'static str = "control.notification_mail";
    const TIMEOUT_S: u64 = 120;
    type State = Mailer;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, mailer: &Mailer) -> Result<()> {
        deliver(run, mailer, self.person).await
    }
}

/// Adds these kinds and the reaction to notifications.
pub fn register(registry: &mut Registry, mailer: Mailer) {
    registry.register::<Address>(());
    registry.register::<Deliver>(mailer);
    registry.on_fact::<Address>("control.notification.created", |fact| {
        Some(Address { notification: NotificationId(fact.subject_id?) })
    });
}

/// The end of the quiet hours in which an instant lies, in the person's zone; none outside them.
fn quiet_until(now: Time, zone: &Zone, quiet: (i16, i16)) -> Option<Time> {
    let (from, until) = quiet;
    let local = now.in_zone(zone);
    let hour = i16::from(local.hour());
    let inside = if from <= until { (from..until).contains(&hour) } else { hour >= from || hour < until };
    if !inside {
        return None;
    }
    let date = if hour < until { local.date() } else { local.date().tomorrow().ok()? };
    let end = date.at(i8::try_from(until).ok()?, 0, 0, 0).to_zoned(zone.tz()).ok()?;
    Some(Time::new(end.timestamp()))
}

/// Writes down who gets this notification by mail and when; returns those for whom it is not there yet.
async fn address(cx: &mut Cx, id: NotificationId) -> Result<Vec<(UserId, Time)>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let wanted = sqlx::query!(
        r#"select m.person_id, p.zone, n.severity as "severity: Severity", w.quiet_from, w.quiet_until
           from control.notification n
           join accounts.membership m on m.tenant_id = n.tenant_id and m.removed_at is null
             and (n.person_id is null or n.person_id = m.person_id)
           join accounts.person p on p.id = m.person_id
           join control.notification_preference w on w.tenant_id = n.tenant_id and w.person_id = m.person_id and w.kind = n.kind and w.email
           where n.tenant_id = $1 and n.id = $2 and n.read_at is null
           order by m.person_id"#,
        tenant,
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    let mut told = Vec::with_capacity(wanted.len());
    for row in wanted {
        let quiet = match row.severity {
            // Quiet hours do not hold it back.
            Severity::Critical => None,
            Severity::Info | Severity::Warning => row.quiet_from.zip(row.quiet_until),
        };
        let zone = Zone::named(&row.zone)?;
        let due_at = quiet.and_then(|quiet| quiet_until(now, &zone, quiet)).unwrap_or(now);
        let line = cx.id::<Uuid>();
        let added = sqlx::query!(
            "insert into control.notification_mail (id, tenant_id, notification_id, person_id, due_at, created_at)
             values ($1, $2, $3, $4, $5, $6) on conflict (notification_id, person_id) do nothing",
            line,
            tenant,
            id.uuid(),
            row.person_id,
            due_at as Time,
            now as Time,
        )
        .execute(cx.conn())
        .await?
        .rows_affected();
        if added == 1 {
            told.push((UserId(row.person_id), due_at));
        }
    }
    Ok(told)
}

/// A mail to be handed over: what it says, and whether an earlier try of this job began it.
struct Letter {
    to: EmailAddress,
    subject: String,
    text: String,
    begun: bool,
}

async fn deliver(run: &Run, mailer: &Mailer, person: UserId) -> Result<()> {
    let mail = run.id().uuid();
    let mut cx = run.begin().await?;
    let Some(letter) = begin(&mut cx, mailer, person, mail).await? else {
        run.complete_in(&mut cx).await?;
        return cx.commit().await;
    };
    let date = cx.now();
    // A worker whose lease is gone must not begin an effect.
    run.hold(&mut cx).await?;
    cx.commit().await?;
    let message_id = MessageId::of(mail, &mailer.from.address);
    if letter.begun {
        match mailer.sender.find(&mailer.account, &message_id).await? {
            Found::Delivered => {
                return settle(run, "sent", "found at the server after its answer was lost").await;
            }
            Found::CannotTell => {
                return settle(run, "unknown", "its outcome was lost and this server cannot be asked").await;
            }
            Found::NotSeen => {}
        }
    }
    let outgoing = Outgoing {
        message_id,
        date,
        from: mailer.from.clone(),
        to: vec![letter.to],
        reply_to: None,
        subject: letter.subject,
        text: letter.text,
        html: None,
        calendar: None,
        in_reply_to: None,
        references: Vec::new(),
        list_unsubscribe: None,
        headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
    };
    match run.fenced(mailer.sender.send(&mailer.account, &outgoing)).await? {
        Ok(accepted) => settle(run, "sent", &accepted.response).await,
        Err(cause @ SendError::Unknown { .. }) => Err(later(cause)),
        Err(cause) if cause.may_retry() => {
            let mut cx = run.begin().await?;
            run.hold(&mut cx).await?;
            moved(&mut cx, mail, "waiting", &cause.to_string()).await?;
            cx.commit().await?;
            Err(later(cause))
        }
        Err(cause) => {
            settle(run, "failed", &cause.to_string()).await?;
            tracing::error!(%person, error = %cause, "a notification cannot be mailed: check the mail settings and the person's address");
            Ok(())
        }
    }
}

fn later(cause: SendError) -> Error {
    Error::unavailable("notification.mail", "A notification could not be mailed now; it is tried again.")
        .caused_by(cause)
}

/// Takes what is due for this person, or what an earlier try of this job took. None: nothing is left.
async fn begin(cx: &mut Cx, mailer: &Mailer, person: UserId, mail: Uuid) -> Result<Option<Letter>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let begun = sqlx::query_scalar!(
        r#"select exists (select from control.notification_mail where tenant_id = $1 and mail_id = $2 and state = 'sending') as "begun!""#,
        tenant.uuid(),
        mail,
    )
    .fetch_one(cx.conn())
    .await?;
    if !begun {
        take(cx, tenant, person, mail, now).await?;
    }
    let lines = sqlx::query!(
        "select n.title, n.body, n.href from control.notification_mail m
         join control.notification n on n.id = m.notification_id
         where m.tenant_id = $1 and m.mail_id = $2 and m.state = 'sending' order by n.created_at, n.id",
        tenant.uuid(),
        mail,
    )
    .fetch_all(cx.conn())
    .await?;
    if lines.is_empty() {
        return Ok(None);
    }
    let who = sqlx::query!(
        "select p.email, p.name, t.name as organisation from accounts.person p, accounts.tenant t where p.id = $1 and t.id = $2",
        person.uuid(),
        tenant.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    let mut text = format!("Hello {},\n\n", who.name);
    for line in &lines {
        text.push_str(&line.title);
        if !line.body.is_empty() {
            text.push_str(&format!("\n{}", line.body));
        }
        if let Some(href) = &line.href {
            text.push_str(&format!("\n{}{href}", mailer.origin));
        }
        text.push_str("\n\n");
    }
    text.push_str(&format!(
        "--\n{} on Agency OS. You chose to be told this by mail: {}/settings/notifications\n",
        who.organisation, mailer.origin
    ));
    let subject = match lines.as_slice() {
        [one] => one.title.clone(),
        many => format!("{} notifications from {}", many.len(), who.organisation),
    };
    Ok(Some(Letter { to: EmailAddress::parse(&who.email)?, subject, text, begun }))
}

/// What is due and still wanted becomes part of this mail; what was read, or is no longer wanted, is dropped.
async fn take(cx: &mut Cx, tenant: TenantId, person: UserId, mail: Uuid, now: Time) -> Result<()> {
    let choices = preference::preferences(cx, person).await?;
    let kinds: Vec<String> = choices.iter().filter(|c| c.email).map(|c| c.kind.word().to_owned()).collect();
    sqlx::query!(
        "with due as (
           select m.id, n.read_at is null and n.kind = any($5)
                    and exists (select from accounts.membership w where w.tenant_id = $1 and w.person_id = $2 and w.removed_at is null) as wanted
           from control.notification_mail m join control.notification n on n.id = m.notification_id
           where m.tenant_id = $1 and m.person_id = $2 and m.state = 'waiting' and m.due_at <= $3
           order by m.due_at, m.id limit $6 for update of m skip locked)
         update control.notification_mail m
         set state = case when due.wanted then 'sending' else 'dropped' end,
             mail_id = case when due.wanted then $4::uuid end,
             said = case when due.wanted then '' else 'It was read, or is no longer wanted by mail.' end,
             settled_at = case when due.wanted then null else $3::timestamptz end
         from due where m.id = due.id",
        tenant.uuid(),
        person.uuid(),
        now as Time,
        mail,
        &kinds,
        DIGEST_MAX,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The mail's end, with the job's in one transaction.
async fn settle(run: &Run, state: &str, said: &str) -> Result<()> {
    let mut cx = run.begin().await?;
    moved(&mut cx, run.id().uuid(), state, said).await?;
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

async fn moved(cx: &mut Cx, mail: Uuid, state: &str, said: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update control.notification_mail
         set state = $3::text, said = $4, mail_id = case when $3::text = 'waiting' then null else mail_id end,
             settled_at = case when $3::text = 'waiting' then null else $5::timestamptz end
         where tenant_id = $1 and mail_id = $2 and state = 'sending'",
        tenant,
        mail,
        state,
        said,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
