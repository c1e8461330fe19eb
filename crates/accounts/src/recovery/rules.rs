//! How long links in mails are good, and how often they are sent.

use base::Time;

/// What a link in a mail is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Shows that an e-mail address is its person's.
    VerifyEmail,
    /// Sets a password without the present one.
    ResetPassword,
}

impl Purpose {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// Until when a link made now is good.
    pub fn ends(self, now: Time) -> Time {
        match self {
            Self::VerifyEmail => now.plus_days(7),
            Self::ResetPassword => now.plus_s(3_600),
        }
    }
}

/// Mails of one purpose to one person within an hour, so that nobody's mailbox is flooded.
pub const MAILS_PER_HOUR: i64 = 5;
