//! Where a service is called: the account's base address or the service's own. A key never leaves this machine
//! unencrypted.

use crate::http;
use std::fmt;
use url::Url;

/// What is wrong with an address, in words for the person who typed it.
#[derive(Debug)]
pub(crate) struct BadAddress {
    /// A stable word.
    pub(crate) code: &'static str,
    message: String,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn bad(code: &'static str, message: String) -> BadAddress {
    BadAddress { code, message }
}

/// A path below the base address, each part escaped.
///
/// # Errors
/// When the address is none, cannot have a path, or would carry a key unencrypted.
pub(crate) fn below(base: Option<&Url>, default: &str, path: &[&str]) -> Result<Url, BadAddress> {
    let mut url: Url = base.map_or(default, Url::as_str).parse().map_err(|cause| {
        bad("account_address", format!("The address is not a URL ({cause}). Correct it in the account."))
    })?;
    encrypted(&url)?;
    url.path_segments_mut()
        .map_err(|()| {
            bad("account_address", "The address cannot have a path. Correct it in the account.".to_owned())
        })?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// # Errors
/// Unless the address is encrypted or on this machine.
pub(crate) fn encrypted(url: &Url) -> Result<(), BadAddress> {
    if url.scheme() == "https" || http::is_loopback(url) {
        return Ok(());
    }
    let host = http::host_of(url);
    let message =
        format!("{host} must begin with https, because a key is sent there. Correct it in the account.");
    Err(bad("address_not_https", message))
}
