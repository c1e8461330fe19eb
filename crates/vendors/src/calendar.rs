//! Booking services.

pub mod cal_com;
pub mod calendly;
#[cfg(test)]
mod tests;

use crate::delivery::{Json, Line, refusal};
use ports::calendar::{Calendar, Calendars, Heard, What};
use ports::delivery::{Failure, Refusal};
use reqwest::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// Every booking service.
pub fn calendars(line: &Line) -> Calendars {
    let all: [Arc<dyn Calendar>; 2] =
        [Arc::new(cal_com::CalCom::new(line.clone())), Arc::new(calendly::Calendly::new(line.clone()))];
    Calendars::of(all)
}

/// What an answer lacks; whether the call did something is then not known.
fn lacks(host: &str, what: &str) -> Failure {
    Failure::Unknown { host: host.to_owned(), detail: format!("its reply has no {what}"), provider_ref: None }
}

/// The words of a refusal: `{error: {code, message}}`, `{message}`, `{title, message}`.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let code = error.any(&["error.code", "title", "error"]).unwrap_or_default();
    let words = error.any(&["error.message", "message", "error.details.message"]).unwrap_or_default();
    refusal(status, &code, &words)
}

/// Guests write what they like; a database takes no zero bytes in texts.
fn clean(mut heard: Heard) -> Heard {
    let tidy = |text: &mut String| text.retain(|c| c != '\0');
    match &mut heard.what {
        What::Booked(made) => {
            [&mut made.name, &mut made.email, &mut made.reference].into_iter().for_each(tidy);
            [&mut made.title, &mut made.location, &mut made.note, &mut made.zone, &mut made.manage_url]
                .into_iter()
                .flatten()
                .for_each(tidy);
        }
        What::Cancelled { reason, .. } => reason.iter_mut().for_each(tidy),
        What::NoShow { .. } | What::Other { .. } => {}
    }
    heard
}
