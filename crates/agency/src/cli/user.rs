//! `agency user`: people who sign in, from the machine itself. Passwords come from standard input, so
//! that they stand in no list of processes.

use crate::{roles, settings::Settings, term};
use accounts::person::{self, SignUp, password};
use base::{EmailAddress, Error, Random, Result, Secret, SystemClock, UserId, Zone};
use db::Db;
use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

/// What to do.
#[derive(clap::Subcommand)]
pub(super) enum What {
    /// Makes a person with an organisation of their own; the first one runs the installation.
    Create(Create),
    /// Gives a person another password and ends their sessions.
    ResetPassword {
        /// Whose.
        email: String,
    },
}

/// A person to be made.
#[derive(clap::Args)]
pub(super) struct Create {
    /// The address to sign in with.
    email: String,
    /// What they are called.
    #[arg(long)]
    name: String,
    /// What their organisation is called.
    #[arg(long)]
    company: String,
    /// The zone of both, an IANA name.
    #[arg(long, default_value = "Australia/Sydney")]
    zone: String,
    /// The country of the organisation, two letters.
    #[arg(long, default_value = "AU")]
    country: String,
}

pub(super) async fn run(settings: &Settings, what: What) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    let db = Db::connect(&settings.database, Arc::new(SystemClock), Arc::new(Random::system())).await?;
    let result = match what {
        What::Create(new) => create(&db, new).await,
        What::ResetPassword { email } => reset(&db, &email).await,
    };
    db.close().await;
    result
}

async fn create(db: &Db, new: Create) -> Result<ExitCode> {
    let email = EmailAddress::parse(&new.email)?;
    let zone = Zone::named(&new.zone)?.name().to_owned();
    let given = typed()?;
    password::check(given.expose(), email.as_str(), &new.name)?;
    let password_hash = password::hash(&given, db.random()).await?;
    let mut cx = db.system("command line").await?;
    let sign_up = SignUp {
        person: cx.id::<UserId>(),
        email: email.clone(),
        name: person::rules::name(&new.name)?,
        password_hash,
        company: person::rules::name(&new.company)?,
        zone,
        country: new.country.to_ascii_uppercase(),
    };
    let tenant = person::sign_up(&mut cx, &sign_up).await?;
    cx.commit().await?;
    term::line(format!("{email} may sign in now, as the owner of {} ({tenant}).", sign_up.company));
    Ok(ExitCode::SUCCESS)
}

async fn reset(db: &Db, email: &str) -> Result<ExitCode> {
    let email = EmailAddress::parse(email)?;
    let mut cx = db.system("command line").await?;
    let person = person::by_email(&mut cx, &email).await?.ok_or_else(|| {
        Error::invalid(
            "person.unknown",
            format!("Nobody signs in with {email}. Make the account with `agency user create`."),
        )
    })?;
    let given = typed()?;
    password::check(given.expose(), &person.email, &person.name)?;
    let hash = password::hash(&given, db.random()).await?;
    cx.because("password reset from the command line").await?;
    person::set_password(&mut cx, person.id, &hash).await?;
    let ended = accounts::session::revoke_all(&mut cx, person.id, None).await?;
    cx.commit().await?;
    term::line(format!("{email} has another password; {ended} sessions were ended."));
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input.
fn typed() -> Result<Secret> {
    if io::stdin().is_terminal() {
        term::note("Type the password and press Enter (it is shown; pipe it in to hide it):");
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|cause| Error::invalid("password.input", "The password cannot be read.").caused_by(cause))?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}
