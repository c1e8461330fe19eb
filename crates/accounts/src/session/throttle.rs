//! Slows guessing down. A try is counted before the password is looked at and taken back when it
//! was right, so that many tries at once gain nothing.

use super::rules::{Limit, WINDOW_S, wait_s};
use base::{Error, Kind, Result, Time};
use db::Cx;

/// What one try counts against.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Vec<(Limit, String)>);

impl Keys {
    /// A try to sign in, or to prove a password, from an address. `email` is folded to lower case.
    pub fn sign_in(email: &str, address: &str) -> Self {
        let email = email.trim().to_lowercase();
        let mut keys =
            vec![(Limit::Email, format!("email:{email}")), (Limit::Pair, format!("pair:{email}|{address}"))];
        if !address.is_empty() {
            keys.push((Limit::Address, format!("address:{address}")));
        }
        Self(keys)
    }

    /// Something else that a stranger may do only so often: `what` names it.
    pub fn other(what: &str, address: &str) -> Self {
        Self(vec![(Limit::Act, format!("{what}:{address}"))])
    }
}

/// Counts a try, in a transaction across tenants that the caller commits at once.
///
/// # Errors
/// Limited, with the seconds to wait, when there were too many; then nothing is counted.
pub(crate) async fn reserve(cx: &mut Cx, keys: &Keys) -> Result<()> {
    let now = cx.now();
    let mut wait = 0_i64;
    for (limit, key) in &keys.0 {
        // One try after the other for each key: the count below must see those before it.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", key)
            .fetch_one(cx.conn())
            .await?;
        let row = sqlx::query!(
            r#"select count(*) as "failures!", max(at) as latest from accounts.sign_in_failure where key = $1 and at > $2"#,
            key,
            now.plus_s(-WINDOW_S) as Time,
        )
        .fetch_one(cx.conn())
        .await?;
        if let Some(latest) = row.latest {
            wait = wait.max(wait_s(row.failures, *limit) - now.since_s(latest));
        }
    }
    if wait > 0 {
        return Err(Error::new(
            Kind::Limited,
            "sign_in.slow_down",
            format!("Too many tries. Wait {} and try again.", words(wait)),
        ));
    }
    let keys: Vec<String> = keys.0.iter().map(|(_, key)| key.clone()).collect();
    sqlx::query!(
        "insert into accounts.sign_in_failure (key, at) select key, $2 from unnest($1::text[]) as k (key)",
        &keys,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "delete from accounts.sign_in_failure where id in (
           select id from accounts.sign_in_failure where at < $1 order by at limit 100 for update skip locked)",
        now.plus_s(-WINDOW_S) as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The password was right: forgets the failures of its e-mail, and this try of the address.
pub(crate) async fn forget(cx: &mut Cx, keys: &Keys) -> Result<()> {
    for (limit, key) in &keys.0 {
        match limit {
            Limit::Pair | Limit::Email => {
                sqlx::query!("delete from accounts.sign_in_failure where key = $1", key)
                    .execute(cx.conn())
                    .await?;
            }
            Limit::Address | Limit::Act => {
                sqlx::query!(
                    "delete from accounts.sign_in_failure where id = (
                       select id from accounts.sign_in_failure where key = $1 order by at desc, id desc limit 1)",
                    key
                )
                .execute(cx.conn())
                .await?;
            }
        }
    }
    Ok(())
}

fn words(seconds: i64) -> String {
    match seconds {
        1 => "one second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 59) / 60),
    }
}
