//! `/pay/intents`: what agents want to buy.

use super::{Filter as Which, Intent, IntentId, Status};
use crate::list::{self, Names, Parties};
use crate::page::ROWS;
use crate::principal;
use crate::show::{intent_tag, next};
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Money, Role};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const LIST: &str = "/pay/intents";

/// Which intents.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    principal: String,
    vendor: String,
    after: Option<Cursor>,
}

impl Asked {
    fn which(&self) -> base::Result<Which> {
        Ok(Which {
            principal: list::id(&self.principal)?,
            vendor: list::id(&self.vendor)?,
            status: Status::ALL.into_iter().find(|status| status.word() == self.status),
        })
    }
}

impl Parties for Intent {
    fn payer(&self) -> Uuid {
        self.principal_id.uuid()
    }

    fn payee(&self) -> Uuid {
        self.vendor_id.uuid()
    }
}

/// `GET /pay/intents`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let which = asked.which()?;
    let page = super::list(&mut cx, which, asked.after.as_ref(), ROWS).await?;
    let names = Names::of(&mut cx, &page.rows).await?;
    let waiting = super::waiting(&mut cx).await?;
    let agents = principal::list(&mut cx, None, None, 200).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|i| {
        Row::new()
            .link(&i.sku, &format!("{LIST}/{}", i.id))
            .cell(i.amount().to_string())
            .cell(intent_tag(i.status))
            .cell(names.who(i))
            .cell(names.whom(i))
            .cell(wall.relative(i.created_at))
    });
    let columns = [
        Column::text("What"),
        Column::number("Amount"),
        Column::text("Status"),
        Column::text("Who"),
        Column::text("From"),
        Column::text("When"),
    ];
    let filtered = which.status.is_some() || which.principal.is_some() || which.vendor.is_some();
    let none = if filtered {
        state::empty("No such intents", "Nothing fits this filter.", Some(Button::link("All intents", LIST)))
    } else {
        state::empty(
            "No intents yet",
            "An agent says here what it wants to buy, before anything is paid. It does so over the API with its own key.",
            Some(Button::link("Paying agents", "/pay/principals")),
        )
    };
    let query = [
        ("status", asked.status.as_str()),
        ("principal", asked.principal.as_str()),
        ("vendor", asked.vendor.as_str()),
    ];
    let table = Table::new("Intents", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &query, &after)));
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(Status::ALL.map(|s| Choice::new(s.word(), s.label())));
    let who = std::iter::once(Choice::new("", "Any agent"))
        .chain(agents.rows.iter().map(|p| Choice::new(p.id.to_string(), p.name.as_str())));
    let body = html! {
        (Heading::new("Intents").about("What paying agents want to buy. Each holds until its quote ends."))
        (kpis(&[Kpi::new("Waiting for a mandate", number::count(waiting)).href("/pay/intents?status=pending")]))
        (Filter::new(LIST)
            .field(Field::select("status", "Status", statuses).value(asked.status.as_str()))
            .field(Field::select("principal", "Agent", who).value(asked.principal.as_str()))
            .hidden("vendor", asked.vendor.as_str())
            .active(filtered))
        (Card::bare().body(table))
    };
    cx.page("Intents", body).await
}

/// `GET /pay/intents/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<IntentId>) -> web::Result<Response> {
    let intent = super::get(&mut cx, id).await?;
    let names = Names::of(&mut cx, std::slice::from_ref(&intent)).await?;
    let policy = crate::policy::get(&mut cx, intent.policy_id).await?;
    let makers = web::actor::names(&mut cx, [intent.created_by.as_str()]).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let fee = Money { minor: intent.quote.fee_minor, currency: intent.currency };
    let by = if intent.created_by.starts_with("principal:") {
        names.payer(&intent).to_owned()
    } else {
        makers.of(&intent.created_by)
    };
    let facts = Pairs::new()
        .add("What", intent.sku.as_str())
        .add("Amount", intent.amount().to_string())
        .add("Who", names.who(&intent))
        .add("From", names.whom(&intent))
        .some("What for", (!intent.description.is_empty()).then_some(intent.description.as_str()))
        .some("Why not", intent.reason.as_deref())
        .add("Let in by", html! { a href={ "/pay/policies/" (policy.id) } { "version " (policy.version) " of the policy" } })
        .add("Made by", by)
        .add("Made", wall.exact(intent.created_at))
        .add("Id", copy(&id.to_string()));
    let quote = Pairs::new()
        .add("Holds until", wall.exact(intent.quote.expires_at))
        .add("Platform fee in it", fee.to_string())
        .add(
            "Fee",
            format!(
                "version {}, {}.{:02} %",
                intent.quote.fee_version,
                intent.quote.fee_bps / 100,
                intent.quote.fee_bps % 100
            ),
        );
    let may_cancel = intent.status == Status::Pending && cx.who().role >= Role::Member;
    let body = html! {
        (Heading::new(format!("{} for {}", intent.sku, intent.amount())).crumb("Intents", LIST).tag(intent_tag(intent.status)))
        (grid::main_side(
            Card::new("What is wanted").padded(facts),
            Card::new("Quote").padded(quote),
        ))
        @if !intent.meta.is_empty() {
            (Card::new("What the agent noted").padded(html! { pre { code { (serde_json::to_string_pretty(&intent.meta).unwrap_or_default()) } } }))
        }
        @if may_cancel {
            (Card::new("Take it back").padded(html! {
                p { "A cancelled intent gets no mandate." }
                (Button::post("Cancel the intent", format!("{LIST}/{id}/cancel")).danger().confirm("Cancel this intent?"))
            }))
        }
    };
    cx.page("Intent", body).await
}

/// `POST /pay/intents/{id}/cancel`
pub(crate) async fn cancel(mut cx: web::Cx, Path(id): Path<IntentId>) -> web::Result<Response> {
    super::cancel(&mut cx, id).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), "Cancelled."))
}
