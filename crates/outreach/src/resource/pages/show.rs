//! One mailbox: what it may send today, how it does, its records, and what can be done with it.

use super::{Needs, health_tag, status_tag, verdict_tag};
use crate::{
    channel::Channel,
    limits::Limits,
    resource::{self, Resource, Room, Status, check, check::SignIn, store},
};
use axum::{Form, extract::Path, response::Response};
use base::{EmailAddress, Error, Time};
use db::Scope;
use maud::{Markup, html};
use ports::email::{Mailbox, MessageId, Outgoing};
use serde::Deserialize;
use ui::prelude::{
    Button, Card, Column, Field, Heading, Kpi, Pairs, Row, Table, Trend, Wall, grid, kpis, number, state,
};
use uuid::Uuid;

/// `GET /settings/sending/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let r = resource::get(&mut cx, id).await?;
    let zone = resource::client_zone(&mut cx).await?;
    let limits = Limits::load(&mut cx, "AU", None).await?;
    let room = resource::room(&mut cx, &limits, &r, &zone).await?;
    let sent = sent(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let now = cx.now();
    let body = html! {
        (heading(&r, now))
        @if let Some(reason) = &r.status_reason { div.note.b-warn role="status" { (reason) @if let Some(until) = r.paused_until { " Until " (wall.moment(until)) "." } } }
        (figures(&r, &room))
        (grid::main_side(html! { @if r.channel == Channel::Email { (records(&r, &wall)) } (last_sent(&sent, &wall)) }, html! { (servers(&r, &wall)) (acts(&r)) }))
    };
    let title = r.address.clone();
    cx.page(&title, body).await
}

fn heading(r: &Resource, now: Time) -> Heading {
    let heading = Heading::new(&r.address)
        .crumb("Settings", "/settings")
        .crumb("Sending", "/settings/sending")
        .tag(status_tag(r, now));
    if r.channel != Channel::Email {
        return heading;
    }
    heading
        .act(
            Button::post("Send a test message to itself", format!("/settings/sending/{}/test", r.id))
                .primary(),
        )
        .act(Button::post("Look the records up", format!("/settings/sending/{}/check", r.id)))
}

fn figures(r: &Resource, room: &Room) -> Markup {
    let outcomes = r.checks.outcomes.unwrap_or_default();
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let share = |part: u64| number::share(count(part), count(outcomes.sent));
    let today = format!("of {} today; day {} of the domain's use", room.allowed, room.day_in_use);
    let figures = [
        Kpi::new("Sent by its domain", number::count(i64::from(room.used)))
            .sub(today, Trend::Flat)
            .href("#sent"),
        Kpi::new("Sent in 30 days", number::count(count(outcomes.sent))).href("#sent"),
        Kpi::new("Bounced in 30 days", share(outcomes.bounced))
            .sub("good below 2%", Trend::Flat)
            .href("#sent"),
        Kpi::new("Complaints in 30 days", share(outcomes.complained))
            .sub("good below 0.05%", Trend::Flat)
            .href("#sent"),
    ];
    html! { div #today { (kpis(&figures)) } }
}

fn records(r: &Resource, wall: &Wall) -> Markup {
    let rows = r
        .checks
        .dns
        .iter()
        .map(|found| Row::new().cell(verdict_tag(found)).cell(&found.detail).cell(&found.todo));
    let columns = [Column::text("Record"), Column::text("Found"), Column::text("What to do")];
    let empty = state::empty(
        "Not looked up yet",
        "Mailbox providers refuse mail of domains without these records.",
        None::<Button>,
    );
    let card =
        Card::new("Records of the domain").body(Table::new("Records", columns).rows(rows).empty(empty));
    html! { @match r.checked_at { Some(at) => (card.foot(html! { "Looked up " (wall.relative(at)) })), None => (card) } }
}

fn servers(r: &Resource, wall: &Wall) -> Markup {
    let s = &r.settings;
    let at = |server: &resource::Server| format!("{}:{}", server.host, server.port);
    let sign_in =
        r.checks.sign_in.as_ref().map(
            |s| html! { (if s.ok { "works" } else { "fails" }) ", " (wall.relative(s.at)) ": " (s.detail) },
        );
    let pairs = Pairs::new()
        .add("Sends as", &r.display_name)
        .add("Health", health_tag(r.health))
        .add("Channel", r.channel.label())
        .maybe(
            "Account",
            r.account
                .map(|id| html! { a href=(format!("/settings/sending/accounts/{id}")) { (r.provider) } }),
        )
        .maybe("Outgoing", s.smtp.as_ref().map(at))
        .maybe("Incoming", s.imap.as_ref().map(at))
        .maybe(
            "User name",
            s.smtp
                .as_ref()
                .map(|smtp| if smtp.username.is_empty() { "none" } else { smtp.username.as_str() }),
        )
        .maybe("Last test", sign_in)
        .maybe("Last used", r.last_used_at.map(|at| wall.relative(at)));
    let pairs =
        s.details.iter().fold(pairs, |pairs, (name, text)| pairs.add(name.replace('_', " "), text.as_str()));
    html! { (Card::new("Sender").padded(pairs)) }
}

fn acts(r: &Resource) -> Markup {
    let at = |act: &str| format!("/settings/sending/{}/{act}", r.id);
    html! {
        @match r.status {
            Status::Active => (Card::new("Pause").padded(
                ui::form::Form::post(at("pause"), "pause").field(Field::text("reason", "Why").required().max_chars(500)).submit("Pause it"))),
            Status::Paused | Status::Failed => (Card::new("Resume").padded(Button::post("Take it into use again", at("resume")).primary())),
            Status::Retired => (state::partial("This sender is retired: its health was critical for too long. Connect another one.")),
        }
    }
}

struct Sent {
    lead_id: Uuid,
    recipient: Option<String>,
    subject: Option<String>,
    sent_at: Option<Time>,
    bounced: bool,
}

async fn sent(cx: &mut db::Cx, id: Uuid) -> base::Result<Vec<Sent>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Sent,
        r#"select t.lead_id, t.recipient, t.subject, t.sent_at,
                  exists (select from outreach.activity a where a.tenant_id = $1 and a.touch_id = t.id and a.action in ('bounced', 'complained')) as "bounced!"
           from outreach.touch t where t.tenant_id = $1 and t.resource_id = $2 and t.sent_at is not null order by t.sent_at desc limit 100"#,
        tenant,
        id,
    )
    .fetch_all(cx.conn())
    .await?)
}

fn last_sent(sent: &[Sent], wall: &Wall) -> Markup {
    let rows = sent.iter().map(|s| {
        Row::new()
            .maybe(s.sent_at.map(|at| wall.relative(at)))
            .link(s.recipient.as_deref().unwrap_or("–"), &format!("/leads/{}", s.lead_id))
            .maybe(s.subject.as_ref())
            .cell(if s.bounced { "bounced or complained" } else { "" })
    });
    let columns =
        [Column::text("When"), Column::text("To"), Column::text("Subject"), Column::text("What came of it")];
    let empty =
        state::empty("Nothing was sent from here yet", "Its messages are listed here.", None::<Button>);
    html! { (Card::new("Sent").id("sent").body(Table::new("Sent from here", columns).rows(rows).empty(empty))) }
}

/// Why it is done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    reason: String,
}

/// `POST /settings/sending/{id}/pause`
pub async fn pause(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<Reason>,
) -> web::Result<Response> {
    let why = typed.reason.trim();
    if why.is_empty() {
        return Err(Error::invalid("resource.reason", "Say why the mailbox is paused.").into());
    }
    resource::pause(&mut cx, id, why).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/settings/sending/{id}"), "It is paused."))
}

/// `POST /settings/sending/{id}/resume`
pub async fn resume(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    resource::resume(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/settings/sending/{id}"), "It is in use again."))
}

/// What is needed to open a second transaction after a call to the outside.
struct Later {
    db: db::Db,
    scope: Scope,
    caller: db::Caller,
}

impl Later {
    fn of(cx: &web::Cx) -> Self {
        Self { db: cx.app().db().clone(), scope: cx.scope(), caller: cx.caller().clone() }
    }

    /// Stores what a check found. A server that refuses the sign-in puts the mailbox out of use.
    async fn store(self, id: Uuid, change: impl FnOnce(&mut check::Checks)) -> base::Result<()> {
        let mut cx = self.db.begin(self.scope, self.caller).await?;
        let mut checks = resource::get(&mut cx, id).await?.checks;
        change(&mut checks);
        store::set_checks(&mut cx, id, &checks).await?;
        cx.commit().await
    }
}

/// `POST /settings/sending/{id}/check`: looks the domain's records up.
pub async fn look_up(mut cx: web::Cx, Path(id): Path<Uuid>, needs: Needs) -> web::Result<Response> {
    let r = resource::get(&mut cx, id).await?;
    let later = Later::of(&cx);
    cx.commit().await?;
    // No transaction is open while name servers are asked.
    let found = check::look_up(needs.ports.dns.as_ref(), &r).await?;
    later.store(id, |checks| checks.dns = found).await?;
    Ok(web::redirect_with(&format!("/settings/sending/{id}"), "The records were looked up."))
}

/// `POST /settings/sending/{id}/test`: sends a message from the mailbox to itself.
pub async fn test(mut cx: web::Cx, Path(id): Path<Uuid>, needs: Needs) -> web::Result<Response> {
    let r = resource::get(&mut cx, id).await?;
    let account = resource::account(&mut cx, &needs.keyring, &r).await?;
    let address = EmailAddress::parse(&r.address)?;
    let now = cx.now();
    let mail = Outgoing {
        message_id: MessageId::of(cx.id(), &address),
        date: now,
        from: Mailbox { name: r.display_name.clone(), address: address.clone() },
        to: vec![address],
        reply_to: None,
        subject: "Test of this mailbox".to_owned(),
        text:
            "This message was sent from the settings to see whether the mailbox works. Nobody else got it.\n"
                .to_owned(),
        html: None,
        in_reply_to: None,
        references: Vec::new(),
        list_unsubscribe: None,
        headers: Vec::new(),
        calendar: None,
    };
    let later = Later::of(&cx);
    cx.commit().await?;
    // No transaction is open while the server is spoken to.
    let (ok, detail) = match needs.ports.email.send(&account, &mail).await {
        Ok(accepted) => (true, accepted.response),
        Err(error) => (false, error.to_string()),
    };
    let notice = if ok {
        "The server took the test message.".to_owned()
    } else {
        format!("The test failed: {detail}")
    };
    later.store(id, |checks| checks.sign_in = Some(SignIn { ok, detail, at: now })).await?;
    Ok(web::redirect_with(&format!("/settings/sending/{id}"), &notice))
}
