//! Sign-up: a person and their organisation come into being together.

use super::{New, add};
use crate::{country, member, tenant};
use base::{EmailAddress, Result, Role, TenantId, UserId};
use db::{Cx, Fact};

/// What sign-up asks for, checked.
#[derive(Clone)]
pub struct SignUp {
    /// Whose account: made before, so that everything is recorded in their name.
    pub person: UserId,
    /// The address to sign in with.
    pub email: EmailAddress,
    /// The person's name.
    pub name: String,
    /// From [`super::password::hash`].
    pub password_hash: String,
    /// What the organisation is called.
    pub company: String,
    /// IANA zone of both.
    pub zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// Makes person, organisation (with its trial) and ownership in the caller's transaction across tenants.
///
/// # Errors
/// Conflict `person.exists` when the e-mail is taken.
pub async fn sign_up(cx: &mut Cx, new: &SignUp) -> Result<TenantId> {
    let person = New {
        email: new.email.clone(),
        name: new.name.clone(),
        password_hash: Some(new.password_hash.clone()),
        zone: new.zone.clone(),
        verified: false,
    };
    add(cx, new.person, &person).await?;
    let organisation = tenant::New {
        name: new.company.clone(),
        zone: new.zone.clone(),
        country: new.country.clone(),
        currency: country::currency(&new.country),
    };
    let id = tenant::create(cx, &organisation).await?;
    member::join(cx, id, new.person, Role::Owner).await?;
    let joined = Fact::about("accounts.member.joined", new.person.uuid())
        .with(serde_json::json!({ "name": new.name, "role": Role::Owner.word() }));
    cx.publish_for(id, joined).await?;
    Ok(id)
}
