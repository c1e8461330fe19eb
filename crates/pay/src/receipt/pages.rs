//! `/pay/receipts`: the chain, a receipt, and checking it in front of the reader.

use super::{Kind, ReceiptId, checkpoint, verify};
use crate::page::ROWS;
use crate::payment::Desk;
use crate::principal;
use crate::show::next;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Money};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;

const LIST: &str = "/pay/receipts";

/// Which receipts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    kind: String,
    /// Whether to check the chain and say what was checked.
    check: bool,
    after: Option<Cursor>,
}

/// `GET /pay/receipts`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>, desk: Desk) -> web::Result<Response> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == asked.kind);
    let page = super::list(&mut cx, None, kind, asked.after.as_ref(), ROWS).await?;
    let head = super::head(&mut cx).await?;
    let point = checkpoint::latest(&mut cx).await?;
    let verdict = if asked.check {
        let keys = desk.ring.keys().await?.jwks();
        Some(verify::chain(&mut cx, &keys).await?)
    } else {
        None
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|r| {
        Row::new()
            .link(&format!("Number {}", r.sequence), &format!("{LIST}/{}", r.id))
            .cell(r.kind.label())
            .cell(Money { minor: r.amount_minor, currency: r.currency }.to_string())
            .cell(r.rail.label())
            .cell(html! { a href={ "/pay/payments/" (r.payment_id) } { "its payment" } })
            .cell(wall.relative(r.at))
    });
    let columns = [
        Column::text("Receipt"),
        Column::text("What"),
        Column::number("Amount"),
        Column::text("Over"),
        Column::text("Of"),
        Column::text("When"),
    ];
    let none = match kind {
        Some(_) => state::empty(
            "No such receipts",
            "Nothing fits this filter.",
            Some(Button::link("All receipts", LIST)),
        ),
        None => state::empty(
            "No receipts yet",
            "Each payment, refund and dispute that ends leaves one.",
            Some(Button::link("Payments", "/pay/payments")),
        ),
    };
    let table = Table::new("Receipts", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[("kind", asked.kind.as_str())], &after)));
    let kinds = std::iter::once(Choice::new("", "Any kind"))
        .chain(Kind::ALL.map(|k| Choice::new(k.word(), k.label())));
    let body = html! {
        (Heading::new("Receipts").about("One chain, without gaps: each receipt is hashed behind the one before it and signed.")
            .act(Button::link("Check the chain", format!("{LIST}?check=true"))))
        @if let Some(verdict) = &verdict { (said(verdict)) }
        (Card::new("The chain").padded(Pairs::new()
            .add("Receipts", number::count(head.sequence))
            .add("Last hash", copy(&head.hash.to_string()))
            .add("Last checkpoint", point.map_or_else(|| html! { span.quiet { "none yet" } }, |point| html! {
                (number::counted(i64::try_from(point.size).unwrap_or(i64::MAX), "receipt", "receipts")) ", "
                @match point.at.parse::<base::Time>() { Ok(at) => (wall.exact(at)), Err(_) => (point.at) }
            }))))
        (Filter::new(LIST).field(Field::select("kind", "Kind", kinds).value(asked.kind.as_str())).active(kind.is_some()))
        (Card::bare().body(table))
    };
    cx.page("Receipts", body).await
}

/// What was checked, and what was found.
fn said(verdict: &verify::Verdict) -> maud::Markup {
    let found = match &verdict.first_bad {
        None => html! { p { strong { "Everything is sound." } } },
        Some(bad) => {
            html! { p role="alert" { strong { "Receipt " (bad.sequence) " is not sound: " } (bad.why) } }
        }
    };
    html! { (Card::new("What was checked").padded(html! {
        (found)
        ul {
            li { (number::counted(verdict.receipts, "receipt", "receipts")) ": that the numbers have no gap, that each hash is that of the receipt behind the one before it, and that each is signed by a key of this installation." }
            li { "That lists and searches show what was hashed." }
            li { (number::counted(verdict.checkpoints, "checkpoint", "checkpoints")) ": that each is signed, and that the receipt it counted up to is still there and the same." }
        }
        p { "You need not take our word: the proof of a receipt holds the chain, a signed checkpoint and the keys, and the program verify_receipts.py checks it without us." }
    })) }
}

/// `GET /pay/receipts/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<ReceiptId>) -> web::Result<Response> {
    let receipt = super::get(&mut cx, id).await?;
    let names = principal::names(&mut cx, &[receipt.principal_id.uuid()]).await?;
    let agent = names.get(&receipt.principal_id.uuid()).map_or("—", String::as_str);
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let facts = Pairs::new()
        .add("Amount", Money { minor: receipt.amount_minor, currency: receipt.currency }.to_string())
        .add("Over", receipt.rail.label())
        .some("The rail's name of it", receipt.provider_ref.as_deref())
        .add("Of", html! { a href={ "/pay/payments/" (receipt.payment_id) } { "its payment" } })
        .add("Who", html! { a href={ "/pay/principals/" (receipt.principal_id) } { (agent) } })
        .add("When", wall.exact(receipt.at));
    let proof = Pairs::new()
        .add("Number", number::count(receipt.sequence))
        .add("Hash before", copy(&receipt.prev_hash))
        .add("Hash", copy(&receipt.curr_hash))
        .add("Key", copy(&receipt.kid))
        .add("Signature", copy(&receipt.signature));
    let body = html! {
        (Heading::new(format!("Receipt {}", receipt.sequence)).crumb("Receipts", LIST)
            .act(Button::link("Check the chain", format!("{LIST}?check=true")))
            .act(Button::link("PDF", format!("{LIST}/{id}/pdf")))
            .act(Button::link("Proof", format!("/api/v1/receipts/{id}/proof"))))
        (Card::new(receipt.kind.label()).padded(facts))
        (Card::new("Its place in the chain").padded(proof))
        (Card::new("What was hashed").padded(html! { pre tabindex="0" { code { (serde_json::to_string_pretty(&receipt.receipt).unwrap_or_default()) } } }))
        @if let Some(jwt) = &receipt.jwt { (Card::new("As an AP2 receipt").padded(copy(jwt))) }
    };
    cx.page("Receipt", body).await
}

/// `GET /pay/receipts/{id}/pdf`
pub(crate) async fn pdf(mut cx: web::Cx, Path(id): Path<ReceiptId>, desk: Desk) -> web::Result<Response> {
    let receipt = super::get(&mut cx, id).await?;
    Ok(super::api::pdf_of(&mut cx, &receipt, &desk).await?)
}
