//! The palette: find anything, do anything. `GET /palette?q=` answers inside the dialog to scripts, and
//! as a whole page to everybody else.

mod store;
#[cfg(test)]
mod tests;

use axum::{
    extract::Query,
    response::{IntoResponse, Response},
};
use base::Role;
use serde::Deserialize;
use ui::palette::{self, Hit};

/// Hits of one group.
const HITS: i64 = 5;
/// Words shorter than this are not looked for among records: the index of three letters cannot help.
const LETTERS_MIN: usize = 3;
/// Longer queries are cut.
const LETTERS_MAX: usize = 100;

/// What can be done from anywhere: label, what it is, address, the least role.
const ACTS: [(&str, &str, &str, Role); 11] = [
    ("Stop everything", "choose what to stop, see what freezes", "/stop", Role::Member),
    ("New campaign", "whom to write to, what, and when", "/campaigns/new", Role::Member),
    ("Import leads", "from a CSV or XLSX file", "/leads/import", Role::Member),
    ("Invite a member", "to the team", "/settings/team", Role::Admin),
    ("Add a mailbox", "to send from", "/settings/sending", Role::Admin),
    ("Export the report", "as CSV", "/reports.csv", Role::Viewer),
    ("Add a paying agent", "with keys and a policy of its own", "/pay/principals", Role::Admin),
    ("Add a vendor", "whom agents may pay", "/pay/vendors", Role::Admin),
    ("Check the receipts", "every hash, signature and checkpoint", "/pay/receipts?check=true", Role::Viewer),
    ("Statement", "of an account, with its files", "/pay/statement", Role::Viewer),
    ("Set up a payment rail", "Stripe, Cashfree or x402", "/pay/rails", Role::Admin),
];

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// `GET /palette`
pub async fn find(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let query: String = asked.q.trim().chars().take(LETTERS_MAX).collect();
    let (acts, pages) = (acts(&query, cx.who().role), pages(&cx, &query));
    let mut groups = vec![("Do", acts), ("Pages", pages)];
    if query.chars().count() >= LETTERS_MIN {
        groups.push(("Leads", store::leads(&mut cx, &query, HITS).await?));
        groups.push(("Campaigns", store::campaigns(&mut cx, &query, HITS).await?));
        groups.push(("Conversations", store::threads(&mut cx, &query, HITS).await?));
    }
    if cx.wants_fragment() {
        return Ok(palette::hits(&query, &groups).into_response());
    }
    cx.page("Find", palette::page(&query, &groups)).await
}

/// Whether every word of the query begins a word of the label or stands inside it.
fn matches(query: &str, label: &str) -> bool {
    let label = label.to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| label.contains(word))
}

fn acts(query: &str, role: Role) -> Vec<Hit> {
    ACTS.iter()
        .filter(|(label, _, _, least)| role >= *least && matches(query, label))
        .map(|(label, detail, href, _)| Hit {
            label: (*label).to_owned(),
            detail: (*detail).to_owned(),
            href: (*href).to_owned(),
        })
        .collect()
}

fn pages(cx: &web::Cx, query: &str) -> Vec<Hit> {
    let platform = cx.who().platform;
    cx.app()
        .menu()
        .iter()
        .filter(|item| (!item.platform || platform) && matches(query, item.label))
        .map(|item| Hit {
            label: item.label.to_owned(),
            detail: if item.group.is_empty() { "page".to_owned() } else { format!("page, {}", item.group) },
            href: item.href.to_owned(),
        })
        .collect()
}
