//! What is missing before the first message can leave, with the next useful thing to do.

use super::store::Look;
use maud::{Markup, html};
use ui::prelude::*;

struct Step {
    done: bool,
    what: &'static str,
    why: &'static str,
    act: &'static str,
    href: &'static str,
}

fn steps(look: Look) -> [Step; 4] {
    [
        Step {
            done: look.organisation,
            what: "Say who you are",
            why: "Legal name, postal address and what you offer stand in or behind every message.",
            act: "Organisation details",
            href: "/settings/organisation",
        },
        Step {
            done: look.mailbox,
            what: "Add a mailbox to send from",
            why: "The built-in mail sink will do to try everything; nothing leaves the machine then.",
            act: "Sending identities",
            href: "/settings/sending",
        },
        Step {
            done: look.leads,
            what: "Bring leads",
            why: "A CSV or XLSX file; every row is checked, and what is refused is listed with the reason.",
            act: "Import leads",
            href: "/leads/import",
        },
        Step {
            done: look.campaign,
            what: "Start a campaign",
            why: "Whom to write to, what, and when. You approve what leaves unless you say otherwise.",
            act: "New campaign",
            href: "/campaigns/new",
        },
    ]
}

/// The card; nothing when all is done.
pub(super) fn card(look: Look) -> Markup {
    let steps = steps(look);
    let done = steps.iter().filter(|s| s.done).count();
    if done == steps.len() {
        return html! {};
    }
    let next = steps.iter().position(|s| !s.done);
    let list = html! {
        ol.timeline {
            @for (index, step) in steps.iter().enumerate() {
                li class=(if step.done { "t-good" } else if Some(index) == next { "t-warm" } else { "t-cold" }) {
                    div { b { (step.what) } @if step.done { " " (tag(Tone::Good, "done")) } }
                    @if !step.done {
                        div.meta { (step.why) }
                        @if Some(index) == next { (Button::link(step.act, step.href).primary()) }
                        @else { a href=(step.href) { (step.act) } }
                    }
                }
            }
        }
    };
    html! { (Card::new("To begin").id("begin").aside(html! { span.num { (done) " of " (steps.len()) } }).padded(list)) }
}
