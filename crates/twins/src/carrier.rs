//! Twins of the carriers of messages: Resend, Postmark, Salesforge, Twilio, Telnyx, HeyReach, Vapi,
//! ElevenLabs, Deepgram and Lob.
//!
//! They keep what they got, check keys and forms as the vendor does, sign their webhooks as the vendor
//! does, and count what would have reached a person. Below `/_twin` they take orders:
//!
//! | call | does |
//! |---|---|
//! | `GET /_twin` | says that this is a twin, with its counters |
//! | `GET /_twin/messages` | what it got, oldest first |
//! | `POST /_twin/faults` | a [`Fault`] for the next call that fits, such as `{"kind":"timeout_after","on":"POST /messages"}` |
//! | `DELETE /_twin/faults` | forgets the faults that are left |
//! | `POST /_twin/webhook` | a [`Hook`]: where to and with which secret webhooks go, twice or out of order |
//! | `POST /_twin/webhook/flush` | sends the webhook that is held back to change the order |
//! | `POST /_twin/events` | lets something happen: `{"event":"delivered","ref":…}`, a reply, a bounce, an opt-out, … |

mod deepgram;
pub(crate) mod desk;
mod elevenlabs;
mod heyreach;
pub(crate) mod letters;
mod lob;
mod postmark;
mod resend;
mod salesforge;
mod telnyx;
mod twilio;
mod vapi;

#[cfg(test)]
mod tests;

pub use desk::{CarrierTwin, Fault, FaultKind};
pub use letters::Hook;

use base::{Clock, Error, Result};
use std::net::SocketAddr;
use std::sync::Arc;

/// The carriers that have a twin, by their names.
pub const NAMES: [&str; 10] = [
    "resend",
    "postmark",
    "salesforge",
    "twilio",
    "telnyx",
    "heyreach",
    "vapi",
    "elevenlabs",
    "deepgram",
    "lob",
];

/// Starts every twin, in the order of [`NAMES`], the first at `first` and each other on the next port.
///
/// # Errors
/// As [`start`]; those that run already are closed then.
pub async fn start_all(first: SocketAddr, clock: &Arc<dyn Clock>) -> Result<Vec<CarrierTwin>> {
    let mut twins: Vec<CarrierTwin> = Vec::new();
    for (name, after) in NAMES.into_iter().zip(0_u16..) {
        // Port 0 is any free one.
        let port = if first.port() == 0 { 0 } else { first.port().saturating_add(after) };
        match start(name, SocketAddr::new(first.ip(), port), clock.clone()).await {
            Ok(twin) => twins.push(twin),
            Err(error) => {
                for twin in twins {
                    twin.shutdown().await;
                }
                return Err(error);
            }
        }
    }
    Ok(twins)
}

/// Starts the twin of a carrier on a loopback address.
///
/// # Errors
/// Invalid when there is no such twin or the address is not loopback; unavailable when the port is taken.
pub async fn start(name: &str, at: SocketAddr, clock: Arc<dyn Clock>) -> Result<CarrierTwin> {
    let vendor: Box<dyn desk::Vendor> = match name {
        "resend" => Box::new(resend::Resend::default()),
        "postmark" => Box::new(postmark::Postmark::default()),
        "salesforge" => Box::new(salesforge::Salesforge::default()),
        "twilio" => Box::new(twilio::Twilio::default()),
        "telnyx" => Box::new(telnyx::Telnyx::default()),
        "heyreach" => Box::new(heyreach::HeyReach::default()),
        "vapi" => Box::new(vapi::Vapi::default()),
        "elevenlabs" => Box::new(elevenlabs::ElevenLabs::default()),
        "deepgram" => Box::new(deepgram::Deepgram::default()),
        "lob" => Box::new(lob::Lob::default()),
        other => {
            return Err(Error::invalid(
                "twin.unknown",
                format!("There is no twin of “{}”. Use one of {}.", other.escape_debug(), NAMES.join(", ")),
            ));
        }
    };
    CarrierTwin::serve(at, clock, vendor).await
}
