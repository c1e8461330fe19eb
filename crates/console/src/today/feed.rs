//! Facts in words: one function from a fact to a sentence with links.

use super::store::{Fact, Names};
use maud::{Markup, html};
use ui::prelude::*;
use uuid::Uuid;

/// Facts that are read to fill the feed; many are of no interest to people.
pub(super) const READ: i64 = 80;
/// Lines of the feed.
const LINES: usize = 14;
/// So many alike in a row become one line.
const ALIKE: usize = 3;

/// The feed, newest first; runs of alike facts are one line.
pub(super) fn lines(facts: &[Fact], names: &Names, wall: &Wall) -> Vec<Entry> {
    let mut lines = Vec::new();
    let mut rest = facts;
    while let Some(first) = rest.first()
        && lines.len() < LINES
    {
        let run = rest.iter().take_while(|f| f.kind == first.kind).count();
        // A run that reaches the oldest fact that was read may go on behind it.
        let more = run == rest.len() && i64::try_from(facts.len()).is_ok_and(|n| n >= READ);
        if let Some(words) = (run >= ALIKE).then(|| together(&first.kind, run, more)).flatten() {
            lines.push(Entry::new(wall.recent(first.at), words));
            rest = &rest[run..];
            continue;
        }
        if let Some(words) = sentence(first, names) {
            lines.push(Entry::new(wall.recent(first.at), words));
        }
        rest = &rest[1..];
    }
    lines
}

/// What a run of alike facts says; none when each deserves its own line.
fn together(kind: &str, count: usize, more: bool) -> Option<Markup> {
    let n = format!(
        "{}{}",
        number::count(i64::try_from(count).unwrap_or(i64::MAX)),
        if more { " or more" } else { "" }
    );
    let (words, href) = match kind {
        "outreach.touch.sent" => ("messages left", "/activities?action=sent"),
        "outreach.touch.skipped" => ("messages were held back", "/activities?action=skipped"),
        "outreach.touch.failed" => ("messages could not be sent", "/activities?action=send_failed"),
        "outreach.lead.bounced" => ("addresses bounced", "/activities?action=bounced"),
        "control.approval.requested" => ("drafts wait for you", "/approvals"),
        "control.approval.decided" => ("decisions were made", "/approvals?status=approved"),
        "leads.lead.created" => ("leads came", "/leads"),
        "leads.lead.scored" => ("leads were scored", "/leads"),
        "leads.suppression.added" => ("addresses are suppressed", "/leads/suppression"),
        _ => return None,
    };
    Some(html! { a href=(href) { (n) " " (words) } })
}

/// A fact as a sentence; none when people need not read it.
pub(super) fn sentence(fact: &Fact, names: &Names) -> Option<Markup> {
    let kind = fact.kind.as_str();
    match kind.split('.').next().unwrap_or_default() {
        "outreach" => outreach(kind, fact, names),
        "leads" => leads(kind, fact, names),
        "control" => control(kind, fact, names),
        "accounts" => accounts(kind),
        _ => None,
    }
}

fn lead(names: &Names, id: Option<Uuid>) -> Markup {
    match id.and_then(|id| names.leads.get(&id).map(|name| (id, name))) {
        Some((id, name)) => html! { a href=(format!("/leads/{id}")) { b { (name) } } },
        None => html! { "somebody who is no lead" },
    }
}

fn campaign(names: &Names, id: Option<Uuid>) -> Markup {
    match id.and_then(|id| names.campaigns.get(&id).map(|name| (id, name))) {
        Some((id, name)) => html! { "campaign " a href=(format!("/campaigns/{id}")) { b { (name) } } },
        None => html! { "a campaign" },
    }
}

fn outreach(kind: &str, fact: &Fact, names: &Names) -> Option<Markup> {
    let by_payload = lead(names, fact.id("lead_id"));
    let by_subject = lead(names, fact.subject_id);
    let the_campaign = campaign(names, fact.subject_id);
    Some(match kind {
        "outreach.touch.sent" => {
            html! { "Message to " (by_payload) " left" @if !fact.text("subject").is_empty() { ": “" (fact.text("subject")) "”" } }
        }
        "outreach.touch.failed" => {
            html! { "Message to " (by_payload) " could not be sent: " (fact.text("detail")) }
        }
        "outreach.touch.skipped" => {
            html! { "Message to " (by_payload) " was held back: " (fact.text("detail")) }
        }
        "outreach.touch.unknown" => {
            html! { "Nobody knows whether the message to " (by_payload) " left; look at it" }
        }
        "outreach.reply.received" => reply(fact, names),
        "outreach.reply.reclassified" => html! { "A reply was read anew: " (words(fact.text("intent"))) },
        "outreach.reply.drafted" => html! { "An answer to " (by_payload) " is drafted" },
        "outreach.reply.sent" => html! { "An answer to " (by_payload) " left" },
        "outreach.reply.failed" => html! { "An answer to " (by_payload) " could not be sent" },
        "outreach.lead.bounced" => html! { "The address of " (by_subject) " bounced" },
        "outreach.lead.complained" => html! { (by_subject) " reported a mail as spam" },
        "outreach.lead.opted_out" => html! { (by_subject) " opted out; nothing more is sent" },
        "outreach.meeting.booked" => {
            html! { a href=(about("/meetings", fact)) { "Meeting" } " with " (by_payload) " booked" }
        }
        "outreach.meeting.moved" => {
            html! { a href=(about("/meetings", fact)) { "Meeting" } " with " (by_payload) " moved" }
        }
        "outreach.meeting.cancelled" => {
            html! { a href=(about("/meetings", fact)) { "Meeting" } " with " (by_payload) " cancelled" }
        }
        "outreach.meeting.ended" => {
            html! { a href=(about("/meetings", fact)) { "Meeting" } " with " (by_payload) " is over" }
        }
        "outreach.deal.opened" => html! { "Deal with " (by_payload) " opened: " (deal(fact, names)) },
        "outreach.deal.moved" => html! { (deal(fact, names)) " went to " (words(fact.text("to"))) },
        "outreach.campaign.created" => html! { (capital(&the_campaign)) " created" },
        "outreach.campaign.activated" => html! { (capital(&the_campaign)) " runs" },
        "outreach.campaign.paused" => html! { (capital(&the_campaign)) " paused: " (fact.text("reason")) },
        "outreach.campaign.completed" => html! { (capital(&the_campaign)) " completed" },
        "outreach.campaign.leads_joined" => html! {
            (number::counted(fact.payload.get("count").and_then(serde_json::Value::as_i64).unwrap_or(0), "lead", "leads"))
            " joined " (the_campaign)
        },
        "outreach.resource.added" => html! { "Mailbox " b { (fact.text("address")) } " added" },
        "outreach.resource.paused" => html! { "A mailbox was paused: " (fact.text("reason")) },
        "outreach.resource.resumed" => html! { "A mailbox is in use again" },
        "outreach.resource.health_changed" => {
            html! { "Health of " b { (fact.text("address")) } " is " (words(fact.text("health"))) }
        }
        _ => return None,
    })
}

fn reply(fact: &Fact, names: &Names) -> Markup {
    let thread = fact.id("thread_id").map(|id| format!("/inbox/{id}"));
    let from = match fact.id("lead_id") {
        Some(id) => lead(names, Some(id)),
        None => html! { b { (fact.text("from")) } },
    };
    html! {
        @match thread { Some(href) => a href=(href) { "Reply" }, None => "Reply" }
        " from " (from) ": " (words(fact.text("intent")))
    }
}

fn about(path: &str, fact: &Fact) -> String {
    fact.subject_id.map_or_else(|| path.to_owned(), |id| format!("{path}/{id}"))
}

fn deal(fact: &Fact, names: &Names) -> Markup {
    match fact.subject_id.and_then(|id| names.deals.get(&id).map(|name| (id, name))) {
        Some((id, name)) => html! { a href=(format!("/deals/{id}")) { b { (name) } } },
        None => html! { "a deal" },
    }
}

fn leads(kind: &str, fact: &Fact, names: &Names) -> Option<Markup> {
    Some(match kind {
        "leads.lead.created" => html! { (capital(&lead(names, fact.subject_id))) " is a lead now" },
        "leads.lead.scored" => html! { (capital(&lead(names, fact.subject_id))) " has a score" },
        "leads.import.finished" | "leads.import.done" => {
            html! { a href=(about("/leads/import", fact)) { "An import" } " is done" }
        }
        "leads.import.failed" => html! { a href=(about("/leads/import", fact)) { "An import" } " failed" },
        "leads.suppression.added" => html! { "One more address is never written to" },
        _ => return None,
    })
}

fn control(kind: &str, fact: &Fact, names: &Names) -> Option<Markup> {
    let approval =
        |id: Option<Uuid>| match id.and_then(|id| names.approvals.get(&id).map(|title| (id, title))) {
            Some((id, title)) => html! { a href=(format!("/approvals/{id}")) { b { (title) } } },
            None => html! { "a decision" },
        };
    Some(match kind {
        "control.approval.requested" => html! { (capital(&approval(fact.subject_id))) " waits for you" },
        "control.approval.decided" => {
            html! { (capital(&approval(fact.subject_id))) ": " (words(fact.text("status"))) }
        }
        "control.switch.engaged" => {
            html! { a href=(about("/switches", fact)) { "Stopped" } ": " (words(fact.text("scope"))) " " (fact.text("target")) ", " (fact.text("reason")) }
        }
        "control.switch.released" => {
            html! { a href=(about("/switches", fact)) { "Released" } ": " (words(fact.text("scope"))) " " (fact.text("target")) }
        }
        "control.budget.high" => html! { a href="/costs" { "Spend" } " is near a limit" },
        "control.spend.runaway" => {
            html! { "Agent " b { (fact.text("agent")) } " was stopped: a " a href="/costs" { "call cost too much" } }
        }
        _ => return None,
    })
}

fn accounts(kind: &str) -> Option<Markup> {
    let (words, href) = match kind {
        "accounts.member.joined" => ("Somebody joined the team", "/settings/team"),
        "accounts.member.left" | "accounts.member.removed" => ("Somebody left the team", "/settings/team"),
        "accounts.member.role_changed" => ("A role in the team changed", "/settings/team"),
        "accounts.api_key.created" => ("An API key was made", "/settings/api-keys"),
        "accounts.api_key.revoked" => ("An API key was revoked", "/settings/api-keys"),
        "accounts.tenant.changed" => ("The organisation's details changed", "/settings/organisation"),
        _ => return None,
    };
    Some(html! { a href=(href) { (words) } })
}

/// A word of the vocabulary as people read it.
pub(crate) fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// At the beginning of a sentence: the small words that [`lead`], [`campaign`] and others begin with get
/// a capital letter; names stay as they are.
fn capital(markup: &Markup) -> Markup {
    let text = &markup.0;
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if first.is_ascii_lowercase() => {
            maud::PreEscaped(format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        }
        Some(_) | None => markup.clone(),
    }
}
