//! `GET /activities`: everything that happened, filtered, page by page; the rows behind the numbers.

use crate::{
    address::{self, Address},
    days::{self, Days},
    today::words,
};
use axum::{extract::Query, response::Response};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use maud::{Markup, html};
use outreach::{activity::Action, channel::Channel};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

const ROWS: i64 = 50;
const HERE: &str = "/activities";

/// What is asked for, as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    action: String,
    intent: String,
    channel: String,
    campaign: String,
    lead: String,
    from: String,
    to: String,
    after: String,
}

/// The same, understood.
#[derive(Debug)]
struct Wanted {
    action: Option<Action>,
    intents: Option<Vec<String>>,
    channel: Option<Channel>,
    campaign: Option<Uuid>,
    lead: Option<Uuid>,
    from: Option<Time>,
    to: Option<Time>,
}

fn action(word: &str) -> Result<Option<Action>> {
    if word.is_empty() {
        return Ok(None);
    }
    serde_json::from_value(word.into()).map(Some).map_err(|cause| {
        Error::invalid("activity.action", format!("“{word}” is not something that happens.")).caused_by(cause)
    })
}

fn id(text: &str) -> Result<Option<Uuid>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|cause: uuid::Error| {
        Error::invalid("activity.id", format!("“{text}” is not an id.")).caused_by(cause)
    })
}

impl Asked {
    fn wanted(&self, calendar: &Days) -> Result<Wanted> {
        let from = days::day(&self.from)?.map(|day| calendar.start(day)).transpose()?;
        let next = |day: jiff::civil::Date| day.saturating_add(jiff::Span::new().days(1));
        let to = days::day(&self.to)?.map(|day| calendar.start(next(day))).transpose()?;
        let intents = match self.intent.as_str() {
            "" => None,
            "positive" => Some(super::pages::POSITIVE.map(str::to_owned).to_vec()),
            word => Some(vec![word.to_owned()]),
        };
        Ok(Wanted {
            action: action(&self.action)?,
            intents,
            channel: if self.channel.is_empty() { None } else { Some(self.channel.parse()?) },
            campaign: id(&self.campaign)?,
            lead: id(&self.lead)?,
            from,
            to,
        })
    }

    fn address(&self, after: &str) -> String {
        Address::new(HERE)
            .with("action", &self.action)
            .with("intent", &self.intent)
            .with("channel", &self.channel)
            .with("campaign", &self.campaign)
            .with("lead", &self.lead)
            .with("from", &self.from)
            .with("to", &self.to)
            .with("after", after)
            .into()
    }

    fn is_filtered(&self) -> bool {
        [&self.action, &self.intent, &self.channel, &self.campaign, &self.lead, &self.from, &self.to]
            .iter()
            .any(|text| !text.is_empty())
    }
}

struct Line {
    id: Uuid,
    at: Time,
    action: Action,
    channel: Option<Channel>,
    preview: String,
    intent: Option<String>,
    lead_id: Option<Uuid>,
    lead: String,
    campaign_id: Option<Uuid>,
    campaign: Option<String>,
    actor: String,
}

async fn find(cx: &mut Cx, wanted: &Wanted, after: Option<&Cursor>) -> Result<Page<Line>> {
    let tenant = cx.tenant()?.uuid();
    let (key, id) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => {
            let key: Time = key.parse().map_err(|_| {
                Error::invalid(
                    "cursor.invalid",
                    "This page link is damaged. Start again from the first page.",
                )
            })?;
            (Some(key), Some(id))
        }
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Line,
        r#"select a.id, a.at, a.action as "action: Action", a.channel as "channel: Channel", a.preview,
                  coalesce(m.intent::text, a.detail ->> 'intent') as intent, a.lead_id,
                  coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, '') as "lead!",
                  a.campaign_id, c.name as "campaign?", a.actor
           from outreach.activity a
           left join outreach.message m on m.tenant_id = $1 and a.action = 'classified' and m.id = (a.detail ->> 'message_id')::uuid
           left join leads.lead l on l.tenant_id = $1 and l.id = a.lead_id
           left join outreach.campaign c on c.tenant_id = $1 and c.id = a.campaign_id
           where a.tenant_id = $1
             and ($2::outreach.action is null or a.action = $2)
             and ($3::text[] is null or coalesce(m.intent::text, a.detail ->> 'intent') = any($3))
             and ($4::outreach.channel is null or a.channel = $4)
             and ($5::uuid is null or a.campaign_id = $5) and ($6::uuid is null or a.lead_id = $6)
             and ($7::timestamptz is null or a.at >= $7) and ($8::timestamptz is null or a.at < $8)
             and ($9::timestamptz is null or (a.at, a.id) < ($9, $10))
           order by a.at desc, a.id desc limit $11"#,
        tenant,
        wanted.action as Option<Action>,
        wanted.intents.as_deref(),
        wanted.channel as Option<Channel>,
        wanted.campaign,
        wanted.lead,
        wanted.from as Option<Time>,
        wanted.to as Option<Time>,
        key as Option<Time>,
        id,
        ROWS + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let limit = usize::try_from(ROWS).unwrap_or(0);
    Ok(Page::cut(rows, limit, |line| Cursor::after(&line.at.to_string(), line.id)))
}

/// `GET /activities`
pub async fn list(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let asked = asked.0;
    let calendar = Days::new(cx.now(), cx.who().zone.clone());
    let wanted = asked.wanted(&calendar)?;
    let after = address::cursor(&asked.after)?;
    let page = find(&mut cx, &wanted, after.as_ref()).await?;
    let campaigns = super::store::campaigns(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::text("Lead"),
        Column::text("Campaign"),
        Column::text("Channel"),
        Column::text("Words"),
        Column::text("By"),
    ];
    let table = Table::new("Activities", columns)
        .rows(page.rows.iter().map(|line| row(line, &wall)))
        .empty(state::empty("Nothing like this happened", "Choose other days, or clear the filter.", None))
        .first(after.as_ref().map(|_| asked.address("")))
        .next(page.next.as_ref().map(|next| asked.address(next.as_str())));
    let body = html! {
        (Heading::new("Activities").crumb("Reports", "/reports").about("Everything that happened, latest first."))
        (filter(&asked, &campaigns))
        (live::region("activities", &asked.address(&asked.after), &["outreach.*"], Card::bare().body(table)))
    };
    cx.page("Activities", body).await
}

/// The words of the vocabulary that people look for.
const ACTIONS: [&str; 17] = [
    "sent",
    "delivered",
    "bounced",
    "complained",
    "replied",
    "classified",
    "reclassified",
    "opted_out",
    "skipped",
    "send_failed",
    "reply_sent",
    "meeting_booked",
    "meeting_cancelled",
    "meeting_held",
    "meeting_missed",
    "deal_opened",
    "deal_moved",
];

fn filter(asked: &Asked, campaigns: &std::collections::BTreeMap<Uuid, String>) -> ui::filter::Filter {
    let any = |label: &str| vec![Choice::new("", label)];
    let mut actions = any("Anything");
    if !asked.action.is_empty() && !ACTIONS.contains(&asked.action.as_str()) {
        actions.push(Choice::new(&asked.action, words(&asked.action)));
    }
    actions.extend(ACTIONS.map(|word| Choice::new(word, words(word))));
    let channels = any("Any").into_iter().chain(Channel::ALL.map(|c| Choice::new(c.word(), c.label())));
    let names =
        any("Any").into_iter().chain(campaigns.iter().map(|(id, name)| Choice::new(id.to_string(), name)));
    ui::filter::Filter::new(HERE)
        .field(Field::select("action", "What", actions).value(&asked.action))
        .field(Field::select("channel", "Channel", channels).value(&asked.channel))
        .field(Field::select("campaign", "Campaign", names).value(&asked.campaign))
        .field(Field::line(Input::Date, "from", "From").value(&asked.from))
        .field(Field::line(Input::Date, "to", "Until").value(&asked.to))
        .hidden("intent", &asked.intent)
        .hidden("lead", &asked.lead)
        .active(asked.is_filtered())
}

fn row(line: &Line, wall: &Wall) -> Row {
    let action = serde_json::to_value(line.action).ok();
    let word = action.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    Row::new()
        .id(format!("act-{}", line.id))
        .cell(wall.moment(line.at))
        .cell(html! { (words(word)) @if let Some(intent) = &line.intent { " " (tag(Tone::Cool, words(intent))) } })
        .cell(link("/leads", line.lead_id, &line.lead))
        .cell(link("/campaigns", line.campaign_id, line.campaign.as_deref().unwrap_or_default()))
        .maybe(line.channel.map(Channel::label))
        .cell(&line.preview)
        .cell(line.actor.split(':').next().unwrap_or_default())
}

fn link(path: &str, id: Option<Uuid>, name: &str) -> Markup {
    match id {
        Some(id) => {
            html! { a href=(format!("{path}/{id}")) { @if name.is_empty() { "open" } @else { (name) } } }
        }
        None => html! { span.quiet aria-label="unknown" { "–" } },
    }
}
