//! Lists with filters, forms, the plain page of the gallery.

use crate::prelude::*;
use maud::{Markup, html};

pub(super) fn forms() -> Markup {
    let filter = Filter::new("/leads")
        .view("All leads", "#", false)
        .view("Hot, not contacted", "#", true)
        .field(Field::line(Input::Search, "q", "Find").grow())
        .field(Field::select("tier", "Tier", [("", "Any"), ("hot", "Hot"), ("warm", "Warm")]).value("hot"))
        .field(Field::select("channel", "Channel", [("", "Any"), ("email", "Email")]))
        .active(true)
        .act(Button::link("Export CSV", "#"));
    let table = Table::new(
        "Leads",
        [
            Column::text("Name"),
            Column::text("Company"),
            Column::text("Tier"),
            Column::number("Score").sort("#", Some(Sorted::Down)),
            Column::acts("Actions"),
        ],
    )
    .bulk("lead-bulk", "/leads/bulk")
    .matching(2_410)
    .bulk_act(Button::submit_of("Add to campaign", "lead-bulk").value("act", "campaign"))
    .bulk_act(
        Button::submit_of("Suppress", "lead-bulk")
            .value("act", "suppress")
            .danger()
            .confirm("These leads are never contacted again."),
    )
    .rows(
        [
            ("Priya Nair", "Harbour Dental Group", Tone::Hot, "hot", "91"),
            ("Tom Becker", "Fit40", Tone::Warm, "warm", "72"),
            ("Ian Roe", "Coastal Physio", Tone::Cool, "cool", "48"),
        ]
        .map(|(name, company, tone, tier, score)| {
            Row::new()
                .pick(name, name)
                .link(name, "#")
                .cell(company)
                .cell(tag(tone, tier))
                .cell(score)
                .cell(Button::post("Pause", "#").quiet().about(name))
        }),
    )
    .note("3 of 2,410 leads")
    .next(Some("#".into()));
    let form = Form::post("#", "campaign")
        .field(Field::text("name", "Name").required().value("Dental, Victoria").max_chars(80))
        .field(
            Field::email("reply_to", "Replies go to")
                .hint("People see this address.")
                .value("ada@")
                .error(Some("This is not an email address: the part after @ is missing.")),
        )
        .line([
            Field::number("daily", "Sends per day").range("1", "500", "1").value("35").required(),
            Field::select("zone", "Zone", [("syd", "Australia/Sydney"), ("per", "Australia/Perth")])
                .required(),
        ])
        .set(
            "Who decides",
            [Field::radios(
                "mode",
                "Permission mode",
                [
                    Choice::new("autopilot", "Autopilot").hint("Sends by itself inside your limits."),
                    Choice::new("co_pilot", "Co-pilot").hint("You approve first messages."),
                    Choice::new("manual", "Manual").hint("You approve everything."),
                ],
            )
            .value("co_pilot")],
        )
        .field(Field::area("note", "Note for the writer", 3).value("Short sentences."))
        .field(Field::check("holidays", "Pause on public holidays", true))
        .submit("Save campaign")
        .cancel("#");
    let erase = Form::post("#", "erase")
        .other(html! { p { "Everything about Priya Nair is removed. A tombstone keeps her from being contacted again." } })
        .field(Field::confirm_word("word", "Priya Nair"))
        .act(Button::submit("Erase for good").danger());
    html! {
        (Flash { level: Level::Good, text: "The campaign is saved. Its first messages wait for your approval.".into() })
        (filter)
        (Card::bare().body(table))
        (stepper(&[("Upload", Some("#".into())), ("Match columns", Some("#".into())), ("Check", None), ("Import", None)], 2))
        (grid::main_side(Card::new("Campaign").padded(form), html! {
            (Card::new("Erase").padded(erase))
            (Card::new("Tags").padded(html! { div.acts { @for tone in Tone::ALL { (tag(tone, tone.name())) } } }))
            (Card::new("Buttons").padded(acts([Button::submit("Primary").primary(), Button::submit("Plain"), Button::submit("Danger").danger(), Button::submit("Quiet").quiet(), Button::submit("Off").off("Nothing is selected"), Button::link("Dialog", "#").opens("sample-dialog")])))
            (dialog::dialog("sample-dialog", "A dialog", html! { p { "What it asks." } }))
        }))
    }
}

/// A sign-in page, to look at the plain layout.
pub fn plain() -> Markup {
    Plain {
        title: "Sign in".into(),
        foot: Some(html! { "No account yet? " a href="#" { "Start a trial" } }),
        ..Plain::default()
    }
    .page(html! {
        h1 { "Sign in" }
        p { "Welcome back." }
        (Form::post("#", "sign-in").field(Field::email("email", "Work email").required().autofocus()).field(Field::password("password", "Password").required()).submit("Sign in"))
    })
}
