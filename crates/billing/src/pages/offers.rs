//! What is sold, on the page of whoever runs the installation: the rows of the plans, and the form that adds one.

use super::Again;
use super::platform::{self, Asked, HOME};
use crate::plan::{self, Code, Plan, PlanId, Problems, Typed};
use axum::extract::Form as Sent;
use axum::response::Response;
use base::{Error, Kind, Time};
use maud::{Markup, html};
use std::collections::BTreeSet;
use ui::prelude::*;
use web::{Open, redirect_with};

/// The rows that are sold now: of each plan the latest that has begun.
fn sold(plans: &[Plan], now: Time) -> BTreeSet<PlanId> {
    Code::ALL.into_iter().filter_map(|code| current(plans, code, now)).map(|plan| plan.id).collect()
}

/// The row of a plan that is sold now.
fn current(plans: &[Plan], code: Code, now: Time) -> Option<&Plan> {
    plans.iter().filter(|plan| plan.code == code && plan.valid_from <= now).max_by_key(|plan| plan.valid_from)
}

/// Every row, the latest of each plan first.
pub(super) fn card(plans: &[Plan], wall: &Wall, now: Time) -> Markup {
    let columns = [
        Column::text("Plan"),
        Column::number("Price a month"),
        Column::text("GST"),
        Column::number("Leads"),
        Column::number("Campaigns"),
        Column::number("LinkedIn seats"),
        Column::number("People"),
        Column::text("Since"),
        Column::text("State"),
        Column::text("Source"),
        Column::acts("Actions"),
    ];
    let sold = sold(plans, now);
    let rows = plans.iter().map(|plan| {
        let is_sold = sold.contains(&plan.id);
        let state = if is_sold {
            tag(Tone::Good, "Sold now")
        } else if plan.valid_from > now {
            tag(Tone::Cool, "From then on")
        } else {
            tag(Tone::Cold, "Before")
        };
        let change = Button::link("Change", format!("{HOME}?plan={}#change", plan.code.word()));
        Row::new()
            .cell(plan.name.as_str())
            .cell(plan.price().map(|price| price.to_string()).unwrap_or_default())
            .cell(if plan.gst_inclusive { "in the price" } else { "on top" })
            .cell(number::count(plan.leads.into()))
            .cell(number::count(plan.campaigns.into()))
            .cell(number::count(plan.seats.into()))
            .cell(people(plan.people))
            .cell(wall.date(plan.valid_from))
            .cell(state)
            .cell(plan.source.as_str())
            .cell(html! { @if is_sold { (change.about(plan.name.as_str())) } })
    });
    html! {
        (Card::new("Plans").id("plans").body(Table::new("Plans", columns).rows(rows))
            .foot("The latest row of a plan that has begun is sold; a subscription keeps the row that it was sold at."))
    }
}

/// How many people a plan allows.
pub(super) fn people(allowed: Option<i32>) -> String {
    allowed.map_or_else(|| "no limit".to_owned(), |people| number::count(people.into()))
}

/// The form that adds a row of the plan that is asked for, the smallest where none is.
pub(super) fn form(plans: &[Plan], now: Time, asked: &str, refused: Option<&(Typed, Problems)>) -> Markup {
    let none = Problems::default();
    let word = refused.map_or(asked, |(typed, _)| typed.plan.as_str());
    let code = word.parse().unwrap_or(Code::Ignition);
    let Some(row) = current(plans, code, now) else { return html! {} };
    let present = Typed::of(row);
    let (typed, wrong) = refused.map_or((&present, &none), |(typed, wrong)| (typed, wrong));
    let others =
        Code::ALL.into_iter().filter(|other| *other != code).filter_map(|other| current(plans, other, now));
    html! {
        (Card::new(format!("Change {} from a day on", row.name)).id("change").padded(html! {
            p.quiet {
                "This adds a row; none is ever changed. Whoever buys the plan from that day on has these figures, and every client without a subscription where it is the plan of the trial. "
                "A subscription keeps the row that it was sold at."
            }
            (fields(typed, wrong))
            p { "Another one: " @for other in others { a href=(format!("{HOME}?plan={}#change", other.code.word())) { (other.name) } " " } }
        }))
    }
}

fn fields(typed: &Typed, wrong: &Problems) -> Form {
    let amount = |name: &str, label: &str, least: &str, value: &str| {
        Field::number(name, label).value(value).range(least, "1000000", "1").error(wrong.of(name))
    };
    Form::post("/platform/billing/plans", "plan")
        .problem(wrong.of("form"))
        .hidden("plan", typed.plan.as_str())
        .line([
            Field::text("name", "Name")
                .value(typed.name.as_str())
                .max_chars(60)
                .required()
                .error(wrong.of("name")),
            Field::text("price", "Price a month in AUD")
                .value(typed.price.as_str())
                .required()
                .placeholder("2500.00")
                .error(wrong.of("price")),
        ])
        .field(Field::check("gst_inclusive", "The price holds GST", !typed.gst_inclusive.is_empty()))
        .line([
            amount("leads", "Leads a month", "0", &typed.leads).required(),
            amount("campaigns", "Campaigns at once", "0", &typed.campaigns).required(),
            amount("seats", "LinkedIn seats", "0", &typed.seats).required(),
            amount("people", "People", "1", &typed.people)
                .hint("Empty: as many as they like. Open invitations count."),
        ])
        .line([
            Field::line(Input::Date, "valid_from", "From this day on")
                .value(typed.valid_from.as_str())
                .required()
                .hint("Today counts at once.")
                .error(wrong.of("valid_from")),
            Field::text("source", "Where this comes from")
                .value(typed.source.as_str())
                .max_chars(500)
                .required()
                .placeholder("Price list of December 2026")
                .error(wrong.of("source")),
        ])
        .submit("Add this row")
}

/// `POST /platform/billing/plans`
pub(crate) async fn add(open: Open, again: Again, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let who = open.who.clone().ok_or_else(|| Error::forbidden("Sign in first."))?;
    let mut all = open.system_as(who.actor).await?;
    let wrong = match typed.read(all.now(), &who.zone) {
        Ok(new) => match plan::add(&mut all, &new).await {
            Ok(_) => {
                all.commit().await?;
                let notice = format!("{} is sold so from {} on.", new.name, typed.valid_from.trim());
                return Ok(redirect_with(&format!("{HOME}?plan={}#plans", new.code.word()), &notice));
            }
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::Refused) => {
                let field = if error.code() == "plan.dated" { "valid_from" } else { "form" };
                Problems::one(field, error.message())
            }
            Err(error) => return Err(error.into()),
        },
        Err(wrong) => wrong,
    };
    all.rollback().await?;
    platform::shown(open, again, &Asked::default(), Some((typed, wrong))).await
}
