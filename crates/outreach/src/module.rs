//! What outreach adds to the program: one function for each noun's routes, one list of jobs.

use crate::{content, deal, meeting, resource, touch};
use axum::http::Method;
use base::Role;
use control::{secret::Keyring, switch::Watch};
use ports::Ports;
use std::sync::Arc;
use web::{Access, MenuItem, Module};

/// What outreach needs from the process.
#[derive(Clone)]
pub struct Needs {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens sealed credentials.
    pub keyring: Arc<Keyring>,
    /// Tells within milliseconds that a switch was engaged.
    pub switches: Watch,
    /// The model that writes; none: the built-in writer.
    pub llm: Option<content::LlmSettings>,
    /// The installation's public address, for links in messages.
    pub origin: String,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entries and jobs of this domain.
pub fn module(needs: Needs) -> Module {
    let module = Module::new("outreach");
    let module = deals(meetings(module));
    module.jobs(move |registry| {
        let writer = touch::Writer {
            ports: needs.ports.clone(),
            llm: needs.llm.clone(),
            origin: needs.origin.clone(),
        };
        let sender = touch::Sender {
            ports: needs.ports.clone(),
            origin: needs.origin.clone(),
            keyring: needs.keyring.clone(),
            switches: needs.switches.clone(),
        };
        let post = meeting::jobs::Post {
            ports: needs.ports.clone(),
            keyring: needs.keyring.clone(),
            origin: needs.origin.clone(),
        };
        touch::jobs::register(registry, writer, sender);
        meeting::jobs::register(registry, post);
        resource::jobs::register(registry);
    })
}

fn meetings(module: Module) -> Module {
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
        .page(Method::POST, "/meetings/{id}/cancel", MEMBER, pages::cancel)
        .page(Method::GET, "/book/{slug}", Access::Public, book::show)
        .page(Method::POST, "/book/{slug}", Access::Public, book::book)
        .page(Method::GET, "/meeting/{token}", Access::Public, book::meeting)
        .page(Method::GET, "/meeting/{token}/invitation.ics", Access::Public, book::invitation)
        .page(Method::POST, "/meeting/{token}/move", Access::Public, book::move_to)
        .page(Method::POST, "/meeting/{token}/cancel", Access::Public, book::cancel)
}

fn deals(module: Module) -> Module {
    use deal::board;
    module
        .page(Method::GET, "/deals/{id}", VIEWER, board::show)
        .page(Method::POST, "/deals/{id}/move", MEMBER, board::move_to)
        .page(Method::POST, "/deals/{id}/value", MEMBER, board::set_value)
}
