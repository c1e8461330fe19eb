//! The skills of this crate over one JSON object each, for `agency eval KIND`: no server, no database.
//!
//! | kind | input | answer |
//! |---|---|---|
//! | `title` | `{"id","title"}` | `{"id","points"}` |
//! | `phone` | `{"id","input","country"}` | `{"id","e164"}` (null when it is no number) |
//! | `score` | `{"id","lead","icp"}` | `{"id","components","total","tier","reasons","parts","sentence"}` |
//!
//! `rows` = `accepted` + rejects + `duplicates`; `sample` is the first five leads.
//!
//! The `lead` of `score`; every field is optional, null and absent mean unknown:
//! `email` (text or true), `email_status` (`verified`, `catch_all`, `unverified`) or `email_verified`; `phone`, `phone_verified`;
//! `linkedin_url` (or `linkedin`); `personal_email`; `title` (or `job_title`); `industry`; `employees` (or `headcount`,
//! `employee_count`: a number or a range); `country`; `role_started_at` (or `role_started`, a date) or `months_in_role`;
//! `hiring` (or `is_hiring`); `funded_at` (a date) or `months_since_funding`; `bounced`, `unsubscribed`, `competitor`
//! (or `is_competitor`); `boosts` (`[{"kind","points","text"}]`).
//! The `icp`: `industries`, `min_employees` (5), `max_employees` (50), `countries`, `weights` (five numbers in the order
//! of the components, or an object by component; they sum to 1). An optional `now` beside `lead` fixes the instant.
//!
//! `components` are the points before weighting; `parts` are the weighted lines, with rounding and limit, that add up to `total`.

use crate::score::{
    self, Boost, ComponentKind, EmailState, Icp, Input, PhoneState, Weights, title as titles,
};
use crate::{Country, Headcount};
use base::{Error, Result, Time};
use jiff::{Span, civil::Date, tz::TimeZone};
use serde_json::{Map, Value, json};

/// Points of a job title.
pub fn title(line: &Value) -> Result<Value> {
    let seniority = titles::read(text(line, &["title"]).unwrap_or_default()).seniority;
    Ok(json!({ "id": line["id"], "points": seniority.points() }))
}

/// A phone number in E.164.
pub fn phone(line: &Value) -> Result<Value> {
    let country = text(line, &["country"]).and_then(Country::parse);
    let input = match &line["input"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let e164 = crate::phone::parse(&input, country);
    Ok(json!({ "id": line["id"], "e164": e164 }))
}

/// The score of a lead for an ICP. Errors when `lead` is no object, a date is none, or the weights do not sum to 1.
pub fn score(line: &Value, now: Time) -> Result<Value> {
    let now = date(line, &["now"])?.unwrap_or(now);
    let input = input(object(line, "lead")?, now)?;
    let given = line.get("icp").filter(|icp| !icp.is_null());
    let (icp, weights) = given.map_or_else(|| Ok((Icp::default(), Weights::default())), icp)?;
    let score = score::score(&input, &icp, &weights);
    let components: Map<String, Value> = score
        .components
        .iter()
        .map(|component| (component.kind.name().to_owned(), json!(component.points)))
        .collect();
    let reasons: Vec<Value> = score
        .components
        .iter()
        .flat_map(|component| component.reasons.iter().map(|reason| (component.kind, reason)))
        .map(|(kind, reason)| json!({ "component": kind.name(), "fact": reason.fact, "points": reason.points, "text": reason.text }))
        .collect();
    let parts: Vec<Value> = score
        .parts()
        .iter()
        .map(|part| json!({ "label": part.label, "points": part.value.to_string() }))
        .collect();
    Ok(json!({
        "id": line["id"], "components": components, "total": score.total, "tier": score.tier, "reasons": reasons,
        "parts": parts, "sentence": score.sentence,
    }))
}

fn bad(what: &str) -> Error {
    Error::invalid("eval.input", format!("The input cannot be used: {what}."))
}

fn object<'a>(line: &'a Value, key: &str) -> Result<&'a Value> {
    line.get(key).filter(|value| value.is_object()).ok_or_else(|| bad(&format!("“{key}” is not an object")))
}

/// The first of these fields that holds text.
fn text<'a>(from: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| from[*key].as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// The first of these fields that says yes or no.
fn flag(from: &Value, keys: &[&str]) -> Option<bool> {
    keys.iter().find_map(|key| match &from[*key] {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => number.as_f64().map(|number| number > 0.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Some(true),
            "false" | "no" | "n" | "0" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Whether the field holds something: text, or true.
fn present(from: &Value, keys: &[&str]) -> bool {
    text(from, keys).is_some() || keys.iter().any(|key| from[*key] == Value::Bool(true))
}

fn date(from: &Value, keys: &[&str]) -> Result<Option<Time>> {
    let Some(given) = text(from, keys) else { return Ok(None) };
    if let Ok(instant) = given.parse::<Time>() {
        return Ok(Some(instant));
    }
    let day = given.get(..10).unwrap_or(given).parse::<Date>();
    let start = day.and_then(|day| day.to_zoned(TimeZone::UTC));
    start
        .map(|zoned| Some(Time::new(zoned.timestamp())))
        .map_err(|error| bad(&format!("“{given}” is no date")).caused_by(error))
}

/// An instant this many months ago; a part of a month counts as that part of 28 days.
fn months_ago(from: &Value, key: &str, now: Time) -> Result<Option<Time>> {
    let Some(months) = from[key].as_f64() else { return Ok(None) };
    let whole = months.floor();
    let days = ((months - whole) * 28.0).floor();
    let out_of_range = |error: jiff::Error| bad(&format!("“{key}” is out of range")).caused_by(error);
    let span = Span::new()
        .try_months(whole as i64)
        .and_then(|span| span.try_days(days as i64))
        .map_err(out_of_range)?;
    let then = now.stamp().to_zoned(TimeZone::UTC).checked_sub(span).map_err(out_of_range)?;
    Ok(Some(Time::new(then.timestamp())))
}

fn input(lead: &Value, now: Time) -> Result<Input> {
    let role = date(lead, &["role_started_at", "role_started", "employment_start_date"])?;
    let funded = date(lead, &["funded_at", "latest_funding_date"])?;
    let headcount = ["employees", "headcount", "employee_count"].iter().find_map(|key| match &lead[*key] {
        Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        Value::String(text) => Headcount::parse(text).map(Headcount::estimate),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    let boosts = lead.get("boosts").filter(|given| !given.is_null()).map_or(Ok(Vec::new()), |given| {
        serde_json::from_value::<Vec<Boost>>(given.clone())
            .map_err(|error| bad("“boosts” is malformed").caused_by(error))
    })?;
    Ok(Input {
        now,
        email: email(lead),
        phone: phone_state(lead),
        linkedin: present(lead, &["linkedin_url", "linkedin"]),
        personal_email: present(lead, &["personal_email"]),
        title: text(lead, &["title", "job_title"]).map(str::to_owned),
        industry: text(lead, &["industry"]).map(str::to_owned),
        headcount,
        country: text(lead, &["country"]).and_then(Country::parse),
        role_started: role.map_or_else(|| months_ago(lead, "months_in_role", now), |at| Ok(Some(at)))?,
        hiring: flag(lead, &["hiring", "is_hiring"]),
        funded_at: funded.map_or_else(|| months_ago(lead, "months_since_funding", now), |at| Ok(Some(at)))?,
        bounced: flag(lead, &["bounced"]).unwrap_or(false),
        unsubscribed: flag(lead, &["unsubscribed"]).unwrap_or(false),
        competitor: flag(lead, &["competitor", "is_competitor"]).unwrap_or(false),
        boosts,
    })
}

/// The state of the address. A status without an `email` field stands for an address that was left out.
fn email(lead: &Value) -> Option<EmailState> {
    let status =
        text(lead, &["email_status"]).map(|status| status.to_ascii_lowercase().replace(['-', ' '], "_"));
    let stated = match status.as_deref() {
        Some("verified" | "valid" | "deliverable") => Some(EmailState::Verified),
        Some("catch_all" | "catchall" | "accept_all") => Some(EmailState::CatchAll),
        Some("unverified" | "guessed") => Some(EmailState::Unverified),
        Some(_) | None => {
            flag(lead, &["email_verified"]).filter(|verified| *verified).map(|_| EmailState::Verified)
        }
    };
    if present(lead, &["email"]) {
        Some(stated.unwrap_or(EmailState::Unverified))
    } else {
        stated.filter(|_| lead.get("email").is_none())
    }
}

fn phone_state(lead: &Value) -> Option<PhoneState> {
    let verified =
        flag(lead, &["phone_verified"]).unwrap_or(false) || text(lead, &["phone_status"]) == Some("verified");
    let given = present(lead, &["phone", "mobile"]) || (verified && lead.get("phone").is_none());
    given.then_some(if verified { PhoneState::Verified } else { PhoneState::Present })
}

fn icp(given: &Value) -> Result<(Icp, Weights)> {
    let list = |key: &str| -> Result<Vec<&str>> {
        match &given[key] {
            Value::Null => Ok(Vec::new()),
            Value::String(one) => Ok(vec![one]),
            Value::Array(many) => many
                .iter()
                .map(|one| one.as_str().ok_or_else(|| bad(&format!("“{key}” holds no text"))))
                .collect(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(bad(&format!("“{key}” is no list"))),
        }
    };
    let number = |key: &str, default: u32| match given[key].as_u64() {
        Some(count) => u32::try_from(count).map_err(|_| bad(&format!("“{key}” is too large"))),
        None => Ok(default),
    };
    let countries = list("countries")?
        .into_iter()
        .map(|text| {
            Country::parse(text).ok_or_else(|| bad(&format!("“{text}” is not a country that we know")))
        })
        .collect::<Result<Vec<_>>>()?;
    let default = Icp::default();
    let icp = Icp {
        industries: list("industries")?.into_iter().map(str::to_owned).collect(),
        min_employees: number("min_employees", default.min_employees)?,
        max_employees: number("max_employees", default.max_employees)?,
        countries,
    };
    Ok((icp, weights(&given["weights"])?))
}

fn weights(given: &Value) -> Result<Weights> {
    if given.is_null() {
        return Ok(Weights::default());
    }
    let mut basis_points = [0; 5];
    for (at, kind) in ComponentKind::ALL.into_iter().enumerate() {
        let weight = if given.is_array() { &given[at] } else { &given[kind.name()] };
        let weight = weight.as_f64().filter(|weight| (0.0..=1.0).contains(weight));
        let weight =
            weight.ok_or_else(|| bad(&format!("the weight of {} is not between 0 and 1", kind.name())))?;
        basis_points[at] = (weight * 10_000.0).round() as u16;
    }
    Weights::new(basis_points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Time {
        "2026-11-21T12:00:00Z".parse().expect("a fixed instant")
    }

    #[test]
    fn titles_and_phones_are_answered_with_their_id() {
        let got = title(&json!({"id": 7, "title": "Assistant to the CEO"})).expect("an answer");
        assert_eq!(got, json!({"id": 7, "points": 5}));
        let got = phone(&json!({"id": "a", "input": "0491 570 156", "country": "AU"})).expect("an answer");
        assert_eq!(got, json!({"id": "a", "e164": "+61491570156"}));
        let got = phone(&json!({"id": "b", "input": "12", "country": "AU"})).expect("an answer");
        assert_eq!(got, json!({"id": "b", "e164": null}));
    }

    #[test]
    fn a_score_is_explained_and_adds_up() {
        let line = json!({"id": 1, "lead": {
            "email": "a@b.example", "email_status": "catch_all", "phone": "+61491570156", "phone_verified": true, "linkedin_url": "x",
            "title": "CTO", "industry": "SaaS", "employees": 120, "country": "New Zealand", "months_in_role": 6,
            "is_hiring": true, "months_since_funding": 11, "bounced": true,
        }, "icp": {"industries": ["Software"], "countries": ["AU"], "weights": [0.2, 0.25, 0.25, 0.15, 0.15]}});
        let got = score(&line, now()).expect("an answer");
        // 5+6+4; 22; 10+5+4; 3+5+4; 15-10.
        assert_eq!(
            got["components"],
            json!({"data_quality": 15, "authority": 22, "company_fit": 19, "timing": 12, "risk": 5})
        );
        assert_eq!((&got["total"], &got["tier"]), (&json!(73), &json!("warm")));
    }

    #[test]
    fn unusable_lines_say_why() {
        assert!(score(&json!({"id": 1}), now()).is_err());
        let lead = json!({"id": 1, "lead": {}, "icp": {"weights": [0.5, 0.5, 0.5, 0.0, 0.0]}});
        assert_eq!(score(&lead, now()).err().map(|error| error.code()), Some("score.weights"));
    }
}
