//! How fast a messy list comes in: a file of any number of rows, made here, goes the whole way of an import.

use crate::import::job::{BATCH, Intake};
use crate::import::{self, ImportId, Setup};
use crate::{MAX_ROWS, Options};
use base::{Error, Result, TenantId};
use db::{Caller, Db, Scope};
use leads::Country;
use leads::lead::Consent;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Rows of the file.
    pub rows: u64,
    /// Rows dealt with a second, from the start of the job to its end.
    pub import_rows_per_s: f64,
    /// Rows read and understood a second, without the database.
    pub read_rows_per_s: f64,
    /// Rows that became leads, were rejected, repeated, were there, were suppressed.
    pub came: [i32; 5],
}

/// A messy list: a twentieth of the rows cannot be read, a twentieth repeats an earlier person.
pub fn list(rows: u64) -> String {
    const FIRST: [&str; 8] = ["Priya", "JÖRG", "sam", "Ana María", "Li", "O'Neil", "Zoë", "Tom"];
    const TITLES: [&str; 6] =
        ["Owner", "CEO & Founder", "Head of Sales", "practice manager", "", "Assistant to the CEO"];
    const TRADES: [&str; 5] = ["Dental", "Building ", "Law", "n/a", "Software"];
    let mut out =
        "First Name;Surname;E-Mail;Job title;Company;Website;Phone;City;State;Country;Industry;Employees;Hiring;Notes\n"
            .to_owned();
    for n in 0..rows {
        let person = if n % 20 == 7 { n - 3 } else { n };
        let at = usize::try_from(person).unwrap_or(0);
        let email = match n % 40 {
            11 => "not an address".to_owned(),
            31 => String::new(),
            _ => format!("P{person}@Company{}.example", person % 9_973),
        };
        let phone = if n % 40 == 31 {
            String::new()
        } else {
            format!("04{:02} {:03} {:03}", person % 90 + 10, person % 1_000, person / 7 % 1_000)
        };
        let _ = writeln!(
            out,
            "{};\"Last{person}\";{email};{};\"Company {}; Pty Ltd\";https://www.company{}.example/about;{phone};Sydney;NSW;Australia;{};{};{};\"said \"\"call me\"\"\"",
            FIRST[at % 8],
            TITLES[at % 6],
            person % 9_973,
            person % 9_973,
            TRADES[at % 5],
            person % 300,
            if at % 3 == 0 { "yes" } else { "" },
        );
    }
    out
}

/// Takes a list of this many rows in for a client of its own, in a scratch database; uploads lie under `state_dir`.
pub async fn run(db: &Db, tenant: TenantId, state_dir: &Path, rows: u64) -> Result<Figures> {
    let rows = rows.min(MAX_ROWS);
    let disk = |cause: std::io::Error| {
        Error::unavailable("bench.disk", "The list could not be written.").caused_by(cause)
    };
    std::fs::create_dir_all(import::folder(state_dir)).map_err(disk)?;
    let (scope, caller) = (Scope::Tenant(tenant), Caller::system("bench", db));
    let mut cx = db.begin(scope, caller.clone()).await?;
    let id: ImportId = cx.id();
    let file = import::file_of(state_dir, id);
    std::fs::write(&file, list(rows)).map_err(disk)?;
    let began = Instant::now();
    let options = Options { country: Some(Country::AU) };
    let (preview, headers) = import::look(file.clone(), None, options).await?;
    let read_s = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&file).map_err(disk)?.len();
    import::receive(
        &mut cx,
        id,
        "bench.csv",
        i64::try_from(bytes).unwrap_or(0),
        &preview.encoding,
        preview.rows,
        &headers,
    )
    .await?;
    let setup = Setup {
        mapping: &preview.mapping,
        headers: &headers,
        rows: preview.rows,
        country: Country::AU,
        consent: Some((Consent::InferredPublished, "bench")),
        campaign: None,
    };
    import::configure(&mut cx, id, &setup).await?;
    import::start(&mut cx, id).await?;
    cx.commit().await?;
    let began = Instant::now();
    let intake = Intake {
        db: db.clone(),
        scope,
        caller: caller.clone(),
        import: id,
        state_dir: state_dir.to_owned(),
        batch: BATCH,
    };
    intake.take(usize::MAX, None).await?;
    let import_s = began.elapsed().as_secs_f64();
    let mut cx = db.begin(scope, caller).await?;
    let done = import::get(&mut cx, id).await?;
    cx.rollback().await?;
    let came = [done.accepted, done.rejected, done.duplicates, done.merged, done.suppressed];
    if i64::from(came.iter().sum::<i32>()) != i64::try_from(preview.rows).unwrap_or(0) {
        return Err(Error::internal(format!(
            "{} rows came to {came:?}: some are not accounted for.",
            preview.rows
        )));
    }
    Ok(Figures {
        rows: preview.rows,
        import_rows_per_s: preview.rows as f64 / import_s,
        read_rows_per_s: preview.rows as f64 / read_s,
        came,
    })
}

#[cfg(test)]
mod tests {
    use crate::tests::World;

    /// `BENCH_ROWS=100000 cargo nextest run --release -p intake -E 'test(bench)' --no-capture` measures.
    #[tokio::test]
    async fn every_row_of_a_messy_list_is_accounted_for() {
        let rows = std::env::var("BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(2_000);
        let world = World::new().await;
        let got =
            super::run(&world.db.db, world.ours.id, world.folder.path(), rows).await.expect("it comes in");
        let share = |n: i32| f64::from(n) / rows as f64;
        assert!(share(got.came[1]) > 0.02 && share(got.came[2]) > 0.02, "{got:?}");
        assert!(got.import_rows_per_s > 0.0);
        println!("{}", serde_json::to_string(&got).expect("JSON"));
    }
}
