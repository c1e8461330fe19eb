//! Webhooks of the twins, received over loopback.

use super::stage::{Kind, Stage, TOKEN, To, Went, keys, receive};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use base::Clock;
use ports::delivery::{Event, Inbound, Provider, WebhookError, What};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use twins::carrier::Hook;
use url::Url;

type Letters = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// A receiver; it turns the first webhook away when told, as if its database were away.
pub(super) struct Mail {
    pub(super) url: Url,
    letters: Letters,
}

async fn take(
    State((letters, refuse)): State<(Letters, bool)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut letters = letters.lock().unwrap();
    let first = letters.is_empty();
    letters.push((uri.to_string(), headers, body));
    if first && refuse { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

impl Mail {
    pub(super) async fn open(refuse_first: bool) -> Self {
        let letters: Letters = Arc::default();
        let app = Router::new().fallback(take).with_state((letters.clone(), refuse_first));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/{TOKEN}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, letters }
    }

    pub(super) async fn inbound(&self, stage: &Stage, count: usize) -> Vec<Inbound> {
        for _ in 0..150 {
            if self.letters.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let letters = self.letters.lock().unwrap();
        assert!(letters.len() >= count, "{:?}: {} of {count} webhooks came", stage.kind, letters.len());
        let of = |(path, headers, body): &(String, HeaderMap, Bytes)| Inbound {
            url: self.url.join(path).unwrap(),
            path_token: TOKEN.to_owned(),
            headers: headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect(),
            body: body.clone(),
            received_at: stage.clock.now(),
        };
        letters.iter().map(of).collect()
    }

    pub(super) async fn events(&self, stage: &Stage, provider: Provider, count: usize) -> Vec<Event> {
        let all = self.inbound(stage, count).await;
        all.iter().map(|inbound| receive(provider, inbound).unwrap()).collect()
    }

    pub(super) fn hook(&self, provider: Provider) -> Hook {
        Hook { url: Some(self.url.clone()), secret: keys(provider).0.to_owned(), ..Hook::default() }
    }
}

/// How many webhooks one thing that is handed over brings.
fn told(kind: Kind) -> usize {
    match kind {
        Kind::Resend | Kind::Twilio | Kind::Telnyx | Kind::Vapi | Kind::TelnyxCall => 2,
        Kind::Postmark | Kind::Salesforge | Kind::HeyReach | Kind::Lob => 1,
    }
}

#[tokio::test]
async fn what_becomes_of_it_is_told_with_its_name_and_a_refused_webhook_comes_again() {
    for kind in Kind::ALL {
        let stage = Stage::of(kind).await;
        let mail = Mail::open(true).await;
        stage.twin.send_webhooks(mail.hook(kind.provider()));
        let Went::Taken(name) = stage.hand_over(1, To::Somebody).await else { panic!("{kind:?}") };
        let events = mail.events(&stage, kind.provider(), told(kind) + 1).await;
        assert_eq!(events[0].key, events[1].key, "{kind:?}: the refused one came again under its name");
        let names: BTreeSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
        assert_eq!(names.len(), told(kind), "{kind:?}");
        for event in &events {
            assert_eq!(event.provider_ref.as_deref(), Some(name.as_str()), "{kind:?}");
            // These carry no words of ours.
            let silent = matches!(kind, Kind::Salesforge | Kind::HeyReach | Kind::Twilio | Kind::Telnyx);
            assert_eq!(event.ours, (!silent).then(|| stage.id(1)), "{kind:?}");
        }
        let last = &events.last().unwrap().what;
        let expected = match kind {
            Kind::Resend | Kind::Postmark | Kind::Twilio | Kind::Telnyx => matches!(last, What::Delivered),
            Kind::Salesforge | Kind::HeyReach => matches!(last, What::Sent { .. }),
            Kind::Vapi | Kind::TelnyxCall => matches!(last, What::Answered),
            Kind::Lob => matches!(last, What::Queued),
        };
        assert!(expected, "{kind:?}: {last:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn duplicates_keep_their_name_and_the_rank_does_not_care_for_the_order() {
    for kind in [Kind::Resend, Kind::Twilio, Kind::Telnyx, Kind::Vapi, Kind::TelnyxCall] {
        let stage = Stage::of(kind).await;
        let mail = Mail::open(false).await;
        stage.twin.send_webhooks(Hook { duplicate: true, reorder: true, ..mail.hook(kind.provider()) });
        stage.hand_over(1, To::Somebody).await;
        let events = mail.events(&stage, kind.provider(), 4).await;
        let keys: Vec<&str> = events.iter().map(|event| event.key.as_str()).collect();
        assert!(keys[0] == keys[1] && keys[2] == keys[3] && keys[1] != keys[2], "{kind:?}: {keys:?}");
        assert!(events[0].what.rank() > events[2].what.rank(), "{kind:?}: the later one came first");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_webhook_that_is_changed_late_or_of_another_secret_is_refused() {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.provider().signs()) {
        let stage = Stage::of(kind).await;
        let mail = Mail::open(false).await;
        stage.twin.send_webhooks(mail.hook(kind.provider()));
        stage.hand_over(1, To::Somebody).await;
        let good = mail.inbound(&stage, 1).await.remove(0);
        let receive = |inbound: &Inbound| receive(kind.provider(), inbound);
        assert!(receive(&good).is_ok(), "{kind:?}");
        let mut bytes = good.body.to_vec();
        let at = bytes.len() / 2;
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let changed = Inbound { body: bytes.into(), ..good.clone() };
        assert_eq!(receive(&changed), Err(WebhookError::BadSignature), "{kind:?}");
        let unsigned = Inbound { headers: Vec::new(), ..good.clone() };
        assert_eq!(receive(&unsigned), Err(WebhookError::Unsigned), "{kind:?}");
        let elsewhere = Inbound { path_token: "other".into(), ..good.clone() };
        assert_eq!(receive(&elsewhere), Err(WebhookError::BadSignature), "{kind:?}");
        // Twilio signs no time.
        if kind != Kind::Twilio {
            for off in [301, -301] {
                let moved = Inbound { received_at: good.received_at.plus_s(off), ..good.clone() };
                assert!(matches!(receive(&moved), Err(WebhookError::Stale { .. })), "{kind:?} {off}");
            }
        }
        stage.twin.shutdown().await;
    }
}
