//! `/enrichment`: the steps with what they cost, batches, hit rate, spend, quarantine, accounts, searches.

use crate::desk::Desk;
use crate::lineage::{called, money};
use crate::{account, call, quarantine, run, search, tier};
use axum::Form as Sent;
use axum::extract::Path;
use axum::response::Response;
use base::{Error, Role};
use leads::lead::{self, LeadId, Selection};
use maud::{Markup, html};
use ports::provider::{Field as Found, ProviderKind, Purpose};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

/// Batches and searches that the page shows.
const SHOWN: i64 = 20;

/// `GET /enrichment`
pub(crate) async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let tiers = tier::current(&mut cx).await?;
    let totals = call::totals(&mut cx).await?;
    let runs = run::list(&mut cx, SHOWN).await?;
    let searches = search::list(&mut cx, SHOWN).await?;
    let waiting = quarantine::count(&mut cx).await?;
    let accounts = account::all(&mut cx).await?;
    let (wall, role) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role);
    let calls: i64 = totals.iter().map(|total| total.calls).sum();
    let hits: i64 = totals.iter().map(|total| total.hits).sum();
    let lost: i64 = totals.iter().map(|total| total.unknown).sum();
    let spent: i64 = totals.iter().map(|total| total.cost_micros).sum();
    let may = role >= Role::Member;
    let body = html! {
        (Heading::new("Enrichment").about("Leads are looked up at outside services, the cheapest first, each question once.")
            .act(Button::link("Quarantine", "/enrichment/quarantine")))
        (kpis(&[
            Kpi::new("Look-ups", number::count(calls)).href("#steps"),
            Kpi::new("Hit rate", if calls == 0 { "–".to_owned() } else { number::share(hits, calls) }).sub(format!("{} brought something", number::count(hits)), Trend::Flat).href("#steps"),
            Kpi::new("Spent", money(spent)).href("/costs/spend?agent=scout"),
            Kpi::new("Waiting for you", number::count(waiting)).sub("values that contradict", Trend::Flat).href("/enrichment/quarantine"),
        ]))
        @if lost > 0 {
            (state::partial(html! { (number::counted(lost, "look-up has", "look-ups have")) " lost their answer. They may have been charged and are not asked again." }))
        }
        (runs_card(&runs, &wall))
        @if may { (start_card()) }
        (steps_card(&tiers, &totals, &accounts))
        (accounts_card(&accounts, role >= Role::Admin, &wall))
        (search::pages::card(&searches, may, &wall))
    };
    cx.page("Enrichment", body).await
}

fn runs_card(runs: &[run::Run], wall: &Wall) -> Markup {
    let columns = [
        Column::text("Batch"),
        Column::text("State"),
        Column::number("Leads"),
        Column::number("Open"),
        Column::number("Enriched"),
        Column::number("Premium"),
        Column::number("Cost"),
        Column::text("Started"),
    ];
    let table = Table::new("Batches", columns)
        .rows(runs.iter().map(|run| {
            Row::new()
                .link(&run.label, &format!("/enrichment/runs/{}", run.id))
                .cell(tag(run::pages::tone(run.state), run.state.label()))
                .cell(number::count(i64::from(run.total)))
                .cell(number::count(i64::from(run.open_count)))
                .cell(number::count(run.accepted))
                .cell(format!("{} of {}", run.premium_used, run.premium_limit))
                .cell(money(run.cost_micros))
                .cell(wall.relative(run.created_at))
        }))
        .empty(state::empty(
            "Nothing was looked up yet",
            "Choose leads in their list, or start a batch below.",
            Some(Button::link("Leads", "/leads")),
        ));
    html! { (Card::new("Batches").id("runs").body(table)) }
}

fn start_card() -> Markup {
    let form = Form::post("/enrichment/runs", "start")
        .line([
            Field::number("most", "At most").range("1", "10000", "1").value("100").required(),
            Field::number("score", "Score from").range("0", "100", "1").value("0").required(),
            Field::text("label", "Called").max_chars(200).placeholder("Dentists in Sydney"),
        ])
        .submit("Look leads up");
    html! {
        (Card::new("Start a batch").padded(form)
            .foot("Leads with the best scores first, of those that no batch has carried through in 90 days."))
    }
}

fn steps_card(tiers: &[tier::Tier], totals: &[call::Total], accounts: &[account::Shown]) -> Markup {
    let columns = [
        Column::text("Tier"),
        Column::text("Step"),
        Column::number("Cost"),
        Column::text("Asked for"),
        Column::text("Brings"),
        Column::number("Look-ups"),
        Column::number("Hits"),
        Column::number("Spent"),
        Column::text("Source"),
    ];
    let table = Table::new("Steps of the waterfall", columns).rows(tiers.iter().map(|tier| {
        let (provider, purpose) = (tier.provider.word(), tier.purpose.word());
        let total = totals.iter().find(|total| total.provider == provider && total.purpose == purpose);
        let words = |fields: &[Found]| {
            fields.iter().map(|field| field.label().to_lowercase()).collect::<Vec<_>>().join(", ")
        };
        let has = account::is_free(tier.provider) || accounts.iter().any(|one| one.provider == tier.provider);
        Row::new()
            .cell(format!("T{}", tier.tier))
            .cell(html! {
                a href=(format!("/enrichment/steps/{provider}/{purpose}")) { (called(provider, purpose)) }
                @if !tier.enabled { " " (tag(Tone::Cold, "off")) }
                @if tier.premium { " " (tag(Tone::Warm, "premium")) }
                @if !has { " " (tag(Tone::Cold, "no account")) }
            })
            .cell(html! { (money(tier.cost_micros)) @if tier.per_hit { " per hit" } })
            .cell(html! {
                @if tier.score_min > 0 { "score from " (tier.score_min) } @else { "every score" }
                @if !tier.needs.is_empty() { "; needs " (words(&tier.needs)) }
            })
            .cell(words(&tier.fields))
            .cell(number::count(total.map_or(0, |total| total.calls)))
            .cell(
                total
                    .filter(|total| total.calls > 0)
                    .map_or_else(|| "–".to_owned(), |total| number::share(total.hits, total.calls)),
            )
            .cell(money(total.map_or(0, |total| total.cost_micros)))
            .cell(&tier.source)
    }));
    html! { (Card::new("Steps").id("steps").body(table).foot("T0 is the cache: what was looked up is good for 90 days and is not paid again.")) }
}

fn accounts_card(accounts: &[account::Shown], may: bool, wall: &Wall) -> Markup {
    let columns = [
        Column::text("Service"),
        Column::text("Account"),
        Column::number("Rows given"),
        Column::text("Changed"),
    ];
    let kinds = ProviderKind::ALL.iter().filter(|kind| !account::is_free(**kind));
    let table = Table::new("Accounts at services", columns).rows(kinds.map(|kind| {
        let one = accounts.iter().find(|one| one.provider == *kind);
        let row = Row::new();
        let row = if may {
            row.link(kind.label(), &format!("/enrichment/providers/{}", kind.word()))
        } else {
            row.cell(kind.label())
        };
        let full =
            one.is_some_and(|one| *kind == ProviderKind::Clay && one.submitted * 5 >= account::CLAY_ROWS * 4);
        row.cell(html! {
            @match one { Some(_) => (tag(Tone::Good, "ready")), None => (tag(Tone::Cold, "none")) }
            @if full { " " (tag(Tone::Warm, "its webhook takes about 50,000 rows for life")) }
        })
        .maybe(one.map(|one| number::count(one.submitted)))
        .maybe(one.map(|one| wall.relative(one.updated_at)))
    }));
    html! { (Card::new("Accounts").id("accounts").body(table).foot("Keys are sealed and never shown again. The company's own website needs none.")) }
}

/// What a batch takes.
#[derive(Deserialize)]
pub(crate) struct Start {
    most: i64,
    #[serde(default)]
    score: i16,
    #[serde(default)]
    label: String,
}

/// `POST /enrichment/runs`
pub(crate) async fn start(mut cx: web::Cx, Sent(typed): Sent<Start>) -> web::Result<Response> {
    let most = typed.most.clamp(1, i64::try_from(run::LEADS_MAX).unwrap_or(i64::MAX));
    let (tenant, since) = (cx.tenant()?.uuid(), cx.now().plus_days(-90));
    let ids = sqlx::query_scalar!(
        "select l.id from leads.lead l
         where l.tenant_id = $1 and l.deleted_at is null and coalesce(l.score, 0) >= $2 and l.status in ('new', 'enriched', 'scored', 'in_sequence')
           and not exists (select from enrich.item i where i.tenant_id = $1 and i.lead_id = l.id and i.state in ('queued', 'waiting', 'accepted', 'incomplete') and i.created_at > $3)
         order by l.rank desc, l.id desc limit $4",
        tenant,
        i32::from(typed.score),
        since as base::Time,
        most,
    )
    .fetch_all(cx.conn())
    .await
    .map_err(Error::from)?;
    let label = if typed.label.trim().is_empty() { "Best leads" } else { typed.label.trim() };
    let leads: Vec<LeadId> = ids.into_iter().map(LeadId).collect();
    let id = run::start(&mut cx, label, &leads).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/enrichment/runs/{id}"), "The batch is on its way."))
}

/// `POST /enrichment/leads/{id}`
pub(crate) async fn one(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let lead = lead::get(&mut cx, LeadId(id)).await?;
    let run = run::start(&mut cx, &lead.name(), &[lead.id]).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/enrichment/runs/{run}"), "The look-up is on its way."))
}

/// `POST /enrichment/leads`: the act on chosen leads.
pub(crate) async fn chosen(
    mut cx: web::Cx,
    Sent(form): Sent<Vec<(String, String)>>,
) -> web::Result<Response> {
    let leads = match Selection::from_form(&form)? {
        Selection::Chosen(ids) => ids,
        Selection::Matching(asked) => {
            let now = cx.now();
            let filter = asked.filter()?;
            let most = i64::try_from(run::LEADS_MAX).unwrap_or(i64::MAX);
            lead::ids(&mut cx, &filter, None, now, most).await?
        }
    };
    let id = run::start(&mut cx, "Chosen leads", &leads).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/enrichment/runs/{id}"), "The batch is on its way."))
}

fn named(provider: &str, purpose: &str) -> base::Result<(ProviderKind, Purpose)> {
    let gone = |_| Error::not_found("step");
    Ok((provider.parse().map_err(gone)?, purpose.parse().map_err(gone)?))
}

/// `GET /enrichment/steps/{provider}/{purpose}`
pub(crate) async fn step(
    mut cx: web::Cx,
    Path((provider, purpose)): Path<(String, String)>,
) -> web::Result<Response> {
    let (provider, purpose) = named(&provider, &purpose)?;
    let now = tier::current(&mut cx).await?;
    let Some(now) = now.into_iter().find(|one| one.provider == provider && one.purpose == purpose) else {
        return Err(Error::not_found("step"))?;
    };
    let rows = tier::history(&mut cx, provider, purpose).await?;
    let (wall, role) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role);
    let columns = [
        Column::text("From"),
        Column::number("Cost"),
        Column::number("Score from"),
        Column::text("Asked"),
        Column::text("Owner"),
        Column::text("Source"),
        Column::text("Why"),
    ];
    let table = Table::new("How this step came about", columns).rows(rows.iter().map(|row| {
        Row::new()
            .cell(html! { (wall.date(row.valid_from)) @if row.id == now.id { " " (tag(Tone::Good, "counts")) } })
            .cell(money(row.cost_micros))
            .cell(row.score_min.to_string())
            .cell(if row.enabled { "yes" } else { "no" })
            .cell(if row.own { "you" } else { "the platform" })
            .cell(&row.source)
            .cell(&row.reason)
    }));
    let form = Form::post(format!("/enrichment/steps/{}/{}", provider.word(), purpose.word()), "step")
        .line([
            Field::number("cost_aud", "Cost in A$")
                .range("0", "20", "0.000001")
                .value(decimal(now.cost_micros))
                .required(),
            Field::number("score_min", "Score from")
                .range("0", "100", "1")
                .value(now.score_min.to_string())
                .required(),
        ])
        .field(Field::check("enabled", "It is asked", now.enabled))
        .field(Field::text("reason", "Why").max_chars(500).required())
        .submit("Set from now on");
    let name = called(provider.word(), purpose.word());
    let body = html! {
        (Heading::new(name.clone()).crumb("Enrichment", "/enrichment").about(format!("Tier {}", now.tier)))
        (Card::new("Values by date").body(table))
        @if role >= Role::Admin { (Card::new("Change it").padded(form)) }
    };
    cx.page(&name, body).await
}

/// Millionths as a decimal number for a form.
fn decimal(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A decimal number of dollars as millionths, digit by digit.
fn micros(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if part.len() > 6
        || !part.bytes().all(|b| b.is_ascii_digit())
        || !whole.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

/// The form of a step.
#[derive(Deserialize)]
pub(crate) struct StepForm {
    cost_aud: String,
    score_min: i16,
    #[serde(default)]
    enabled: Option<String>,
    reason: String,
}

/// `POST /enrichment/steps/{provider}/{purpose}`
pub(crate) async fn set_step(
    mut cx: web::Cx,
    Path((provider, purpose)): Path<(String, String)>,
    Sent(typed): Sent<StepForm>,
) -> web::Result<Response> {
    let (provider, purpose) = named(&provider, &purpose)?;
    let cost_micros = micros(&typed.cost_aud)
        .ok_or_else(|| Error::invalid("tier.cost", "Write the cost as dollars, such as 0.012."))?;
    let change = tier::Change {
        cost_micros,
        score_min: typed.score_min,
        enabled: typed.enabled.is_some(),
        reason: typed.reason,
    };
    tier::set(&mut cx, provider, purpose, &change).await?;
    cx.commit().await?;
    let back = format!("/enrichment/steps/{}/{}", provider.word(), purpose.word());
    Ok(web::redirect_with(&back, "It counts from now on."))
}

/// `GET /enrichment/providers/{provider}`
pub(crate) async fn account(
    mut cx: web::Cx,
    Path(provider): Path<String>,
    desk: Desk,
) -> web::Result<Response> {
    let kind: ProviderKind = provider.parse().map_err(|_| Error::not_found("service"))?;
    if account::is_free(kind) {
        return Err(Error::not_found("service"))?;
    }
    let one = account::all(&mut cx).await?.into_iter().find(|one| one.provider == kind);
    let callback = match (kind, &one) {
        (ProviderKind::Clay, Some(_)) => account::callback(&mut cx, &desk, kind).await?,
        _ => None,
    };
    let (key, address) = labels(kind);
    let key_field = Field::password("key", key).autocomplete("off").hint(if one.is_some() {
        "Empty keeps the one that is there"
    } else {
        "It is sealed and never shown again"
    });
    let mut form = Form::post(format!("/enrichment/providers/{}", kind.word()), "account")
        .field(if one.is_none() && kind != ProviderKind::Clay { key_field.required() } else { key_field })
        .field(
            Field::text("base_url", address)
                .value(one.as_ref().and_then(|one| one.base_url.clone()).unwrap_or_default()),
        );
    if kind == ProviderKind::Apify {
        let actor = one.as_ref().and_then(|one| one.actor.clone()).unwrap_or_default();
        form = form.field(Field::text("actor", "Actor").value(actor).hint("As user~actor").required());
    }
    if kind == ProviderKind::Kaspr {
        let bare = one.as_ref().is_some_and(|one| one.bare_key);
        form = form.field(Field::check("bare_key", "The key goes without the word Bearer", bare));
    }
    let form = form.submit("Save");
    let body = html! {
        (Heading::new(kind.label()).crumb("Enrichment", "/enrichment").about("The account with which leads are looked up."))
        (Card::new("Account").padded(form))
        @if let Some(callback) = &callback {
            (Card::new("Where Clay posts the row back").padded(html! {
                p { "Add an “HTTP API” column to the table that posts to this address with the row's job_id. Who knows it can answer for Clay: keep it secret." }
                p { code { (callback) } " " (copy(callback)) }
            }))
        }
        @if one.is_some() {
            (Card::new("Take it out of use").padded(
                Button::post("Remove the account", format!("/enrichment/providers/{}/remove", kind.word())).danger()
                    .confirm("Remove this account? Nothing is asked there any more.")))
        }
    };
    cx.page(kind.label(), body).await
}

/// What the key and the address are called at a service.
fn labels(kind: ProviderKind) -> (&'static str, &'static str) {
    match kind {
        ProviderKind::Abn => ("GUID", "Other address"),
        ProviderKind::Clay => ("Webhook auth token", "Webhook of the table"),
        ProviderKind::Apify => ("API token", "Other address"),
        ProviderKind::Apollo
        | ProviderKind::Hunter
        | ProviderKind::Kaspr
        | ProviderKind::Places
        | ProviderKind::Website => ("API key", "Other address"),
    }
}

/// `POST /enrichment/providers/{provider}`
pub(crate) async fn set_account(
    mut cx: web::Cx,
    Path(provider): Path<String>,
    Sent(typed): Sent<account::Typed>,
    desk: Desk,
) -> web::Result<Response> {
    let kind: ProviderKind = provider.parse().map_err(|_| Error::not_found("service"))?;
    account::set(&mut cx, &desk, kind, &typed).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/enrichment/providers/{}", kind.word()), "Saved."))
}

/// `POST /enrichment/providers/{provider}/remove`
pub(crate) async fn remove_account(
    mut cx: web::Cx,
    Path(provider): Path<String>,
    desk: Desk,
) -> web::Result<Response> {
    let kind: ProviderKind = provider.parse().map_err(|_| Error::not_found("service"))?;
    account::remove(&mut cx, &desk, kind).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/enrichment#accounts", "Removed."))
}

#[cfg(test)]
mod tests {
    use super::{decimal, micros};

    #[test]
    fn dollars_of_a_form_are_millionths() {
        for (text, expected) in [
            ("0.012", Some(12_000)),
            ("1", Some(1_000_000)),
            (".5", Some(500_000)),
            ("0.0000001", None),
            ("-1", None),
            ("x", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
        assert_eq!((decimal(12_000).as_str(), decimal(0).as_str()), ("0.012", "0"));
    }
}
