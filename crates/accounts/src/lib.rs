//! Accounts: people, their sessions, their organisations (tenants) and roles in them, invitations,
//! API keys, and the ways back in.
//!
//! A person belongs to no tenant: verbs about people and sessions run across tenants
//! (`db::Scope::System`) and say so; all others run in one tenant's transaction. Who calls is read
//! with one statement for each request and never cached, so that a revoked session or key, a removed
//! member or a changed role holds from the next request on.
//!
//! Other crates use [`tenant::get`], [`member::names`], [`member::list`], [`Auth`], [`module`], and for
//! generated histories [`person::sign_up`].

mod country;
pub mod key;
mod mail;
pub mod member;
pub mod person;
mod problems;
pub mod recovery;
pub mod session;
mod settings;
pub mod tenant;
#[cfg(test)]
mod tests;
mod visitor;
mod zone;

pub use mail::{MailSecurity, MailSettings, Mailer};
pub use session::Auth;

use axum::extract::Form;
use axum::http::Method;
use base::Role;
use web::api::{Input, delete, get, patch, post};
use web::{Access, Cx, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry and mails of this domain; `room` says whether an organisation has room for one more.
pub fn module(mailer: Mailer, room: member::Room) -> Module {
    let module = Module::new("accounts").menu(MenuItem {
        group: "Control",
        order: 980,
        label: "Settings",
        href: "/settings",
        key: Some('s'),
        count: None,
        daily: false,
        platform: false,
    });
    api(settings_pages(public_pages(module), room), room).jobs(move |registry| {
        registry.register::<mail::Mail>(mailer);
    })
}

fn public_pages(module: Module) -> Module {
    let public = Access::Public;
    module
        .page(Method::GET, "/sign-up", public, person::sign_up_form)
        .page(Method::POST, "/sign-up", public, person::sign_up_post)
        .page(Method::GET, "/login", public, session::pages::login_form)
        .page(Method::POST, "/login", public, session::pages::login)
        .page(Method::POST, "/sign-out", public, session::pages::sign_out)
        .page(Method::POST, "/theme", public, person::pages::theme)
        .page(Method::GET, "/reset", public, recovery::pages::ask_form)
        .page(Method::POST, "/reset", public, recovery::pages::ask)
        .page(Method::GET, "/reset/{token}", public, recovery::pages::reset_form)
        .page(Method::POST, "/reset/{token}", public, recovery::pages::reset)
        .page(Method::GET, "/verify/{token}", public, recovery::pages::verify_form)
        .page(Method::POST, "/verify/{token}", public, recovery::pages::verify)
        .page(Method::GET, "/invite/{token}", public, member::join_pages::show)
        .page(Method::POST, "/invite/{token}", public, member::join_pages::join)
}

fn settings_pages(module: Module, room: member::Room) -> Module {
    module
        .page(Method::GET, "/welcome", VIEWER, tenant::welcome::show)
        .page(Method::POST, "/welcome", ADMIN, tenant::welcome::save)
        .page(Method::GET, "/switch", VIEWER, session::pages::organisations)
        .page(Method::POST, "/switch", VIEWER, session::pages::switch)
        .page(Method::GET, "/settings", VIEWER, settings::hub)
        .page(Method::GET, "/settings/organisation", VIEWER, tenant::pages::organisation)
        .page(Method::POST, "/settings/organisation", ADMIN, tenant::pages::save)
        .page(Method::GET, "/settings/profile", VIEWER, person::pages::profile)
        .page(Method::POST, "/settings/profile", VIEWER, person::pages::save_profile)
        .page(Method::POST, "/settings/profile/verify", VIEWER, person::pages::send_verification)
        .page(Method::GET, "/settings/security", VIEWER, session::pages::security)
        .page(Method::POST, "/settings/security/password", VIEWER, session::pages::change_password)
        .page(Method::POST, "/settings/security/sessions/{id}/revoke", VIEWER, session::pages::revoke_session)
        .page(
            Method::POST,
            "/settings/security/sign-out-everywhere",
            VIEWER,
            session::pages::sign_out_everywhere,
        )
        .page(Method::GET, "/settings/team", VIEWER, member::pages::team)
        .page(
            Method::POST,
            "/settings/team/invite",
            ADMIN,
            move |cx: Cx, typed: Form<member::pages::Typed>| member::pages::invite(cx, typed, room),
        )
        .page(Method::POST, "/settings/team/leave", VIEWER, member::pages::leave)
        .page(Method::POST, "/settings/team/{id}/role", ADMIN, member::pages::change_role)
        .page(Method::POST, "/settings/team/{id}/remove", ADMIN, member::pages::remove)
        .page(Method::POST, "/settings/team/invitations/{id}/revoke", ADMIN, member::pages::revoke)
        .page(Method::GET, "/settings/api-keys", ADMIN, key::pages::list)
        .page(Method::POST, "/settings/api-keys", ADMIN, key::pages::create)
        .page(Method::POST, "/settings/api-keys/{id}/revoke", ADMIN, key::pages::revoke)
}

fn api(module: Module, room: member::Room) -> Module {
    module
        .api(Method::GET, "/api/v1/client", VIEWER, get(tenant::api::read))
        .api(Method::PATCH, "/api/v1/client", ADMIN, patch(tenant::api::patch))
        .api(Method::GET, "/api/v1/members", VIEWER, get(member::api::members))
        .api(Method::PATCH, "/api/v1/members/{id}", ADMIN, patch(member::api::change_member))
        .api(Method::DELETE, "/api/v1/members/{id}", ADMIN, delete(member::api::remove_member))
        .api(Method::GET, "/api/v1/invitations", ADMIN, get(member::api::invitations))
        .api(
            Method::POST,
            "/api/v1/invitations",
            ADMIN,
            post(move |cx: Cx, input: Input<member::api::Invite>| member::api::invite(cx, input, room)),
        )
        .api(Method::DELETE, "/api/v1/invitations/{id}", ADMIN, delete(member::api::revoke_invitation))
        .api(Method::GET, "/api/v1/api-keys", ADMIN, get(key::api::list))
        .api(Method::POST, "/api/v1/api-keys", ADMIN, post(key::api::create))
        .api(Method::DELETE, "/api/v1/api-keys/{id}", ADMIN, delete(key::api::revoke))
}
