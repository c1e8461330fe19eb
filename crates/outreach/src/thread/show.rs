//! The parts of one conversation's page.

use super::{Message, Thread};
use inbound::reply::Intent;
use maud::{Markup, html};
use serde_json::Value;
use ui::prelude::*;

/// What people call an intent.
pub(super) fn label(word: &str) -> &'static str {
    match Intent::ALL.into_iter().find(|intent| intent.name() == word) {
        Some(Intent::MeetingRequest) => "Wants to meet",
        Some(Intent::Interested) => "Interested",
        Some(Intent::Question) => "Question",
        Some(Intent::NotInterested) => "Not interested",
        Some(Intent::Unsubscribe) => "Unsubscribe",
        Some(Intent::OutOfOffice) => "Out of office",
        Some(Intent::AutoReply) => "Automatic reply",
        Some(Intent::Referral) => "Refers to somebody",
        Some(Intent::WrongPerson) => "Wrong person",
        Some(Intent::Angry) => "Angry",
        Some(Intent::Unclear) | None => "Unclear",
    }
}

/// The tag of an intent.
pub(super) fn intent(word: &str) -> Markup {
    let tone = match Intent::ALL.into_iter().find(|intent| intent.name() == word) {
        Some(Intent::MeetingRequest | Intent::Interested) => Tone::Good,
        Some(Intent::Question | Intent::Referral) => Tone::Cool,
        Some(Intent::Unclear) => Tone::Warm,
        Some(Intent::Angry | Intent::Unsubscribe) => Tone::Bad,
        Some(Intent::NotInterested | Intent::OutOfOffice | Intent::AutoReply | Intent::WrongPerson)
        | None => Tone::Cold,
    };
    tag(tone, label(word))
}

/// The button that takes a conversation off the list of things to do.
pub(super) fn handled_button(thread: &Thread, may: bool) -> Markup {
    html! {
        @if may && (thread.needs_person || thread.status == "open") {
            (Button::post("Mark as handled", format!("/inbox/{}/handled", thread.id)))
        }
    }
}

/// Who it is.
pub(super) fn lead_card(thread: &Thread) -> Markup {
    let Some(lead) = thread.lead else {
        return html! {
            (Card::new("Who").padded(html! { p { "Nobody in your leads has this address. Answer here, or add them as a lead." } }))
        };
    };
    let name = if thread.name.is_empty() { "Lead" } else { thread.name.as_str() };
    let pairs = Pairs::new()
        .add("Lead", html! { a href={ "/leads/" (lead) } { (name) } })
        .maybe("Title", thread.title.as_deref())
        .maybe("Company", thread.company.as_deref())
        .maybe("E-mail", thread.email.as_deref())
        .maybe("State", thread.lead_status.as_ref().map(|status| status.replace('_', " ")))
        .maybe("Score", thread.score)
        .maybe(
            "Campaign",
            thread
                .campaign
                .zip(thread.campaign_name.as_deref())
                .map(|(id, name)| html! { a href={ "/campaigns/" (id) } { (name) } }),
        );
    html! { (Card::new("Who").padded(pairs)) }
}

/// Where a person writes.
pub(super) fn write_card(thread: &Thread) -> Markup {
    html! {
        (Card::new("Write an answer").padded(
            Form::post(format!("/inbox/{}/write", thread.id), "write")
                .field(Field::area("text", "Your answer", 8).required().max_chars(20_000)
                    .hint("It leaves at once, from the mailbox of this conversation, exactly as you write it."))
                .submit("Send")
        ))
    }
}

/// Every message, oldest first.
pub(super) fn messages(thread: &Thread, all: &[Message], wall: &Wall, may: bool) -> Markup {
    html! {
        @if all.is_empty() { (state::empty("Nothing here", "This conversation has no messages.", None)) }
        (grid::stack((1..).zip(all).map(|(number, message)| one(thread, (number, message), wall, may))))
    }
}

/// A message with its place in the conversation, by which those of one person are told apart.
fn one(thread: &Thread, (number, message): (i64, &Message), wall: &Wall, may: bool) -> Markup {
    if message.inbound {
        return received(thread, (number, message), wall, may);
    }
    match message.state.as_str() {
        "draft" | "awaiting_approval" => draft(thread, message, wall, may),
        state => html! {
            (Card::new(format!("{number}. To {}", message.recipient))
                .aside(html! { (standing(state)) " " (wall.moment(message.at)) })
                .padded(html! {
                    p { strong { (message.subject) } }
                    blockquote { (message.body) }
                    (cites(&message.understood))
                    @if let Some(said) = text(&message.understood, "said") { @if state != "sent" { p { (said) } } }
                }))
        },
    }
}

fn standing(state: &str) -> Markup {
    match state {
        "sent" => tag(Tone::Good, "Sent"),
        "approved" | "sending" => tag(Tone::Cool, "On its way"),
        "failed" => tag(Tone::Bad, "Not sent"),
        "unknown" => tag(Tone::Bad, "Outcome unknown"),
        other => tag(Tone::Cold, other.replace('_', " ")),
    }
}

fn received(thread: &Thread, (number, message): (i64, &Message), wall: &Wall, may: bool) -> Markup {
    html! {
        (Card::new(format!("{number}. From {}", message.sender))
            .aside(html! { @if let Some(word) = &message.intent { (intent(word)) } " " (wall.moment(message.at)) })
            .padded(html! {
                p { strong { (message.subject) } }
                blockquote { @if message.body.is_empty() { "(no words of their own)" } @else { (message.body) } }
                (unanswered(&message.understood, may))
                (verdict(message))
                @if may { (correction(thread, message)) }
            }))
    }
}

fn text<'a>(understood: &'a Value, key: &str) -> Option<&'a str> {
    understood.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn list(understood: &Value, key: &str) -> Option<String> {
    let items: Vec<&str> = understood.get(key)?.as_array()?.iter().filter_map(Value::as_str).collect();
    (!items.is_empty()).then(|| items.join(" · "))
}

/// Something that was named, with the sentence that names it.
fn named(understood: &Value, key: &str) -> Option<String> {
    let found = understood.get(key)?;
    Some(format!("{} — “{}”", text(found, "value")?, text(found, "quote").unwrap_or_default()))
}

/// Questions that nothing in the knowledge base answers, with the way to answer them for good.
fn unanswered(understood: &Value, may: bool) -> Markup {
    let open: Vec<&str> = understood
        .get("open")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    html! {
        @if !open.is_empty() {
            (state::partial(html! {
                "Nothing in your knowledge answers: “" (open.join("” · “")) "”. A person must. "
                @if may { a href={ "/knowledge?q=" (super::pages::encoded(open.first().copied().unwrap_or_default())) } { "Add an entry" } }
            }))
        }
    }
}

/// What a suggested answer rests on.
fn cites(understood: &Value) -> Markup {
    let cites = understood.get("cites").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    html! {
        @if !cites.is_empty() {
            h3 { "What it rests on" }
            ul.cites {
                @for cite in cites {
                    li {
                        @if let Some(id) = text(cite, "knowledge") {
                            a href={ "/knowledge/" (id) } { (text(cite, "question").unwrap_or("An entry of your knowledge")) }
                        }
                        @if cite.get("checked").and_then(Value::as_bool) == Some(false) { " " (tag(Tone::Warm, "To be confirmed")) }
                        blockquote { (text(cite, "quote").unwrap_or_default()) }
                        @if let Some(page) = text(cite, "source_url") { p.quiet { "From " (page) } }
                    }
                }
            }
        }
    }
}

/// What something was taken for, and how surely.
fn taken(by: &Value) -> Option<String> {
    let sure = by.get("confidence").and_then(Value::as_f64);
    let sure = sure.map(|sure| format!(" ({:.0} %)", sure * 100.0)).unwrap_or_default();
    Some(format!("{}{sure}", label(text(by, "intent")?)))
}

/// Which model was asked, with which prompt, and why its word does not count if so.
fn judge(judge: &Value) -> Option<String> {
    let asked = format!("{}, prompt {}", text(judge, "model")?, text(judge, "prompt_version")?);
    Some(match text(judge, "ignored") {
        Some(why) => format!("{asked}. Its word does not count: {why}"),
        None => asked,
    })
}

/// What it was taken for, by what, how sure, and what else stands in it.
fn verdict(message: &Message) -> Markup {
    let u = &message.understood;
    let sure = message.confidence.map(|sure| format!("{:.0} %", sure * 100.0));
    let first = u.get("first").and_then(taken);
    let pairs = Pairs::new()
        .maybe("Means", message.intent.as_deref().map(label))
        .maybe("Sure", sure)
        .maybe("Decided by", message.method.as_deref())
        .maybe("Because of", text(u, "evidence"))
        .some("Model", u.get("judge").and_then(judge))
        .some("Before the model", u.get("judge").and_then(|judge| judge.get("built_in")).and_then(taken))
        .maybe("Corrected by", message.overridden_by.as_deref())
        .maybe("Correction", u.get("override").and_then(|o| text(o, "reason")))
        .maybe("First taken for", first)
        .maybe("Back on", text(u, "return_date"))
        .maybe("Times", list(u, "times"))
        .maybe("Budget", named(u, "budget"))
        .maybe("Uses already", named(u, "competitor"))
        .maybe("Questions", list(u, "questions"))
        .maybe("Points to", text(u, "referral"))
        .maybe("Phone", text(u, "phone"))
        .maybe("Objection", text(u, "objection"))
        .maybe("Attachments", list(u, "attachments"));
    html! {
        details { summary { "Why" } (pairs)
            @if let Some(inbox) = message.inbox { p { a href={ "/operations/inbox/" (inbox) } { "As it was received" } } }
        }
    }
}

fn correction(thread: &Thread, message: &Message) -> Markup {
    let choices = Intent::ALL
        .into_iter()
        .filter(|intent| message.intent.as_deref() != Some(intent.name()))
        .map(|intent| Choice::new(intent.name(), label(intent.name())));
    html! {
        details {
            summary { "It means something else" }
            (Form::post(format!("/inbox/{}/messages/{}/intent", thread.id, message.id), format!("fix-{}", message.id))
                .field(Field::select("intent", "It means", choices))
                .field(Field::text("reason", "Why").required().max_chars(500))
                .submit("Correct"))
        }
    }
}

fn draft(thread: &Thread, message: &Message, wall: &Wall, may: bool) -> Markup {
    let base = format!("/inbox/{}/drafts/{}", thread.id, message.id);
    html! {
        (Card::new("Suggested answer")
            .aside(html! { (tag(Tone::Warm, "Waits for you")) " " (wall.moment(message.at)) })
            .padded(html! {
                @if may {
                    (Form::post(format!("{base}/approve"), format!("draft-{}", message.id))
                        .field(Field::text("subject", "Subject").value(message.subject.clone()).required().max_chars(300))
                        .field(Field::area("body", "Text", 12).value(message.body.clone()).required().max_chars(20_000))
                        .submit("Send this answer"))
                    (Button::post("Discard", format!("{base}/discard")).quiet())
                } @else {
                    p { strong { (message.subject) } }
                    blockquote { (message.body) }
                }
                (cites(&message.understood))
                @if let Some(open) = list(&message.understood, "open") { p { "Not answered: " (open) } }
                p { "To " (message.recipient) " from " (message.sender) "." }
            }))
    }
}
