//! People: who signs in, with one e-mail and one password, in any number of organisations.
//!
//! The verbs run across tenants (`db::Scope::System`), because a person belongs to none.

pub mod pages;
pub mod password;
pub mod rules;
mod sign_up;
mod sign_up_pages;
mod store;

pub use sign_up::{SignUp, sign_up};
pub(crate) use sign_up_pages::{sign_up_form, sign_up_post};

use base::{EmailAddress, Error, Result, Time, UserId};
use db::Cx;

/// A person.
#[derive(Clone)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The argon2id hash of the password; none when they cannot sign in with one.
    pub password_hash: Option<String>,
    /// The zone in which times are shown to them, by IANA name.
    pub zone: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// When the address was shown to be theirs.
    pub email_verified_at: Option<Time>,
    /// Whether they run the installation.
    pub platform_admin: bool,
}

/// A person to be.
#[derive(Clone)]
pub struct New {
    /// The address to sign in with.
    pub email: EmailAddress,
    /// What they are called.
    pub name: String,
    /// From [`password::hash`]; none when they will not sign in with one.
    pub password_hash: Option<String>,
    /// IANA name.
    pub zone: String,
    /// Whether the address is already known to be theirs.
    pub verified: bool,
}

/// Adds a person under an id made before; the first one of an installation runs it.
///
/// # Errors
/// Conflict `person.exists` when the e-mail is taken.
pub async fn add(cx: &mut Cx, id: UserId, new: &New) -> Result<()> {
    let first = store::is_first(cx).await?;
    store::insert(cx, id, new, first).await.map_err(|cause| {
        if base::error::constraint(&cause) == Some("person_email") {
            Error::conflict(
                "person.exists",
                "There is already an account with this e-mail. Sign in, or reset the password.",
            )
        } else {
            Error::from(cause)
        }
    })
}

/// The person with this e-mail.
pub async fn by_email(cx: &mut Cx, email: &EmailAddress) -> Result<Option<Person>> {
    store::by_email(cx, email.as_str()).await
}

/// The person with this id.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: UserId) -> Result<Person> {
    store::by_id(cx, id).await?.ok_or_else(|| Error::not_found("person"))
}

/// Changes name and zone; both were checked.
pub async fn change(cx: &mut Cx, id: UserId, name: &str, zone: &str) -> Result<()> {
    store::set_profile(cx, id, name, zone).await
}

/// Remembers the theme, one of `system`, `light`, `dark`.
pub async fn choose_theme(cx: &mut Cx, id: UserId, theme: ui::layout::Theme) -> Result<()> {
    store::set_theme(cx, id, theme.name()).await
}

/// Sets the password, given as its hash.
pub async fn set_password(cx: &mut Cx, id: UserId, hash: &str) -> Result<()> {
    store::set_password(cx, id, hash).await?;
    cx.note("password.change", "accounts.person", Some(id.to_string()), serde_json::json!({})).await
}

/// The e-mail was shown to be the person's.
pub async fn verify_email(cx: &mut Cx, id: UserId) -> Result<()> {
    store::set_verified(cx, id).await
}
