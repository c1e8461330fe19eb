//! What mandates and signing keys add to the program.

use super::{api, jobs, pages};
use crate::signing::{self, Ring};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use base::Role;
use std::sync::Arc;
use web::api::{get, post};
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const AGENT_READS: Access = Access::Machine(Role::Viewer);
const AGENT_ACTS: Access = Access::Machine(Role::Member);

/// Pages, API, menu entry and jobs of mandates, and the public keys.
pub fn module(ring: Arc<Ring>) -> Module {
    let (shown, turned, detail) = (ring.clone(), ring.clone(), ring.clone());
    let carry = |ring: &Arc<Ring>| from_fn_with_state(ring.clone(), signing::api::carry);
    Module::new("pay_mandates")
        .menu(MenuItem {
            group: "Pay",
            order: 564,
            label: "Mandates",
            href: "/pay/mandates",
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
        .api(
            Method::GET,
            "/.well-known/jwks.json",
            Access::Open,
            get(move || signing::api::jwks(shown.clone())),
        )
        .api(
            Method::POST,
            "/api/v1/signing-keys/rotate",
            Access::Platform,
            post(move |cx, input| signing::api::rotate(cx, input, turned.clone())),
        )
        .api(Method::GET, "/api/v1/mandates", AGENT_READS, get(api::list))
        .api(Method::POST, "/api/v1/mandates", AGENT_ACTS, post(api::create).layer(carry(&ring)))
        .api(Method::GET, "/api/v1/mandates/{id}", AGENT_READS, get(api::read))
        .api(Method::POST, "/api/v1/mandates/{id}/revoke", AGENT_ACTS, post(api::revoke))
        .api(
            Method::GET,
            "/api/v1/purchase-intents/{id}/checkout",
            AGENT_READS,
            get(api::checkout).layer(carry(&ring)),
        )
        .page(Method::GET, "/pay/mandates", VIEWER, pages::index)
        .page(Method::GET, "/pay/mandates/{id}", VIEWER, pages::detail.layer(carry(&detail)))
        .page(Method::POST, "/pay/mandates/{id}/revoke", MEMBER, pages::revoke)
        .jobs(move |registry| jobs::register(registry, ring))
}
