//! A client with a mailbox, a lead in a campaign, twins of the booking services, and a booking page.

use crate::{Needs, calendar, meeting, module};
use axum::body::Body;
use axum::http::Request;
use base::{EmailAddress, Random, Secret, Time, Zone};
use control::{secret, switch::Watch};
use hmac::{Hmac, Mac};
use ports::{InMemory, calendar::Service};
use sha2::Sha256;
use std::{path::Path, sync::Arc, time::Duration};
use testkit::{Answer, Tenant, TestApp, TestDb};
use twins::carrier::CarrierTwin;
use uuid::Uuid;

pub const ORIGIN: &str = "http://127.0.0.1:8080";
pub const PRIYA: &str = "priya@prospect.example";

pub struct World {
    pub db: TestDb,
    pub app: TestApp,
    pub tenant: Tenant,
    pub ports: InMemory,
    pub twin: CarrierTwin,
    pub service: Service,
    pub lead: Uuid,
}

pub fn keyring(db: &TestDb) -> Arc<secret::Keyring> {
    let settings = secret::Settings { installation_key: Secret::new("07".repeat(32)) };
    Arc::new(
        secret::Keyring::load(&settings, Path::new("/nonexistent"), &db.random).expect("a key of 32 bytes"),
    )
}

pub fn page() -> meeting::Page {
    let day = serde_json::json!([["09:00", "17:00"]]);
    let hours = serde_json::json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day});
    meeting::Page {
        slug: "anchor".to_owned(),
        title: "Intro call".to_owned(),
        minutes: 30,
        zone: Zone::sydney(),
        hours: serde_json::from_value(hours).expect("hours"),
        notice_hours: 1,
        days_ahead: 21,
        buffer_minutes: 0,
        location: "https://meet.example/ana".to_owned(),
        host_name: "Ana Wells".to_owned(),
        host_email: "ana@anchor.example".to_owned(),
        active: true,
    }
}

impl World {
    /// The clock stands at Monday, 2 March 2026, 11:00 in Sydney: midnight UTC.
    pub async fn new(service: Service) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("Anchor Agency").await;
        let any = "127.0.0.1:0".parse().expect("an address");
        let twin = twins::calendar::start(service.word(), any, db.clock.clone()).await.expect("a twin");
        let memory = db.ports();
        let line = vendors::delivery::Line::new(
            db.clock.clone(),
            Arc::new(Random::seeded(3)),
            Duration::from_secs(2),
        )
        .expect("a client");
        let ports = ports::Ports { calendars: vendors::calendar::calendars(&line), ..memory.ports() };
        let needs =
            Needs { ports: Arc::new(ports.clone()), keyring: keyring(&db), origin: ORIGIN.to_owned() };
        let around = outreach::Needs {
            ports: Arc::new(ports),
            keyring: keyring(&db),
            switches: Watch::start(&db.db).await.expect("switches can be read"),
            llm: None,
            origin: ORIGIN.to_owned(),
            sink: None,
            offers: Some(needs.offers()),
        };
        let app = TestApp::start(&db, vec![module(needs), outreach::module(around)]).await;
        let mut cx = db.cx(&tenant.owner).await;
        let sink = outreach::resource::SinkSettings {
            host: "127.0.0.1".to_owned(),
            port: 2525,
            lookup: "http://127.0.0.1:2526/".parse().expect("a URL"),
        };
        let address = EmailAddress::parse("ana@anchor.example").expect("an address");
        let resource = outreach::resource::add_sink(&mut cx, &keyring(&db), &sink, address, "Ana Wells")
            .await
            .expect("a mailbox");
        let ids: [Uuid; 4] = std::array::from_fn(|_| cx.id());
        let [campaign, sequence, lead, enrolment] = ids;
        let (now, of) = (cx.now().to_string(), tenant.id);
        for statement in [
            format!(
                "insert into outreach.campaign (id, tenant_id, name, status, sequence_id, created_by, created_at, updated_at) values ('{campaign}', '{of}', 'Builders', 'active', '{sequence}', 'test', '{now}', '{now}')"
            ),
            format!(
                "insert into outreach.sequence (id, tenant_id, campaign_id, version, created_by, created_at) values ('{sequence}', '{of}', '{campaign}', 1, 'test', '{now}')"
            ),
            format!(
                "insert into outreach.campaign_resource (id, tenant_id, campaign_id, resource_id, created_at) values (gen_random_uuid(), '{of}', '{campaign}', '{resource}', '{now}')"
            ),
            format!(
                "insert into leads.lead (id, tenant_id, email, domain, first_name, last_name, company_name, country, zone, consent, status, source, created_at, updated_at) values ('{lead}', '{of}', '{PRIYA}', 'prospect.example', 'Priya', 'Nair', 'Nair Builders', 'AU', 'Australia/Perth', (enum_range(null::leads.consent_basis))[1], 'in_sequence', 'test', '{now}', '{now}')"
            ),
            format!(
                "insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, next_step, created_at, updated_at) values ('{enrolment}', '{of}', '{campaign}', '{lead}', '{sequence}', 2, '{now}', '{now}')"
            ),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(cx.conn())
                .await
                .expect("a row of the test's world");
        }
        meeting::save_page(&mut cx, &page()).await.expect("a booking page");
        cx.commit().await.expect("a commit");
        Self { db, app, tenant, ports: memory, twin, service, lead }
    }

    /// It is this late, and what is due then is done.
    pub async fn at(&self, now: &str) {
        self.db.clock.advance_to(t(now));
        self.app.settle().await;
    }

    /// Connects the twin by the form, as a person does; the calendar's id.
    pub async fn connect(&self, key: &str) -> Uuid {
        let us = self.app.as_member(&self.tenant.owner);
        let fields = [
            ("service", self.service.word()),
            ("name", "Ana's calendar"),
            ("key", key),
            ("base_url", &self.twin.url()),
        ];
        let answer = us.post("/meetings/calendars", &fields).await.expect(303);
        let id = answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.settle().await;
        id
    }

    /// Connects and chooses what is booked.
    pub async fn connected(&self) -> Uuid {
        let id = self.connect("cal_live_key").await;
        let kind = match self.service {
            Service::CalCom => "4711",
            Service::Calendly => "https://api.calendly.com/event_types/INTRO",
        };
        let us = self.app.as_member(&self.tenant.owner);
        us.post(&format!("/meetings/calendars/{id}"), &[("event_type", kind)]).await.expect(303);
        id
    }

    /// A word, signed as the service signs, to where the service was told to send it.
    pub async fn says(&self, calendar: Uuid, body: &serde_json::Value) -> u16 {
        let text = body.to_string();
        let headers = self.signed(calendar, &text).await;
        let answer = self.deliver(calendar, &text, headers).await;
        self.app.settle().await;
        answer.status
    }

    pub async fn signed(&self, calendar: Uuid, body: &str) -> (&'static str, String) {
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let (_, secret) =
            calendar::telling(&mut cx, &keyring(&self.db), ORIGIN, calendar).await.expect("a secret");
        let mac = |parts: &[&str]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("any key");
            parts.iter().for_each(|part| mac.update(part.as_bytes()));
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        match self.service {
            Service::CalCom => ("x-cal-signature-256", mac(&[body])),
            Service::Calendly => {
                let at = (self.db.clock_now().ms() / 1_000).to_string();
                ("calendly-webhook-signature", format!("t={at},v1={}", mac(&[&at, ".", body])))
            }
        }
    }

    pub async fn deliver(&self, calendar: Uuid, body: &str, header: (&'static str, String)) -> Answer {
        let path = self.hook(calendar).await;
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header(header.0, header.1)
            .body(Body::from(body.to_owned()))
            .expect("a request");
        self.app.stranger().send(request).await
    }

    pub async fn hook(&self, calendar: Uuid) -> String {
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let (url, _) =
            calendar::telling(&mut cx, &keyring(&self.db), ORIGIN, calendar).await.expect("an address");
        url.path().to_owned()
    }

    /// Rows of one value each.
    pub async fn all(&self, statement: &str) -> Vec<String> {
        let mut cx = self.db.system().await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned()))
            .fetch_all(cx.conn())
            .await
            .unwrap_or_else(|cause| panic!("{statement}: {cause}"))
    }

    pub async fn one(&self, statement: &str) -> String {
        let found = self.all(statement).await;
        assert_eq!(found.len(), 1, "{statement}: {found:?}");
        found.into_iter().next().unwrap_or_default()
    }
}

/// A word of Cal.com about a booking.
pub fn cal_com(kind: &str, uid: &str, said: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut payload = serde_json::json!({
        "uid": uid, "eventTypeId": 4711, "title": "Intro call", "startTime": "2026-03-05T01:00:00Z", "endTime": "2026-03-05T01:30:00Z",
        "attendees": [{"email": PRIYA, "name": "Priya Nair", "timeZone": "Australia/Perth"}], "metadata": {},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        payload[name] = value.clone();
    }
    serde_json::json!({"triggerEvent": kind, "createdAt": said, "payload": payload})
}

pub fn t(text: &str) -> Time {
    text.parse().expect("an instant")
}
