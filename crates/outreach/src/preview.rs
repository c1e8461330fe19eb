//! What a person sees of a message before saying yes: the mail as it will leave, for the approvals of
//! control, which knows no mails.

use crate::{reply, touch::Content};
use control::approval::{Approval, Renderers};
use maud::{Markup, html};
use ui::prelude::{Pairs, number, state};

/// The kinds of approvals of outreach, for the binary to hand to control.
pub fn renderers() -> Renderers {
    Renderers::default()
        .with(crate::touch::DRAFT, "First e-mails and follow-ups", email)
        .with(crate::touch::TASK, "Tasks", task)
        .with(reply::answer::APPROVAL, "Answers", email)
}

/// The e-mail as its recipient will read it. Its links are text: nobody opts a lead out by looking.
fn email(approval: &Approval) -> Markup {
    let Ok(mail) = serde_json::from_value::<Content>(approval.content.clone()) else {
        return html! {
            (state::partial("This content is not an e-mail that can be sent. Reject it, and it is written again."))
            pre tabindex="0" { (serde_json::to_string_pretty(&approval.content).unwrap_or_default()) }
        };
    };
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let words = number::counted(count(mail.body.split_whitespace().count()), "word", "words");
    if mail.subject.is_empty() {
        return html! {
            (Pairs::new().add("From", &mail.from).add("To", &mail.to))
            blockquote { (mail.body.trim_end()) }
            p.quiet { (words) ", " (number::counted(count(mail.body.chars().count()), "character", "characters")) "." }
        };
    }
    let letters = number::counted(count(mail.subject.chars().count()), "character", "characters");
    html! {
        (Pairs::new().add("From", &mail.from).add("To", &mail.to).add("Subject", html! { b { (mail.subject) } }))
        blockquote { (mail.body.trim_end()) }
        p.quiet { (words) " with greeting and footer; the subject has " (letters) "." }
    }
}

/// A task: what to do, with words that are proposed. Saying yes says that it was done.
fn task(approval: &Approval) -> Markup {
    html! {
        p { "Do this yourself, in your own words or with these, then approve: that records it as done. Reject it to go on without it." }
        (email(approval))
    }
}
