//! What is sent, when it is tried again, and what an answer means.

use crate::endpoint;
use base::{Random, TenantId, Time};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Delays after the first, second, … failure, in seconds: 1, 5 and 15 minutes, then an hour each, until the
/// last attempt comes about a day after the first. Then a delivery is given up.
pub const DELAYS_S: [i64; 26] = {
    let mut all = [3_600; 26];
    (all[0], all[1], all[2]) = (60, 300, 900);
    all
};
/// A server that asks for more patience than this is asked again after it, in seconds.
const PATIENCE_S: i64 = 86_400;
/// How long an endpoint rests after the first, second, … failure in a row, in seconds: nothing but what
/// somebody sends by hand is tried meanwhile, so that a short outage with much to tell does not use up all
/// the failures that an endpoint has. The last one disables it.
pub(super) const RESTS_S: [i32; endpoint::FAILURES_MAX] = [0, 0, 0, 0, 60, 300, 900, 3_600, 3_600, 0];

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

/// What a status of HTTP, or the reason why none came, means.
pub(super) fn judge(came: Result<u16, &str>) -> Verdict {
    match came {
        Ok(200..=299) => Verdict::Taken,
        Ok(410) => Verdict::Gone,
        Ok(status @ 300..=399) => Verdict::Not(format!("It answered {status}; redirects are not followed")),
        Ok(status) => Verdict::Not(format!("It answered {status}")),
        Err(why) => Verdict::Not(why.to_owned()),
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
pub(super) fn body(message: Uuid, event: &Event<'_>) -> base::Result<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        id: String,
        #[serde(rename = "type")]
        kind: &'a str,
        created_at: Time,
        tenant: TenantId,
        subject: Option<Uuid>,
        data: &'a Value,
    }
    Ok(serde_json::to_string(&Body {
        id: webhook_id(message),
        kind: event.kind,
        created_at: event.at,
        tenant: event.tenant,
        subject: event.subject,
        data: &event.data,
    })?)
}

#[cfg(test)]
mod tests {
    use super::{DELAYS_S, Verdict, judge, next_at};
    use base::{Random, Time};

    #[test]
    fn w6_retries_come_after_1_5_and_15_minutes_then_hourly_for_a_day() {
        assert_eq!(DELAYS_S[..4], [60, 300, 900, 3_600]);
        assert!(DELAYS_S[3..].iter().all(|delay_s| *delay_s == 3_600));
        let whole: i64 = DELAYS_S.iter().sum();
        assert!(whole <= 86_400 && whole + 3_600 > 86_400, "the last one after {whole} s");
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
        assert!((900..=912).contains(&next_at(1, Some(900), now, &random).unwrap().since_s(now)));
        assert!(next_at(1, Some(u32::MAX), now, &random).unwrap().since_s(now) <= 86_412);
        assert!(next_at(4, Some(1), now, &random).unwrap().since_s(now) >= 3_600);
    }

    #[test]
    fn only_2xx_is_taken() {
        assert_eq!([200, 202, 204, 299].map(|status| judge(Ok(status))), [const { Verdict::Taken }; 4]);
        assert_eq!(judge(Ok(410)), Verdict::Gone);
        assert!(matches!(judge(Ok(302)), Verdict::Not(why) if why.contains("redirects")));
        assert!(matches!(judge(Ok(500)), Verdict::Not(_)));
        assert_eq!(judge(Err("why")), Verdict::Not("why".to_owned()));
    }
}
