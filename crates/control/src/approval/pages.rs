//! The queue of decisions, and one decision with its evidence and forms.

use super::{Approval, ApprovalId, Bulk, Filter, Renderers, Risk, Selection, Status, show};
use crate::Parts;
use axum::{
    extract::{Form as Sent, Path, Query},
    response::Response,
};
use base::{Currency, Cursor, Error, Micros};
use maud::{Markup, html};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};
use ui::prelude::*;
use uuid::Uuid;

const ROWS: i64 = 25;

/// The filter as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    status: String,
    kind: String,
    campaign: String,
    risk: String,
    deferred: String,
    after: String,
}

impl Asked {
    fn filter(&self) -> base::Result<Filter> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let campaign = given(&self.campaign).map(|id| id.parse::<Uuid>()).transpose().map_err(|cause| {
            Error::invalid("approval.campaign", "That is not the id of a campaign.").caused_by(cause)
        })?;
        Ok(Filter {
            status: given(&self.status).map_or(Ok(Status::Pending), |text| text.parse())?,
            kind: given(&self.kind),
            campaign,
            risk: given(&self.risk).map(|text| text.parse()).transpose()?,
            deferred: !self.deferred.is_empty(),
        })
    }

    fn hidden(&self) -> [(&'static str, &str); 5] {
        [
            ("status", &self.status),
            ("kind", &self.kind),
            ("campaign", &self.campaign),
            ("risk", &self.risk),
            ("deferred", &self.deferred),
        ]
    }

    /// The address of the queue with this filter, behind this place.
    fn href(&self, after: &str) -> String {
        let parts: Vec<String> = self
            .hidden()
            .into_iter()
            .chain([("after", after)])
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("{k}={}", crate::link(v)))
            .collect();
        if parts.is_empty() { "/approvals".to_owned() } else { format!("/approvals?{}", parts.join("&")) }
    }
}

/// `GET /approvals`
pub async fn queue(mut cx: web::Cx, asked: Query<Asked>, parts: Arc<Parts>) -> web::Result<Response> {
    let asked = asked.0;
    let filter = asked.filter()?;
    let after = (!asked.after.is_empty())
        .then(|| serde_json::from_value::<Cursor>(asked.after.clone().into()))
        .transpose();
    let after = after.map_err(Error::from)?;
    let found = super::list(&mut cx, &filter, after.as_ref(), ROWS).await?;
    let total = super::count(&mut cx, &filter).await?;
    let facets = super::facets(&mut cx).await?;
    let mentioned = facets.iter().map(|(_, campaign, _)| *campaign);
    let mentioned = mentioned.chain(found.rows.iter().map(|a| a.campaign_id)).chain([filter.campaign]);
    let campaigns = (parts.campaigns)(&mut cx, mentioned.flatten().collect()).await?;
    let words = Words { kinds: &parts.renderers, campaigns };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let waits = filter.status == Status::Pending;
    let cards = html! {
        @if found.rows.is_empty() {
            (state::empty("Nothing waits for you", "Drafts and other decisions appear here when an agent needs your yes.",
                Some(Button::link("Open campaigns", "/campaigns"))))
        }
        @for approval in &found.rows { (card(approval, &words, &wall)) }
    };
    let body = html! {
        (Heading::new("Approvals").about(html! { (number::counted(total, "decision", "decisions")) " " (filter.status.word()) }))
        (bar(&asked, &facets, &words))
        @if waits && !found.rows.is_empty() { (bulk_form(&asked, total)) }
        h2.vh { "Decisions" }
        (live::region("approvals", &asked.href(&asked.after), &["control.approval.*"], Card::bare().body(cards)))
        (ui::pager::pager(None, after.as_ref().map(|_| asked.href("")).as_deref(), found.next.as_ref().map(|next| asked.href(next.as_str())).as_deref()))
    };
    cx.page("Approvals", body).await
}

/// What kinds and campaigns are called.
struct Words<'a> {
    kinds: &'a Renderers,
    campaigns: BTreeMap<Uuid, String>,
}

impl Words<'_> {
    fn campaign(&self, id: Uuid) -> &str {
        self.campaigns.get(&id).map_or("A campaign that is gone", String::as_str)
    }
}

fn bar(asked: &Asked, facets: &[(String, Option<Uuid>, i64)], words: &Words<'_>) -> ui::filter::Filter {
    let mut kinds: BTreeMap<&str, i64> = BTreeMap::new();
    // By name, so that the list reads in order; by id as well, because two may have one name.
    let mut campaigns: BTreeMap<(&str, Uuid), i64> = BTreeMap::new();
    for (kind, campaign, count) in facets {
        *kinds.entry(kind).or_default() += count;
        if let Some(campaign) = campaign {
            *campaigns.entry((words.campaign(*campaign), *campaign)).or_default() += count;
        }
    }
    // A campaign without anything that waits may be chosen still, such as to see what was decided.
    if let Ok(chosen) = asked.campaign.parse::<Uuid>() {
        campaigns.entry((words.campaign(chosen), chosen)).or_default();
    }
    let any = |label: &str| vec![Choice::new("", label)];
    let kinds = any("Any kind")
        .into_iter()
        .chain(kinds.iter().map(|(k, n)| Choice::new(*k, format!("{} ({n})", words.kinds.label(k)))));
    let campaigns = any("Any campaign")
        .into_iter()
        .chain(campaigns.iter().map(|((name, id), n)| Choice::new(id.to_string(), format!("{name} ({n})"))));
    let risks =
        any("Any risk").into_iter().chain(Risk::ALL.map(|r| Choice::new(r.word(), show::label(r.word()))));
    let statuses = Status::ALL
        .map(|s| Choice::new(if s == Status::Pending { "" } else { s.word() }, show::label(s.word())));
    ui::filter::Filter::new("/approvals")
        .field(Field::select("status", "Status", statuses).value(&asked.status))
        .field(Field::select("kind", "Kind", kinds).value(&asked.kind))
        .field(Field::select("campaign", "Campaign", campaigns).value(&asked.campaign))
        .field(Field::select("risk", "Risk", risks).value(&asked.risk))
        .field(Field::check("deferred", "Put off", !asked.deferred.is_empty()))
        .active(asked.hidden().iter().any(|(_, value)| !value.is_empty()))
}

fn bulk_form(asked: &Asked, total: i64) -> Markup {
    let mut form = Form::post("/approvals/bulk", "bulk");
    for (name, value) in asked.hidden() {
        form = form.hidden(name, value);
    }
    let form = form
        .line([
            Field::select(
                "which",
                "Which",
                [
                    ("picked".to_owned(), "The chosen ones".to_owned()),
                    ("top".to_owned(), "The best, as many as".to_owned()),
                    ("all".to_owned(), format!("All {} that match", number::count(total))),
                ],
            )
            .required(),
            Field::number("count", "How many").value("10").range("1", "2000", "1").required(),
            Field::text("reason", "Reason, to reject").max_chars(500),
        ])
        .act(Button::submit("Approve them").value("act", "approve").confirm("Approve all of these?"))
        .act(Button::submit("Reject them").value("act", "reject").danger());
    html! { details { summary { "Decide on many at once" } (Card::bare().padded(form)) } }
}

fn card(approval: &Approval, words: &Words<'_>, wall: &Wall) -> Markup {
    let id = approval.id;
    let here = format!("/approvals/{id}");
    let waits = approval.status == Status::Pending;
    let mut card = ui::approval::Approval::new(
        format!("a-{id}"),
        html! {
            @if waits { input type="checkbox" name="pick" value=(id) form="bulk" aria-label={ "Choose " (approval.title) }; " " }
            a href=(here) { (approval.title) }
            @if approval.edited { " " (tag(Tone::Cool, "edited")) }
        },
    )
    .draft(show::draft(approval))
    .why(words.kinds.label(&approval.kind))
    .why(risk(approval.risk))
    .evidence(show::evidence(approval));
    if approval.cost_micros > 0 {
        card = card.why(Micros(approval.cost_micros).show(Currency::Aud));
    }
    if let Some(campaign) = approval.campaign_id {
        card = card.why(words.campaign(campaign));
    }
    if waits && is_text(&approval.content) {
        card = card.edit(Button::link("Edit", format!("{here}#edit")).about(&approval.title));
    }
    card = if waits {
        card.why(html! { "lapses " (wall.relative(approval.expires_at)) })
            .approve(
                Button::post("Approve", format!("{here}/approve"))
                    .hidden("digest", &approval.digest)
                    .about(&approval.title),
            )
            .reject(
                Button::link("Reject…", format!("{here}/reject")).in_dialog("Reject").about(&approval.title),
            )
    } else {
        card.why(status(approval.status))
    };
    html! { (card) }
}

fn risk(risk: Risk) -> Markup {
    match risk {
        Risk::Low => tag(Tone::Cold, "low risk"),
        Risk::Normal => tag(Tone::Cool, "normal risk"),
        Risk::High => tag(Tone::Warm, "high risk"),
    }
}

fn status(status: Status) -> Markup {
    let tone = match status {
        Status::Pending => Tone::Cool,
        Status::Approved => Tone::Good,
        Status::Rejected => Tone::Bad,
        Status::Expired | Status::Withdrawn => Tone::Cold,
    };
    tag(tone, status.word())
}

/// `GET /approvals/{id}`
pub async fn detail(mut cx: web::Cx, Path(id): Path<ApprovalId>, parts: Arc<Parts>) -> web::Result<Response> {
    let approval = super::get(&mut cx, id).await?;
    let names = web::actor::names(&mut cx, approval.decided_by.as_deref()).await?;
    let campaigns = (parts.campaigns)(&mut cx, approval.campaign_id.into_iter().collect()).await?;
    let words = Words { kinds: &parts.renderers, campaigns };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let waits = approval.status == Status::Pending && approval.expires_at > cx.now();
    let facts = Pairs::new()
        .add("Kind", words.kinds.label(&approval.kind))
        .some("Campaign", approval.campaign_id.map(|id| words.campaign(id).to_owned()))
        .add("Status", status(approval.status))
        .add("Risk", risk(approval.risk))
        .some("Cost", (approval.cost_micros > 0).then(|| Micros(approval.cost_micros).show(Currency::Aud)))
        .add("Asked", wall.moment(approval.created_at))
        .add("Lapses", wall.moment(approval.expires_at))
        .some("Put off until", approval.deferred_until.map(|at| wall.moment(at)))
        .some("Decided by", approval.decided_by.as_deref().map(|by| names.of(by)))
        .some("Decided at", approval.decided_at.map(|at| wall.moment(at)))
        .some("Reason", approval.reason.as_ref())
        .add("Content digest", html! { code { (approval.digest) } });
    let here = format!("/approvals/{id}");
    let body = html! {
        (Heading::new(&approval.title).crumb("Approvals", "/approvals").about(&approval.summary))
        (Card::new("What will be done").padded(parts.renderers.show(&approval)))
        @if waits {
            (Card::new("Decide").padded(html! {
                (acts([
                    html! { (Button::post("Approve", format!("{here}/approve")).hidden("digest", &approval.digest).primary().key('a')) },
                    html! { (Button::link("Reject…", format!("{here}/reject")).in_dialog("Reject").key('r')) },
                ]))
                (Form::post(format!("{here}/defer"), "defer")
                    .field(Field::number("hours", "Put off by hours").value("4").range("1", "720", "1").required())
                    .act(Button::submit("Put off")))
            }))
            @if is_text(&approval.content) { (Card::new("Edit").id("edit").padded(edit_form(&approval))) }
        }
        (Card::new("Evidence").padded(show::evidence(&approval)))
        (Card::new("About this decision").padded(facts).link("Every change", &format!("/audit?table=control.approval&subject={id}")))
    };
    cx.page("Approval", body).await
}

/// Whether it is a text, which a person may write anew. Anything else is agreed to as it is: one changed byte
/// would be another thing.
fn is_text(content: &serde_json::Value) -> bool {
    content.get("body").is_some()
}

/// Texts that a person may change; whom it goes to and from whom stays.
fn may_edit(name: &str, value: &serde_json::Value) -> bool {
    value.is_string() && !matches!(name, "to" | "from" | "reply_to") && !name.ends_with("_id") && name != "id"
}

fn edit_form(approval: &Approval) -> Markup {
    let mut form =
        Form::post(format!("/approvals/{}/edit", approval.id), "change").hidden("digest", &approval.digest);
    let mut any = false;
    for (name, value) in approval.content.as_object().into_iter().flatten().filter(|(n, v)| may_edit(n, v)) {
        let text = show::print(value);
        let field = if text.len() > 120 || text.contains('\n') || name == "body" {
            Field::area(format!("c.{name}"), show::label(name), 12)
        } else {
            Field::text(format!("c.{name}"), show::label(name))
        };
        form = form.field(field.value(text));
        any = true;
    }
    if any {
        html! { (form.submit("Save changes")) }
    } else {
        html! { p { "Nothing here can be edited; reject it with a reason, and it is made again." } }
    }
}

/// `GET /approvals/{id}/reject`
pub async fn reject_form(mut cx: web::Cx, Path(id): Path<ApprovalId>) -> web::Result<Response> {
    let approval = super::get(&mut cx, id).await?;
    let form = Form::post(format!("/approvals/{id}/reject"), "no")
        .field(
            Field::text("reason", "Why").hint("The agent reads this.").max_chars(500).required().autofocus(),
        )
        .act(Button::submit("Reject").danger())
        .cancel(format!("/approvals/{id}"));
    let body = html! {
        (Heading::new("Reject").crumb("Approvals", "/approvals").about(&approval.title))
        (Card::bare().padded(dialog::dialog_body(form)))
    };
    cx.page("Reject", body).await
}

/// The digest that the person saw.
#[derive(Deserialize)]
pub struct Seen {
    digest: String,
}

/// `POST /approvals/{id}/approve`
pub async fn approve(
    mut cx: web::Cx,
    Path(id): Path<ApprovalId>,
    Sent(seen): Sent<Seen>,
) -> web::Result<Response> {
    let approval = super::approve(&mut cx, id, Some(&seen.digest)).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/approvals", &format!("Approved: {}", approval.title)))
}

/// A reason.
#[derive(Deserialize)]
pub struct Why {
    reason: String,
}

/// `POST /approvals/{id}/reject`
pub async fn reject(
    mut cx: web::Cx,
    Path(id): Path<ApprovalId>,
    Sent(why): Sent<Why>,
) -> web::Result<Response> {
    let approval = super::reject(&mut cx, id, &why.reason).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/approvals", &format!("Rejected: {}", approval.title)))
}

/// How long.
#[derive(Deserialize)]
pub struct Later {
    hours: i64,
}

/// `POST /approvals/{id}/defer`
pub async fn defer(
    mut cx: web::Cx,
    Path(id): Path<ApprovalId>,
    Sent(later): Sent<Later>,
) -> web::Result<Response> {
    let until = cx.now().plus_s(later.hours.clamp(0, 24 * 365) * 3_600);
    let approval = super::defer(&mut cx, id, until).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/approvals", &format!("Put off: {}", approval.title)))
}

/// `POST /approvals/{id}/edit`
pub async fn edit(
    mut cx: web::Cx,
    Path(id): Path<ApprovalId>,
    Sent(sent): Sent<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let approval = super::get(&mut cx, id).await?;
    if !is_text(&approval.content) {
        return Err(Error::refused(
            "approval.fixed",
            "This is agreed to as it is. Reject it with a reason, and it is made again.",
        )
        .into());
    }
    let mut content = approval.content.clone();
    for (name, value) in content.as_object_mut().into_iter().flatten().filter(|(n, v)| may_edit(n, v)) {
        if let Some(text) = sent.get(&format!("c.{name}")) {
            // Browsers send line ends as CR LF.
            *value = text.replace("\r\n", "\n").into();
        }
    }
    super::edit(&mut cx, id, content, sent.get("digest").map(String::as_str)).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/approvals/{id}"), "Saved. It still waits for your yes."))
}

/// `POST /approvals/bulk`
pub async fn bulk(mut cx: web::Cx, Sent(sent): Sent<Vec<(String, String)>>) -> web::Result<Response> {
    let value = |name: &str| sent.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let asked = Asked {
        status: String::new(),
        kind: value("kind"),
        campaign: value("campaign"),
        risk: value("risk"),
        deferred: value("deferred"),
        after: String::new(),
    };
    let selection = match value("which").as_str() {
        "all" => Selection::Matching(asked.filter()?),
        "top" => Selection::Top { filter: asked.filter()?, count: value("count").parse().unwrap_or(0) },
        _ => Selection::Ids(
            sent.iter().filter(|(n, _)| n == "pick").filter_map(|(_, v)| v.parse().ok()).collect(),
        ),
    };
    let (bulk, did) = match value("act").as_str() {
        "approve" => (Bulk::Approve, "Approved"),
        "reject" => (Bulk::Reject { reason: value("reason") }, "Rejected"),
        _ => return Err(Error::invalid("approval.act", "Choose whether to approve or to reject.").into()),
    };
    let done = super::apply(&mut cx, &selection, &bulk).await?;
    cx.commit().await?;
    let done = i64::try_from(done).unwrap_or(i64::MAX);
    Ok(web::redirect_with(
        "/approvals",
        &format!("{did} {}.", number::counted(done, "decision", "decisions")),
    ))
}
