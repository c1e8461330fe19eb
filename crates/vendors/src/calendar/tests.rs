//! Booking services over HTTP against their twins, and what passes for a word of theirs.
//!
//! The golden signatures were made with Python's `hmac`: `hmac.new(b'signing-secret-1', body, sha256)` for
//! Cal.com, over `t + b'.' + body` for Calendly.

use super::calendars;
use crate::delivery::Line;
use base::{Clock, ManualClock, Random, Secret, Time, Zone};
use ports::calendar::{Account, Calendar, Guest, Heard, Made, Service, What};
use ports::delivery::{Failure, Inbound, Keys, Signing, WebhookError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use twins::carrier::{CarrierTwin, Fault, FaultKind};
use url::Url;
use uuid::Uuid;

const TOKEN: &str = "the-token-of-a-twins-address";
const SECRET: &str = "signing-secret-1";
const LEAD: &str = "0192d000-0000-7000-8000-000000000001";
/// 2026-03-02T00:00:00Z, a Monday.
const AT_S: i64 = 1_772_409_600;
const CAL_COM: &str = r#"{"triggerEvent":"BOOKING_CREATED","createdAt":"2026-03-02T00:00:00.000Z","payload":{"uid":"bk1","eventTypeId":4711,"title":"Intro call","startTime":"2026-03-03T00:00:00Z","endTime":"2026-03-03T00:30:00Z","attendees":[{"email":"priya@prospect.example","name":"Priya Nair","timeZone":"Australia/Sydney"}],"metadata":{"lead":"0192d000-0000-7000-8000-000000000001","videoCallUrl":"https://video.example/x"}}}"#;
const CAL_COM_MAC: &str = "3789ca1416056c1969c629bc24b27ad3b6c9615891e158032f9bc44f29261e6a";
const CALENDLY: &str = r#"{"event":"invitee.created","created_at":"2026-03-02T00:00:00.000000Z","payload":{"uri":"https://api.calendly.com/scheduled_events/E1/invitees/I1","email":"priya@prospect.example","name":"Priya Nair","status":"active","timezone":"Australia/Sydney","event":"https://api.calendly.com/scheduled_events/E1","rescheduled":false,"old_invitee":null,"new_invitee":null,"questions_and_answers":[{"question":"What?","answer":"Growth"}],"tracking":{"utm_content":"0192d000-0000-7000-8000-000000000001"},"cancel_url":"https://calendly.com/cancellations/I1","reschedule_url":"https://calendly.com/reschedulings/I1"}}"#;
const CALENDLY_MAC: &str = "19024bcb0bc7e13574750c532caf3f93c92e6e94c2c23ac8fc82c1105561ae2d";

fn t(text: &str) -> Time {
    text.parse().unwrap()
}

/// A service's client before its twin.
struct Stage {
    twin: CarrierTwin,
    client: Arc<dyn Calendar>,
    account: Account,
    clock: Arc<ManualClock>,
}

async fn stage(service: Service) -> Stage {
    let clock = Arc::new(ManualClock::at(Time::from_us(AT_S * 1_000_000)));
    let any = "127.0.0.1:0".parse().unwrap();
    let twin = twins::calendar::start(service.word(), any, clock.clone()).await.unwrap();
    let line = Line::new(clock.clone(), Arc::new(Random::seeded(1)), Duration::from_millis(600)).unwrap();
    let client = calendars(&line).get(service).unwrap().clone();
    let account = Account { base_url: Some(twin.url().parse().unwrap()), key: Secret::new("cal_live_key") };
    Stage { twin, client, account, clock }
}

fn guest() -> Guest {
    Guest {
        name: "Priya Nair".to_owned(),
        email: "priya@prospect.example".to_owned(),
        zone: Zone::sydney(),
        lead: Some(LEAD.parse().unwrap()),
    }
}

#[tokio::test]
async fn free_times_are_booked_moved_looked_up_and_cancelled_at_every_service() {
    for service in Service::ALL {
        let s = stage(service).await;
        let owner = s.client.owner(&s.account).await.unwrap();
        assert_eq!((owner.name.as_str(), owner.zone.as_deref()), ("Hana Host", Some("Australia/Sydney")));
        let kinds = s.client.event_types(&s.account, &owner).await.unwrap();
        let kind = kinds.iter().find(|kind| kind.title == "Intro call").expect("on whatever page it stands");
        assert_eq!(kind.minutes, 30);
        // Ten days: more than one question where a service answers for a week.
        let (from, until) = (t("2026-03-02T01:10:00Z"), t("2026-03-12T00:00:00Z"));
        let free = s.client.free(&s.account, &kind.reference, from, until).await.unwrap();
        assert_eq!(free.first(), Some(&t("2026-03-02T01:30:00Z")), "{service:?}");
        assert_eq!(free.len(), 9 + 7 * 12, "{service:?}: the rest of Monday and seven working days");
        assert!(free.is_sorted());
        let at = t("2026-03-03T00:00:00Z");
        let booked = s.client.book(&s.account, &kind.reference, at, &guest()).await.unwrap();
        assert_eq!((booked.starts_at, booked.ends_at), (at, t("2026-03-03T00:30:00Z")));
        let kept = s.twin.messages();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].to_string().contains(LEAD), "our lead travels with it: {}", kept[0]);
        let again = s.client.book(&s.account, &kind.reference, at, &guest()).await;
        assert!(matches!(again, Err(Failure::Refused(_))), "{service:?} {again:?}");
        assert_eq!(s.client.booking(&s.account, &booked.reference).await.unwrap(), booked);
        let left = s.client.free(&s.account, &kind.reference, from, until).await.unwrap();
        assert!(!left.contains(&at) && left.len() == free.len() - 1);
        let moved = s.client.reschedule(&s.account, &booked.reference, t("2026-03-04T00:00:00Z")).await;
        let last = match service {
            Service::CalCom => {
                let moved = moved.unwrap();
                assert_ne!(moved.reference, booked.reference);
                moved.reference
            }
            Service::Calendly => {
                assert!(matches!(moved, Err(Failure::NotStarted { .. })), "the guest moves it there");
                booked.reference.clone()
            }
        };
        s.client.cancel(&s.account, &last, "They asked for it").await.unwrap();
        s.client.cancel(&s.account, &last, "They asked for it").await.expect("twice is once");
        let free_again = s.client.free(&s.account, &kind.reference, from, until).await.unwrap();
        assert_eq!(free_again, free);
        s.twin.shutdown().await;
    }
}

#[tokio::test]
async fn links_carry_the_guest_and_the_lead_as_each_service_reads_them() {
    for service in Service::ALL {
        let s = stage(service).await;
        let page: Url = "https://booking.example/host/intro".parse().unwrap();
        let link = s
            .client
            .single_use(&s.account, "https://api.calendly.com/event_types/INTRO", &page)
            .await
            .unwrap();
        let link = s.client.link(&link, &guest());
        let has = |name: &str, value: &str| link.query_pairs().any(|(n, v)| n == name && v == value);
        assert!(has("name", "Priya Nair") && has("email", "priya@prospect.example"), "{link}");
        match service {
            Service::CalCom => assert!(has("metadata[lead]", LEAD) && link.path() == "/host/intro", "{link}"),
            Service::Calendly => {
                assert!(has("utm_content", LEAD) && link.path().starts_with("/d/"), "{link}")
            }
        }
        s.twin.shutdown().await;
    }
}

#[tokio::test]
async fn faults_are_told_apart_and_a_lost_booking_is_never_repeated() {
    for service in Service::ALL {
        let s = stage(service).await;
        let (own, book) = match service {
            Service::CalCom => ("GET /me", "POST /bookings"),
            Service::Calendly => ("GET /users/me", "POST /invitees"),
        };
        let kind = match service {
            Service::CalCom => "4711",
            Service::Calendly => "https://api.calendly.com/event_types/INTRO",
        };
        // Reading is tried again, honouring what the service asks.
        s.twin.inject(Fault::on(FaultKind::RateLimited, own));
        s.twin.inject(Fault::on(FaultKind::ServerError, own));
        assert!(s.client.owner(&s.account).await.is_ok(), "{service:?}");
        assert_eq!(s.twin.calls(), 3);
        for (fault, kept, later_s) in
            [(FaultKind::ServerErrorAfter, 1, 1_800), (FaultKind::TimeoutAfter, 2, 3_600)]
        {
            s.twin.inject(Fault::on(fault, book));
            let at = t("2026-03-03T00:00:00Z").plus_s(later_s);
            let lost = s.client.book(&s.account, kind, at, &guest()).await;
            assert!(matches!(&lost, Err(failure) if failure.is_unknown()), "{service:?} {fault:?}: {lost:?}");
            assert_eq!(s.twin.messages().len(), kept, "{service:?}: booked once, asked once");
        }
        let wrong = Account { key: Secret::new("wrong"), ..s.account.clone() };
        let refused = s.client.owner(&wrong).await.unwrap_err();
        assert!(matches!(&refused, Failure::Refused(no) if no.permanent), "{service:?} {refused:?}");
        let plain =
            Account { base_url: Some("http://calendar.example/".parse().unwrap()), ..s.account.clone() };
        assert!(
            matches!(s.client.owner(&plain).await, Err(Failure::NotStarted { .. })),
            "no key in the clear"
        );
        s.twin.shutdown().await;
    }
}

fn keys() -> Keys {
    // One that is being rotated out stands beside the current one.
    let signing = Signing::Secrets(vec![Secret::new("older"), Secret::new(SECRET)]);
    Keys { path_token: Secret::new(TOKEN), signing }
}

fn inbound(headers: &[(&str, &str)], body: &str, at_s: i64) -> Inbound {
    Inbound {
        url: "https://agency.example/hooks/calendar/x/y".parse().unwrap(),
        path_token: TOKEN.to_owned(),
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: body.to_owned().into(),
        received_at: Time::from_us(at_s * 1_000_000),
    }
}

fn read(service: Service, inbound: &Inbound) -> Result<Heard, WebhookError> {
    let line = Line::new(
        Arc::new(ManualClock::at(Time::from_us(0))),
        Arc::new(Random::seeded(1)),
        Duration::from_secs(1),
    );
    calendars(&line.unwrap()).get(service).unwrap().receive(&keys(), inbound)
}

fn made(heard: Heard) -> Made {
    match heard.what {
        What::Booked(made) => *made,
        What::Cancelled { .. } | What::NoShow { .. } | What::Other { .. } => panic!("{heard:?}"),
    }
}

#[test]
fn a_word_of_cal_com_passes_with_its_golden_signature_and_no_other() {
    let take =
        |mac: &str, body: &str| read(Service::CalCom, &inbound(&[("X-Cal-Signature-256", mac)], body, AT_S));
    let heard = take(CAL_COM_MAC, CAL_COM).unwrap();
    assert_eq!(heard.key, "BOOKING_CREATED:bk1:2026-03-02T00:00:00.000Z");
    assert_eq!(heard.at, t("2026-03-02T00:00:00Z"));
    let made = made(heard);
    assert_eq!(made.lead, Some(LEAD.parse::<Uuid>().unwrap()));
    assert_eq!(
        (made.starts_at, made.ends_at),
        (Some(t("2026-03-03T00:00:00Z")), Some(t("2026-03-03T00:30:00Z")))
    );
    assert_eq!((made.name.as_str(), made.zone.as_deref()), ("Priya Nair", Some("Australia/Sydney")));
    assert_eq!(
        (made.event_type.as_deref(), made.location.as_deref()),
        (Some("4711"), Some("https://video.example/x"))
    );
    // It carries no time: the same a year later passes, and its key keeps it out.
    assert!(
        read(Service::CalCom, &inbound(&[("x-cal-signature-256", CAL_COM_MAC)], CAL_COM, AT_S + 31_536_000))
            .is_ok()
    );
    let changed = CAL_COM.replace("Priya", "Prija");
    let prefixed = format!("sha256={CAL_COM_MAC}");
    for (mac, body) in [
        (CAL_COM_MAC, changed.as_str()),
        ("", CAL_COM),
        ("00", CAL_COM),
        (&prefixed, CAL_COM),
        (&CAL_COM_MAC[..62], CAL_COM),
    ] {
        assert_eq!(take(mac, body), Err(WebhookError::BadSignature), "{mac}");
    }
    assert_eq!(read(Service::CalCom, &inbound(&[], CAL_COM, AT_S)), Err(WebhookError::Unsigned));
    let mut elsewhere = inbound(&[("x-cal-signature-256", CAL_COM_MAC)], CAL_COM, AT_S);
    elsewhere.path_token = "other".to_owned();
    assert_eq!(read(Service::CalCom, &elsewhere), Err(WebhookError::BadSignature));
}

#[test]
fn a_word_of_calendly_passes_with_its_golden_signature_within_180_s() {
    let signature = format!("t={AT_S},v1={CALENDLY_MAC}");
    let take = |signature: &str, body: &str, at_s: i64| {
        read(Service::Calendly, &inbound(&[("Calendly-Webhook-Signature", signature)], body, at_s))
    };
    let heard = take(&signature, CALENDLY, AT_S).unwrap();
    assert_eq!(
        heard.key,
        "invitee.created:https://api.calendly.com/scheduled_events/E1/invitees/I1:2026-03-02T00:00:00.000000Z"
    );
    let made = made(heard);
    assert_eq!(made.lead, Some(LEAD.parse::<Uuid>().unwrap()));
    assert_eq!((made.starts_at, made.note.as_deref()), (None, Some("What? Growth")), "its time is asked for");
    for at in [AT_S + 180, AT_S - 180] {
        assert!(take(&signature, CALENDLY, at).is_ok());
    }
    for at in [AT_S + 181, AT_S - 181] {
        assert!(matches!(take(&signature, CALENDLY, at), Err(WebhookError::Stale { window_s: 180, .. })));
    }
    let later = format!("t={},v1={CALENDLY_MAC}", AT_S + 1);
    let changed = CALENDLY.replace("Priya", "Prija");
    for (signature, body) in [
        (signature.as_str(), changed.as_str()),
        (&later, CALENDLY),
        (&format!("t={AT_S},v0={CALENDLY_MAC}"), CALENDLY),
        (&format!("t={AT_S}"), CALENDLY),
    ] {
        assert_eq!(take(signature, body, AT_S), Err(WebhookError::BadSignature), "{signature}");
    }
    assert_eq!(read(Service::Calendly, &inbound(&[], CALENDLY, AT_S)), Err(WebhookError::Unsigned));
}

type Letters = Arc<Mutex<Vec<(axum::http::HeaderMap, axum::body::Bytes)>>>;

async fn mailbox() -> (Url, Letters) {
    let letters: Letters = Arc::default();
    let kept = letters.clone();
    let app = axum::Router::new().fallback(
        move |headers: axum::http::HeaderMap, body: axum::body::Bytes| async move {
            kept.lock().unwrap().push((headers, body));
            axum::http::StatusCode::OK
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/calendar/x/{TOKEN}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, letters)
}

/// What came, read by the client, once `count` words are there.
async fn told(s: &Stage, letters: &Letters, count: usize) -> Vec<What> {
    for _ in 0..150 {
        if letters.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let letters = std::mem::take(&mut *letters.lock().unwrap());
    assert_eq!(letters.len(), count, "{:?}", s.client.service());
    let heard = letters.into_iter().map(|(headers, body)| {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let pairs: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let at_s = s.clock.now().us() / 1_000_000;
        let inbound = inbound(&pairs, std::str::from_utf8(&body).unwrap(), at_s);
        s.client.receive(&keys(), &inbound).unwrap().what
    });
    heard.collect()
}

#[tokio::test]
async fn what_the_twins_tell_a_subscription_is_read_as_it_happened() {
    for service in Service::ALL {
        let s = stage(service).await;
        let (url, letters) = mailbox().await;
        let owner = s.client.owner(&s.account).await.unwrap();
        let id = s.client.subscribe(&s.account, &owner, &url, &Secret::new(SECRET)).await.unwrap();
        let page: Url = "https://booking.example/host/intro".parse().unwrap();
        let link = s.client.link(&page, &guest());
        let order = serde_json::json!({
            "event": "book", "start": "2026-03-03T00:00:00Z", "name": "Priya Nair", "email": "priya@prospect.example",
            "zone": "Australia/Sydney", "link": link,
        });
        s.twin.happen(&order).unwrap();
        let words = told(&s, &letters, 1).await;
        let What::Booked(first) = &words[0] else { panic!("{words:?}") };
        assert_eq!(first.lead, guest().lead, "{service:?}: by the link that they opened");
        assert_eq!(first.starts_at, Some(t("2026-03-03T00:00:00Z")));
        s.clock.advance_s(60);
        let order =
            serde_json::json!({"event": "move", "ref": first.reference, "start": "2026-03-04T00:00:00Z"});
        s.twin.happen(&order).unwrap();
        let words = told(&s, &letters, if service == Service::CalCom { 1 } else { 2 }).await;
        let Some(What::Booked(second)) = words.last() else { panic!("{words:?}") };
        assert_eq!(second.replaces.as_deref(), Some(first.reference.as_str()));
        if service == Service::Calendly {
            let lost = What::Cancelled {
                reference: first.reference.clone(),
                reason: None,
                moved: true,
                replaced_by: Some(second.reference.clone()),
            };
            assert_eq!(words[0], lost, "a move is no lost meeting");
        }
        for missed in [true, false] {
            s.clock.advance_s(60);
            let order = serde_json::json!({"event": "no_show", "ref": second.reference, "missed": missed});
            s.twin.happen(&order).unwrap();
            let expected = What::NoShow { reference: second.reference.clone(), missed };
            assert_eq!(told(&s, &letters, 1).await, [expected], "{service:?}");
        }
        s.client.cancel(&s.account, &second.reference, "No budget").await.unwrap();
        let words = told(&s, &letters, 1).await;
        assert!(
            matches!(&words[0], What::Cancelled { moved: false, reason: Some(why), .. } if why == "No budget"),
            "{service:?} {words:?}"
        );
        s.client.unsubscribe(&s.account, &id).await.unwrap();
        s.client.unsubscribe(&s.account, &id).await.expect("twice is once");
        s.twin.happen(&order_at("2026-03-05T00:00:00Z")).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(letters.lock().unwrap().is_empty());
        s.twin.shutdown().await;
    }
}

fn order_at(start: &str) -> serde_json::Value {
    serde_json::json!({"event": "book", "start": start, "name": "X", "email": "x@y.example", "zone": "UTC"})
}

#[tokio::test]
async fn a_meeting_that_ended_is_no_show_only_where_somebody_said_so() {
    let s = stage(Service::CalCom).await;
    let (url, letters) = mailbox().await;
    let owner = s.client.owner(&s.account).await.unwrap();
    s.client.subscribe(&s.account, &owner, &url, &Secret::new(SECRET)).await.unwrap();
    s.twin.happen(&order_at("2026-03-03T00:00:00Z")).unwrap();
    let words = told(&s, &letters, 1).await;
    let reference = words[0].reference().unwrap().to_owned();
    let ended = serde_json::json!({"event": "ended", "ref": reference});
    s.twin.happen(&ended).unwrap();
    assert_eq!(told(&s, &letters, 1).await, [What::Other { kind: "MEETING_ENDED".to_owned() }]);
    s.twin.happen(&serde_json::json!({"event": "no_show", "ref": reference})).unwrap();
    s.twin.happen(&ended).unwrap();
    let words = told(&s, &letters, 2).await;
    assert_eq!(words[1], What::NoShow { reference, missed: true });
    s.twin.shutdown().await;
}
