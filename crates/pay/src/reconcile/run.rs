//! One comparison: with what a rail says, and with the books.

use super::agreement::{self, Verdict};
use super::store::{self, Ended, Finding, Item};
use super::{About, Kind, RunId};
use crate::account::{self, Setup};
use crate::payment::{self, Desk, PaymentId};
use crate::payout::{self, PayoutId};
use crate::rail::Rail;
use crate::refund::{self, RefundId};
use base::{Error, Money, Result, TenantId, Time};
use control::notification::{self, Notification, Severity};
use db::Cx;
use jobs::{Job, Run};
use ledger::TransferId;
use ports::rail::{
    Asked, Found, Listed, Listing, Rail as Port, RailError, Span, Stage, Status as Said, Sync, Void,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Things that are compared in one go.
const BATCH: i64 = 200;
/// Seconds after which what is still open is a difference.
const OPEN_S: i64 = 86_400;
/// What is written when two sides agree again.
const AGREED: &str = "Both say the same now.";

/// Compares what began within a span over one rail.
#[derive(Serialize, Deserialize)]
pub(crate) struct Compare {
    pub(super) rail: Rail,
    pub(super) since: Time,
    pub(super) until: Time,
}

impl Job for Compare {
    const KIND: &'static str = "pay.reconcile";
    const QUEUE: &'static str = "pay";
    const TIMEOUT_S: u64 = 3_600;
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let id = RunId(run.id().uuid());
        let mut cx = run.begin().await?;
        store::begin(&mut cx, id, self.rail, self.since, self.until).await?;
        let setup = account::open(&mut cx, &desk.keyring, self.rail).await?;
        cx.commit().await?;
        let mut work = Work {
            run,
            desk,
            id,
            tenant: run.tenant()?,
            rail: self.rail,
            span: Span { since: self.since, until: self.until },
            side: side(desk, self.rail, setup)?,
            listing: None,
            open: 0,
            ended: Ended { compared: 0, unasked: 0, listed: false, reason: None },
        };
        let result = work.compare().await;
        if let Err(error) = &result {
            work.ended.reason = Some(error.message().to_owned());
        } else if work.ended.unasked > 0 {
            work.ended.reason = Some(format!("{} gave no answer about some of it.", self.rail.label()));
        }
        let mut cx = run.begin().await?;
        store::end(&mut cx, id, &work.ended).await?;
        if work.open > 0 {
            notification::notify(&mut cx, &work.alarm()).await?;
        }
        cx.commit().await?;
        result
    }
}

/// The other side; none for the ledger, whose other side are the books alone.
type Side = Option<(Arc<dyn Port>, Setup)>;

fn side(desk: &Desk, rail: Rail, setup: Option<Setup>) -> Result<Side> {
    match setup {
        Some(setup) => Ok(Some((desk.rails.get(rail.kind())?.clone(), setup))),
        None => Ok(None),
    }
}

struct Work<'a> {
    run: &'a Run,
    desk: &'a Desk,
    id: RunId,
    tenant: TenantId,
    rail: Rail,
    span: Span,
    side: Side,
    listing: Option<Listing>,
    /// Differences that somebody has to look at.
    open: usize,
    ended: Ended,
}

impl Work<'_> {
    async fn compare(&mut self) -> Result<()> {
        if self.side.is_none() && self.rail != Rail::Ledger {
            return Err(Error::unavailable(
                "rail_unavailable",
                format!("The account at {} is gone. Set it up again to compare with it.", self.rail.label()),
            ));
        }
        self.list().await?;
        let mut after = None;
        loop {
            let batch = self.batch(after).await?;
            let Some(last) = batch.last() else { break };
            let next = Some((last.at, last.id));
            for item in &batch {
                self.ask_again(item).await?;
            }
            // What was asked again may have ended now.
            let batch = self.batch(after).await?;
            self.batch_compared(&batch).await?;
            after = next;
        }
        self.missing_here().await
    }

    async fn batch(&self, after: Option<(Time, Uuid)>) -> Result<Vec<Item>> {
        let mut cx = self.run.begin().await?;
        store::items(&mut cx, self.rail, self.span.since, self.span.until, after, BATCH).await
    }

    /// Everything that the rail has of the time, where it can say.
    async fn list(&mut self) -> Result<()> {
        let Some((port, setup)) = &self.side else { return Ok(()) };
        match port.list(&setup.account(), &self.span).await {
            Ok(listing) => {
                self.ended.listed = true;
                self.listing = Some(listing);
                Ok(())
            }
            Err(RailError::Unsupported { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What is open is asked again, by its own way.
    async fn ask_again(&self, item: &Item) -> Result<()> {
        if self.rail == Rail::Ledger || !item.open {
            return Ok(());
        }
        let (db, tenant, caller, desk) = (self.run.db(), self.tenant, self.run.caller(), self.desk);
        match item.about {
            About::Payment => payment::drive(db, tenant, caller, desk, PaymentId(item.id)).await.map(|_| ()),
            About::Refund => refund::drive(db, tenant, caller, desk, RefundId(item.id)).await.map(|_| ()),
            About::Payout => payout::drive(db, tenant, caller, desk, PayoutId(item.id)).await.map(|_| ()),
        }
    }

    async fn batch_compared(&mut self, batch: &[Item]) -> Result<()> {
        let mut found = Vec::new();
        let mut agreed: BTreeMap<About, Vec<String>> = BTreeMap::new();
        for item in batch {
            self.ended.compared += 1;
            match self.said(item).await? {
                Heard::Agrees => agreed.entry(item.about).or_default().push(item.id.to_string()),
                Heard::Differs(verdict, done) => found.push(finding(item, verdict, done)),
                Heard::Nothing => {}
            }
        }
        let booked = self.booked(batch).await?;
        let mut cx = self.run.begin().await?;
        for (about, subjects) in &agreed {
            store::settle(&mut cx, self.id, self.rail, *about, subjects, None, AGREED).await?;
        }
        for (item, verdict) in booked {
            match verdict {
                Some(verdict) => found.push(finding(item, verdict, None)),
                None => {
                    let subject = [item.id.to_string()];
                    store::settle(
                        &mut cx,
                        self.id,
                        self.rail,
                        item.about,
                        &subject,
                        Some(Kind::Books),
                        AGREED,
                    )
                    .await?;
                }
            }
        }
        self.record(&mut cx, &found).await?;
        cx.commit().await
    }

    async fn record(&mut self, cx: &mut Cx, found: &[Finding]) -> Result<()> {
        self.open += found.iter().filter(|finding| finding.done.is_none()).count();
        store::record(cx, self.id, self.rail, found).await
    }

    /// What the rail says about one thing.
    async fn said(&mut self, item: &Item) -> Result<Heard> {
        let Some((port, setup)) = self.side.clone() else { return Ok(Heard::Nothing) };
        if item.open {
            let old = self.run.db().clock().now().since_s(item.at) > OPEN_S;
            let verdict = Verdict::new(Kind::Status, "open for more than a day", "no end of it yet");
            return Ok(if old { Heard::Differs(verdict, None) } else { Heard::Nothing });
        }
        let mut cx = self.run.begin().await?;
        let asked = asked(&mut cx, item).await?;
        drop(cx);
        let Some(asked) = asked else { return Ok(Heard::Agrees) };
        let found = match self.listed(item) {
            Some(found) => found,
            None => match port.sync(&setup.account(), &asked.sync).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(rail = self.rail.word(), subject = %item.id, %error, "not compared: the rail gave no answer");
                    self.ended.unasked += 1;
                    return Ok(Heard::Nothing);
                }
            },
        };
        let Some(verdict) = asked.judge(&found) else { return Ok(Heard::Agrees) };
        let done = let_go(&port, &setup, item, &found, &verdict).await;
        Ok(Heard::Differs(verdict, done))
    }

    fn listed(&self, item: &Item) -> Option<Found> {
        let listing = self.listing.as_ref()?;
        match item.about {
            About::Payment => of(&listing.payments, item.id).map(Found::Payment),
            About::Refund => of(&listing.refunds, item.id).map(Found::Refund),
            About::Payout => of(&listing.payouts, item.id).map(Found::Payout),
        }
    }

    /// What the books say about each, where it is not what the payment, refund or payout says.
    async fn booked<'i>(&self, batch: &'i [Item]) -> Result<Vec<(&'i Item, Option<Verdict>)>> {
        let mut by_account: BTreeMap<Option<Uuid>, Vec<(&Item, Uuid)>> = BTreeMap::new();
        for item in batch.iter().filter(|item| !item.open) {
            let account = payment::psp_of(self.rail, item.currency.parse()?)?.map(|account| account.uuid());
            by_account.entry(account).or_default().push((item, step_of(item).uuid()));
        }
        let mut cx = self.run.db().system(Compare::KIND).await?;
        let mut all = Vec::with_capacity(batch.len());
        for (account, items) in by_account {
            let steps: Vec<Uuid> = items.iter().map(|(_, step)| *step).collect();
            let posted = store::posted(&mut cx, &steps, account).await?;
            for (item, step) in items {
                let minor = posted.get(&step).copied().unwrap_or(0);
                let currency = item.currency.parse()?;
                let verdict = (minor != item.booked_minor).then(|| {
                    let words = |minor: i64| Money { minor, currency }.to_string();
                    Verdict::new(Kind::Books, words(item.booked_minor), format!("{} booked", words(minor)))
                });
                all.push((item, verdict));
            }
        }
        Ok(all)
    }

    /// What the rail lists and nobody here knows.
    async fn missing_here(&mut self) -> Result<()> {
        let Some(listing) = self.listing.take() else { return Ok(()) };
        let payments: Vec<_> = listing
            .payments
            .iter()
            .filter(|listed| listed.object.status == Said::Captured)
            .map(|listed| {
                Stranger::new(listed, &listed.object.provider_ref, listed.object.captured.to_string())
            })
            .collect();
        self.strangers(About::Payment, &payments).await?;
        let payouts: Vec<_> = listing
            .payouts
            .iter()
            .filter(|listed| listed.object.stage == Stage::Succeeded)
            .map(|listed| {
                Stranger::new(listed, &listed.object.provider_ref, listed.object.amount.to_string())
            })
            .collect();
        self.strangers(About::Payout, &payouts).await?;
        let given: Vec<_> =
            listing.refunds.iter().filter(|listed| listed.object.stage == Stage::Succeeded).collect();
        self.given_outside(&given).await?;
        let refunds: Vec<_> = given
            .iter()
            .map(|listed| {
                Stranger::new(listed, &listed.object.provider_ref, listed.object.amount.to_string())
            })
            .collect();
        self.strangers(About::Refund, &refunds).await
    }

    /// Refunds that somebody gave at the rail, of payments of ours, whose word was lost: they are booked.
    async fn given_outside(&mut self, given: &[&Listed<ports::rail::Refunded>]) -> Result<()> {
        let keys = self.desk.ring.keys().await?;
        for listed in given.iter().filter(|listed| listed.ours.is_none()) {
            let mut cx = self.run.begin().await?;
            if refund::find(&mut cx, None, &listed.object.provider_ref).await?.is_some() {
                continue;
            }
            let Some(payment_ref) = listed.payment_ref.as_deref() else { continue };
            let Some(payment) = payment::by_provider_ref(&mut cx, self.rail, payment_ref).await? else {
                continue;
            };
            let Some(booked) = refund::given_outside(&mut cx, &keys, payment, &listed.object).await? else {
                continue;
            };
            let found = Finding {
                about: About::Refund,
                subject: listed.object.provider_ref.clone(),
                payment: Some(payment.uuid()),
                kind: Kind::MissingHere,
                ours: "nothing of it".to_owned(),
                theirs: format!("{} given back", listed.object.amount),
                done: Some(format!("Booked here as refund {}.", booked.id)),
            };
            self.record(&mut cx, &[found]).await?;
            cx.commit().await?;
        }
        Ok(())
    }

    async fn strangers(&mut self, about: About, all: &[Stranger]) -> Result<()> {
        let ours: Vec<Uuid> = all.iter().filter_map(|stranger| stranger.ours).collect();
        let theirs: Vec<String> = all.iter().map(|stranger| stranger.provider_ref.clone()).collect();
        let mut cx = self.run.begin().await?;
        let (ids, refs) = store::known(&mut cx, about, self.rail, &ours, &theirs).await?;
        let known =
            |s: &&Stranger| s.ours.is_some_and(|id| ids.contains(&id)) || refs.contains(&s.provider_ref);
        let (known, unknown): (Vec<&Stranger>, Vec<&Stranger>) = all.iter().partition(known);
        let settled: Vec<String> = known.into_iter().map(|stranger| stranger.provider_ref.clone()).collect();
        store::settle(&mut cx, self.id, self.rail, about, &settled, Some(Kind::MissingHere), AGREED).await?;
        let found: Vec<Finding> = unknown
            .into_iter()
            .map(|stranger| Finding {
                about,
                subject: stranger.provider_ref.clone(),
                payment: None,
                kind: Kind::MissingHere,
                ours: "nothing of it".to_owned(),
                theirs: stranger.amount.clone(),
                done: None,
            })
            .collect();
        self.record(&mut cx, &found).await?;
        cx.commit().await
    }

    fn alarm(&self) -> Notification {
        Notification {
            person: None,
            kind: notification::Kind::Failure,
            severity: Severity::Critical,
            title: "A rail and we do not agree".to_owned(),
            body: format!(
                "{} differences with {}. Look at each, and say what was done.",
                self.open,
                self.rail.label()
            ),
            href: Some("/pay/reconciliation".to_owned()),
            dedupe_key: format!("pay.reconciliation:{}", self.rail.word()),
        }
    }
}

/// What was heard about one thing.
enum Heard {
    Agrees,
    /// With what was done about it at once.
    Differs(Verdict, Option<String>),
    /// Nothing that could be compared.
    Nothing,
}

/// Something that the rail lists.
struct Stranger {
    ours: Option<Uuid>,
    provider_ref: String,
    amount: String,
}

impl Stranger {
    fn new<T>(listed: &Listed<T>, provider_ref: &str, amount: String) -> Self {
        Self { ours: listed.ours, provider_ref: provider_ref.to_owned(), amount }
    }
}

fn of<T: Clone>(all: &[Listed<T>], id: Uuid) -> Option<T> {
    all.iter().find(|listed| listed.ours == Some(id)).map(|listed| listed.object.clone())
}

/// The step of the books that moved it at the provider.
fn step_of(item: &Item) -> TransferId {
    match item.about {
        About::Payment => payment::capture_of(PaymentId(item.id)),
        About::Refund => TransferId(item.id),
        About::Payout => payout::paid_of(PayoutId(item.id)),
    }
}

fn finding(item: &Item, verdict: Verdict, done: Option<String>) -> Finding {
    Finding {
        about: item.about,
        subject: item.id.to_string(),
        payment: item.payment,
        kind: verdict.kind,
        ours: verdict.ours,
        theirs: verdict.theirs,
        done,
    }
}

/// Something that has ended here, and how the rail is asked about it.
struct Question {
    sync: Sync,
    ours: Ours,
}

enum Ours {
    Payment(Box<payment::Payment>),
    Refund(Box<refund::Refund>),
    Payout(Box<payout::Payout>),
}

impl Question {
    fn judge(&self, found: &Found) -> Option<Verdict> {
        match &self.ours {
            Ours::Payment(ours) => agreement::payment(ours, found),
            Ours::Refund(ours) => agreement::refund(ours, found),
            Ours::Payout(ours) => agreement::payout(ours, found),
        }
    }
}

/// None: it was never asked for, so that there is nothing to compare.
async fn asked(cx: &mut Cx, item: &Item) -> Result<Option<Question>> {
    let question = |of: Asked, provider_ref: Option<String>, sent_at: Option<Time>, ours: Ours| {
        sent_at.map(|last_asked_at| Question { sync: Sync { of, provider_ref, last_asked_at }, ours })
    };
    Ok(match item.about {
        About::Payment => {
            let locked =
                payment::lock(cx, PaymentId(item.id)).await?.ok_or_else(|| Error::not_found("payment"))?;
            let provider_ref = locked.payment.provider_ref.clone();
            locked.request.and_then(|request| {
                let ours = Ours::Payment(Box::new(locked.payment));
                question(Asked::Payment(request), provider_ref, locked.sent_at, ours)
            })
        }
        About::Refund => {
            let (refund, request, sent_at) = refund::request(cx, RefundId(item.id)).await?;
            let provider_ref = refund.provider_ref.clone();
            // What was given at the rail, past us, was never sent; the rail has its name of it.
            let sent_at = sent_at.or(provider_ref.is_some().then_some(refund.created_at));
            question(Asked::Refund(request), provider_ref, sent_at, Ours::Refund(Box::new(refund)))
        }
        About::Payout => {
            let (payout, request, sent_at) = payout::request(cx, PayoutId(item.id)).await?;
            let provider_ref = payout.provider_ref.clone();
            question(Asked::Payout(request), provider_ref, sent_at, Ours::Payout(Box::new(payout)))
        }
    })
}

/// A payment that failed here and may still be paid there is let go there; what was done, if it worked.
async fn let_go(
    port: &Arc<dyn Port>,
    setup: &Setup,
    item: &Item,
    found: &Found,
    verdict: &Verdict,
) -> Option<String> {
    let Found::Payment(word) = found else { return None };
    if item.booked_minor > 0 || verdict.kind != Kind::Status || word.status.is_final() {
        return None;
    }
    let void = Void { payment: item.id, provider_ref: word.provider_ref.clone(), held: word.amount };
    match port.void(&setup.account(), &void).await {
        Ok(gone) if gone.status == Said::Voided => Some("The rail let go of it.".to_owned()),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(subject = %item.id, %error, "the rail did not let go of a payment that failed here");
            None
        }
    }
}
