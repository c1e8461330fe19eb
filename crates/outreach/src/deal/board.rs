//! The deals board: a lane for each stage, forms to move and value a deal.

use super::{Deal, DealId, LOST_REASONS, Stage, store};
use axum::{extract::Path, response::Response};
use base::{Currency, Error, Money};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::{Cx, Result, redirect_with};

fn worth(value_minor: Option<i64>, currency: &str) -> Option<String> {
    let currency: Currency = currency.parse().ok()?;
    value_minor.map(|minor| Money { minor, currency }.to_string())
}

/// `GET /deals/{id}`.
pub async fn show(mut cx: Cx, Path(id): Path<DealId>) -> Result<Response> {
    let deal = store::get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let body = html! {
        (Heading::new(&deal.name).crumb("Pipeline", "/pipeline").tag(tag(tone(deal.stage), deal.stage.label())))
        (Card::new("Deal").padded(html! {
            (Pairs::new()
                .add("Lead", html! { a href=(format!("/leads/{}", deal.lead_id)) { (deal.lead_name) } })
                .maybe("Company", deal.company.as_deref())
                .add("Value", worth(deal.value_minor, &deal.currency).unwrap_or_else(|| "–".to_owned()))
                .add("Probability", format!("{} %", deal.stage.probability()))
                .maybe("Lost because", deal.lost_reason.as_deref())
                .add("Changed", wall.moment(deal.updated_at)))
        }))
        (forms(&deal))
    };
    cx.page(&deal.name.clone(), body).await
}

fn tone(stage: Stage) -> Tone {
    match stage {
        Stage::Won => Tone::Good,
        Stage::Lost => Tone::Bad,
        Stage::Qualification | Stage::Proposal => Tone::Cool,
        Stage::Negotiation | Stage::Verbal | Stage::Contract => Tone::Warm,
    }
}

fn forms(deal: &Deal) -> Markup {
    let stages: Vec<Choice> =
        Stage::ALL.iter().map(|stage| Choice::new(stage.word(), stage.label())).collect();
    let mut reasons = vec![Choice::new("", "–")];
    reasons.extend(LOST_REASONS.iter().map(|(word, label)| Choice::new(*word, *label)));
    let value =
        deal.value_minor.map(|minor| format!("{}.{:02}", minor / 100, minor % 100)).unwrap_or_default();
    html! {
        (Card::new("Move").padded(Form::post(format!("/deals/{}/move", deal.id), "move")
            .field(Field::select("stage", "Stage", stages).value(deal.stage.word()))
            .field(Field::select("lost_reason", "If lost, why", reasons).value(deal.lost_reason.clone().unwrap_or_default()))
            .submit("Move")))
        (Card::new("Value").padded(Form::post(format!("/deals/{}/value", deal.id), "value")
            .field(Field::text("value", format!("Value in {}", deal.currency)).value(value).hint("Such as 12000 or 12000.50; empty when not known."))
            .submit("Save")))
    }
}

/// A chosen stage.
#[derive(Debug, Deserialize)]
pub struct Move {
    stage: String,
    #[serde(default)]
    lost_reason: String,
}

/// `POST /deals/{id}/move`.
pub async fn move_to(
    mut cx: Cx,
    Path(id): Path<DealId>,
    axum::Form(chosen): axum::Form<Move>,
) -> Result<Response> {
    let reason = (!chosen.lost_reason.is_empty()).then_some(chosen.lost_reason.as_str());
    store::move_to(&mut cx, id, chosen.stage.parse()?, reason).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/deals/{id}"), "Moved."))
}

/// A value as typed.
#[derive(Debug, Deserialize)]
pub struct Value {
    value: String,
}

/// `POST /deals/{id}/value`.
pub async fn set_value(
    mut cx: Cx,
    Path(id): Path<DealId>,
    axum::Form(typed): axum::Form<Value>,
) -> Result<Response> {
    let minor = minor_units(&typed.value)?;
    store::set_value(&mut cx, id, minor).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/deals/{id}"), "Saved."))
}

/// Whole minor units of an amount as people type it; money never passes through floating point.
fn minor_units(text: &str) -> base::Result<Option<i64>> {
    let text = text.trim().replace([',', ' '], "");
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || Error::invalid("deal.value", format!("“{text}” is not an amount. Write 12000 or 12000.50."));
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let cents = match cents.len() {
        1 => format!("{cents}0"),
        2 => cents.to_owned(),
        _ => return Err(bad()),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(&cents) {
        return Err(bad());
    }
    format!("{whole}{cents}").parse().map(Some).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::minor_units;

    #[test]
    fn amounts_are_read_without_floating_point() {
        let cases = [
            ("", None),
            ("12000", Some(1_200_000)),
            ("12,000.5", Some(1_200_050)),
            ("0.07", Some(7)),
            (" 1 000.00 ", Some(100_000)),
        ];
        for (text, minor) in cases {
            assert_eq!(minor_units(text).expect("an amount"), minor, "{text}");
        }
        for bad in ["x", "-5", "1.234", "1.2.3", ".5", "99999999999999999999", "1e5"] {
            assert!(minor_units(bad).is_err(), "{bad}");
        }
    }
}
