//! Who may change whose role.

use base::{Error, Result, Role};

/// Days that an invitation can be answered.
pub const INVITATION_DAYS: i64 = 7;
/// Open invitations of one organisation at most.
pub const INVITATIONS_MAX: i64 = 100;

/// What people read.
pub fn label(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Member => "Member",
        Role::Viewer => "Viewer",
    }
}

/// What a role may do, in one sentence.
pub fn hint(role: Role) -> &'static str {
    match role {
        Role::Owner => "Everything, ownership too.",
        Role::Admin => "Also settings, team, switches and budgets.",
        Role::Member => "Works with leads, campaigns, replies and approvals.",
        Role::Viewer => "Reads everything, changes nothing.",
    }
}

/// Roles that someone with the role `by` may give.
pub fn grantable(by: Role) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| may_give(by, *role).is_ok()).collect()
}

/// Whether `by` may give a role: admins and owners may, and nobody above their own; so that only an
/// owner makes owners.
pub fn may_give(by: Role, to: Role) -> Result<()> {
    if by < Role::Admin {
        return Err(Error::forbidden("Only an admin or owner manages the team."));
    }
    if to > by {
        return Err(Error::forbidden(format!(
            "Your role is {}; only someone with the role {} gives that one.",
            by.word(),
            to.word()
        )));
    }
    Ok(())
}

/// Whether `by` may turn a role into another, or into none (`to` is none: removed).
pub fn may_change(by: Role, from: Role, to: Option<Role>) -> Result<()> {
    may_give(by, to.unwrap_or(Role::Viewer))?;
    if from > by {
        return Err(Error::forbidden(format!(
            "This person is {}; someone with the role {} cannot change that.",
            from.word(),
            by.word()
        )));
    }
    Ok(())
}

/// An organisation always has an owner. `owners` counts them before the change.
pub fn keeps_an_owner(owners: usize, from: Role, to: Option<Role>) -> Result<()> {
    if from == Role::Owner && to != Some(Role::Owner) && owners <= 1 {
        return Err(Error::refused(
            "member.last_owner",
            "This is the last owner. Make someone else an owner first.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_raises_above_their_own_role_and_only_owners_make_owners() {
        assert!(may_give(Role::Owner, Role::Owner).is_ok());
        assert!(may_give(Role::Admin, Role::Owner).is_err());
        assert!(may_give(Role::Admin, Role::Admin).is_ok());
        assert!(may_give(Role::Member, Role::Viewer).is_err());
        assert_eq!(grantable(Role::Admin), [Role::Admin, Role::Member, Role::Viewer]);
        assert!(grantable(Role::Member).is_empty());
    }

    #[test]
    fn the_stronger_is_safe_from_the_weaker() {
        assert!(may_change(Role::Admin, Role::Owner, Some(Role::Viewer)).is_err());
        assert!(may_change(Role::Admin, Role::Owner, None).is_err());
        assert!(may_change(Role::Admin, Role::Admin, Some(Role::Member)).is_ok());
        assert!(may_change(Role::Owner, Role::Admin, None).is_ok());
    }

    #[test]
    fn the_last_owner_stays() {
        assert!(keeps_an_owner(1, Role::Owner, Some(Role::Admin)).is_err());
        assert!(keeps_an_owner(1, Role::Owner, None).is_err());
        assert!(keeps_an_owner(2, Role::Owner, None).is_ok());
        assert!(keeps_an_owner(1, Role::Owner, Some(Role::Owner)).is_ok());
        assert!(keeps_an_owner(1, Role::Admin, None).is_ok());
    }
}
