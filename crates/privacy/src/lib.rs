//! What the law asks for: the rules in force, what is held on a person, and its erasure.
//!
//! Nouns here: [`person`] (who is meant, and by what they can be found), [`catalogue`] (every table that may hold a
//! person, read from the database, so that no table is forgotten), [`request`] (export and erasure, kept without the
//! person), [`retention`] (what is erased because it grew old) and the page of compliance.
//!
//! Invariants: an erasure is one transaction over all tables of the client, the audit trail included, and leaves a
//! hash by which a later import still knows that this person may not be contacted; the trail still verifies.

pub mod catalogue;
mod pages;
pub mod person;
pub mod request;
pub mod retention;
#[cfg(test)]
mod tests;

use axum::http::Method;
use base::Role;
use web::{Access, MenuItem, Module};

/// Pages and jobs of this domain.
pub fn module() -> Module {
    const VIEWER: Access = Access::Role(Role::Viewer);
    const ADMIN: Access = Access::Role(Role::Admin);
    let menu = MenuItem {
        group: "Control",
        order: 635,
        label: "Compliance",
        href: "/compliance",
        key: None,
        count: None,
        daily: false,
        platform: false,
    };
    Module::new("privacy")
        .menu(menu)
        .page(Method::GET, "/compliance", VIEWER, pages::rules)
        .page(Method::GET, "/compliance/person", ADMIN, pages::find)
        .page(Method::POST, "/compliance/person/export", ADMIN, pages::export)
        .page(Method::POST, "/compliance/person/erase", ADMIN, pages::erase)
        .jobs(|registry| {
            request::register(registry);
            retention::register(registry);
        })
}
