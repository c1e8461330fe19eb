//! Pages of a connection: its key, what its contacts are taken for, to which stages deals belong.

use super::{
    Connection, ConnectionId, Mapping, State, TakenAs, Taking, Typed, change, connect, get, pause as halt,
    recheck, resume as go_on,
};
use crate::desk::Desk;
use crate::pages::state_tag;
use crate::{import as runs, push};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Error, Role};
use leads::lead::Consent;
use maud::{Markup, html};
use outreach::deal;
use ports::crm::CrmKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;

/// Runs that the page shows.
const SHOWN: i64 = 10;

/// Which CRM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    kind: String,
}

/// What a key is called at a CRM, and where it stands.
fn key_field(kind: CrmKind, has_one: bool) -> Field {
    let (label, hint) = match kind {
        CrmKind::Hubspot => (
            "Access token",
            "Of a private app with the scopes crm.objects.contacts and crm.objects.deals, read and write",
        ),
        CrmKind::Pipedrive => ("API token", "Under Personal preferences, API"),
        CrmKind::Close => ("API key", "Under Settings, Developer"),
    };
    let field = Field::password("key", label).autocomplete("off");
    if has_one { field.hint("Empty keeps the one that is there") } else { field.hint(hint).required() }
}

fn account_form(action: String, kind: CrmKind, one: Option<&Connection>) -> Form {
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    Form::post(action, "account")
        .field(
            Field::text("name", "What you call it")
                .value(one.map_or_else(|| kind.label().to_owned(), |one| one.name.clone()))
                .max_chars(200),
        )
        .field(key_field(kind, one.is_some()))
        .field(
            Field::text("base_url", "Other address")
                .value(text(one.and_then(|one| one.base_url.as_ref())))
                .hint("Empty: the service's own"),
        )
}

/// `GET /crm/connect`
pub(crate) async fn new(cx: web::Cx, Query(which): Query<Which>) -> web::Result<Response> {
    let kind: CrmKind = which.kind.parse().unwrap_or(CrmKind::Hubspot);
    let title = format!("Connect {}", kind.label());
    let form = account_form("/crm/connections".to_owned(), kind, None)
        .hidden("kind", kind.word())
        .submit("Connect")
        .cancel("/crm");
    let others = CrmKind::ALL.into_iter().filter(|one| *one != kind);
    let body = html! {
        (Heading::new(title.clone()).crumb("CRM", "/crm").about("The key is tried at once. It is sealed before it is stored, and never shown again."))
        (Card::bare().padded(form))
        (Card::new("Another one").padded(html! {
            div.row { @for one in others { (Button::link(one.label(), format!("/crm/connect?kind={}", one.word()))) } }
        }))
    };
    cx.page(&title, body).await
}

/// A connection as typed.
#[derive(Debug, Deserialize)]
pub(crate) struct NewForm {
    kind: String,
    #[serde(flatten)]
    typed: Typed,
}

/// `POST /crm/connections`
pub(crate) async fn make(mut cx: web::Cx, Sent(form): Sent<NewForm>, desk: Desk) -> web::Result<Response> {
    let id = connect(&mut cx, &desk, form.kind.parse()?, &form.typed).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Its key is being tried."))
}

fn at(id: ConnectionId) -> String {
    format!("/crm/connections/{id}")
}

/// `GET /crm/connections/{id}`
pub(crate) async fn show(mut cx: web::Cx, Path(id): Path<ConnectionId>) -> web::Result<Response> {
    let one = get(&mut cx, id).await?;
    let imports = runs::of_connection(&mut cx, id, SHOWN).await?;
    let counts = push::counts(&mut cx, Some(id)).await?;
    let (wall, role) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role);
    let of =
        |state: push::State| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, pushes)| *pushes);
    let pushed = |state: push::State| format!("/crm/pushes?state={}&connection={id}", state.word());
    let body = html! {
        (heading(&one, role))
        (live::region("crm-connection", &at(id), &["crm.connection.*", "crm.import.*", "crm.push.*"], html! {
            (standing(&one, &wall))
            (kpis(&[
                Kpi::new("There", number::count(of(push::State::Done))).href(pushed(push::State::Done)),
                Kpi::new("On their way", number::count(of(push::State::Queued))).href(pushed(push::State::Queued)),
                Kpi::new("Failed", number::count(of(push::State::Failed))).href(pushed(push::State::Failed)),
            ]))
            (Card::new("Runs over its contacts").id("runs").body(runs::pages::table(&imports, &wall)))
        }))
        @if role >= Role::Admin {
            (Card::new("Contacts").id("contacts").padded(taking_form(&one)).foot("When this changes, the next run looks at every contact again."))
            (Card::new("Deals").id("stages").padded(mapping_form(&one)))
            (Card::new("Account").id("account").padded(account_form(at(id), one.kind, Some(&one)).submit("Save and check")))
        } @else {
            (Card::new("Deals").body(stages_table(&one)))
        }
    };
    let title = one.name.clone();
    cx.page(&title, body).await
}

fn heading(one: &Connection, role: Role) -> Heading {
    let mut heading = Heading::new(one.name.clone())
        .crumb("CRM", "/crm")
        .about(format!("An account at {}.", one.kind.label()));
    let id = one.id;
    if role >= Role::Member && one.state == State::Active && one.taken_as != TakenAs::Nothing {
        heading = heading.act(Button::post("Take contacts in now", format!("{}/import", at(id))).primary());
    }
    if role < Role::Admin {
        return heading;
    }
    heading = match one.state {
        State::Paused => heading.act(Button::post("Go on", format!("{}/resume", at(id))).primary()),
        State::Active | State::Checking => heading.act(Button::post("Pause", format!("{}/pause", at(id)))),
        State::Failed => heading.act(Button::post("Check again", format!("{}/check", at(id))).primary()),
    };
    if one.state == State::Active {
        heading = heading.act(Button::post("Check again", format!("{}/check", at(id))));
    }
    heading.act(Button::post("Disconnect", format!("{}/disconnect", at(id))).danger().confirm(
        "Disconnect this CRM? Its key is deleted and nothing comes or goes any more. What came in stays.",
    ))
}

fn standing(one: &Connection, wall: &Wall) -> Markup {
    html! {
        (Card::new("State").padded(html! {
            (Pairs::new()
                .add("State", state_tag(one.state))
                .maybe("Why", one.trouble.as_deref())
                .maybe("Account", one.owner_name.as_deref())
                .maybe("Tried", one.checked_at.map(|at| wall.relative(at)))
                .add("Contacts become", one.taken_as.label())
                .maybe("Pipeline", one.chosen().map(|pipeline| pipeline.name.clone())))
            @if one.state == State::Checking { p { "Its key is being tried. Load this page again in a moment." } }
        }))
    }
}

fn taking_form(one: &Connection) -> Form {
    let taken = TakenAs::ALL.map(|as_what| Choice::new(as_what.word(), as_what.label()));
    let mut basis = vec![Choice::new("", "None: nothing is sent to them")];
    basis.extend(Consent::ALL.iter().map(|one| Choice::new(one.word(), one.label())));
    Form::post(format!("{}/contacts", at(one.id)), "contacts")
        .field(Field::radios("taken_as", "Its contacts become", taken).value(one.taken_as.word()))
        .set(
            "Customers",
            [Field::check(
                "whole_company",
                "Nobody else at their company is contacted either",
                one.whole_company,
            )],
        )
        .set(
            "Leads",
            [
                Field::select("consent", "Why they may be written to", basis)
                    .value(one.consent.map(|one| one.word().to_owned()).unwrap_or_default()),
                Field::text("consent_source", "Where that stands")
                    .value(one.consent_source.clone().unwrap_or_default())
                    .max_chars(500),
            ],
        )
        .submit("Save contacts")
}

fn mapping_form(one: &Connection) -> Markup {
    if one.pipelines.is_empty() {
        return state::empty("No pipeline is known", "They are read when the key is tried.", None);
    }
    let mut pipelines = vec![Choice::new("", "None: deals stay here")];
    pipelines.extend(one.pipelines.iter().map(|one| Choice::new(&one.reference, &one.name)));
    let mut stages = vec![Choice::new("", "–")];
    stages.extend(
        one.chosen()
            .into_iter()
            .flat_map(|one| one.stages.iter().map(|one| Choice::new(&one.reference, &one.name))),
    );
    let fields = deal::Stage::ALL.map(|ours| {
        Field::select(
            format!("stage.{}", ours.word()),
            format!("{}, {} %", ours.label(), ours.probability()),
            stages.clone(),
        )
        .value(one.stages.get(ours.word()).cloned().unwrap_or_default())
    });
    let form = Form::post(format!("{}/stages", at(one.id)), "stages")
        .field(Field::check("pushes", "Positive answers, meetings and deals go there", one.pushes))
        .field(
            Field::select("pipeline", "Pipeline of deals", pipelines)
                .value(one.pipeline.clone().unwrap_or_default())
                .hint("Another one than before gets its stages by a guess, which you can then change"),
        )
        .set("Our stage is there", fields)
        .submit("Save deals");
    html! { (form) }
}

fn stages_table(one: &Connection) -> Table {
    let name = |reference: &String| {
        let stages = one.chosen().into_iter().flat_map(|pipeline| pipeline.stages.iter());
        stages.into_iter().find(|stage| stage.reference == *reference).map(|stage| stage.name.clone())
    };
    Table::new("Stages", [Column::text("Here"), Column::text("There")]).rows(
        deal::Stage::ALL
            .iter()
            .map(|ours| Row::new().cell(ours.label()).maybe(one.stages.get(ours.word()).and_then(name))),
    )
}

/// `POST /crm/connections/{id}`
pub(crate) async fn save(
    mut cx: web::Cx,
    Path(id): Path<ConnectionId>,
    Sent(typed): Sent<Typed>,
    desk: Desk,
) -> web::Result<Response> {
    change(&mut cx, &desk, id, &typed).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Saved. Its key is being tried."))
}

/// The form of contacts.
#[derive(Debug, Deserialize)]
pub(crate) struct TakingForm {
    taken_as: String,
    #[serde(default)]
    whole_company: Option<String>,
    #[serde(default)]
    consent: String,
    #[serde(default)]
    consent_source: String,
}

/// `POST /crm/connections/{id}/contacts`
pub(crate) async fn take(
    mut cx: web::Cx,
    Path(id): Path<ConnectionId>,
    Sent(form): Sent<TakingForm>,
) -> web::Result<Response> {
    let taking = Taking {
        taken_as: form.taken_as,
        whole_company: form.whole_company.is_some(),
        consent: form.consent,
        consent_source: form.consent_source,
    };
    super::take(&mut cx, id, &taking).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Saved. Contacts are taken in every day, or now."))
}

/// `POST /crm/connections/{id}/stages`
pub(crate) async fn map(
    mut cx: web::Cx,
    Path(id): Path<ConnectionId>,
    Sent(form): Sent<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let Some(pipeline) = form.get("pipeline").cloned() else {
        return Err(Error::invalid("crm.pipeline", "Choose a pipeline, or none."))?;
    };
    let stages = form
        .iter()
        .filter_map(|(name, theirs)| Some((name.strip_prefix("stage.")?.to_owned(), theirs.clone())))
        .collect();
    let mapping = Mapping { pushes: form.contains_key("pushes"), pipeline, stages };
    super::map(&mut cx, id, &mapping).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Saved."))
}

/// `POST /crm/connections/{id}/check`
pub(crate) async fn check(mut cx: web::Cx, Path(id): Path<ConnectionId>) -> web::Result<Response> {
    recheck(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Its key is being tried."))
}

/// `POST /crm/connections/{id}/import`
pub(crate) async fn import(mut cx: web::Cx, Path(id): Path<ConnectionId>) -> web::Result<Response> {
    let run = runs::start(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/crm/imports/{run}"), "The run is on its way."))
}

/// `POST /crm/connections/{id}/pause`
pub(crate) async fn pause(mut cx: web::Cx, Path(id): Path<ConnectionId>) -> web::Result<Response> {
    halt(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "Paused. Nothing comes or goes; what happens meanwhile waits."))
}

/// `POST /crm/connections/{id}/resume`
pub(crate) async fn resume(mut cx: web::Cx, Path(id): Path<ConnectionId>) -> web::Result<Response> {
    go_on(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&at(id), "It goes on once its key is tried."))
}

/// `POST /crm/connections/{id}/disconnect`
pub(crate) async fn disconnect(
    mut cx: web::Cx,
    Path(id): Path<ConnectionId>,
    desk: Desk,
) -> web::Result<Response> {
    super::disconnect(&mut cx, &desk, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/crm", "Disconnected. Its key is gone."))
}
