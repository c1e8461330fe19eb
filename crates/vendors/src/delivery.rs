//! What the carriers of messages share: how they are called, and how their webhooks are believed.
//!
//! A carrier is one file below its capability (`sms/twilio.rs`): its calls and, in a `Receiver`, its
//! webhooks. It is wired by one line in [`receivers`] and one in the list of its capability.

mod line;
mod parse;
mod verify;

#[cfg(test)]
mod tests;

pub use line::Line;
pub(crate) use line::{Does, Reply, endpoint, no_answer, refusal, refused};
pub(crate) use parse::{Json, cost, digest, json, malformed, ours_in, time_of};
pub(crate) use verify::{
    Stamp, bearer, ed25519, path_token, secrets, stamped_hmac, standard_webhooks, timed_header, twilio_hmac,
};

use ports::delivery::{Receiver, Receivers};
use std::sync::Arc;

/// The receivers of every carrier.
pub fn receivers() -> Receivers {
    let all: [Arc<dyn Receiver>; 10] = [
        Arc::new(crate::email::resend::Webhooks),
        Arc::new(crate::email::postmark::Webhooks),
        Arc::new(crate::email::salesforge::Webhooks),
        Arc::new(crate::sms::twilio::Webhooks),
        Arc::new(crate::sms::telnyx::Webhooks),
        Arc::new(crate::linkedin::heyreach::Webhooks),
        Arc::new(crate::voice::vapi::Webhooks),
        Arc::new(crate::speech::elevenlabs::Webhooks),
        Arc::new(crate::speech::deepgram::Webhooks),
        Arc::new(crate::post::lob::Webhooks),
    ];
    Receivers::of(all)
}
