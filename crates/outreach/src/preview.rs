//! What a person sees of a message before saying yes: the mail as it will leave, for the approvals of
//! control, which knows no mails.

use crate::{reply, touch::EmailContent};
use control::approval::{Approval, Renderers};
use maud::{Markup, html};
use ui::prelude::{Pairs, number, state};

/// The kinds of approvals of outreach, for the binary to hand to control.
pub fn renderers() -> Renderers {
    Renderers::default().with("outreach.draft", "First e-mails and follow-ups", email).with(
        reply::answer::APPROVAL,
        "Answers",
        email,
    )
}

/// The e-mail as its recipient will read it. Its links are text: nobody opts a lead out by looking.
fn email(approval: &Approval) -> Markup {
    let Ok(mail) = serde_json::from_value::<EmailContent>(approval.content.clone()) else {
        return html! {
            (state::partial("This content is not an e-mail that can be sent. Reject it, and it is written again."))
            pre tabindex="0" { (serde_json::to_string_pretty(&approval.content).unwrap_or_default()) }
        };
    };
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let words = number::counted(count(mail.body.split_whitespace().count()), "word", "words");
    let letters = number::counted(count(mail.subject.chars().count()), "character", "characters");
    html! {
        (Pairs::new().add("From", &mail.from).add("To", &mail.to).add("Subject", html! { b { (mail.subject) } }))
        blockquote { (mail.body.trim_end()) }
        p.quiet { (words) " with greeting and footer; the subject has " (letters) "." }
    }
}
