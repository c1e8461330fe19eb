//! `GET /pipeline`: the board; deals move by form.

use super::store::{self, Statuses};
use crate::address::Address;
use axum::{
    extract::{Form as Sent, Path},
    response::Response,
};
use base::{Currency, Money, Role};
use maud::{Markup, html};
use outreach::deal::{self, Deal, DealId, LOST_REASONS, Stage};
use serde::Deserialize;
use ui::prelude::*;

/// Cards of a lane.
const CARDS: i64 = 8;

/// The lanes before a deal: title, the states of leads in it, the filter of the list behind it.
const LANES: [(&str, Statuses, &str); 4] = [
    ("Prospects", Statuses { words: &["new", "enriched", "scored"], numbers: &[0, 1, 2] }, "scored"),
    ("Contacted", Statuses { words: &["in_sequence"], numbers: &[3] }, "in_sequence"),
    ("Replied", Statuses { words: &["replied"], numbers: &[4] }, "replied"),
    ("Meeting", Statuses { words: &["meeting_booked"], numbers: &[5] }, "meeting_booked"),
];

/// The last lane.
const CLIENTS: Statuses = Statuses { words: &["converted"], numbers: &[6] };

/// `GET /pipeline`
pub async fn show(mut cx: web::Cx) -> web::Result<Response> {
    let mut lanes = Vec::new();
    for (title, statuses, filter) in LANES {
        let (count, cards) = store::lane(&mut cx, &statuses, CARDS).await?;
        lanes.push(lead_lane(title, count, filter, &cards));
    }
    let totals = deal::totals(&mut cx).await?;
    let may_move = cx.who().role >= Role::Member;
    let mut open = (0_i64, 0_i64, 0_i64);
    for stage in [Stage::Qualification, Stage::Proposal, Stage::Negotiation, Stage::Verbal, Stage::Contract] {
        let deals = deal::by_stage(&mut cx, stage, CARDS).await?;
        let (_, count, value) = totals.iter().find(|(s, _, _)| *s == stage).copied().unwrap_or((stage, 0, 0));
        let weighted = value.saturating_mul(i64::from(stage.probability())) / 100;
        open = (open.0 + count, open.1.saturating_add(value), open.2.saturating_add(weighted));
        lanes.push(deal_lane(stage, count, value, &deals, may_move));
    }
    let (clients, cards) = store::lane(&mut cx, &CLIENTS, CARDS).await?;
    lanes.push(lead_lane("Clients", clients, "converted", &cards));
    let currency = currency(&mut cx).await?;
    let of = |stage: Stage| totals.iter().find(|(s, _, _)| *s == stage).copied().unwrap_or((stage, 0, 0));
    let (won, lost) = (of(Stage::Won), of(Stage::Lost));
    // Whole amounts without their zeros: a figure is read at a glance.
    let money = |minor: i64| Money { minor, currency }.to_string().trim_end_matches(".00").to_owned();
    let win_rate = match won.1 + lost.1 {
        0 => Kpi::unknown("Won of decided", "no deal is decided"),
        all => Kpi::new("Won of decided", number::share(won.1, all))
            .sub(format!("{} of {}", number::count(won.1), number::count(all)), Trend::Flat),
    };
    let moved = "/activities?action=deal_moved";
    let body = html! {
        (Heading::new("Pipeline").about("From prospect to client. A deal opens when a meeting is booked."))
        (kpis(&[
            Kpi::new("Open deals", number::count(open.0)).href("/activities?action=deal_opened"),
            Kpi::new("Open value", money(open.1)).sub("of deals with a value", Trend::Flat).href(moved),
            Kpi::new("Weighted value", money(open.2)).sub("value by the probability of its stage", Trend::Flat).href(moved),
            Kpi::new("Won", money(won.2)).sub(number::counted(won.1, "deal", "deals"), Trend::Flat).href(moved),
            win_rate.href(moved),
        ]))
        (live::region("pipeline", "/pipeline", &["outreach.deal.*", "outreach.meeting.*", "outreach.reply.received", "leads.lead.*"],
            board("Pipeline", &lanes)))
    };
    cx.page("Pipeline", body).await
}

async fn currency(cx: &mut db::Cx) -> base::Result<Currency> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_scalar!("select currency from accounts.tenant where id = $1", tenant)
        .fetch_one(cx.conn())
        .await?
        .parse()
}

fn lead_lane(title: &str, count: i64, filter: &str, cards: &[store::Card]) -> Lane {
    let href: String = Address::new("/leads").with("status", filter).into();
    cards.iter().fold(Lane::new(title, count).href(href), |lane, card| {
        lane.card(html! {
            a href=(format!("/leads/{}", card.id)) { (card.name) }
            @if let Some(company) = &card.company { span.quiet.small { (company) } }
            @if let (Some(tier), Some(score)) = (&card.tier, card.score) { span { (tag(tier_tone(tier), format!("{} {score}", tier_words(tier)))) } }
        })
    })
}

/// What people read of a tier: the same words as on the pages of leads.
pub(crate) fn tier_words(tier: &str) -> &str {
    tier.parse::<leads::score::Tier>().map_or(tier, |tier| tier.client_label())
}

/// The tone of a tier.
pub(crate) fn tier_tone(tier: &str) -> Tone {
    match tier {
        "hot" => Tone::Hot,
        "warm" => Tone::Warm,
        "cool" => Tone::Cool,
        _ => Tone::Cold,
    }
}

fn worth(deal: &Deal) -> Option<String> {
    let currency: Currency = deal.currency.parse().ok()?;
    deal.value_minor.map(|minor| Money { minor, currency }.to_string())
}

fn deal_lane(stage: Stage, count: i64, value: i64, deals: &[Deal], may_move: bool) -> Lane {
    let title = if value > 0 {
        format!("{}, {} %", stage.label(), stage.probability())
    } else {
        stage.label().to_owned()
    };
    deals.iter().fold(Lane::new(title, count).href("/activities?action=deal_moved"), |lane, deal| {
        lane.card(html! {
            a href=(format!("/deals/{}", deal.id)) { (deal.name) }
            span.quiet.small { (deal.lead_name) @if let Some(company) = &deal.company { ", " (company) } }
            @if let Some(worth) = worth(deal) { span.num { (worth) } }
            @if may_move { (move_form(deal)) }
        })
    })
}

fn move_form(deal: &Deal) -> Markup {
    let stages = Stage::ALL.map(|stage| Choice::new(stage.word(), stage.label()));
    let mut reasons = vec![Choice::new("", "–")];
    reasons.extend(LOST_REASONS.iter().map(|(word, label)| Choice::new(*word, *label)));
    html! {
        details {
            summary { "Move" span.vh { " " (deal.name) } }
            (Form::post(format!("/pipeline/deals/{}", deal.id), format!("move-{}", deal.id))
                .field(Field::select("stage", "To", stages).value(deal.stage.word()).required())
                .field(Field::select("lost_reason", "If lost, why", reasons))
                .act(Button::submit("Move").about(&deal.name)))
        }
    }
}

/// Where a deal is to go.
#[derive(Debug, Deserialize)]
pub struct Move {
    stage: String,
    #[serde(default)]
    lost_reason: String,
}

/// `POST /pipeline/deals/{id}`
pub async fn move_deal(
    mut cx: web::Cx,
    Path(id): Path<DealId>,
    Sent(chosen): Sent<Move>,
) -> web::Result<Response> {
    let stage: Stage = chosen.stage.parse()?;
    let reason =
        (stage == Stage::Lost && !chosen.lost_reason.is_empty()).then_some(chosen.lost_reason.as_str());
    deal::move_to(&mut cx, id, stage, reason).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/pipeline", &format!("Moved to {}.", stage.label())))
}
