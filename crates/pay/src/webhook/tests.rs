//! Webhooks: verified, kept once, and never a step backwards.

use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use axum::body::Body;
use axum::http::Request;
use base::Money;
use ports::rail::{About, Dispute, DisputeStage, Event, Fault, MemoryRail, Payment, RailKind, Refunded, Stage, Status};
use std::sync::Arc;
use testkit::Answer;

async fn at_stripe() -> (Bed, Arc<MemoryRail>) {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    (bed, rail)
}

fn money(minor: i64) -> Money {
    Money { minor, currency: AUD }
}

fn of_payment(id: &str, payment: &str, status: Status, minor: i64) -> Event {
    let ours = payment.parse::<uuid::Uuid>().expect("an id");
    let taken = if status == Status::Captured { minor } else { 0 };
    let word = Payment {
        provider_ref: format!("mem_{}", ours.simple()),
        network_ref: None,
        status,
        amount: money(minor),
        captured: money(taken),
        delivery: None,
    };
    Event { id: id.to_owned(), at: base::Time::from_us(0), kind: "payment".to_owned(), about: About::Payment { ours: Some(ours), payment: word } }
}

async fn send(bed: &Bed, event: &Event, path: &str, secret: Option<&str>) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    if let Some(secret) = secret {
        request = request.header("x-memory-secret", secret);
    }
    let body = serde_json::to_string(event).expect("JSON");
    bed.app.stranger().send(request.body(Body::from(body)).expect("a request")).await
}
