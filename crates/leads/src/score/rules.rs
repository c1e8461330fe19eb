//! The points of each component (growth spec, "ALS score"). Pure.

use super::{ComponentKind, EmailState, Icp, Input, PhoneState, Reason, industry, title};
use base::Time;
use jiff::{ToSpan, tz::TimeZone};
use std::borrow::Cow;

/// The facts that a component looks at, with their points.
pub(super) fn reasons(kind: ComponentKind, input: &Input, icp: &Icp, words: Words) -> Vec<Reason> {
    match kind {
        ComponentKind::DataQuality => data_quality(input),
        ComponentKind::Authority => authority(input, words),
        ComponentKind::CompanyFit => {
            vec![industry(input, icp, words), headcount(input, icp, words), country(input, icp, words)]
        }
        ComponentKind::Timing => timing(input),
        ComponentKind::Risk => risk(input),
    }
}

/// Whether the sentences are wanted; a run over a million leads wants the points only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Words {
    /// With the sentences.
    Wanted,
    /// The sentences stay empty.
    Spared,
}

impl Words {
    fn say(self, text: impl FnOnce() -> String) -> Cow<'static, str> {
        match self {
            Self::Wanted => Cow::Owned(text()),
            Self::Spared => Cow::Borrowed(""),
        }
    }
}

fn reason(fact: &'static str, points: i32, text: impl Into<Cow<'static, str>>) -> Reason {
    Reason { fact: Cow::Borrowed(fact), points, text: text.into() }
}

fn data_quality(input: &Input) -> Vec<Reason> {
    let email = match input.email {
        Some(EmailState::Verified) => reason("email", 8, "the e-mail address is verified"),
        Some(EmailState::CatchAll) => reason("email", 5, "the e-mail domain accepts every address"),
        Some(EmailState::Unverified) => reason("email", 3, "there is an e-mail address, not verified"),
        None => reason("email", 0, "e-mail address unknown"),
    };
    let phone = match input.phone {
        Some(PhoneState::Verified) => reason("phone", 6, "the phone number is verified"),
        Some(PhoneState::Present) => reason("phone", 3, "there is a phone number, not verified"),
        None => reason("phone", 0, "phone number unknown"),
    };
    let linkedin = if input.linkedin {
        reason("linkedin", 4, "the LinkedIn profile is known")
    } else {
        reason("linkedin", 0, "LinkedIn profile unknown")
    };
    let personal = if input.personal_email {
        reason("personal_email", 2, "a personal e-mail address is known")
    } else {
        reason("personal_email", 0, "personal e-mail address unknown")
    };
    vec![email, phone, linkedin, personal]
}

fn authority(input: &Input, words: Words) -> Vec<Reason> {
    let given = input.title.as_deref().unwrap_or_default().trim();
    let seniority = title::read(given).seniority;
    let text = if seniority == title::Seniority::None {
        Cow::Borrowed("job title unknown")
    } else if seniority == title::Seniority::Other {
        words.say(|| format!("“{given}” is not a leading role"))
    } else {
        words.say(|| format!("“{given}” counts as {}", seniority.label()))
    };
    vec![reason("title", i32::from(seniority.points()), text)]
}

fn industry(input: &Input, icp: &Icp, words: Words) -> Reason {
    let given = input.industry.as_deref().unwrap_or_default().trim();
    if given.is_empty() {
        return reason("industry", 0, "industry unknown");
    }
    if icp.industries.is_empty() {
        return reason("industry", 0, "the ideal customer names no industry");
    }
    match icp.industries.iter().find(|wanted| industry::matches(given, wanted)) {
        Some(wanted) => {
            reason("industry", 10, words.say(|| format!("“{given}” is in the wanted industry “{wanted}”")))
        }
        None => reason("industry", 0, words.say(|| format!("“{given}” is not a wanted industry"))),
    }
}

fn headcount(input: &Input, icp: &Icp, words: Words) -> Reason {
    let (min, max) = (icp.min_employees, icp.max_employees);
    let Some(count) = input.headcount else {
        return reason("headcount", 0, "number of employees unknown");
    };
    if count < min {
        reason("headcount", 3, words.say(|| format!("{count} employees, fewer than {min}")))
    } else if count <= max {
        reason("headcount", 8, words.say(|| format!("{count} employees, within {min}-{max}")))
    } else if count <= max.saturating_mul(4) {
        reason(
            "headcount",
            5,
            words.say(|| format!("{count} employees, more than {max} but at most four times that")),
        )
    } else {
        reason("headcount", 0, words.say(|| format!("{count} employees, more than four times {max}")))
    }
}

fn country(input: &Input, icp: &Icp, words: Words) -> Reason {
    let Some(country) = input.country else {
        return reason("country", 0, "country unknown");
    };
    if icp.countries.contains(&country) {
        reason("country", 7, words.say(|| format!("{} is a wanted country", country.name())))
    } else if country.speaks_english() {
        reason(
            "country",
            4,
            words.say(|| format!("{} is not a wanted country but English-speaking", country.name())),
        )
    } else {
        reason("country", 0, words.say(|| format!("{} is not a wanted country", country.name())))
    }
}

fn timing(input: &Input) -> Vec<Reason> {
    let now = input.now;
    let role = match input.role_started {
        None => reason("role_started", 0, "start of the role unknown"),
        Some(at) if at > now => reason("role_started", 0, "the role has not begun yet"),
        Some(at) if within_months(at, 6, now) => {
            reason("role_started", 6, "in the role for less than 6 months")
        }
        Some(at) if within_months(at, 12, now) => {
            reason("role_started", 3, "in the role for less than a year")
        }
        Some(_) => reason("role_started", 0, "in the role for a year or more"),
    };
    let hiring = match input.hiring {
        Some(true) => reason("hiring", 5, "the company is hiring"),
        Some(false) => reason("hiring", 0, "the company is not hiring"),
        None => reason("hiring", 0, "hiring unknown"),
    };
    let funded = match input.funded_at {
        None => reason("funded_at", 0, "funding unknown"),
        Some(at) if at > now => reason("funded_at", 0, "the funding date lies in the future"),
        Some(at) if within_months(at, 12, now) => reason("funded_at", 4, "funded less than a year ago"),
        Some(at) if within_months(at, 24, now) => reason("funded_at", 2, "funded less than two years ago"),
        Some(_) => reason("funded_at", 0, "funded two years ago or earlier"),
    };
    vec![role, hiring, funded]
}

/// Whether less than this many calendar months (UTC) lie between the two instants.
fn within_months(from: Time, months: i32, now: Time) -> bool {
    // Adding months fails only at the end of the calendar, and then the end is far away.
    from.stamp()
        .to_zoned(TimeZone::UTC)
        .checked_add(months.months())
        .map_or(true, |end| now.stamp() < end.timestamp())
}

fn risk(input: &Input) -> Vec<Reason> {
    let mut out = vec![reason("risk_base", 15, "nothing speaks against contact until shown")];
    if input.bounced {
        out.push(reason("bounced", -10, "mail to the address has bounced"));
    }
    if input.unsubscribed {
        out.push(reason("unsubscribed", -15, "the person has opted out"));
    }
    if input.competitor {
        out.push(reason("competitor", -15, "the company is a competitor"));
    }
    if title::read(input.title.as_deref().unwrap_or_default()).weak {
        out.push(reason("weak_title", -5, "the role rarely decides"));
    }
    out
}
