//! A client's CRM: whom it has comes in, what happens here goes there.
//!
//! Nouns: [`connection`] (an account at HubSpot, Pipedrive or Close, checked when it is added; what its contacts are taken
//! for; which of its stages ours are), [`import`] (its contacts, page by page, as leads to work or as customers whom nobody
//! contacts), [`push`] (a lead or a deal of ours there: found or made once, under a name that is remembered).
//! A program of the client's own is told by webhooks (`hooks`), which carry the same events signed.
//!
//! Invariants: the cursor of an import moves in the transaction that keeps its page, and a contact that did not change
//! is not taken in twice; nothing here ever waits for a CRM: a push is a job that follows a fact; before something is made
//! there it is looked for, and after an answer that was lost it is looked for first, so that it is there once however
//! often its job runs; a key is sealed and never shown again.

pub mod api;
pub mod connection;
mod desk;
pub mod import;
mod module;
pub mod pages;
pub mod push;
#[cfg(test)]
mod tests;

pub use desk::Desk;
pub use module::module;

/// The agent in whose name a CRM is called: what switches call it.
pub const AGENT: &str = "crm";
