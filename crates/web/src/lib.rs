//! The HTTP edge: who calls, what they may do, the open transaction, errors as pages or problem
//! documents, live events, the public API's contract — and [`Module`], with which each domain says
//! what it adds.
//!
//! A route is registered with its [`Access`]; the guard in front of every handler enforces it, so
//! that no handler can forget. Handlers extract [`Cx`], call one verb, commit and render.

pub mod actor;
pub mod api;
mod app;
mod chrome;
mod cx;
mod error;
mod flash;
mod guard;
mod health;
mod live;
mod module;
mod serve;

pub use app::{App, Settings};
pub use chrome::{Chrome, Count, MenuItem, Spend, SpendSource};
pub use cx::{Cx, Open};
pub use error::{Problem, Result};
pub use flash::{back_to, redirect, redirect_with};
pub use guard::{Access, Authenticator, Identity, Method as SignInMethod};
pub use health::Check;
pub use live::Live;
pub use module::{Module, RouteInfo, RouteKind};
pub use serve::{build, serve};
