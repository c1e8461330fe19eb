//! How often one network address may call an open address of ours in a minute. Counted in the memory of
//! each process: it keeps one caller from taking everybody's turn; it is no budget.

use base::Time;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// The window, in seconds.
const WINDOW_S: i64 = 60;
/// Addresses that are remembered at once.
const ADDRESSES_MAX: usize = 10_000;

/// Lets each address pass so often in a minute.
#[derive(Debug)]
pub(crate) struct Turnstile {
    per_minute: u32,
    /// Since when the present minute of an address runs, and how often it called in it.
    seen: Mutex<BTreeMap<IpAddr, (Time, u32)>>,
}

impl Default for Turnstile {
    /// As the addresses for webhooks have it.
    fn default() -> Self {
        Self::new(100)
    }
}

impl Turnstile {
    /// So many calls of one address in a minute.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, seen: Mutex::default() }
    }

    /// How many calls of one address in a minute.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Counts a call. Who cannot be told from others is let through: a proxy stands before them.
    ///
    /// # Errors
    /// The seconds after which the address may call again.
    pub fn pass(&self, from: Option<IpAddr>, now: Time) -> Result<(), i64> {
        let Some(from) = from.map(whole) else { return Ok(()) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= ADDRESSES_MAX && !seen.contains_key(&from) {
            seen.retain(|_, (since, _)| now.since_s(*since) < WINDOW_S);
            if seen.len() >= ADDRESSES_MAX {
                // More callers than are remembered: memory is bounded, everybody begins anew.
                seen.clear();
            }
        }
        let entry = seen.entry(from).or_insert((now, 0));
        if now.since_s(entry.0) >= WINDOW_S {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        if entry.1 > self.per_minute {
            return Err((WINDOW_S - now.since_s(entry.0)).clamp(1, WINDOW_S));
        }
        Ok(())
    }
}

/// The network that one caller has: of IPv6 it is a whole /64.
fn whole(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let network = u128::from(six) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES_MAX, Turnstile};
    use base::Time;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn an_address_passes_so_often_in_a_minute_and_others_are_not_kept_from_it() {
        let gate = Turnstile::new(3);
        let (one, two): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let now = Time::from_us(0);
        assert_eq!([(); 4].map(|()| gate.pass(Some(one), now)), [Ok(()), Ok(()), Ok(()), Err(60)]);
        assert_eq!(gate.pass(Some(one), now.plus_s(45)), Err(15));
        assert_eq!(gate.pass(Some(two), now), Ok(()));
        assert_eq!(gate.pass(Some(one), now.plus_s(60)), Ok(()));
        assert_eq!([(); 9].map(|()| gate.pass(None, now)), [Ok(()); 9]);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let gate = Turnstile::new(1);
        let at = |text: &str| Some(text.parse().expect("an address"));
        assert_eq!(gate.pass(at("2001:db8::1"), Time::from_us(0)), Ok(()));
        assert!(gate.pass(at("2001:db8::ffff:2"), Time::from_us(0)).is_err());
        assert_eq!(gate.pass(at("2001:db8:0:1::1"), Time::from_us(0)), Ok(()));
        assert_eq!(gate.pass(at("192.0.2.1"), Time::from_us(0)), Ok(()));
        assert!(gate.pass(at("::ffff:192.0.2.1"), Time::from_us(0)).is_err(), "the same address");
    }

    #[test]
    fn it_remembers_only_so_many() {
        let gate = Turnstile::new(1);
        for number in 0..u32::try_from(ADDRESSES_MAX * 2).expect("small") {
            let _ = gate.pass(Some(Ipv4Addr::from(number).into()), Time::from_us(0));
        }
        let remembered = gate.seen.lock().expect("no panic").len();
        assert!(remembered <= ADDRESSES_MAX, "{remembered}");
    }
}
