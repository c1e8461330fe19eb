//! Settings → Sending → Accounts: where text messages, calls, LinkedIn and post are bought.

use super::{Account, Kind, add, change, get, kind, kinds::KINDS, list, remove, report_to};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use control::secret::Keyring;
use maud::{Markup, html};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};
use ui::prelude::{Button, Card, Column, Field, Heading, Pairs, Row, Table, Tone, Wall, grid, state, tag};
use uuid::Uuid;

/// What these pages need from the process.
#[derive(Clone)]
pub struct Needs {
    /// Seals keys.
    pub keyring: Arc<Keyring>,
    /// The installation's public address, to which providers report.
    pub origin: String,
}

/// `GET /settings/sending/accounts`
pub async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let accounts = list(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = accounts.iter().map(|a| {
        let carries = kind(&a.provider).map(carries).unwrap_or_default();
        Row::new()
            .link(&a.name, &format!("/settings/sending/accounts/{}", a.id))
            .cell(kind(&a.provider).map_or(a.provider.as_str(), |kind| kind.label))
            .cell(carries)
            .cell(state_tag(a))
            .maybe(a.heard_at.map(|at| wall.relative(at)))
    });
    let columns = [
        Column::text("Account"),
        Column::text("Provider"),
        Column::text("Carries"),
        Column::text("State"),
        Column::text("Last report"),
    ];
    let empty = state::empty(
        "No accounts yet",
        "Text messages, calls, LinkedIn and post leave through an account of yours at a provider. Mail can, too.",
        None::<Button>,
    );
    let body = html! {
        (Heading::new("Accounts at providers").crumb("Settings", "/settings").crumb("Sending", "/settings/sending")
            .about("Keys are sealed before they are stored, and never shown again."))
        (Card::bare().body(Table::new("Accounts", columns).rows(rows).empty(empty)))
        (Card::new("Add an account").padded(html! {
            div.row { @for kind in &KINDS { (Button::link(kind.label, format!("/settings/sending/accounts/new?provider={}", kind.provider))) } }
        }))
    };
    cx.page("Accounts at providers", body).await
}

fn carries(kind: &Kind) -> String {
    kind.channels.iter().map(|channel| channel.label()).collect::<Vec<_>>().join(", ")
}

fn state_tag(a: &Account) -> Markup {
    if a.status == "active" { tag(Tone::Good, "active") } else { tag(Tone::Bad, "failed") }
}

/// Which provider.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    provider: String,
}

/// `GET /settings/sending/accounts/new`
pub async fn new(cx: web::Cx, Query(which): Query<Which>) -> web::Result<Response> {
    let kind = kind(&which.provider)?;
    let title = format!("Add an account at {}", kind.label);
    cx.page(&title, form_page(kind, None, &BTreeMap::new(), None)).await
}

fn form_page(
    kind: &Kind,
    id: Option<Uuid>,
    typed: &BTreeMap<String, String>,
    problem: Option<&str>,
) -> Markup {
    let value = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let fields = kind.fields.iter().map(|field| {
        let own = if field.secret {
            let hint = if id.is_some() { "Empty: as it is." } else { field.hint };
            Field::password(field.name, field.label).autocomplete("off").hint(hint)
        } else {
            Field::text(field.name, field.label).value(value(field.name)).hint(field.hint)
        };
        if field.required && !(field.secret && id.is_some()) { own.required() } else { own }
    });
    let action = id.map_or_else(
        || "/settings/sending/accounts".to_owned(),
        |id| format!("/settings/sending/accounts/{id}"),
    );
    let form = fields
        .fold(
            ui::form::Form::post(action, "account")
                .problem(problem)
                .hidden("provider", kind.provider)
                .field(Field::text("name", "What you call it").value(value("name")).max_chars(200)),
            ui::form::Form::field,
        )
        .submit(if id.is_some() { "Save the account" } else { "Add the account" })
        .cancel("/settings/sending/accounts");
    html! {
        (Heading::new(if id.is_some() { kind.label.to_owned() } else { format!("Add an account at {}", kind.label) }).crumb("Settings", "/settings").crumb("Sending", "/settings/sending")
            .crumb("Accounts", "/settings/sending/accounts").about(format!("It carries: {}.", carries(kind))))
        (Card::bare().padded(form))
    }
}

async fn refused(cx: web::Cx, title: &str, body: Markup) -> web::Result<Response> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, cx.page(title, body).await?).into_response())
}

/// `POST /settings/sending/accounts`
pub async fn make(
    mut cx: web::Cx,
    Form(typed): Form<BTreeMap<String, String>>,
    needs: Needs,
) -> web::Result<Response> {
    let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let kind = kind(&text("provider"))?;
    match add(&mut cx, &needs.keyring, kind.provider, &text("name"), &typed).await {
        Ok(id) => {
            cx.commit().await?;
            let to = format!("/settings/sending/accounts/{id}");
            Ok(web::redirect_with(&to, "The account was added. Add its numbers, seats or addresses next."))
        }
        Err(error) if error.kind() == base::Kind::Invalid => {
            let body = form_page(kind, None, &typed, Some(error.message()));
            refused(cx, "Add an account", body).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/sending/accounts/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>, needs: Needs) -> web::Result<Response> {
    let account = get(&mut cx, id).await?;
    let kind = kind(&account.provider)?;
    let report_to = report_to(&mut cx, &needs.keyring, &needs.origin, &account).await?;
    let mut typed = account.settings.clone();
    typed.insert("name".to_owned(), account.name.clone());
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let senders = crate::resource::list(&mut cx).await?;
    let own: Vec<_> = senders.iter().filter(|r| r.account == Some(id)).collect();
    let rows = own.iter().map(|r| {
        Row::new()
            .link(&r.address, &format!("/settings/sending/{}", r.id))
            .cell(r.channel.label())
            .cell(&r.display_name)
            .cell(r.status.word())
    });
    let columns =
        [Column::text("Sender"), Column::text("Channel"), Column::text("Name"), Column::text("State")];
    let empty = state::empty(
        "No senders yet",
        "Add a number, a seat, a return address or a mailbox.",
        None::<Button>,
    );
    let side = html! {
        (Card::new("Where the provider reports").padded(html! {
            p { "Enter this address at " (kind.label) " as the webhook. Whoever knows it can report, so keep it to yourself." }
            pre tabindex="0" { (report_to) }
            (Pairs::new().add("Last report", account.heard_at.map_or_else(|| html! { "none yet" }, |at| html! { (wall.relative(at)) })))
        }))
        @if own.is_empty() {
            (Card::new("Remove").padded(Button::post("Remove the account", format!("/settings/sending/accounts/{id}/remove")).confirm("Remove this account? Its keys are not used any more.")))
        }
    };
    let main = html! {
        (Card::new("Senders").body(Table::new("Senders", columns).rows(rows).empty(empty)).foot(html! {
            div.row { @for channel in kind.channels { (Button::link(format!("Add: {}", sender_word(*channel)), format!("/settings/sending/new?account={id}&channel={}", channel.word()))) } }
        }))
        (form_page(kind, Some(id), &typed, None))
    };
    let title = account.name.clone();
    cx.page(&title, grid::main_side(main, side)).await
}

/// What a sender of a channel is called.
pub(crate) fn sender_word(channel: crate::channel::Channel) -> &'static str {
    use crate::channel::Channel;
    match channel {
        Channel::Email => "a mailbox",
        Channel::Sms => "a number for texts",
        Channel::Linkedin => "a seat",
        Channel::Voice => "a number for calls",
        Channel::Mail => "a return address",
    }
}

/// `POST /settings/sending/accounts/{id}`
pub async fn save(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<BTreeMap<String, String>>,
    needs: Needs,
) -> web::Result<Response> {
    let account = get(&mut cx, id).await?;
    let name = typed.get("name").cloned().unwrap_or_default();
    match change(&mut cx, &needs.keyring, id, &name, &typed).await {
        Ok(()) => {
            cx.commit().await?;
            Ok(web::redirect_with(&format!("/settings/sending/accounts/{id}"), "The account was saved."))
        }
        Err(error) if error.kind() == base::Kind::Invalid => {
            let body = form_page(kind(&account.provider)?, Some(id), &typed, Some(error.message()));
            refused(cx, &account.name, body).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/sending/accounts/{id}/remove`
pub async fn drop(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    remove(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/sending/accounts", "The account was removed."))
}
