//! What single rows say to the gate: no statement, no clock.

use super::super::{Content, gate::Approval};
use crate::{
    channel::{Channel, Form, way::Person},
    limits::Limits,
};
use base::{Digest, Result, Time};
use control::approval;
use leads::dnc::Callable;

pub(super) fn approval_of(
    status: Option<&str>,
    digest: Option<&[u8]>,
    content: Option<&Content>,
) -> Result<Approval> {
    let Some(status) = status else {
        return Ok(Approval::None);
    };
    Ok(match status.parse::<approval::Status>()? {
        approval::Status::Pending => Approval::Pending,
        approval::Status::Rejected | approval::Status::Expired | approval::Status::Withdrawn => {
            Approval::Refused
        }
        approval::Status::Approved => {
            let approved = digest.and_then(Digest::from_slice);
            let actual = content.map(Content::digest).transpose()?;
            if approved.is_some() && approved == actual { Approval::Given } else { Approval::Changed }
        }
    })
}

pub(super) fn campaign_blocked(
    status: &str,
    starts_on: Option<&str>,
    ends_on: Option<&str>,
    today: &str,
) -> Option<String> {
    if status != "active" {
        return Some(format!("The campaign is {}.", status.replace('_', " ")));
    }
    // ISO dates compare as text.
    if let Some(starts_on) = starts_on.filter(|from| today < *from) {
        return Some(format!("The campaign begins on {starts_on}."));
    }
    ends_on.filter(|until| today > *until).map(|ends_on| format!("The campaign ended on {ends_on}."))
}

pub(super) fn lead_blocked(
    status: &str,
    no_address: Option<&String>,
    enrolment: &str,
    deleted_at: Option<Time>,
) -> Option<String> {
    if deleted_at.is_some() {
        return Some("The lead was deleted.".to_owned());
    }
    if let Some(why) = no_address {
        return Some(why.clone());
    }
    if enrolment != "active" {
        return Some(format!("The sequence is {enrolment} for this lead."));
    }
    match status {
        "new" | "enriched" | "scored" | "in_sequence" => None,
        other => Some(format!("The lead is {}.", other.replace('_', " "))),
    }
}

pub(super) fn channel_blocked(channel: Channel, tier: Option<&str>, score: Option<i16>) -> Option<String> {
    let (Some(tier), Some(score)) = (tier, score) else {
        return Some("The lead has no score yet.".to_owned());
    };
    let permitted = leads::score::permitted_channels(u8::try_from(score).unwrap_or(0));
    let allowed = match channel {
        Channel::Email => permitted.email,
        Channel::Sms => permitted.sms,
        Channel::Linkedin => permitted.linkedin,
        Channel::Voice => permitted.voice,
        Channel::Mail => permitted.mail,
    };
    (!allowed).then(|| format!("{} is not used for leads of tier {tier} (score {score}).", channel.label()))
}

/// Whether and where a channel reaches a person.
pub(super) fn reach(channel: Channel, form: Form, person: &Person) -> Result<String, String> {
    if form == Form::Message && !person.connected {
        return Err("The lead did not accept an invitation on LinkedIn.".to_owned());
    }
    channel.way().reach(person)
}

/// Consent for the channel in the country, then the Do-Not-Call register where the channel asks it.
pub(super) fn consent_blocked(
    limits: &Limits,
    channel: Channel,
    country: &str,
    basis: Option<&str>,
    register: Callable,
) -> Result<Option<(&'static str, String)>> {
    let Some(basis) = basis else {
        return Ok(Some(("no_basis", "No basis of consent is recorded for this lead.".to_owned())));
    };
    let bases = limits.bases(channel, country)?;
    if !bases.iter().any(|permitted| permitted == basis) {
        let detail = if bases.is_empty() {
            format!("{} to {country} is off.", channel.label())
        } else {
            format!(
                "{} to {country} needs another basis of consent than “{}”.",
                channel.label(),
                basis.replace('_', " ")
            )
        };
        return Ok(Some(("not_for_channel", detail)));
    }
    // Express consent needs no answer of the register.
    if !channel.way().asks_register() || basis == "express" {
        return Ok(None);
    }
    Ok(listed(register))
}

/// Why the Do-Not-Call register does not let a number be called, if so: a code and words.
fn listed(register: Callable) -> Option<(&'static str, String)> {
    let (code, why) = match register {
        Callable::Yes { .. } | Callable::Elsewhere => return None,
        Callable::Listed { .. } => ("listed", "The number is on the Do-Not-Call register."),
        Callable::Invalid => ("not_washed", "The Do-Not-Call register does not take this number."),
        Callable::NeverWashed => {
            ("not_washed", "The number was not yet checked against the Do-Not-Call register.")
        }
        Callable::Expired { .. } => {
            ("wash_old", "The answer of the Do-Not-Call register is too old. Wash the number again.")
        }
    };
    Some((code, why.to_owned()))
}

pub(super) fn content_blocked(
    channel: Channel,
    form: Form,
    content: Option<&Content>,
    digest: Option<&[u8]>,
    address: Option<&str>,
) -> Result<Option<String>> {
    let Some(content) = content else {
        return Ok(None);
    };
    let stored = digest.and_then(Digest::from_slice);
    if stored != Some(content.digest()?) {
        return Ok(Some("The stored content does not match its digest.".to_owned()));
    }
    if Some(content.to.as_str()) != address {
        return Ok(Some("The lead's address changed after the message was written.".to_owned()));
    }
    if channel == Channel::Email {
        // Checked without the footer when it was written, and again when a person edited it.
        return Ok(None);
    }
    let issues = channel.way().check(form, &content.subject, &content.body);
    Ok(issues.into_iter().find(|issue| issue.error).map(|issue| issue.detail))
}
