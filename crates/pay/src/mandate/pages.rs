//! `/pay/mandates`: what was allowed, what of it is used, and what the signed token says.

use super::{Filter as Which, Mandate, MandateId, Status, delegate, verify, words};
use crate::list::{self, Names, Parties};
use crate::page::ROWS;
use crate::principal;
use crate::show::next;
use crate::signing::Keys;
use ap2::mandate::Mandate as Token;
use ap2::sdjwt::Chain;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Money, Role};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const LIST: &str = "/pay/mandates";

/// Which mandates.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    principal: String,
    parent: String,
    intent: String,
    after: Option<Cursor>,
}

impl Asked {
    fn which(&self) -> base::Result<Which> {
        Ok(Which {
            principal: list::id(&self.principal)?,
            parent: list::id(&self.parent)?,
            intent: list::id(&self.intent)?,
            status: Status::ALL.into_iter().find(|status| status.word() == self.status),
        })
    }
}

fn status_tag(status: Status) -> Markup {
    let tone = match status {
        Status::Active => Tone::Good,
        Status::Exhausted => Tone::Cool,
        Status::Revoked => Tone::Bad,
        Status::Expired => Tone::Cold,
    };
    tag(tone, status.label())
}

impl Parties for Mandate {
    fn payer(&self) -> Uuid {
        self.principal_id.uuid()
    }

    fn payee(&self) -> Uuid {
        self.vendor_id.uuid()
    }
}

/// `GET /pay/mandates`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let which = asked.which()?;
    let page = super::list(&mut cx, which, asked.after.as_ref(), ROWS).await?;
    let names = Names::of(&mut cx, &page.rows).await?;
    let agents = principal::list(&mut cx, None, None, 200).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|m| {
        let money = |minor: i64| Money { minor, currency: m.currency }.to_string();
        Row::new()
            .link(&m.sku, &format!("{LIST}/{}", m.id))
            .cell(money(m.caps.total_minor))
            .cell(money(m.left_minor()))
            .cell(status_tag(m.status))
            .cell(names.who(m))
            .cell(names.whom(m))
            .cell(wall.moment(m.expires_at))
    });
    let columns = [
        Column::text("For what"),
        Column::number("In all"),
        Column::number("Left"),
        Column::text("Status"),
        Column::text("Who"),
        Column::text("Whom"),
        Column::text("Until"),
    ];
    let filtered = which.status.is_some()
        || which.principal.is_some()
        || which.parent.is_some()
        || which.intent.is_some();
    let none = if filtered {
        state::empty(
            "No such mandates",
            "Nothing fits this filter.",
            Some(Button::link("All mandates", LIST)),
        )
    } else {
        state::empty(
            "No mandates yet",
            "A mandate is the signed permission to pay what an intent asks for. Agents ask for it over the API.",
            Some(Button::link("Intents", "/pay/intents")),
        )
    };
    let query = [
        ("status", asked.status.as_str()),
        ("principal", asked.principal.as_str()),
        ("parent", asked.parent.as_str()),
        ("intent", asked.intent.as_str()),
    ];
    let table = Table::new("Mandates", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &query, &after)));
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(Status::ALL.map(|s| Choice::new(s.word(), s.label())));
    let who = std::iter::once(Choice::new("", "Any agent"))
        .chain(agents.rows.iter().map(|p| Choice::new(p.id.to_string(), p.name.as_str())));
    let body = html! {
        (Heading::new("Mandates").about("Signed permissions to pay, and what of them is used."))
        (Filter::new(LIST)
            .field(Field::select("status", "Status", statuses).value(asked.status.as_str()))
            .field(Field::select("principal", "Agent", who).value(asked.principal.as_str()))
            .hidden("parent", asked.parent.as_str())
            .hidden("intent", asked.intent.as_str())
            .active(filtered))
        (Card::bare().body(table))
    };
    cx.page("Mandates", body).await
}

/// `GET /pay/mandates/{id}`
pub(crate) async fn detail(
    mut cx: web::Cx,
    Extension(keys): Extension<Arc<Keys>>,
    Path(id): Path<MandateId>,
) -> web::Result<Response> {
    let m = super::get(&mut cx, id).await?;
    let names = Names::of(&mut cx, std::slice::from_ref(&m)).await?;
    let policy = crate::policy::get(&mut cx, m.policy_id).await?;
    let above = delegate::ancestors(&mut cx, &m).await?;
    let people: Vec<&str> = m.approvers.iter().map(String::as_str).chain([m.created_by.as_str()]).collect();
    let makers = web::actor::names(&mut cx, people).await?;
    // A mandate that has ended since is still what was signed.
    let payment = verify::verify_at(&mut cx, &keys, &m, m.created_at).await;
    let checkout = checkout_chain(&mut cx, &keys, &m).await;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let money = |minor: i64| Money { minor, currency: m.currency }.to_string();
    let by = |label: &str| match label.starts_with("principal:") {
        true => names.payer(&m).to_owned(),
        false => makers.of(label),
    };
    let agreed = m.approvers.iter().map(|label| by(label)).collect::<Vec<_>>().join(", ");
    let facts = Pairs::new()
        .add("For what", m.sku.as_str())
        .add("Kind", m.template.label())
        .add("Who", names.who(&m))
        .add("Whom", names.whom(&m))
        .add("Intent", html! { a href={ "/pay/intents/" (m.intent_id) } { "what was asked for" } })
        .add("Judged by", html! { a href={ "/pay/policies/" (policy.id) } { "version " (policy.version) " of the policy" } })
        .some("Agreed to by", (!agreed.is_empty()).then_some(agreed))
        .add("Asked for by", by(&m.created_by))
        .add("Signed", wall.exact(m.created_at))
        .add("Until", wall.exact(m.expires_at))
        .add("Id", copy(&id.to_string()));
    let used = Pairs::new()
        .add("Paid", html! { a href={ "/pay/payments?mandate=" (id) } { (money(m.used.spent_minor)) } })
        .add(
            "Reserved",
            html! { a href={ "/pay/payments?mandate=" (id) } { (money(m.used.reserved_minor)) } },
        )
        .add("Handed on", html! { a href={ (LIST) "?parent=" (id) } { (money(m.used.delegated_minor)) } })
        .add("Left", money(m.left_minor()))
        .add("Payments", format!("{} of {}", m.used.executions, m.caps.executions_max));
    let body = html! {
        (Heading::new(format!("{} up to {}", m.sku, money(m.caps.total_minor))).crumb("Mandates", LIST).tag(status_tag(m.status)))
        @if let Some(reason) = &m.reason { p { "Revoked: " (reason) } }
        (grid::main_side(
            Card::new("What is allowed").padded(html! { (facts) (words::caps(&m.caps, money)) }),
            Card::new("What of it is used").padded(used),
        ))
        @if let Some(parent) = above.first() {
            (Card::new("Where it comes from").padded(html! {
                p { "Handed on from " a href={ (LIST) "/" (parent.id) } { "a mandate over " (money(parent.caps.total_minor)) } "." }
            }))
        }
        (token_card("The payment mandate", &m.token, payment.as_ref().map_err(|error| error.message().to_owned())))
        @if let Some(text) = &m.checkout_token {
            (token_card("The checkout mandate", text, checkout.as_ref().map_err(Clone::clone)))
        }
        (evidence(&m))
        @if cx.who().role >= Role::Member && matches!(m.status, Status::Active | Status::Exhausted) {
            (Card::new("Revoke").padded(html! {
                p { "Nothing more is paid under a revoked mandate, nor under those that were handed on from it." }
                (Form::post(format!("{LIST}/{id}/revoke"), "revoke")
                    .field(Field::text("reason", "Why").required().max_chars(500))
                    .act(Button::submit("Revoke the mandate").danger()))
            }))
        }
    };
    cx.page("Mandate", body).await
}

/// What proves a mandate.
fn evidence(m: &Mandate) -> Card {
    Card::new("Evidence").padded(
        Pairs::new()
            .add("Hash", copy(&m.hash.to_string()))
            .maybe("Signature of the hash", m.signature.as_deref().map(copy))
            .add(
                "Signed by",
                if m.signed_by_wallet { "the wallet of the agent's user" } else { "this installation" },
            )
            .add("Key", html! { a href="/.well-known/jwks.json" { code { (m.kid) } } })
            .add("Hash of the policy", copy(&m.policy_hash.to_string())),
    )
}

async fn checkout_chain(cx: &mut db::Cx, keys: &Keys, m: &Mandate) -> Result<Chain, String> {
    let chain = verify::checkout_at(cx, keys, m, m.created_at).await.map_err(|e| e.message().to_owned())?;
    chain.ok_or_else(|| "There is none.".to_owned())
}

/// A token: each hop in words, as claims, with its disclosures.
fn token_card(title: &str, text: &str, chain: Result<&Chain, String>) -> Card {
    let tokens: Vec<&str> = text.split("~~").collect();
    Card::new(title).padded(html! {
        @match chain {
            Ok(chain) => {
                p { (tag(Tone::Good, "Verified")) " Every signature, digest and time in it holds." }
                @for (index, hop) in chain.hops.iter().enumerate() {
                    h3 { @if index == 0 { "Root" } @else { "Hop " (index) } }
                    p { "Signed by the key " code { (hop.signer) } }
                    @match Token::read(hop) {
                        Ok(token) => { ul { @for said in words::token(&token) { li { (said) } } } }
                        Err(cause) => { p { (cause.message) } }
                    }
                    details {
                        summary { "Claims" }
                        pre { code { (words::pretty(&hop.mandate)) } }
                    }
                    @let shown = tokens.get(index).map(|token| words::disclosures(token)).unwrap_or_default();
                    details {
                        summary { (number::counted(i64::try_from(shown.len()).unwrap_or(0), "disclosure", "disclosures")) }
                        @for text in shown { pre { code { (text) } } }
                    }
                }
            }
            Err(why) => { p role="alert" { (tag(Tone::Bad, "Not verified")) " " (why) } }
        }
        details {
            summary { "The token, byte for byte" }
            pre { code { (text) } }
        }
    })
}

/// The reason of a form.
#[derive(Debug, Deserialize)]
pub(crate) struct Why {
    #[serde(default)]
    reason: String,
}

/// `POST /pay/mandates/{id}/revoke`
pub(crate) async fn revoke(
    mut cx: web::Cx,
    Path(id): Path<MandateId>,
    axum::Form(why): axum::Form<Why>,
) -> web::Result<Response> {
    super::revoke(&mut cx, id, &why.reason).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), "Revoked."))
}
