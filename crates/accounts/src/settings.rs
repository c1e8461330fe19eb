//! The hub of the settings, and the head that all their pages share.

use axum::response::Response;
use base::Role;
use maud::{Markup, Render, html};
use ui::prelude::*;

/// The head of a settings page.
pub(crate) fn heading(title: &str, sub: impl Render) -> Heading {
    Heading::new(title).crumb("Settings", "/settings").about(sub)
}

/// One place: title, address, what is there, the least role that gains by it.
struct Place(&'static str, &'static str, &'static str, Role);

const ORGANISATION: [Place; 10] = [
    Place(
        "Organisation",
        "/settings/organisation",
        "Name, legal name, postal address, website, offer, zone, permission mode.",
        Role::Viewer,
    ),
    Place("Team", "/settings/team", "Members, roles, invitations.", Role::Viewer),
    Place(
        "Sending identities",
        "/settings/sending",
        "The mailboxes that messages leave from, and their limits.",
        Role::Viewer,
    ),
    Place(
        "Who you want",
        "/settings/icp",
        "Industries, titles, sizes, countries, and how a score is weighed.",
        Role::Viewer,
    ),
    Place(
        "Scoring",
        "/settings/scoring",
        "The weights of a score, who would move under others, and the versions before.",
        Role::Viewer,
    ),
    Place("Booking page", "/meetings/settings", "When prospects may book a time with you.", Role::Admin),
    Place(
        "Limits",
        "/settings/limits",
        "The figures that every gate obeys, each with its source.",
        Role::Viewer,
    ),
    Place("API keys", "/settings/api-keys", "For programs that work with your data.", Role::Admin),
    Place("Webhooks", "/settings/webhooks", "Tell your own servers what happens here.", Role::Admin),
    Place("First steps", "/welcome", "The questions after sign-up.", Role::Admin),
];

const OWN: [Place; 4] = [
    Place("Profile", "/settings/profile", "Your name and clock.", Role::Viewer),
    Place("Notifications", "/settings/notifications", "What reaches you, where and when.", Role::Viewer),
    Place("Security", "/settings/security", "Password, and where you are signed in.", Role::Viewer),
    Place("Your organisations", "/switch", "Go to another organisation that you belong to.", Role::Viewer),
];

/// The page.
pub(crate) async fn hub(cx: web::Cx) -> web::Result<Response> {
    let role = cx.who().role;
    let body = html! {
        (Heading::new("Settings").about(html! { "Of " (cx.who().tenant_name) " and of yourself." }))
        (grid::halves([
            Card::new("Organisation").padded(places(&ORGANISATION, role)),
            Card::new("You").padded(places(&OWN, role)),
        ]))
    };
    cx.page("Settings", body).await
}

fn places(places: &[Place], role: Role) -> Markup {
    html! {
        ul.plain.stack {
            @for Place(title, href, what, _) in places.iter().filter(|place| role >= place.3) {
                li { p { a href=(href) { (title) } br; span.quiet { (what) } } }
            }
        }
    }
}
