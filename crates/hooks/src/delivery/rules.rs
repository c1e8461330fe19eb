//! What is sent, when it is tried again, and what an answer means.

use base::{Random, Result, TenantId, Time};
use ports::webhook::Came;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Delays after the first, second, … failure, in seconds: about four days in all, as Standard Webhooks
/// proposes. After the last one a delivery is given up.
pub const DELAYS_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// A server that asks for more patience than this is asked again after it, in seconds.
const PATIENCE_S: i64 = 86_400;
/// Failures in a row after which an endpoint rests between attempts.
pub(super) const REST_AFTER: i32 = 5;
/// How long, in seconds.
pub(super) const REST_S: i64 = 60;

/// The id that a receiver sees: the same for every attempt, and for every endpoint of the tenant.
pub fn webhook_id(message: Uuid) -> String {
    format!("msg_{}", message.simple())
}

/// When to try again after `failures` failures, the present one counted: up to a fifth later than the
/// plain delay, so that what failed together does not return together. None: it is given up.
pub(super) fn next_at(failures: i32, retry_after_s: Option<u32>, now: Time, random: &Random) -> Option<Time> {
    let index = usize::try_from(failures).ok()?.checked_sub(1)?;
    let delay_s = *DELAYS_S.get(index)?;
    let asked_s = retry_after_s.map_or(0, i64::from).min(PATIENCE_S);
    Some(now.plus_ms(delay_s.max(asked_s) * 1_000 + random.between(0, delay_s * 200)))
}

/// What an attempt came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The endpoint took it: any status of 200 to 299.
    Taken,
    /// It did not, and why.
    Not(String),
    /// It never will: 410.
    Gone,
}

/// What an outcome means.
pub(super) fn judge(came: &Came) -> Verdict {
    match came {
        Came::Answered { status: 200..=299, .. } => Verdict::Taken,
        Came::Answered { status: 410, .. } => Verdict::Gone,
        Came::Answered { status: status @ 300..=399, .. } => {
            Verdict::Not(format!("It answered {status}; redirects are not followed"))
        }
        Came::Answered { status, .. } => Verdict::Not(format!("It answered {status}")),
        Came::Failed(why) => Verdict::Not(why.clone()),
    }
}

/// An event about to be told.
pub(super) struct Event<'a> {
    pub kind: &'a str,
    pub at: Time,
    pub tenant: TenantId,
    pub subject: Option<Uuid>,
    pub data: Value,
}

/// The body of a message.
pub(super) fn body(message: Uuid, event: &Event<'_>) -> Result<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        id: String,
        #[serde(rename = "type")]
        kind: &'a str,
        created_at: Time,
        tenant: TenantId,
        subject: Option<Uuid>,
        data: Value,
    }
    Ok(serde_json::to_string(&Body {
        id: webhook_id(message),
        kind: event.kind,
        created_at: event.at,
        tenant: event.tenant,
        subject: event.subject,
        data: public(event.data.clone()),
    })?)
}

/// Names of members whose texts never leave. Facts hold no secrets; this holds even if one should.
const PRIVATE: [&str; 9] = [
    "secret",
    "password",
    "token",
    "api_key",
    "authorization",
    "cookie",
    "private_key",
    "credential",
    "sealed",
];

/// The details of a fact without texts that are called like a secret.
fn public(data: Value) -> Value {
    match data {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, value)| {
                    let name = name.to_ascii_lowercase();
                    !(value.is_string() && PRIVATE.iter().any(|word| name.contains(word)))
                })
                .map(|(name, value)| (name, public(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(public).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => data,
    }
}

#[cfg(test)]
mod tests {
    use super::{DELAYS_S, Verdict, judge, next_at, public};
    use base::{Random, Time};
    use ports::webhook::Came;
    use serde_json::json;

    fn answered(status: u16) -> Came {
        Came::Answered { status, head: Vec::new(), retry_after_s: None }
    }

    #[test]
    fn w6_retries_are_jittered_and_end() {
        let (random, now) = (Random::seeded(3), Time::from_us(0));
        for (n, delay_s) in DELAYS_S.into_iter().enumerate() {
            let failures = i32::try_from(n).unwrap() + 1;
            let waits: Vec<i64> =
                (0..50).map(|_| next_at(failures, None, now, &random).unwrap().ms()).collect();
            assert!(waits.iter().all(|ms| (delay_s * 1_000..=delay_s * 1_200).contains(ms)), "{waits:?}");
            assert!(waits.iter().any(|ms| *ms != waits[0]), "the delay is always the same");
        }
        let after_all = i32::try_from(DELAYS_S.len()).unwrap() + 1;
        assert_eq!(next_at(after_all, None, now, &random), None);
    }

    #[test]
    fn a_server_may_ask_for_patience_but_not_for_ever() {
        let (random, now) = (Random::seeded(3), Time::from_us(0));
        assert!((900..=901).contains(&next_at(1, Some(900), now, &random).unwrap().since_s(now)));
        assert!(next_at(1, Some(u32::MAX), now, &random).unwrap().since_s(now) <= 86_401);
        assert!(next_at(4, Some(1), now, &random).unwrap().since_s(now) >= 7_200);
    }

    #[test]
    fn only_2xx_is_taken() {
        assert_eq!([200, 202, 204, 299].map(|s| judge(&answered(s))), [const { Verdict::Taken }; 4]);
        assert_eq!(judge(&answered(410)), Verdict::Gone);
        assert!(matches!(judge(&answered(302)), Verdict::Not(why) if why.contains("redirects")));
        assert!(matches!(judge(&answered(500)), Verdict::Not(_)));
        assert_eq!(judge(&Came::Failed("why".to_owned())), Verdict::Not("why".to_owned()));
    }

    #[test]
    fn texts_called_like_a_secret_never_leave() {
        let data = json!({"amount": 5, "client_secret": "x", "input_tokens": 12, "deep": [{"API_KEY": "y", "name": "z"}]});
        assert_eq!(public(data), json!({"amount": 5, "input_tokens": 12, "deep": [{"name": "z"}]}));
    }
}
