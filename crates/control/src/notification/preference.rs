//! What a person wants to be told, how, and when not.

use super::Kind;
use base::{Error, Result, Time, UserId};
use db::Cx;

/// How a person is told about one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preference {
    /// The kind.
    pub kind: Kind,
    /// In the app.
    pub in_app: bool,
    /// By mail.
    pub email: bool,
    /// Hours of the person's day in which no mail is sent, from and until (until not included); critical
    /// news comes all the same.
    pub quiet: Option<(i16, i16)>,
}

/// A person's choices, one for each kind; what they never chose is in the app and not by mail.
pub async fn preferences(cx: &mut Cx, person: UserId) -> Result<Vec<Preference>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        "select kind, in_app, email, quiet_from, quiet_until from control.notification_preference
         where tenant_id = $1 and person_id = $2",
        tenant.uuid(),
        person.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Kind::ALL
        .into_iter()
        .map(|kind| match rows.iter().find(|row| row.kind == kind.word()) {
            Some(row) => Preference {
                kind,
                in_app: row.in_app,
                email: row.email,
                quiet: row.quiet_from.zip(row.quiet_until),
            },
            None => Preference { kind, in_app: true, email: false, quiet: None },
        })
        .collect())
}

/// Keeps a person's choices. Errors: `notification.quiet` for hours that are none.
pub async fn set(cx: &mut Cx, person: UserId, choices: &[Preference]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    for choice in choices {
        if choice.quiet.is_some_and(|(from, until)| !(0..=23).contains(&from) || !(0..=23).contains(&until)) {
            return Err(Error::invalid("notification.quiet", "Quiet hours are whole hours from 0 to 23."));
        }
        let id = cx.id::<uuid::Uuid>();
        sqlx::query!(
            "insert into control.notification_preference (id, tenant_id, person_id, kind, in_app, email, quiet_from, quiet_until, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (tenant_id, person_id, kind) do update
             set in_app = excluded.in_app, email = excluded.email, quiet_from = excluded.quiet_from,
                 quiet_until = excluded.quiet_until, updated_at = excluded.updated_at",
            id,
            tenant.uuid(),
            person.uuid(),
            choice.kind.word(),
            choice.in_app,
            choice.email,
            choice.quiet.map(|(from, _)| from),
            choice.quiet.map(|(_, until)| until),
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    Ok(())
}
