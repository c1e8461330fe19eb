//! The decision over a batch: one transaction that locks the touches, asks the gate for each, reserves for
//! those that pass and records their intents; refusals are recorded in the same transaction.
//!
//! Each touch is judged by itself, in the order of the batch: what it reserves is counted before the next
//! one asks, and of a refused one nothing is kept. A touch whose lead somebody else holds at this moment, or
//! whose lead has another touch in the batch, is left out and goes alone afterwards.

use super::{
    State, TouchId,
    gate::{self, Check, Purpose, Skip},
    load::{self, Busy, Loaded},
    outcome, record,
    send::{Handed, Sender},
    store::{self, NewIntent},
};
use crate::{
    account,
    channel::{
        Channel,
        way::{Keys, MailParts, Out, Parcel, Taken},
    },
    resource::{self, Book, Reserve, Reserved, check},
};
use base::{Error, Micros, Result};
use control::budget;
use db::Cx;
use jobs::{Run, lease_lost};
use std::collections::{HashMap, HashSet, hash_map::Entry};
use url::Url;
use uuid::Uuid;

/// A touch of the batch, and the try that hands it off.
#[derive(Clone, Copy)]
pub(super) struct Member<'r> {
    pub touch: TouchId,
    pub run: &'r Run,
}

/// What the call needs, after its intent is recorded.
pub(super) struct Intent {
    pub campaign: Uuid,
    pub channel: Channel,
    pub parcel: Box<dyn Parcel>,
}

/// What was decided about a touch.
pub(super) enum Decided {
    /// Its intent is recorded: call.
    Go(Intent),
    /// An earlier try recorded its intent and vanished: look before anything else.
    Look(Intent),
    /// Nothing more is to be done in this try.
    Settled(Handed),
    /// It goes alone, after the batch.
    Alone,
}

/// Decides about a batch; the answers in its order. An error means that nothing was decided.
pub(super) async fn decide(batch: &[Member<'_>], sender: &Sender) -> Result<Vec<Result<Decided>>> {
    let Some(first) = batch.first() else { return Ok(Vec::new()) };
    let mut cx = first.run.begin().await?;
    store::by_index(&mut cx).await?;
    let mut table = Table::lock(&mut cx, batch).await?;
    if table.open.is_empty() {
        cx.rollback().await?;
        return table.answers();
    }
    let asking = table.screen(&mut cx, sender).await?;
    table.reserve(&mut cx, sender, asking).await?;
    table.write(&mut cx).await?;
    cx.commit().await?;
    table.answers()
}

/// A touch that is decided about: its place in the batch, and what was read of it.
struct Open {
    place: usize,
    state: State,
}

/// A touch that passed what reserves nothing.
struct Asking {
    place: usize,
    loaded: Loaded,
    inputs: gate::Inputs,
}

/// The batch while it is decided.
struct Table<'b, 'r> {
    batch: &'b [Member<'r>],
    answers: Vec<Option<Result<Decided>>>,
    open: Vec<Open>,
    packer: Packer,
    intents: Vec<NewIntent>,
    refused: Vec<(TouchId, Skip)>,
}

impl<'b, 'r> Table<'b, 'r> {
    /// Locks the touches and holds the jobs of those that may leave.
    async fn lock(cx: &mut Cx, batch: &'b [Member<'r>]) -> Result<Self> {
        let ids: Vec<TouchId> = batch.iter().map(|member| member.touch).collect();
        let single = batch.len() == 1;
        let locked = load::lock_all(cx, &ids, if single { Busy::Wait } else { Busy::Skip }).await?;
        let mut leads = HashSet::new();
        let (mut answers, mut open) = (Vec::with_capacity(batch.len()), Vec::new());
        for (place, member) in batch.iter().enumerate() {
            answers.push(match locked.get(&member.touch) {
                None if single => Some(Err(Error::not_found("touch"))),
                None => Some(Ok(Decided::Alone)),
                Some((lead, state)) => match state {
                    State::Approved | State::Sending if !leads.insert(*lead) => Some(Ok(Decided::Alone)),
                    State::Approved | State::Sending => {
                        open.push(Open { place, state: *state });
                        None
                    }
                    State::Planned
                    | State::Written
                    | State::AwaitingApproval
                    | State::Sent
                    | State::Unknown
                    | State::Failed
                    | State::Skipped
                    | State::Cancelled => Some(Ok(Decided::Settled(Handed::NotDue))),
                },
            });
        }
        let mut table = Self {
            batch,
            answers,
            open,
            packer: Packer::default(),
            intents: Vec::new(),
            refused: Vec::new(),
        };
        table.hold(cx).await?;
        Ok(table)
    }

    /// A worker whose lease is gone must not begin an effect.
    async fn hold(&mut self, cx: &mut Cx) -> Result<()> {
        let runs: Vec<&Run> =
            self.open.iter().filter_map(|one| self.batch.get(one.place)).map(|member| member.run).collect();
        let held = Run::hold_all(cx, &runs).await?;
        let (batch, answers) = (self.batch, &mut self.answers);
        self.open.retain(|one| {
            let is_held = batch.get(one.place).is_some_and(|member| held.contains(&member.run.id()));
            if !is_held {
                set(answers, one.place, Err(lease_lost()));
            }
            is_held
        });
        Ok(())
    }

    fn touch(&self, place: usize) -> Result<TouchId> {
        let member = self.batch.get(place);
        member.map(|member| member.touch).ok_or_else(|| Error::internal("A place that is not in the batch."))
    }

    fn answer(&mut self, place: usize, answer: Result<Decided>) {
        set(&mut self.answers, place, answer);
    }

    fn refuse(&mut self, place: usize, skip: Skip) -> Result<()> {
        self.refused.push((self.touch(place)?, skip.clone()));
        self.answer(place, Ok(Decided::Settled(Handed::Refused(skip))));
        Ok(())
    }

    /// The checks that reserve nothing: the first of the gate's order.
    async fn screen(&mut self, cx: &mut Cx, sender: &Sender) -> Result<Vec<Asking>> {
        let open = std::mem::take(&mut self.open);
        let ids: Vec<TouchId> = open.iter().map(|one| self.touch(one.place)).collect::<Result<_>>()?;
        let mut all = load::load_all(cx, &ids).await?;
        let mut asking = Vec::with_capacity(open.len());
        for Open { place, state } in open {
            let id = self.touch(place)?;
            let loaded = match all.remove(&id).unwrap_or_else(|| Err(Error::not_found("touch"))) {
                Ok(loaded) => loaded,
                Err(error) => {
                    self.answer(place, Err(error));
                    continue;
                }
            };
            if state == State::Sending {
                let intent = self.packer.pack(cx, sender, id, &loaded).await?;
                self.answer(place, intent.map(Decided::Look));
                continue;
            }
            if loaded.manual {
                self.done_by_person(cx, place, &loaded).await?;
                continue;
            }
            match screened(cx, &loaded) {
                Ok(Ok(inputs)) => asking.push(Asking { place, loaded, inputs }),
                Ok(Err(skip)) => self.refuse(place, skip)?,
                Err(error) => self.answer(place, Err(error)),
            }
        }
        Ok(asking)
    }

    /// A person did it and said so: what holds of the lead must hold still, and it is recorded as done.
    async fn done_by_person(&mut self, cx: &mut Cx, place: usize, loaded: &Loaded) -> Result<()> {
        let inputs = match loaded.inputs(cx.now(), gate::Resource::Ready, None) {
            Ok(inputs) => inputs,
            Err(error) => {
                self.answer(place, Err(error));
                return Ok(());
            }
        };
        if let Err(skip) = gate::decide(&inputs, Purpose::Task) {
            return self.refuse(place, skip);
        }
        let taken = Taken { response: "done by a person".to_owned(), ..Taken::default() };
        record::done_all(cx, &[(self.touch(place)?, &taken)]).await?;
        self.answer(place, Ok(Decided::Settled(Handed::Sent)));
        Ok(())
    }

    /// What is reserved, then the checks behind it, one touch after the other.
    async fn reserve(&mut self, cx: &mut Cx, sender: &Sender, asking: Vec<Asking>) -> Result<()> {
        if asking.is_empty() {
            return Ok(());
        }
        let asks: Vec<Reserve<'_>> = asking.iter().map(|one| ask(&one.loaded)).collect();
        let of: Vec<_> =
            asking.iter().zip(&asks).map(|(one, ask)| (one.loaded.limits.as_ref(), ask)).collect();
        let mut book = Book::open(cx, &of).await?;
        for (one, ask) in asking.iter().zip(&asks) {
            let answer = match book.answer(cx.random(), &one.loaded.limits, ask) {
                Ok(answer) => answer,
                Err(error) => {
                    self.answer(one.place, Err(error));
                    continue;
                }
            };
            match &answer.reserved {
                Reserved::No(code, detail, retry_at) => {
                    let (code, retry_at) = (*code, *retry_at);
                    let skip = Skip { check: Check::Resource, code, detail: detail.clone(), retry_at };
                    self.refuse(one.place, skip)?;
                }
                Reserved::Slot(at) => {
                    // The sender keeps this slot for the touch.
                    book.keep(ask, &answer);
                    let detail = format!("The sender is free again at {at}.");
                    self.refuse(one.place, Skip::until(Check::Resource, resource::PACED, detail, *at))?;
                }
                Reserved::Yes(held) => {
                    if self.let_go(cx, sender, one, held.clone()).await? {
                        book.keep(ask, &answer);
                    }
                }
            }
        }
        book.close(cx).await
    }

    /// Money, the rest of the gate, and the intent of a touch for which there is capacity; false when it
    /// does not go.
    async fn let_go(
        &mut self,
        cx: &mut Cx,
        sender: &Sender,
        one: &Asking,
        held: Vec<store::Held>,
    ) -> Result<bool> {
        let id = self.touch(one.place)?;
        let spend = match set_aside(cx, &one.loaded, &one.inputs).await? {
            Ok(spend) => spend,
            Err(skip) => {
                self.refuse(one.place, skip)?;
                return Ok(false);
            }
        };
        let intent = match self.packer.pack(cx, sender, id, &one.loaded).await? {
            Ok(intent) => intent,
            Err(error) => {
                if spend.is_some() {
                    unspend(cx).await?;
                }
                self.answer(one.place, Err(error));
                return Ok(false);
            }
        };
        let Some(member) = self.batch.get(one.place) else { return Ok(false) };
        let (job, attempt) = (member.run.id(), member.run.attempt());
        self.intents.push(NewIntent { touch: id, capacity: held, spend, job, attempt });
        self.answer(one.place, Ok(Decided::Go(intent)));
        Ok(true)
    }

    /// The jobs of those for whom nothing is left to do end with the decision, so that what it starts for
    /// them (a stale draft is written again) finds their places free.
    async fn write(&mut self, cx: &mut Cx) -> Result<()> {
        store::record_intents(cx, &self.intents).await?;
        outcome::refused_all(cx, &self.refused).await?;
        let through = self.batch.iter().zip(&self.answers).filter(|(_, answer)| match answer {
            Some(Ok(Decided::Settled(Handed::Sent))) => true,
            Some(Ok(Decided::Settled(Handed::Refused(skip)))) => skip.retry_at.is_none(),
            Some(Ok(
                Decided::Settled(Handed::Ended(_) | Handed::TryAgain(_) | Handed::NotDue)
                | Decided::Go(_)
                | Decided::Look(_)
                | Decided::Alone,
            ))
            | Some(Err(_))
            | None => false,
        });
        let runs: Vec<&Run> = through.map(|(member, _)| member.run).collect();
        Run::complete_all(cx, &runs).await?;
        Ok(())
    }

    fn answers(self) -> Result<Vec<Result<Decided>>> {
        let undecided = || Err(Error::internal("A touch of the batch was not decided."));
        Ok(self.answers.into_iter().map(|answer| answer.unwrap_or_else(undecided)).collect())
    }
}

fn set(answers: &mut [Option<Result<Decided>>], place: usize, answer: Result<Decided>) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

/// The gate up to the resource: its inputs when it passes.
fn screened(cx: &Cx, loaded: &Loaded) -> Result<Result<gate::Inputs, Skip>> {
    let now = cx.now();
    let inputs = loaded.inputs(now, gate::Resource::Ready, None)?;
    if let Err(skip) = gate::before_reserving(&inputs, Purpose::Send) {
        return Ok(Err(skip));
    }
    let Some(own) = loaded.resource.as_ref() else {
        return Ok(Err(Skip::never(Check::Resource, "none", "No sending identity is assigned.")));
    };
    if let Some(why) = check::unready(own, loaded.limits.dns_days()?, now) {
        let again = loaded.window().next_open(now.plus_s(3_600));
        return Ok(Err(Skip { check: Check::Resource, code: "dns", detail: why, retry_at: again }));
    }
    Ok(Ok(inputs))
}

fn ask(loaded: &Loaded) -> Reserve<'_> {
    Reserve {
        // The screening refused those without a sender.
        resource: loaded.resource.as_ref().map_or(Uuid::nil(), |own| own.id.uuid()),
        campaign: loaded.campaign_id,
        campaign_daily: loaded.daily_limit,
        slot_at: loaded.slot_at,
        window: loaded.window(),
        form: loaded.form,
        channel_daily: loaded.channel_daily,
    }
}

/// Money for one message over an account at a provider (a server of one's own costs nothing a message), and
/// the checks behind it. A refusal leaves nothing set aside.
async fn set_aside(
    cx: &mut Cx,
    loaded: &Loaded,
    inputs: &gate::Inputs,
) -> Result<Result<Option<Uuid>, Skip>> {
    let after = gate::after_reserving(inputs, Purpose::Send);
    let micros = loaded.limits.cost(loaded.channel)?;
    let Some(own) = loaded.resource.as_ref().filter(|own| own.account.is_some() && micros != Micros(0))
    else {
        return Ok(after.map(|()| None));
    };
    let estimate = budget::Estimate {
        agent: "outreach",
        task: "outreach.send",
        provider: &own.provider,
        model: None,
        unit: "messages",
        units: 1,
        micros,
        campaign: Some(loaded.campaign_id),
        lead: Some(loaded.lead_id),
    };
    sqlx::query("savepoint spend").execute(cx.conn()).await?;
    let answer = match budget::reserve(cx, &estimate).await {
        Ok(reservation) => after.map(|()| Some(reservation.id.uuid())),
        Err(error) if error.code() == "budget.exhausted" || error.code() == "budget.unreadable" => {
            let again = cx.now().plus_s(BUDGET_AGAIN_S);
            Err(Skip::until(Check::Budget, "exhausted", error.message(), again))
        }
        Err(error) => return Err(error),
    };
    if answer.is_err() {
        unspend(cx).await?;
    }
    Ok(answer)
}

/// Takes the last reservation of money back as if it had not been made.
async fn unspend(cx: &mut Cx) -> Result<()> {
    sqlx::query("rollback to savepoint spend").execute(cx.conn()).await?;
    Ok(())
}

/// How soon a message that found no money is looked at again.
const BUDGET_AGAIN_S: i64 = 1_800;

/// Makes parcels; secrets are opened once for a sender.
#[derive(Default)]
pub(super) struct Packer {
    keys: HashMap<Uuid, Keys>,
    reports: HashMap<Uuid, Url>,
}

impl Packer {
    /// What the call needs. The outer error is the transaction's, the inner one the touch's own.
    pub(super) async fn pack(
        &mut self,
        cx: &mut Cx,
        sender: &Sender,
        id: TouchId,
        loaded: &Loaded,
    ) -> Result<Result<Intent>> {
        let Some(own) = loaded.resource.as_deref() else {
            return Ok(Err(Error::internal("A touch without a sender passed the gate.")));
        };
        if let Err(error) = self.open(cx, sender, own).await {
            return if error.kind() == base::Kind::Unavailable { Err(error) } else { Ok(Err(error)) };
        }
        let none = Keys::default();
        let keys = self.keys.get(&own.id.uuid()).unwrap_or(&none);
        let report_to = own.account.and_then(|used| self.reports.get(&used).cloned());
        Ok(packed(cx, sender, id, loaded, own, keys, report_to))
    }

    async fn open(&mut self, cx: &mut Cx, sender: &Sender, own: &resource::Resource) -> Result<()> {
        if let Entry::Vacant(unknown) = self.keys.entry(own.id.uuid()) {
            unknown.insert(resource::keys(cx, &sender.keyring, own).await?);
        }
        if let Some(used) = own.account
            && !self.reports.contains_key(&used)
        {
            let account = account::get(cx, used).await?;
            let report_to = account::report_to(cx, &sender.keyring, &sender.origin, &account).await?;
            self.reports.insert(used, report_to);
        }
        Ok(())
    }
}

fn packed(
    cx: &Cx,
    sender: &Sender,
    id: TouchId,
    loaded: &Loaded,
    own: &resource::Resource,
    keys: &Keys,
    report_to: Option<Url>,
) -> Result<Intent> {
    let content =
        loaded.content.as_ref().ok_or_else(|| Error::internal("A touch without content passed the gate."))?;
    let link = |path: String| {
        format!("{}{path}", sender.origin).parse().map_err(|cause: url::ParseError| {
            Error::invalid("public_url", "The public URL in the settings is not a URL.").caused_by(cause)
        })
    };
    let mail = MailParts {
        message_id: loaded.message_id.clone(),
        in_reply_to: loaded.in_reply_to.clone(),
        refs: loaded.refs.clone(),
        unsubscribe: loaded
            .unsubscribe_token
            .as_ref()
            .map(|token| link(format!("/u/{token}")))
            .transpose()?,
        track: loaded.track_token.as_ref().map(|token| link(format!("/t/{token}"))).transpose()?,
    };
    let now = cx.now();
    let out = Out {
        id: id.uuid(),
        now,
        first_at: loaded.first_at.unwrap_or(now),
        last_at: loaded.last_at.unwrap_or(now),
        content,
        form: loaded.form,
        person: &loaded.person,
        resource: own,
        keys,
        mail: &mail,
        provider_ref: loaded.provider_ref.as_deref(),
        report_to,
        window: loaded.window(),
        client: &loaded.client_name,
        call_max_s: loaded.limits.call_max_s()?,
    };
    let parcel = loaded.channel.way().pack(&out)?;
    Ok(Intent { campaign: loaded.campaign_id, channel: loaded.channel, parcel })
}
