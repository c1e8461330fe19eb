//! What a person makes of a reading: edits beside the machine's values, and the confirmation that turns
//! what holds into the ideal customer, the portfolio, the offer and drafts of campaigns.

use super::jobs::text;
use super::{Analysis, AnalysisId, Field, Finding, Proposal, Status, store};
use crate::portfolio;
use accounts::tenant;
use base::{Error, Result};
use db::{Cx, Fact};
use leads::{
    Country,
    score::{self, Target},
};
use outreach::campaign;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Characters of a value at most.
const VALUE_CHARS: usize = 1_000;

/// What a person changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Values by finding; equal to the machine's: as it was read.
    pub values: BTreeMap<Uuid, String>,
    /// Findings that do not hold.
    pub dropped: BTreeSet<Uuid>,
    /// Findings that hold again.
    pub kept: BTreeSet<Uuid>,
    /// Values that a person adds.
    pub added: Vec<(Field, String)>,
    /// Suggestions that are accepted; the others are declined by a confirmation.
    pub accepted: BTreeSet<Uuid>,
}

/// Keeps the changes. Errors: `onboarding.state` unless the reading waits for a person, `onboarding.value`.
pub async fn edit(cx: &mut Cx, id: AnalysisId, changes: &Changes) -> Result<()> {
    waiting(cx, id).await?;
    apply(cx, id, changes).await
}

async fn waiting(cx: &mut Cx, id: AnalysisId) -> Result<()> {
    match store::lock(cx, id).await?.1 {
        Status::Ready => Ok(()),
        Status::Confirmed => Err(Error::conflict(
            "onboarding.state",
            "This reading was confirmed already. Read the website again to change it.",
        )),
        Status::Waiting | Status::Fetching | Status::Reading | Status::Failed => Err(Error::conflict(
            "onboarding.state",
            "This reading is not done, so there is nothing to confirm.",
        )),
    }
}

async fn apply(cx: &mut Cx, id: AnalysisId, changes: &Changes) -> Result<()> {
    for finding in store::findings(cx, id).await? {
        let typed = changes.values.get(&finding.id).map(|value| value.trim());
        let edited = match typed {
            Some(typed) => Some(typed).filter(|typed| Some(*typed) != finding.value.as_deref()),
            None => finding.edited.as_deref(),
        };
        let emptied = edited == Some("");
        let kept = changes.kept.contains(&finding.id) && !emptied;
        let dropped = emptied || changes.dropped.contains(&finding.id) || (finding.dropped && !kept);
        let edited = edited.filter(|edited| !edited.is_empty()).or(if emptied {
            finding.edited.as_deref()
        } else {
            None
        });
        check(edited.unwrap_or("x"))?;
        store::change(cx, finding.id, edited, dropped).await?;
    }
    for (field, value) in &changes.added {
        check(value)?;
        store::add(cx, id, *field, value.trim()).await?;
    }
    Ok(())
}

fn check(value: &str) -> Result<()> {
    let chars = value.trim().chars().count();
    if chars == 0 || chars > VALUE_CHARS || value.contains('\0') {
        return Err(Error::invalid("onboarding.value", "A value has 1 to 1,000 characters."));
    }
    Ok(())
}

/// Confirms what holds. The ideal customer is saved (every lead is scored again), companies join the
/// portfolio, an empty offer or website of the client is filled, accepted suggestions become what they
/// suggest — campaigns as drafts. Errors: `onboarding.state`, `onboarding.value`, `icp.*`.
pub async fn confirm(cx: &mut Cx, id: AnalysisId, changes: &Changes) -> Result<()> {
    waiting(cx, id).await?;
    apply(cx, id, changes).await?;
    let analysis = store::get(cx, id).await?;
    let mut target = target(&analysis, score::target(cx).await?);
    for proposal in analysis.proposals.iter().filter(|proposal| proposal.status == "proposed") {
        let accepted = changes.accepted.contains(&proposal.id);
        let made = if accepted { carry_out(cx, proposal, &mut target).await? } else { None };
        store::decide(cx, proposal.id, accepted, made).await?;
    }
    score::set_target(cx, &target).await?;
    for finding in held(&analysis, Field::Portfolio) {
        portfolio::keep(cx, id, finding).await?;
    }
    describe(cx, &analysis).await?;
    store::set_status(cx, id, Status::Confirmed, None).await?;
    cx.publish(Fact::about("onboarding.analysis.confirmed", id).with(json!({"website": analysis.website})))
        .await
}

/// Does what an accepted suggestion says; returns the draft that came of it.
async fn carry_out(cx: &mut Cx, proposal: &Proposal, target: &mut Target) -> Result<Option<Uuid>> {
    if proposal.kind == "weights" {
        target.weights = serde_json::from_value(proposal.content["weights"].clone())?;
        return Ok(None);
    }
    let new = campaign::New {
        name: text(&proposal.content, "name").chars().take(200).collect(),
        goal: text(&proposal.content, "goal").to_owned(),
        offer: text(&proposal.content, "offer").to_owned(),
        with_template: true,
    };
    Ok(Some(campaign::create(cx, new).await?.uuid()))
}

fn held(analysis: &Analysis, field: Field) -> impl Iterator<Item = &Finding> {
    analysis.findings.iter().filter(move |finding| finding.field == field && finding.holds().is_some())
}

fn values(analysis: &Analysis, field: Field) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in held(analysis, field).filter_map(Finding::holds) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(value)) {
            all.push(value.trim().chars().take(200).collect());
        }
    }
    all
}

/// What holds, over the target as it was: a field about which nothing is known stays.
pub(super) fn target(analysis: &Analysis, before: Target) -> Target {
    let or = |found: Vec<String>, before: Vec<String>| if found.is_empty() { before } else { found };
    let sizes: Vec<(i32, i32)> =
        values(analysis, Field::IcpSizes).iter().filter_map(|band| employees(band)).collect();
    let countries: Vec<String> = values(analysis, Field::IcpLocations)
        .iter()
        .filter_map(|place| country(place))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    Target {
        industries: or(values(analysis, Field::IcpIndustries), before.industries),
        titles: or(values(analysis, Field::IcpTitles), before.titles),
        countries: or(countries, before.countries),
        headcount_min: sizes.iter().map(|band| band.0).min().unwrap_or(before.headcount_min),
        headcount_max: sizes.iter().map(|band| band.1).max().unwrap_or(before.headcount_max),
        pain_points: or(values(analysis, Field::IcpPainPoints), before.pain_points),
        weights: before.weights,
    }
}

/// Most employees of “201+”: larger than any company.
const ENDLESS: i32 = 1_000_000;

/// The employees of a band: `5-50`, `201+`, `12`.
pub(super) fn employees(band: &str) -> Option<(i32, i32)> {
    let band: String = band.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if let Some(from) = band.strip_suffix('+') {
        return from.parse().ok().map(|from| (from, ENDLESS));
    }
    let (from, to) = band.split_once(['-', '–']).unwrap_or((&band, &band));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

/// The country of a place, where its name says so: a country, or a state or large city of Australia.
pub(super) fn country(place: &str) -> Option<String> {
    if let Some(country) = Country::parse(place) {
        return Some(country.code().to_owned());
    }
    let cities = [
        "sydney",
        "melbourne",
        "brisbane",
        "perth",
        "adelaide",
        "hobart",
        "darwin",
        "canberra",
        "gold coast",
        "newcastle",
        "geelong",
        "sunshine coast",
        "wollongong",
        "cairns",
        "townsville",
        "ballarat",
        "bendigo",
        "parramatta",
        "fremantle",
        "byron bay",
    ];
    let australian = leads::country::australian_state(place).is_some()
        || cities.contains(&place.trim().to_lowercase().as_str());
    australian.then(|| "AU".to_owned())
}

/// Fills what the client has not said of itself yet.
async fn describe(cx: &mut Cx, analysis: &Analysis) -> Result<()> {
    let own = tenant::get(cx).await?;
    let mut typed = own.typed();
    let offer = values(analysis, Field::ValueProposition).into_iter().next();
    if own.offer.is_none()
        && let Some(offer) = offer
    {
        typed.offer = offer;
    }
    if own.website.is_none() {
        typed.website.clone_from(&analysis.website);
    }
    match tenant::rules::check(&typed) {
        Ok(details) => tenant::change(cx, &details).await,
        Err(_) => {
            // What was wrong with the details before is not for this page to mend.
            tracing::debug!(analysis = %analysis.id, "the client's details were left as they are");
            Ok(())
        }
    }
}
