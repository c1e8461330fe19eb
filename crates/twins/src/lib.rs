//! Services on this machine that speak the wire formats of outside vendors, so that the product
//! runs and is tested over real connections without any account. Each says that it is a twin:
//! in its greeting, or in the header `x-twin: agency-os` of every reply. What they receive goes nowhere.
//!
//! Twins know nothing of our adapters; they are written from the vendors' documents.

pub mod calendar;
pub mod carrier;
pub mod crm;
pub mod data;
pub mod fault;
pub mod llm;
pub mod rail;
pub mod smtp_sink;

use base::{Error, Result};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Opens a port on this machine, and on no other interface.
async fn listen(at: SocketAddr) -> Result<TcpListener> {
    if !at.ip().is_loopback() {
        return Err(Error::invalid(
            "twin.not_loopback",
            format!("A twin listens on this machine only, not on {at}. Use 127.0.0.1."),
        ));
    }
    TcpListener::bind(at).await.map_err(|cause| {
        Error::unavailable(
            "twin.port",
            format!("The twin cannot listen on {at}: {cause}. Choose another port or stop what uses it."),
        )
        .caused_by(cause)
    })
}
