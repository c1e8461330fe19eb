//! Which weights count: learned before the client's own, those before the defaults. Every row is dated and kept.
//!
//! Learned weights count only when every bar of [`verdict`] is met and somebody (or the client's autopilot) has
//! switched them on with [`adopt`]; they grow old after [`VALID_DAYS`]. What is switched on, off or back scores
//! everyone again.

use super::{Weights, rescore};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// One row of weights.
    WeightId
);

/// Labelled outcomes that learned weights need at least (growth spec, "ALS score").
pub const OUTCOMES_MIN: u32 = 50;
/// The confidence that learned weights must exceed (growth spec, "ALS score").
pub const CONFIDENCE_ABOVE: f64 = 0.7;
/// Days for which learned weights count once they are switched on (growth spec, "Learning").
pub const VALID_DAYS: i64 = 14;

/// Where weights come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.weight_kind", rename_all = "snake_case")]
pub enum Kind {
    /// Set by the client.
    Custom,
    /// Learned from the client's outcomes.
    Learned,
}

impl Kind {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Custom => "Your own",
            Self::Learned => "Learned",
        }
    }
}

/// How one week that was kept out of the learning turned out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HeldOut {
    /// The week's Monday, as an ISO date.
    pub week: String,
    /// Labelled outcomes in it.
    pub outcomes: u32,
    /// Mean log loss under the learned weights.
    pub loss: f64,
    /// Mean log loss under the weights that counted then.
    pub baseline: f64,
}

/// What speaks for learned weights.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Labelled outcomes that they were learned from, held-out ones included.
    pub outcomes: u32,
    /// How sure the learner is, 0 to 1.
    pub confidence: f64,
    /// The weeks that were kept out; all lie behind those that were learned from.
    pub held_out: Vec<HeldOut>,
    /// How they were learned, in a sentence.
    pub method: String,
}

impl Evidence {
    /// Mean loss on the held-out weeks, learned and baseline, each outcome counting once. None without outcomes.
    pub fn losses(&self) -> Option<(f64, f64)> {
        let outcomes: f64 = self.held_out.iter().map(|week| f64::from(week.outcomes)).sum();
        let sum = |of: fn(&HeldOut) -> f64| {
            self.held_out.iter().map(|week| of(week) * f64::from(week.outcomes)).sum::<f64>() / outcomes
        };
        (outcomes > 0.0).then(|| (sum(|week| week.loss), sum(|week| week.baseline)))
    }
}

/// Whether learned weights may ever count, and why, in a sentence.
pub fn verdict(evidence: &Evidence) -> (bool, String) {
    if evidence.outcomes < OUTCOMES_MIN {
        let text =
            format!("{} labelled outcomes are fewer than the {OUTCOMES_MIN} needed.", evidence.outcomes);
        return (false, text);
    }
    let confidence = evidence.confidence;
    if !(confidence > CONFIDENCE_ABOVE && confidence <= 1.0) {
        return (
            false,
            format!("The confidence of {confidence:.2} is not above the {CONFIDENCE_ABOVE} needed."),
        );
    }
    match evidence.losses() {
        None => (false, "No outcomes of held-out weeks show whether they are better.".to_owned()),
        Some((loss, baseline)) if loss < baseline => (
            true,
            format!(
                "On held-out weeks they predict better: log loss {loss:.4} against {baseline:.4}, {} outcomes, confidence {confidence:.2}.",
                evidence.outcomes
            ),
        ),
        Some((loss, baseline)) => (
            false,
            format!(
                "On held-out weeks they do not predict better: log loss {loss:.4} against {baseline:.4}."
            ),
        ),
    }
}

/// What became of learned weights that were handed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Learned {
    /// Their row.
    pub id: WeightId,
    /// Whether [`adopt`] may switch them on.
    pub sound: bool,
    /// Why, in a sentence.
    pub verdict: String,
}

/// A row of weights.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub id: WeightId,
    /// Where it comes from.
    pub kind: Kind,
    /// The weights.
    pub weights: Weights,
    /// Labelled outcomes behind learned ones.
    pub outcomes: i32,
    /// How sure the learner was.
    pub confidence: Option<f32>,
    /// Every bar is met.
    pub sound: bool,
    /// Why it may or may not count.
    pub verdict: String,
    /// Why it was set.
    pub reason: String,
    /// Since when it counts; none: only proposed.
    pub valid_from: Option<Time>,
    /// When it grows old.
    pub valid_until: Option<Time>,
    /// When it was replaced or switched off.
    pub ended_at: Option<Time>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

impl Row {
    /// Whether it was on and has neither been ended nor grown old.
    pub fn is_on(&self, now: Time) -> bool {
        self.valid_from.is_some_and(|from| from <= now)
            && self.ended_at.is_none()
            && self.valid_until.is_none_or(|until| until > now)
    }
}

/// The weights that count now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InForce {
    /// The weights.
    pub weights: Weights,
    /// Where they come from; none: the defaults.
    pub kind: Option<Kind>,
    /// Their row; none: the defaults.
    pub id: Option<WeightId>,
}

fn points(weights: &Weights) -> Vec<i32> {
    <[u16; 5]>::from(*weights).into_iter().map(i32::from).collect()
}

fn weights(points: &[i32]) -> Result<Weights> {
    let bad = || Error::internal("A row of weights does not hold five numbers.");
    let all: Vec<u16> = points
        .iter()
        .map(|n| u16::try_from(*n))
        .collect::<std::result::Result<_, _>>()
        .map_err(|cause| bad().caused_by(cause))?;
    Weights::new(all.try_into().map_err(|_| bad())?)
}

/// The weights that count now, by precedence.
pub async fn in_force(cx: &mut Cx) -> Result<InForce> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let row = sqlx::query!(
        r#"select id, kind as "kind: Kind", points from leads.weight
           where tenant_id = $1 and valid_from <= $2 and ended_at is null and (valid_until is null or valid_until > $2)
           order by kind desc limit 1"#,
        tenant,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(match row {
        Some(row) => {
            InForce { weights: weights(&row.points)?, kind: Some(row.kind), id: Some(WeightId(row.id)) }
        }
        None => InForce { weights: Weights::default(), kind: None, id: None },
    })
}

/// The client's own weights, whether or not learned ones go before them.
pub async fn custom(cx: &mut Cx) -> Result<Option<Weights>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query_scalar!(
        "select points from leads.weight where tenant_id = $1 and kind = 'custom' and valid_from is not null and ended_at is null",
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?;
    row.as_deref().map(weights).transpose()
}

/// The rows, newest first.
pub async fn history(cx: &mut Cx, limit: i64) -> Result<Vec<Row>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, kind as "kind: Kind", points, outcomes, confidence, sound, verdict, reason, valid_from as "valid_from: Time",
                  valid_until as "valid_until: Time", ended_at as "ended_at: Time", created_by, created_at
           from leads.weight where tenant_id = $1 order by created_at desc, id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Row {
                id: WeightId(r.id),
                kind: r.kind,
                weights: weights(&r.points)?,
                outcomes: r.outcomes,
                confidence: r.confidence,
                sound: r.sound,
                verdict: r.verdict,
                reason: r.reason,
                valid_from: r.valid_from,
                valid_until: r.valid_until,
                ended_at: r.ended_at,
                created_by: r.created_by,
                created_at: r.created_at,
            })
        })
        .collect()
}

/// Keeps learned weights with what speaks for them. They do not count yet: [`adopt`] switches sound ones on.
pub async fn learn(cx: &mut Cx, weights: &Weights, evidence: &Evidence) -> Result<Learned> {
    let (sound, verdict) = verdict(evidence);
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let id: WeightId = cx.id();
    let confidence = evidence.confidence.clamp(0.0, 1.0);
    sqlx::query!(
        "insert into leads.weight (id, tenant_id, kind, points, outcomes, confidence, evidence, sound, verdict, reason, created_by, created_at)
         values ($1, $2, 'learned', $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.uuid(),
        tenant,
        &points(weights),
        i32::try_from(evidence.outcomes).unwrap_or(i32::MAX),
        confidence as f32,
        serde_json::to_value(evidence)?,
        sound,
        verdict,
        evidence.method,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let fact = Fact::about("leads.weights.learned", id).with(json!({"sound": sound, "verdict": verdict}));
    cx.publish(fact).await?;
    Ok(Learned { id, sound, verdict })
}

/// Switches proposed learned weights on, for [`VALID_DAYS`]; everyone is scored again. Errors: not proposed, or a
/// bar was not met.
pub async fn adopt(cx: &mut Cx, id: WeightId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let row = sqlx::query!(
        "select sound, verdict, valid_from from leads.weight where tenant_id = $1 and id = $2 and kind = 'learned' for update",
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("weights"))?;
    if !row.sound {
        return Err(Error::refused(
            "weights.unsound",
            format!("These weights cannot count. {}", row.verdict),
        ));
    }
    if row.valid_from.is_some() {
        return Err(Error::conflict(
            "weights.known",
            "These weights were switched on before; restore them instead.",
        ));
    }
    close(cx, Kind::Learned).await?;
    sqlx::query!(
        "update leads.weight set valid_from = $3, valid_until = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
        now.plus_s(VALID_DAYS * 86_400) as Time,
    )
    .execute(cx.conn())
    .await?;
    changed(cx, "learned weights were switched on").await
}

/// Sets the client's own weights, or goes without them; everyone is scored again when that changes something.
pub async fn set_custom(cx: &mut Cx, weights: Option<&Weights>, reason: &str) -> Result<()> {
    if custom(cx).await?.as_ref() == weights {
        return Ok(());
    }
    close(cx, Kind::Custom).await?;
    if let Some(weights) = weights {
        add_custom(cx, weights, reason, None).await?;
    }
    changed(cx, "your own weights changed").await
}

async fn add_custom(
    cx: &mut Cx,
    weights: &Weights,
    reason: &str,
    restores: Option<WeightId>,
) -> Result<WeightId> {
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<WeightId>());
    sqlx::query!(
        "insert into leads.weight (id, tenant_id, kind, points, sound, verdict, reason, restores, valid_from, created_by, created_at)
         values ($1, $2, 'custom', $3, true, 'Set by the client.', $4, $5, $6, $7, $6)",
        id.uuid(),
        tenant,
        &points(weights),
        reason.trim(),
        restores.map(|id| id.uuid()),
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// Switches the weights of this kind off: what comes next by precedence counts.
pub async fn switch_off(cx: &mut Cx, kind: Kind) -> Result<()> {
    if close(cx, kind).await? == 0 {
        return Err(Error::conflict("weights.off", "No such weights are switched on."));
    }
    let why = match kind {
        Kind::Custom => "your own weights were switched off",
        Kind::Learned => "learned weights were switched off",
    };
    changed(cx, why).await
}

/// Brings an earlier row back as it was: a row of its own, so that the history stays whole.
pub async fn restore(cx: &mut Cx, id: WeightId) -> Result<WeightId> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let row = sqlx::query!(
        r#"select kind as "kind: Kind", points, valid_from from leads.weight where tenant_id = $1 and id = $2 and sound"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .filter(|row| row.valid_from.is_some())
    .ok_or_else(|| Error::not_found("weights that counted once"))?;
    close(cx, row.kind).await?;
    let back = match row.kind {
        Kind::Custom => add_custom(cx, &weights(&row.points)?, "restored", Some(id)).await?,
        Kind::Learned => {
            let back: WeightId = cx.id();
            sqlx::query!(
                "insert into leads.weight (id, tenant_id, kind, points, outcomes, confidence, evidence, sound, verdict, reason, restores, valid_from, valid_until, created_by, created_at)
                 select $3, tenant_id, kind, points, outcomes, confidence, evidence, sound, verdict, 'restored', id, $4, $5, $6, $4
                 from leads.weight where tenant_id = $1 and id = $2",
                tenant,
                id.uuid(),
                back.uuid(),
                now as Time,
                now.plus_s(VALID_DAYS * 86_400) as Time,
                by,
            )
            .execute(cx.conn())
            .await?;
            back
        }
    };
    changed(cx, "earlier weights were restored").await?;
    Ok(back)
}

/// Ends what counts of this kind; returns how many rows.
async fn close(cx: &mut Cx, kind: Kind) -> Result<u64> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    Ok(sqlx::query!(
        "update leads.weight set ended_at = $3, ended_by = $4 where tenant_id = $1 and kind = $2 and valid_from is not null and ended_at is null",
        tenant,
        kind as Kind,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?
    .rows_affected())
}

async fn changed(cx: &mut Cx, why: &str) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    cx.publish(Fact::about("leads.weights.changed", tenant).with(json!({"why": why}))).await?;
    rescore::begin(cx, why).await?;
    Ok(())
}
