//! `/pay/disputes`: what payers' banks ask back, what happens to the money meanwhile, and what proves that
//! the payment was meant.

use super::{Dispute, DisputeId, Status};
use crate::list::Names;
use crate::page::ROWS;
use crate::payment::{self, Payment};
use crate::show::next;
use crate::{mandate, receipt};
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Money};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

const LIST: &str = "/pay/disputes";

/// Which disputes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    after: Option<Cursor>,
}

/// A status as people see it.
pub(crate) fn tag_of(status: Status) -> Markup {
    match status {
        Status::Open => tag(Tone::Warm, "Open"),
        Status::Won => tag(Tone::Good, "Won"),
        Status::Lost => tag(Tone::Bad, "Lost"),
    }
}

/// The rail's word for a reason, as people read it: `product_not_received` is `Product not received`.
pub(crate) fn reason(word: &str) -> String {
    let words = word.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "No reason given".to_owned(),
    }
}

/// `GET /pay/disputes`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let status = Status::ALL.into_iter().find(|status| status.word() == asked.status);
    let page = super::store::list_of(&mut cx, status, asked.after.as_ref(), ROWS).await?;
    let open = super::store::open_count(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|d| {
        Row::new()
            .link(&d.amount().to_string(), &format!("{LIST}/{}", d.id))
            .cell(tag_of(d.status))
            .cell(reason(&d.reason))
            .cell(html! { a href={ "/pay/payments/" (d.payment_id) } { "its payment" } })
            .cell(wall.relative(d.opened_at))
            .maybe(d.ended_at.map(|at| wall.relative(at)))
    });
    let columns = [
        Column::text("Amount"),
        Column::text("Status"),
        Column::text("Why"),
        Column::text("About"),
        Column::text("Opened"),
        Column::text("Ended"),
    ];
    let none = match status {
        Some(_) => state::empty(
            "No such disputes",
            "Nothing fits this filter.",
            Some(Button::link("All disputes", LIST)),
        ),
        None => state::empty(
            "No disputes",
            "When a payer's bank asks a payment back, it stands here with what proves the payment.",
            Some(Button::link("Payments", "/pay/payments")),
        ),
    };
    let table = Table::new("Disputes", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[("status", asked.status.as_str())], &after)));
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(Status::ALL.map(|s| Choice::new(s.word(), s.label())));
    let body = html! {
        (Heading::new("Disputes").about("Payments that a payer's bank asks back. While one is open, its amount is frozen."))
        (kpis(&[Kpi::new("Open", number::count(open)).href(format!("{LIST}?status=open"))]))
        (Filter::new(LIST).field(Field::select("status", "Status", statuses).value(asked.status.as_str())).active(status.is_some()))
        (Card::bare().body(table))
    };
    cx.page("Disputes", body).await
}

/// `GET /pay/disputes/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<DisputeId>) -> web::Result<Response> {
    let dispute = super::store::get(&mut cx, id).await?;
    let payment = payment::get(&mut cx, dispute.payment_id).await?;
    let m = mandate::get(&mut cx, payment.mandate_id).await?;
    let receipts = receipt::by_payment(&mut cx, payment.id).await?;
    let names = Names::of(&mut cx, std::slice::from_ref(&payment)).await?;
    let agreed = web::actor::names(&mut cx, m.approvers.iter().map(String::as_str)).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let facts = Pairs::new()
        .add("Asked back", dispute.amount().to_string())
        .add("Why", reason(&dispute.reason))
        .add("About", html! { a href={ "/pay/payments/" (payment.id) } { "a payment of " (payment.amount()) } })
        .add("Who paid", names.who(&payment))
        .add("Whom", names.whom(&payment))
        .add("Over", html! { a href={ "/pay/rails/" (payment.rail.word()) } { (payment.rail.label()) } })
        .add("Fee if it is lost", html! {
            (Money { minor: dispute.fee_minor, currency: dispute.currency })
            @if dispute.fee_rule.is_some() { " by " a href={ "/pay/rails/" (payment.rail.word()) "#fees" } { "your setting" } } @else { ", as the rail said" }
        })
        .add("The rail's name of it", html! { code { (dispute.provider_ref) } });
    let by = |label: &String| match label.starts_with("principal:") {
        true => names.payer(&payment).to_owned(),
        false => agreed.of(label),
    };
    let people = m.approvers.iter().map(by).collect::<Vec<_>>().join(", ");
    let evidence = html! {
        p { "What shows that this payment was meant and allowed:" }
        ul {
            li { a href={ "/pay/mandates/" (payment.mandate_id) } { "The signed mandate" } ": what the agent was allowed, its token byte for byte" @if !people.is_empty() { ", agreed to by " (people) } "." }
            li { a href={ "/pay/intents/" (payment.intent_id) } { "What was wanted" } ": the intent with its quote, before anything was paid." }
            li { a href={ "/pay/policies/" (m.policy_id) } { "The policy" } " by which it was judged, as it was then." }
            @for r in &receipts {
                li {
                    a href={ "/pay/receipts/" (r.id) } { "Receipt " (r.sequence) } " (" (r.kind.label()) "), and "
                    a href={ "/api/v1/receipts/" (r.id) "/proof" } { "its proof" } ", which anybody can check without us."
                }
            }
            li { a href={ "/pay/payments/" (payment.id) } { "What happened" } ", step by step." }
        }
        @if dispute.status == Status::Open {
            p { "Answer the bank at " (payment.rail.label()) ", under the name " code { (dispute.provider_ref) } ": hand in the mandate's token and the proofs. What it decides comes back here by itself." }
        }
    };
    let body = html! {
        (Heading::new(format!("Dispute over {}", dispute.amount())).crumb("Disputes", LIST).tag(tag_of(dispute.status))
            .about(html! { (reason(&dispute.reason)) ", " (wall.relative(dispute.opened_at)) "." }))
        (grid::main_side(
            html! {
                (Card::new("What happens to the money").padded(money_line(&dispute, &payment, &wall)))
                (Card::new("Evidence").padded(evidence))
            },
            Card::new("The dispute").padded(facts).foot(copy(&id.to_string())),
        ))
    };
    cx.page("Dispute", body).await
}

/// Where the money was, is and will be.
fn money_line(dispute: &Dispute, payment: &Payment, wall: &Wall) -> Markup {
    let amount = dispute.amount();
    let fee = Money { minor: dispute.fee_minor, currency: dispute.currency };
    let mut line = vec![
        Event::new(wall.exact(payment.created_at), format!("Paid: {}", payment.amount()))
            .meta(html! { "the vendor earned its share, the platform its fee" }),
        Event::new(wall.exact(dispute.opened_at), format!("Frozen: {amount}"))
            .tone(Tone::Warm)
            .meta(html! { "taken out of the vendor's earnings and the platform's fee in their shares; nobody is paid out of it" }),
    ];
    match (dispute.status, dispute.ended_at) {
        (Status::Won, Some(at)) => line.push(
            Event::new(wall.exact(at), format!("Won: {amount} returned"))
                .tone(Tone::Good)
                .meta(html! { "to the vendor's earnings and the platform's fee, as before" }),
        ),
        (Status::Lost, Some(at)) => line.push(
            Event::new(wall.exact(at), format!("Lost: {amount} went back to the payer"))
                .tone(Tone::Bad)
                .meta(html! {
                    "nothing more of this payment can be given back"
                    @if fee.minor > 0 { "; the provider charged " (fee) }
                }),
        ),
        (Status::Open, _) | (Status::Won | Status::Lost, None) => {}
    }
    html! {
        (timeline(&line))
        @if dispute.status == Status::Open {
            p { "If it is won, the amount returns to where it was. If it is lost, the payer has it, and the vendor's earnings bear it." }
        }
    }
}
