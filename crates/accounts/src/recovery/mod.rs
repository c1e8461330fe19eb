//! Ways back in: password reset and e-mail verification by links in mails. Each link holds a random
//! token whose SHA-256 is kept; it is good once and for a short time.

pub(crate) mod pages;
pub mod rules;
mod store;

use crate::{person, session};
use base::{Error, Kind, Result, Secret, UserId};
use db::Cx;
use rules::{MAILS_PER_HOUR, Purpose};

/// Makes the token for a mail that is being written; none when the person got enough mails within
/// the hour. Runs across tenants.
pub(crate) async fn issue(cx: &mut Cx, person: UserId, purpose: Purpose) -> Result<Option<Secret>> {
    let since = cx.now().plus_s(-3_600);
    if store::count_since(cx, person, purpose, since).await? >= MAILS_PER_HOUR {
        return Ok(None);
    }
    let token = session::token(cx.random());
    store::insert(cx, person, purpose, &session::hash(token.expose())).await?;
    Ok(Some(token))
}

/// Whose link this is. Runs across tenants.
///
/// # Errors
/// Not found, when it was used, replaced or is too old.
pub(crate) async fn find(cx: &mut Cx, purpose: Purpose, token: &str) -> Result<UserId> {
    let again = match purpose {
        Purpose::VerifyEmail => "Sign in and have another one sent from your profile.",
        Purpose::ResetPassword => "Ask for another one on the page “Forgot the password?”.",
    };
    store::find(cx, purpose, &session::hash(token)).await?.ok_or_else(|| {
        Error::new(Kind::NotFound, "link.gone", format!("This link was used or is too old. {again}"))
    })
}

/// Follows a verification link. Runs across tenants.
pub(crate) async fn verify(cx: &mut Cx, token: &str) -> Result<()> {
    let id = find(cx, Purpose::VerifyEmail, token).await?;
    store::use_up(cx, id, Purpose::VerifyEmail).await?;
    person::verify_email(cx, id).await
}

/// Follows a reset link: sets the password, given as its hash, and ends all sessions. The mail
/// arrived, so that the address is the person's. Runs across tenants.
pub(crate) async fn reset(cx: &mut Cx, token: &str, password_hash: &str) -> Result<()> {
    let id = find(cx, Purpose::ResetPassword, token).await?;
    store::use_up(cx, id, Purpose::ResetPassword).await?;
    person::set_password(cx, id, password_hash).await?;
    person::verify_email(cx, id).await?;
    session::revoke_all(cx, id, None).await?;
    Ok(())
}
