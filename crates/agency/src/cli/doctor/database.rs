//! The database: reachable, new enough, right role, right schema, same clock.

use super::Finding;
use crate::{cluster::binaries::VERSION_MIN, settings::Settings, term};
use base::{Clock, SystemClock, Time};
use db::SchemaState;
use sqlx::{Connection, PgConnection, Row};

/// Clocks further apart than this confuse people and tokens.
const CLOCK_S_MAX: i64 = 5;

pub(super) async fn all(settings: &Settings) -> Vec<Finding> {
    let mut conn = match PgConnection::connect(settings.database.url.expose()).await {
        Ok(conn) => conn,
        Err(cause) => {
            return vec![Finding::fail(
                "database",
                format!("PostgreSQL does not answer: {cause}"),
                "Check that the server runs and that DATABASE_URL is right (postgres://user:password@host:5432/name).",
            )];
        }
    };
    let mut findings = Vec::new();
    match facts(&mut conn).await {
        Ok(facts) => findings.extend(facts),
        Err(cause) => findings.push(Finding::fail(
            "database",
            format!("its state cannot be read: {cause}"),
            "Check the rights of the login.",
        )),
    }
    findings.push(schema(settings).await);
    findings
}

async fn facts(conn: &mut PgConnection) -> sqlx::Result<Vec<Finding>> {
    let row = sqlx::query(
        "select current_setting('server_version_num')::int / 10000 as version, current_user::text as who, current_database()::text as name,
                (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as makes_roles,
                coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'agency_app'), false) as is_member,
                has_database_privilege(current_database(), 'create') as makes_schemas,
                (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms",
    )
    .fetch_one(conn)
    .await?;
    let version: i32 = row.try_get("version")?;
    let (who, name): (String, String) = (row.try_get("who")?, row.try_get("name")?);
    let (makes_roles, is_member, makes_schemas): (bool, bool, bool) =
        (row.try_get("makes_roles")?, row.try_get("is_member")?, row.try_get("makes_schemas")?);
    let now_ms: i64 = row.try_get("now_ms")?;
    let mut findings = vec![Finding::ok("database", format!("{name} answers"))];
    let enough = u32::try_from(version).is_ok_and(|version| version >= VERSION_MIN);
    findings.push(if enough {
        Finding::ok("version", format!("PostgreSQL {version}"))
    } else {
        Finding::fail(
            "version",
            format!("PostgreSQL {version} is too old"),
            format!("Use version {VERSION_MIN} or newer."),
        )
    });
    findings.push(match (is_member || makes_roles, makes_schemas) {
        (true, true) => Finding::ok("role", format!("{who} may migrate and take the application's roles")),
        (false, _) => Finding::fail(
            "role",
            format!("{who} can neither make roles nor take agency_app"),
            format!("As a superuser, once: alter role \"{who}\" createrole;"),
        ),
        (true, false) => Finding::fail(
            "role",
            format!("{who} cannot make schemas in {name}"),
            format!("As its owner: grant create on database \"{name}\" to \"{who}\";"),
        ),
    });
    let apart_s = SystemClock.now().since_s(Time::from_us(now_ms.saturating_mul(1_000)));
    findings.push(if apart_s.abs() <= CLOCK_S_MAX {
        Finding::ok("clock", "this machine and the database agree")
    } else {
        Finding::warn(
            "clock",
            format!("this machine and the database are {} s apart", apart_s.abs()),
            "Turn time synchronisation on, on both machines.",
        )
    });
    Ok(findings)
}

async fn schema(settings: &Settings) -> Finding {
    match db::schema_state(&settings.database).await {
        Ok(SchemaState::Current) => Finding::ok("schema", "up to date"),
        Ok(SchemaState::Behind(count)) => {
            Finding::fail("schema", format!("{count} migrations are missing"), "Run `agency migrate`.")
        }
        Ok(SchemaState::Ahead(count)) => Finding::fail(
            "schema",
            format!("{count} migrations are unknown to this program"),
            "Run the newer program that migrated it, or restore a backup from before.",
        ),
        Err(error) => Finding::fail("schema", term::explain(&error), "Check the connection above."),
    }
}
