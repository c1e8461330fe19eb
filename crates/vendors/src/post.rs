//! Postcards.

pub mod lob;

use async_trait::async_trait;
use base::Result;
use ports::delivery::{Failure, Found, Receipt};
use ports::post::{Address, Asked, PostAccount, PostSender, Postcard, Status, Verdict};

use crate::delivery::Line;

/// Posts through whatever account is given.
pub struct Posts {
    lob: lob::Lob,
}

impl Posts {
    /// Calls over `line`.
    pub fn new(line: &Line) -> Self {
        Self { lob: lob::Lob::new(line.clone()) }
    }
}

#[async_trait]
impl PostSender for Posts {
    async fn verify(&self, account: &PostAccount, address: &Address) -> Result<Verdict> {
        address.check()?;
        let PostAccount::Lob(lob) = account;
        self.lob.verify(lob, address).await
    }

    async fn send(&self, account: &PostAccount, card: &Postcard) -> Result<Receipt<Status>, Failure> {
        card.check().map_err(|error| Failure::malformed(&error))?;
        let PostAccount::Lob(lob) = account;
        self.lob.send(lob, card).await
    }

    async fn find(&self, account: &PostAccount, asked: &Asked) -> Result<Found<Status>> {
        let PostAccount::Lob(lob) = account;
        self.lob.find(lob, asked).await
    }

    async fn cancel(&self, account: &PostAccount, provider_ref: &str) -> Result<bool, Failure> {
        let PostAccount::Lob(lob) = account;
        self.lob.cancel(lob, provider_ref).await
    }
}
