//! `/billing`: what a client has, what is left of it, what it was billed. Each number leads to its rows.

use super::offers::people;
use super::{Asked, invoice_tag, kind_tag, percent, standing_tag};
use crate::desk::Desk;
use crate::limit::{self, Limit, Used};
use crate::plan::term::{self, TaxTerm};
use crate::plan::{self, Plan};
use crate::standing::{self, Standing};
use crate::subscription::{self, Subscription};
use crate::{checkout, credit, dunning, founding, invoice};
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Result, Role, Time};
use maud::{Markup, html};
use ui::prelude::*;

/// Rows of a list.
const ROWS: usize = 50;

/// Everything that the page shows.
struct Seen {
    standing: Standing,
    live: Option<Subscription>,
    in_force: Plan,
    used: Used,
    next: Option<Plan>,
    credits: credit::Balance,
    plans: Vec<Plan>,
    spot: Option<founding::Spot>,
    left: founding::Left,
    open: Option<invoice::Invoice>,
    under_way: Option<checkout::Checkout>,
    tax: Option<TaxTerm>,
}

async fn see(cx: &mut db::Cx, desk: &Desk) -> Result<Seen> {
    let live = subscription::live(cx).await?;
    let tenant = accounts::tenant::get(cx).await?;
    let next = match live.as_ref().and_then(|sub| sub.next_plan) {
        Some(id) => Some(plan::get(cx, id).await?),
        None => None,
    };
    let tax = if desk.seller.abn.is_empty() { None } else { term::tax(cx, &tenant.country).await? };
    let under_way = checkout::list(cx)
        .await?
        .into_iter()
        .find(|one| matches!(one.state, checkout::State::Asked | checkout::State::Open));
    Ok(Seen {
        standing: standing::of(cx, &tenant, live.as_ref()).await?,
        in_force: standing::in_force(cx).await?,
        used: limit::used(cx, desk.count).await?,
        next,
        credits: credit::balance(cx).await?,
        plans: plan::on_sale(cx).await?,
        spot: founding::own(cx).await?,
        left: founding::left(cx).await?,
        open: invoice::open(cx).await?,
        under_way,
        tax,
        live,
    })
}

/// `GET /billing`
pub(crate) async fn show(mut cx: web::Cx, desk: Desk) -> web::Result<Response> {
    let seen = see(&mut cx, &desk).await?;
    let invoices = invoice::list(&mut cx, None, 5).await?;
    let notices = dunning::list(&mut cx).await?;
    let may = cx.who().role >= Role::Admin;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let now = cx.now();
    let body = html! {
        (Heading::new("Billing").about("Your plan, its credits and your invoices.").tag(standing_tag(seen.standing)))
        (notice(&seen, &wall))
        (figures(&seen, &wall, now))
        (present(&seen, &wall, may))
        (offers(&seen, &desk, may))
        (Card::new("Invoices").link("All invoices", "/billing/invoices").body(table(&invoices.rows, &wall, None)))
        @if !notices.is_empty() {
            (Card::new("Reminders").body(reminders(&notices, &wall)))
        }
    };
    // The first look at the credits may have opened their account.
    let again = cx.page("Billing", body).await?;
    Ok(again)
}

fn notice(seen: &Seen, wall: &Wall) -> Markup {
    let Some(why) = seen.standing.refusal() else { return html! {} };
    let pay = seen.open.as_ref().and_then(|invoice| invoice.pay_url.clone());
    html! {
        (state::partial(html! {
            "Nothing is sent now. " (why)
            @if let (Standing::PastDue { since: Some(since) }, ()) = (seen.standing, ()) { " It is missing since " (wall.date(since)) "." }
            @if let Some(url) = pay { " " a href=(url) { "Pay the open invoice" } }
        }))
    }
}

fn figures(seen: &Seen, wall: &Wall, now: Time) -> Markup {
    let plan = match &seen.live {
        Some(_) => Kpi::new("Plan", seen.in_force.name.as_str()).href("/billing#plans"),
        None => Kpi::new("Plan", "None")
            .sub(format!("figures of {}", seen.in_force.name), Trend::Flat)
            .href("/billing#plans"),
    };
    let days = |until: Time| (until.since_s(now).max(0) + 86_399) / 86_400;
    let second = match seen.standing {
        Standing::Trialing { until, .. } => Kpi::new("Trial days left", number::count(days(until)))
            .sub(format!("until {}", wall.date_text(until)), Trend::Flat)
            .href("/billing#plan"),
        Standing::Active { .. }
        | Standing::OutOfCredits { .. }
        | Standing::TrialOver { .. }
        | Standing::PastDue { .. }
        | Standing::Paused
        | Standing::Cancelled => match seen.live.as_ref().and_then(|sub| sub.period_end) {
            Some(end) => Kpi::new("Days left in this period", number::count(days(end)))
                .sub(format!("until {}", wall.date_text(end)), Trend::Flat)
                .href("/billing#plan"),
            None => Kpi::unknown("Days left in this period", "no paid period"),
        },
    };
    let credits = Kpi::new("Credits left", number::count(seen.credits.available.into()))
        .sub(format!("of {} in this period", number::count(seen.credits.quota.into())), Trend::Flat)
        .href("/billing/credits");
    let aside = Kpi::new("Set aside", number::count(seen.credits.reserved.into()))
        .sub("for work under way", Trend::Flat)
        .href("/billing/credits");
    kpis(&[plan, second, credits, aside])
}

fn present(seen: &Seen, wall: &Wall, may: bool) -> Markup {
    let facts = Pairs::new()
        .add("State", standing_tag(seen.standing))
        .add("Leads a month", number::count(seen.in_force.leads.into()))
        .add("Campaigns at once", of(seen, Limit::Campaigns))
        .add("LinkedIn seats", of(seen, Limit::LinkedinSeats))
        .add("People", of(seen, Limit::People))
        .some(
            "Founding member",
            seen.spot
                .filter(|spot| spot.held_until.is_none())
                .map(|spot| format!("number {}, {}% off for life", spot.number, spot.percent_off)),
        );
    let facts = match &seen.live {
        None => facts,
        Some(sub) => facts
            .some("Paid until", sub.period_end.map(|at| wall.date(at)))
            .some("First payment", sub.trial_end.filter(|_| sub.plan.is_none()).map(|at| wall.date(at)))
            .some("From the next period", seen.next.as_ref().map(|plan| plan.name.clone()))
            .some(
                "Ends",
                sub.cancel_at_period_end
                    .then(|| sub.period_end.or(sub.trial_end))
                    .flatten()
                    .map(|at| wall.date(at)),
            )
            .some("Payment missing since", sub.past_due_since.map(|at| wall.date(at))),
    };
    let acts = html! {
        @if let (Some(sub), true) = (&seen.live, may) {
            (acts([
                Button::link("Card and payments", "/billing/portal"),
                if sub.cancel_at_period_end {
                    Button::post("Keep the plan", "/billing/plan").hidden("want", "go_on")
                } else {
                    Button::post("Cancel the plan", "/billing/plan").hidden("want", "end").danger()
                        .confirm("The plan ends with its period. Until then everything goes on.")
                },
            ]))
        }
        @if let Some(open) = &seen.under_way {
            p { "A plan is being bought. " a href=(format!("/billing/checkout/{}", open.id)) { "Go on with it" } }
        }
    };
    html! { (Card::new("Your plan").id("plan").padded(html! { (facts) (acts) })) }
}

/// How much is used of what is allowed, with the way to the rows.
fn of(seen: &Seen, limit: Limit) -> Markup {
    let (used, href) = match limit {
        Limit::Campaigns => (seen.used.held.map(|held| held.campaigns), "/campaigns?status=active"),
        Limit::LinkedinSeats => (seen.used.held.map(|held| held.linkedin_seats), "/settings/sending"),
        Limit::People => (Some(seen.used.people), "/settings/team"),
    };
    let allowed = limit.allowed(&seen.in_force);
    let full = used.zip(allowed).is_some_and(|(used, allowed)| used >= i64::from(allowed));
    html! {
        @if let Some(used) = used { a href=(href) { (number::count(used)) } " of " }
        @if let Some(allowed) = allowed { (number::count(allowed.into())) } @else { "any number" }
        @if full { " " (tag(Tone::Warm, "No room")) }
    }
}

fn offers(seen: &Seen, desk: &Desk, may: bool) -> Markup {
    let off = match (seen.spot, seen.left) {
        (Some(spot), _) => Some(spot.percent_off),
        (None, left) if left.free > 0 && seen.live.is_none() => left.percent_off,
        (None, _) => None,
    };
    let rows = seen.plans.iter().map(|plan| {
        let tax = seen.tax.as_ref().map(|tax| match plan.gst_inclusive {
            true => format!("including {} {}", percent(tax.basis_points), tax.name),
            false => format!("plus {} {}", percent(tax.basis_points), tax.name),
        });
        Row::new()
            .cell(html! { strong { (plan.name) } })
            .cell(html! {
                (plan.price().map(|price| price.to_string()).unwrap_or_default()) " a month"
                @if let Some(off) = off {
                    br; span.quiet { "founding: " (plan.price_with(off).map(|price| price.to_string()).unwrap_or_default()) }
                }
                @if let Some(tax) = &tax { br; span.quiet { (tax) } }
            })
            .cell(number::count(plan.leads.into()))
            .cell(number::count(plan.campaigns.into()))
            .cell(number::count(plan.seats.into()))
            .cell(people(plan.people))
            .cell(act(seen, plan, desk, may))
    });
    let columns = [
        Column::text("Plan"),
        Column::text("Price"),
        Column::number("Leads a month"),
        Column::number("Campaigns"),
        Column::number("LinkedIn seats"),
        Column::number("People"),
        Column::acts("Actions"),
    ];
    html! {
        (Card::new("Plans").id("plans").body(html! {
            (Table::new("Plans", columns).rows(rows).note("Every plan has every feature; only the amounts differ. Credits are granted each month and lapse with it."))
            @if desk.account.is_none() {
                (state::partial("Plans cannot be bought here yet: whoever runs this installation has not set billing.stripe_key."))
            }
        }))
        @if seen.live.is_none() && seen.spot.is_none() {
            p.quiet { (number::counted(seen.left.free, "founding spot is", "founding spots are")) " left." }
        }
    }
}

/// The one thing that can be done with an offered plan now.
fn act(seen: &Seen, plan: &Plan, desk: &Desk, may: bool) -> Markup {
    let Some(sub) = &seen.live else {
        let button = Button::post("Choose", "/billing/checkout")
            .hidden("plan", plan.code.word())
            .about(plan.name.as_str())
            .primary();
        return off(button, desk, may);
    };
    let comes = sub.next_plan.or(sub.plan);
    if comes == Some(plan.id) {
        return tag(
            Tone::Good,
            if sub.next_plan.is_some() && sub.plan.is_some() { "Next period" } else { "Your plan" },
        );
    }
    let larger = sub.plan.is_some() && plan.leads > seen.in_force.leads;
    let (label, question) = if larger {
        (
            "Upgrade",
            "The difference for the rest of this period is billed now, and its credits are added at once.",
        )
    } else if sub.plan == Some(plan.id) {
        ("Keep", "It stays as it is in the next period.")
    } else {
        ("Choose", "It counts from the next period on; until then nothing changes.")
    };
    let button = Button::post(label, "/billing/plan")
        .hidden("want", plan.code.word())
        .about(plan.name.as_str())
        .confirm(question);
    off(button, desk, may)
}

fn off(button: Button, desk: &Desk, may: bool) -> Markup {
    let button = match (may, desk.account.is_some()) {
        (true, true) => button,
        (true, false) => button.off("Plans cannot be bought here yet."),
        (false, _) => button.off("An admin or owner can do this."),
    };
    html! { (button) }
}

fn table(rows: &[invoice::Invoice], wall: &Wall, next: Option<String>) -> Table {
    let columns = [
        Column::text("Invoice"),
        Column::text("Issued"),
        Column::text("For"),
        Column::number("Net"),
        Column::number("Tax"),
        Column::number("Total"),
        Column::text("State"),
    ];
    let rows = rows.iter().map(|one| {
        Row::new()
            .link(&one.name(), &format!("/billing/invoices/{}", one.id))
            .cell(wall.date(one.issued_at))
            .cell(html! { (wall.date(one.period_start)) " – " (wall.date(one.period_end)) })
            .cell(one.net().to_string())
            .cell(one.tax().to_string())
            .cell(one.total().to_string())
            .cell(invoice_tag(one.status))
    });
    Table::new("Invoices", columns).rows(rows).next(next).empty(state::empty(
        "No invoices yet",
        "The first one comes with the first payment of a plan.",
        None,
    ))
}

fn reminders(notices: &[dunning::Notice], wall: &Wall) -> Table {
    let columns = [Column::text("Written"), Column::text("To"), Column::number("Day"), Column::text("State")];
    let rows = notices.iter().map(|one| {
        let state = match one.state {
            dunning::State::Due => tag(Tone::Cool, "On its way"),
            dunning::State::Sent => tag(Tone::Good, "Sent"),
            dunning::State::Failed => tag(Tone::Bad, "Not sent"),
        };
        Row::new()
            .cell(wall.moment(one.created_at))
            .cell(one.email.as_str())
            .cell(one.day)
            .cell(html! { (state) @if let Some(error) = &one.error { br; span.quiet { (error) } } })
    });
    Table::new("Reminders of a missing payment", columns).rows(rows)
}

/// `GET /billing/credits`
pub(crate) async fn credits(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let held = credit::present(&mut cx).await?;
    let page = credit::entries(&mut cx, asked.cursor()?.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let columns = [
        Column::number("Entry"),
        Column::text("When"),
        Column::text("What"),
        Column::number("Available"),
        Column::number("Set aside"),
        Column::number("Available after"),
        Column::number("Set aside after"),
        Column::text("About"),
    ];
    let rows = page.rows.iter().map(|one| {
        Row::new()
            .cell(one.sequence)
            .cell(wall.moment(one.at))
            .cell(kind_tag(one.kind))
            .cell(number::change(one.available_delta.into()))
            .cell(number::change(one.reserved_delta.into()))
            .cell(number::count(one.available_after.into()))
            .cell(number::count(one.reserved_after.into()))
            .cell(match one.subject_id {
                Some(lead) => html! { a href=(format!("/leads/{lead}")) { "Lead" } },
                None => html! { (one.reason) },
            })
    });
    let next = page.next.as_ref().map(|after| format!("/billing/credits?after={}", after.as_str()));
    let table = Table::new("Credits", columns)
        .rows(rows)
        .next(next)
        .first((!asked.after.is_empty()).then(|| "/billing/credits".to_owned()))
        .empty(state::empty("No entries yet", "The first one is the grant of the first period.", None));
    let span = held.period_start.zip(held.period_end);
    let body = html! {
        (Heading::new("Credits").crumb("Billing", "/billing").about("One for each enriched lead. Every change is an entry; none is ever changed."))
        (kpis(&[
            Kpi::new("Left", number::count(held.available.into())).href("/billing/credits"),
            Kpi::new("Set aside", number::count(held.reserved.into())).href("/billing/credits"),
            Kpi::new("Of this period", number::count(held.quota.into())).href("/billing/credits"),
        ]))
        @if let Some((start, end)) = span { p.quiet { "This period: " (wall.date(start)) " – " (wall.date(end)) ". What is left then lapses." } }
        (Card::bare().body(table))
    };
    cx.page("Credits", body).await
}

/// `GET /billing/invoices`
pub(crate) async fn invoices(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let page = invoice::list(&mut cx, asked.cursor()?.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let next = page.next.as_ref().map(|after| format!("/billing/invoices?after={}", after.as_str()));
    let body = html! {
        (Heading::new("Invoices").crumb("Billing", "/billing").about("What was billed. An invoice never changes; whether it is paid does."))
        (Card::bare().body(table(&page.rows, &wall, next)))
    };
    cx.page("Invoices", body).await
}

/// `GET /billing/invoices/{id}`
pub(crate) async fn invoice(mut cx: web::Cx, Path(id): Path<invoice::InvoiceId>) -> web::Result<Response> {
    let one = invoice::get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let columns = [Column::text("What"), Column::number("Amount")];
    let currency: base::Currency = one.currency.parse()?;
    let rows = one.lines.iter().map(|line| {
        Row::new().cell(line.text.as_str()).cell(base::Money { minor: line.minor, currency }.to_string())
    });
    let kind = if one.is_tax_invoice() { "Tax invoice" } else { "Invoice" };
    let lines_hold = if one.tax_name.is_empty() {
        "No tax is billed.".to_owned()
    } else if one.gst_inclusive {
        format!("The amounts hold {}.", one.tax_name)
    } else {
        format!("The amounts are without {}.", one.tax_name)
    };
    let body = html! {
        (Heading::new(format!("{kind} {}", one.name())).crumb("Billing", "/billing").crumb("Invoices", "/billing/invoices")
            .tag(invoice_tag(one.status))
            .act(Button::link("PDF", format!("/billing/invoices/{}/pdf", one.id))))
        (Card::new("Invoice").padded(Pairs::new()
            .add("From", html! { (one.seller.name) @if !one.seller.abn.is_empty() { ", ABN " (one.seller.abn) } })
            .add("To", one.buyer.name.as_str())
            .add("Issued", wall.date(one.issued_at))
            .add("For", html! { (wall.date(one.period_start)) " – " (wall.date(one.period_end)) })
            .add("Without tax", one.net().to_string())
            .some("Tax", (!one.tax_name.is_empty()).then(|| format!("{}: {}", one.tax_name, one.tax())))
            .add("Total", one.total().to_string())
            .some("Paid", one.paid_at.map(|at| wall.date(at)))
            .some("Pay", (one.status == invoice::Status::Open).then(|| one.pay_url.clone()).flatten().map(|url| html! { a href=(url) { "Pay this invoice" } }))
            .add("Name at the provider", html! { code { (one.provider_ref) } })))
        (Card::new("Lines").body(Table::new("Lines", columns).rows(rows).note(lines_hold)))
    };
    cx.page(&one.name(), body).await
}

/// `GET /billing/invoices/{id}/pdf`
pub(crate) async fn pdf(mut cx: web::Cx, Path(id): Path<invoice::InvoiceId>) -> web::Result<Response> {
    let one = invoice::get(&mut cx, id).await?;
    let zone = base::Zone::sydney();
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{}.pdf\"", one.name())),
    ];
    Ok((headers, invoice::pdf(&one, &zone)).into_response())
}
