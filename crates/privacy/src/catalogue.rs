//! Every table that may hold a person, read from the database itself.

use base::Result;
use db::Cx;
use uuid::Uuid;

/// Tables about the client itself: who works there, how it sends, what it decided. A prospect's data has no place there.
const OF_THE_CLIENT: [&str; 25] = [
    "accounts.api_key",
    "accounts.invitation",
    "accounts.membership",
    "accounts.session",
    "accounts.tenant",
    "control.budget",
    "control.budget_use",
    "control.figure",
    "control.notification_preference",
    "control.secret",
    "control.switch",
    "hooks.endpoint",
    "hooks.endpoint_health",
    "jobs.halt",
    "jobs.lane",
    "jobs.schedule",
    "outreach.account",
    "outreach.booking_page",
    "outreach.calendar",
    "outreach.campaign_resource",
    "outreach.mailbox_cursor",
    "outreach.resource",
    "outreach.step",
    "outreach.step_arm",
    "privacy.request",
];
/// Schemas that hold no prospects: money between programs, and the client's own website.
const NO_PROSPECTS: [&str; 5] = ["pay", "ledger", "billing", "onboarding", "audit"];
/// Columns that hold somebody's words or what was written to them, not the product's own.
const WORDS: [&str; 20] = [
    "subject",
    "body",
    "preview",
    "text",
    "quote",
    "note",
    "notes",
    "detail",
    "content",
    "facts",
    "sheet",
    "checks",
    "provenance",
    "evidence",
    "understood",
    "response",
    "summary",
    "title",
    "raw",
    "transcript",
];

/// How a column is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// As text.
    Text,
    /// As JSON.
    Json,
    /// As a list of texts.
    Texts,
    /// As bytes.
    Bytes,
}

/// A column that may hold a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How it is kept.
    pub kept: Kept,
}

impl Column {
    fn holds_words(&self) -> bool {
        WORDS.contains(&self.name.as_str())
    }
}

/// A table that may hold a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// `schema.table`.
    pub name: String,
    /// Its columns of text, JSON, bytes.
    pub columns: Vec<Column>,
    /// How its rows say that they are about a lead: a condition over `$2`, the leads.
    pub about: Option<String>,
    /// Whether the application may change its rows.
    pub changes: bool,
}

/// The tables of the client's data, in the order of their names.
pub async fn tables(cx: &mut Cx) -> Result<Vec<Table>> {
    let rows = sqlx::query!(
        r#"select n.nspname || '.' || c.relname as "name!", has_table_privilege(c.oid, 'UPDATE') as "changes!",
             array_agg(a.attname::text order by a.attnum) as "columns!", array_agg(t.typname::text order by a.attnum) as "types!",
             exists (select from pg_attribute l where l.attrelid = c.oid and l.attname = 'lead_id' and not l.attisdropped) as "of_lead!",
             (select min(fa.attname || '=' || fn.nspname || '.' || fc.relname)
              from pg_constraint k join pg_class fc on fc.oid = k.confrelid join pg_namespace fn on fn.oid = fc.relnamespace
                join pg_attribute fa on fa.attrelid = k.conrelid and fa.attnum = k.conkey[1]
              where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1
                and exists (select from pg_attribute l where l.attrelid = k.confrelid and l.attname = 'lead_id' and not l.attisdropped)) as through
           from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
           where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema')
             and n.nspname <> all($1) and n.nspname || '.' || c.relname <> all($2)
             and exists (select from pg_attribute x where x.attrelid = c.oid and x.attname = 'tenant_id' and not x.attisdropped)
             and has_table_privilege(c.oid, 'SELECT')
             and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and t.typname in ('text', 'varchar', 'jsonb', '_text', 'bytea')
           group by n.nspname, c.relname, c.oid order by 1"#,
        &NO_PROSPECTS.map(str::to_owned)[..],
        &OF_THE_CLIENT.map(str::to_owned)[..],
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kept = |name: &str| match name {
                "jsonb" => Kept::Json,
                "_text" => Kept::Texts,
                "bytea" => Kept::Bytes,
                _ => Kept::Text,
            };
            let columns = row.columns.into_iter().zip(&row.types);
            let through = row.through.as_deref().and_then(|way| way.split_once('='));
            let about = match (row.of_lead, through) {
                (true, _) => Some("lead_id = any($2)".to_owned()),
                (false, Some((column, table))) => Some(format!(
                    "{column} in (select id from {table} where tenant_id = $1 and lead_id = any($2))"
                )),
                (false, None) => None,
            };
            Table {
                about,
                changes: row.changes,
                columns: columns.map(|(name, of)| Column { name, kept: kept(of) }).collect(),
                name: row.name,
            }
        })
        .collect())
}

impl Table {
    /// Whether a row says one of the words of `$3`.
    fn says(&self) -> String {
        let each = self.columns.iter().map(|column| {
            let name = &column.name;
            match column.kept {
                Kept::Text => format!("{name} ~* $3"),
                Kept::Json => format!("{name}::text ~* $3"),
                Kept::Texts => format!("array_to_string({name}, ' ') ~* $3"),
                Kept::Bytes => format!("encode({name}, 'escape') ~* $3"),
            }
        });
        format!("({})", each.collect::<Vec<_>>().join(" or "))
    }

    fn condition(&self) -> String {
        match &self.about {
            Some(about) => format!("({about} or {})", self.says()),
            None => format!("(($2::uuid[] is not null) and {})", self.says()),
        }
    }

    /// Reads the rows about a person as JSON, at most `most`; bytes are told by their length.
    pub async fn rows(
        &self,
        cx: &mut Cx,
        leads: &[Uuid],
        words: &str,
        most: i64,
    ) -> Result<Vec<serde_json::Value>> {
        let tenant = cx.tenant()?.uuid();
        let bytes = self.columns.iter().filter(|column| column.kept == Kept::Bytes);
        let without: String = bytes.map(|column| format!(" - '{}'", column.name)).collect();
        let sql = format!(
            "select to_jsonb(t){without} from {} t where tenant_id = $1 and {} limit $4",
            self.name,
            self.condition()
        );
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(tenant)
            .bind(leads)
            .bind(words)
            .bind(most)
            .fetch_all(cx.conn())
            .await?)
    }

    /// Takes a person out: their words are emptied in rows about them, and what names them is struck out everywhere.
    /// `$3` finds the person anywhere, `$4` also by single names, in rows about them. Returns how many rows.
    pub async fn erase(&self, cx: &mut Cx, leads: &[Uuid], words: &str, names: &str) -> Result<u64> {
        let tenant = cx.tenant()?.uuid();
        let about = self.about.as_deref().unwrap_or("false");
        let sets = self.columns.iter().map(|column| {
            let name = &column.name;
            let struck = |text: &str| {
                format!("regexp_replace(case when {about} then regexp_replace({text}, $4, 'erased', 'gi') else {text} end, $3, 'erased', 'gi')")
            };
            let kept = match column.kept {
                Kept::Text => struck(name),
                Kept::Json => format!("{}::jsonb", struck(&format!("{name}::text"))),
                Kept::Texts => format!("array(select {} from unnest({name}) e)", struck("e")),
                Kept::Bytes => {
                    format!("case when {about} or encode({name}, 'escape') ~* $3 then ''::bytea else {name} end")
                }
            };
            let emptied = match (column.holds_words(), column.kept) {
                (true, Kept::Text) => Some("'erased'"),
                (true, Kept::Json) => Some("case jsonb_typeof({}) when 'array' then '[]' else '{}' end::jsonb"),
                (true, Kept::Texts | Kept::Bytes) | (false, _) => None,
            };
            match emptied {
                Some(empty) => {
                    let empty = empty.replacen("{}", name, usize::from(column.kept == Kept::Json));
                    format!("{name} = case when {name} is null then null when {about} then {empty} else {kept} end")
                }
                None => format!("{name} = {kept}"),
            }
        });
        let sql = format!(
            "update {} set {} where tenant_id = $1 and {} and ($4::text is not null)",
            self.name,
            sets.collect::<Vec<_>>().join(", "),
            self.condition()
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant)
            .bind(leads)
            .bind(words)
            .bind(names)
            .execute(cx.conn())
            .await
            .map_err(|cause| {
                base::Error::internal(format!(
                    "{} could not be emptied of the person; nothing was erased.",
                    self.name
                ))
                .caused_by(cause)
            })?;
        Ok(done.rows_affected())
    }
}
