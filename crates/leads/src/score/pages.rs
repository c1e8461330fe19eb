//! `/settings/icp`: whom the client wants, how scores are weighed, and what a change would do before it is saved.

use super::preview::{self, Preview};
use super::target::{Target, set_target, target};
use super::{ComponentKind, Tier, Weights};
use axum::Form as Sent;
use axum::response::Response;
use base::Result;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    industries: String,
    titles: String,
    countries: String,
    headcount_min: String,
    headcount_max: String,
    pain_points: String,
    data_quality: String,
    authority: String,
    company_fit: String,
    timing: String,
    risk: String,
    act: String,
}

impl From<&Target> for Typed {
    fn from(target: &Target) -> Self {
        let weights: [u16; 5] = target.weights.unwrap_or_else(|| Weights::default().into());
        let [data_quality, authority, company_fit, timing, risk] =
            weights.map(|points| number::decimal(f64::from(points) / 100.0, 2));
        Self {
            industries: target.industries.join("\n"),
            titles: target.titles.join("\n"),
            countries: target.countries.join(", "),
            headcount_min: target.headcount_min.to_string(),
            headcount_max: target.headcount_max.to_string(),
            pain_points: target.pain_points.join("\n"),
            data_quality,
            authority,
            company_fit,
            timing,
            risk,
            act: String::new(),
        }
    }
}

impl Typed {
    fn weights(&self) -> [&str; 5] {
        [&self.data_quality, &self.authority, &self.company_fit, &self.timing, &self.risk]
    }

    fn target(&self) -> Result<Target> {
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let employees = |text: &str| {
            text.trim().parse::<i32>().map_err(|_| {
                base::Error::invalid("icp.headcount", format!("“{text}” is not a number of employees."))
            })
        };
        let mut weights = [0_u16; 5];
        for (slot, (text, kind)) in weights.iter_mut().zip(self.weights().into_iter().zip(ComponentKind::ALL))
        {
            let percent: f64 =
                text.trim().parse().ok().filter(|p| (0.0..=100.0).contains(p)).ok_or_else(|| {
                    base::Error::invalid(
                        "icp.weight",
                        format!("The weight of {} is a percentage from 0 to 100.", kind.label()),
                    )
                })?;
            *slot = (percent * 100.0).round() as u16;
        }
        let weights = Weights::new(weights)?;
        let countries = self
            .countries
            .split([',', '\n', ';'])
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| crate::Country::try_from(text.to_owned()).map(String::from))
            .collect::<Result<_>>()?;
        let target = Target {
            industries: lines(&self.industries),
            titles: lines(&self.titles),
            countries,
            headcount_min: employees(&self.headcount_min)?,
            headcount_max: employees(&self.headcount_max)?,
            pain_points: lines(&self.pain_points),
            weights: (weights != Weights::default()).then(|| weights.into()),
        };
        target.scorer()?;
        Ok(target)
    }
}

/// `GET /settings/icp`
pub(crate) async fn show(mut cx: web::Cx) -> web::Result<Response> {
    let kept = target(&mut cx).await?;
    page(cx, &Typed::from(&kept), None, None).await
}

/// `POST /settings/icp`: `act=preview` shows what would change, anything else saves.
pub(crate) async fn save(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let wanted = match typed.target() {
        Ok(wanted) => wanted,
        Err(error) => return page(cx, &typed, Some(error.message().to_owned()), None).await,
    };
    if typed.act == "preview" {
        let found = preview::of_target(&mut cx, &wanted).await?;
        return page(cx, &typed, None, Some(compared(&found))).await;
    }
    set_target(&mut cx, &wanted).await?;
    cx.commit().await?;
    Ok(redirect_with("/settings/icp", "Saved. Every lead is being scored again."))
}

/// What a change would do: the tiers then and now, and who moves.
pub(super) fn compared(found: &Preview) -> Markup {
    let rows = Tier::ALL.into_iter().map(|tier| {
        let (was, would) = found.tier(tier);
        Row::new()
            .link(tier.client_label(), &format!("/leads?tier={}", tier.word()))
            .cell(number::count(was))
            .cell(number::count(would))
            .cell(number::change(would - was))
            .cell(number::share(would, found.leads))
    });
    let columns = [
        Column::text("Tier"),
        Column::number("As saved"),
        Column::number("With this"),
        Column::number("Change"),
        Column::number("Share"),
    ];
    let movers = found.movers.iter().map(|mover| {
        let scored = |(score, tier): (u8, Tier)| format!("{score} · {}", tier.client_label());
        Row::new()
            .link(&mover.name, &format!("/leads/{}", mover.id))
            .cell(scored(mover.before))
            .cell(scored(mover.after))
    });
    let looked = if found.all { "All" } else { "The newest" };
    html! {
        (Card::new("What this would change").id("preview").body(
            Table::new("Leads by tier, before and after", columns).rows(rows)
                .empty(state::empty("No leads yet", "Import a list to see how it would be scored.", Some(Button::link("Import leads", "/leads/import"))))
        ).foot(format!(
            "{looked} {}; {} would move to another tier. Nothing is saved yet.",
            number::counted(found.leads, "lead", "leads"),
            number::count(found.moving()),
        )))
        @if found.moving() > 0 {
            (Card::new("Who moves").id("movers").body(
                Table::new("Leads that would move, the largest steps first", [Column::text("Lead"), Column::text("Now"), Column::text("Then")]).rows(movers)
            ))
        }
    }
}

async fn page(
    cx: web::Cx,
    typed: &Typed,
    problem: Option<String>,
    preview: Option<Markup>,
) -> web::Result<Response> {
    let weight = |name: &str, kind: ComponentKind, value: &str| {
        Field::number(name, format!("{} (%)", kind.label())).value(value).range("0", "100", "0.01").required()
    };
    let [a, b, c, d, e] = typed.weights();
    let names = ["data_quality", "authority", "company_fit", "timing", "risk"];
    let weights = names
        .into_iter()
        .zip(ComponentKind::ALL)
        .zip([a, b, c, d, e])
        .map(|((name, kind), value)| weight(name, kind, value));
    let status = problem.is_some();
    let form = Form::post("/settings/icp", "icp")
        .problem(problem)
        .field(Field::area("industries", "Industries", 4).value(typed.industries.as_str()).hint("One on each line, in your words. A match gives 10 points."))
        .field(Field::area("titles", "Job titles that decide", 3).value(typed.titles.as_str()).hint("One on each line."))
        .field(Field::text("countries", "Countries").value(typed.countries.as_str()).hint("Separated by commas. A match gives 7 points, another English-speaking country 4."))
        .line([
            Field::number("headcount_min", "Fewest employees").value(typed.headcount_min.as_str()).range("0", "1000000", "1").required(),
            Field::number("headcount_max", "Most employees").value(typed.headcount_max.as_str()).range("0", "1000000", "1").required(),
        ])
        .field(Field::area("pain_points", "What troubles them", 3).value(typed.pain_points.as_str()).hint("One on each line."))
        .set("How the score is weighed", weights)
        .other(html! { p.muted { "The five weights add up to 100%. The usual ones are 20, 25, 25, 15 and 15: the plain sum of the points." } })
        .act(Button::submit("Preview").value("act", "preview"))
        .act(Button::submit("Save").primary().value("act", "save"));
    let body = html! {
        (Heading::new("Ideal customer").crumb("Settings", "/settings").about("Whom you want, and how each lead is scored for it."))
        (grid::main_side(Card::new("Profile").padded(form), html! {
            @if let Some(preview) = preview { (preview) }
            (Card::new("How the score works").padded(html! {
                p { "Five components give points with a reason for each; a fact that is not known gives none." }
                (Tier::ALL.into_iter().fold(Pairs::new(), |pairs, tier| pairs.add(tier.client_label(), format!("{} to {}", tier.from_score(), tier.to_score()))))
            }))
        }))
    };
    let mut response = cx.page("Ideal customer", body).await?;
    if status {
        *response.status_mut() = axum::http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}
