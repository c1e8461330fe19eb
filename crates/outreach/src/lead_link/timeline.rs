//! A lead's way through campaigns, and everything that happened, newest first.

use crate::{activity::Action, channel::Channel};
use base::{Result, Time, Zone};
use db::Cx;
use leads::lead::LeadId;
use maud::{Markup, html};
use ui::prelude::*;

/// Entries shown; the whole history is on the activities page.
const ENTRIES_MAX: i64 = 50;

/// The part of the lead's page that outreach fills.
pub(super) async fn of_lead(cx: &mut Cx, lead: LeadId) -> Result<Markup> {
    let tenant = cx.tenant()?.uuid();
    let zone = sqlx::query_scalar!("select zone from accounts.tenant where id = $1", tenant)
        .fetch_one(cx.conn())
        .await?;
    let wall = Wall::new(cx.now(), Zone::named(&zone)?);
    let campaigns = sqlx::query!(
        r#"select c.id, c.name, e.status::text as "status!", e.status_reason, e.next_step, e.next_due_at, e.paused_until
           from outreach.enrolment e join outreach.campaign c on c.id = e.campaign_id
           where e.tenant_id = $1 and e.lead_id = $2 order by e.created_at desc"#,
        tenant,
        lead.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    let happened = sqlx::query!(
        r#"select a.at, a.action as "action: Action", a.channel as "channel: Channel", a.actor, a.preview, t.id as "thread?"
           from outreach.activity a
           left join outreach.thread t on t.tenant_id = $1 and t.id = (a.detail ->> 'thread_id')::uuid
           where a.tenant_id = $1 and a.lead_id = $2 order by a.at desc, a.id desc limit $3"#,
        tenant,
        lead.uuid(),
        ENTRIES_MAX
    )
    .fetch_all(cx.conn())
    .await?;
    let names = web::actor::names(cx, happened.iter().map(|row| row.actor.as_str())).await?;
    let due = |at: Option<Time>| html! { @if let Some(at) = at { (wall.relative(at)) } @else { "–" } };
    let mut places = Table::new(
        "Campaigns of this lead",
        [Column::text("Campaign"), Column::text("State"), Column::number("Next step"), Column::text("Due")],
    )
    .empty(state::empty("In no campaign", "Add the lead to a campaign from the list of leads.", None));
    for row in &campaigns {
        places = places.row(
            Row::new()
                .link(&row.name, &format!("/campaigns/{}", row.id))
                .cell(html! { (row.status) @if let Some(why) = &row.status_reason { br; span.muted { (why) } } })
                .cell(row.next_step)
                .cell(due(row.next_due_at.or(row.paused_until))),
        );
    }
    let history = html! {
        @if happened.is_empty() {
            (state::empty("Nothing happened yet", "Messages, replies and meetings stand here as they happen.", None))
        } @else {
            ul.feed {
                @for row in &happened {
                    li {
                        (wall.moment(row.at))
                        span {
                            b { (word(row.action)) }
                            @if let Some(channel) = row.channel { " · " (channel.label()) }
                            @if !row.preview.is_empty() { br; (row.preview) }
                            @if let Some(thread) = row.thread { " " a href={ "/inbox/" (thread) } { "Open the conversation" } }
                            br; span.muted { (names.of(&row.actor)) }
                        }
                    }
                }
            }
        }
    };
    let address = crate::postal::get(cx, lead.uuid()).await?;
    let all = format!("/activities?lead={lead}");
    Ok(html! {
        (Card::new("Campaigns").body(places).foot(html! {
            @match &address { Some(at) => { "Postcards go to " (at.line()) ". " }, None => { "No postal address is known. " } }
            a href=(format!("/leads/{lead}/address")) { "Postal address" }
        }))
        (Card::new("Timeline").link("All", &all).padded(history))
    })
}

/// What people call what happened.
fn word(action: Action) -> &'static str {
    match action {
        Action::Enrolled => "Joined a campaign",
        Action::Drafted => "Drafted",
        Action::ApprovalRequested => "Approval asked",
        Action::Approved => "Approved",
        Action::Rejected => "Rejected",
        Action::Skipped => "Skipped",
        Action::Sent => "Sent",
        Action::SendFailed => "Sending failed",
        Action::Delivered => "Delivered",
        Action::Bounced => "Bounced",
        Action::Complained => "Complained",
        Action::Replied => "Replied",
        Action::Classified => "Understood",
        Action::Reclassified => "Corrected",
        Action::OptedOut => "Opted out",
        Action::Paused => "Paused",
        Action::Resumed => "Resumed",
        Action::Stopped => "Stopped",
        Action::Finished => "Finished",
        Action::ReplyDrafted => "Answer drafted",
        Action::ReplySent => "Answer sent",
        Action::MeetingOffered => "Meeting offered",
        Action::MeetingBooked => "Meeting booked",
        Action::MeetingRescheduled => "Meeting moved",
        Action::MeetingCancelled => "Meeting cancelled",
        Action::MeetingHeld => "Meeting held",
        Action::MeetingMissed => "Meeting missed",
        Action::DealOpened => "Deal opened",
        Action::DealMoved => "Deal moved",
        Action::Scored => "Scored",
        Action::Enriched => "Enriched",
        Action::Imported => "Imported",
        Action::Noted => "Noted",
        Action::Opened => "Opened",
        Action::Clicked => "Followed a link",
        Action::Connected => "Connected on LinkedIn",
        Action::Called => "Called",
        Action::Mailed => "Posted",
        Action::Undelivered => "Not delivered",
        Action::TaskAsked => "Task for a person",
        Action::TaskDone => "Task done",
        Action::Jumped => "Step passed over",
    }
}
