//! Campaigns: what is offered to whom, by which sequence, through which mailboxes, how fast, and
//! who decides.

pub mod api;
mod leads;
pub mod pages;
pub mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use leads::{AddFilter, Enrolled, Stage, add_leads, enrolled};
pub use rules::{Allocation, Move, Status};
pub use store::{active, counts, get, list, names};

use crate::{resource, sequence, touch::Mode};
use base::{Error, Result, Time};
use billing::limit::{self, Limit};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A campaign.
    CampaignId
);

/// A campaign.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Campaign {
    /// Which.
    pub id: CampaignId,
    /// What people call it.
    pub name: String,
    /// What it is to reach.
    pub goal: String,
    /// What it offers, in the client's words; empty: what the client offers.
    pub offer: String,
    /// Where it stands.
    pub status: Status,
    /// Who decides about drafts; none: as the client chose.
    pub mode: Option<Mode>,
    /// Percent by channel.
    pub allocation: Allocation,
    /// Messages a day at most.
    pub daily_limit: i32,
    /// Whether opens and clicks are looked at.
    pub tracking: bool,
    /// The sequence version that leads get who join from now on.
    pub sequence_id: Option<Uuid>,
    /// First day (ISO), in each lead's own zone.
    pub starts_on: Option<String>,
    /// Last day (ISO).
    pub ends_on: Option<String>,
    /// Why it is paused.
    pub paused_reason: Option<String>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Time,
    /// When it began.
    #[schemars(with = "Option<String>")]
    pub activated_at: Option<Time>,
}

/// What a campaign is made of at first.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// What people call it.
    pub name: String,
    /// What it is to reach.
    pub goal: String,
    /// What it offers.
    pub offer: String,
    /// Begin with the sequence “First contact, three e-mails”.
    pub with_template: bool,
}

/// What is changed; none leaves it as it is.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// Its goal.
    pub goal: Option<String>,
    /// Its offer.
    pub offer: Option<String>,
    /// Who decides: `autopilot`, `co_pilot`, `manual`, or `client` for as the client chose.
    pub mode: Option<String>,
    /// Percent by channel.
    pub allocation: Option<Allocation>,
    /// Messages a day.
    pub daily_limit: Option<i32>,
    /// Whether opens and clicks are looked at.
    pub tracking: Option<bool>,
    /// First day; empty for none.
    pub starts_on: Option<String>,
    /// Last day; empty for none.
    pub ends_on: Option<String>,
}

/// The numbers of a campaign, each from rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// Leads that joined.
    pub leads: i64,
    /// Leads to whom something was sent.
    pub contacted: i64,
    /// Leads who answered (machines do not count).
    pub replied: i64,
    /// Leads who want to talk or know more.
    pub positive: i64,
    /// Leads with a meeting that was not cancelled.
    pub meetings: i64,
}

/// Something without which a campaign cannot begin, and where to see to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Missing {
    /// A stable code.
    pub code: &'static str,
    /// What is missing, in words.
    pub what: String,
    /// Where to add it.
    pub href: String,
}

/// Makes a draft. All its mailboxes are assigned later, or at once when there is only one.
pub async fn create(cx: &mut Cx, new: New) -> Result<CampaignId> {
    rules::check_settings(&new.name, DAILY_LIMIT, None, None)?;
    let id: CampaignId = cx.id();
    store::insert(cx, id, &new, DAILY_LIMIT).await?;
    if new.with_template {
        sequence::save(cx, id, "First contact, three e-mails", sequence::first_contact()).await?;
    }
    let resources = resource::list(cx).await?;
    if let [only] = resources.as_slice() {
        assign(cx, id, &[only.id.uuid()]).await?;
    }
    cx.publish(Fact::about("outreach.campaign.created", id).with(json!({"name": new.name.trim()}))).await?;
    Ok(id)
}

/// Messages a day of a campaign that says nothing else.
const DAILY_LIMIT: i32 = 50;

/// Changes settings. A completed campaign stays as it is.
pub async fn edit(cx: &mut Cx, id: CampaignId, change: &Change) -> Result<Campaign> {
    let mut c = get(cx, id).await?;
    if c.status == Status::Completed {
        return Err(Error::conflict("campaign.completed", "A completed campaign cannot be changed."));
    }
    let text = |new: &Option<String>, old: String| new.as_ref().map_or(old, |new| new.trim().to_owned());
    let date = |new: &Option<String>, old: Option<String>| match new {
        Some(new) => Some(new.trim().to_owned()).filter(|date| !date.is_empty()),
        None => old,
    };
    c.name = text(&change.name, c.name);
    c.goal = text(&change.goal, c.goal);
    c.offer = text(&change.offer, c.offer);
    c.daily_limit = change.daily_limit.unwrap_or(c.daily_limit);
    c.tracking = change.tracking.unwrap_or(c.tracking);
    c.starts_on = date(&change.starts_on, c.starts_on);
    c.ends_on = date(&change.ends_on, c.ends_on);
    if let Some(mode) = &change.mode {
        c.mode = mode_of(mode)?;
    }
    if let Some(allocation) = &change.allocation {
        rules::check_allocation(allocation)?;
        c.allocation = allocation.clone();
    }
    rules::check_settings(&c.name, c.daily_limit, c.starts_on.as_deref(), c.ends_on.as_deref())?;
    store::update(cx, &c).await?;
    cx.publish(Fact::about("outreach.campaign.changed", id)).await?;
    Ok(c)
}

fn mode_of(word: &str) -> Result<Option<Mode>> {
    match word {
        "client" | "" => Ok(None),
        "autopilot" => Ok(Some(Mode::Autopilot)),
        "co_pilot" => Ok(Some(Mode::CoPilot)),
        "manual" => Ok(Some(Mode::Manual)),
        _ => Err(Error::invalid("campaign.mode", format!("“{word}” is not a permission mode."))),
    }
}

/// What is missing before it can begin.
pub async fn missing(cx: &mut Cx, campaign: &Campaign) -> Result<Vec<Missing>> {
    let id = campaign.id;
    let found = store::readiness(cx, id).await?;
    let mut missing = Vec::new();
    let mut add = |holds: bool, code, what: &str, href: String| {
        if !holds {
            missing.push(Missing { code, what: what.to_owned(), href });
        }
    };
    add(found.steps > 0, "steps", "The sequence has no step.", format!("/campaigns/{id}/sequence"));
    let senders = || {
        if found.any_resource { format!("/campaigns/{id}/resources") } else { "/settings/sending".to_owned() }
    };
    if found.channels.is_empty() {
        add(!found.resources.is_empty(), "resource", "No active sender is assigned.", senders());
    }
    for channel in &found.channels {
        let what = format!("No active sender for {} is assigned.", channel.label());
        add(found.resources.contains(channel), "resource", &what, senders());
        let what = format!("A step uses {}, whose share is 0 %.", channel.label());
        let share = rules::share(&campaign.allocation, *channel, campaign.daily_limit);
        add(share > 0, "allocation", &what, format!("/campaigns/{id}/settings"));
    }
    let organisation = || "/settings/organisation".to_owned();
    add(
        found.legal_name,
        "legal_name",
        "The organisation's legal name is missing; the law asks for it in every message.",
        organisation(),
    );
    add(
        found.postal_address,
        "postal_address",
        "The organisation's postal address is missing; the law asks for it in every message.",
        organisation(),
    );
    Ok(missing)
}

/// Leads of the campaign without a recorded basis of consent: nothing is sent to them.
pub async fn without_consent(cx: &mut Cx, id: CampaignId) -> Result<i64> {
    store::without_consent(cx, id).await
}

/// Begins. Errors: `campaign.not_ready` naming each missing thing; `plan.campaigns` where the client's plan allows no
/// further one to run.
pub async fn activate(cx: &mut Cx, id: CampaignId) -> Result<()> {
    let campaign = get(cx, id).await?;
    let missing = missing(cx, &campaign).await?;
    if !missing.is_empty() {
        let what: Vec<&str> = missing.iter().map(|m| m.what.as_str()).collect();
        return Err(Error::refused(
            "campaign.not_ready",
            format!("The campaign cannot begin yet: {}", what.join(" ")),
        ));
    }
    room(cx, &campaign, Move::Activate).await?;
    shift(cx, id, Move::Activate, None).await?;
    cx.publish(
        Fact::about("outreach.campaign.activated", id).with(json!({"name": campaign.name, "resumed": false})),
    )
    .await
}

/// Holds it. Messages that have not begun to leave wait.
pub async fn pause(cx: &mut Cx, id: CampaignId, reason: &str) -> Result<()> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("campaign.reason", "Say why the campaign is paused."));
    }
    cx.because(reason).await?;
    shift(cx, id, Move::Pause, Some(reason)).await?;
    cx.publish(Fact::about("outreach.campaign.paused", id).with(json!({"reason": reason}))).await
}

/// Goes on; what is missing by now, and a plan that allows no further one to run, stop it as at the beginning.
pub async fn resume(cx: &mut Cx, id: CampaignId) -> Result<()> {
    let campaign = get(cx, id).await?;
    let missing = missing(cx, &campaign).await?;
    if let Some(first) = missing.first() {
        return Err(Error::refused(
            "campaign.not_ready",
            format!("The campaign cannot go on yet: {}", first.what),
        ));
    }
    room(cx, &campaign, Move::Resume).await?;
    shift(cx, id, Move::Resume, None).await?;
    // The planner looks at once.
    cx.publish(
        Fact::about("outreach.campaign.activated", id).with(json!({"name": campaign.name, "resumed": true})),
    )
    .await
}

/// Whether the client's plan allows one more to run. A move that is not to be is refused for that by [`shift`].
async fn room(cx: &mut Cx, campaign: &Campaign, step: Move) -> Result<()> {
    if step.after(campaign.status) != Some(Status::Active) {
        return Ok(());
    }
    limit::take(cx, Limit::Campaigns, store::active).await
}

/// Ends it for good: nothing more is written or sent; conversations go on.
pub async fn complete(cx: &mut Cx, id: CampaignId) -> Result<()> {
    shift(cx, id, Move::Complete, None).await?;
    for enrolment in store::running(cx, id).await? {
        crate::enrolment::stop(cx, enrolment, "The campaign was completed.").await?;
    }
    cx.publish(Fact::about("outreach.campaign.completed", id)).await
}

/// Asks for permission to begin (for clients whose policy wants that).
pub async fn ask(cx: &mut Cx, id: CampaignId) -> Result<()> {
    shift(cx, id, Move::Ask, None).await?;
    cx.publish(Fact::about("outreach.campaign.approval_asked", id)).await
}

/// Back to preparation.
pub async fn withdraw(cx: &mut Cx, id: CampaignId) -> Result<()> {
    shift(cx, id, Move::Withdraw, None).await
}

async fn shift(cx: &mut Cx, id: CampaignId, step: Move, reason: Option<&str>) -> Result<()> {
    if store::shift(cx, id, step, reason).await? {
        return Ok(());
    }
    let found = get(cx, id).await?;
    Err(Error::conflict(
        "campaign.state",
        format!("A campaign that is {} cannot be {}.", found.status.label().to_lowercase(), step.done()),
    ))
}

/// Sets the mailboxes that a campaign uses.
pub async fn assign(cx: &mut Cx, id: CampaignId, resources: &[Uuid]) -> Result<()> {
    store::assign(cx, id, resources).await?;
    cx.publish(Fact::about("outreach.campaign.resources_changed", id).with(json!({"count": resources.len()})))
        .await
}
