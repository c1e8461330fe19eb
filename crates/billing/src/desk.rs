//! What billing needs from its process.

use crate::limit::Count;
use crate::settings::{Seller, Settings};
use accounts::Mailer;
use base::{Error, Result};
use ports::rail::Account;
use ports::subscription::Subscriptions;
use std::sync::Arc;

/// What billing needs from its process.
#[derive(Clone)]
pub struct Desk {
    /// The billing provider.
    pub provider: Arc<dyn Subscriptions>,
    /// The agency's account there; none where nothing can be bought.
    pub account: Option<Arc<Account>>,
    /// How the installation sends its own mails, and its public address.
    pub mailer: Mailer,
    /// Who sells.
    pub seller: Arc<Seller>,
    /// Counts what other domains hold of what a plan limits; none: it is not shown.
    pub count: Option<Count>,
}

impl Desk {
    /// Out of the settings.
    ///
    /// # Errors
    /// Invalid, naming the setting that is not good.
    pub fn new(settings: &Settings, provider: Arc<dyn Subscriptions>, mailer: Mailer) -> Result<Self> {
        Ok(Self {
            provider,
            account: settings.account()?.map(Arc::new),
            mailer,
            seller: Arc::new(settings.seller()?),
            count: None,
        })
    }

    /// Shows what is used of a plan's limits, as this counts it.
    #[must_use]
    pub fn counting(self, count: Count) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The agency's account.
    ///
    /// # Errors
    /// Refused `billing.not_set_up`.
    pub(crate) fn account(&self) -> Result<Arc<Account>> {
        self.account.clone().ok_or_else(|| {
            Error::refused(
                "billing.not_set_up",
                "Plans cannot be bought here yet: whoever runs this installation has not set billing.stripe_key.",
            )
        })
    }
}
