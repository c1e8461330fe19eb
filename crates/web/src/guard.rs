//! Who calls and whether they may: the guard in front of every handler.

use crate::{App, Problem, Result};
use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method as HttpMethod, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base::{Actor, Error, Kind, Role, TenantId, UserId};

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anyone, from anywhere: webhooks, one-click unsubscribe, health. No cookies are trusted.
    Open,
    /// Anyone, but forms only from our own pages: sign-in, sign-up, booking.
    Public,
    /// A signed-in member with at least this role in the tenant.
    Role(Role),
    /// A paying agent with a key of its own, or a signed-in member with at least this role. The only
    /// access that such a key has; the handler gives it its own things only.
    Machine(Role),
    /// Whoever runs the installation.
    Platform,
}

/// How the caller proved who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The session cookie of a browser.
    Session,
    /// A bearer key.
    ApiKey,
    /// The bearer key of a paying agent. Whoever signs in so has no role: the guard lets it reach
    /// [`Access::Machine`] and nothing else.
    Principal {
        /// Which paying agent.
        id: uuid::Uuid,
    },
}

impl Method {
    /// Whether the proof came in a header of the program itself and not by a cookie, so that no other
    /// site can make a browser send it.
    pub fn is_bearer(self) -> bool {
        match self {
            Self::Session => false,
            Self::ApiKey | Self::Principal { .. } => true,
        }
    }
}

/// A caller who is known.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who acts, as recorded.
    pub actor: Actor,
    /// The person, when it is one.
    pub user: Option<UserId>,
    /// The person's or the key's name.
    pub name: String,
    /// The tenant in which they act.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The other tenants in which they may act, by name, with what each is called; at most 50.
    pub others: Vec<(TenantId, String)>,
    /// What they may do there.
    pub role: Role,
    /// Whether they run the installation.
    pub platform: bool,
    /// The zone in which times are shown to them.
    pub zone: base::Zone,
    /// How they proved it.
    pub method: Method,
}

/// Finds out who calls, from a session cookie or a bearer key.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// None when nothing was presented; an error when what was presented is not good.
    async fn authenticate(&self, headers: &HeaderMap) -> base::Result<Option<Identity>>;
}

/// Lets a request through only if its access rule holds, and leaves the identity for the handler.
pub(crate) async fn guard(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    match check(&app, access, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn check(app: &App, access: Access, request: &mut Request) -> Result<()> {
    if access == Access::Open {
        return Ok(());
    }
    let identity = match app.0.authenticator.authenticate(request.headers()).await {
        Ok(identity) => identity,
        // A stale cookie must not lock anyone out of the sign-in page.
        Err(error) if access == Access::Public && error.kind() == Kind::Unauthenticated => None,
        Err(error) => return Err(Problem(error)),
    };
    let by_key = identity.as_ref().is_some_and(|i| i.method.is_bearer());
    if !by_key && !is_safe(request.method()) && !is_same_origin(request.headers()) {
        return Err(Problem(Error::forbidden(
            "This form was sent from another site, so it was not carried out. Open the page here and send it again.",
        )));
    }
    let principal = identity.as_ref().is_some_and(|i| matches!(i.method, Method::Principal { .. }));
    let allowed = match (access, &identity) {
        (Access::Open | Access::Public, _) => Ok(()),
        (Access::Machine(_), Some(_)) if principal => Ok(()),
        (Access::Role(_) | Access::Machine(_) | Access::Platform, Some(_)) if principal => {
            Err(Error::forbidden(
                "The key of a paying agent may not do this: it makes and reads its own payments.",
            ))
        }
        (Access::Role(_) | Access::Machine(_) | Access::Platform, None) => Err(Error::new(
            Kind::Unauthenticated,
            "unauthenticated",
            "Sign in, or send a valid API key as a bearer token.",
        )),
        (Access::Role(least) | Access::Machine(least), Some(who)) if who.role < least => {
            Err(Error::forbidden(format!(
                "This needs the role {} or higher; yours is {}.",
                least.word(),
                who.role.word()
            )))
        }
        (Access::Platform, Some(who)) if !who.platform => {
            Err(Error::forbidden("Only whoever runs this installation may do this."))
        }
        (Access::Role(_) | Access::Machine(_) | Access::Platform, Some(_)) => Ok(()),
    };
    allowed?;
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    Ok(())
}

fn is_safe(method: &HttpMethod) -> bool {
    matches!(*method, HttpMethod::GET | HttpMethod::HEAD | HttpMethod::OPTIONS)
}

/// Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); a request that changes
/// something must come from our own pages. Together with `SameSite` cookies this needs no token
/// in each form.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin" || site == "none";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}
