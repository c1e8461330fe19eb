//! Costs: budgets with their meters, sums by day, agent, campaign, model, provider, and the rows.

use super::{Budget, BudgetId, Group, Line, Period, Scope, SpendFilter, SpendRow};
use crate::export;
use axum::{
    extract::{Form as Sent, Path, Query},
    response::Response,
};
use base::{Currency, Cursor, Error, Micros};
use futures::stream;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

const ROWS: i64 = 50;
const EXPORT_ROWS: i64 = 1_000;

fn money(micros: i64) -> String {
    Micros(micros).show(Currency::Aud)
}

/// The filter as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    from: String,
    until: String,
    agent: String,
    campaign: String,
    provider: String,
    model: String,
    task: String,
    after: String,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("from", &self.from),
            ("until", &self.until),
            ("agent", &self.agent),
            ("campaign", &self.campaign),
            ("provider", &self.provider),
            ("model", &self.model),
            ("task", &self.task),
        ]
    }

    fn filter(&self) -> base::Result<SpendFilter> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let campaign =
            given(&self.campaign).map(|id| id.parse()).transpose().map_err(|cause: uuid::Error| {
                Error::invalid("spend.campaign", "That is not the id of a campaign.").caused_by(cause)
            })?;
        let filter = SpendFilter {
            from: given(&self.from),
            until: given(&self.until),
            agent: given(&self.agent),
            campaign,
            provider: given(&self.provider),
            model: given(&self.model),
            task: given(&self.task),
        };
        filter.check()?;
        Ok(filter)
    }

    /// An address with this filter and one more value.
    fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let kept = self.fields().into_iter().filter(|(k, _)| !more.iter().any(|(name, _)| name == k));
        let parts: Vec<String> = kept
            .chain(more.iter().copied())
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("{k}={}", crate::link(v)))
            .collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }

    fn bar(&self, path: &'static str) -> ui::filter::Filter {
        ui::filter::Filter::new(path)
            .field(Field::line(Input::Date, "from", "From").value(&self.from))
            .field(Field::line(Input::Date, "until", "Until").value(&self.until))
            .field(Field::text("agent", "Agent").value(&self.agent))
            .field(Field::text("provider", "Provider").value(&self.provider))
            .field(Field::text("model", "Model").value(&self.model))
            .hidden("campaign", &self.campaign)
            .hidden("task", &self.task)
            .active(self.fields().iter().any(|(_, v)| !v.is_empty()))
    }
}

/// `GET /costs`
pub async fn costs(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let filter = asked.filter()?;
    let budgets = super::budgets(&mut cx).await?;
    let platform = cx.who().platform;
    let mut cards = Vec::new();
    let mut days = Vec::new();
    for group in Group::ALL {
        let lines = super::grouped(&mut cx, &filter, group).await?;
        if !lines.is_empty() {
            cards.push(group_card(&asked, group, &lines));
        }
        if group == Group::Day {
            days = lines;
        }
    }
    let total: i64 = days.iter().map(|line| line.spent.cost_micros).sum();
    let reserved: i64 = days.iter().map(|line| line.spent.reserved_micros).sum();
    let calls: i64 = days.iter().map(|line| line.spent.calls).sum();
    let rows = asked.link("/costs/spend", &[]);
    let body = html! {
        (Heading::new("Costs").about("Every metered call, with what it cost and for what.")
            .act(Button::link("All calls", &rows)).act(Button::link("Export CSV", asked.link("/costs/spend.csv", &[]))))
        (asked.bar("/costs"))
        (kpis(&[
            Kpi::new("Spent", money(total)).href(&rows),
            Kpi::new("Set aside", money(reserved)).sub("for calls under way", Trend::Flat).href(&rows),
            Kpi::new("Calls", number::count(calls)).href(&rows),
        ]))
        (Card::new("Budgets").body(budget_table(&budgets, platform)).foot("At 80 % people are told; at 100 % everything that costs money stops."))
        (Card::new("Set a budget").id("set").padded(budget_form(platform)))
        @for card in &cards { (card) }
        @if cards.is_empty() {
            (Card::new("Where it went").body(state::empty(
                "Nothing was spent",
                "Calls to language models and providers appear here: by day, agent, campaign, model and provider.",
                None,
            )))
        }
    };
    cx.page("Costs", body).await
}

fn group_card(asked: &Asked, group: Group, lines: &[Line]) -> Markup {
    let table = Table::new(
        format!("Costs by {}", group.word()),
        [
            Column::text(crate::capital(group.word())),
            Column::number("Calls"),
            Column::number("Spent"),
            Column::number("Set aside"),
        ],
    )
    .rows(lines.iter().map(|line| {
        let key = line.key.as_deref().unwrap_or_default();
        let more: &[(&str, &str)] = match group {
            Group::Day => &[("from", key), ("until", key)],
            Group::Agent => &[("agent", key)],
            Group::Campaign => &[("campaign", key)],
            Group::Model => &[("model", key)],
            Group::Provider => &[("provider", key)],
        };
        let row = Row::new();
        match &line.key {
            Some(key) => row.link(key, &asked.link("/costs/spend", more)),
            None => row.cell("none"),
        }
        .cell(number::count(line.spent.calls))
        .cell(money(line.spent.cost_micros))
        .cell(money(line.spent.reserved_micros))
    }));
    html! { (Card::new(format!("By {}", group.word())).body(table)) }
}

fn budget_table(budgets: &[Budget], platform: bool) -> Table {
    Table::new(
        "Budgets",
        [
            Column::text("Limits"),
            Column::text("Per"),
            Column::number("Used"),
            Column::number("Cap"),
            Column::text("Share"),
            Column::text("Source"),
            Column::acts("Actions"),
        ],
    )
    .rows(budgets.iter().map(|budget| {
        let used = budget.used();
        // What other clients spend is not shown to a client.
        let hidden = budget.scope == Scope::Platform && !platform;
        Row::new()
            .cell(crate::capital(&budget.scope.says(budget.target.as_deref())))
            .cell(budget.period.word())
            .maybe((!hidden).then(|| money(used.used_micros)))
            .cell(money(used.cap_micros))
            .maybe(
                (!hidden).then(|| html! { (meter(used.ratio(), true)) " " (number::percent(used.ratio())) }),
            )
            .cell(&budget.source)
            .cell(html! {
                @if budget.scope != Scope::Platform {
                    (Button::post("End", format!("/costs/budgets/{}/end", budget.id)).quiet()
                        .confirm("End this budget?").about(budget.scope.says(budget.target.as_deref())))
                }
            })
    }))
}

fn budget_form(platform: bool) -> Form {
    let scopes = Scope::ALL
        .into_iter()
        .filter(|scope| platform || *scope != Scope::Platform)
        .map(|scope| Choice::new(scope.word(), crate::capital(&scope.says(Some("…")))));
    Form::post("/costs/budgets", "budget")
        .line([
            Field::select("scope", "Limits", scopes).value(Scope::Client.word()).required(),
            Field::text("target", "Which one").hint("A campaign's id, an agent's or a provider's name"),
            Field::select("period", "Per", Period::ALL.map(|p| Choice::new(p.word(), p.word()))).required(),
            Field::number("cap", "Cap in A$").range("0", "1000000", "0.01").required(),
        ])
        .field(Field::text("reason", "Why").max_chars(500).required())
        .submit("Set the cap")
}

/// The form of a budget.
#[derive(Deserialize)]
pub struct Cap {
    scope: String,
    target: String,
    period: String,
    cap: String,
    reason: String,
}

/// Australian dollars as typed: `50`, `12.5`, `0.75`.
pub(super) fn dollars(text: &str) -> base::Result<Micros> {
    let bad = || Error::invalid("budget.cap", format!("“{text}” is not an amount like 50 or 12.50."));
    let (whole, cents) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    if whole.is_empty() || cents.is_empty() || cents.len() > 2 || !cents.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let whole: i64 = whole.parse::<u32>().map_err(|_| bad())?.into();
    let cents: i64 = format!("{cents:0<2}").parse().map_err(|_| bad())?;
    Ok(Micros::from_minor(whole * 100 + cents))
}

/// `POST /costs/budgets`
pub async fn set(mut cx: web::Cx, Sent(form): Sent<Cap>) -> web::Result<Response> {
    let (scope, period, cap): (Scope, Period, _) =
        (form.scope.parse()?, form.period.parse()?, dollars(&form.cap)?);
    let target = (scope.is_named()).then_some(form.target.as_str());
    if scope == Scope::Platform {
        if !cx.who().platform {
            return Err(Error::forbidden("Only whoever runs this installation may change its budget.").into());
        }
        let (app, caller) = (cx.app().clone(), cx.caller().clone());
        cx.commit().await?;
        let mut system = app.db().begin(db::Scope::System, caller).await?;
        super::set(&mut system, scope, None, period, cap, &form.reason).await?;
        system.commit().await?;
    } else {
        super::set(&mut cx, scope, target, period, cap, &form.reason).await?;
        cx.commit().await?;
    }
    Ok(web::redirect_with("/costs", "The cap counts from now on."))
}

/// `POST /costs/budgets/{id}/end`
pub async fn end(mut cx: web::Cx, Path(id): Path<BudgetId>) -> web::Result<Response> {
    super::end(&mut cx, id, "Ended on the page Costs").await?;
    cx.commit().await?;
    Ok(web::redirect_with("/costs", "The budget is ended."))
}

/// `GET /costs/spend`: the rows behind a figure.
pub async fn spend(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let filter = asked.filter()?;
    let after = crate::cursor(&asked.after)?;
    let found = super::rows(&mut cx, &filter, after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let table = Table::new(
        "Metered calls",
        [
            Column::text("When"),
            Column::text("Agent"),
            Column::text("For"),
            Column::text("Provider"),
            Column::text("Model"),
            Column::number("Units"),
            Column::number("Estimate"),
            Column::number("Cost"),
            Column::text("State"),
        ],
    )
    .empty(state::empty(
        "No calls match",
        "Widen the filter, or wait until an agent works.",
        Some(Button::link("All costs", "/costs")),
    ))
    .rows(found.rows.iter().map(|r| row(r, &wall)))
    .first(after.as_ref().map(|_| asked.link("/costs/spend", &[])))
    .next(found.next.as_ref().map(|next| asked.link("/costs/spend", &[("after", next.as_str())])));
    let body = html! {
        (Heading::new("Metered calls").crumb("Costs", "/costs").act(Button::link("Export CSV", asked.link("/costs/spend.csv", &[]))))
        (asked.bar("/costs/spend"))
        (Card::bare().body(table))
    };
    cx.page("Metered calls", body).await
}

fn row(r: &SpendRow, wall: &Wall) -> Row {
    Row::new()
        .cell(wall.exact(r.at))
        .cell(&r.agent)
        .cell(&r.task)
        .cell(&r.provider)
        .maybe(r.model.as_ref())
        .cell(html! { (number::count(r.units)) " " (r.unit) })
        .cell(money(r.estimate_micros))
        .cell(if r.state == super::State::Reserved { "–".to_owned() } else { money(r.cost_micros) })
        .cell(r.state.word())
}

/// `GET /costs/spend.csv`: exactly what is filtered.
pub async fn spend_csv(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    struct Reading {
        cx: web::Cx,
        filter: SpendFilter,
        after: Option<Cursor>,
        first: bool,
        done: bool,
    }
    let filter = asked.filter()?;
    let reading = Reading { cx, filter, after: None, first: true, done: false };
    let lines = stream::try_unfold(reading, async |mut r| -> base::Result<_> {
        if r.done {
            return Ok(None);
        }
        let mut text = Vec::new();
        if r.first {
            text.extend(export::csv_line([
                "at",
                "agent",
                "task",
                "campaign_id",
                "lead_id",
                "provider",
                "model",
                "unit",
                "units",
                "estimate_micros",
                "cost_micros",
                "currency",
                "state",
            ])?);
            r.first = false;
        }
        let page = super::rows(&mut r.cx, &r.filter, r.after.as_ref(), EXPORT_ROWS).await?;
        for row in &page.rows {
            text.extend(csv(row)?);
        }
        r.done = page.next.is_none();
        r.after = page.next;
        Ok(Some((text, r)))
    });
    Ok(export::download("costs.csv", "text/csv; charset=utf-8", lines))
}

fn csv(r: &SpendRow) -> base::Result<Vec<u8>> {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let (at, campaign, lead) = (r.at.to_string(), id(r.campaign_id), id(r.lead_id));
    let (units, estimate, cost) =
        (r.units.to_string(), r.estimate_micros.to_string(), r.cost_micros.to_string());
    export::csv_line([
        at.as_str(),
        &r.agent,
        &r.task,
        &campaign,
        &lead,
        &r.provider,
        r.model.as_deref().unwrap_or_default(),
        &r.unit,
        &units,
        &estimate,
        &cost,
        "AUD",
        r.state.word(),
    ])
}
