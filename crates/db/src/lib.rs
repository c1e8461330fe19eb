//! PostgreSQL: the pool, the transaction that is bound to a tenant ([`Cx`]), the facts outbox,
//! idempotency keys and migrations.
//!
//! Every connection logs in as the owner of the schema and at once takes the role `agency_app`,
//! which sees one tenant's rows and only after [`Db::begin`] has named that tenant. Work across
//! tenants names [`Scope::System`] and takes `agency_system` for one transaction.

mod cx;
mod facts;
pub mod idem;
mod migrate;
mod pool;
mod sole;

pub use cx::{Caller, Cx, Scope};
pub use facts::{Fact, FactRow, FactStream, Told};
pub use migrate::{SchemaState, migrate, schema_digest, schema_state};
pub use pool::{Db, Settings};
pub use sole::Sole;
