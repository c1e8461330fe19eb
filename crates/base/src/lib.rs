//! The words of the house: ids, time, money, errors, actors, roles, pages, secrets, hashes.
//!
//! Everything here is small, has no behaviour of a domain, and changes rarely: every other crate
//! is rebuilt when this one changes.

pub mod actor;
pub mod clock;
pub mod email;
pub mod error;
pub mod hash;
pub mod id;
pub mod money;
pub mod page;
pub mod random;
pub mod secret;
pub mod time;

pub use actor::{Actor, Role};
pub use clock::{Clock, ManualClock, SystemClock};
pub use email::EmailAddress;
pub use error::{Error, Kind, Result};
pub use hash::Digest;
pub use id::{RequestId, TenantId, UserId};
pub use money::{Currency, Micros, Money};
pub use page::{Cursor, Page};
pub use random::Random;
pub use secret::Secret;
pub use time::{Time, Zone};
