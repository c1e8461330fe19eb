//! The raw inbox: everything that comes from outside — mail that was polled, webhooks of providers,
//! answers given in the built-in mail sink — is stored here before it is acknowledged, once for each
//! delivery however often it comes, and is worked on from here.
//!
//! Nouns: [`inbox`]. Invariants: a delivery with the same source and dedupe key is kept once for each
//! tenant; what was kept is never changed, only its status; whoever processes a row marks it in the same
//! transaction as the effects.

pub mod inbox;

use axum::http::Method;
use base::Role;
use web::{Access, Module};

/// The pages of the raw inbox.
pub fn module() -> Module {
    Module::new("hooks")
        .page(Method::GET, "/operations/inbox", Access::Role(Role::Viewer), inbox::pages::list)
        .page(Method::GET, "/operations/inbox/{id}", Access::Role(Role::Member), inbox::pages::detail)
        .page(Method::POST, "/operations/inbox/{id}/retry", Access::Role(Role::Member), inbox::pages::retry)
}
