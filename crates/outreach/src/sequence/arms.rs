//! How the wordings of a step do against each other: replies that are counted, intervals, and a race
//! that may be looked at every day. Opens and clicks are not looked at.

use base::Result;
use db::Cx;
use evidence::{
    Interval, Rate,
    race::{Race, Standing},
    rate::Confidence,
};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Days in which an answer counts for the message before it.
const ANSWER_DAYS: i32 = 14;

/// One wording.
#[derive(Clone, Debug, Serialize)]
pub struct Arm {
    /// Its letter.
    pub arm: String,
    /// Good answers among the messages whose 14 days to be answered are over. Younger ones are not counted:
    /// of them only the answered would be known, and every wording would look good.
    pub rate: Rate,
    /// Of the messages sent with it, all.
    pub sent: u64,
    /// The share of good answers, with what it may really be (95 %).
    pub interval: Option<Interval>,
}

/// The wordings of one step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The step's number.
    pub number: i16,
    /// Its wordings, by letter.
    pub arms: Vec<Arm>,
    /// What can be said.
    pub standing: Standing,
}

/// Every step of a campaign of which more than one wording was sent, over all its versions that have
/// this wording. A good answer: a meeting asked for, interest, a question.
pub async fn standings(cx: &mut Cx, campaign: Uuid, sequence: Uuid) -> Result<Vec<Step>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query!(
        r#"select t.step_number as number, t.arm as "arm!", (t.sent_at at time zone 'UTC')::date::text as "day!", count(*) as "sent!",
                  count(*) filter (where t.sent_at < $4::timestamptz - make_interval(days => $5)) as "ripe!",
                  count(*) filter (where r.good and t.sent_at < $4::timestamptz - make_interval(days => $5)) as "good!"
           from outreach.touch t
           join outreach.enrolment e on e.id = t.enrolment_id
           left join lateral (
             select true as good from outreach.activity a
             where a.tenant_id = $1 and a.lead_id = t.lead_id and a.campaign_id = t.campaign_id and a.action = 'replied'
               and a.detail ->> 'intent' in ('meeting_request', 'interested', 'question')
               and a.at >= t.sent_at and a.at < t.sent_at + make_interval(days => $5)
               and not exists (select from outreach.touch n where n.tenant_id = $1 and n.enrolment_id = t.enrolment_id
                                 and n.sent_at > t.sent_at and n.sent_at <= a.at)
             limit 1) r on true
           where t.tenant_id = $1 and t.campaign_id = $2 and e.sequence_id = $3 and t.arm is not null and t.sent_at is not null
           group by 1, 2, 3 order by 1, 3, 2"#,
        tenant,
        campaign,
        sequence,
        now as base::Time,
        ANSWER_DAYS,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut days: BTreeMap<i16, Days> = BTreeMap::new();
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    for row in rows {
        let cell = days.entry(row.number).or_default().entry(row.day).or_default();
        cell.insert(row.arm, (count(row.sent), count(row.good), count(row.ripe)));
    }
    Ok(days.into_iter().map(|(number, days)| step(number, &days)).collect())
}

/// Of each day, of each arm: what was sent, what was answered well, what had its time to be answered.
type Days = BTreeMap<String, BTreeMap<String, (u64, u64, u64)>>;

fn step(number: i16, days: &Days) -> Step {
    let mut letters: Vec<String> = days.values().flat_map(|day| day.keys().cloned()).collect();
    letters.sort();
    letters.dedup();
    let mut race = Race::new(letters.len());
    let mut sent = vec![0; letters.len()];
    for day in days.values() {
        let of = |letter: &String| day.get(letter).copied().unwrap_or_default();
        let outcomes: Vec<Rate> =
            letters.iter().map(of).map(|(_, good, ripe)| Rate::of(good, ripe.saturating_sub(good))).collect();
        for (sum, letter) in sent.iter_mut().zip(&letters) {
            *sum += of(letter).0;
        }
        race.day(&outcomes);
    }
    let arms = letters.into_iter().zip(sent).zip(race.totals()).map(|((arm, sent), rate)| Arm {
        arm,
        rate: *rate,
        sent,
        interval: (rate.trials() > 0).then(|| rate.interval(Confidence::USUAL)),
    });
    Step { number, arms: arms.collect(), standing: race.standing() }
}
