//! Whose doing a meeting or a won deal was: the messages before it share one success by four models.

use base::{Result, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Days before a success within which messages have a share in it.
const DAYS: i32 = 90;
/// Rows of messages that are read at most, the latest successes first.
const ROWS_MAX: i64 = 100_000;
/// Messages later, in which the share of a message doubles.
const DOUBLES_IN: f64 = 3.0;

/// How one success is shared among the messages before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Model {
    /// The first has all.
    First,
    /// The last has all.
    Last,
    /// Each has the same.
    Linear,
    /// Later ones have more: the share doubles every three messages.
    TimeDecay,
}

impl Model {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::First, Self::Last, Self::Linear, Self::TimeDecay];

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::First => "First touch",
            Self::Last => "Last touch",
            Self::Linear => "Linear",
            Self::TimeDecay => "Time decay",
        }
    }

    /// The share of each of `count` messages in their order; together exactly one success.
    pub fn shares(self, count: usize) -> Vec<f64> {
        let raw: Vec<f64> = (0..count)
            .map(|place| match self {
                Self::First => f64::from(u8::from(place == 0)),
                Self::Last => f64::from(u8::from(place + 1 == count)),
                Self::Linear => 1.0,
                Self::TimeDecay => ((place as f64 + 1.0 - count as f64) / DOUBLES_IN).exp2(),
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|share| share / sum).collect()
    }
}

/// What is attributed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// Booked meetings.
    Meetings,
    /// Won deals.
    Wins,
}

impl Of {
    /// The word in addresses and in the ladder of outcomes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Meetings => "meeting",
            Self::Wins => "won",
        }
    }

    /// The one that is written so; meetings for anything else.
    pub fn parse(text: &str) -> Self {
        if text == "won" { Self::Wins } else { Self::Meetings }
    }
}

/// A message before a success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Touch {
    /// Its channel.
    pub channel: String,
    /// Its campaign.
    pub campaign: Uuid,
    /// The campaign's name.
    pub name: String,
    /// Which step of the sequence.
    pub step: i16,
}

/// Successes by segment, model by model in the order of [`Model::ALL`].
pub type Credits = BTreeMap<String, [f64; 4]>;

/// Shares successes out; each is the messages before it in their order. `by` names the segment of a message.
pub fn credit(successes: &[Vec<Touch>], by: impl Fn(&Touch) -> String) -> Credits {
    let mut credits = Credits::new();
    for touches in successes {
        for (place, model) in Model::ALL.into_iter().enumerate() {
            for (touch, share) in touches.iter().zip(model.shares(touches.len())) {
                credits.entry(by(touch)).or_default()[place] += share;
            }
        }
    }
    credits
}

/// Successes of a span with the messages before each; and how many had none.
pub async fn read(cx: &mut Cx, of: Of, from: Time, to: Time) -> Result<(Vec<Vec<Touch>>, i64)> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"with success as (
             select lead_id, at, row_number() over (order by at desc, lead_id) as number from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $3 and rung::text = $4)
           select s.number as "number!", t.channel::text as "channel?", t.campaign_id as "campaign?", c.name as "name?", t.step_number as "step?"
           from success s
           left join outreach.touch t on t.tenant_id = $1 and t.lead_id = s.lead_id and t.sent_at <= s.at
             and t.sent_at > s.at - make_interval(days => $5)
           left join outreach.campaign c on c.tenant_id = $1 and c.id = t.campaign_id
           order by s.number, t.sent_at limit $6"#,
        tenant,
        from as Time,
        to as Time,
        of.word(),
        DAYS,
        ROWS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut successes: BTreeMap<i64, Vec<Touch>> = BTreeMap::new();
    for row in rows {
        let touches = successes.entry(row.number).or_default();
        if let (Some(channel), Some(campaign), Some(step)) = (row.channel, row.campaign, row.step) {
            touches.push(Touch { channel, campaign, name: row.name.unwrap_or_default(), step });
        }
    }
    let (with, without): (Vec<_>, Vec<_>) = successes.into_values().partition(|touches| !touches.is_empty());
    Ok((with, i64::try_from(without.len()).unwrap_or(i64::MAX)))
}
