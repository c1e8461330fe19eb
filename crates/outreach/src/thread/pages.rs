//! The inbox: conversations in which somebody wrote to us, and one of them with everything that can be
//! done about it.

use super::{Filter, Line, MessageId, Thread, ThreadId, get, handled, list, mark_read, messages, show};
use crate::{
    mailbox,
    reply::{self, answer},
};
use axum::{
    Form as Typed,
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Error, Page, Role};
use db::Scope;
use inbound::reply::Intent;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// Rows on a page.
const PAGE: usize = 50;
/// The facts after which the inbox looks different.
const FACTS: [&str; 3] = ["outreach.reply.*", "outreach.thread.*", "outreach.mailbox.*"];

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    view: String,
    intent: String,
    q: String,
    after: Option<Cursor>,
}

impl Asked {
    fn filter(&self) -> Filter {
        Filter {
            unread: self.view == "unread",
            needs_person: self.view == "person",
            intent: Intent::ALL
                .into_iter()
                .find(|intent| intent.name() == self.intent)
                .map(|intent| intent.name().to_owned()),
            text: self.q.clone(),
        }
    }

    fn href(&self, view: &str, after: Option<&Cursor>) -> String {
        let mut parts = vec![];
        for (name, value) in [("view", view), ("intent", self.intent.as_str()), ("q", self.q.as_str())] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", encoded(value)));
            }
        }
        parts.extend(after.map(|after| format!("after={}", after.as_str())));
        if parts.is_empty() { "/inbox".to_owned() } else { format!("/inbox?{}", parts.join("&")) }
    }
}

/// Percent-encoding for a value of a link's query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// `GET /inbox`.
pub async fn inbox(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let page = list(&mut cx, &asked.filter(), asked.after.as_ref(), PAGE).await?;
    let places = mailbox::places(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member;
    let body = html! {
        (Heading::new("Inbox").about("What people answered, what it means, and what to do about it."))
        @for place in &places {
            @if let Some(error) = &place.error {
                (Banner { level: Level::Bad, text: format!("{} is not read: {error}", place.address), act: Some(("Sending".to_owned(), "/settings/sending".to_owned())) })
            }
        }
        (filter_bar(&asked))
        (Card::new("Conversations").aside(html! { (live::tag()) " " (read_now(&places, may, &wall)) }).body(
            live::region("inbox", &asked.href(&asked.view, asked.after.as_ref()), &FACTS, conversations(&page, &asked, &wall))
        ))
    };
    cx.page("Inbox", body).await
}

fn read_now(places: &[mailbox::Place], may: bool, wall: &Wall) -> Markup {
    let latest = places.iter().filter_map(|place| place.read_at).max();
    html! {
        @if let Some(at) = latest { span { "Mailboxes read " (wall.relative(at)) } " " }
        @if may && !places.is_empty() { (Button::post("Read mail now", "/inbox/read")) }
    }
}

fn filter_bar(asked: &Asked) -> ui::filter::Filter {
    let mut choices = vec![Choice::new("", "Any meaning")];
    choices
        .extend(Intent::ALL.into_iter().map(|intent| Choice::new(intent.name(), show::label(intent.name()))));
    ui::filter::Filter::new("/inbox")
        .view("All", asked.href("", None), asked.view.is_empty())
        .view("Unread", asked.href("unread", None), asked.view == "unread")
        .view("Needs a person", asked.href("person", None), asked.view == "person")
        .hidden("view", asked.view.clone())
        .field(Field::select("intent", "Meaning", choices).value(asked.intent.clone()))
        .field(
            Field::line(Input::Search, "q", "Search")
                .value(asked.q.clone())
                .placeholder("Name, company, subject"),
        )
        .active(!asked.view.is_empty() || !asked.intent.is_empty() || !asked.q.is_empty())
}

fn conversations(page: &Page<Line>, asked: &Asked, wall: &Wall) -> Table {
    let columns = [
        Column::text("Who"),
        Column::text("What they say"),
        Column::text("Meaning"),
        Column::number("Messages"),
        Column::text("Latest"),
    ];
    let filtered = !asked.view.is_empty() || !asked.intent.is_empty() || !asked.q.is_empty();
    let empty = if filtered {
        state::empty(
            "Nothing fits these filters",
            "Clear them to see every conversation.",
            Some(Button::link("Clear", "/inbox")),
        )
    } else {
        state::empty(
            "Nobody answered yet",
            "Answers appear here as soon as they are read.",
            Some(Button::link("Campaigns", "/campaigns")),
        )
    };
    Table::new("Conversations", columns)
        .rows(page.rows.iter().map(|line| row(line, wall)))
        .empty(empty)
        .first(asked.after.is_some().then(|| asked.href(&asked.view, None)))
        .next(page.next.as_ref().map(|next| asked.href(&asked.view, Some(next))))
}

fn row(line: &Line, wall: &Wall) -> Row {
    let who = if line.name.is_empty() { line.address.as_str() } else { line.name.as_str() };
    Row::new()
        .id(format!("thread-{}", line.id))
        .cell(html! {
            a href={ "/inbox/" (line.id) } { @if line.unread { strong { (who) } } @else { (who) } }
            @if let Some(company) = &line.company { " · " (company) }
            @if line.unread { " " (tag(Tone::Cool, "Unread")) }
        })
        .cell(html! { strong { (line.subject) } " " (line.preview) })
        .cell(html! {
            @if let Some(intent) = &line.intent { (show::intent(intent)) }
            @if line.needs_person { " " (tag(Tone::Warm, "Needs a person")) }
        })
        .cell(line.messages)
        .cell(wall.relative(line.last_message_at))
}

/// `GET /inbox/{thread}`: opening it marks it as read.
pub async fn conversation(mut cx: web::Cx, Path(id): Path<ThreadId>) -> web::Result<Response> {
    let thread = get(&mut cx, id).await?;
    if !cx.wants_fragment() {
        // Kept apart from the page's own transaction, which only reads.
        let mut own = cx.app().db().begin(Scope::Tenant(cx.who().tenant), cx.caller().clone()).await?;
        mark_read(&mut own, id).await?;
        own.commit().await?;
    }
    let all = messages(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member;
    let title = title(&thread);
    let href = format!("/inbox/{id}");
    let body = html! {
        (Heading::new(title.clone())
            .crumb("Inbox", "/inbox")
            .about(thread.subject.clone())
            .tag(html! {
                @if let Some(intent) = &thread.intent { (show::intent(intent)) }
                @if thread.needs_person { " " (tag(Tone::Warm, "Needs a person")) }
            })
            .act(show::handled_button(&thread, may)))
        (grid::main_side(
            live::region("conversation", &href, &FACTS, show::messages(&thread, &all, &wall, may)),
            show::lead_card(&thread),
        ))
        @if may { (show::write_card(&thread)) }
    };
    cx.page(&title, body).await
}

fn title(thread: &Thread) -> String {
    if !thread.name.is_empty() {
        return thread.name.clone();
    }
    thread.email.clone().unwrap_or_else(|| "Conversation".to_owned())
}

fn back(id: ThreadId, said: &str) -> Response {
    web::redirect_with(&format!("/inbox/{id}"), said)
}

/// `POST /inbox/{thread}/handled`.
pub async fn mark_handled(mut cx: web::Cx, Path(id): Path<ThreadId>) -> web::Result<Response> {
    handled(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/inbox", "Marked as handled."))
}

/// What a person writes.
#[derive(Deserialize)]
pub struct Words {
    text: String,
}

/// `POST /inbox/{thread}/write`: a person's own answer.
pub async fn write(
    mut cx: web::Cx,
    Path(id): Path<ThreadId>,
    Typed(words): Typed<Words>,
) -> web::Result<Response> {
    answer::write(&mut cx, id, &words.text).await?;
    cx.commit().await?;
    Ok(back(id, "Your answer is on its way."))
}

/// A draft as a person leaves it.
#[derive(Deserialize)]
pub struct Draft {
    subject: String,
    body: String,
}

/// `POST /inbox/{thread}/drafts/{message}/approve`.
pub async fn approve(
    mut cx: web::Cx,
    Path((id, message)): Path<(ThreadId, MessageId)>,
    Typed(draft): Typed<Draft>,
) -> web::Result<Response> {
    answer::approve(&mut cx, message, &draft.subject, &draft.body).await?;
    cx.commit().await?;
    Ok(back(id, "The answer is on its way."))
}

/// `POST /inbox/{thread}/drafts/{message}/discard`.
pub async fn discard(
    mut cx: web::Cx,
    Path((id, message)): Path<(ThreadId, MessageId)>,
) -> web::Result<Response> {
    answer::discard(&mut cx, message, "Discarded in the inbox.").await?;
    cx.commit().await?;
    Ok(back(id, "The draft was discarded."))
}

/// A correction.
#[derive(Deserialize)]
pub struct Correction {
    intent: String,
    reason: String,
}

/// `POST /inbox/{thread}/messages/{message}/intent`.
pub async fn correct(
    mut cx: web::Cx,
    Path((id, message)): Path<(ThreadId, MessageId)>,
    Typed(correction): Typed<Correction>,
) -> web::Result<Response> {
    let intent = Intent::ALL
        .into_iter()
        .find(|intent| intent.name() == correction.intent)
        .ok_or_else(|| Error::invalid("reply.intent", "Choose what the message means."))?;
    reply::reclassify(&mut cx, message, intent, &correction.reason).await?;
    cx.commit().await?;
    Ok(back(id, "Corrected; what follows from it was done."))
}

/// `POST /inbox/read`: reads every mailbox now.
pub async fn read(mut cx: web::Cx) -> web::Result<Response> {
    let count = mailbox::jobs::poll_now(&mut cx).await?;
    cx.commit().await?;
    let said = if count == 1 {
        "The mailbox is being read.".to_owned()
    } else {
        format!("{count} mailboxes are being read.")
    };
    Ok(web::redirect_with("/inbox", &said))
}
