//! `/pay/payments`: what was paid, how each payment went, and giving money back.

use super::{Desk, Filter as Which, Payment, PaymentId, Status};
use crate::list::{self, Names, Parties};
use crate::page::ROWS;
use crate::rail::Rail;
use crate::show::{next, problem};
use crate::{dispute, principal, receipt, refund};
use axum::extract::{Form as Sent, Path, Query};
use axum::response::Response;
use base::{Cursor, Money, Role};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const LIST: &str = "/pay/payments";

/// Which payments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    rail: String,
    principal: String,
    vendor: String,
    mandate: String,
    after: Option<Cursor>,
}

impl Asked {
    fn which(&self) -> base::Result<Which> {
        Ok(Which {
            principal: list::id(&self.principal)?,
            vendor: list::id(&self.vendor)?,
            mandate: list::id(&self.mandate)?,
            status: Status::ALL.into_iter().find(|status| status.word() == self.status),
            rail: Rail::ALL.into_iter().find(|rail| rail.word() == self.rail),
        })
    }

    fn query(&self) -> [(&'static str, &str); 5] {
        [
            ("status", &self.status),
            ("rail", &self.rail),
            ("principal", &self.principal),
            ("vendor", &self.vendor),
            ("mandate", &self.mandate),
        ]
    }
}

/// A status as people see it.
pub(crate) fn tag_of(status: Status) -> Markup {
    let tone = match status {
        Status::Succeeded => Tone::Good,
        Status::Failed | Status::Disputed => Tone::Bad,
        Status::Unknown => Tone::Warm,
        Status::Initiated | Status::Reserved | Status::Pending => Tone::Cool,
        Status::Refunded | Status::PartiallyRefunded => Tone::default(),
    };
    tag(tone, status.label())
}

impl Parties for Payment {
    fn payer(&self) -> Uuid {
        self.principal_id.uuid()
    }

    fn payee(&self) -> Uuid {
        self.vendor_id.uuid()
    }
}

/// `GET /pay/payments`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let which = asked.which()?;
    let filtered = asked.query().iter().any(|(_, value)| !value.is_empty());
    let page = super::list(&mut cx, which, asked.after.as_ref(), ROWS).await?;
    let counts = super::counts(&mut cx).await?;
    let agents = principal::list(&mut cx, None, None, 200).await?;
    let names = Names::of(&mut cx, &page.rows).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|p| {
        Row::new()
            .link(&p.amount().to_string(), &format!("{LIST}/{}", p.id))
            .cell(tag_of(p.status))
            .cell(p.rail.label())
            .cell(names.who(p))
            .cell(names.whom(p))
            .cell(wall.relative(p.created_at))
    });
    let columns = [
        Column::text("Amount"),
        Column::text("Status"),
        Column::text("Over"),
        Column::text("Who"),
        Column::text("To"),
        Column::text("When"),
    ];
    let none = if filtered {
        state::empty(
            "No such payments",
            "Nothing fits this filter.",
            Some(Button::link("All payments", LIST)),
        )
    } else {
        state::empty(
            "No payments yet",
            "An agent with a mandate executes it over the API; what it paid appears here.",
            Some(Button::link("Mandates", "/pay/mandates")),
        )
    };
    let table = Table::new("Payments", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &asked.query(), &after)));
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(Status::ALL.map(|s| Choice::new(s.word(), s.label())));
    let rails = std::iter::once(Choice::new("", "Any rail"))
        .chain(Rail::ALL.map(|rail| Choice::new(rail.word(), rail.label())));
    let who = std::iter::once(Choice::new("", "Any agent"))
        .chain(agents.rows.iter().map(|p| Choice::new(p.id.to_string(), p.name.as_str())));
    let kpi: Vec<Kpi> = counts
        .iter()
        .map(|(status, count)| {
            Kpi::new(status.label(), number::count(*count)).href(format!("{LIST}?status={}", status.word()))
        })
        .collect();
    let body = html! {
        (Heading::new("Payments").about("Money that moved under a mandate. Each has its timeline and its receipts."))
        @if !kpi.is_empty() { (kpis(&kpi)) }
        (Filter::new(LIST)
            .field(Field::select("status", "Status", statuses).value(asked.status.as_str()))
            .field(Field::select("rail", "Over", rails).value(asked.rail.as_str()))
            .field(Field::select("principal", "Agent", who).value(asked.principal.as_str()))
            .hidden("vendor", asked.vendor.as_str())
            .hidden("mandate", asked.mandate.as_str())
            .active(filtered))
        (Card::bare().body(table))
    };
    cx.page("Payments", body).await
}

/// `GET /pay/payments/{id}`
pub(crate) async fn detail(cx: web::Cx, Path(id): Path<PaymentId>) -> web::Result<Response> {
    shown(cx, id, None).await
}

async fn shown(mut cx: web::Cx, id: PaymentId, failed: Option<String>) -> web::Result<Response> {
    let payment = super::get(&mut cx, id).await?;
    let mut events = super::events(&mut cx, id).await?;
    // What happened in one transaction has one time: in the order in which a payment goes on.
    events.sort_by_key(|event| (event.at, event.status));
    let receipts = receipt::by_payment(&mut cx, id).await?;
    let refunds = refund::by_payment(&mut cx, id).await?;
    let disputes = dispute::by_payment(&mut cx, id).await?;
    let names = Names::of(&mut cx, std::slice::from_ref(&payment)).await?;
    let actors = web::actor::names(&mut cx, events.iter().map(|event| event.actor.as_str())).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let money = |minor: i64| Money { minor, currency: payment.currency }.to_string();
    let facts = Pairs::new()
        .add("Amount", payment.amount().to_string())
        .add("Taken", money(payment.captured_minor))
        .add("Given back", money(payment.refunded_minor))
        .add("Platform fee in it", format!("{} (version {})", money(payment.fee_minor), payment.fee_version))
        .add("Over", payment.rail.label())
        .some("The rail's name of it", payment.provider_ref.as_deref())
        .some("Why", payment.reason.as_deref())
        .add("Who", names.who(&payment))
        .add("To", names.whom(&payment))
        .add("Under", html! { a href={ "/pay/mandates/" (payment.mandate_id) } { "its mandate" } })
        .add("For", html! { a href={ "/pay/intents/" (payment.intent_id) } { "its intent" } });
    let line: Vec<Event> = events
        .iter()
        .map(|event| {
            Event::new(wall.exact(event.at), happened(&event.kind)).meta(html! {
                (event.status.label()) " · " (match event.actor.starts_with("principal:") {
                    true => names.payer(&payment).to_owned(),
                    false => actors.of(&event.actor),
                })
            })
        })
        .collect();
    let may_refund =
        cx.who().role >= Role::Admin && payment.refundable().minor > 0 && payment.status != Status::Disputed;
    let bad = failed.is_some();
    let body = html! {
        (Heading::new(format!("Payment of {}", payment.amount())).crumb("Payments", LIST).tag(tag_of(payment.status)))
        (grid::main_side(
            html! {
                (Card::new("What happened").padded(timeline(&line)))
                (Card::new("Receipts").padded(html! {
                    @if receipts.is_empty() { p { "There is one when the payment has ended." } }
                    ul { @for r in &receipts { li { a href={ "/pay/receipts/" (r.id) } { "Number " (r.sequence) } " · " (r.kind.label()) " · " (wall.exact(r.at)) } } }
                }))
                @if !refunds.is_empty() {
                    (Card::new("Refunds").padded(html! { ul { @for r in &refunds { li { (r.amount()) " " (refund_tag(r.status)) @if !r.reason.is_empty() { " · " (r.reason) } " · " (wall.exact(r.created_at)) } } } }))
                }
                @if !disputes.is_empty() {
                    (Card::new("Disputes").padded(html! { ul { @for d in &disputes { li { a href={ "/pay/disputes/" (d.id) } { (money(d.amount_minor)) } " " (dispute::pages::tag_of(d.status)) " · " (dispute::pages::reason(&d.reason)) " · " (wall.exact(d.opened_at)) } } } }))
                }
            },
            html! {
                (Card::new("The payment").padded(facts).foot(copy(&id.to_string())))
                @if may_refund {
                    (Card::new("Give money back").padded(Form::post(format!("{LIST}/{id}/refund"), "refund").problem(failed)
                        .field(Field::text("amount", "Amount").value(payment.refundable().to_major()).required().hint("In major units, at most what is left."))
                        .field(Field::text("reason", "Why").max_chars(500))
                        .submit("Refund")))
                }
            },
        ))
    };
    Ok(crate::show::with_status(cx.page("Payment", body).await?, bad))
}

/// A step of the timeline, as people read it: `partially_refunded` is `Partially refunded`.
fn happened(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

fn refund_tag(status: refund::Status) -> Markup {
    match status {
        refund::Status::Initiated => tag(Tone::Cool, "Begun"),
        refund::Status::Pending => tag(Tone::Cool, "On its way"),
        refund::Status::Unknown => tag(Tone::Warm, "Being looked up"),
        refund::Status::Succeeded => tag(Tone::Good, "Given back"),
        refund::Status::Failed => tag(Tone::Bad, "Failed"),
    }
}

/// A refund as typed.
#[derive(Debug, Deserialize)]
pub(crate) struct Typed {
    amount: String,
    #[serde(default)]
    reason: String,
}

/// `POST /pay/payments/{id}/refund`
pub(crate) async fn give(
    mut cx: web::Cx,
    Path(id): Path<PaymentId>,
    again: crate::show::Again,
    Sent(typed): Sent<Typed>,
    desk: Desk,
) -> web::Result<Response> {
    let keys = desk.ring.keys().await?;
    let payment = super::get(&mut cx, id).await?;
    let begun = match Money::from_major(typed.amount.trim(), payment.currency) {
        Ok(amount) => refund::begin(&mut cx, &keys, id, Some(amount.minor), &typed.reason).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(_) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{id}"), "The refund is on its way."))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            shown(again.cx().await?, id, Some(words)).await
        }
    }
}
