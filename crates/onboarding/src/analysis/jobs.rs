//! The reading: pages, eight skills, the model where there is one. Each step is kept before the next
//! begins, so that a reading that is interrupted goes on where it stopped and fetches nothing twice.

use super::field::{self, Read, step_label};
use super::{AnalysisId, Field, Status, model, store};
use crate::Needs;
use ::jobs::{Job, Options, Priority, Registry, Retry, Run};
use base::{Error, Result};
use db::{Cx, Fact};
use discovery::{Page, Profile, SKILLS};
use ports::fetch::SiteLimits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// Campaigns that are suggested at most.
const CAMPAIGNS: usize = 3;

/// Reads one website.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analyse {
    analysis: AnalysisId,
}

impl Job for Analyse {
    const KIND: &'static str = "onboarding.analyse";
    const TIMEOUT_S: u64 = 600;
    type State = Needs;

    fn retry() -> Retry {
        Retry::after_s(&[30, 120])
    }

    async fn run(self, run: &Run, needs: &Needs) -> Result<()> {
        let id = self.analysis;
        match read(run, needs, id).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_transient() && run.failures() < 2 => Err(error),
            Err(error) => {
                let mut cx = run.begin().await?;
                store::set_status(&mut cx, id, Status::Failed, Some(error.message())).await?;
                moved(&mut cx, id, "failed").await?;
                run.complete_in(&mut cx).await?;
                cx.commit().await
            }
        }
    }
}

pub(super) async fn enqueue(cx: &mut Cx, id: AnalysisId) -> Result<()> {
    let options =
        Options { unique_key: Some(id.to_string()), priority: Priority::Urgent, ..Options::default() };
    ::jobs::enqueue_with(cx, &Analyse { analysis: id }, options).await?;
    Ok(())
}

/// Adds the kind of job.
pub(crate) fn register(registry: &mut Registry, needs: Needs) {
    registry.register::<Analyse>(needs);
}

async fn moved(cx: &mut Cx, id: AnalysisId, step: &str) -> Result<()> {
    cx.publish(Fact::about("onboarding.analysis.moved", id).with(json!({"step": step}))).await
}

async fn read(run: &Run, needs: &Needs, id: AnalysisId) -> Result<()> {
    let mut cx = run.begin().await?;
    let (website, status) = store::lock(&mut cx, id).await?;
    if !status.runs() {
        return Ok(());
    }
    let done: Vec<String> = store::steps(&mut cx, id).await?.into_iter().map(|step| step.name).collect();
    let is_done = |step: &str| done.iter().any(|name| name == step);
    if !is_done("fetch") {
        store::set_status(&mut cx, id, Status::Fetching, None).await?;
        moved(&mut cx, id, "fetch").await?;
        cx.commit().await?;
        fetch(run, needs, id, &website).await?;
    } else {
        cx.rollback().await?;
    }
    let mut cx = run.begin().await?;
    let pages = store::pages(&mut cx, id).await?;
    cx.rollback().await?;
    let profile = discovery::discover(&pages);
    let found = field::of_profile(&profile);
    for skill in SKILLS.into_iter().filter(|skill| !is_done(skill)) {
        let mut cx = run.begin().await?;
        let own: Vec<Read> = found.iter().filter(|read| read.field.skill() == skill).cloned().collect();
        store::keep(&mut cx, id, &own, "rules").await?;
        if skill == "suggest_als_weights" {
            weights(&mut cx, id, &profile).await?;
        }
        store::done(&mut cx, id, Status::Reading, skill, &said(skill, &own, &pages, &profile)).await?;
        moved(&mut cx, id, skill).await?;
        cx.commit().await?;
    }
    if !is_done("model") {
        ask_model(run, needs, id, &pages, &found).await?;
    }
    let mut cx = run.begin().await?;
    campaigns(&mut cx, id).await?;
    store::set_status(&mut cx, id, Status::Ready, None).await?;
    moved(&mut cx, id, "ready").await?;
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

async fn fetch(run: &Run, needs: &Needs, id: AnalysisId, website: &str) -> Result<()> {
    let start: Url = website
        .parse()
        .map_err(|_| Error::internal(format!("The kept website {website} is no address any more.")))?;
    let site = needs.ports.fetcher.site(&start, SiteLimits::default(), &|_| {}).await?;
    let mut cx = run.begin().await?;
    store::keep_pages(&mut cx, id, &site.pages, &site.skipped).await?;
    let skipped =
        if site.skipped.is_empty() { String::new() } else { format!(", {} not read", site.skipped.len()) };
    let detail =
        format!("{} pages of {}{skipped}", site.pages.len(), site.home.host_str().unwrap_or(website));
    store::done(&mut cx, id, Status::Reading, "fetch", &detail).await?;
    moved(&mut cx, id, "fetch").await?;
    cx.commit().await
}

/// What a skill found, in a line.
fn said(skill: &str, own: &[Read], pages: &[Page], profile: &Profile) -> String {
    if skill == "suggest_als_weights" {
        return match profile.suggest_als_weights.weights {
            Some(_) => profile.suggest_als_weights.reasoning.join(" "),
            None => "The usual weights fit; nothing is suggested.".to_owned(),
        };
    }
    let scripts = pages.iter().filter(|page| page.needs_script).count();
    if own.is_empty() {
        return match scripts {
            0 => "Nothing that stands there plainly.".to_owned(),
            n => format!(
                "Nothing: {n} of {} pages say something only in a browser that runs scripts.",
                pages.len()
            ),
        };
    }
    let names: Vec<&str> = own.iter().take(4).map(|read| read.value.as_str()).collect();
    let more = own.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", step_label(skill), names.join(", "))
}

async fn weights(cx: &mut Cx, id: AnalysisId, profile: &Profile) -> Result<()> {
    let suggested = &profile.suggest_als_weights;
    let Some(percent) = suggested.weights else { return Ok(()) };
    let points = percent.map(|share| share * 100);
    store::propose(
        cx,
        id,
        "weights",
        "Weigh leads for whom you want",
        json!({"weights": points}),
        &suggested.reasoning,
    )
    .await
}

async fn ask_model(run: &Run, needs: &Needs, id: AnalysisId, pages: &[Page], found: &[Read]) -> Result<()> {
    let Some(settings) = &needs.llm else { return Ok(()) };
    let answer = model::read(run, needs, settings, pages, found).await?;
    let mut cx = run.begin().await?;
    store::keep(&mut cx, id, &answer.found, "model").await?;
    let (model, version) = (answer.model.as_deref(), Some(answer.prompt_version.as_str()));
    store::keep_model(&mut cx, id, model, version, &answer.note, answer.cost_micros).await?;
    store::done(&mut cx, id, Status::Reading, "model", &answer.note).await?;
    moved(&mut cx, id, "model").await?;
    cx.commit().await
}

/// Suggests a campaign for each industry of the ideal customer, in the client's own words.
async fn campaigns(cx: &mut Cx, id: AnalysisId) -> Result<()> {
    let findings = store::findings(cx, id).await?;
    let of = |field: Field| -> Vec<&str> {
        findings
            .iter()
            .filter(|finding| finding.field == field)
            .filter_map(|finding| finding.value.as_deref())
            .collect()
    };
    let who = of(Field::IcpTitles).into_iter().take(2).collect::<Vec<_>>().join(" or ");
    let who = if who.is_empty() { "whoever decides".to_owned() } else { who };
    let place = of(Field::IcpLocations).first().map(|place| format!(" in {place}")).unwrap_or_default();
    let offer = of(Field::ValueProposition)
        .first()
        .map_or_else(|| of(Field::Services).join(", "), |it| (*it).to_owned());
    for industry in of(Field::IcpIndustries).into_iter().take(CAMPAIGNS) {
        let content = json!({
            "name": format!("{industry}{place}"),
            "goal": format!("A first talk with {who} at companies of this kind: {industry}{place}."),
            "offer": offer,
        });
        let reasons = findings
            .iter()
            .find(|finding| {
                finding.field == Field::IcpIndustries && finding.value.as_deref() == Some(industry)
            })
            .and_then(|finding| finding.sources.first())
            .map(|source| format!("“{}” ({})", source.quote, source.page));
        let reasons: Vec<String> = reasons.into_iter().collect();
        store::propose(cx, id, "campaign", &format!("{industry}{place}"), content, &reasons).await?;
    }
    Ok(())
}

/// The part of a JSON object that is a text.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
