//! Which addresses may be visited on a stranger's word: only public ones. Used for every address
//! that a user or a web page gives us (websites, redirects, webhook targets).

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Lets public addresses pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guard {
    /// Lets this machine pass as well; for tests and demonstrations only.
    pub allow_loopback: bool,
}

impl Guard {
    /// Whether an address may be connected to.
    pub fn allows(self, ip: IpAddr) -> bool {
        is_public(ip) || (self.allow_loopback && ip.to_canonical().is_loopback())
    }

    /// Checks what can be seen without asking the name server: scheme, port, credentials, a
    /// literal address. Names are checked when they are resolved.
    ///
    /// # Errors
    /// Why the address may not be visited.
    pub fn check(self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("“{}” is not http or https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address contains a user name".to_owned());
        }
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) => None,
            None => return Err("the address has no host".to_owned()),
        };
        if ip.is_some_and(|ip| !self.allows(ip)) {
            return Err("the address is not a public one".to_owned());
        }
        if !self.allow_loopback && !matches!(url.port_or_known_default(), Some(80 | 443)) {
            return Err("only the ports 80 and 443 are visited".to_owned());
        }
        Ok(())
    }
}

impl Resolve for Guard {
    /// Resolves a name and refuses it when any of its addresses is not allowed. The connection
    /// goes to the addresses that were checked, so a name cannot change in between.
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|address| !guard.allows(address.ip())) {
                return Err(format!("{} leads to an address that is not public", name.as_str()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is reachable from everywhere (IANA special-purpose registries).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

/// Only global unicast (2000::/3), without the ranges that carry or lead to other addresses.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, ..] = ip.segments();
    (a & 0xe000) == 0x2000
        && a != 0x2002 // 6to4
        && !(a == 0x2001 && b < 0x0200) // protocol assignments, Teredo
        && !(a == 0x2001 && b == 0x0db8) // documentation
        && !(a == 0x3fff && b < 0x1000) // documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        let guard = Guard { allow_loopback: false };
        for no in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "ff02::1",
            "::7f00:1",
        ] {
            assert!(!guard.allows(no.parse().unwrap()), "{no} passed");
        }
        for yes in ["1.1.1.1", "203.1.113.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(guard.allows(yes.parse().unwrap()), "{yes} was stopped");
        }
        let lenient = Guard { allow_loopback: true };
        assert!(lenient.allows("127.0.0.1".parse().unwrap()) && lenient.allows("::1".parse().unwrap()));
        assert!(!lenient.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn odd_spellings_of_an_address_do_not_pass() {
        let guard = Guard { allow_loopback: false };
        for no in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://user@example.com/",
            "http://example.com:8080/",
            "http://127.1/",
        ] {
            assert!(guard.check(&no.parse().unwrap()).is_err(), "{no} passed");
        }
        assert!(guard.check(&"https://example.com/a".parse().unwrap()).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Guard { allow_loopback: false }.resolve(name()).await.is_err());
        assert!(Guard { allow_loopback: true }.resolve(name()).await.is_ok());
    }
}
