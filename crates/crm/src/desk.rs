//! What a CRM is spoken to with.

use base::{Error, Kind, Result};
use control::secret::Keyring;
use control::switch;
use db::Cx;
use ports::Ports;
use ports::crm::{CrmError, CrmKind};
use std::sync::Arc;

/// What a CRM is spoken to with.
#[derive(Clone)]
pub struct Desk {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens the keys of connections.
    pub ring: Arc<Keyring>,
}

/// Seconds until what a switch holds looks again.
pub(crate) const HELD_S: i64 = 300;

/// Whether the switches let a call to this CRM pass; keeps it so until the transaction ends.
///
/// # Errors
/// When the switches cannot be read.
pub(crate) async fn may_call(cx: &mut Cx, kind: CrmKind) -> Result<bool> {
    let targets =
        switch::Targets { agent: Some(crate::AGENT), provider: Some(kind.word()), ..Default::default() };
    match switch::gate::hold(cx, &targets).await.map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == Kind::Refused => Ok(false),
        Err(error) => Err(error),
    }
}

/// What became of a call, for those who decide when it is made again.
pub(crate) enum After {
    /// Again behind this many seconds; no failure of ours.
    Wait(i64),
    /// Again as failures are.
    Again,
    /// Never by itself; a person must act on the key.
    Key,
    /// Never by itself.
    Never,
}

/// What follows from an error of a CRM.
pub(crate) fn after(error: &CrmError) -> After {
    match error {
        CrmError::Limited { retry_after_s, .. } => After::Wait(i64::from(*retry_after_s)),
        CrmError::NotSent { .. } | CrmError::Unknown { .. } => After::Again,
        CrmError::Unauthorised { .. } => After::Key,
        CrmError::Gone | CrmError::Taken { .. } | CrmError::Rejected { .. } => After::Never,
    }
}
