//! The extractors of handlers: [`Cx`] for members (tenant transaction open), [`Open`] for strangers.

use crate::{App, Chrome, Identity, Problem, Result, chrome::Look, error::RequestTag, flash};
use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use base::{Actor, Error, Kind, RequestId, TenantId};
use db::{Caller, Scope};
use maud::Markup;
use std::ops::{Deref, DerefMut};

/// A member's request with its transaction. Verbs take it as `&mut db::Cx`.
pub struct Cx {
    inner: db::Cx,
    who: Identity,
    app: App,
    path: String,
    theme: Option<String>,
    flash: Option<String>,
    fragment: bool,
}

impl Cx {
    /// Who calls.
    pub fn who(&self) -> &Identity {
        &self.who
    }

    /// What is shared.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Whether htmx asks for a part of a page.
    pub fn wants_fragment(&self) -> bool {
        self.fragment
    }

    /// Keeps what was done.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }

    /// Lets the transaction go while `work` runs that is slow and needs none (a file is read, a provider is asked),
    /// then begins another. Nothing that was written before is kept, and rows may have changed meanwhile.
    pub async fn meanwhile<T>(self, work: impl Future<Output = T>) -> Result<(Self, T)> {
        let (scope, caller) = (self.inner.scope(), self.inner.caller().clone());
        self.inner.rollback().await?;
        let outcome = work.await;
        let inner = self.app.db().begin(scope, caller).await?;
        Ok((Self { inner, ..self }, outcome))
    }

    /// A whole page in the shell of the Command Center: menu with counts, spend, Stop.
    pub async fn page(mut self, title: &str, body: Markup) -> Result<Response> {
        let chrome = Chrome::gather(&self.app, &mut self.inner).await?;
        let look =
            Look { path: &self.path, theme: self.theme.as_deref(), flash: self.flash.as_deref(), title };
        let markup = chrome.shell(&self.app, &self.who, &look, body);
        let mut response = markup.into_response();
        if self.flash.is_some() {
            flash::clear(&mut response);
        }
        Ok(response)
    }
}

impl Deref for Cx {
    type Target = db::Cx;
    fn deref(&self) -> &db::Cx {
        &self.inner
    }
}

impl DerefMut for Cx {
    fn deref_mut(&mut self) -> &mut db::Cx {
        &mut self.inner
    }
}

fn request_id(parts: &Parts, app: &App) -> RequestId {
    parts
        .extensions
        .get::<RequestTag>()
        .map_or_else(|| app.db().random().id(app.db().clock().as_ref()), |tag| tag.0)
}

impl FromRequestParts<App> for Cx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let who = parts
            .extensions
            .get::<Identity>()
            .cloned()
            .ok_or_else(|| Error::new(Kind::Unauthenticated, "unauthenticated", "Sign in first."))?;
        let caller = Caller { actor: who.actor.clone(), request: request_id(parts, app) };
        let inner = app.db().begin(Scope::Tenant(who.tenant), caller).await?;
        Ok(Self {
            inner,
            who,
            app: app.clone(),
            path: parts.uri.path().to_owned(),
            theme: flash::cookie(&parts.headers, "theme"),
            flash: flash::read(&parts.headers),
            fragment: parts.headers.contains_key("hx-request"),
        })
    }
}

/// A stranger's request: no transaction yet; the handler finds the tenant from a token first.
pub struct Open {
    app: App,
    request: RequestId,
    /// Who calls, if they happen to be signed in.
    pub who: Option<Identity>,
    flash: Option<String>,
}

impl Open {
    /// What is shared.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The notice left by the page before, if any.
    pub fn flash(&self) -> Option<&str> {
        self.flash.as_deref()
    }

    /// A transaction across tenants, to look a token up.
    pub async fn system(&self, part: &str) -> Result<db::Cx> {
        let caller = Caller { actor: Actor::system(part), request: self.request };
        Ok(self.app.db().begin(Scope::System, caller).await?)
    }

    /// A transaction across tenants in the name of this actor: what people do to their own account.
    pub async fn system_as(&self, actor: Actor) -> Result<db::Cx> {
        Ok(self.app.db().begin(Scope::System, Caller { actor, request: self.request }).await?)
    }

    /// A transaction in one tenant for this actor.
    pub async fn tenant(&self, tenant: TenantId, actor: Actor) -> Result<db::Cx> {
        Ok(self.app.db().begin(Scope::Tenant(tenant), Caller { actor, request: self.request }).await?)
    }
}

impl FromRequestParts<App> for Open {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        Ok(Self {
            app: app.clone(),
            request: request_id(parts, app),
            who: parts.extensions.get::<Identity>().cloned(),
            flash: flash::read(&parts.headers),
        })
    }
}
