//! The decision: the accounts that were locked, what is written already, and the steps one after the
//! other. Nothing here waits or reads; a step that is refused leaves the book as it was.

use super::rules::{self, End, Entry, Kind};
use super::{Act, Ending, Leg, Outcome, Part, Step, TransferId};
use crate::{AccountId, Chart, Figures, Side, split};
use base::{Currency, Money, TenantId, Time};
use std::collections::{BTreeMap, HashMap};

/// An account as it was locked, with its figures as they have become since.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub tenant: Option<TenantId>,
    pub chart: Chart,
    pub currency: Currency,
    pub figures: Figures,
    pub version: i64,
    pub touched: bool,
}

/// What is written under the ids that the steps name.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub entries: HashMap<TransferId, Vec<Entry>>,
    pub ends: HashMap<TransferId, End>,
}

/// One thing to take back when a step or its group is refused.
enum Undo {
    Figures(AccountId, Figures, bool),
    Entries(TransferId),
    End(TransferId),
}

pub(super) struct Book {
    tenant: Option<TenantId>,
    now: Time,
    accounts: BTreeMap<AccountId, Held>,
    entries: HashMap<TransferId, Vec<Entry>>,
    /// By the reservation that ended.
    ends: HashMap<TransferId, End>,
    /// By the step that ended it.
    ended_by: HashMap<TransferId, TransferId>,
    undo: Vec<Undo>,
    /// Reservations that the books held before: theirs are the balances that were locked.
    written: Vec<TransferId>,
    ended: Vec<TransferId>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Changes<'a> {
    pub entries: Vec<&'a Entry>,
    pub ends: Vec<&'a End>,
    pub balances: Vec<(AccountId, &'a Held)>,
}

type Refused<T = ()> = Result<T, Outcome>;

#[derive(Clone, Copy)]
enum State {
    Pending,
    Posted,
}

impl Book {
    pub fn new(tenant: Option<TenantId>, now: Time, accounts: BTreeMap<AccountId, Held>, seen: Seen) -> Self {
        let ended_by = seen.ends.values().map(|end| (end.by, end.pending)).collect();
        Self {
            tenant,
            now,
            accounts,
            entries: seen.entries,
            ends: seen.ends,
            ended_by,
            undo: Vec::new(),
            written: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// From here on steps are this tenant's.
    pub fn act_for(&mut self, tenant: TenantId) {
        self.tenant = Some(tenant);
    }

    /// What may be taken from an account now; nothing of one that is not held.
    pub fn available(&self, id: AccountId) -> i64 {
        self.accounts.get(&id).map_or(0, |held| held.figures.available(held.chart.side()))
    }

    pub fn decide(&mut self, steps: &[Step]) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(steps.len());
        let mut first = 0;
        while first < steps.len() {
            let open = steps[first..].iter().position(|step| !step.linked);
            let Some(length) = open else {
                outcomes.extend(
                    steps[first..].iter().map(|_| Outcome::Malformed("The last step is linked to nothing.")),
                );
                break;
            };
            let group = &steps[first..=first + length];
            self.group(group, first, &mut outcomes);
            first += group.len();
        }
        outcomes
    }

    fn group(&mut self, group: &[Step], first: usize, outcomes: &mut Vec<Outcome>) {
        let begun = outcomes.len();
        self.undo.clear();
        for (index, step) in group.iter().enumerate() {
            let mark = self.undo.len();
            let outcome = self.step(step).unwrap_or_else(|refused| refused);
            if !outcome.is_ok() {
                self.take_back(mark);
            }
            outcomes.push(outcome);
            if !outcome.is_ok() && group.len() > 1 {
                self.take_back(0);
                for other in &mut outcomes[begun..begun + index] {
                    *other = Outcome::LinkedFailed { step: first + index };
                }
                let rest = group.len() - index - 1;
                outcomes.extend(std::iter::repeat_n(Outcome::LinkedFailed { step: first + index }, rest));
                return;
            }
        }
    }

    fn take_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Figures(id, figures, touched)) => {
                    if let Some(held) = self.accounts.get_mut(&id) {
                        held.figures = figures;
                        held.touched = touched;
                    }
                }
                Some(Undo::Entries(id)) => {
                    self.entries.remove(&id);
                    self.written.retain(|written| *written != id);
                }
                Some(Undo::End(pending)) => {
                    if let Some(end) = self.ends.remove(&pending) {
                        self.ended_by.remove(&end.by);
                    }
                    self.ended.retain(|ended| *ended != pending);
                }
                None => return,
            }
        }
    }

    fn step(&mut self, step: &Step) -> Refused<Outcome> {
        if let Some(why) = rules::malformed(step) {
            return Err(Outcome::Malformed(why));
        }
        let entries = self.entries.get(&step.id);
        let end = self.ended_by.get(&step.id).and_then(|pending| self.ends.get(pending));
        if entries.is_some() || end.is_some() {
            let same = rules::same(step, entries.map_or(&[], Vec::as_slice), end);
            return Ok(if same { Outcome::Exists } else { Outcome::IdConflict });
        }
        match &step.act {
            Act::Transfer { legs } => self.transfer(step, legs)?,
            Act::Reserve { from, credit, amount, expires_at } => {
                self.reserve(step, from, *credit, *amount, *expires_at)?;
            }
            Act::Post { pending, parts } => self.post(step, *pending, parts)?,
            Act::Void { pending } => {
                let reserved = self.open_pending(*pending)?;
                self.not_over(&reserved)?;
                self.release(&reserved)?;
                self.end(End { pending: *pending, by: step.id, ending: Ending::Voided });
            }
            Act::Expire { pending } => {
                let reserved = self.open_pending(*pending)?;
                let expires_at = reserved.first().and_then(|entry| entry.expires_at);
                if expires_at.is_none_or(|at| self.now < at) {
                    return Err(Outcome::NotDue { expires_at });
                }
                self.release(&reserved)?;
                self.end(End { pending: *pending, by: step.id, ending: Ending::Expired });
            }
        }
        Ok(Outcome::Done)
    }

    fn transfer(&mut self, step: &Step, legs: &[Leg]) -> Refused {
        let mut entries = Vec::with_capacity(legs.len());
        for leg in legs {
            let trial = self.sides(leg.debit, leg.credit, leg.amount.currency)? || leg.trial;
            let debit = self.account(leg.debit)?;
            if self.is_foreign(debit.tenant) && debit.chart != Chart::Developer {
                return Err(Outcome::UnknownAccount { account: leg.debit });
            }
            let mut entry = entry(step, Kind::Posted, leg.debit, leg.credit, leg.amount);
            entry.trial = trial;
            entry.origin = leg.origin;
            entry.pending = leg.ends;
            entries.push(entry);
        }
        // What comes in first may be spent by what goes out of the same step.
        for entry in &entries {
            self.credit(entry.credit, entry.minor, State::Posted)?;
        }
        for entry in &entries {
            self.debit(entry.debit, entry.minor, State::Posted)?;
        }
        for entry in &entries {
            self.within_limits(entry.debit)?;
            self.within_limits(entry.credit)?;
        }
        self.write(step.id, entries);
        Ok(())
    }

    fn reserve(
        &mut self,
        step: &Step,
        from: &[AccountId],
        credit: AccountId,
        amount: Money,
        expires_at: Option<Time>,
    ) -> Refused {
        if expires_at.is_some_and(|at| at <= self.now) {
            return Err(Outcome::Malformed("A reservation ends after it begins."));
        }
        let mut left = amount.minor;
        let mut entries = Vec::with_capacity(1);
        let mut last = credit;
        for source in from {
            let trial = self.sides(*source, credit, amount.currency)?;
            let held = self.account(*source)?;
            if self.is_foreign(held.tenant) {
                return Err(Outcome::UnknownAccount { account: *source });
            }
            if !held.chart.is_bounded() || held.chart.side() != Side::Liability {
                return Err(Outcome::Malformed("Only what somebody holds here can be reserved."));
            }
            last = *source;
            let taken = held.figures.available(Side::Liability).max(0).min(left);
            if taken == 0 {
                continue;
            }
            left -= taken;
            let taken = Money { minor: taken, currency: amount.currency };
            let mut entry = entry(step, Kind::Pending, *source, credit, taken);
            entry.trial = trial;
            entry.expires_at = expires_at;
            entries.push(entry);
        }
        if left > 0 {
            return Err(Outcome::InsufficientFunds { account: last, available: amount.minor - left });
        }
        for entry in &entries {
            self.debit(entry.debit, entry.minor, State::Pending)?;
            self.credit(entry.credit, entry.minor, State::Pending)?;
            self.within_limits(entry.credit)?;
        }
        self.write(step.id, entries);
        Ok(())
    }

    fn post(&mut self, step: &Step, pending: TransferId, parts: &[Part]) -> Refused {
        let reserved = self.open_pending(pending)?;
        self.not_over(&reserved)?;
        let total: i64 = reserved.iter().map(|entry| entry.minor).sum();
        let wanted: i128 = parts.iter().map(|part| i128::from(part.minor)).sum();
        if wanted > i128::from(total) {
            return Err(Outcome::ExceedsReservation { reserved: total });
        }
        self.release(&reserved)?;
        let sources: Vec<i64> = reserved.iter().map(|entry| entry.minor).collect();
        let shares: Vec<i64> = parts.iter().map(|part| part.minor).collect();
        let flows = split::across(&sources, &shares)
            .map_err(|_| Outcome::Malformed("The parts cannot be divided among the sources."))?;
        let mut entries = Vec::with_capacity(flows.len());
        let mut posted = 0;
        for (source, part, minor) in flows {
            let (from, to) = (&reserved[source], parts[part].credit);
            let trial = self.sides(from.debit, to, from.currency)? || from.trial;
            self.debit(from.debit, minor, State::Posted)?;
            self.credit(to, minor, State::Posted)?;
            self.within_limits(to)?;
            posted += minor;
            let mut entry = entry(step, Kind::Post, from.debit, to, Money { minor, currency: from.currency });
            entry.trial = trial;
            entry.pending = Some(pending);
            entries.push(entry);
        }
        self.write(step.id, entries);
        self.end(End { pending, by: step.id, ending: Ending::Posted { minor: posted } });
        Ok(())
    }

    /// The legs of a reservation that nobody has ended.
    fn open_pending(&self, pending: TransferId) -> Refused<Vec<Entry>> {
        let unknown = Outcome::UnknownPending { pending };
        let reserved = self.entries.get(&pending).ok_or(unknown)?;
        for entry in reserved {
            // One that was committed after the locks were taken is not ours to judge.
            let held = self.accounts.get(&entry.debit).ok_or(unknown)?;
            if entry.kind != Kind::Pending
                || self.is_foreign(held.tenant)
                || !self.accounts.contains_key(&entry.credit)
            {
                return Err(unknown);
            }
        }
        match self.ends.get(&pending) {
            Some(end) => Err(Outcome::AlreadyResolved { ending: end.ending, by: end.by }),
            None => Ok(reserved.clone()),
        }
    }

    fn not_over(&self, reserved: &[Entry]) -> Refused {
        match reserved.first().and_then(|entry| entry.expires_at) {
            Some(expires_at) if self.now >= expires_at => Err(Outcome::Expired { expires_at }),
            Some(_) | None => Ok(()),
        }
    }

    fn release(&mut self, reserved: &[Entry]) -> Refused {
        for entry in reserved {
            self.debit(entry.debit, -entry.minor, State::Pending)?;
            self.credit(entry.credit, -entry.minor, State::Pending)?;
        }
        Ok(())
    }

    fn end(&mut self, end: End) {
        self.undo.push(Undo::End(end.pending));
        self.ended.push(end.pending);
        self.ended_by.insert(end.by, end.pending);
        self.ends.insert(end.pending, end);
    }

    fn write(&mut self, id: TransferId, mut entries: Vec<Entry>) {
        for (leg, entry) in (0_i16..).zip(entries.iter_mut()) {
            entry.leg = leg;
        }
        self.undo.push(Undo::Entries(id));
        self.written.push(id);
        self.entries.insert(id, entries);
    }

    fn account(&self, id: AccountId) -> Refused<&Held> {
        self.accounts.get(&id).ok_or(Outcome::UnknownAccount { account: id })
    }

    fn is_foreign(&self, owner: Option<TenantId>) -> bool {
        self.tenant.is_some() && owner.is_some() && owner != self.tenant
    }

    /// Whether a leg may run between two accounts in a currency; true when it is trial credit.
    fn sides(&self, debit: AccountId, credit: AccountId, currency: Currency) -> Refused<bool> {
        let (from, to) = (self.account(debit)?, self.account(credit)?);
        for (id, held) in [(debit, from), (credit, to)] {
            if held.currency != currency {
                return Err(Outcome::CurrencyMismatch { account: id });
            }
        }
        if debit == credit {
            return Err(Outcome::Malformed("The two sides of a leg are two accounts."));
        }
        if !from.chart.may_meet(to.chart) {
            return Err(Outcome::NotAllowed { debit, credit });
        }
        Ok(from.chart == Chart::TrialCredit || to.chart == Chart::TrialCredit)
    }

    fn debit(&mut self, id: AccountId, minor: i64, state: State) -> Refused {
        self.change(
            id,
            |figures| match state {
                State::Pending => &mut figures.pending_debits,
                State::Posted => &mut figures.posted_debits,
            },
            minor,
        )
    }

    fn credit(&mut self, id: AccountId, minor: i64, state: State) -> Refused {
        self.change(
            id,
            |figures| match state {
                State::Pending => &mut figures.pending_credits,
                State::Posted => &mut figures.posted_credits,
            },
            minor,
        )
    }

    fn change(&mut self, id: AccountId, which: impl Fn(&mut Figures) -> &mut i64, minor: i64) -> Refused {
        let overflow = Outcome::Overflow { account: id };
        let held = self.accounts.get_mut(&id).ok_or(Outcome::UnknownAccount { account: id })?;
        if !held.chart.is_bounded() {
            return Ok(());
        }
        self.undo.push(Undo::Figures(id, held.figures, held.touched));
        let figure = which(&mut held.figures);
        *figure = figure.checked_add(minor).filter(|sum| *sum >= 0).ok_or(overflow)?;
        let figures = held.figures;
        held.touched = true;
        // The database adds pending and posted, so that their sum must fit as well.
        let fits = figures.pending_debits.checked_add(figures.posted_debits).is_some()
            && figures.pending_credits.checked_add(figures.posted_credits).is_some();
        if fits { Ok(()) } else { Err(overflow) }
    }

    fn within_limits(&self, id: AccountId) -> Refused {
        let held = self.account(id)?;
        if !(held.chart.limits_debits() || held.chart.limits_credits()) {
            return Ok(());
        }
        let available = held.figures.available(held.chart.side());
        if available >= 0 {
            return Ok(());
        }
        Err(Outcome::InsufficientFunds { account: id, available: self.before(id) })
    }

    /// What could be taken of an account before the present step changed it.
    fn before(&self, id: AccountId) -> i64 {
        let first = self.undo.iter().find_map(|undo| match undo {
            Undo::Figures(changed, figures, _) if *changed == id => Some(*figures),
            Undo::Figures(..) | Undo::Entries(_) | Undo::End(_) => None,
        });
        let held = self.accounts.get(&id);
        held.map_or(0, |held| first.unwrap_or(held.figures).available(held.chart.side()))
    }

    pub fn changes(&self) -> Changes<'_> {
        Changes {
            entries: self.written.iter().filter_map(|id| self.entries.get(id)).flatten().collect(),
            ends: self.ended.iter().filter_map(|pending| self.ends.get(pending)).collect(),
            balances: self
                .accounts
                .iter()
                .filter(|(_, held)| held.touched)
                .map(|(id, held)| (*id, held))
                .collect(),
        }
    }
}

fn entry(step: &Step, kind: Kind, debit: AccountId, credit: AccountId, amount: Money) -> Entry {
    Entry {
        id: step.id,
        leg: 0,
        kind,
        purpose: step.purpose,
        debit,
        credit,
        minor: amount.minor,
        currency: amount.currency,
        trial: false,
        expires_at: None,
        pending: None,
        origin: None,
        memo: step.memo.clone(),
    }
}
