//! The mail sink's pages: what was sent, as the prospect sees it, and answering as the prospect.

use super::{Act, Letter, LetterId, Line, act, answer, get, list};
use crate::thread::pages::encoded;
use axum::{
    Form as Typed,
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Error, Page, Role};
use db::Scope;
use inbound::mail;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// Rows on a page.
const PAGE: usize = 50;

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    after: Option<Cursor>,
}

fn href(base: &str, asked: &Asked, after: Option<&Cursor>) -> String {
    let mut parts = vec![];
    if !asked.q.is_empty() {
        parts.push(format!("q={}", encoded(&asked.q)));
    }
    parts.extend(after.map(|after| format!("after={}", after.as_str())));
    if parts.is_empty() { base.to_owned() } else { format!("{base}?{}", parts.join("&")) }
}

/// `GET /sink`: the messages of the tenant.
pub async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let page = list(&mut cx, &asked.q, asked.after.as_ref(), PAGE).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let platform = cx.who().platform;
    cx.page("Mail sink", index_body("/sink", &asked, &page, &wall, platform)).await
}

/// `GET /sink/installation`: the installation's own mail, such as password resets.
pub async fn installation(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let mut all = cx.app().db().begin(Scope::System, cx.caller().clone()).await?;
    let page = list(&mut all, &asked.q, asked.after.as_ref(), PAGE).await?;
    all.rollback().await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    cx.page("Mail of the installation", index_body("/sink/installation", &asked, &page, &wall, true)).await
}

fn index_body(base: &str, asked: &Asked, page: &Page<Line>, wall: &Wall, platform: bool) -> Markup {
    let columns = [
        Column::text("To"),
        Column::text("Subject"),
        Column::text("Campaign"),
        Column::text("Answered"),
        Column::text("When"),
    ];
    let rows = page.rows.iter().map(|line| {
        Row::new()
            .cell(html! { a href={ (base) "/" (line.id) } { (line.rcpt_to.join(", ")) } })
            .cell(&line.subject)
            .cell(html! { @if let (Some(name), Some(id)) = (&line.campaign, line.campaign_id) { a href={ "/campaigns/" (id) } { (name) } } })
            .cell(html! { @if line.answered { (tag(Tone::Good, "Answered")) } })
            .cell(wall.moment(line.at))
    });
    let empty = state::empty(
        "Nothing was sent yet",
        "Mails that leave for prospects are kept here; none leaves this machine.",
        Some(Button::link("Campaigns", "/campaigns")),
    );
    let table = Table::new("Messages in the sink", columns)
        .rows(rows)
        .empty(empty)
        .first(asked.after.is_some().then(|| href(base, asked, None)))
        .next(page.next.as_ref().map(|next| href(base, asked, Some(next))));
    html! {
        (Heading::new("Mail sink").about("Every mail is delivered here instead of to the world. Open one and answer as the prospect would."))
        @if platform { (tabs("Mail sink", base, &[Tab::new("Prospects", "/sink"), Tab::new("Installation", "/sink/installation")])) }
        (ui::filter::Filter::new(base)
            .field(Field::line(Input::Search, "q", "Search").value(asked.q.clone()).placeholder("Address or subject"))
            .active(!asked.q.is_empty()))
        (Card::new("Messages").aside(live::tag()).body(
            live::region("sink", &href(base, asked, asked.after.as_ref()), &["outreach.sink.*"], table)
        ))
    }
}

/// Which typical answer is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filled {
    fill: String,
}

/// `GET /sink/{id}`: the message as the prospect sees it, and the box to answer.
pub async fn letter(
    mut cx: web::Cx,
    Path(id): Path<LetterId>,
    Query(filled): Query<Filled>,
) -> web::Result<Response> {
    let letter = get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member;
    let body = html! {
        (Heading::new(letter.subject.clone()).crumb("Mail sink", "/sink")
            .tag(html! { @if letter.answered { (tag(Tone::Good, "Answered")) } }))
        (grid::main_side(shown(&letter, &wall), html! { @if may { (answers(&letter, &filled.fill)) } }))
    };
    cx.page("Message", body).await
}

/// `GET /sink/installation/{id}`.
pub async fn installation_letter(cx: web::Cx, Path(id): Path<LetterId>) -> web::Result<Response> {
    let mut all = cx.app().db().begin(Scope::System, cx.caller().clone()).await?;
    let letter = get(&mut all, id).await?;
    all.rollback().await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let body = html! {
        (Heading::new(letter.subject.clone()).crumb("Mail sink", "/sink").crumb("Installation", "/sink/installation"))
        (shown(&letter, &wall))
    };
    cx.page("Message", body).await
}

fn shown(letter: &Letter, wall: &Wall) -> Markup {
    let message = mail::read(&letter.raw);
    let from = message.header("from").unwrap_or(&letter.mail_from).to_owned();
    let pairs = Pairs::new()
        .add("From", from)
        .add("To", letter.rcpt_to.join(", "))
        .add("When", wall.exact(letter.at))
        .maybe("Message-ID", message.header("message-id"))
        .maybe("In-Reply-To", message.header("in-reply-to"))
        .maybe("References", message.header("references"))
        .maybe("List-Unsubscribe", message.header("list-unsubscribe"))
        .maybe("List-Unsubscribe-Post", message.header("list-unsubscribe-post"));
    html! {
        (Card::new("Message").padded(html! { (pairs) blockquote { (linked(&message.text)) } }))
        details { summary { "As received" } pre tabindex="0" { (String::from_utf8_lossy(&letter.raw)) } }
    }
}

/// Web addresses in a text as links.
fn linked(text: &str) -> Markup {
    html! {
        @for (index, line) in text.lines().enumerate() {
            @if index > 0 { "\n" }
            @for (index, word) in line.split(' ').enumerate() {
                @if index > 0 { " " }
                @if word.starts_with("http://") || word.starts_with("https://") { a href=(word) rel="noreferrer" { (word) } } @else { (word) }
            }
        }
    }
}

fn answers(letter: &Letter, fill: &str) -> Markup {
    let base = format!("/sink/{}", letter.id);
    html! {
        (Card::new("Answer as the prospect").padded(html! {
            (ui::button::acts(answer::TYPICAL.iter().map(|(name, label, _)| Button::link(*label, format!("{base}?fill={name}")).quiet())))
            (Form::post(format!("{base}/answer"), "answer")
                .field(Field::area("text", "Answer", 8).value(answer::typical(fill, letter)).required().max_chars(20_000))
                .submit("Send as the prospect"))
        }))
        (Card::new("What else happens to a mail").padded(html! {
            (ui::button::acts([
                Button::post("Bounce: no such mailbox", format!("{base}/bounce")),
                Button::post("Bounce: mailbox full", format!("{base}/soft-bounce")),
                Button::post("Automatic absence notice", format!("{base}/away")),
                Button::post("Report as spam", format!("{base}/complain")).danger(),
            ]))
            @if let Some(path) = unsubscribe_path(letter) {
                // Exactly what a mail program posts (RFC 8058).
                (Button::post("Unsubscribe with one click", path).hidden("List-Unsubscribe", "One-Click"))
            }
        }))
    }
}

/// The path of the one-click address in a message's headers.
fn unsubscribe_path(letter: &Letter) -> Option<String> {
    let message = mail::read(&letter.raw);
    let header = message.header("list-unsubscribe")?;
    let start = header.find("/u/")?;
    let path: String = header[start..].chars().take_while(|c| !matches!(c, '>' | ',' | ' ')).collect();
    path[3..].bytes().all(|b| b.is_ascii_alphanumeric()).then_some(path)
}

/// What the prospect says.
#[derive(Deserialize)]
pub struct Words {
    text: String,
}

/// `POST /sink/{id}/answer`.
pub async fn say(cx: web::Cx, Path(id): Path<LetterId>, Typed(words): Typed<Words>) -> web::Result<Response> {
    acted(cx, id, Act::Say(words.text)).await
}

/// `POST /sink/{id}/{what}`: what servers and buttons do.
pub async fn happen(cx: web::Cx, Path((id, what)): Path<(LetterId, String)>) -> web::Result<Response> {
    let what = match what.as_str() {
        "bounce" => Act::Bounce,
        "soft-bounce" => Act::SoftBounce,
        "complain" => Act::Complain,
        "away" => Act::Away,
        _ => return Err(Error::not_found("button").into()),
    };
    acted(cx, id, what).await
}

async fn acted(mut cx: web::Cx, id: LetterId, what: Act) -> web::Result<Response> {
    let letter = get(&mut cx, id).await?;
    act(&mut cx, &letter, &what).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/sink/{id}"), "It is on its way back; see the inbox."))
}
