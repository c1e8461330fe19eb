//! Stop: choose what, see what freezes, say why, confirm; then the proof. And the list of switches.

use super::{EffectSource, Scope, SwitchId, Target};
use crate::outside::CampaignNames;
use axum::{
    extract::{Form as Sent, Path, Query},
    response::Response,
};
use base::Error;
use db::{Fact, Scope as Reach};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use ui::prelude::*;
use web::actor;

/// What is chosen on the page Stop.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    scope: String,
    target: String,
    reason: String,
}

impl Asked {
    fn target(&self) -> base::Result<Option<Target>> {
        if self.scope.is_empty() {
            return Ok(None);
        }
        let scope: Scope = self.scope.parse()?;
        let name = self.target.trim();
        Ok(Some(Target { scope, name: (scope.is_named() && !name.is_empty()).then(|| name.to_owned()) }))
    }
}

/// `GET /stop`: first the choice, then, with a choice in the address, what would freeze and the reason.
pub async fn stop(
    mut cx: web::Cx,
    Query(asked): Query<Asked>,
    source: Arc<dyn EffectSource>,
) -> web::Result<Response> {
    let chosen = asked.target()?;
    let may_all = cx.who().platform;
    let mut names = Vec::new();
    if let Some(target) = &chosen
        && target.scope.is_named()
    {
        names = source.choices(&mut cx, target.scope).await?;
    }
    let scopes = Scope::ALL
        .into_iter()
        .filter(|scope| may_all || *scope != Scope::Platform)
        .map(|scope| Choice::new(scope.word(), scope.label()));
    let scope = chosen.as_ref().map_or(Scope::Client, |target| target.scope);
    let choose = html! {
        form.form method="get" action="/stop" {
            (Field::radios("scope", "What to stop", scopes).value(scope.word()).required())
            (acts([Button::submit("Show what will freeze")]))
        }
    };
    let confirm = match &chosen {
        Some(target) => Some(confirmation(&mut cx, target, names, &source).await?),
        None => None,
    };
    let body = html! {
        (Heading::new("Stop").about("Nothing that a switch covers leaves after it is engaged. Replies and opt-outs are still read.")
            .act(Button::link("All switches", "/switches")))
        (dialog::dialog_body(html! {
            (Card::new("What to stop").padded(choose))
            @if let Some(confirm) = confirm { (confirm) }
        }))
    };
    cx.page("Stop", body).await
}

async fn confirmation(
    cx: &mut web::Cx,
    target: &Target,
    names: Vec<(String, String)>,
    source: &Arc<dyn EffectSource>,
) -> web::Result<Markup> {
    let frozen = source.frozen(cx, target).await?;
    let mut form = Form::post("/stop", "stop").hidden("scope", target.scope.word());
    if target.scope.is_named() {
        let present = target.name.clone().unwrap_or_default();
        form = form.field(if names.is_empty() {
            Field::text("target", "Which one").value(present).required()
        } else {
            Field::select("target", "Which one", names).value(present).required()
        });
    }
    let form = form
        .field(Field::text("reason", "Why").max_chars(500).required().autofocus())
        .act(Button::submit("Stop now").danger())
        .cancel("/switches");
    let table = Table::new("What will freeze", [Column::text("What"), Column::number("How many")])
        .empty(state::empty(
            "Nothing is under way",
            "The switch still keeps everything from beginning.",
            None,
        ))
        .rows(frozen.iter().map(|f| {
            let row = Row::new();
            match &f.href {
                Some(href) => row.link(&f.label, href),
                None => row.cell(&f.label),
            }
            .cell(number::count(f.count))
        }));
    Ok(html! {
        (Card::new("What will freeze").body(table))
        (Card::new("Confirm").padded(html! { @if target.campaign().is_none() { p { b { (target.says()) } } } (form) }))
    })
}

/// `POST /stop`
pub async fn engage(
    cx: web::Cx,
    Sent(asked): Sent<Asked>,
    campaigns: CampaignNames,
) -> web::Result<Response> {
    let target = asked.target()?.ok_or_else(|| Error::invalid("switch.scope", "Choose what to stop."))?;
    let (on, told) = if target.scope == Scope::Platform {
        let mut system = across(cx).await?;
        let on = super::engage(&mut system.0, &target, &asked.reason).await?;
        let payload = json!({"scope": target.scope, "target": null, "reason": on.reason});
        system.0.publish_for(system.1, Fact::about("control.switch.engaged", on.id).with(payload)).await?;
        system.0.commit().await?;
        (on, target.says())
    } else {
        let mut cx = cx;
        let on = super::engage(&mut cx, &target, &asked.reason).await?;
        let names = campaigns(&mut cx, target.campaign().into_iter().collect()).await?;
        cx.commit().await?;
        (on, target.told(&names))
    };
    Ok(web::redirect_with(&format!("/switches/{}", on.id), &format!("{told} is stopped.")))
}

/// A context across tenants in place of a member's, for whoever runs the installation.
async fn across(cx: web::Cx) -> web::Result<(db::Cx, base::TenantId)> {
    if !cx.who().platform {
        return Err(Error::forbidden("Only whoever runs this installation may do this.").into());
    }
    let (app, caller, tenant) = (cx.app().clone(), cx.caller().clone(), cx.who().tenant);
    // Its connection goes back first: never two at once.
    cx.commit().await?;
    Ok((app.db().begin(Reach::System, caller).await?, tenant))
}

/// `GET /switches`
pub async fn list(mut cx: web::Cx, campaigns: CampaignNames) -> web::Result<Response> {
    let all = super::history(&mut cx, 200).await?;
    let names = actor::names(&mut cx, all.iter().map(|s| s.engaged_by.as_str())).await?;
    let campaigns = campaigns(&mut cx, all.iter().filter_map(|s| s.target.campaign()).collect()).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let engaged = all.iter().filter(|s| s.is_engaged()).count();
    let table = Table::new("Switches", ["What", "State", "Why", "By", "Since", "Released"])
        .empty(state::empty(
            "Nothing was ever stopped",
            "A switch stops a campaign, a channel, an agent, a provider or everything, at once.",
            Some(Button::link("Stop…", "/stop").danger()),
        ))
        .rows(all.iter().map(|s| {
            Row::new()
                .link(&s.target.told(&campaigns), &format!("/switches/{}", s.id))
                .cell(if s.is_engaged() { tag(Tone::Bad, "stopped") } else { tag(Tone::Cold, "released") })
                .cell(&s.reason)
                .cell(names.of(&s.engaged_by))
                .cell(wall.moment(s.engaged_at))
                .maybe(s.released_at.map(|at| wall.moment(at)))
        }));
    let sub = if engaged == 0 { "Nothing is stopped.".to_owned() } else { format!("{engaged} engaged now.") };
    let body = html! {
        (Heading::new("Switches").about(sub).act(Button::link("Stop…", "/stop").danger()))
        (live::region("switches", "/switches", &["control.switch.*"], Card::bare().body(table)))
    };
    cx.page("Switches", body).await
}

/// `GET /switches/{id}`: the proof and the release.
pub async fn detail(
    mut cx: web::Cx,
    Path(id): Path<SwitchId>,
    source: Arc<dyn EffectSource>,
    campaigns: CampaignNames,
) -> web::Result<Response> {
    let proof = super::proof(&mut cx, source.as_ref(), id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let switch = &proof.switch;
    let by = [Some(switch.engaged_by.as_str()), switch.released_by.as_deref()];
    let names = actor::names(&mut cx, by.into_iter().flatten()).await?;
    let campaigns = campaigns(&mut cx, switch.target.campaign().into_iter().collect()).await?;
    let told = switch.target.told(&campaigns);
    let effect = |effect: &Option<super::Effect>| -> Option<Markup> {
        effect.as_ref().map(|e| {
            html! {
                (wall.exact(e.at)) " · "
                @match &e.href { Some(href) => { a href=(href) { (e.label) } }, None => (e.label) }
            }
        })
    };
    let shown = Pairs::new()
        .add("Stopped at", wall.exact(switch.engaged_at))
        .maybe("Last effect that passed the gate before", effect(&proof.effects.last_intent))
        .maybe("Its completion", effect(&proof.effects.last_done))
        .add("Time from the stop to the last completion", number::duration_ms(proof.stopped_after_ms))
        .add("Effects after the stop", html! {
            @if proof.effects.after == 0 { (tag(Tone::Good, "0")) } @else { (tag(Tone::Bad, number::count(proof.effects.after))) }
        });
    let about = Pairs::new()
        .add("What", &told)
        .add("Why", &switch.reason)
        .add("By", names.of(&switch.engaged_by))
        .maybe("Released by", switch.released_by.as_deref().map(|by| names.of(by)))
        .maybe("Released at", switch.released_at.map(|at| wall.exact(at)))
        .maybe("Why released", switch.release_reason.as_ref());
    let release = Form::post(format!("/switches/{id}/release"), "release")
        .field(Field::text("reason", "Why it may go on").max_chars(500).required())
        .act(Button::submit("Release").primary());
    let state = if switch.is_engaged() { tag(Tone::Bad, "stopped") } else { tag(Tone::Cold, "released") };
    let body = html! {
        (Heading::new(&told).crumb("Switches", "/switches").tag(state))
        (live::region("proof", &format!("/switches/{id}"), &["outreach.touch.*", "control.switch.*"],
            Card::new("Proof of the stop").padded(shown).foot("Read from the recorded effects, each time this page is opened.")))
        (Card::new("About").padded(about).link("Every change", &format!("/audit?table=control.switch&subject={id}")))
        @if switch.is_engaged() { (Card::new("Release").padded(release)) }
    };
    cx.page("Switch", body).await
}

/// A reason.
#[derive(Deserialize)]
pub struct Why {
    reason: String,
}

/// `POST /switches/{id}/release`
pub async fn release(
    mut cx: web::Cx,
    Path(id): Path<SwitchId>,
    Sent(why): Sent<Why>,
    campaigns: CampaignNames,
) -> web::Result<Response> {
    let found = super::get(&mut cx, id).await?;
    let campaigns = campaigns(&mut cx, found.target.campaign().into_iter().collect()).await?;
    if found.target.scope == Scope::Platform {
        let (mut system, tenant) = across(cx).await?;
        super::release(&mut system, id, &why.reason).await?;
        let payload = json!({"scope": found.target.scope, "target": null, "reason": why.reason});
        system.publish_for(tenant, Fact::about("control.switch.released", id).with(payload)).await?;
        system.commit().await?;
    } else {
        super::release(&mut cx, id, &why.reason).await?;
        cx.commit().await?;
    }
    Ok(web::redirect_with(&format!("/switches/{id}"), &format!("{} goes on.", found.target.told(&campaigns))))
}
