//! What pay adds to the program.

use crate::{credit, intent, policy, principal, vendor};
use axum::http::Method;
use base::Role;
use web::api::{delete, get, post, put};
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);
const AGENT_READS: Access = Access::Machine(Role::Viewer);
const AGENT_ACTS: Access = Access::Machine(Role::Member);

/// Pages, API, menu entries and jobs of this domain.
pub fn module() -> Module {
    let module = Module::new("pay");
    let module = [
        (566, "Intents", "/pay/intents"),
        (580, "Paying agents", "/pay/principals"),
        (582, "Policies", "/pay/policies"),
        (584, "Vendors", "/pay/vendors"),
    ]
    .into_iter()
    .fold(module, |module, (order, label, href)| {
        module.menu(MenuItem {
            group: "Pay",
            order,
            label,
            href,
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
    });
    agent_api(management_api(pages(module))).jobs(intent::jobs::register)
}

fn pages(module: Module) -> Module {
    module
        .page(Method::GET, "/pay/intents", VIEWER, intent::pages::index)
        .page(Method::GET, "/pay/intents/{id}", VIEWER, intent::pages::detail)
        .page(Method::POST, "/pay/intents/{id}/cancel", MEMBER, intent::pages::cancel)
        .page(Method::GET, "/pay/principals", VIEWER, principal::pages::index)
        .page(Method::POST, "/pay/principals", ADMIN, principal::pages::add)
        .page(Method::GET, "/pay/principals/{id}", VIEWER, principal::pages::detail)
        .page(Method::POST, "/pay/principals/{id}", ADMIN, principal::pages::change)
        .page(Method::POST, "/pay/principals/{id}/status", ADMIN, principal::pages::set_status)
        .page(Method::POST, "/pay/principals/{id}/keys", ADMIN, principal::pages::make_key)
        .page(Method::POST, "/pay/principals/{id}/keys/rotate", ADMIN, principal::pages::rotate_key)
        .page(Method::POST, "/pay/principals/{id}/keys/{key}/revoke", ADMIN, principal::pages::revoke_key)
        .page(Method::POST, "/pay/principals/{id}/public-keys", ADMIN, principal::pages::add_public_key)
        .page(
            Method::POST,
            "/pay/principals/{id}/public-keys/{key}/retire",
            ADMIN,
            principal::pages::retire_public_key,
        )
        .page(Method::GET, "/pay/policies", VIEWER, policy::pages::index)
        .page(Method::GET, "/pay/policies/write", ADMIN, policy::pages::write)
        .page(Method::POST, "/pay/policies", ADMIN, policy::pages::add)
        .page(Method::GET, "/pay/policies/{id}", VIEWER, policy::pages::detail)
        .page(Method::POST, "/pay/policies/{id}/test", VIEWER, policy::pages::test)
        .page(Method::GET, "/pay/vendors", VIEWER, vendor::pages::index)
        .page(Method::POST, "/pay/vendors", ADMIN, vendor::pages::add)
        .page(Method::GET, "/pay/vendors/{id}", VIEWER, vendor::pages::detail)
        .page(Method::POST, "/pay/vendors/{id}", ADMIN, vendor::pages::change)
        .page(Method::POST, "/pay/vendors/{id}/retire", ADMIN, vendor::pages::retire)
}

/// What an agent does with its own key.
fn agent_api(module: Module) -> Module {
    module
        .api(Method::GET, "/api/v1/purchase-intents", AGENT_READS, get(intent::api::list))
        .api(Method::POST, "/api/v1/purchase-intents", AGENT_ACTS, post(intent::api::create))
        .api(Method::GET, "/api/v1/purchase-intents/{id}", AGENT_READS, get(intent::api::read))
        .api(Method::POST, "/api/v1/purchase-intents/{id}/cancel", AGENT_ACTS, post(intent::api::cancel))
}

fn management_api(module: Module) -> Module {
    module
        .api(Method::POST, "/api/v1/credits", Access::Platform, post(credit::api::add))
        .api(Method::GET, "/api/v1/principals", VIEWER, get(principal::api::list))
        .api(Method::POST, "/api/v1/principals", ADMIN, post(principal::api::add))
        .api(Method::GET, "/api/v1/principals/{id}", VIEWER, get(principal::api::read))
        .api(Method::PUT, "/api/v1/principals/{id}", ADMIN, put(principal::api::change))
        .api(Method::DELETE, "/api/v1/principals/{id}", ADMIN, delete(principal::api::close))
        .api(Method::GET, "/api/v1/principals/{id}/keys", ADMIN, get(principal::api::keys))
        .api(Method::POST, "/api/v1/principals/{id}/keys", ADMIN, post(principal::api::make_key))
        .api(Method::POST, "/api/v1/principals/{id}/keys/rotate", ADMIN, post(principal::api::rotate_key))
        .api(Method::DELETE, "/api/v1/principals/{id}/keys/{key}", ADMIN, delete(principal::api::revoke_key))
        .api(Method::GET, "/api/v1/principals/{id}/public-keys", VIEWER, get(principal::api::public_keys))
        .api(Method::POST, "/api/v1/principals/{id}/public-keys", ADMIN, post(principal::api::add_public_key))
        .api(
            Method::DELETE,
            "/api/v1/principals/{id}/public-keys/{key}",
            ADMIN,
            delete(principal::api::retire_public_key),
        )
        .api(Method::GET, "/api/v1/policies", VIEWER, get(policy::api::list))
        .api(Method::POST, "/api/v1/policies", ADMIN, post(policy::api::add))
        .api(Method::GET, "/api/v1/policies/{id}", VIEWER, get(policy::api::read))
        .api(Method::PUT, "/api/v1/policies/{id}", ADMIN, put(policy::api::change))
        .api(Method::POST, "/api/v1/policies/{id}/test", VIEWER, post(policy::api::test))
        .api(Method::GET, "/api/v1/vendors", VIEWER, get(vendor::api::list))
        .api(Method::POST, "/api/v1/vendors", ADMIN, post(vendor::api::add))
        .api(Method::GET, "/api/v1/vendors/{id}", VIEWER, get(vendor::api::read))
        .api(Method::PUT, "/api/v1/vendors/{id}", ADMIN, put(vendor::api::change))
        .api(Method::DELETE, "/api/v1/vendors/{id}", ADMIN, delete(vendor::api::retire))
}
