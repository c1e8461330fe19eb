//! Messages that left are read once, for their traits, in the order in which they left.

use super::frame::{self, For, Window};
use super::shape::{Way, Words, traits};
use base::{Result, TenantId, Time};
use db::{Caller, Cx, Db, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use outreach::channel::Channel;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Messages that are written at once.
const BATCH: usize = 5_000;
/// Messages that are read together, about: whole days.
const SLICE: i64 = 30_000;
/// Spans that are read at once.
const READERS: usize = 2;
/// Days in which the message before is looked for.
const BEFORE_DAYS: i64 = 30;

struct Message {
    id: Uuid,
    lead_id: Uuid,
    campaign_id: Uuid,
    channel: Channel,
    step_number: i16,
    sent_at: Time,
    hour: Option<i16>,
    weekday: Option<i16>,
    subject: Option<String>,
    body: Option<String>,
    facts: serde_json::Value,
    first_name: Option<String>,
    company_name: Option<String>,
    industry: Option<String>,
}

/// What was read before a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// Messages that were read for the first time.
    pub messages: usize,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// Reads what left in the window of a run and was not read before, in short transactions of some days each. What a
/// killed run has read stays read.
///
/// # Errors
/// What the database says.
pub async fn read(db: &Db, caller: &Caller, tenant: TenantId, as_of: Time) -> Result<Read> {
    let began = db.clock().now();
    let mut cx = db.begin(Scope::Tenant(tenant), caller.clone()).await?;
    frame::settle(&mut cx).await?;
    let spans = unread(&mut cx, Window { as_of }.from(), as_of).await?;
    cx.commit().await?;
    let messages = stream::iter(spans)
        .map(|(from, to)| async move {
            let mut cx = db.begin(Scope::Tenant(tenant), caller.clone()).await?;
            let read = span(&mut cx, from, to).await?;
            cx.commit().await?;
            Result::<u64>::Ok(read)
        })
        .buffer_unordered(READERS)
        .try_fold(0, |sum, read| async move { Result::Ok(sum + read) })
        .await?;
    let messages = usize::try_from(messages).unwrap_or(usize::MAX);
    Ok(Read { messages, took_ms: db.clock().now().ms() - began.ms() })
}

/// Reads the messages of whole days; how many had not been read.
async fn span(cx: &mut Cx, from: Time, to: Time) -> Result<u64> {
    frame::settle(cx).await?;
    // The spans beside this one are the parallel work.
    sqlx::query!("select set_config('max_parallel_workers_per_gather', '0', true) as workers")
        .fetch_one(cx.conn())
        .await?;
    let mut last = last(cx, from).await?;
    let messages = slice(cx, from, to).await?;
    let kinds = kinds(cx, &messages).await?;
    frame::plan(cx, For::Writing).await?;
    let mut read = 0;
    for batch in messages.chunks(BATCH) {
        read += write(cx, batch, &kinds, &mut last).await?;
    }
    Ok(read)
}

/// When each lead was last written to within [`BEFORE_DAYS`].
async fn last(cx: &mut Cx, until: Time) -> Result<HashMap<Uuid, Time>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select lead_id, max(sent_at) as "at!: Time" from outreach.touch
           where tenant_id = $1 and sent_at >= $2 and sent_at < $3 group by lead_id"#,
        tenant,
        until.plus_days(-BEFORE_DAYS) as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.lead_id, row.at)).collect())
}

/// Writes a message down; how many days after the one before it left, if that is known.
fn gap_days(last: &mut HashMap<Uuid, Time>, lead: Uuid, sent_at: Time) -> Option<i64> {
    let days = sent_at.since_s(last.insert(lead, sent_at)?) / 86_400;
    (days < BEFORE_DAYS).then_some(days)
}

/// Spans of whole days that hold messages which were not read, each of about [`SLICE`] messages.
async fn unread(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<(Time, Time)>> {
    let tenant = cx.tenant()?.uuid();
    let days = sqlx::query!(
        r#"select date_trunc('day', t.sent_at, 'UTC') as "day!", count(*) as "count!"
           from outreach.touch t
           where t.tenant_id = $1 and t.sent_at >= $2 and t.sent_at < $3
             and t.id not in (select s.touch_id from insight.sent s where s.tenant_id = $1 and s.sent_at >= $2 and s.sent_at < $3)
           group by 1 order by 1"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut slices: Vec<(Time, Time, i64)> = Vec::new();
    for day in days {
        // The end of the day, or of the window.
        let next = day.day.plus_days(1).min(to);
        match slices.last_mut() {
            Some((_, until, sum)) if *until == day.day && *sum + day.count <= SLICE => {
                (*until, *sum) = (next, *sum + day.count);
            }
            _ => slices.push((day.day.max(from), next, day.count)),
        }
    }
    Ok(slices.into_iter().map(|(from, to, _)| (from, to)).collect())
}

async fn slice(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<Message>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Message,
        r#"with clock as (
             select touch_id, lead_hour, lead_weekday from outreach.activity
             where tenant_id = $1 and at >= $2 and at < $3 and action = 'sent' and touch_id is not null)
           select t.id, t.lead_id, t.campaign_id, t.channel as "channel: Channel", t.step_number, t.sent_at as "sent_at!",
                  c.lead_hour as "hour?", c.lead_weekday as "weekday?", t.subject, t.body, t.facts,
                  l.first_name, l.company_name, l.industry
           from outreach.touch t
           join leads.lead l on l.tenant_id = $1 and l.id = t.lead_id
           left join clock c on c.touch_id = t.id
           where t.tenant_id = $1 and t.sent_at >= $2 and t.sent_at < $3
           order by t.sent_at, t.id"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The ids of the facts that carry a message.
fn fact_ids(facts: &serde_json::Value) -> impl Iterator<Item = Uuid> + '_ {
    let list = facts.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|fact| fact["id"].as_str()?.parse().ok())
}

/// The kinds of all facts that these messages used.
async fn kinds(cx: &mut Cx, messages: &[Message]) -> Result<BTreeMap<Uuid, String>> {
    let mut ids: Vec<Uuid> = messages.iter().flat_map(|message| fact_ids(&message.facts)).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tenant = cx.tenant()?.uuid();
    let rows =
        sqlx::query!("select id, kind from leads.fact where tenant_id = $1 and id = any($2)", tenant, &ids)
            .fetch_all(cx.conn())
            .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}

/// Keeps the traits of messages; those that were read before stay as they are. Returns how many were not.
async fn write(
    cx: &mut Cx,
    batch: &[Message],
    kinds: &BTreeMap<Uuid, String>,
    last: &mut HashMap<Uuid, Time>,
) -> Result<u64> {
    let tenant = cx.tenant()?.uuid();
    let (mut ids, mut leads, mut campaigns, mut channels, mut sent, mut codes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for message in batch {
        let facts: Vec<String> = fact_ids(&message.facts).filter_map(|id| kinds.get(&id).cloned()).collect();
        let words = Words {
            subject: message.subject.as_deref().unwrap_or_default(),
            body: message.body.as_deref().unwrap_or_default(),
            first_name: message.first_name.as_deref(),
            company: message.company_name.as_deref(),
            industry: message.industry.as_deref(),
            facts: &facts,
        };
        let way = Way {
            channel: message.channel,
            number: message.step_number,
            weekday: message.weekday,
            hour: message.hour,
            gap_days: gap_days(last, message.lead_id, message.sent_at),
        };
        let found: Vec<String> = traits(&words, way).iter().map(ToString::to_string).collect();
        ids.push(message.id);
        leads.push(message.lead_id);
        campaigns.push(message.campaign_id);
        channels.push(message.channel);
        sent.push(message.sent_at);
        codes.push(format!("{{{}}}", found.join(",")));
    }
    let kept = sqlx::query!(
        "insert into insight.sent (touch_id, tenant_id, lead_id, campaign_id, channel, sent_at, traits)
         select n.id, $1, n.lead, n.campaign, n.channel, n.at, n.codes::smallint[]
         from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::outreach.channel[], $6::timestamptz[], $7::text[])
           as n (id, lead, campaign, channel, at, codes)
         on conflict (touch_id) do nothing",
        tenant,
        &ids,
        &leads,
        &campaigns,
        &channels as &[Channel],
        &sent as &[Time],
        &codes,
    )
    .execute(cx.conn())
    .await?;
    Ok(kept.rows_affected())
}
