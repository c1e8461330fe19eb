//! `/knowledge`: what suggested answers may rest on, a try-out of the search, and the import from the
//! client's website.

use super::{ANSWER_CHARS, Entry, Found, KnowledgeId, New, QUESTION_CHARS, import};
use axum::{
    Form as Typed,
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Page, Role};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// Rows on a page.
const PAGE: usize = 50;
const FACTS: [&str; 1] = ["outreach.knowledge.*"];

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    view: String,
    after: Option<Cursor>,
}

/// `GET /knowledge`.
pub async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let unchecked = asked.view == "unconfirmed";
    let found = if asked.q.trim().is_empty() { None } else { Some(super::search(&mut cx, &asked.q).await?) };
    let page = super::list(&mut cx, unchecked, asked.after.as_ref(), PAGE).await?;
    let may = cx.who().role >= Role::Member;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let href = if unchecked { "/knowledge?view=unconfirmed" } else { "/knowledge" };
    let body = html! {
        (Heading::new("Knowledge").about("What you know of yourself, in your words. Answers to prospects' questions are suggested from these entries and from nothing else."))
        (ui::filter::Filter::new("/knowledge")
            .view("All", "/knowledge", !unchecked)
            .view("To be confirmed", "/knowledge?view=unconfirmed", unchecked)
            .field(Field::line(Input::Search, "q", "Try a question").value(asked.q.clone()).placeholder("What does it cost?"))
            .active(!asked.q.is_empty()))
        @if let Some(found) = &found { (tried(&asked.q, found)) }
        (grid::main_side(
            Card::new("Entries").aside(live::tag()).body(live::region("knowledge", href, &FACTS, table(&page, unchecked, &wall))),
            html! { @if may { (add_card(&asked.q)) (import_card()) } },
        ))
    };
    cx.page("Knowledge", body).await
}

fn tried(question: &str, found: &[Found]) -> Markup {
    html! {
        (Card::new("What this question finds").id("found").padded(html! {
            @if found.is_empty() {
                p { "Nothing here answers “" (question) "”, so no answer would be suggested. Add an entry for it." }
            }
            @for one in found {
                p { a href={ "/knowledge/" (one.id) } { (one.question) } " · " (number::percent(f64::from(one.coverage))) " of the question · by " (one.matched.join(", ")) }
                blockquote { (one.answer) }
            }
        }))
    }
}

fn table(page: &Page<Entry>, unchecked: bool, wall: &Wall) -> Table {
    let empty = if unchecked {
        state::empty("Nothing to confirm", "Every entry was confirmed by a person.", None)
    } else {
        state::empty(
            "Nothing known yet",
            "Add what prospects ask most: prices, terms, how you work. Or read your website.",
            None,
        )
    };
    let rows = page.rows.iter().map(|entry| {
        Row::new()
            .link(&entry.question, &format!("/knowledge/{}", entry.id))
            .cell(entry.answer.chars().take(140).collect::<String>())
            .cell(match &entry.source_url {
                Some(url) => html! { (url) },
                None => html! { (entry.created_by) },
            })
            .cell(if entry.checked {
                tag(Tone::Good, "Confirmed")
            } else {
                tag(Tone::Warm, "To be confirmed")
            })
            .cell(wall.relative(entry.updated_at))
    });
    let columns = ["Question", "Answer", "From", "State", "Changed"].map(Column::text);
    Table::new("Entries", columns).rows(rows).empty(empty).next(page.next.as_ref().map(|next| {
        let view = if unchecked { "view=unconfirmed&" } else { "" };
        format!("/knowledge?{view}after={}", next.as_str())
    }))
}

fn fields(question: &str, answer: &str) -> [Field; 2] {
    [
        Field::text("question", "Question").value(question.to_owned()).required().max_chars(QUESTION_CHARS),
        Field::area("answer", "Answer", 6)
            .value(answer.to_owned())
            .required()
            .max_chars(ANSWER_CHARS)
            .hint("As it may be sent to a prospect."),
    ]
}

fn add_card(question: &str) -> Card {
    let form = fields(question, "").into_iter().fold(Form::post("/knowledge", "add"), Form::field);
    Card::new("Add an entry").padded(form.submit("Add"))
}

fn import_card() -> Card {
    Card::new("From your website").padded(
        Form::post("/knowledge/import", "import")
            .field(Field::text("website", "Website").required().placeholder("www.example.com").hint(
                "At most 12 pages, only what robots.txt allows. Every entry waits for you to confirm it.",
            ))
            .submit("Read it"),
    )
}

/// An entry as typed.
#[derive(Deserialize)]
pub struct Said {
    question: String,
    answer: String,
}

/// `POST /knowledge`.
pub async fn add(mut cx: web::Cx, Typed(said): Typed<Said>) -> web::Result<Response> {
    let new = New { question: said.question, answer: said.answer, source_url: None };
    let added = super::add(&mut cx, &new).await?;
    cx.commit().await?;
    let said = if added.is_some() { "Added." } else { "This entry is there already." };
    Ok(web::redirect_with("/knowledge", said))
}

/// The website to read.
#[derive(Deserialize)]
pub struct Site {
    website: String,
}

/// `POST /knowledge/import`.
pub async fn read_site(mut cx: web::Cx, Typed(site): Typed<Site>) -> web::Result<Response> {
    import::start(&mut cx, &site.website).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/knowledge", "Your website is being read; entries appear as soon as it is done."))
}

/// `GET /knowledge/{id}`.
pub async fn show(mut cx: web::Cx, Path(id): Path<KnowledgeId>) -> web::Result<Response> {
    let entry = super::get(&mut cx, id).await?;
    let may = cx.who().role >= Role::Member;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let form = fields(&entry.question, &entry.answer)
        .into_iter()
        .fold(Form::post(format!("/knowledge/{id}"), "entry"), Form::field);
    let about = Pairs::new()
        .add(
            "State",
            if entry.checked { tag(Tone::Good, "Confirmed") } else { tag(Tone::Warm, "To be confirmed") },
        )
        .maybe("Page", entry.source_url.as_ref().map(|url| html! { a href=(url) rel="noreferrer" { (url) } }))
        .add("Added by", &entry.created_by)
        .add("Changed", wall.moment(entry.updated_at));
    let body = html! {
        (Heading::new(entry.question.clone()).crumb("Knowledge", "/knowledge"))
        (grid::main_side(
            Card::new("Entry").padded(html! {
                @if may { (form.submit("Save")) } @else { blockquote { (entry.answer) } }
            }),
            Card::new("Where it is from").padded(html! {
                (about)
                @if may {
                    @if !entry.checked { (Button::post("Confirm", format!("/knowledge/{id}/confirm")).primary()) }
                    (Button::post("Remove", format!("/knowledge/{id}/remove")).danger().confirm("No answer will rest on this entry any more."))
                }
            }),
        ))
    };
    cx.page("Knowledge", body).await
}

/// `POST /knowledge/{id}`.
pub async fn save(
    mut cx: web::Cx,
    Path(id): Path<KnowledgeId>,
    Typed(said): Typed<Said>,
) -> web::Result<Response> {
    super::change(&mut cx, id, &said.question, &said.answer).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/knowledge", "Saved and confirmed."))
}

/// `POST /knowledge/{id}/confirm`.
pub async fn confirm(mut cx: web::Cx, Path(id): Path<KnowledgeId>) -> web::Result<Response> {
    super::confirm(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/knowledge", "Confirmed."))
}

/// `POST /knowledge/{id}/remove`.
pub async fn remove(mut cx: web::Cx, Path(id): Path<KnowledgeId>) -> web::Result<Response> {
    super::remove(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/knowledge", "Removed."))
}
