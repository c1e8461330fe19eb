//! Looking names up: who takes a domain's mail, and whether it is set up to send any.

use async_trait::async_trait;
use base::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Answers questions about names. "No such record" is an empty list, not an error.
#[async_trait]
pub trait Dns: Send + Sync + 'static {
    /// The mail exchangers of a domain, most preferred first.
    ///
    /// # Errors
    /// Unavailable when no answer came.
    async fn mx(&self, domain: &str) -> Result<Vec<Mx>>;

    /// The texts of a name, the pieces of each joined.
    ///
    /// # Errors
    /// Unavailable when no answer came.
    async fn txt(&self, name: &str) -> Result<Vec<String>>;
}

/// A host that takes mail.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Mx {
    /// Lower is tried first.
    pub preference: u16,
    /// Lower-case name without a trailing dot; empty for "takes no mail" (RFC 7505).
    pub host: String,
}

/// A domain's sender policy (RFC 7208).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Spf {
    /// No record.
    Missing,
    /// One record.
    Found {
        /// The record.
        record: String,
        /// What it says of everyone who is not listed; none when it does not say.
        all: Option<Qualifier>,
    },
    /// More than one record, which receivers treat as an error (§4.5).
    Several,
}

/// What a sender policy says of the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Qualifier {
    /// `+all`: anybody may send.
    Pass,
    /// `?all`: nothing is said.
    Neutral,
    /// `~all`: suspicious.
    SoftFail,
    /// `-all`: forbidden.
    Fail,
}

/// A domain's DMARC record (RFC 7489).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Dmarc {
    /// No record at the domain or above it.
    Missing,
    /// A record.
    Found {
        /// The domain that carries it: the domain itself or one above.
        at: String,
        /// What receivers are asked to do with mail that fails.
        policy: DmarcPolicy,
        /// The record.
        record: String,
    },
    /// A record without a valid policy, or several records.
    Broken {
        /// The record or records.
        record: String,
    },
}

/// What receivers are asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DmarcPolicy {
    /// Only report.
    None,
    /// Put into the spam folder.
    Quarantine,
    /// Refuse.
    Reject,
}

/// Looks a domain's sender policy up.
///
/// # Errors
/// Unavailable when no answer came.
pub async fn spf(dns: &dyn Dns, domain: &str) -> Result<Spf> {
    Ok(read_spf(&dns.txt(domain).await?))
}

/// Looks a domain's DMARC record up, walking up to the organisational domain (two labels).
///
/// # Errors
/// Unavailable when no answer came.
pub async fn dmarc(dns: &dyn Dns, domain: &str) -> Result<Dmarc> {
    let mut at = domain;
    loop {
        let found = read_dmarc(at, &dns.txt(&format!("_dmarc.{at}")).await?);
        let above = at.split_once('.').map(|(_, above)| above).filter(|above| above.contains('.'));
        match (found, above) {
            (Dmarc::Missing, Some(above)) => at = above,
            (found, _) => return Ok(found),
        }
    }
}

/// Whether `selector._domainkey.domain` publishes a key that is not revoked.
///
/// # Errors
/// Unavailable when no answer came.
pub async fn has_dkim_key(dns: &dyn Dns, selector: &str, domain: &str) -> Result<bool> {
    let texts = dns.txt(&format!("{selector}._domainkey.{domain}")).await?;
    Ok(texts.iter().any(|text| tag(text, "p").is_some_and(|key| !key.is_empty())))
}

fn read_spf(texts: &[String]) -> Spf {
    let mut records = texts.iter().filter(|t| {
        let lower = t.to_ascii_lowercase();
        lower == "v=spf1" || lower.starts_with("v=spf1 ")
    });
    let Some(record) = records.next() else { return Spf::Missing };
    if records.next().is_some() {
        return Spf::Several;
    }
    let all = record.to_ascii_lowercase().split_whitespace().find_map(|term| match term {
        "all" | "+all" => Some(Qualifier::Pass),
        "?all" => Some(Qualifier::Neutral),
        "~all" => Some(Qualifier::SoftFail),
        "-all" => Some(Qualifier::Fail),
        _ => None,
    });
    Spf::Found { record: record.clone(), all }
}

fn tag<'t>(record: &'t str, name: &str) -> Option<&'t str> {
    record.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn read_dmarc(at: &str, texts: &[String]) -> Dmarc {
    let records: Vec<&String> =
        texts.iter().filter(|t| tag(t, "v").is_some_and(|v| v.eq_ignore_ascii_case("DMARC1"))).collect();
    let [record] = records.as_slice() else {
        return match records.first() {
            None => Dmarc::Missing,
            Some(_) => Dmarc::Broken { record: texts.join(" / ") },
        };
    };
    let policy = match tag(record, "p").unwrap_or_default().to_ascii_lowercase().as_str() {
        "none" => DmarcPolicy::None,
        "quarantine" => DmarcPolicy::Quarantine,
        "reject" => DmarcPolicy::Reject,
        _ => return Dmarc::Broken { record: (*record).clone() },
    };
    Dmarc::Found { at: at.to_owned(), policy, record: (*record).clone() }
}

/// Records in memory.
#[derive(Default)]
pub struct MemoryDns(Mutex<Zone>);

#[derive(Default)]
struct Zone {
    mx: HashMap<String, Vec<Mx>>,
    txt: HashMap<String, Vec<String>>,
    down: bool,
}

impl MemoryDns {
    /// No records.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, f: impl FnOnce(&mut Zone) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a mail exchanger.
    pub fn add_mx(&self, domain: &str, preference: u16, host: &str) {
        let mx = Mx { preference, host: host.to_ascii_lowercase() };
        self.with(|zone| zone.mx.entry(domain.to_ascii_lowercase()).or_default().push(mx));
    }

    /// Adds a text.
    pub fn add_txt(&self, name: &str, text: &str) {
        self.with(|zone| zone.txt.entry(name.to_ascii_lowercase()).or_default().push(text.to_owned()));
    }

    /// From now on, no answer comes (or comes again).
    pub fn set_down(&self, down: bool) {
        self.with(|zone| zone.down = down);
    }
}

/// No answer came.
pub fn no_answer(name: &str) -> Error {
    Error::unavailable(
        "dns.no_answer",
        format!("The name server gave no answer about {name}. Nothing was concluded; try again in a moment."),
    )
}

#[async_trait]
impl Dns for MemoryDns {
    async fn mx(&self, domain: &str) -> Result<Vec<Mx>> {
        self.with(|zone| {
            if zone.down {
                return Err(no_answer(domain));
            }
            let mut found = zone.mx.get(&domain.to_ascii_lowercase()).cloned().unwrap_or_default();
            found.sort();
            Ok(found)
        })
    }

    async fn txt(&self, name: &str) -> Result<Vec<String>> {
        self.with(|zone| {
            if zone.down {
                return Err(no_answer(name));
            }
            Ok(zone.txt.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sender_policies_are_read() {
        let dns = MemoryDns::new();
        assert_eq!(spf(&dns, "a.example").await.unwrap(), Spf::Missing);
        dns.add_txt("a.example", "v=spf10 -all");
        assert_eq!(spf(&dns, "a.example").await.unwrap(), Spf::Missing);
        dns.add_txt("A.example", "v=spf1 include:_spf.x.example ~all");
        let found = spf(&dns, "a.example").await.unwrap();
        assert!(matches!(found, Spf::Found { all: Some(Qualifier::SoftFail), .. }), "{found:?}");
        dns.add_txt("a.example", "v=spf1 -all");
        assert_eq!(spf(&dns, "a.example").await.unwrap(), Spf::Several);
    }

    #[tokio::test]
    async fn a_subdomain_inherits_the_dmarc_record_above() {
        let dns = MemoryDns::new();
        dns.add_txt("_dmarc.b.example", "v=DMARC1; p=quarantine; rua=mailto:r@b.example");
        let found = dmarc(&dns, "mail.eu.b.example").await.unwrap();
        assert!(
            matches!(&found, Dmarc::Found { at, policy: DmarcPolicy::Quarantine, .. } if at == "b.example"),
            "{found:?}"
        );
        assert_eq!(dmarc(&dns, "c.example").await.unwrap(), Dmarc::Missing);
        dns.add_txt("_dmarc.c.example", "v=DMARC1; p=please");
        assert!(matches!(dmarc(&dns, "c.example").await.unwrap(), Dmarc::Broken { .. }));
    }

    #[tokio::test]
    async fn no_answer_is_not_no_record() {
        let dns = MemoryDns::new();
        dns.add_txt("s1._domainkey.a.example", "v=DKIM1; k=rsa; p=MIGf");
        dns.add_txt("s2._domainkey.a.example", "v=DKIM1; p=");
        assert!(has_dkim_key(&dns, "s1", "a.example").await.unwrap());
        assert!(!has_dkim_key(&dns, "s2", "a.example").await.unwrap());
        dns.set_down(true);
        assert!(spf(&dns, "a.example").await.unwrap_err().is_transient());
        assert!(dns.mx("a.example").await.is_err());
    }
}
