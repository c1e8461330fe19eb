//! Calls of a twin that go wrong as somebody told it.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What goes wrong with one call; `K` are the kinds that the twin knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault<K> {
    /// What happens.
    pub kind: K,
    /// To which call: method and beginning of the path (`POST /v1/refunds`). None for the next call whatever it is.
    /// A rail's may begin with `PAID `: only calls that carry a payment.
    #[serde(default)]
    pub on: Option<String>,
    /// Milliseconds: how late a slow call is answered, or after what time a limited one may come again.
    #[serde(default)]
    pub ms: u64,
}

impl<K> Fault<K> {
    /// A fault of the next call that fits.
    pub fn on(kind: K, on: &str) -> Self {
        Self { kind, on: Some(on.to_owned()), ms: 0 }
    }
}

/// The faults that are left, used up in order.
pub(crate) struct Faults<K>(Mutex<VecDeque<Fault<K>>>);

impl<K> Default for Faults<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K> Faults<K> {
    pub(crate) fn add(&self, fault: Fault<K>) {
        self.locked().push_back(fault);
    }

    pub(crate) fn forget(&self) {
        self.locked().clear();
    }

    /// The first fault that fits a call: method and path.
    pub(crate) fn next(&self, call: &str) -> Option<Fault<K>> {
        self.next_where(|on| call.starts_with(on))
    }

    /// The first fault of any call, or of one that fits.
    pub(crate) fn next_where(&self, fits: impl Fn(&str) -> bool) -> Option<Fault<K>> {
        let mut faults = self.locked();
        let at = faults.iter().position(|fault| fault.on.as_deref().is_none_or(&fits))?;
        faults.remove(at)
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Fault<K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
