//! A service in memory: answers from a function and counts.

use super::{Account, Arrived, Ask, Looked, Page, Provider, ProviderError, ProviderKind, Search};
use async_trait::async_trait;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Lookup = Arc<dyn Fn(&Ask) -> Result<Looked, ProviderError> + Send + Sync>;
type Searcher = Arc<dyn Fn(&Search) -> Result<Page, ProviderError> + Send + Sync>;

/// A service that knows nothing until it is told.
pub struct MemoryProvider {
    kind: ProviderKind,
    lookup: Mutex<Lookup>,
    poll: Mutex<Lookup>,
    search: Mutex<Searcher>,
    calls: AtomicU64,
}

impl MemoryProvider {
    /// A service of this kind.
    pub fn new(kind: ProviderKind) -> Self {
        Self {
            kind,
            lookup: Mutex::new(Arc::new(|_| Ok(Looked::nothing()))),
            poll: Mutex::new(Arc::new(|_| Ok(Looked::nothing()))),
            search: Mutex::new(Arc::new(|_| Ok(Page { prospects: Vec::new(), next: None }))),
            calls: AtomicU64::new(0),
        }
    }

    /// Answers look-ups with this from now on.
    pub fn answers(&self, how: impl Fn(&Ask) -> Result<Looked, ProviderError> + Send + Sync + 'static) {
        *self.lookup.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(how);
    }

    /// Answers polls with this from now on.
    pub fn ends(&self, how: impl Fn(&Ask) -> Result<Looked, ProviderError> + Send + Sync + 'static) {
        *self.poll.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(how);
    }

    /// Answers searches with this from now on.
    pub fn finds(&self, how: impl Fn(&Search) -> Result<Page, ProviderError> + Send + Sync + 'static) {
        *self.search.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(how);
    }

    /// How many look-ups were asked.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Provider for MemoryProvider {
    fn kind(&self) -> ProviderKind {
        self.kind
    }

    async fn look_up(&self, _account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let how = self.lookup.lock().unwrap_or_else(PoisonError::into_inner).clone();
        how(ask)
    }

    async fn poll(&self, _account: &Account, ask: &Ask, _ticket: &str) -> Result<Looked, ProviderError> {
        let how = self.poll.lock().unwrap_or_else(PoisonError::into_inner).clone();
        how(ask)
    }

    fn arrived(&self, _body: &[u8]) -> Result<Arrived, ProviderError> {
        Ok(Arrived { ask: None, looked: None })
    }

    async fn search(&self, _account: &Account, search: &Search) -> Result<Page, ProviderError> {
        let how = self.search.lock().unwrap_or_else(PoisonError::into_inner).clone();
        how(search)
    }
}
