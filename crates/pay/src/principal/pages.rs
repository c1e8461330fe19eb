//! `/pay/principals`: paying agents and their keys.

use super::key::{self, Key, KeyId};
use super::public_key::{self, PublicKeyId};
use super::{New, Principal, PrincipalId, Risk, Status};
use crate::page::ROWS;
use crate::policy;
use crate::show::{Again, may_manage, next, principal_tag, problem, risk_tag, with_status};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Secret};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/principals";

/// Which principals.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    after: Option<Cursor>,
}

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    risk: String,
}

impl Typed {
    fn read(&self) -> base::Result<New> {
        Ok(New { name: self.name.clone(), risk: self.risk.parse()? })
    }
}

/// `GET /pay/principals`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    show(cx, &asked, &Typed { risk: Risk::Medium.word().to_owned(), ..Typed::default() }, None).await
}

async fn show(
    mut cx: web::Cx,
    asked: &Asked,
    typed: &Typed,
    failed: Option<String>,
) -> web::Result<Response> {
    let status = Status::ALL.into_iter().find(|status| status.word() == asked.status);
    let page = super::list(&mut cx, status, asked.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|p| {
        Row::new()
            .link(&p.name, &format!("{LIST}/{}", p.id))
            .cell(principal_tag(p.status))
            .cell(risk_tag(p.risk))
            .cell(wall.date(p.created_at))
    });
    let columns = [Column::text("Name"), Column::text("Status"), Column::text("Risk"), Column::text("Since")];
    let none = match status {
        None => state::empty(
            "No paying agents",
            "An agent that pays gets a key of its own and a policy that says what it may pay for.",
            None,
        ),
        Some(_) => state::empty(
            "None of this status",
            "Others may have another one.",
            Some(Button::link("All of them", LIST)),
        ),
    };
    let table = Table::new("Paying agents", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| format!("{LIST}?status={}", status.map_or("", Status::word))))
        .next(page.next.map(|after| next(LIST, &[("status", status.map_or("", Status::word))], &after)));
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(Status::ALL.map(|s| Choice::new(s.word(), s.label())));
    let manage = may_manage(&cx);
    let failing = failed.is_some();
    let body = html! {
        (Heading::new("Paying agents").about("Who may pay: each with its own keys, its own policy and its own limits."))
        (Filter::new(LIST).field(Field::select("status", "Status", statuses).value(asked.status.as_str())).active(status.is_some()))
        (Card::bare().body(table))
        @if manage {
            (Card::new("Add one").padded(form(LIST, "add", typed).problem(failed).submit("Add")))
        }
    };
    Ok(with_status(cx.page("Paying agents", body).await?, failing))
}

fn form(action: &str, id: &str, typed: &Typed) -> Form {
    let risks = Risk::ALL.map(|risk| Choice::new(risk.word(), risk.word()));
    Form::post(action, id).line([
        Field::text("name", "Name").value(typed.name.as_str()).required().max_chars(200),
        Field::select("risk", "Risk tier", risks)
            .value(typed.risk.as_str())
            .hint("HIGH never pays over x402, and a person agrees to every payment."),
    ])
}

/// `POST /pay/principals`
pub(crate) async fn add(mut cx: web::Cx, again: Again, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let made = match typed.read() {
        Ok(new) => super::add(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            cx.commit().await?;
            Ok(redirect_with(
                &format!("{LIST}/{}", made.id),
                "Added. It may pay nothing until it has a policy.",
            ))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            show(again.cx().await?, &Asked::default(), &typed, Some(failed)).await
        }
    }
}

/// `GET /pay/principals/{id}`
pub(crate) async fn detail(cx: web::Cx, Path(id): Path<PrincipalId>) -> web::Result<Response> {
    one(cx, id, None, None).await
}

async fn one(
    mut cx: web::Cx,
    id: PrincipalId,
    fresh: Option<&Secret>,
    failed: Option<String>,
) -> web::Result<Response> {
    let principal = super::get(&mut cx, id).await?;
    let keys = key::list(&mut cx, id).await?;
    let public = public_key::list(&mut cx, id).await?;
    let policy = policy::latest(&mut cx, id).await?;
    let makers = web::actor::names(
        &mut cx,
        keys.iter().map(|k| k.created_by.as_str()).chain([principal.created_by.as_str()]),
    )
    .await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let manage = may_manage(&cx) && principal.status != Status::Closed;
    let base = format!("{LIST}/{id}");
    let facts = Pairs::new()
        .add("Status", principal_tag(principal.status))
        .add("Risk tier", risk_tag(principal.risk))
        .add(
            "Policy",
            html! {
                @match &policy {
                    Some(policy) => a href={ "/pay/policies/" (policy.id) } { "Version " (policy.version) },
                    None => "none: it may pay nothing",
                }
            },
        )
        .add("Intents", html! { a href={ "/pay/intents?principal=" (id) } { "Everything it wanted" } })
        .add("Mandates", html! { a href={ "/pay/mandates?principal=" (id) } { "Everything it may pay" } })
        .add("Payments", html! { a href={ "/pay/payments?principal=" (id) } { "Everything it paid" } })
        .add("Made by", makers.of(&principal.created_by))
        .add("Since", wall.moment(principal.created_at))
        .add("Id", copy(&id.to_string()));
    let failing = failed.is_some();
    let body = html! {
        (Heading::new(principal.name.as_str()).crumb("Paying agents", LIST).tag(principal_tag(principal.status)))
        @if let Some(text) = fresh {
            (Card::new("The key").padded(html! {
                p { "Copy it now; it is shown only this once." }
                p { (copy(text.expose())) }
                p { "Send it as " code { "Authorization: Bearer …" } ". It reaches this agent's intents, mandates and payments, and nothing else." }
            }))
        }
        @if let Some(failed) = &failed { (state::partial(failed.as_str())) }
        (Card::new("What it is").padded(facts))
        (Card::new("Keys").body(key_table(&keys, &wall, &base, manage, &makers)))
        @if manage { (key_acts(&base, keys.is_empty())) }
        (Card::new("Public keys").body(public_table(&public, &wall, &base, manage)))
        @if manage {
            (Card::new("Add a public key").padded(Form::post(format!("{base}/public-keys"), "public-key")
                .field(Field::area("jwk", "Key as JWK", 4).required().hint("EC P-256 signs mandates, OKP Ed25519 says who calls. Never with its private part d."))
                .submit("Add key")))
            (grid::halves([change_card(&principal, &base), policy_card(id), end_card(&principal, &base)]))
        }
    };
    Ok(with_status(cx.page(&principal.name, body).await?, failing))
}

fn key_table(keys: &[Key], wall: &Wall, base: &str, manage: bool, makers: &web::actor::Names) -> Table {
    let rows = keys.iter().map(|k| {
        let revoke = manage.then(|| {
            Button::post("Revoke", format!("{base}/keys/{}/revoke", k.id))
                .danger()
                .about(k.prefix.as_str())
                .confirm("Revoke this key? What uses it stops working at once.")
        });
        Row::new()
            .cell(html! { code { "aop_" (k.prefix) } })
            .cell(makers.of(&k.created_by))
            .cell(wall.date(k.created_at))
            .cell(html! { @match k.used_at { Some(at) => (wall.relative(at)), None => "never" } })
            .cell(html! { @match k.expires_at { Some(at) => (wall.moment(at)), None => "when revoked" } })
            .maybe(revoke)
    });
    let columns = [
        Column::text("Begins with"),
        Column::text("Made by"),
        Column::text("Made"),
        Column::text("Last used"),
        Column::text("Ends"),
        Column::acts("Actions"),
    ];
    Table::new("Keys", columns).rows(rows).empty(state::empty(
        "No keys",
        "Without a key the agent cannot call.",
        None,
    ))
}

fn key_acts(base: &str, first: bool) -> Markup {
    let make = Form::post(format!("{base}/keys"), "make-key");
    let overlaps = [("0", "No overlap"), ("3600", "One hour"), ("86400", "One day"), ("604800", "One week")];
    html! {
        @if first {
            (Card::new("Make a key").padded(make.submit("Make key")))
        } @else {
            (Card::new("Replace the keys").padded(Form::post(format!("{base}/keys/rotate"), "rotate")
                .field(Field::select("overlap_s", "The present keys go on for", overlaps).value("86400"))
                .submit("Make a key in their place")))
        }
    }
}

fn public_table(keys: &[public_key::Row], wall: &Wall, base: &str, manage: bool) -> Table {
    let rows = keys.iter().map(|k| {
        let retire = (manage && k.retired_at.is_none()).then(|| {
            Button::post("Retire", format!("{base}/public-keys/{}/retire", k.id))
                .danger()
                .about(k.kid.as_str())
                .confirm("Retire this key? What it signs from now on does not count.")
        });
        Row::new()
            .cell(html! { code { (k.kid) } })
            .cell(k.algorithm.label())
            .cell(wall.date(k.created_at))
            .cell(html! { @match k.retired_at { Some(at) => { "Retired " (wall.date(at)) }, None => "In use" } })
            .maybe(retire)
    });
    let columns = [
        Column::text("Thumbprint"),
        Column::text("For"),
        Column::text("Since"),
        Column::text("State"),
        Column::acts("Actions"),
    ];
    Table::new("Public keys", columns).rows(rows).empty(state::empty(
        "No public keys",
        "Add one when the agent signs mandates or requests itself.",
        None,
    ))
}

fn change_card(principal: &Principal, base: &str) -> Card {
    let typed = Typed { name: principal.name.clone(), risk: principal.risk.word().to_owned() };
    Card::new("Change").padded(form(base, "change", &typed).submit("Save"))
}

fn policy_card(id: PrincipalId) -> Card {
    Card::new("Policy").padded(html! {
        p { "What it may pay for, whom, how much, when and from where." }
        (acts([
            Button::link("Write a version", format!("/pay/policies/write?principal={id}")).primary(),
            Button::link("All versions", format!("/pay/policies?principal={id}")),
        ]))
    })
}

fn end_card(principal: &Principal, base: &str) -> Card {
    let action = format!("{base}/status");
    let turn = match principal.status {
        Status::Active | Status::Closed => {
            Button::post("Suspend", action.as_str()).hidden("status", "suspended")
        }
        Status::Suspended => {
            Button::post("Take up again", action.as_str()).hidden("status", "active").primary()
        }
    };
    let close = Button::post("Close for good", action.as_str())
        .hidden("status", "closed")
        .danger()
        .confirm("Close this agent for good? Its keys stop working at once.");
    Card::new("Stop it").padded(html! {
        p { "A suspended agent reads but pays nothing. A closed one is closed for good." }
        (acts([turn, close]))
    })
}

/// `POST /pay/principals/{id}`
pub(crate) async fn change(
    mut cx: web::Cx,
    Path(id): Path<PrincipalId>,
    again: Again,
    Sent(typed): Sent<Typed>,
) -> web::Result<Response> {
    let changed = match typed.read() {
        Ok(new) => super::change(&mut cx, id, &new).await,
        Err(error) => Err(error),
    };
    done(cx, again, id, changed.map(drop), "Saved.").await
}

/// Ends a form: back to the page, or the page again with what was wrong.
async fn done(
    cx: web::Cx,
    again: Again,
    id: PrincipalId,
    result: base::Result<()>,
    notice: &str,
) -> web::Result<Response> {
    match result {
        Ok(()) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{id}"), notice))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            one(again.cx().await?, id, None, Some(failed)).await
        }
    }
}

/// What becomes of it.
#[derive(Debug, Deserialize)]
pub(crate) struct To {
    status: Status,
}

/// `POST /pay/principals/{id}/status`
pub(crate) async fn set_status(
    mut cx: web::Cx,
    Path(id): Path<PrincipalId>,
    again: Again,
    Sent(to): Sent<To>,
) -> web::Result<Response> {
    let result = super::set_status(&mut cx, id, to.status).await.map(drop);
    done(cx, again, id, result, "Saved. It holds from the next call on.").await
}

/// `POST /pay/principals/{id}/keys`: shows the key once; it is committed before the page is drawn.
pub(crate) async fn make_key(
    mut cx: web::Cx,
    Path(id): Path<PrincipalId>,
    again: Again,
) -> web::Result<Response> {
    let made = key::make(&mut cx, id).await;
    shown(cx, again, id, made).await
}

/// A rotation.
#[derive(Debug, Deserialize)]
pub(crate) struct Rotate {
    overlap_s: i64,
}

/// `POST /pay/principals/{id}/keys/rotate`
pub(crate) async fn rotate_key(
    mut cx: web::Cx,
    Path(id): Path<PrincipalId>,
    again: Again,
    Sent(rotate): Sent<Rotate>,
) -> web::Result<Response> {
    let made = key::rotate(&mut cx, id, rotate.overlap_s).await;
    shown(cx, again, id, made).await
}

async fn shown(
    cx: web::Cx,
    again: Again,
    id: PrincipalId,
    made: base::Result<(Key, Secret)>,
) -> web::Result<Response> {
    match made {
        Ok((_, text)) => {
            cx.commit().await?;
            one(again.cx().await?, id, Some(&text), None).await
        }
        Err(error) => done(cx, again, id, Err(error), "").await,
    }
}

/// `POST /pay/principals/{id}/keys/{key}/revoke`
pub(crate) async fn revoke_key(
    mut cx: web::Cx,
    Path((id, key)): Path<(PrincipalId, KeyId)>,
    again: Again,
) -> web::Result<Response> {
    let result = key::revoke(&mut cx, id, key).await;
    done(cx, again, id, result, "Revoked. It is refused from now on.").await
}

/// A public key to add.
#[derive(Debug, Deserialize)]
pub(crate) struct AddPublicKey {
    jwk: String,
}

/// `POST /pay/principals/{id}/public-keys`
pub(crate) async fn add_public_key(
    mut cx: web::Cx,
    Path(id): Path<PrincipalId>,
    again: Again,
    Sent(add): Sent<AddPublicKey>,
) -> web::Result<Response> {
    let result = match serde_json::from_str(&add.jwk) {
        Ok(jwk) => public_key::add(&mut cx, id, &jwk).await.map(drop),
        Err(cause) => {
            Err(base::Error::invalid("public_key.invalid", format!("The key is not JSON: {cause}.")))
        }
    };
    done(cx, again, id, result, "Added.").await
}

/// `POST /pay/principals/{id}/public-keys/{key}/retire`
pub(crate) async fn retire_public_key(
    mut cx: web::Cx,
    Path((id, key)): Path<(PrincipalId, PublicKeyId)>,
    again: Again,
) -> web::Result<Response> {
    let result = public_key::retire(&mut cx, id, key).await;
    done(cx, again, id, result, "Retired.").await
}
