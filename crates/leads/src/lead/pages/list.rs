//! `/leads`: the table with its filters, views, counts and acts.

use super::super::{
    Asked, COUNT_MAX, Filter as Which, Sort, Status, Summary, count, drop_view as drop_one, list,
    save_view as save_one, tally, views,
};
use super::{status_tag, tone};
use crate::module::Extras;
use crate::score::Tier;
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Page, Result};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

/// Rows of a page.
const ROWS: usize = 50;

/// "10,000+" beyond what is counted.
pub(super) fn shown(total: i64) -> String {
    if total > COUNT_MAX { format!("{}+", number::count(COUNT_MAX)) } else { number::count(total) }
}

/// How many match: from the tally where it can tell, from the page where it holds all, else counted up to a limit.
async fn total(
    cx: &mut db::Cx,
    filter: &Which,
    asked: &Asked,
    page: &Page<Summary>,
    kept: &super::super::Tally,
) -> Result<(i64, bool)> {
    if filter.is_tallied() {
        let tier = if filter.unscored { Some(None) } else { filter.tier.map(Some) };
        return Ok((kept.of(filter.status, tier), true));
    }
    if asked.after.is_empty() && page.next.is_none() {
        return Ok((i64::try_from(page.rows.len()).unwrap_or(i64::MAX), true));
    }
    let counted = count(cx, filter).await?;
    Ok((counted, counted <= COUNT_MAX))
}

/// `GET /leads`
pub(crate) async fn index(
    mut cx: web::Cx,
    Query(asked): Query<Asked>,
    extras: Extras,
) -> web::Result<Response> {
    let (filter, sort, after) = (asked.filter()?, asked.order()?, asked.cursor()?);
    let page = list(&mut cx, &filter, sort, after.as_ref(), ROWS).await?;
    let kept = tally(&mut cx).await?;
    let (total, exact) = total(&mut cx, &filter, &asked, &page, &kept).await?;
    let saved = views(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may_write = cx.who().role >= base::Role::Member;
    let found = if exact { number::count(total) } else { shown(total) };
    let mut bar = filter_bar(&asked);
    let here = asked.query();
    for view in &saved {
        bar = bar.view(view.name.as_str(), format!("/leads?{}", view.query), view.query == here);
    }
    if may_write {
        bar = bar
            .act(Button::link("Export CSV", format!("/leads/export.csv?{here}")).quiet())
            .act(Button::link("JSON lines", format!("/leads/export.jsonl?{here}")).quiet());
    }
    let table = table(&asked, &page, sort, &wall, may_write.then_some(&extras), total, &found);
    let body = html! {
        (Heading::new("Leads").about("People worth writing to, best first.")
            .act(Button::link("Import leads", "/leads/import").primary())
            .act(Button::link("New lead", "/leads/new"))
            .act(Button::link("Imports", "/leads/imports").quiet()))
        (figures(&kept))
        (bar)
        @if !filter.short_words.is_empty() {
            (state::partial(html! { "Words of one or two letters are not looked for: " (filter.short_words.join(", ")) "." }))
        }
        @if !filter.words.is_empty() && total >= i64::from(super::super::SEEK_MAX) {
            (state::partial("More leads hold these words than a search looks at. Add another word."))
        }
        (live::region("leads", &format!("/leads?{here}"), &["leads.import.done", "leads.import.scored", "leads.bulk_done"], Card::bare().body(table)))
        @if may_write && asked.is_filtered() { (view_form(&here, &saved)) }
    };
    cx.page("Leads", body).await
}

fn figures(kept: &super::super::Tally) -> Markup {
    let of = |tier: Tier| {
        Kpi::new(tier.client_label(), number::count(kept.of(None, Some(Some(tier)))))
            .sub(format!("{} to {}", tier.from_score(), tier.to_score()), Trend::Flat)
            .href(format!("/leads?tier={}", tier.word()))
    };
    let mut all = vec![Kpi::new("Leads", number::count(kept.total())).href("/leads")];
    all.extend(Tier::ALL.map(of));
    let waiting = kept.of(None, Some(None));
    if waiting > 0 {
        all.push(Kpi::new("Not scored yet", number::count(waiting)).href("/leads?tier=none"));
    }
    kpis(&all)
}

fn filter_bar(asked: &Asked) -> Filter {
    let any = |label: &str| std::iter::once(Choice::new("", label.to_owned()));
    let statuses = any("Any state").chain(Status::ALL.into_iter().map(|s| Choice::new(s.word(), s.label())));
    let tiers = any("Any tier")
        .chain(Tier::ALL.into_iter().map(|tier| Choice::new(tier.word(), tier.client_label())))
        .chain([Choice::new("none", "Not scored")]);
    let emails = any("Any").chain([Choice::new("yes", "With e-mail"), Choice::new("no", "Without e-mail")]);
    let consents = any("Any")
        .chain([Choice::new("missing", "Consent missing"), Choice::new("recorded", "Consent recorded")]);
    let sorts = [("score", "Best first"), ("newest", "Newest first"), ("name", "By name")];
    let mut bar = Filter::new("/leads")
        .field(
            Field::line(Input::Search, "q", "Search")
                .value(asked.q.as_str())
                .placeholder("Name, company, address, title")
                .grow(),
        )
        .field(Field::select("status", "State", statuses).value(asked.status.as_str()))
        .field(Field::select("tier", "Tier", tiers).value(asked.tier.as_str()))
        .field(Field::text("industry", "Industry").value(asked.industry.as_str()))
        .field(Field::text("country", "Country").value(asked.country.as_str()))
        .field(Field::select("email", "E-mail", emails).value(asked.email.as_str()))
        .field(Field::select("consent", "Consent", consents).value(asked.consent.as_str()))
        .field(
            Field::number("score_min", "Score from").value(asked.score_min.as_str()).range("0", "100", "1"),
        )
        .field(Field::number("score_max", "to").value(asked.score_max.as_str()).range("0", "100", "1"))
        .field(Field::select("sort", "Order", sorts).value(if asked.sort.is_empty() {
            "score"
        } else {
            asked.sort.as_str()
        }))
        .active(asked.is_filtered());
    if !asked.import.is_empty() {
        bar = bar.hidden("import", asked.import.as_str());
    }
    bar
}

fn sorted(asked: &Asked, to: &str) -> String {
    format!("/leads?{}", Asked { sort: to.to_owned(), ..asked.clone() }.query())
}

fn table(
    asked: &Asked,
    page: &Page<Summary>,
    sort: Sort,
    wall: &Wall,
    acts: Option<&Extras>,
    total: i64,
    found: &str,
) -> Table {
    let by = |which: Sort, now: Sorted| (sort == which).then_some(now);
    let columns = [
        Column::text("Name").sort(sorted(asked, "name"), by(Sort::Name, Sorted::Up)),
        Column::text("Company"),
        Column::text("Title"),
        Column::number("Score").sort(sorted(asked, "score"), by(Sort::Score, Sorted::Down)),
        Column::text("Tier"),
        Column::text("State"),
        Column::text("Consent"),
        Column::text("Last touch"),
        Column::text("Added").sort(sorted(asked, "newest"), by(Sort::Newest, Sorted::Down)),
    ];
    let rows = page.rows.iter().map(|lead| {
        Row::new()
            .id(format!("lead-{}", lead.id))
            .link(&lead.name, &format!("/leads/{}", lead.id))
            .maybe(lead.company.as_deref())
            .maybe(lead.title.as_deref())
            .maybe(lead.score)
            .maybe(lead.tier.map(|tier| tag(tone(tier), tier.client_label())))
            .cell(status_tag(lead.status))
            .cell(if lead.consent { tag(Tone::Good, "recorded") } else { tag(Tone::Warm, "missing") })
            .maybe(lead.last_touch_at.map(|at| wall.relative(at)))
            .cell(wall.date(lead.created_at))
            .pick(lead.id.to_string(), lead.name.as_str())
    });
    let empty = if asked.is_filtered() {
        state::empty("No lead matches", "Take a condition away.", Some(Button::link("All leads", "/leads")))
    } else {
        state::empty(
            "No leads yet",
            "Import a list, or write the first one down.",
            Some(Button::link("Import leads", "/leads/import").primary()),
        )
    };
    let here = asked.query();
    let mut table = Table::new("Leads", columns)
        .id("lead-table")
        .rows(rows)
        .empty(empty)
        .first((!asked.after.is_empty()).then(|| format!("/leads?{here}")))
        .next(page.next.as_ref().map(|next| {
            let join = if here.is_empty() { "" } else { "&" };
            format!("/leads?{here}{join}after={}", next.as_str())
        }))
        .note(format!(
            "{} of {found} {}",
            number::count(i64::try_from(page.rows.len()).unwrap_or(0)),
            if total == 1 { "lead" } else { "leads" }
        ));
    if let Some(extras) = acts {
        table = table.bulk("lead-bulk", "/leads/bulk").matching(total).hidden("filter", here);
        for (at, extra) in extras.bulk.iter().enumerate() {
            table = table.bulk_act(Button::submit(extra.label).value("act", format!("extra-{at}")));
        }
        for (act, label) in [
            ("consent", "Record consent…"),
            ("rescore", "Score again"),
            ("enrich", "Look up"),
            ("suppress", "Suppress…"),
            ("delete", "Delete…"),
        ] {
            let button = Button::submit(label).value("act", act);
            table =
                table.bulk_act(if matches!(act, "suppress" | "delete") { button.danger() } else { button });
        }
    }
    table
}

fn view_form(here: &str, saved: &[super::super::View]) -> Markup {
    let known = saved.iter().find(|view| view.query == here);
    let body = match known {
        Some(view) => {
            html! { (Button::post("Remove this view", format!("/leads/views/{}/remove", view.id)).quiet().about(&view.name)) }
        }
        None => html! {
            (Form::post("/leads/views", "view").hidden("query", here)
                .field(Field::text("name", "Name").max_chars(60).required().hint("Everybody in the organisation sees it above the list."))
                .submit("Save this view"))
        },
    };
    html! { (Card::new("This view").padded(body)) }
}

/// A view to be saved.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    name: String,
    query: String,
}

/// `POST /leads/views`
pub(crate) async fn save_view(mut cx: web::Cx, Sent(named): Sent<Named>) -> web::Result<Response> {
    save_one(&mut cx, &named.name, &named.query).await?;
    cx.commit().await?;
    let query = Asked::from_query(&named.query).query();
    Ok(redirect_with(&format!("/leads?{query}"), "Saved."))
}

/// `POST /leads/views/{id}/remove`
pub(crate) async fn drop_view(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    drop_one(&mut cx, id).await?;
    cx.commit().await?;
    Ok(redirect_with("/leads", "The view is removed; its leads stay."))
}
