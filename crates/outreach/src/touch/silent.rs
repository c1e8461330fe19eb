//! Calls and letters about which their provider says nothing. Not every provider repeats its webhooks, so
//! that whatever was handed over and has no end is asked for after a silence, by the provider's name for it or
//! by our id. What the provider answers is kept as if it had reported it itself: it goes through the inbox, so
//! that it has the effects of a report, once, and a report that comes later finds nothing left to do.
//!
//! Places are taken first (with the instant of the next look), then everything is read, then the providers are
//! asked with no transaction open; each answer is kept in a transaction of its own.

use super::{
    TouchId,
    decide::{Intent, Packer},
    load,
    send::Sender,
};
use crate::{account::receive, channel::Channel};
use base::{Error, Result, TenantId, Time, Zone};
use db::{Cx, Scope};
use futures::{StreamExt, stream};
use jobs::{
    Job, Options, Registry, Retry, Run,
    schedule::{Misfire, Schedule},
};
use ports::delivery::{Event, Provider, What};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Asked for in one run of a tenant at most; the next run goes on.
const ASKED_MAX: i64 = 50;
/// Asked for at the same time.
const AT_ONCE: usize = 8;
/// Seconds until one is asked for again of which the provider could not be asked.
const AGAIN_S: i64 = 900;
/// Tenants that one sweep starts a run for at most.
const TENANTS_MAX: i64 = 1_000;

/// After which silence something is asked for, as a dated figure.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Silence {
    /// Seconds without a word; also between two looks.
    after_s: i64,
    /// Seconds after the hand-over from which it is given up.
    until_s: i64,
}

/// The instants that decide whether a call and a letter are asked for.
struct Due {
    call_silent: Time,
    call_begun: Time,
    letter_silent: Time,
    letter_begun: Time,
    call: Silence,
    letter: Silence,
}

impl Due {
    async fn read(cx: &mut Cx) -> Result<Self> {
        let call: Silence = control::figure::read(cx, "voice.silence").await?;
        let letter: Silence = control::figure::read(cx, "mail.silence").await?;
        let now = cx.now();
        Ok(Self {
            call_silent: now.plus_s(-call.after_s),
            call_begun: now.plus_s(-call.until_s),
            letter_silent: now.plus_s(-letter.after_s),
            letter_begun: now.plus_s(-letter.until_s),
            call,
            letter,
        })
    }

    /// When one is asked for again that has not ended.
    fn again(&self, channel: Channel, now: Time) -> Time {
        match channel {
            Channel::Mail => now.plus_s(self.letter.after_s),
            Channel::Voice | Channel::Email | Channel::Sms | Channel::Linkedin => {
                now.plus_s(self.call.after_s)
            }
        }
    }
}

/// Tenants of whom something fell silent.
async fn tenants(cx: &mut Cx) -> Result<Vec<TenantId>> {
    let due = Due::read(cx).await?;
    let rows = sqlx::query_scalar!(
        "select distinct tenant_id from outreach.touch
         where state = 'sent' and channel in ('voice', 'mail') and not manual and ended_at is null and outcome_rank < 4
           and (ask_at is null or ask_at <= $1)
           and case channel when 'voice' then greatest(sent_at, outcome_at) <= $2 and sent_at > $3
               else greatest(sent_at, outcome_at) <= $4 and sent_at > $5 end
         limit $6",
        cx.now() as Time,
        due.call_silent as Time,
        due.call_begun as Time,
        due.letter_silent as Time,
        due.letter_begun as Time,
        TENANTS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Takes what fell silent, the longest unasked first: nobody else asks for it meanwhile, and what is not
/// answered is asked for again soon.
async fn take(cx: &mut Cx, due: &Due) -> Result<Vec<TouchId>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query_scalar!(
        "with due as (
           select id from outreach.touch
           where tenant_id = $1 and state = 'sent' and channel in ('voice', 'mail') and not manual and ended_at is null and outcome_rank < 4
             and (ask_at is null or ask_at <= $2)
             and case channel when 'voice' then greatest(sent_at, outcome_at) <= $3 and sent_at > $4
                 else greatest(sent_at, outcome_at) <= $5 and sent_at > $6 end
           order by ask_at nulls first, sent_at limit $7 for update skip locked)
         update outreach.touch t set ask_at = $8 from due where t.id = due.id returning t.id",
        tenant,
        now as Time,
        due.call_silent as Time,
        due.call_begun as Time,
        due.letter_silent as Time,
        due.letter_begun as Time,
        ASKED_MAX,
        now.plus_s(AGAIN_S) as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TouchId).collect())
}

/// One that is asked for.
struct Asked {
    touch: TouchId,
    account: Uuid,
    provider: Provider,
    intent: Intent,
}

/// Reads what the questions need. One that cannot be made is told and left for later.
async fn read(cx: &mut Cx, sender: &Sender, ids: &[TouchId]) -> Result<Vec<Asked>> {
    let (mut packer, mut all) = (Packer::default(), Vec::with_capacity(ids.len()));
    let mut loaded = load::load_all(cx, ids).await?;
    for id in ids {
        let own = loaded.remove(id).unwrap_or_else(|| Err(Error::not_found("touch")));
        let made = match own {
            Ok(own) => match packer.pack(cx, sender, *id, &own).await? {
                Ok(intent) => {
                    whose(&own).map(|(account, provider)| Asked { touch: *id, account, provider, intent })
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match made {
            Ok(asked) => all.push(asked),
            Err(error) => tracing::warn!(touch = %id, %error, "what became of it could not be asked"),
        }
    }
    Ok(all)
}

/// The account over which it was handed over, and whose it is.
fn whose(own: &load::Loaded) -> Result<(Uuid, Provider)> {
    let resource = own.resource.as_deref();
    let resource = resource.ok_or_else(|| Error::internal("A touch was handed over without a sender."))?;
    let account = resource.account.ok_or_else(|| {
        Error::invalid("account.none", "Its sender has no account at a provider that could be asked.")
    })?;
    Ok((account, resource.provider.parse()?))
}

/// Keeps what a provider answered as a report of its own, when it says more than is known; otherwise it is
/// asked for again after another silence.
async fn keep(run: &Run, asked: &Asked, what: Option<What>) -> Result<()> {
    let mut cx = run.db().begin(Scope::Tenant(run.tenant()?), run.caller()).await?;
    let (due, tenant, now) = (Due::read(&mut cx).await?, cx.tenant()?.uuid(), cx.now());
    let known = sqlx::query_scalar!(
        "update outreach.touch set ask_at = $3 where tenant_id = $1 and id = $2 returning outcome_rank",
        tenant,
        asked.touch.uuid(),
        due.again(asked.intent.channel, now) as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let forward = what.filter(|what| what.rank().is_some_and(|rank| i16::from(rank) > known));
    if let Some(what) = forward {
        let event = event(asked, what, now)?;
        let raw = serde_json::to_vec(&event)?;
        receive::keep(&mut cx, asked.provider, asked.account, &event, &raw).await?;
    }
    cx.commit().await
}

/// The report that the provider did not make, or that was lost.
fn event(asked: &Asked, what: What, now: Time) -> Result<Event> {
    let word = serde_json::to_value(&what)?;
    let word = word.get("what").and_then(|word| word.as_str()).unwrap_or("other").to_owned();
    let ended = if let What::CallEnded(end) = &what { end.ended_at } else { None };
    let at = ended.unwrap_or(now);
    let key = format!("asked:{}:{word}", asked.touch);
    Ok(Event { provider: asked.provider, key, at, provider_ref: None, ours: Some(asked.touch.uuid()), what })
}

/// Asks for what fell silent of one tenant.
async fn ask(run: &Run, sender: &Sender) -> Result<()> {
    let mut cx = run.begin().await?;
    let due = Due::read(&mut cx).await?;
    let ids = take(&mut cx, &due).await?;
    cx.commit().await?;
    let mut cx = run.begin().await?;
    let all = read(&mut cx, sender, &ids).await?;
    // The transaction only read; it ends before a provider is asked.
    cx.rollback().await?;
    let mut answers = stream::iter(all)
        .map(|asked| async move {
            let heard = asked.intent.parcel.hear(&sender.ports).await;
            (asked, heard)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((asked, heard)) = answers.next().await {
        match heard {
            Ok(what) => keep(run, &asked, what).await?,
            Err(error) => {
                tracing::warn!(touch = %asked.touch, provider = %asked.provider, %error, "a provider did not say what became of it");
            }
        }
        if run.cancel().is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// Asks the providers of one tenant for what they fell silent about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AskSilent {}

impl Job for AskSilent {
    const KIND: &'static str = "outreach.ask_silent";
    const QUEUE: &'static str = "inbox";
    /// Seven rounds of calls, each with the tries of a provider that answers slowly.
    const TIMEOUT_S: u64 = 900;
    type State = Sender;

    fn retry() -> Retry {
        // The schedule comes again soon.
        Retry::never()
    }

    async fn run(self, run: &Run, sender: &Sender) -> Result<()> {
        ask(run, sender).await
    }
}

/// Starts [`AskSilent`] for every tenant of whom something fell silent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindSilent {}

impl Job for FindSilent {
    const KIND: &'static str = "outreach.find_silent";
    const QUEUE: &'static str = "inbox";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut all = run.begin().await?;
        let tenants = tenants(&mut all).await?;
        all.rollback().await?;
        for tenant in tenants {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            let options = Options { unique_key: Some("silent".to_owned()), ..Options::default() };
            jobs::enqueue_with(&mut cx, &AskSilent {}, options).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Adds these kinds and their schedule.
pub(super) fn register(registry: &mut Registry, sender: Sender) {
    registry.register::<AskSilent>(sender);
    registry.register::<FindSilent>(());
    let sweep =
        Schedule::new("outreach.find_silent", "*/5 * * * *", Zone::utc(), Misfire::Skip, &FindSilent {});
    registry.schedule(sweep.expect("every five minutes is a cron expression"));
}
