//! The just-in-time gate: one pure function over what was read inside the transaction that records
//! the hand-off. It answers at allocation, before anything is spent on writing (a dry run), and
//! again at the moment of sending. The order is the spec's; the first check that fails is the
//! answer, kept as a structured skip.

#[cfg(test)]
mod tests;

use crate::{channel::Channel, window::LocalWindow};
use base::Time;
use serde::Serialize;

/// The checks, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A kill switch holds on the platform, client, campaign, channel or agent.
    Switch,
    /// The client is trialing or active, nothing of what it pays is missing, and there is a credit for somebody new.
    Client,
    /// The campaign is active.
    Campaign,
    /// The permission mode lets this be done now.
    Mode,
    /// The lead exists and is in a state that may be contacted.
    Lead,
    /// Nobody may contact this person.
    PlatformSuppression,
    /// This client may not contact this person.
    ClientSuppression,
    /// A basis of consent is recorded that permits the channel, and the Do-Not-Call register does not forbid
    /// the call.
    Consent,
    /// Number of touches, time since the last, per-person limits.
    Frequency,
    /// The channel is permitted for the lead's tier.
    ChannelPolicy,
    /// Inside the window in the lead's own time.
    Window,
    /// A resource is healthy, warm and has capacity.
    Resource,
    /// The budgets allow it.
    Budget,
    /// The content passed its checks, is what was approved, and is not stale.
    Content,
    /// The sender's name and postal address are there.
    Sender,
}

impl Check {
    /// Every check in the order in which they are made.
    pub const ALL: [Self; 15] = [
        Self::Switch,
        Self::Client,
        Self::Campaign,
        Self::Mode,
        Self::Lead,
        Self::PlatformSuppression,
        Self::ClientSuppression,
        Self::Consent,
        Self::Frequency,
        Self::ChannelPolicy,
        Self::Window,
        Self::Resource,
        Self::Budget,
        Self::Content,
        Self::Sender,
    ];

    /// The stable word of the check.
    pub fn word(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Client => "client",
            Self::Campaign => "campaign",
            Self::Mode => "mode",
            Self::Lead => "lead",
            Self::PlatformSuppression => "platform_suppression",
            Self::ClientSuppression => "client_suppression",
            Self::Consent => "consent",
            Self::Frequency => "frequency",
            Self::ChannelPolicy => "channel_policy",
            Self::Window => "window",
            Self::Resource => "resource",
            Self::Budget => "budget",
            Self::Content => "content",
            Self::Sender => "sender",
        }
    }
}

/// A refusal: which check, why, and when it may be tried again (never, if not said).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Skip {
    /// The check that failed.
    pub check: Check,
    /// A stable code within the check, such as `cooling`.
    pub code: &'static str,
    /// The reason in words, with the figures that decided.
    pub detail: String,
    /// When it may pass.
    pub retry_at: Option<Time>,
}

impl Skip {
    /// A refusal without a time to try again.
    pub fn never(check: Check, code: &'static str, detail: impl Into<String>) -> Self {
        Self { check, code, detail: detail.into(), retry_at: None }
    }

    /// A refusal that may pass at an instant.
    pub fn until(check: Check, code: &'static str, detail: impl Into<String>, retry_at: Time) -> Self {
        Self { check, code, detail: detail.into(), retry_at: Some(retry_at) }
    }
}

/// Why the gate is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Before writing: content, approval and capacity cannot be there yet.
    DryRun,
    /// Inside the transaction that records the hand-off.
    Send,
    /// A person did it and says so: hours, senders and the age of the words are theirs.
    Task,
}

/// The effective permission mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "accounts.mode", rename_all = "snake_case")]
pub enum Mode {
    /// Acts without asking.
    Autopilot,
    /// Asks for each act.
    CoPilot,
    /// Never acts; a person does it.
    Manual,
}

impl Mode {
    /// The mode that counts: the lead's unexpired override, else the campaign's, else the client's.
    pub fn effective(
        lead: Option<(Mode, Option<Time>)>,
        campaign: Option<Mode>,
        client: Mode,
        now: Time,
    ) -> Mode {
        let own = lead.filter(|(_, until)| until.is_none_or(|until| until > now)).map(|(mode, _)| mode);
        own.or(campaign).unwrap_or(client)
    }
}

/// What is known of the approval of this content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Approval {
    /// None was asked for.
    None,
    /// Still waiting.
    Pending,
    /// Given, for exactly these bytes.
    Given,
    /// Given, but for other bytes than these.
    Changed,
    /// Refused, expired or withdrawn.
    Refused,
}

/// Per-person limits, from the dated figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrequencyLimits {
    /// E-mails to one person in 14 days.
    pub emails_per_14_days: i64,
    /// Text messages to one person in 30 days.
    pub sms_per_30_days: i64,
    /// Days between touches of any channel.
    pub gap_days: i64,
    /// Days after which written content is stale.
    pub stale_days: i64,
}

/// The sending identity that was picked, and whether its capacity could be reserved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Picked and reserved (or, in a dry run, known to have room).
    Ready,
    /// None fits.
    Missing {
        /// A stable code: `none`, `unhealthy`, `paused`, `used_up`.
        code: &'static str,
        /// Why, in words.
        detail: String,
        /// When there may be room.
        retry_at: Option<Time>,
    },
}

/// Everything that the gate looks at.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The instant of the decision.
    pub now: Time,
    /// The engaged switch that holds this, in words.
    pub switch: Option<String>,
    /// Why the client may not reach out (past due, trial over, paused, no credits): a stable code and words.
    pub client_blocked: Option<(&'static str, String)>,
    /// Whether the campaign is active, else its status in words.
    pub campaign_blocked: Option<String>,
    /// The effective permission mode.
    pub mode: Mode,
    /// The approval of this content.
    pub approval: Approval,
    /// Why the lead may not be contacted (gone, replied, in a terminal state), if so.
    pub lead_blocked: Option<String>,
    /// Why this channel does not reach the lead, if so: no number, no profile, not connected.
    pub unreachable: Option<String>,
    /// The platform's suppression entry that matches, in words.
    pub platform_suppression: Option<String>,
    /// The client's suppression entry that matches, in words.
    pub client_suppression: Option<String>,
    /// Why consent or the Do-Not-Call register says no: a stable code and words.
    pub consent_blocked: Option<(&'static str, String)>,
    /// Touches that this enrolment had.
    pub touches: i64,
    /// Steps of the sequence version.
    pub steps: i64,
    /// The last touch of any channel.
    pub last_touch_at: Option<Time>,
    /// When the e-mails of the last 14 days were sent, oldest first.
    pub emails_14_days: Vec<Time>,
    /// When the text messages of the last 30 days were sent, oldest first.
    pub sms_30_days: Vec<Time>,
    /// Per-person limits.
    pub limits: FrequencyLimits,
    /// The channel of this touch.
    pub channel: Channel,
    /// Whether the lead's tier permits the channel, else why not.
    pub channel_blocked: Option<String>,
    /// The window in the lead's own time; none when the zone is not known.
    pub window: Option<LocalWindow>,
    /// The sending identity.
    pub resource: Resource,
    /// Why the budgets say no, if they do.
    pub budget_blocked: Option<String>,
    /// When the content was written; none when there is none.
    pub written_at: Option<Time>,
    /// Which content check failed, if one did.
    pub content_blocked: Option<String>,
    /// What of the sender's identity is missing, if anything.
    pub sender_missing: Option<String>,
}

/// Asks every check in order; the first refusal is the answer.
pub fn decide(inputs: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    part(inputs, purpose, |_| true)
}

/// Asks the checks before the resource: those that reserve nothing.
pub fn before_reserving(inputs: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    part(inputs, purpose, |check| check < Check::Resource)
}

/// Asks the checks after the budget.
pub fn after_reserving(inputs: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    part(inputs, purpose, |check| check > Check::Budget)
}

fn part(inputs: &Inputs, purpose: Purpose, of: impl Fn(Check) -> bool) -> Result<(), Skip> {
    Check::ALL.into_iter().filter(|check| of(*check)).try_for_each(|check| ask(check, inputs, purpose))
}

fn blocked(reason: &Option<String>, check: Check, code: &'static str) -> Result<(), Skip> {
    match reason {
        Some(why) => Err(Skip::never(check, code, why.clone())),
        None => Ok(()),
    }
}

/// The code of a lead whom this channel does not reach, though another may.
pub const UNREACHABLE: &str = "unreachable";
/// How long a number waits for the answer of the Do-Not-Call register before it is looked at again.
const WASH_AGAIN_S: i64 = 6 * 3_600;
/// How long a refusal that a person must lift waits before it is looked at again.
const LOOK_AGAIN_S: i64 = 300;

fn held(reason: &Option<String>, check: Check, code: &'static str, now: Time) -> Result<(), Skip> {
    match reason {
        Some(why) => Err(Skip::until(check, code, why.clone(), now.plus_s(LOOK_AGAIN_S))),
        None => Ok(()),
    }
}

fn ask(check: Check, i: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    match check {
        Check::Switch => held(&i.switch, check, "engaged", i.now),
        Check::Client => match &i.client_blocked {
            None => Ok(()),
            Some((code, why)) => Err(Skip::until(check, code, why.clone(), i.now.plus_s(LOOK_AGAIN_S))),
        },
        Check::Campaign => held(&i.campaign_blocked, check, "not_active", i.now),
        Check::Mode => mode(i, purpose),
        Check::Lead => blocked(&i.lead_blocked, check, "state")
            .and_then(|()| blocked(&i.unreachable, check, UNREACHABLE)),
        Check::PlatformSuppression => blocked(&i.platform_suppression, check, "suppressed"),
        Check::ClientSuppression => blocked(&i.client_suppression, check, "suppressed"),
        Check::Consent => match &i.consent_blocked {
            None => Ok(()),
            // A number that waits for the register's answer may be called later.
            Some((code @ ("not_washed" | "wash_old"), why)) => {
                Err(Skip::until(check, code, why.clone(), i.now.plus_s(WASH_AGAIN_S)))
            }
            Some((code, why)) => Err(Skip::never(check, code, why.clone())),
        },
        Check::Frequency => frequency(i),
        Check::ChannelPolicy => blocked(&i.channel_blocked, check, "tier"),
        Check::Window => window(i, purpose),
        Check::Resource if purpose == Purpose::Task => Ok(()),
        Check::Resource => match &i.resource {
            Resource::Ready => Ok(()),
            Resource::Missing { code, detail, retry_at } => {
                Err(Skip { check, code, detail: detail.clone(), retry_at: *retry_at })
            }
        },
        Check::Budget => held(&i.budget_blocked, check, "exhausted", i.now),
        Check::Content => content(i, purpose),
        Check::Sender => held(&i.sender_missing, check, "missing", i.now),
    }
}

fn mode(i: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    let no = |code, detail: &str| Err(Skip::never(Check::Mode, code, detail));
    match (i.mode, purpose) {
        (_, Purpose::Task) => Ok(()),
        (Mode::Manual, _) => no("manual", "The permission mode is manual: a person does this."),
        (Mode::Autopilot | Mode::CoPilot, Purpose::DryRun) => Ok(()),
        (mode, Purpose::Send) => match i.approval {
            Approval::Given => Ok(()),
            Approval::None if mode == Mode::Autopilot => Ok(()),
            Approval::None => no("not_approved", "This needs an approval and has none."),
            Approval::Pending => no("not_approved", "The approval is still waiting."),
            Approval::Changed => no("content_changed", "The content is not what was approved."),
            Approval::Refused => no("refused", "The approval was refused, withdrawn or has expired."),
        },
    }
}

fn frequency(i: &Inputs) -> Result<(), Skip> {
    let check = Check::Frequency;
    if i.touches >= i.steps {
        let detail = format!("All {} steps were carried out.", i.steps);
        return Err(Skip::never(check, "sequence_done", detail));
    }
    if let Some(last) = i.last_touch_at {
        let free_at = last.plus_days(i.limits.gap_days);
        if free_at > i.now {
            let detail =
                format!("The last touch was at {last}; {} days must lie between touches.", i.limits.gap_days);
            return Err(Skip::until(check, "cooling", detail, free_at));
        }
    }
    let sent = i64::try_from(i.emails_14_days.len()).unwrap_or(i64::MAX);
    if i.channel == Channel::Email && sent >= i.limits.emails_per_14_days {
        let detail = format!(
            "{sent} e-mails went to this person in 14 days; the limit is {}.",
            i.limits.emails_per_14_days
        );
        // Room opens when enough of the oldest fall out of the 14 days.
        let over = usize::try_from(sent - i.limits.emails_per_14_days).unwrap_or(0);
        let retry_at = i.emails_14_days.get(over).map_or_else(|| i.now.plus_days(14), |at| at.plus_days(14));
        return Err(Skip::until(check, "too_many", detail, retry_at));
    }
    let texts = i64::try_from(i.sms_30_days.len()).unwrap_or(i64::MAX);
    if i.channel == Channel::Sms && texts >= i.limits.sms_per_30_days {
        let limit = i.limits.sms_per_30_days;
        let detail = format!("{texts} text messages went to this person in 30 days; the limit is {limit}.");
        let over = usize::try_from(texts - limit).unwrap_or(0);
        let retry_at = i.sms_30_days.get(over).map_or_else(|| i.now.plus_days(30), |at| at.plus_days(30));
        return Err(Skip::until(check, "too_many", detail, retry_at));
    }
    Ok(())
}

fn window(i: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    let Some(window) = &i.window else {
        return Err(Skip::never(
            Check::Window,
            "no_zone",
            "The lead's time zone is not known, nor the client's.",
        ));
    };
    if purpose != Purpose::Send || window.is_open(i.now) {
        return Ok(());
    }
    let detail = format!("It is outside the hours for {} in {}.", i.channel.label(), window.zone);
    Err(Skip { check: Check::Window, code: "closed", detail, retry_at: window.next_open(i.now) })
}

fn content(i: &Inputs, purpose: Purpose) -> Result<(), Skip> {
    if purpose != Purpose::Send {
        return Ok(());
    }
    let check = Check::Content;
    blocked(&i.content_blocked, check, "failed_checks")?;
    let Some(written_at) = i.written_at else {
        return Err(Skip::never(check, "missing", "There is no content."));
    };
    if written_at.plus_days(i.limits.stale_days) <= i.now {
        let detail =
            format!("The content was written at {written_at}, more than {} days ago.", i.limits.stale_days);
        return Err(Skip::never(check, "stale", detail));
    }
    Ok(())
}
