//! Who did something, as people read it. Records keep `kind:name` ([`base::Actor::label`]); every page
//! that shows one asks here, so that the same person, key or part of the program has one name everywhere.

use base::Result;
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The names behind some records.
#[derive(Clone, Debug, Default)]
pub struct Names {
    people: BTreeMap<Uuid, String>,
    keys: BTreeMap<String, String>,
}

/// Reads the names behind these texts with one statement for people and one for keys. Texts that are no
/// actor are passed over, so that columns that hold either may be given as they are. In a tenant's
/// transaction row security shows present and former members and the tenant's own keys only.
pub async fn names<'a>(cx: &mut Cx, labels: impl IntoIterator<Item = &'a str>) -> Result<Names> {
    let (mut people, mut keys) = (Vec::new(), Vec::new());
    for label in labels {
        match label.split_once(':') {
            Some(("user", id)) => people.extend(id.parse::<Uuid>()),
            Some(("api_key", prefix)) => keys.push(prefix.to_owned()),
            Some(_) | None => {}
        }
    }
    let mut names = Names::default();
    if !people.is_empty() {
        let rows = sqlx::query!("select id, name from accounts.person where id = any($1)", &people)
            .fetch_all(cx.conn())
            .await?;
        names.people = rows.into_iter().map(|row| (row.id, row.name)).collect();
    }
    if !keys.is_empty() {
        let rows = sqlx::query!("select prefix, name from accounts.api_key where prefix = any($1)", &keys)
            .fetch_all(cx.conn())
            .await?;
        names.keys = rows.into_iter().map(|row| (row.prefix, row.name)).collect();
    }
    Ok(names)
}

/// Everyone whose acts stand in this tenant's records, as (`user:…`, name) by name: present and former
/// members, at most 500.
pub async fn people(cx: &mut Cx) -> Result<Vec<(String, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select p.id, p.name from accounts.person p
         where exists (select from accounts.membership m where m.tenant_id = $1 and m.person_id = p.id)
         order by p.name, p.id limit 500",
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (format!("user:{}", row.id), row.name)).collect())
}

impl Names {
    /// What people read of a recorded actor; a text that is none stays as it is.
    pub fn of(&self, label: &str) -> String {
        let (kind, name) = label.split_once(':').unwrap_or((label, ""));
        match kind {
            "user" => match name.parse::<Uuid>() {
                Ok(id) => self.people.get(&id).cloned().unwrap_or_else(|| "Someone outside".to_owned()),
                Err(_) => label.to_owned(),
            },
            "api_key" => match self.keys.get(name) {
                Some(key) => format!("{key} (API key)"),
                None => "An API key".to_owned(),
            },
            "principal" => "A paying agent".to_owned(),
            "agent" => format!("{} agent", capital(&name.replace(['_', '.', '-'], " "))),
            "prospect" if name.is_empty() => "The lead".to_owned(),
            "anonymous" if name.is_empty() => "Someone not signed in".to_owned(),
            "system" => part(name).to_owned(),
            _ => label.to_owned(),
        }
    }
}

/// What people call a part of the program that acts by itself: by the name it gave itself, or by the kind
/// of its job.
fn part(name: &str) -> &'static str {
    match name {
        "accounts.mail" => "Account mails",
        "approvals" | "control.approval_expire" => "Expiry of approvals",
        "booking" | "outreach.meeting_mail" | "outreach.remind" => "Bookings",
        "budget" | "control.spend_reconcile" => "Budgets",
        "command line" => "The command line",
        "demo" | "simulation" => "The demonstration",
        "hooks.fan_out" | "hooks.send" | "hooks.tidy" | "hooks.watch" => "Webhooks",
        "invitation" | "password-reset" | "session" | "sign-in" | "verify-email" => "Sign-in",
        "jobs" | "scheduler" | "worker" => "The scheduler",
        "leads.bulk" => "Changes of many leads",
        "leads.enrich" | "leads.enrich_import" => "Looking up",
        "leads.import" => "Import",
        "leads.score" | "leads.tally" => "Scoring",
        "outreach.draft_decided" | "outreach.reply_decided" => "Approvals",
        "outreach.draft_reply" | "outreach.send_reply" => "Answering",
        "outreach.join_imported" | "outreach.plan" => "Planning",
        "outreach.poll_mailbox" | "outreach.poll_mailboxes" | "outreach.process_inbox" => "Reading mail",
        "outreach.resource_health" => "Mailbox health",
        "outreach.send" | "outreach.sweep" => "Sending",
        "outreach.write" => "Writing",
        "sealer" | "verifier" => "The audit seal",
        "sink" => "The mail sink",
        "switch" => "Switches",
        "unsubscribe" => "The unsubscribe link",
        _ => "The system",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_recorded_actor_is_shown_by_its_id() {
        let id: Uuid = "01970000-0000-7000-8000-000000000001".parse().expect("an id");
        let names = Names {
            people: [(id, "Ada Wong".to_owned())].into(),
            keys: [("00ff00ff00".to_owned(), "Sync".to_owned())].into(),
        };
        for (label, words) in [
            (format!("user:{id}"), "Ada Wong"),
            ("user:01970000-0000-7000-8000-000000000002".to_owned(), "Someone outside"),
            ("api_key:00ff00ff00".to_owned(), "Sync (API key)"),
            ("api_key:gone".to_owned(), "An API key"),
            ("agent:outreach".to_owned(), "Outreach agent"),
            ("prospect".to_owned(), "The lead"),
            ("system:outreach.send".to_owned(), "Sending"),
            ("system:what.ever".to_owned(), "The system"),
            ("system".to_owned(), "The system"),
            ("Product specification: growth".to_owned(), "Product specification: growth"),
        ] {
            assert_eq!(names.of(&label), words, "{label}");
        }
    }
}
