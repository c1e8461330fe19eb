//! A request that is dropped at each of its await points, as a crash of the process would drop it: afterwards
//! jobs and a repeated request come to exactly one effect.

use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use control::switch::{self, Scope, Target};
use ports::rail::{Fault, MemoryRail, RailKind};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Polls a future so many times and then drops it.
struct Cut<F> {
    work: Option<Pin<Box<F>>>,
    left: u32,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            self.work = None;
            return Poll::Ready(None);
        }
        self.left -= 1;
        match self.work.as_mut().map(|work| work.as_mut().poll(cx)) {
            Some(Poll::Ready(done)) => Poll::Ready(Some(done)),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

async fn cut<F: Future>(polls: u32, work: F) -> Option<F::Output> {
    Cut { work: Some(Box::pin(work)), left: polls }.await
}

/// How a request ended that was cut off.
struct Ended {
    /// Before the crash.
    before: bool,
    /// With its payment, or, when the crash fell between the note that the rail is asked and the call
    /// itself, with the rail's word that it never got it.
    paid: bool,
}

/// Executes with a crash after `polls`, lets the jobs work, sends the same request again.
async fn crashed(bed: &Bed, polls: u32, rail: &str) -> Ended {
    let mandate = bed.mandate(430).await;
    let (key, body) = (format!("crash-{polls}"), json!({"mandate_id": mandate, "rail": rail}));
    let agent = bed.agent();
    let first = cut(polls, bed.keyed(&agent, "POST", "/api/v1/execute", &body, &key)).await;
    // What the crash left is taken up: by jobs first, or by whoever asks first.
    if polls.is_multiple_of(2) {
        bed.app.run_until(bed.kit.clock_now().plus_s(180)).await;
    } else {
        // A call that was begun is waited for as long as it may take.
        bed.kit.clock.advance_s(90);
    }
    let again = bed.keyed(&agent, "POST", "/api/v1/execute", &body, &key).await.expect(200).json();
    let paid = again["payment"]["status"] == "succeeded";
    let never = rail != "ledger" && again["payment"]["reason"] == "rail_never_got_it";
    assert!(paid || never, "{polls} polls: {again}");
    let end = if paid { "succeeded" } else { "failed" };
    if let Some(first) = &first {
        assert_eq!(first.json(), again, "{polls} polls");
    }
    bed.app.run_until(bed.kit.clock_now().plus_s(180)).await;
    let id = text(&again["payment"]["id"]);
    for (what, of) in [
        ("payment", format!("pay.payment where mandate_id = '{mandate}'")),
        ("receipt", format!("pay.receipt where payment_id = '{id}'")),
        ("end", format!("pay.payment_event where payment_id = '{id}' and kind = '{end}'")),
    ] {
        assert_eq!(bed.count(&of).await, 1, "{polls} polls: {what}");
    }
    Ended { before: first.is_some(), paid }
}

/// Crashes after 1, 2, 3, … polls until the request comes to its end before the crash, a few times over.
/// Returns how many were paid, of how many.
async fn at_every_point(bed: &Bed, rail: &str) -> (i64, i64) {
    let (mut polls, mut ended, mut paid) = (1, 0, 0);
    while ended < 3 {
        let end = crashed(bed, polls, rail).await;
        ended = if end.before { ended + 1 } else { 0 };
        paid += i64::from(end.paid);
        polls += 1;
        assert!(polls < 2_000, "it never comes to its end");
    }
    (paid, i64::from(polls) - 1)
}

#[tokio::test]
async fn i5_a_crash_at_any_await_point_over_a_rail_leaves_exactly_one_effect() {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    let (paid, runs) = at_every_point(&bed, "stripe").await;
    assert!(runs > 8 && paid > runs / 2, "{paid} paid at {runs} await points");
    assert_eq!(
        i64::try_from(rail.effects()).expect("few"),
        paid,
        "one effect at the rail for each that is paid"
    );
    assert_eq!(bed.earned(AUD).await, 344 * paid);
    bed.holds().await;
}

#[tokio::test]
async fn i5_a_crash_at_any_await_point_over_the_ledger_pays_once() {
    let bed = Bed::new().await;
    bed.top_up(900_000).await;
    let (paid, runs) = at_every_point(&bed, "ledger").await;
    assert_eq!(paid, runs);
    assert!(runs > 4, "{runs} await points");
    assert_eq!((bed.wallet().await, bed.earned(AUD).await), (900_000 - 430 * runs, 344 * runs));
    bed.holds().await;
}

#[tokio::test]
async fn m11_behind_a_switch_what_is_in_flight_is_voided_or_finishes_and_nothing_hangs() {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    for target in
        [Target::client(), Target::named(Scope::Principal, "Buyer"), Target::named(Scope::Provider, "stripe")]
    {
        let effects = rail.effects();
        // One is reserved and was not asked for; one's answer is lost, with its effect or without.
        let reserved = bed.mandate(430).await;
        begun(&bed, &reserved).await;
        let (after, before) = (bed.mandate(431).await, bed.mandate(432).await);
        rail.inject(Fault::LostAfter);
        assert_eq!(bed.execute(&after).await.expect(202).json()["payment"]["status"], "unknown");
        rail.inject(Fault::LostBefore);
        assert_eq!(bed.execute(&before).await.expect(202).json()["payment"]["status"], "unknown");
        let fresh = bed.mandate(433).await;
        let mut cx = bed.kit.cx(&bed.tenant.owner).await;
        let engaged = switch::engage(&mut cx, &target, "an incident").await.expect("engaged");
        cx.commit().await.expect("commits");
        let refused = bed.execute(&fresh).await;
        assert!(!(200..300).contains(&refused.status), "{}", refused.text());
        assert_eq!(
            bed.count(&format!("pay.payment where mandate_id = '{fresh}'")).await,
            0,
            "no new reservation"
        );
        bed.app.run_until(bed.kit.clock_now().plus_s(7_200)).await;
        for (mandate, end) in [(&reserved, "failed"), (&after, "succeeded"), (&before, "failed")] {
            let query = format!("select status::text from pay.payment where mandate_id = '{mandate}'");
            assert_eq!(bed.sql(&query).await, [end], "{target:?}");
            let query = format!("select reserved_minor::text from pay.mandate where id = '{mandate}'");
            assert_eq!(bed.sql(&query).await, ["0"], "{target:?}");
        }
        assert_eq!(rail.effects() - effects, 1, "{target:?}: only what the rail had already");
        bed.holds().await;
        let mut cx = bed.kit.cx(&bed.tenant.owner).await;
        switch::release(&mut cx, engaged.id, "over").await.expect("released");
        cx.commit().await.expect("commits");
    }
}

/// Set aside by a caller who never comes back.
async fn begun(bed: &Bed, mandate: &str) {
    let asked = crate::payment::Asked {
        mandate: mandate.parse().expect("an id"),
        amount_minor: None,
        rail: None,
        execution: "gone".to_owned(),
        closed: None,
        place: crate::mandate::Place::default(),
    };
    let keys = bed.ring.keys().await.expect("keys");
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let caller = crate::Caller::Member(base::Role::Owner);
    let rail = Some(crate::Rail::Stripe);
    crate::payment::begin(&mut cx, &bed.desk, &keys, caller, &asked, rail).await.expect("begins");
    cx.commit().await.expect("commits");
}
