//! What follows from patterns: proposed, decided by a person in the approval queue, applied exactly as
//! approved, and taken back with one click. A client may choose that suggestions are applied at once.

mod apply;
pub mod jobs;
mod make;
pub mod setting;
mod store;

pub(crate) use make::propose_all;

use crate::pattern::PatternId;
use base::{Error, Result, Time};
use control::approval::{self, Approval, ApprovalId, Risk};
use db::{Cx, Fact};
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ui::prelude::*;
use uuid::Uuid;

base::id_type!(
    /// A suggestion.
    SuggestionId
);

/// The kind of approval under which suggestions wait.
pub const KIND: &str = "insight.suggestion";
/// Days that a suggestion waits for a decision.
const OPEN_DAYS: i64 = 14;

/// What sort of thing is suggested; one of a sort and subject is open at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "insight.suggestion_kind", rename_all = "snake_case")]
pub enum Sort {
    /// Other weights of the score.
    Weights,
    /// Other hours for e-mail.
    Hours,
    /// More industries in the profile.
    Audience,
    /// Holding a campaign that nobody answers.
    Pause,
}

impl Sort {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Weights => "Weights of the score",
            Self::Hours => "Hours for e-mail",
            Self::Audience => "Whom to look for",
            Self::Pause => "Hold a campaign",
        }
    }
}

/// Where a suggestion stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "insight.suggestion_state", rename_all = "snake_case")]
pub enum State {
    /// Waits.
    Proposed,
    /// Done.
    Applied,
    /// A person said no.
    Rejected,
    /// Nobody decided in time, or a later run said otherwise.
    Lapsed,
    /// It was approved and could not be done.
    Failed,
    /// Done and taken back.
    Undone,
}

impl State {
    /// What people read, and how it looks.
    pub fn shown(self) -> (Tone, &'static str) {
        match self {
            Self::Proposed => (Tone::Warm, "waits"),
            Self::Applied => (Tone::Good, "applied"),
            Self::Rejected => (Tone::Cold, "rejected"),
            Self::Lapsed => (Tone::Cold, "lapsed"),
            Self::Failed => (Tone::Bad, "failed"),
            Self::Undone => (Tone::Cold, "taken back"),
        }
    }
}

/// Exactly what will be done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Proposal {
    /// Switches learnt weights on.
    Weights {
        /// Their row.
        weights: Uuid,
        /// Weights in basis points: data quality, authority, company fit, timing, risk.
        points: [u16; 5],
        /// The present ones.
        present: [u16; 5],
    },
    /// Sends e-mail in these hours only.
    Hours {
        /// The window, as in the dated figures.
        window: serde_json::Value,
        /// What it closes, in words.
        closes: Vec<String>,
    },
    /// Adds industries to the profile.
    Audience {
        /// Which.
        industries: Vec<String>,
    },
    /// Holds a campaign.
    Pause {
        /// Which.
        campaign: Uuid,
        /// What it is called.
        name: String,
        /// People written to.
        contacted: i64,
        /// Those who answered.
        replied: i64,
    },
}

impl Proposal {
    /// Its sort.
    pub fn sort(&self) -> Sort {
        match self {
            Self::Weights { .. } => Sort::Weights,
            Self::Hours { .. } => Sort::Hours,
            Self::Audience { .. } => Sort::Audience,
            Self::Pause { .. } => Sort::Pause,
        }
    }
}

/// A suggestion.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Suggestion {
    /// Which.
    pub id: SuggestionId,
    /// Its sort.
    pub sort: Sort,
    /// The pattern from which it follows.
    pub pattern_id: Option<PatternId>,
    /// One line.
    pub title: String,
    /// Why.
    pub reason: String,
    /// What will be done.
    pub proposal: Proposal,
    /// Where it stands.
    pub state: State,
    /// The decision that it waits for.
    pub approval_id: Option<Uuid>,
    /// Why it could not be done.
    pub problem: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was applied, rejected or taken back.
    pub ended_at: Option<Time>,
    /// By whom.
    pub ended_by: Option<String>,
}

/// Something to suggest.
pub(crate) struct New {
    pub(crate) pattern: Option<PatternId>,
    pub(crate) title: String,
    pub(crate) reason: String,
    pub(crate) evidence: serde_json::Value,
    pub(crate) proposal: Proposal,
}

/// The suggestions, the latest first.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Suggestion>> {
    store::list(cx, limit).await
}

/// One suggestion.
pub async fn get(cx: &mut Cx, id: SuggestionId) -> Result<Suggestion> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("suggestion"))
}

/// Proposes something, or applies it where the client chose so. False: the same waits already, or was refused
/// lately.
pub(crate) async fn propose(cx: &mut Cx, new: New) -> Result<bool> {
    let subject = match &new.proposal {
        Proposal::Pause { campaign, .. } => *campaign,
        Proposal::Weights { .. } | Proposal::Hours { .. } | Proposal::Audience { .. } => cx.tenant()?.uuid(),
    };
    let content = serde_json::to_value(&new.proposal)?;
    if !make::is_news(cx, subject, &new.proposal).await? {
        return Ok(false);
    }
    if let Some(open) = store::open(cx, new.proposal.sort(), subject).await? {
        end(cx, &open, State::Lapsed, None).await?;
        if let Some(approval) = open.approval_id {
            approval::withdraw(cx, ApprovalId(approval), "A later run of learning says otherwise.").await?;
        }
    }
    let id = cx.id::<SuggestionId>();
    store::insert(cx, id, subject, &new, &content).await?;
    cx.publish(Fact::about("insight.suggestion.proposed", id).with(json!({"sort": new.proposal.sort()})))
        .await?;
    if setting::get(cx).await?.autopilot {
        let made = get(cx, id).await?;
        settle(cx, &made, &new.proposal).await?;
        return Ok(true);
    }
    let request = approval::Request {
        kind: KIND,
        subject: id.uuid(),
        campaign: match &new.proposal {
            Proposal::Pause { campaign, .. } => Some(*campaign),
            Proposal::Weights { .. } | Proposal::Hours { .. } | Proposal::Audience { .. } => None,
        },
        lead: None,
        title: new.title,
        summary: new.reason,
        content,
        evidence: new.evidence,
        provenance: json!({"made_by": "learning", "pattern": new.pattern}),
        cost_micros: 0,
        risk: Risk::Normal,
        priority: 50,
        expires_at: Some(cx.now().plus_days(OPEN_DAYS)),
    };
    let approval = approval::request(cx, request).await?;
    store::waits(cx, id, approval.uuid()).await?;
    Ok(true)
}

/// What a person decided.
pub(crate) async fn decided(cx: &mut Cx, id: SuggestionId) -> Result<()> {
    let suggestion = get(cx, id).await?;
    let Some(approval) = suggestion.approval_id.filter(|_| suggestion.state == State::Proposed) else {
        return Ok(());
    };
    let found = approval::get(cx, ApprovalId(approval)).await?;
    match found.status {
        approval::Status::Pending => Ok(()),
        approval::Status::Approved => {
            approval::verify(cx, found.id, &found.content).await?;
            match serde_json::from_value::<Proposal>(found.content.clone()) {
                Ok(proposal) => settle(cx, &suggestion, &proposal).await,
                Err(cause) => {
                    let why = format!("What was approved is no suggestion any more: {cause}.");
                    end(cx, &suggestion, State::Failed, Some(&why)).await
                }
            }
        }
        approval::Status::Rejected => end(cx, &suggestion, State::Rejected, None).await,
        approval::Status::Expired | approval::Status::Withdrawn => {
            end(cx, &suggestion, State::Lapsed, None).await
        }
    }
}

/// Does it, and keeps what was there before. What cannot be done is kept with the reason.
async fn settle(cx: &mut Cx, suggestion: &Suggestion, proposal: &Proposal) -> Result<()> {
    if let Err(reason) = apply::possible(cx, proposal).await? {
        return end(cx, suggestion, State::Failed, Some(&reason)).await;
    }
    let before = apply::apply(cx, proposal).await?;
    store::applied(cx, suggestion.id, &serde_json::to_value(proposal)?, &before).await?;
    cx.publish(
        Fact::about("insight.suggestion.applied", suggestion.id).with(json!({"sort": proposal.sort()})),
    )
    .await
}

async fn end(cx: &mut Cx, suggestion: &Suggestion, state: State, problem: Option<&str>) -> Result<()> {
    store::end(cx, suggestion.id, state, problem).await?;
    cx.publish(
        Fact::about("insight.suggestion.ended", suggestion.id)
            .with(json!({"state": state, "problem": problem})),
    )
    .await
}

/// Takes an applied suggestion back: what was there before is there again.
///
/// # Errors
/// Conflict, when it is not applied.
pub async fn undo(cx: &mut Cx, id: SuggestionId) -> Result<()> {
    let suggestion = get(cx, id).await?;
    if suggestion.state != State::Applied {
        return Err(Error::conflict("suggestion.not_applied", "This suggestion is not applied."));
    }
    let before = store::before(cx, id).await?;
    apply::undo(cx, &suggestion.proposal, &before).await?;
    store::end(cx, id, State::Undone, None).await?;
    cx.publish(Fact::about("insight.suggestion.undone", id).with(json!({"sort": suggestion.sort}))).await
}

/// Takes back everything that was applied because of a pattern.
pub(crate) async fn undo_of(cx: &mut Cx, pattern: PatternId) -> Result<()> {
    for id in store::applied_of(cx, pattern).await? {
        undo(cx, id).await?;
    }
    Ok(())
}

/// What a person sees of a suggestion before deciding.
pub fn shown(approval: &Approval) -> Markup {
    match serde_json::from_value::<Proposal>(approval.content.clone()) {
        Ok(proposal) => proposal.shown(),
        Err(_) => html! {
            (state::partial("This content is no suggestion. Reject it; the next run of learning makes another."))
            pre tabindex="0" { (serde_json::to_string_pretty(&approval.content).unwrap_or_default()) }
        },
    }
}

impl Proposal {
    /// What it does, for people.
    pub fn shown(&self) -> Markup {
        match self {
            Self::Weights { points, present, .. } => {
                let columns = [Column::text("Component"), Column::number("Now"), Column::number("Suggested")];
                let percent = |points: u16| number::percent(f64::from(points) / 10_000.0);
                let rows = leads::score::ComponentKind::ALL.iter().enumerate().map(|(at, kind)| {
                    Row::new().cell(kind.label()).cell(percent(present[at])).cell(percent(points[at]))
                });
                html! { (Table::new("Weights now and as suggested", columns).rows(rows)) }
            }
            Self::Hours { closes, .. } => html! {
                p { "No e-mail would leave at these times any more:" }
                ul { @for line in closes { li { (line) } } }
            },
            Self::Audience { industries } => html! {
                p { "These industries would be added to whom you look for:" }
                ul { @for industry in industries { li { (industry) } } }
            },
            Self::Pause { name, contacted, replied, campaign } => html! {
                p {
                    a href={ "/campaigns/" (campaign) } { (name) } " would be held: of "
                    (number::count(*contacted)) " people " (number::count(*replied)) " answered."
                }
            },
        }
    }
}
