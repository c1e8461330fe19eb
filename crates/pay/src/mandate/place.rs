//! From where a call comes, as far as that is known.

use crate::caller::Origin;
use crate::policy::words::Country;
use axum::http::HeaderMap;
use std::net::IpAddr;

/// From where a call comes. What is not known is not allowed where a rule asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The network address.
    pub ip: Option<IpAddr>,
    /// The country.
    pub country: Option<Country>,
}

/// The header in which a reverse proxy on this machine names the sender's country.
const HEADER: &str = "x-client-country";

impl Place {
    /// The place of a request. `peer_is_local`: whether the sender is a program of this machine, the only
    /// one that is believed when it names a country.
    pub(crate) fn of(origin: Origin, headers: &HeaderMap, peer_is_local: bool) -> Self {
        let named = headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.trim().parse().ok());
        Self { ip: origin.0, country: named.filter(|_| peer_is_local) }
    }
}
