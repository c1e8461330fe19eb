//! Twins of booking services: Cal.com and Calendly.
//!
//! Hours of Monday to Friday from 00:00 to 06:00 UTC are free until somebody books them. They tell every
//! subscription about bookings, signed with its own secret. They take the orders of every
//! [twin of a carrier](crate::carrier), among them `POST /_twin/events`:
//!
//! | order | lets |
//! |---|---|
//! | `{"event":"book","start":…,"name":…,"email":…,"zone":…,"link":…}` | a guest book; the link that they opened says which lead they are |
//! | `{"event":"move","ref":…,"start":…}` | the guest choose another time |
//! | `{"event":"cancel","ref":…,"reason":…}` | somebody cancel |
//! | `{"event":"no_show","ref":…,"missed":true}` | somebody say that the guest did not come |
//! | `{"event":"ended","ref":…}` | the meeting end |

mod book;
mod cal_com;
mod calendly;
#[cfg(test)]
mod tests;

use crate::carrier::{CarrierTwin, desk::Vendor};
use base::{Clock, Error, Result};
use std::net::SocketAddr;
use std::sync::Arc;

/// The services that have a twin.
pub const NAMES: [&str; 2] = ["cal_com", "calendly"];

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

/// Starts the twin of a service on a loopback address.
///
/// # Errors
/// Invalid when there is no such twin or the address is not loopback; unavailable when the port is taken.
pub async fn start(name: &str, at: SocketAddr, clock: Arc<dyn Clock>) -> Result<CarrierTwin> {
    let vendor: Box<dyn Vendor> = match name {
        "cal_com" => Box::new(cal_com::CalCom::default()),
        "calendly" => Box::new(calendly::Calendly::default()),
        other => {
            return Err(Error::invalid(
                "twin.unknown",
                format!("There is no twin of “{}”. Use one of {}.", other.escape_debug(), NAMES.join(", ")),
            ));
        }
    };
    CarrierTwin::serve(at, clock, vendor).await
}
