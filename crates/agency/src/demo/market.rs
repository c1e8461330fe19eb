//! The outside world: takes what was sent, and lets prospects and their servers react. Reactions are
//! jobs at virtual times; they come in the way the built-in mail sink's answers do, as raw mail.

use super::{
    moods::{self, Prospect, Reaction},
    setup::Ready,
    stage::Stage,
};
use base::{Actor, EmailAddress, Error, Random, Result, Time, Zone};
use db::{Caller, Scope};
use jiff::ToSpan;
use jobs::{Job, Options, Registry, Run};
use meetings::meeting;
use outreach::sink::{self, LetterId};
use ports::email::Outgoing;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Adds what only a simulated world does.
pub(super) fn register(registry: &mut Registry) {
    registry.register::<React>(());
    registry.register::<Book>(());
    registry.register::<Rethink>(());
}

/// Who will not answer another message of the sequence.
#[derive(Default)]
pub(super) struct Market {
    done: BTreeSet<(Uuid, String)>,
    answered: BTreeSet<(Uuid, String)>,
}

/// A letter with the prospect whom it reached.
struct Arrived {
    letter: LetterId,
    tenant: Uuid,
    step: Option<i16>,
    lead: Uuid,
    email: String,
    first_name: String,
    name: String,
    title: String,
    tier: String,
    email_state: String,
    zone: String,
    message_id: String,
    at: Time,
}

impl Market {
    /// Takes what was sent since the last time and plans what comes back.
    pub async fn read(&mut self, stage: &Stage, clients: &[Ready]) -> Result<()> {
        let delivered = stage.world.email.take();
        if delivered.is_empty() {
            return Ok(());
        }
        let mut mails: BTreeMap<String, Outgoing> = BTreeMap::new();
        for one in delivered {
            let id = one.mail.message_id.as_str().trim_matches(['<', '>']).to_owned();
            let kept = sink::Kept {
                from: Some(one.mail.from.address.as_str().to_owned()),
                to: one.mail.to.iter().map(|to| to.as_str().to_owned()).collect(),
                message_id: Some(id.clone()),
                username: clients
                    .iter()
                    .find(|client| client.spec.domain == one.mail.from.address.domain())
                    .map(|client| format!("tenant-{}", client.tenant)),
                received_at: one.at,
                raw: vendors::email::write(&one.mail)?,
            };
            sink::store(&stage.house.db, kept).await?;
            mails.insert(id, one.mail);
        }
        let ids: Vec<String> = mails.keys().cloned().collect();
        for arrived in arrived(stage, &ids).await? {
            let Some(mail) = mails.get(&arrived.message_id) else { continue };
            let Some(client) = clients.iter().find(|c| c.tenant.uuid() == arrived.tenant) else { continue };
            self.one(stage, client, &arrived, mail).await?;
        }
        Ok(())
    }

    async fn one(&mut self, stage: &Stage, client: &Ready, a: &Arrived, mail: &Outgoing) -> Result<()> {
        let zone = Zone::named(&a.zone)?;
        let p = Prospect {
            email: &a.email,
            first_name: &a.first_name,
            title: &a.title,
            tier: &a.tier,
            email_state: &a.email_state,
            zone: &zone,
        };
        let sender = mail.from.name.split(' ').next().unwrap_or_default();
        let who = (a.tenant, a.email.clone());
        if let Some(step) = a.step {
            if self.done.contains(&who) {
                return Ok(());
            }
            let message = moods::Message { sender, step, appeal: client.spec.appeal, at: a.at };
            if let Some((reaction, at)) = moods::of(stage.seed, &p, &message) {
                if ends(&reaction) {
                    self.done.insert(who);
                }
                react(stage, client, a.letter, reaction, at).await?;
            }
            return Ok(());
        }
        if mail.calendar.is_none() && mail.text.contains("/book/") {
            let missed = mail.text.contains("We did not manage to meet");
            if let Some(at) = moods::to_offer(stage.seed, &p, a.at, missed) {
                let book = Book {
                    lead: a.lead,
                    name: a.name.clone(),
                    email: a.email.clone(),
                    zone: a.zone.clone(),
                    seed: stage.seed,
                };
                enqueue(stage, client, &book, at).await?;
            }
        } else if mail.calendar.is_none()
            && self.answered.insert(who)
            && let Some((reaction, at)) = moods::to_answer(stage.seed, &p, sender, a.at)
        {
            react(stage, client, a.letter, reaction, at).await?;
        }
        Ok(())
    }
}

/// Whether nothing more comes from them by themselves.
fn ends(reaction: &Reaction) -> bool {
    match reaction {
        Reaction::Says(words) => !super::phrases::AWAY.iter().any(|away| words.starts_with(away)),
        Reaction::Bounces | Reaction::Complains => true,
        Reaction::Away | Reaction::Full => false,
    }
}

/// The letters with these Message-IDs that reached a lead.
async fn arrived(stage: &Stage, ids: &[String]) -> Result<Vec<Arrived>> {
    let mut cx = stage.house.db.system("demo").await?;
    let rows = sqlx::query_as!(
        Arrived,
        r#"select s.id as "letter: LetterId", s.tenant_id as "tenant!", t.step_number as "step?", l.id as lead, l.email as "email!",
                  coalesce(l.first_name, '') as "first_name!", trim(concat_ws(' ', l.first_name, l.last_name)) as "name!",
                  coalesce(l.title, '') as "title!", coalesce(l.tier::text, '') as "tier!", l.email_state::text as "email_state!",
                  coalesce(l.zone, n.zone) as "zone!", s.message_id as "message_id!", s.at
           from outreach.sink_message s
           join accounts.tenant n on n.id = s.tenant_id
           join leads.lead l on l.tenant_id = s.tenant_id and l.email = lower(s.rcpt_to[1]) and l.deleted_at is null
           left join outreach.touch t on t.id = s.touch_id
           where s.message_id = any($1)
           order by s.at, s.id"#,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    cx.rollback().await?;
    Ok(rows)
}

async fn react(stage: &Stage, client: &Ready, letter: LetterId, reaction: Reaction, at: Time) -> Result<()> {
    enqueue(stage, client, &React { letter, reaction }, at).await
}

/// What a prospect does, at its time.
async fn enqueue<J: Job>(stage: &Stage, client: &Ready, job: &J, at: Time) -> Result<()> {
    let caller = Caller { actor: Actor::Prospect, ..Caller::system("demo", &stage.house.db) };
    let mut cx = stage.house.db.begin(Scope::Tenant(client.tenant), caller).await?;
    jobs::enqueue_with(&mut cx, job, Options { at: Some(at), ..Options::default() }).await?;
    cx.commit().await
}

/// A prospect or their server answers a letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct React {
    letter: LetterId,
    reaction: Reaction,
}

impl Job for React {
    const KIND: &'static str = "demo.react";
    const QUEUE: &'static str = "inbox";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let act = match self.reaction {
            Reaction::Says(words) => sink::Act::Say(words),
            Reaction::Away => sink::Act::Away,
            Reaction::Bounces => sink::Act::Bounce,
            Reaction::Full => sink::Act::SoftBounce,
            Reaction::Complains => sink::Act::Complain,
        };
        let mut cx = run.begin().await?;
        let letter = sink::get(&mut cx, self.letter).await?;
        sink::act(&mut cx, &letter, &act).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// A prospect opens the booking page and takes a free time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Book {
    lead: Uuid,
    name: String,
    email: String,
    zone: String,
    seed: u64,
}

/// Times that somebody tries before giving up.
const TRIES_MAX: usize = 60;

impl Job for Book {
    const KIND: &'static str = "demo.book";
    const QUEUE: &'static str = "inbox";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let page = meeting::page(&mut cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
        let random = moods::chance(self.seed, &self.email, "book");
        for starts_at in wishes(&page, &random, cx.now()) {
            let booking = meeting::Booking {
                name: self.name.clone(),
                email: EmailAddress::parse(&self.email)?,
                zone: Zone::named(&self.zone)?,
                starts_at,
                note: String::new(),
                lead: Some(self.lead),
            };
            match meeting::book(&mut cx, &page, &booking).await {
                Ok(booked) => {
                    if random.between(1, 100) <= 14 {
                        let rethink = Rethink { token: booked.token, cancels: random.between(1, 2) == 1 };
                        let at = cx.now().plus_s(random.between(1_800, 12_000));
                        jobs::enqueue_with(&mut cx, &rethink, Options { at: Some(at), ..Options::default() })
                            .await?;
                    }
                    break;
                }
                // Somebody else has it: the next one.
                Err(error) if error.code() == "meeting.taken" => {}
                Err(error) => return Err(error),
            }
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// The times that somebody would take, in the order of liking: the coming days, each from an hour of
/// their choice on.
fn wishes(page: &meeting::Page, random: &Random, now: Time) -> Vec<Time> {
    let today = now.in_zone(&page.zone).date();
    let first = random.between(1, 4);
    let mut all = Vec::new();
    for ahead in first..first + 8 {
        let Ok(date) = today.checked_add(ahead.days()) else { break };
        let mut times: Vec<Time> = Vec::new();
        for (from, until) in page.hours.spans(date.weekday()) {
            let mut minute = i64::from(*from);
            while minute + i64::from(page.minutes) <= i64::from(*until) {
                if let Ok(midnight) = date.to_zoned(page.zone.tz()) {
                    times.push(Time::new(midnight.timestamp()).plus_s(minute * 60));
                }
                minute += i64::from(page.minutes);
            }
        }
        if let Ok(count) = i64::try_from(times.len())
            && count > 0
        {
            times.rotate_left(usize::try_from(random.between(0, count - 1)).unwrap_or(0));
        }
        all.extend(times);
    }
    all.truncate(TRIES_MAX);
    all
}

/// A guest moves or cancels a meeting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rethink {
    token: String,
    cancels: bool,
}

impl Job for Rethink {
    const KIND: &'static str = "demo.rethink";
    const QUEUE: &'static str = "inbox";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let found = meeting::by_token(&mut cx, &self.token).await?;
        if found.status != meeting::Status::Booked {
            return Ok(());
        }
        if self.cancels {
            meeting::cancel(&mut cx, &found, "cancelled by the guest").await?;
        } else {
            let page = meeting::page(&mut cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
            let random = moods::chance(0, &found.guest_email, "move");
            for starts_at in wishes(&page, &random, found.starts_at) {
                match meeting::reschedule(&mut cx, &found, starts_at).await {
                    Ok(()) => break,
                    Err(error) if error.code() == "meeting.taken" => {}
                    Err(error) => return Err(error),
                }
            }
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}
