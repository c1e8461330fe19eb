//! Mandates in the public API: for paying agents with their keys, and for members.

use super::{Asked, Filter, Mandate, MandateId, Mode, New, Outcome, Place, Status, Template, Wallet};
use crate::caller::Caller;
use crate::intent::{self, IntentId};
use crate::page::ROWS;
use crate::principal::PrincipalId;
use crate::signing::Keys;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::{Cursor, Error, Page, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use web::Cx;
use web::api::{Keyed, Output, once, once_as};

/// Which mandates.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only of this principal; a paying agent sees its own anyway.
    principal: Option<PrincipalId>,
    /// Only of this status.
    status: Option<Status>,
    /// Only those delegated from this one.
    parent: Option<MandateId>,
    /// Only for this intent.
    intent: Option<IntentId>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A mandate in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: MandateId,
}

/// An intent in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct IntentAt {
    id: IntentId,
}

/// A mandate to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// For which intent.
    intent_id: IntentId,
    /// What it is for.
    template: Template,
    /// Who closes it; left out: as the template says.
    #[serde(default)]
    mode: Option<Mode>,
    /// Which limits; left out: as the template says.
    #[serde(default)]
    caps: Asked,
    /// How long it lives, in seconds.
    #[serde(default)]
    expires_in_s: Option<i64>,
    /// Which P-256 public key of the principal closes it (its thumbprint).
    #[serde(default)]
    holder: Option<String>,
    /// The mandate that it is delegated from.
    #[serde(default)]
    parent_id: Option<MandateId>,
    /// What the user's wallet signed, to be accepted instead of a signature of ours.
    #[serde(default)]
    wallet: Option<Wallet>,
}

/// `POST /api/v1/mandates`: 201 with the mandate, 202 while a person is asked.
pub(crate) async fn create(
    cx: Cx,
    Extension(keys): Extension<Arc<Keys>>,
    Extension(place): Extension<Place>,
    Keyed(input): Keyed<Create>,
) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    once_as(cx, input, async move |cx: &mut db::Cx, new: Create| -> Result<(StatusCode, serde_json::Value)> {
        may_ask(cx, caller, new.intent_id, new.parent_id).await?;
        let new = New {
            intent: new.intent_id,
            template: new.template,
            mode: new.mode,
            asked: new.caps,
            expires_in_s: new.expires_in_s,
            holder: new.holder,
            parent: new.parent_id,
            wallet: new.wallet,
            place,
        };
        Ok(match super::create(cx, &keys, new).await? {
            Outcome::Signed(mandate) => (StatusCode::CREATED, serde_json::to_value(&mandate)?),
            Outcome::Waiting(waiting) => (StatusCode::ACCEPTED, serde_json::to_value(&waiting)?),
        })
    })
    .await
}

/// A paying agent asks for its own intents; for another's only by handing on what is its own. Nobody hands
/// on what belongs to others.
async fn may_ask(cx: &mut db::Cx, caller: Caller, intent: IntentId, parent: Option<MandateId>) -> Result<()> {
    match parent {
        None => {
            let intent = intent::get(cx, intent).await?;
            caller.may_see(intent.principal_id, "purchase intent")
        }
        Some(parent) => {
            let parent = super::get(cx, parent).await?;
            caller.may_see(parent.principal_id, "mandate")
        }
    }
}

/// `GET /api/v1/mandates`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Wanted>) -> web::Result<Output<Page<Mandate>>> {
    let caller = Caller::of(&cx);
    if let Some(named) = asked.principal {
        caller.may_see(named, "principal")?;
    }
    let filter = Filter {
        principal: caller.only().or(asked.principal),
        status: asked.status,
        parent: asked.parent,
        intent: asked.intent,
    };
    Ok(Output(super::list(&mut cx, filter, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/mandates/{id}`: 202 while a person is asked.
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    match super::get(&mut cx, at.id).await {
        Ok(mandate) => {
            caller.may_see(mandate.principal_id, "mandate")?;
            Ok(axum::Json(mandate).into_response())
        }
        Err(error) if error.kind() == base::Kind::NotFound => {
            let (owner, waiting) = super::waiting(&mut cx, at.id).await?;
            caller.may_see(owner, "mandate")?;
            Ok((StatusCode::ACCEPTED, axum::Json(waiting)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    /// In 1 to 500 characters.
    reason: String,
}

/// `POST /api/v1/mandates/{id}/revoke`
pub(crate) async fn revoke(cx: Cx, Path(at): Path<At>, Keyed(input): Keyed<Revoke>) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, why: Revoke| -> Result<Mandate> {
        let mandate = super::get(cx, at.id).await?;
        caller.may_see(mandate.principal_id, "mandate")?;
        super::revoke(cx, at.id, &why.reason).await
    })
    .await
}

/// `GET /api/v1/purchase-intents/{id}/checkout`: what a wallet approves.
pub(crate) async fn checkout(
    mut cx: Cx,
    Extension(keys): Extension<Arc<Keys>>,
    Path(at): Path<IntentAt>,
) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    let (intent, offer) = super::create::offer(&mut cx, &keys, at.id).await?;
    caller.may_see(intent.principal_id, "purchase intent")?;
    match intent.status {
        intent::Status::Pending => Ok(axum::Json(offer).into_response()),
        intent::Status::Authorised
        | intent::Status::Rejected
        | intent::Status::Expired
        | intent::Status::Cancelled => {
            Err(Error::conflict("intent.not_pending", "This intent does not wait for a mandate any more.")
                .into())
        }
    }
}
