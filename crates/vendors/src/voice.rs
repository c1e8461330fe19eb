//! Calls.

pub mod telnyx;
pub mod vapi;

use async_trait::async_trait;
use base::Result;
use ports::delivery::{Failure, Found, Receipt};
use ports::voice::{Asked, Call, Status, VoiceAccount, VoiceCaller};

use crate::delivery::Line;

/// Calls through whatever account a call is placed by.
pub struct Callers {
    vapi: vapi::Vapi,
    telnyx: telnyx::Telnyx,
}

impl Callers {
    /// Calls over `line`.
    pub fn new(line: &Line) -> Self {
        Self { vapi: vapi::Vapi::new(line.clone()), telnyx: telnyx::Telnyx::new(line.clone()) }
    }
}

#[async_trait]
impl VoiceCaller for Callers {
    async fn place(&self, account: &VoiceAccount, call: &Call) -> Result<Receipt<Status>, Failure> {
        call.check().map_err(|error| Failure::malformed(&error))?;
        match account {
            VoiceAccount::Vapi(vapi) => self.vapi.place(vapi, call).await,
            VoiceAccount::Telnyx(telnyx) => self.telnyx.place(telnyx, call).await,
        }
    }

    async fn find(&self, account: &VoiceAccount, asked: &Asked) -> Result<Found<Status>> {
        match account {
            VoiceAccount::Vapi(vapi) => self.vapi.find(vapi, asked).await,
            VoiceAccount::Telnyx(telnyx) => self.telnyx.find(telnyx, asked).await,
        }
    }

    async fn say(&self, account: &VoiceAccount, provider_ref: &str, words: &str) -> Result<(), Failure> {
        match account {
            VoiceAccount::Telnyx(telnyx) => self.telnyx.say(telnyx, provider_ref, words).await,
            VoiceAccount::Vapi(_) => Err(Failure::unsupported("vapi", "be told what to say in a call")),
        }
    }
}
