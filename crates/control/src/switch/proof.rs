//! What a switch would freeze, and the proof afterwards that nothing happened behind it.

use super::{Switch, SwitchId, Target, get};
use async_trait::async_trait;
use base::{Result, Time};
use db::Cx;
use serde::Serialize;
use std::sync::Arc;

/// Something that a switch would freeze, counted.
#[derive(Clone, Debug, Serialize)]
pub struct Frozen {
    /// What: "mails that are due today".
    pub label: String,
    /// How many.
    pub count: i64,
    /// The list of them.
    pub href: Option<String>,
}

/// One outside effect.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Effect {
    /// When.
    pub at: Time,
    /// What: "mail to a lead at Harbour Dental".
    pub label: String,
    /// Its page.
    pub href: Option<String>,
}

/// The effects around a switch, as the rows say.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Effects {
    /// The last one that passed the gate before the switch.
    pub last_intent: Option<Effect>,
    /// The last completion among those that passed the gate before the switch; it may be a moment
    /// later than the switch.
    pub last_done: Option<Effect>,
    /// How many passed the gate behind the switch and before its release.
    pub after: i64,
}

/// Whoever records outside effects tells about them here.
#[async_trait]
pub trait EffectSource: Send + Sync + 'static {
    /// What a switch on this target would freeze now.
    async fn frozen(&self, cx: &mut Cx, target: &Target) -> Result<Vec<Frozen>>;
    /// The effects that this target covers, around the time in which it was stopped.
    async fn effects(&self, cx: &mut Cx, target: &Target, from: Time, until: Option<Time>)
    -> Result<Effects>;
    /// Names to choose from when a switch is engaged: value and label. Empty: any text.
    async fn choices(&self, cx: &mut Cx, scope: super::Scope) -> Result<Vec<(String, String)>>;
}

/// An installation in which nothing records outside effects.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEffects;

#[async_trait]
impl EffectSource for NoEffects {
    async fn frozen(&self, _: &mut Cx, _: &Target) -> Result<Vec<Frozen>> {
        Ok(Vec::new())
    }
    async fn effects(&self, _: &mut Cx, _: &Target, _: Time, _: Option<Time>) -> Result<Effects> {
        Ok(Effects::default())
    }
    async fn choices(&self, _: &mut Cx, _: super::Scope) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

/// Several sources as one, in their order.
pub struct Together(pub Vec<Arc<dyn EffectSource>>);

#[async_trait]
impl EffectSource for Together {
    async fn frozen(&self, cx: &mut Cx, target: &Target) -> Result<Vec<Frozen>> {
        let mut all = Vec::new();
        for source in &self.0 {
            all.extend(source.frozen(cx, target).await?);
        }
        Ok(all)
    }
    async fn effects(
        &self,
        cx: &mut Cx,
        target: &Target,
        from: Time,
        until: Option<Time>,
    ) -> Result<Effects> {
        let later = |one: Option<Effect>, other: Option<Effect>| {
            one.into_iter().chain(other).max_by_key(|effect| effect.at)
        };
        let mut all = Effects::default();
        for source in &self.0 {
            let more = source.effects(cx, target, from, until).await?;
            all.last_intent = later(all.last_intent, more.last_intent);
            all.last_done = later(all.last_done, more.last_done);
            all.after += more.after;
        }
        Ok(all)
    }
    async fn choices(&self, cx: &mut Cx, scope: super::Scope) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        for source in &self.0 {
            all.extend(source.choices(cx, scope).await?);
        }
        Ok(all)
    }
}

/// A switch with the effects around it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Proof {
    /// The switch.
    pub switch: Switch,
    /// The effects.
    pub effects: Effects,
    /// Milliseconds from the switch to the last completion; zero when that came before.
    pub stopped_after_ms: i64,
}

/// Reads the proof of a switch from the rows of the effects.
pub async fn proof(cx: &mut Cx, source: &dyn EffectSource, id: SwitchId) -> Result<Proof> {
    let switch = get(cx, id).await?;
    let effects = source.effects(cx, &switch.target, switch.engaged_at, switch.released_at).await?;
    let stopped_after_ms =
        effects.last_done.as_ref().map_or(0, |done| (done.at.ms() - switch.engaged_at.ms()).max(0));
    Ok(Proof { switch, effects, stopped_after_ms })
}
