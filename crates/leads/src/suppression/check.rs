//! Asking the list: which entries hold for a person, or for many at once.

use super::{Entry, Kind, Reason, Scope, SuppressionId, tomb};
use crate::lead::{Fields, Lead};
use base::{Result, Time};
use db::Cx;
use std::collections::HashSet;

/// By what somebody may be on the list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Who {
    /// Work address.
    pub email: Option<String>,
    /// Private address.
    pub personal_email: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    /// LinkedIn profile.
    pub linkedin: Option<String>,
    /// Company domain.
    pub domain: Option<String>,
    /// Company name.
    pub company: Option<String>,
}

impl Who {
    /// By what these fields may be on the list.
    pub fn of(fields: &Fields) -> Self {
        Self {
            email: fields.email.clone(),
            personal_email: fields.personal_email.clone(),
            phone: fields.phone.clone(),
            linkedin: fields.linkedin_url.clone(),
            domain: fields.domain.clone(),
            company: fields.company_name.clone(),
        }
    }

    /// The keys under which an entry would stand.
    fn keys(&self) -> Vec<(Kind, String)> {
        let mut keys = Vec::new();
        for address in [&self.email, &self.personal_email].into_iter().flatten() {
            keys.push((Kind::Email, address.clone()));
            keys.extend(address.split_once('@').map(|(_, domain)| (Kind::Domain, domain.to_owned())));
        }
        keys.extend(self.domain.clone().map(|domain| (Kind::Domain, domain)));
        keys.extend(self.company.as_ref().map(|company| (Kind::Company, company.trim().to_lowercase())));
        keys.extend(self.phone.clone().map(|phone| (Kind::Phone, phone)));
        keys.extend(self.linkedin.as_ref().map(|profile| (Kind::Linkedin, profile.to_lowercase())));
        // An erased person is known by hashes only.
        let tombs: Vec<_> = keys
            .iter()
            .filter(|(kind, _)| matches!(kind, Kind::Email | Kind::Phone | Kind::Linkedin))
            .map(|(kind, value)| (*kind, tomb(*kind, value)))
            .collect();
        keys.extend(tombs);
        keys
    }
}

impl From<&Lead> for Who {
    fn from(lead: &Lead) -> Self {
        Self::of(&Fields::from(lead))
    }
}

/// The entries that hold for somebody, the client's and the platform's.
pub async fn holding(cx: &mut Cx, who: &Who) -> Result<Vec<Entry>> {
    let keys = who.keys();
    let values: Vec<String> = keys.iter().map(|(_, value)| value.clone()).collect();
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, tenant_id, kind as "kind: Kind", value, reason as "reason: Reason", source, note, created_by, created_at
           from leads.suppression
           where value = any($2) and released_at is null and (tenant_id = $1 or tenant_id is null)
           order by created_at, id"#,
        tenant,
        &values,
    )
    .fetch_all(cx.conn())
    .await?;
    let entries = rows.into_iter().map(|r| Entry {
        id: SuppressionId(r.id),
        scope: if r.tenant_id.is_some() { Scope::Client } else { Scope::Platform },
        kind: r.kind,
        value: r.value,
        reason: r.reason,
        source: r.source,
        note: r.note,
        created_by: r.created_by,
        created_at: r.created_at as Time,
    });
    Ok(entries
        .filter(|entry| keys.iter().any(|(kind, value)| *kind == entry.kind && *value == entry.value))
        .collect())
}

/// Which of these people are on the list; asked with one statement.
pub async fn suppressed(cx: &mut Cx, people: &[Who]) -> Result<Vec<bool>> {
    let keys: Vec<Vec<(Kind, String)>> = people.iter().map(Who::keys).collect();
    let values: HashSet<&String> = keys.iter().flatten().map(|(_, value)| value).collect();
    let values: Vec<String> = values.into_iter().cloned().collect();
    let tenant = cx.tenant()?.uuid();
    let found = sqlx::query!(
        r#"select kind as "kind: Kind", value from leads.suppression
           where value = any($2) and released_at is null and (tenant_id = $1 or tenant_id is null)"#,
        tenant,
        &values,
    )
    .fetch_all(cx.conn())
    .await?;
    let held =
        |(kind, value): &(Kind, String)| found.iter().any(|row| row.kind == *kind && row.value == *value);
    if found.is_empty() {
        return Ok(vec![false; people.len()]);
    }
    Ok(keys.iter().map(|keys| keys.iter().any(held)).collect())
}
