//! Mail that arrives: bytes to a decoded message, and machine mail told from people.
//!
//! Order of use: [`mail::read`] → [`machine::judge`] → for bounces and complaints
//! [`bounce::read`] and [`bounce::complaints`]; everything else goes to [`reply::understand`].
//! Nothing here touches a database or a clock.

pub mod bounce;
pub mod machine;
pub mod mail;
pub mod reason;
pub mod reply;

pub use bounce::{BounceReport, Complaint, Failure};
pub use machine::{MailKind, Verdict};
pub use mail::{Inbound, Mailbox};
pub use reason::{Action, Reason};

#[cfg(test)]
mod tests;
