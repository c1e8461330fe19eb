//! The page of API keys.

use super::{Key, KeyId, New};
use crate::member::rules;
use crate::problems::Problems;
use crate::settings;
use crate::visitor::{Mine, refused};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{Kind, Role, Secret, Time};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// What is typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    role: String,
    days: String,
}

/// How long a key may live, as offered: days and label.
const LIVES: [(&str, &str); 4] =
    [("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until I revoke it")];

/// The page.
pub(crate) async fn list(cx: web::Cx) -> web::Result<Response> {
    let typed = Typed { role: Role::Member.word().to_owned(), days: "90".to_owned(), ..Typed::default() };
    show(cx, &typed, &Problems::default()).await
}

async fn show(mut cx: web::Cx, typed: &Typed, problems: &Problems) -> web::Result<Response> {
    let keys = Listed::read(&mut cx).await?;
    let body = body(&keys, cx.who(), cx.now(), (typed, problems), None);
    cx.page("API keys", body).await
}

/// The keys, with the names of who made them.
struct Listed {
    keys: Vec<Key>,
    makers: web::actor::Names,
}

impl Listed {
    async fn read(cx: &mut db::Cx) -> base::Result<Self> {
        let keys = super::list(cx).await?;
        let makers = web::actor::names(cx, keys.iter().map(|k| k.created_by.as_str())).await?;
        Ok(Self { keys, makers })
    }
}

/// What a key may do, and why that is less than it was made for.
fn power(key: &Key) -> Markup {
    html! {
        (rules::label(key.role))
        @match key.power {
            Some(now) if now == key.role => {},
            Some(now) => { br; (tag(Tone::Warm, html! { "now " (rules::label(now)) })) " " span.quiet { "as its maker" } },
            None => { br; (tag(Tone::Bad, "refused")) " " span.quiet { "its maker may do nothing here any more" } },
        }
    }
}

fn body(
    listed: &Listed,
    who: &web::Identity,
    now: Time,
    (typed, problems): (&Typed, &Problems),
    fresh: Option<&Secret>,
) -> Markup {
    let wall = Wall::new(now, who.zone.clone());
    let columns = [
        Column::text("Name"),
        Column::text("Begins with"),
        Column::text("Role"),
        Column::text("Made by"),
        Column::text("Made"),
        Column::text("Last used"),
        Column::text("Ends"),
        Column::acts("Actions"),
    ];
    let rows = listed.keys.iter().map(|k| {
        let ended = k.expires_at.is_some_and(|at| at <= now);
        let revoke = Button::post("Revoke", format!("/settings/api-keys/{}/revoke", k.id))
            .danger()
            .about(k.name.as_str())
            .confirm(format!("Revoke {}? Programs that use it stop working at once.", k.name));
        Row::new()
            .cell(&k.name)
            .cell(html! { code { "aos_" (k.prefix) } })
            .cell(power(k))
            .cell(listed.makers.of(&k.created_by))
            .cell(wall.date(k.created_at))
            .cell(html! { @match k.used_at { Some(at) => (wall.relative(at)), None => "never" } })
            .cell(html! {
                @match k.expires_at {
                    Some(at) if ended => { (tag(Tone::Cold, "Ended")) " " (wall.date(at)) },
                    Some(at) => (wall.date(at)),
                    None => "never",
                }
            })
            .cell(revoke)
    });
    let none = state::empty(
        "No API keys",
        "Programs sign in with a key. Make one for each program, so that you can revoke it alone.",
        None,
    );
    html! {
        (settings::heading("API keys", html! { "For programs. The API is described at " a href="/api/openapi.json" { "/api/openapi.json" } "." }))
        @if let Some(key) = fresh {
            (Card::new("Your key").padded(html! {
                p { "Copy it now; it is shown only this once." }
                p { (copy(key.expose())) }
                p { "Send it as " code { "Authorization: Bearer …" } "." }
            }))
        }
        (Card::new("Keys").body(Table::new("API keys", columns).rows(rows).empty(none))
            .foot("A key never does more than whoever made it may do now: with a lower role it does less, and without one nothing."))
        (Card::new("Make a key").padded(form(who.role, typed, problems)))
    }
}

fn form(by: Role, typed: &Typed, problems: &Problems) -> Form {
    let roles = rules::grantable(by).into_iter().map(|role| Choice::new(role.word(), rules::label(role)));
    Form::post("/settings/api-keys", "api-key")
        .field(
            Field::text("name", "What it is for")
                .value(&typed.name)
                .required()
                .max_chars(100)
                .error(problems.of("name")),
        )
        .line([
            Field::select("role", "Role", roles).value(&typed.role).error(problems.of("role")),
            Field::select("days", "Good for", LIVES).value(&typed.days).error(problems.of("days")),
        ])
        .submit("Make key")
}

fn end(typed: &str, now: Time) -> base::Result<Option<Time>> {
    if !LIVES.iter().any(|(days, _)| *days == typed) {
        return Err(base::Error::invalid("api_key.days", "Choose how long the key is good."));
    }
    Ok(typed.parse::<i64>().ok().map(|days| now.plus_days(days)))
}

/// Makes a key and shows it, once: it is committed before the page is drawn.
pub(crate) async fn create(mine: Mine, axum::Form(typed): axum::Form<Typed>) -> web::Result<Response> {
    let mut cx = mine.open.tenant(mine.who.tenant, mine.who.actor.clone()).await?;
    let now = cx.now();
    let mut problems = Problems::default();
    let role = problems.check("role", typed.role.parse::<Role>());
    let expires_at = problems.check("days", end(&typed.days, now));
    if let (Some(role), Some(expires_at)) = (role, expires_at) {
        let new = New { name: typed.name.clone(), role, expires_at };
        match super::create(&mut cx, mine.who.role, &new).await {
            Ok((_, key)) => {
                let keys = Listed::read(&mut cx).await?;
                cx.commit().await?;
                let again = Typed { role: typed.role, days: typed.days, ..Typed::default() };
                let body = body(&keys, &mine.who, now, (&again, &problems), Some(&key));
                return mine.page("API keys", body).await;
            }
            Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Refused) => {
                problems.add("name", error.message())
            }
            Err(error) => return Err(error.into()),
        }
    }
    let keys = Listed::read(&mut cx).await?;
    drop(cx);
    let body = body(&keys, &mine.who, now, (&typed, &problems), None);
    Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, mine.page("API keys", body).await?))
}

/// Revokes a key.
pub(crate) async fn revoke(mut cx: web::Cx, Path(id): Path<KeyId>) -> web::Result<Response> {
    let by = cx.who().role;
    super::revoke(&mut cx, by, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(
        "/settings/api-keys",
        "Key revoked. Programs that used it are refused from now on.",
    ))
}
