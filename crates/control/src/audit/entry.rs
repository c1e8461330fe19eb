//! Reading the trail of a tenant.

use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One entry.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Time,
    /// Who, as `kind:name`.
    pub actor: String,
    /// Under which request or job run.
    pub request_id: Option<Uuid>,
    /// `insert`, `update`, `delete`, or a verb.
    pub action: String,
    /// `schema.table`.
    pub subject_table: String,
    /// The row's id; none for an entry about many rows.
    pub subject_id: Option<String>,
    /// How many rows.
    pub rows: i32,
    /// The changed columns, as they were.
    pub before: Option<Value>,
    /// The changed columns, as they became.
    pub after: Option<Value>,
    /// Why.
    pub reason: Option<String>,
}

/// Which entries are meant; each field narrows them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Filter {
    /// Whose: the beginning of the actor, such as `user:` or `agent:outreach`.
    pub actor: Option<String>,
    /// One table: `schema.table`.
    pub table: Option<String>,
    /// One row's id.
    pub subject: Option<String>,
    /// From this day on, ISO, in the reader's zone.
    pub from: Option<String>,
    /// Up to and with this day.
    pub until: Option<String>,
}

impl Filter {
    fn instants(&self, zone: &base::Zone) -> Result<(Option<Time>, Option<Time>)> {
        let start = |day: &str, plus: i64| -> Result<Time> {
            let bad = |cause: jiff::Error| {
                Error::invalid("audit.day", format!("“{day}” is not a day like 2026-11-21.")).caused_by(cause)
            };
            let date: jiff::civil::Date = day.parse().map_err(bad)?;
            let date = date.checked_add(jiff::Span::new().days(plus)).map_err(bad)?;
            Ok(Time::new(date.to_zoned(zone.tz()).map_err(bad)?.timestamp()))
        };
        Ok((
            self.from.as_deref().map(|day| start(day, 0)).transpose()?,
            self.until.as_deref().map(|day| start(day, 1)).transpose()?,
        ))
    }
}

/// The entries that match, the latest first; a page of them. Days are meant in `zone`.
pub async fn list(
    cx: &mut Cx,
    filter: &Filter,
    zone: &base::Zone,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<Entry>> {
    let (from, until) = filter.instants(zone)?;
    let tenant = cx.tenant()?;
    let below = match after.map(Cursor::parts).transpose()? {
        Some((key, _)) => key.parse::<i64>().ok(),
        None => None,
    };
    let rows = sqlx::query_as!(
        Entry,
        r#"select id, at, actor, request_id, action, subject_table, subject_id, rows, before, after, reason
           from audit.entry
           where tenant_id = $1 and ($2::bigint is null or id < $2)
             and ($3::text is null or starts_with(actor, $3)) and ($4::text is null or subject_table = $4)
             and ($5::text is null or subject_id = $5)
             and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
           order by id desc limit $8"#,
        tenant.uuid(),
        below,
        filter.actor,
        filter.table,
        filter.subject,
        from as Option<Time>,
        until as Option<Time>,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, usize::try_from(limit).unwrap_or(0), |e| {
        Cursor::after(&e.id.to_string(), Uuid::nil())
    }))
}

/// The tables that are under audit, to filter by.
pub async fn tables(cx: &mut Cx) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select distinct n.nspname || '.' || c.relname as "name!"
           from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
           where t.tgname = 'audit_insert' order by 1"#
    )
    .fetch_all(cx.conn())
    .await?)
}
