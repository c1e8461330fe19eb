//! What outreach adds to the program: one function for each noun's routes, one list of jobs.

use crate::{
    account, campaign, content, deal, delivery, knowledge, lead_link, mailbox, offer, postal, reply,
    resource, sink, thread, touch, track, unsubscribe,
};
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
    /// The built-in mail sink, when it runs; then its pages are there.
    pub sink: Option<resource::SinkSettings>,
    /// Who knows where somebody picks a time; none: answers ask for one.
    pub offers: Option<Arc<dyn offer::Offers>>,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entries and jobs of this domain.
pub fn module(needs: Needs) -> Module {
    let module = Module::new("outreach");
    let module = accounts(sending(campaigns(deals(knowledge(inbox(module)))), &needs), &needs);
    let module = if needs.sink.is_some() { letters(module) } else { module };
    module.jobs(move |registry| {
        let writer = touch::Writer {
            ports: needs.ports.clone(),
            llm: needs.llm.clone(),
            origin: needs.origin.clone(),
            offers: needs.offers.clone(),
        };
        let sender = touch::Sender {
            ports: needs.ports.clone(),
            origin: needs.origin.clone(),
            keyring: needs.keyring.clone(),
            switches: needs.switches.clone(),
        };
        let answerer = reply::Answerer {
            ports: needs.ports.clone(),
            offers: needs.offers.clone(),
            keyring: needs.keyring.clone(),
            switches: needs.switches.clone(),
            llm: needs.llm.clone(),
        };
        let reader = mailbox::Reader { ports: needs.ports.clone(), keyring: needs.keyring.clone() };
        touch::jobs::register(registry, writer, sender);
        reply::jobs::register(registry, answerer);
        knowledge::import::register(registry, needs.ports.clone());
        mailbox::jobs::register(registry, reader);
        resource::jobs::register(registry, needs.ports.clone());
        let heard = delivery::jobs::Reader { ports: needs.ports.clone(), keyring: needs.keyring.clone() };
        delivery::jobs::register(registry, heard);
        lead_link::join::register(registry);
    })
}

/// Conversations, and the way out that every message carries.
fn inbox(module: Module) -> Module {
    use thread::pages;
    module
        .menu(MenuItem {
            group: "",
            order: 30,
            label: "Inbox",
            href: "/inbox",
            key: Some('i'),
            count: Some(thread::UNREAD),
            daily: true,
            platform: false,
        })
        .page(Method::GET, "/inbox", VIEWER, pages::inbox)
        .page(Method::POST, "/inbox/read", MEMBER, pages::read)
        .page(Method::GET, "/inbox/{thread}", VIEWER, pages::conversation)
        .page(Method::POST, "/inbox/{thread}/handled", MEMBER, pages::mark_handled)
        .page(Method::POST, "/inbox/{thread}/write", MEMBER, pages::write)
        .page(Method::POST, "/inbox/{thread}/drafts/{message}/approve", MEMBER, pages::approve)
        .page(Method::POST, "/inbox/{thread}/drafts/{message}/discard", MEMBER, pages::discard)
        .page(Method::POST, "/inbox/{thread}/messages/{message}/intent", MEMBER, pages::correct)
        .hook(Method::GET, "/u/{token}", unsubscribe::show)
        .hook(Method::POST, "/u/{token}", unsubscribe::out)
        .hook(Method::GET, "/t/{token}/o", track::open)
        .hook(Method::GET, "/t/{token}/c/{link}", track::click)
}

/// What suggested answers rest on.
fn knowledge(module: Module) -> Module {
    use knowledge::{api, pages};
    use web::api::{get, post};
    module
        .menu(MenuItem {
            group: "Acquire",
            order: 260,
            label: "Knowledge",
            href: "/knowledge",
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
        .page(Method::GET, "/knowledge", VIEWER, pages::index)
        .page(Method::POST, "/knowledge", MEMBER, pages::add)
        .page(Method::POST, "/knowledge/import", MEMBER, pages::read_site)
        .page(Method::GET, "/knowledge/{id}", VIEWER, pages::show)
        .page(Method::POST, "/knowledge/{id}", MEMBER, pages::save)
        .page(Method::POST, "/knowledge/{id}/confirm", MEMBER, pages::confirm)
        .page(Method::POST, "/knowledge/{id}/remove", MEMBER, pages::remove)
        .api(Method::GET, "/api/v1/knowledge", VIEWER, get(api::list))
        .api(Method::POST, "/api/v1/knowledge", MEMBER, post(api::add))
        .api(Method::GET, "/api/v1/knowledge/search", VIEWER, get(api::search))
}

/// What the built-in mail sink took in.
fn letters(module: Module) -> Module {
    use sink::pages;
    module
        .menu(MenuItem {
            group: "Control",
            order: 680,
            label: "Mail sink",
            href: "/sink",
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
        .page(Method::GET, "/sink", VIEWER, pages::index)
        .page(Method::GET, "/sink/installation", Access::Platform, pages::installation)
        .page(Method::GET, "/sink/installation/{id}", Access::Platform, pages::installation_letter)
        .page(Method::GET, "/sink/{id}", VIEWER, pages::letter)
        .page(Method::POST, "/sink/{id}/answer", MEMBER, pages::say)
        .page(Method::POST, "/sink/{id}/{what}", MEMBER, pages::happen)
}

fn deals(module: Module) -> Module {
    use deal::board;
    module
        .page(Method::GET, "/deals/{id}", VIEWER, board::show)
        .page(Method::POST, "/deals/{id}/move", MEMBER, board::move_to)
        .page(Method::POST, "/deals/{id}/value", MEMBER, board::set_value)
}

fn campaigns(module: Module) -> Module {
    use crate::sequence::pages as steps;
    use campaign::{api, pages};
    use web::api::{get, patch, post, put};
    module
        .menu(MenuItem {
            group: "Acquire",
            order: 220,
            label: "Campaigns",
            href: "/campaigns",
            key: Some('c'),
            count: None,
            daily: false,
            platform: false,
        })
        .page(Method::GET, "/campaigns", VIEWER, pages::index)
        .page(Method::POST, "/campaigns", MEMBER, pages::make)
        .page(Method::GET, "/campaigns/new", MEMBER, pages::new)
        .page(Method::GET, "/campaigns/{id}", VIEWER, pages::show)
        .page(Method::GET, "/campaigns/{id}/sequence", VIEWER, steps::editor)
        .page(Method::POST, "/campaigns/{id}/sequence", MEMBER, steps::save_steps)
        .page(Method::POST, "/campaigns/{id}/sequence/template", MEMBER, steps::use_template)
        .page(Method::GET, "/campaigns/{id}/preview", VIEWER, steps::preview)
        .page(Method::POST, "/campaigns/join", MEMBER, lead_link::join::join)
        .page(Method::GET, "/campaigns/{id}/leads", VIEWER, pages::leads)
        .page(Method::POST, "/campaigns/{id}/leads", MEMBER, pages::add)
        .page(Method::GET, "/campaigns/{id}/activity", VIEWER, pages::activity)
        .page(Method::GET, "/campaigns/{id}/resources", VIEWER, pages::resources)
        .page(Method::POST, "/campaigns/{id}/resources", MEMBER, pages::assign_resources)
        .page(Method::GET, "/campaigns/{id}/settings", VIEWER, pages::settings)
        .page(Method::POST, "/campaigns/{id}/settings", MEMBER, pages::save_settings)
        .page(Method::POST, "/campaigns/{id}/activate", MEMBER, pages::activate)
        .page(Method::POST, "/campaigns/{id}/pause", MEMBER, pages::pause)
        .page(Method::POST, "/campaigns/{id}/resume", MEMBER, pages::resume)
        .page(Method::POST, "/campaigns/{id}/complete", MEMBER, pages::complete)
        .page(Method::POST, "/campaigns/{id}/ask", MEMBER, pages::ask)
        .page(Method::POST, "/campaigns/{id}/withdraw", MEMBER, pages::withdraw)
        .api(Method::GET, "/api/v1/campaigns", VIEWER, get(api::list))
        .api(Method::POST, "/api/v1/campaigns", MEMBER, post(api::make))
        .api(Method::GET, "/api/v1/campaigns/{id}", VIEWER, get(api::get))
        .api(Method::PATCH, "/api/v1/campaigns/{id}", MEMBER, patch(api::change))
        .api(Method::POST, "/api/v1/campaigns/{id}/moves", MEMBER, post(api::shift))
        .api(Method::GET, "/api/v1/campaigns/{id}/leads", VIEWER, get(api::leads))
        .api(Method::POST, "/api/v1/campaigns/{id}/leads", MEMBER, post(api::add_leads))
        .api(Method::GET, "/api/v1/campaigns/{id}/sequence", VIEWER, get(api::sequence))
        .api(Method::POST, "/api/v1/campaigns/{id}/sequence", MEMBER, post(api::save_sequence))
        .api(Method::PUT, "/api/v1/campaigns/{id}/resources", MEMBER, put(api::assign))
}

fn sending(module: Module, needs: &Needs) -> Module {
    use axum::{Form, extract::Path};
    use resource::pages;
    let own =
        pages::Needs { ports: needs.ports.clone(), keyring: needs.keyring.clone(), sink: needs.sink.clone() };
    let (index, add, sink, check, test) = (own.clone(), own.clone(), own.clone(), own.clone(), own);
    module
        .page(Method::GET, "/settings/sending", VIEWER, move |cx: web::Cx| pages::index(cx, index.clone()))
        .page(Method::GET, "/settings/sending/new", ADMIN, pages::add_page)
        .page(Method::POST, "/settings/sending/senders", ADMIN, pages::add_sender)
        .page(Method::POST, "/settings/sending", ADMIN, move |cx: web::Cx, form: Form<_>| {
            pages::add_mailbox(cx, form, add.clone())
        })
        .page(Method::POST, "/settings/sending/sink", ADMIN, move |cx: web::Cx, form: Form<_>| {
            pages::add_sink(cx, form, sink.clone())
        })
        .page(Method::GET, "/settings/sending/{id}", VIEWER, pages::show)
        .page(Method::POST, "/settings/sending/{id}/pause", ADMIN, pages::pause)
        .page(Method::POST, "/settings/sending/{id}/resume", ADMIN, pages::resume)
        .page(Method::POST, "/settings/sending/{id}/check", ADMIN, move |cx: web::Cx, id: Path<_>| {
            pages::look_up(cx, id, check.clone())
        })
        .page(Method::POST, "/settings/sending/{id}/test", ADMIN, move |cx: web::Cx, id: Path<_>| {
            pages::test(cx, id, test.clone())
        })
}

/// Accounts at providers and what they report; postal addresses.
fn accounts(module: Module, needs: &Needs) -> Module {
    use account::{pages, receive};
    use axum::{
        Form,
        body::Bytes,
        extract::Path,
        http::{HeaderMap, Uri},
    };
    let own = pages::Needs { keyring: needs.keyring.clone(), origin: needs.origin.clone() };
    let (make, show, save) = (own.clone(), own.clone(), own);
    let desk = receive::Desk {
        ports: needs.ports.clone(),
        keyring: needs.keyring.clone(),
        origin: needs.origin.clone(),
    };
    module
        .page(Method::GET, "/settings/sending/accounts", VIEWER, pages::index)
        .page(Method::GET, "/settings/sending/accounts/new", ADMIN, pages::new)
        .page(Method::POST, "/settings/sending/accounts", ADMIN, move |cx: web::Cx, form: Form<_>| {
            pages::make(cx, form, make.clone())
        })
        .page(Method::GET, "/settings/sending/accounts/{id}", ADMIN, move |cx: web::Cx, id: Path<_>| {
            pages::show(cx, id, show.clone())
        })
        .page(
            Method::POST,
            "/settings/sending/accounts/{id}",
            ADMIN,
            move |cx: web::Cx, id: Path<_>, form: Form<_>| pages::save(cx, id, form, save.clone()),
        )
        .page(Method::POST, "/settings/sending/accounts/{id}/remove", ADMIN, pages::drop)
        .page(Method::GET, "/leads/{id}/address", VIEWER, postal::pages::show)
        .page(Method::POST, "/leads/{id}/address", MEMBER, postal::pages::save)
        .hook(
            Method::POST,
            "/hooks/{provider}/{account}/{token}",
            move |open: web::Open, path: Path<_>, uri: Uri, headers: HeaderMap, body: Bytes| {
                receive::receive(open, path, uri, headers, body, desk.clone())
            },
        )
}
