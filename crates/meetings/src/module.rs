//! What meetings add to the program.

use crate::{calendar, meeting, offer};
use axum::{
    Form,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, Method, Uri},
};
use base::Role;
use control::secret::Keyring;
use outreach::offer::Offers;
use ports::Ports;
use std::sync::Arc;
use web::{Access, MenuItem, Module};

/// What meetings need from the process.
#[derive(Clone)]
pub struct Needs {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens sealed credentials.
    pub keyring: Arc<Keyring>,
    /// The installation's public address, for links and for what services tell.
    pub origin: String,
}

impl Needs {
    /// Who knows what answers offer.
    pub fn offers(&self) -> Arc<dyn Offers> {
        Arc::new(offer::Pages {
            ports: self.ports.clone(),
            keyring: self.keyring.clone(),
            origin: self.origin.clone(),
        })
    }
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry, receivers and jobs.
pub fn module(needs: Needs) -> Module {
    calendars(booked(Module::new("meetings")), &needs).jobs(move |registry| {
        let post = meeting::jobs::Post {
            ports: needs.ports.clone(),
            keyring: needs.keyring.clone(),
            origin: needs.origin.clone(),
        };
        meeting::jobs::register(registry, post, needs.offers());
        let clerk = calendar::jobs::Clerk {
            ports: needs.ports.clone(),
            keyring: needs.keyring.clone(),
            origin: needs.origin.clone(),
        };
        calendar::jobs::register(registry, clerk);
    })
}

fn booked(module: Module) -> Module {
    use meeting::{book, pages};
    module
        .menu(MenuItem {
            group: "Acquire",
            order: 240,
            label: "Meetings",
            href: "/meetings",
            key: Some('m'),
            count: None,
            daily: false,
            platform: false,
        })
        .page(Method::GET, "/meetings", VIEWER, pages::list)
        .page(Method::GET, "/meetings/settings", ADMIN, pages::settings)
        .page(Method::POST, "/meetings/settings", ADMIN, pages::save)
        .page(Method::GET, "/meetings/{id}", VIEWER, pages::show)
        .page(Method::POST, "/meetings/{id}/held", MEMBER, pages::held)
        .page(Method::POST, "/meetings/{id}/missed", MEMBER, pages::missed)
        .page(Method::POST, "/meetings/{id}/result", MEMBER, pages::result)
        .page(Method::POST, "/meetings/{id}/cancel", MEMBER, pages::cancel)
        .page(Method::GET, "/book/{slug}", Access::Public, book::show)
        .page(Method::POST, "/book/{slug}", Access::Public, book::book)
        .page(Method::GET, "/meeting/{token}", Access::Public, book::meeting)
        .page(Method::GET, "/meeting/{token}/invitation.ics", Access::Public, book::invitation)
        .page(Method::POST, "/meeting/{token}/move", Access::Public, book::move_to)
        .page(Method::POST, "/meeting/{token}/cancel", Access::Public, book::cancel)
}

fn calendars(module: Module, needs: &Needs) -> Module {
    use calendar::{api, pages, receive};
    use web::api::{Input, get, post};
    let ring = needs.keyring.clone();
    let (add, api_add) = (ring.clone(), ring.clone());
    let desk = receive::Desk { ports: needs.ports.clone(), keyring: ring, origin: needs.origin.clone() };
    module
        .page(Method::GET, "/meetings/calendars", ADMIN, pages::index)
        .page(Method::POST, "/meetings/calendars", ADMIN, move |cx: web::Cx, form: Form<_>| {
            pages::add(cx, form, add.clone())
        })
        .page(Method::GET, "/meetings/calendars/{id}", ADMIN, pages::show)
        .page(Method::POST, "/meetings/calendars/{id}", ADMIN, pages::choose)
        .page(Method::POST, "/meetings/calendars/{id}/offer", ADMIN, pages::offer)
        .page(Method::POST, "/meetings/calendars/{id}/check", ADMIN, pages::check)
        .page(Method::POST, "/meetings/calendars/{id}/remove", ADMIN, pages::remove)
        .api(Method::GET, "/api/v1/calendars", ADMIN, get(api::list))
        .api(
            Method::POST,
            "/api/v1/calendars",
            ADMIN,
            post(move |cx: web::Cx, input: Input<_>| api::add(cx, input, api_add.clone())),
        )
        .api(Method::POST, "/api/v1/calendars/{id}/event-type", ADMIN, post(api::choose))
        .hook(
            Method::POST,
            "/hooks/calendar/{account}/{token}",
            move |open: web::Open, path: Path<_>, uri: Uri, headers: HeaderMap, body: Bytes| {
                receive::receive(open, path, uri, headers, body, desk.clone())
            },
        )
}
