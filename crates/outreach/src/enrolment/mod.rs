//! A lead on its way through one version of a sequence.

mod store;

pub use store::{due_again, enrol, finish, pause, resume, step_done, stop, stop_for_lead, wake_due};

base::id_type!(
    /// An enrolment.
    EnrolmentId
);
