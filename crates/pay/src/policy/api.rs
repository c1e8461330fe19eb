//! Policies in the public API.

use super::words::Country;
use super::{Ask, Policy, PolicyId, Rules, Verdict};
use crate::page::ROWS;
use crate::principal::{self, PrincipalId};
use crate::rail::Rail;
use crate::refusal::Violation;
use crate::vendor::VendorId;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Currency, Cursor, Page, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which versions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this principal.
    principal: Option<PrincipalId>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A version in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: PolicyId,
}

/// A version to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    /// Whose.
    principal_id: PrincipalId,
    /// What it says.
    rules: Rules,
}

/// What an unused version becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// What it says.
    rules: Rules,
}

/// `GET /api/v1/policies`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Policy>>> {
    Ok(Output(super::list(&mut cx, asked.principal, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/policies/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Policy>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}

/// `POST /api/v1/policies`: a version that counts from now on.
pub(crate) async fn add(cx: Cx, Keyed(input): Keyed<Add>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, add: Add| {
        super::add(cx, add.principal_id, add.rules).await
    })
    .await
}

/// `PUT /api/v1/policies/{id}`: changes a version that was never used.
pub(crate) async fn change(cx: Cx, Path(at): Path<At>, Keyed(input): Keyed<Change>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, to: Change| {
        super::get(cx, at.id).await?;
        super::change(cx, at.id, to.rules).await
    })
    .await
}

/// A payment to try on a policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Try {
    sku: String,
    vendor_id: VendorId,
    amount_minor: i64,
    currency: Currency,
    /// Over which rail; left out: any.
    rail: Option<Rail>,
    /// From which country; left out: unknown.
    country: Option<Country>,
    /// From which address; left out: unknown.
    #[schemars(with = "Option<String>")]
    ip: Option<IpAddr>,
    /// When; left out: now.
    at: Option<Time>,
}

/// What the gate would say.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Said {
    /// `pass`, `approval` or `deny`.
    verdict: &'static str,
    /// Every broken rule.
    violations: Vec<Violation>,
}

/// `POST /api/v1/policies/{id}/test`: what the gate would say now. Changes nothing.
pub(crate) async fn test(
    mut cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Try>,
) -> web::Result<Output<Said>> {
    let tried = input.value;
    let amount = crate::intent::amount(tried.amount_minor, tried.currency)?;
    let policy = super::get(&mut cx, at.id).await?;
    let owner = principal::get(&mut cx, policy.principal_id).await?;
    let ask = Ask {
        sku: tried.sku,
        vendor: tried.vendor_id,
        amount,
        rail: tried.rail,
        country: tried.country,
        ip: tried.ip,
        at: tried.at.unwrap_or(cx.now()),
        risk: owner.risk,
    };
    let judged = super::judge(&mut cx, &owner, Some(policy), &ask).await?;
    let verdict = match judged.verdict() {
        Verdict::Pass => "pass",
        Verdict::NeedsApproval => "approval",
        Verdict::Deny => "deny",
    };
    Ok(Output(Said { verdict, violations: judged.violations }))
}
