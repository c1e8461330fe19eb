//! Acting on LinkedIn.

pub mod heyreach;

use async_trait::async_trait;
use base::{Result, Time};
use ports::delivery::{Event, Failure, Found, Receipt};
use ports::linkedin::{Act, Asked, LinkedIn, LinkedInAccount, ProfileUrl, Status};

use crate::delivery::Line;

/// Acts through whatever service an account is at.
pub struct Seats {
    heyreach: heyreach::HeyReach,
}

impl Seats {
    /// Calls over `line`.
    pub fn new(line: &Line) -> Self {
        Self { heyreach: heyreach::HeyReach::new(line.clone()) }
    }
}

#[async_trait]
impl LinkedIn for Seats {
    async fn act(&self, account: &LinkedInAccount, act: &Act) -> Result<Receipt<Status>, Failure> {
        act.check().map_err(|error| Failure::malformed(&error))?;
        let LinkedInAccount::HeyReach(heyreach) = account;
        self.heyreach.act(heyreach, act).await
    }

    async fn find(&self, account: &LinkedInAccount, asked: &Asked) -> Result<Found<Status>> {
        let LinkedInAccount::HeyReach(heyreach) = account;
        self.heyreach.find(heyreach, asked).await
    }

    async fn stop(&self, account: &LinkedInAccount, profile: &ProfileUrl) -> Result<(), Failure> {
        let LinkedInAccount::HeyReach(heyreach) = account;
        self.heyreach.stop(heyreach, profile).await
    }

    async fn received(&self, account: &LinkedInAccount, since: Time) -> Result<Vec<Event>> {
        let LinkedInAccount::HeyReach(heyreach) = account;
        self.heyreach.received(heyreach, since).await
    }
}
