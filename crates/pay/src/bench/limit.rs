//! The least SQL that does the same, under pgbench: of a whole cycle, and of its books alone.

use super::Bench;
use super::stage::{AMOUNT_MINOR, owner};
use base::{Error, Result, Secret};
use sqlx::AssertSqlSafe;
use std::path::{Path, PathBuf};

/// What of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Least {
    /// Authorise, reserve, post, receipt: the mandate's and the payer's limits are taken where they hold, the
    /// payment is written, and its key is kept with an answer, so that none of it happens twice.
    Cycle,
    /// Reserve, post, receipt: whoever asks may.
    Books,
}

/// Mandates of each tenant.
const MANDATES: usize = 500;

/// As few columns and indexes as could do it.
const TABLES: &str = "
  create schema bench_limit;
  create table bench_limit.wallet (id integer primary key, pending bigint not null, posted bigint not null) with (fillfactor = 50);
  create table bench_limit.payee (id integer primary key, posted bigint not null) with (fillfactor = 50);
  create table bench_limit.transfer (id uuid primary key default gen_random_uuid(), kind text not null, debit integer not null,
    credit integer not null, minor bigint not null, at timestamptz not null default now());
  create index on bench_limit.transfer (debit, at);
  create table bench_limit.head (tenant integer primary key, sequence bigint not null, hash bytea not null) with (fillfactor = 50);
  create table bench_limit.receipt (tenant integer not null, sequence bigint not null, minor bigint not null, hash bytea not null,
    at timestamptz not null default now(), primary key (tenant, sequence));
  create table bench_limit.mandate (id integer primary key, spent bigint not null, most bigint not null) with (fillfactor = 50);
  create table bench_limit.day (payer integer primary key, spent bigint not null, most bigint not null) with (fillfactor = 50);
  create table bench_limit.payment (id uuid primary key default gen_random_uuid(), tenant integer not null, mandate integer not null,
    minor bigint not null, status text not null, at timestamptz not null default now());
  create index on bench_limit.payment (tenant, at);
  create table bench_limit.kept (tenant integer not null, key uuid not null, body bytea not null, answer text not null,
    primary key (tenant, key));
";

/// Makes its tables, with one wallet, payee and chain for each tenant.
pub(super) async fn prepare(url: &Secret, tenants: usize) -> Result<()> {
    let rows = format!(
        "insert into bench_limit.wallet select n, 0, 1000000000000 from generate_series(1, {tenants}) n;
         insert into bench_limit.payee select n, 0 from generate_series(1, {tenants}) n;
         insert into bench_limit.head select n, 0, '\\x00' from generate_series(1, {tenants}) n;
         insert into bench_limit.day select n, 0, 1000000000000 from generate_series(1, {tenants}) n;
         insert into bench_limit.mandate select n, 0, 1000000000000 from generate_series(1, {tenants} * {MANDATES}) n;"
    );
    sqlx::raw_sql(AssertSqlSafe(format!("{TABLES}{rows}"))).execute(&mut owner(url).await?).await?;
    Ok(())
}

fn script(least: Least, tenants: usize) -> String {
    let fee = AMOUNT_MINOR / 5;
    let rest = AMOUNT_MINOR - fee;
    let (authorise, keep) = match least {
        Least::Books => (String::new(), String::new()),
        Least::Cycle => (
            format!(
                "update bench_limit.mandate set spent = spent + {AMOUNT_MINOR} where id = :m and spent + {AMOUNT_MINOR} <= most;
update bench_limit.day set spent = spent + {AMOUNT_MINOR} where payer = :t and spent + {AMOUNT_MINOR} <= most;
"
            ),
            format!(
                "insert into bench_limit.payment (tenant, mandate, minor, status) values (:t, :m, {AMOUNT_MINOR}, 'succeeded');
insert into bench_limit.kept values (:t, gen_random_uuid(), sha256('{AMOUNT_MINOR}'), repeat('a', 400));
"
            ),
        ),
    };
    format!(
        "\\set t random(1, {tenants})
\\set m random(1, {tenants} * {MANDATES})
begin;
{authorise}update bench_limit.wallet set pending = pending + {AMOUNT_MINOR} where id = :t and posted - pending >= {AMOUNT_MINOR};
insert into bench_limit.transfer (kind, debit, credit, minor) values ('pending', :t, 0, {AMOUNT_MINOR});
update bench_limit.wallet set pending = pending - {AMOUNT_MINOR}, posted = posted - {AMOUNT_MINOR} where id = :t;
update bench_limit.payee set posted = posted + {rest} where id = :t;
insert into bench_limit.transfer (kind, debit, credit, minor) values ('post', :t, :t, {rest}), ('post', :t, 0, {fee});
with head as (update bench_limit.head set sequence = sequence + 1, hash = sha256(hash) where tenant = :t returning tenant, sequence, hash)
  insert into bench_limit.receipt (tenant, sequence, minor, hash) select tenant, sequence, {AMOUNT_MINOR}, hash from head;
{keep}commit;
"
    )
}

/// Transactions a second.
pub(super) async fn run(pgbench: &Path, bench: &Bench, least: Least, tenants: usize) -> Result<f64> {
    let file = std::env::temp_dir().join(format!("agency-bench-pay-{}.sql", std::process::id()));
    std::fs::write(&file, script(least, tenants))
        .map_err(|cause| failed("Its script cannot be written").caused_by(cause))?;
    let output = tokio::process::Command::new(pgbench)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={}", bench.clients.max(1)))
        .arg(format!("--time={}", bench.limit_s.max(1)))
        .arg(format!("--file={}", file.display()))
        .arg(bench.url.expose())
        .output()
        .await
        .map_err(|cause| failed("It does not start").caused_by(cause))?;
    std::fs::remove_file(&file).map_err(|cause| failed("Its script cannot be removed").caused_by(cause))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| {
            failed(&format!("It said nothing of use: {}", String::from_utf8_lossy(&output.stderr)))
        })
}

fn failed(what: &str) -> Error {
    Error::unavailable("bench.pgbench", format!("pgbench failed. {what}."))
}

/// Where pgbench is.
pub(super) fn find() -> Result<PathBuf> {
    let in_path =
        std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    in_path.chain(versions).map(|folder| folder.join("pgbench")).find(|file| file.is_file()).ok_or_else(|| {
        Error::unavailable(
            "bench.pgbench_missing",
            "pgbench was not found in the PATH or under /usr/lib/postgresql/*/bin. Install PostgreSQL's client tools (Debian: postgresql-15, elsewhere postgresql-contrib).",
        )
    })
}
