//! The words of a reminder.

use super::Notice;
use crate::invoice::Invoice;

/// A mail's words.
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
}

/// One step is friendlier than the next; each says what is owed, what stands still, and where to pay.
pub(super) fn write(notice: &Notice, client: &str, open: Option<&Invoice>, origin: &str) -> Letter {
    let owed = match open {
        Some(invoice) => format!("invoice {} over {}", invoice.name(), invoice.total()),
        None => "your plan".to_owned(),
    };
    let (subject, begin) = match (notice.day, notice.last) {
        (0, _) => (
            "Your payment did not go through",
            format!("we could not collect {owed}. That happens when a card has expired or a bank says no."),
        ),
        (_, false) => ("Your payment is still missing", format!("{owed} is still not paid.")),
        (day, true) => (
            "Last reminder before your plan ends",
            format!("{owed} has not been paid for {day} days. Without a payment your plan ends."),
        ),
    };
    let pay = open
        .and_then(|invoice| invoice.pay_url.as_deref())
        .map(|url| format!("Pay it here:\n\n{url}\n\n"))
        .unwrap_or_default();
    Letter {
        subject: format!("{subject} ({client})"),
        text: format!(
            "Hello,\n\n{begin}\n\nUntil it is paid nothing is sent for {client}; replies still come in, and nothing is lost.\n\n{pay}Change the card or see every invoice here:\n\n{origin}/billing\n\nIf you paid in the meantime, ignore this mail.\n"
        ),
    }
}
