//! Sending text messages.

pub mod telnyx;
pub mod twilio;

use async_trait::async_trait;
use base::{Result, Time};
use ports::delivery::{Event, Failure, Found, Receipt};
use ports::sms::{Asked, Sms, SmsAccount, SmsSender, Status};

use crate::delivery::Line;

/// Sends through whatever account a message leaves by.
pub struct Senders {
    twilio: twilio::Twilio,
    telnyx: telnyx::Telnyx,
}

impl Senders {
    /// Calls over `line`.
    pub fn new(line: &Line) -> Self {
        Self { twilio: twilio::Twilio::new(line.clone()), telnyx: telnyx::Telnyx::new(line.clone()) }
    }
}

#[async_trait]
impl SmsSender for Senders {
    async fn send(&self, account: &SmsAccount, sms: &Sms) -> Result<Receipt<Status>, Failure> {
        sms.check().map_err(|error| Failure::malformed(&error))?;
        match account {
            SmsAccount::Twilio(twilio) => self.twilio.send(twilio, sms).await,
            SmsAccount::Telnyx(telnyx) => self.telnyx.send(telnyx, sms).await,
        }
    }

    async fn find(&self, account: &SmsAccount, asked: &Asked) -> Result<Found<Status>> {
        match account {
            SmsAccount::Twilio(twilio) => self.twilio.find(twilio, asked).await,
            SmsAccount::Telnyx(telnyx) => self.telnyx.find(telnyx, asked).await,
        }
    }

    async fn received(&self, account: &SmsAccount, since: Time) -> Result<Vec<Event>> {
        match account {
            SmsAccount::Twilio(twilio) => self.twilio.received(twilio, since).await,
            // Inbound messages are only told by webhook there.
            SmsAccount::Telnyx(_) => Ok(Vec::new()),
        }
    }
}

/// The keyword by which somebody stops, or begins again, when the message is nothing else.
enum Keyword {
    Stop,
    Start,
}

fn keyword(text: &str) -> Option<Keyword> {
    let word: String = text.trim().trim_end_matches(['.', '!']).to_ascii_uppercase();
    match word.as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "OPTOUT" | "OPT OUT" | "REVOKE" => {
            Some(Keyword::Stop)
        }
        "START" | "UNSTOP" => Some(Keyword::Start),
        _ => None,
    }
}
