//! What tests share: a database for each test, the application without a socket, people and
//! organisations to act as. A dev-dependency only.
//!
//! ```no_run
//! # async fn example() {
//! use testkit::{TestApp, TestDb, role};
//!
//! let db = TestDb::new().await; // a clone of the migrated template, dropped at the end of the test
//! let (ours, theirs) = db.two_tenants().await; // each with an owner
//! let viewer = db.member(&ours, role::VIEWER).await;
//!
//! // Verbs: open a unit of work as somebody.
//! let mut cx = db.cx(&ours.owner).await;
//! // lead::add(&mut cx, …).await?;
//! cx.commit().await.unwrap();
//! db.clock.advance_s(3_600);
//!
//! // Routes: modules exactly as the program merges them, no socket.
//! let app = TestApp::start(&db, vec![/* leads::module(…) */]).await;
//! let us = app.as_member(&ours.owner);
//! us.get("/leads").await.expect(200).shows("No leads yet");
//! us.post("/leads", &[("email", "a@example.com")]).await.expect(303);
//! us.json("POST", "/api/v1/leads", &serde_json::json!({"email": "b@example.com"})).await.expect(201);
//! app.as_member(&viewer).post("/leads", &[]).await.expect(403);
//! app.as_member(&theirs.owner).get("/leads").await.expect(200).hides("a@example.com");
//! app.stranger().get("/leads").await.expect(303);
//!
//! // Jobs, schedules and reactions to facts of those modules, under the test's clock.
//! app.settle().await; // what is due now
//! app.run_until(db.clock_now().plus_days(1)).await; // and what becomes due by then
//! # }
//! ```
//!
//! The server is the one of `DATABASE_URL` (environment, else `.env` of the repository); its login
//! must be allowed to create databases. The first test after a change of the migrations builds the
//! template; the others wait for it, then clone it (about 0.1 s each). `TestDb::empty` gives a
//! database without a schema.
//!
//! The clock stands at Monday, 2 March 2026, 11:00 in Sydney; randomness is seeded, so ids repeat.
//! [`TestDb::ports`] gives every port in memory. `TestApp::with` takes a real authenticator in place
//! of the header `x-test-identity`; a [`Client`] keeps cookies like a browser.
//!
//! Inline tests of `db`, `jobs` and `web` themselves see two builds of their own crate, so there only
//! the parts that do not hand that crate's types over can be used; tests in `tests/` have no such limit.

mod answer;
mod app;
mod build;
mod client;
mod identity;
mod pg;
#[cfg(test)]
mod tests;
mod workers;

pub use answer::Answer;
pub use app::TestApp;
pub use build::{Member, Tenant, role};
pub use client::Client;
pub use identity::by_header;
pub use pg::{TestDb, server_url};
pub use workers::{Ahead, Workers, until};
