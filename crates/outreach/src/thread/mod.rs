//! Conversations: what went out and what came back, in order, for one lead on one channel.
mod list;
pub mod pages;
mod show;
mod store;

pub(crate) use list::UNREAD;
pub use list::{Filter, Line, Message, Thread, get, handled, list, mark_read, messages};
pub(crate) use list::{like, place};
pub(crate) use store::thread_for;
pub use store::{Inbound, Outbound, record_inbound, record_outbound_all, set_needs_person};

base::id_type!(
    /// A conversation.
    ThreadId
);
base::id_type!(
    /// A message of a conversation.
    MessageId
);
