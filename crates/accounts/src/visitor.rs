//! What a request says about its sender beyond the identity, and a signed-in person's requests
//! about themselves, which concern all of their organisations.

use crate::session::cookie;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base::{Error, UserId};
use maud::Markup;
use std::{convert::Infallible, net::SocketAddr};
use ui::prelude::*;
use web::{App, Identity, Open, Problem};

/// Where a request comes from.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The network address; empty when it is not known.
    pub address: String,
    /// The browser's name for itself, cut to a sane length.
    pub user_agent: String,
    /// The session token of the cookie.
    pub token: Option<String>,
    /// Light or dark, as the cookie says.
    pub theme: Theme,
}

const USER_AGENT_CHARS_MAX: usize = 200;

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await.ok().map(|info| info.0);
        let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Ok(Self {
            address: address(&parts.headers, peer),
            user_agent: agent.chars().take(USER_AGENT_CHARS_MAX).collect(),
            token: cookie::read(&parts.headers, cookie::SESSION),
            theme: Theme::named(&cookie::read(&parts.headers, cookie::THEME).unwrap_or_default()),
        })
    }
}

/// The sender's address. Only a reverse proxy on this machine is believed when it names another.
fn address(headers: &HeaderMap, peer: Option<SocketAddr>) -> String {
    let Some(peer) = peer else { return String::new() };
    let forwarded = headers
        .get("x-forwarded-for")
        .and_then(|v| v.to_str().ok())
        .and_then(|list| list.rsplit(',').next())
        .and_then(|last| last.trim().parse::<std::net::IpAddr>().ok());
    match forwarded {
        Some(client) if peer.ip().is_loopback() => client.to_string(),
        Some(_) | None => peer.ip().to_string(),
    }
}

/// A page for someone who is not signed in: one card.
pub(crate) fn plain(
    open: &Open,
    visitor: &Visitor,
    title: &str,
    content: Markup,
    foot: Option<Markup>,
) -> Response {
    let flash = open.flash().map(|text| Flash { level: Level::Info, text: text.to_owned() });
    let shown = flash.is_some();
    let page = Plain { title: title.to_owned(), theme: visitor.theme, foot, flash, ..Plain::default() };
    let mut response = page.page(content).into_response();
    if shown {
        let gone = HeaderValue::from_static("flash=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}

/// The same page again, as the answer to a form that could not be carried out.
pub(crate) fn refused(status: StatusCode, page: Response) -> Response {
    let mut page = page;
    *page.status_mut() = status;
    page
}

/// A signed-in person's request about themselves. Programs with a key have no such pages.
pub(crate) struct Mine {
    /// The request as a stranger's, to open transactions.
    pub open: Open,
    /// Who.
    pub person: UserId,
    /// Who, in which organisation.
    pub who: Identity,
    /// Where from.
    pub visitor: Visitor,
    parts: Parts,
}

impl Mine {
    /// A transaction across the person's organisations, in the person's name.
    pub async fn across(&self) -> web::Result<db::Cx> {
        self.open.system_as(self.who.actor.clone()).await
    }

    /// A page in the shell. Drop or commit what [`Mine::across`] opened first.
    pub async fn page(mut self, title: &str, body: Markup) -> web::Result<Response> {
        let app = self.open.app().clone();
        let cx = web::Cx::from_request_parts(&mut self.parts, &app).await?;
        cx.page(title, body).await
    }
}

impl FromRequestParts<App> for Mine {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> web::Result<Self> {
        let open = Open::from_request_parts(parts, app).await?;
        let Ok(visitor) = Visitor::from_request_parts(parts, app).await;
        let who = open
            .who
            .clone()
            .ok_or_else(|| Error::new(base::Kind::Unauthenticated, "unauthenticated", "Sign in first."))?;
        let person = who
            .user
            .ok_or_else(|| Error::forbidden("This belongs to a person; an API key cannot do it. Sign in."))?;
        Ok(Self { open, person, who, visitor, parts: parts.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_may_name_the_sender() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 203.0.113.9"));
        let near = "127.0.0.1:50000".parse().ok();
        let far = "198.51.100.4:50000".parse().ok();
        assert_eq!(address(&headers, near), "203.0.113.9");
        assert_eq!(address(&headers, far), "198.51.100.4");
        assert_eq!(address(&HeaderMap::new(), near), "127.0.0.1");
        assert_eq!(address(&headers, None), "");
    }
}
