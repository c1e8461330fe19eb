//! A lead on its way through one version of a sequence.

mod store;

pub(crate) use store::withdraw_open;
pub(crate) use store::{ALL_STEPS, ALL_STEPS_SAID, steps_done};
pub use store::{
    due_again, enrol, finish, goes_to, pause, resume, step_passed, stop, stop_for_lead, wake_due,
};

base::id_type!(
    /// An enrolment.
    EnrolmentId
);
