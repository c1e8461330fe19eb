//! DNS over the machine's resolvers.

use async_trait::async_trait;
use base::{Error, Result};
use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};
use ports::dns::{Dns, Mx, no_answer};

/// Asks the resolvers that this machine is set up with.
pub struct Hickory(TokioResolver);

impl Hickory {
    /// Reads the machine's configuration (`/etc/resolv.conf`).
    ///
    /// # Errors
    /// Internal when it cannot be read.
    pub fn system() -> Result<Self> {
        let wrong = |cause: NetError| {
            Error::internal("The machine's name-server configuration (/etc/resolv.conf) cannot be read.")
                .caused_by(cause)
        };
        Ok(Self(TokioResolver::builder_tokio().map_err(wrong)?.build().map_err(wrong)?))
    }
}

/// "No such name" and "no such record" are answers; a failing server is not.
fn answered(name: &str, found: Result<Lookup, NetError>) -> Result<Option<Lookup>> {
    match found {
        Ok(lookup) => Ok(Some(lookup)),
        Err(NetError::Dns(DnsError::NoRecordsFound(none)))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
        {
            Ok(None)
        }
        Err(cause) => Err(no_answer(name).caused_by(cause)),
    }
}

/// A fully qualified name, so that the machine's search domains are not appended.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

#[async_trait]
impl Dns for Hickory {
    async fn mx(&self, domain: &str) -> Result<Vec<Mx>> {
        let Some(lookup) = answered(domain, self.0.mx_lookup(absolute(domain)).await)? else {
            return Ok(Vec::new());
        };
        let host = |name: &Name| name.to_ascii().to_ascii_lowercase().trim_end_matches('.').to_owned();
        let mut found = Vec::new();
        for record in lookup.answers() {
            if let RData::MX(mx) = &record.data {
                found.push(Mx { preference: mx.preference, host: host(&mx.exchange) });
            }
        }
        found.sort();
        Ok(found)
    }

    async fn txt(&self, name: &str) -> Result<Vec<String>> {
        let Some(lookup) = answered(name, self.0.txt_lookup(absolute(name)).await)? else {
            return Ok(Vec::new());
        };
        let text = |pieces: &[Box<[u8]>]| String::from_utf8_lossy(&pieces.concat()).into_owned();
        let mut found = Vec::new();
        for record in lookup.answers() {
            if let RData::TXT(txt) = &record.data {
                found.push(text(&txt.txt_data));
            }
        }
        Ok(found)
    }
}
