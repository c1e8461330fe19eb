//! Every statement of the suppression list.

use super::{Kind, Reason, Scope, SuppressionId, is_freemail, tomb};
use base::{Cursor, EmailAddress, Error, Page, Result, Time};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// An entry to be added.
#[derive(Clone, Debug)]
pub struct New {
    scope: Scope,
    kind: Kind,
    value: String,
    reason: Reason,
    source: String,
    note: String,
}

impl New {
    /// One address.
    pub fn email(scope: Scope, address: &EmailAddress, reason: Reason, source: &str, note: &str) -> Self {
        Self::of(scope, Kind::Email, address.as_str().to_owned(), reason, source, note)
    }

    /// One phone number in E.164.
    pub fn phone(scope: Scope, number: &str, reason: Reason, source: &str, note: &str) -> Self {
        Self::of(scope, Kind::Phone, number.to_owned(), reason, source, note)
    }

    /// One LinkedIn profile.
    pub fn linkedin(scope: Scope, profile: &str, reason: Reason, source: &str, note: &str) -> Self {
        Self::of(scope, Kind::Linkedin, profile.to_lowercase(), reason, source, note)
    }

    /// A domain. Errors for freemail domains and what is not a domain.
    pub fn domain(scope: Scope, domain: &str, reason: Reason, source: &str, note: &str) -> Result<Self> {
        let domain = domain.trim().trim_start_matches('@').to_ascii_lowercase();
        if !base::email::is_domain(&domain) {
            return Err(Error::invalid("suppression.domain", format!("“{domain}” is not a domain.")));
        }
        if is_freemail(&domain) {
            return Err(Error::invalid(
                "suppression.freemail",
                format!("Anyone can have an address at {domain}; suppress single addresses instead."),
            ));
        }
        Ok(Self::of(scope, Kind::Domain, domain, reason, source, note))
    }

    /// A company by its name, compared without case.
    pub fn company(scope: Scope, name: &str, reason: Reason, source: &str, note: &str) -> Result<Self> {
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return Err(Error::invalid("suppression.company", "Give the company's name."));
        }
        Ok(Self::of(scope, Kind::Company, name, reason, source, note))
    }

    fn of(scope: Scope, kind: Kind, value: String, reason: Reason, source: &str, note: &str) -> Self {
        let note = note.chars().take(200).collect();
        Self { scope, kind, value, reason, source: source.to_owned(), note }
    }
}

/// Adds an entry; one that holds already stays as it is. Returns whether it was added.
pub async fn add(cx: &mut Cx, entry: &New) -> Result<bool> {
    let (tenant, now, id, by) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>(), cx.actor().label());
    let owner = match entry.scope {
        Scope::Client => Some(tenant),
        Scope::Platform => None,
    };
    let added = sqlx::query!(
        "insert into leads.suppression (id, tenant_id, kind, value, reason, source, note, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
        id,
        owner,
        entry.kind as Kind,
        entry.value,
        entry.reason as Reason,
        entry.source,
        entry.note,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if added == 0 {
        return Ok(false);
    }
    let payload = json!({"kind": entry.kind, "reason": entry.reason, "source": entry.source});
    cx.publish(Fact::about("leads.suppression.added", id).with(payload)).await?;
    Ok(true)
}

/// By what an erased person may come again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys {
    /// Addresses in small letters.
    pub emails: Vec<String>,
    /// Numbers in E.164.
    pub phones: Vec<String>,
    /// LinkedIn profiles.
    pub profiles: Vec<String>,
}

/// Suppresses somebody who is erased, on every channel, by hashes: what was there in plain becomes a hash too, so
/// that a later import is still refused and nobody can read who it was.
pub async fn entomb(cx: &mut Cx, keys: &Keys) -> Result<()> {
    let all = [(Kind::Email, &keys.emails), (Kind::Phone, &keys.phones), (Kind::Linkedin, &keys.profiles)];
    let all: Vec<(Kind, String)> = all
        .into_iter()
        .flat_map(|(kind, values)| values.iter().map(move |v| (kind, v.to_lowercase())))
        .collect();
    let kinds: Vec<String> = all.iter().map(|(kind, _)| kind.word().to_owned()).collect();
    let values: Vec<String> = all.iter().map(|(_, value)| value.clone()).collect();
    sqlx::query!("select leads.bury($1, $2)", &kinds, &values).fetch_one(cx.conn()).await?;
    for (kind, value) in all {
        let hashed = tomb(kind, &value);
        add(cx, &New::of(Scope::Client, kind, hashed, Reason::DoNotContact, "erasure", "")).await?;
    }
    Ok(())
}

/// An entry as listed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub id: SuppressionId,
    /// For whom.
    pub scope: Scope,
    /// What it names.
    pub kind: Kind,
    /// The address, domain, company or number.
    pub value: String,
    /// Why.
    pub reason: Reason,
    /// Through what it came.
    pub source: String,
    /// Words about it.
    pub note: String,
    /// Who added it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

/// The entries that concern the client, newest first.
pub async fn list(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Entry>> {
    search(cx, "", after, limit).await
}

/// The entries that concern the client and whose value is this one (an address also finds its domain), or
/// all when it is empty: its own, and those that hold everywhere and name one of its own leads. Of the
/// latter nothing is told that another client may have written: neither who added them nor the note.
pub async fn search(cx: &mut Cx, value: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Entry>> {
    let tenant = cx.tenant()?.uuid();
    let (before, before_id) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let at: Time =
                key.parse().map_err(|_| Error::invalid("cursor.invalid", "This page link is damaged."))?;
            (Some(at), Some(id))
        }
        None => (None, None),
    };
    let value = value.trim().to_lowercase();
    let mut values = vec![value.clone()];
    values.extend(value.split_once('@').map(|(_, domain)| domain.to_owned()));
    let rows = sqlx::query!(
        r#"select id as "id!", tenant_id, kind as "kind!: Kind", value as "value!", reason as "reason!: Reason",
                  source as "source!", note as "note!", created_by as "created_by!", created_at as "created_at!"
           from (
             (select id, tenant_id, kind, value, reason, source, note, created_by, created_at
              from leads.suppression
              where tenant_id = $1 and released_at is null and ($5 or value = any($6))
                and ($2::timestamptz is null or (created_at, id) < ($2, $3))
              order by created_at desc, id desc limit $4)
             union all
             (select s.id, s.tenant_id, s.kind, s.value, s.reason, s.source, '', '', s.created_at
              from leads.suppression s
              where s.tenant_id is null and s.released_at is null and ($5 or s.value = any($6))
                and ($2::timestamptz is null or (s.created_at, s.id) < ($2, $3))
                and (s.kind = 'email' and (
                       exists (select from leads.lead l where l.tenant_id = $1 and l.email = s.value and l.deleted_at is null)
                       or exists (select from leads.lead l where l.tenant_id = $1 and l.personal_email = s.value and l.deleted_at is null))
                     or s.kind = 'phone'
                       and exists (select from leads.lead l where l.tenant_id = $1 and l.phone = s.value and l.deleted_at is null))
              order by s.created_at desc, s.id desc limit $4)) e
           order by created_at desc, id desc limit $4"#,
        tenant,
        before as Option<Time>,
        before_id,
        i64::try_from(limit).unwrap_or(100) + 1,
        value.is_empty(),
        &values,
    )
    .fetch_all(cx.conn())
    .await?;
    let entries = rows
        .into_iter()
        .map(|r| Entry {
            id: SuppressionId(r.id),
            scope: if r.tenant_id.is_some() { Scope::Client } else { Scope::Platform },
            kind: r.kind,
            value: r.value,
            reason: r.reason,
            source: r.source,
            note: r.note,
            created_by: r.created_by,
            created_at: r.created_at,
        })
        .collect();
    Ok(Page::cut(entries, limit, |e: &Entry| Cursor::after(&e.created_at.to_string(), e.id.uuid())))
}

/// What one line of a pasted list names: an address, a phone number, a domain, or else a company.
pub fn parse_line(line: &str, reason: Reason, source: &str, note: &str) -> Result<New> {
    let text = line.trim().trim_matches(['"', ',', ';']).trim();
    if text.contains('@') && !text.starts_with('@') {
        return Ok(New::email(Scope::Client, &EmailAddress::parse(text)?, reason, source, note));
    }
    of_kind(guess(text), text, reason, source, note)
}

fn guess(text: &str) -> Kind {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits >= 8 && text.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c)) {
        Kind::Phone
    } else if base::email::is_domain(&text.trim_start_matches('@').to_ascii_lowercase())
        && !text.contains(' ')
    {
        Kind::Domain
    } else {
        Kind::Company
    }
}

/// An entry of this kind for the client. Errors say what is wrong with the value.
pub fn of_kind(kind: Kind, value: &str, reason: Reason, source: &str, note: &str) -> Result<New> {
    match kind {
        Kind::Email => Ok(New::email(Scope::Client, &EmailAddress::parse(value)?, reason, source, note)),
        Kind::Domain => New::domain(Scope::Client, value, reason, source, note),
        Kind::Company => New::company(Scope::Client, value, reason, source, note),
        Kind::Linkedin => match crate::clean::linkedin(value) {
            Some(profile) => Ok(New::linkedin(Scope::Client, &profile, reason, source, note)),
            None => Err(Error::invalid(
                "suppression.linkedin",
                format!("“{value}” is not a person's LinkedIn profile."),
            )),
        },
        Kind::Phone => {
            let number = crate::phone::parse(value, Some(crate::Country::AU)).ok_or_else(|| {
                Error::invalid(
                    "suppression.phone",
                    format!("“{value}” is not a phone number. Write it as +61…."),
                )
            })?;
            Ok(New::phone(Scope::Client, number.as_str(), reason, source, note))
        }
    }
}

/// Every line of a pasted list as an entry, or with what is wrong with it. Blank lines are passed over.
pub fn parse_many(text: &str, reason: Reason, source: &str) -> Vec<(usize, String, Result<New>)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| (at + 1, line.trim().to_owned(), parse_line(line, reason, source, "")))
        .collect()
}

/// Lifts an entry of this client. An opt-out or a complaint cannot be lifted.
pub async fn release(cx: &mut Cx, id: SuppressionId) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let changed = sqlx::query!(
        "update leads.suppression set released_at = $3, released_by = $4
         where tenant_id = $1 and id = $2 and released_at is null and reason not in ('unsubscribed', 'complained')",
        tenant,
        id.uuid(),
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::refused(
            "suppression.kept",
            "This entry cannot be lifted: it is gone already, or the person opted out.",
        ));
    }
    Ok(())
}
