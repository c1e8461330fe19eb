//! `/pay/payouts`: what was paid out and how far each is.

use super::{HOLD_WINDOW_S, Payee, Payout, PayoutId, Status};
use crate::list;
use crate::page::ROWS;
use crate::show::next;
use crate::vendor;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Money};
use ledger::account::{Key, Which};
use ledger::{AccountId, Chart};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;

pub(super) const LIST: &str = "/pay/payouts";
pub(super) const PAYEES: &str = "/pay/payees";
/// Accounts with earnings on a page.
const FEW: usize = 20;

/// Which payouts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    developer: String,
    after: Option<Cursor>,
    /// Behind which account the earnings go on.
    earned: Option<AccountId>,
}

/// A status as people see it.
pub(crate) fn tag_of(status: Status) -> Markup {
    let tone = match status {
        Status::Initiated | Status::Pending => Tone::Cool,
        Status::Unknown => Tone::Warm,
        Status::Succeeded => Tone::Good,
        Status::Failed => Tone::Bad,
    };
    tag(tone, label(status))
}

fn label(status: Status) -> &'static str {
    match status {
        Status::Initiated => "Set aside",
        Status::Pending => "On its way",
        Status::Unknown => "Being looked up",
        Status::Succeeded => "Paid",
        Status::Failed => "Failed",
    }
}

/// What happens next, or what to do.
fn meaning(status: Status) -> &'static str {
    match status {
        Status::Initiated => {
            "The amount is set aside and cannot be paid twice. The rail is asked within moments."
        }
        Status::Pending => "The rail has it and is at work. It says by itself when the money arrived.",
        Status::Unknown => {
            "The rail's answer was lost, so the money may have moved. The amount stays set aside, and the rail is asked until it is sure. Nothing need be done."
        }
        Status::Succeeded => "The money arrived.",
        Status::Failed => {
            "Nothing was paid, and the amount can be paid out again. See where the earnings go, correct it if the rail refused it, and ask for another payout."
        }
    }
}

pub(super) fn days() -> String {
    number::duration_s(HOLD_WINDOW_S)
}

fn called(names: &BTreeMap<Uuid, String>, id: Uuid) -> &str {
    names.get(&id).map_or("A developer", String::as_str)
}

/// `GET /pay/payouts`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let of: Option<Uuid> = list::id(&asked.developer)?;
    let page = super::list(&mut cx, of, asked.after.as_ref(), ROWS).await?;
    let earnings = match of {
        None => Some(earnings(&mut cx, asked.earned).await?),
        Some(_) => None,
    };
    let ids: Vec<Uuid> = page.rows.iter().map(|p| p.developer_id).chain(of).collect();
    let names = vendor::names(&mut cx, &ids).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let filtered = of.is_some();
    let none = if filtered {
        state::empty("Nothing was paid out yet", "To this payee.", Some(Button::link("All payouts", LIST)))
    } else {
        state::empty(
            "No payouts yet",
            html! { "What vendors earn may be paid out after " (days()) ". Choose below whom to pay." },
            None,
        )
    };
    let table = table(&page.rows, &names, &wall)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[("developer", asked.developer.as_str())], &after)));
    let body = html! {
        (Heading::new("Payouts").about(html! {
            "Earnings, paid out to the accounts of those who earned them. They are kept back for " (days()) " first, so that refunds and disputes find them."
        }))
        @if let Some(id) = of {
            p { "Of " a href={ (PAYEES) "/" (id) } { (called(&names, id)) } ". " a href=(LIST) { "All payouts" } }
        }
        (Card::new("Payouts").body(table))
        @if let Some(table) = earnings { (Card::new("Earnings").body(table)) }
    };
    cx.page("Payouts", body).await
}

pub(super) fn table(rows: &[Payout], names: &BTreeMap<Uuid, String>, wall: &Wall) -> Table {
    let lines = rows.iter().map(|p| {
        Row::new()
            .link(&p.amount().to_string(), &format!("{LIST}/{}", p.id))
            .cell(tag_of(p.status))
            .cell(html! { a href={ (PAYEES) "/" (p.developer_id) "?currency=" (p.currency.code()) } { (called(names, p.developer_id)) } })
            .cell(p.rail.label())
            .cell(html! { code { (p.destination) } })
            .cell(wall.relative(p.created_at))
    });
    let columns = [
        Column::text("Amount"),
        Column::text("Status"),
        Column::text("To"),
        Column::text("Over"),
        Column::text("Account there"),
        Column::text("Asked"),
    ];
    Table::new("Payouts", columns).rows(lines)
}

/// Who earned what: a page of accounts.
async fn earnings(cx: &mut web::Cx, after: Option<AccountId>) -> base::Result<Table> {
    let which = Which { chart: Some(Chart::Developer), ..Which::default() };
    let limit = i64::try_from(FEW).unwrap_or(1);
    let mut accounts = ledger::account::some(cx, which, after, limit + 1).await?;
    let more = accounts.len() > FEW;
    accounts.truncate(FEW);
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.subject).collect();
    let names = vendor::names(cx, &ids).await?;
    let payees = super::payees(cx, &ids).await?;
    let rows = accounts.iter().map(|account| {
        let money = |minor: i64| Money { minor, currency: account.currency }.to_string();
        let at = format!("{PAYEES}/{}?currency={}", account.subject, account.currency.code());
        let payee = payees.iter().find(|payee| payee.developer_id == account.subject);
        Row::new()
            .link(called(&names, account.subject), &at)
            .cell(html! { a href={ "/pay/accounts/" (account.id) } { (money(account.posted())) } })
            .cell(money(account.figures.pending_debits))
            .cell(identity(payee))
    });
    let columns = [
        Column::text("Who"),
        Column::number("Earned, not paid out"),
        Column::number("On its way"),
        Column::text("Identity"),
    ];
    Ok(Table::new("Earnings", columns)
        .rows(rows)
        .empty(state::empty(
            "Nobody earned anything yet",
            "Vendors earn with each payment.",
            Some(Button::link("Vendors", "/pay/vendors")),
        ))
        .first(after.is_some().then(|| LIST.to_owned()))
        .next(accounts.last().filter(|_| more).map(|last| format!("{LIST}?earned={}", last.id))))
}

pub(super) fn identity(payee: Option<&Payee>) -> Markup {
    match payee.map(|payee| payee.kyc_at) {
        None => tag(Tone::Cold, "No account named"),
        Some(None) => tag(Tone::Warm, "Not checked"),
        Some(Some(_)) => tag(Tone::Good, "Checked"),
    }
}

/// `GET /pay/payouts/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<PayoutId>) -> web::Result<Response> {
    let p = super::get(&mut cx, id).await?;
    let names = vendor::names(&mut cx, &[p.developer_id]).await?;
    let makers = web::actor::names(&mut cx, [p.created_by.as_str()]).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let account = Key::developer(cx.tenant()?, p.developer_id, p.currency).id();
    let whose = called(&names, p.developer_id);
    let payee = format!("{PAYEES}/{}?currency={}", p.developer_id, p.currency.code());
    let facts = Pairs::new()
        .add("Amount", p.amount().to_string())
        .add("To", html! { a href=(payee) { (whose) } })
        .add("Over", p.rail.label())
        .add("Account there", html! { code { (p.destination) } })
        .some("The rail's name of it", p.provider_ref.as_deref())
        .add("Entries", html! { a href={ "/pay/accounts/" (account) } { "in the books" } });
    let mut line = vec![
        Event::new(wall.exact(p.created_at), "Asked for; the amount was set aside")
            .meta(html! { (makers.of(&p.created_by)) }),
    ];
    if p.status != Status::Initiated {
        line.push(
            Event::new(wall.exact(p.updated_at), label(p.status))
                .meta(p.reason.as_deref().unwrap_or_default()),
        );
    }
    let body = html! {
        (Heading::new(format!("Payout of {}", p.amount())).crumb("Payouts", LIST).tag(tag_of(p.status))
            .about(html! { "To " (whose) ", over " (p.rail.label()) "." }))
        (grid::main_side(
            html! {
                (Card::new("What this means").padded(html! {
                    p { (meaning(p.status)) }
                    @if let Some(reason) = &p.reason { p { (p.rail.label()) " said: " (reason) } }
                    @if p.status == Status::Failed {
                        (acts([Button::link("Where the earnings go", format!("{payee}#where")).primary(), Button::link("Ask for another payout", payee.as_str())]))
                    }
                }))
                (Card::new("What happened").padded(timeline(&line)).link("Every change", &format!("/audit?table=pay.payout&subject={id}")))
            },
            Card::new("The payout").padded(facts).foot(copy(&id.to_string())),
        ))
    };
    cx.page("Payout", body).await
}
