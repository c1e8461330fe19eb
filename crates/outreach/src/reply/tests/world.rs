//! A client with a mailbox, a lead in a campaign, and one mail that was sent to them.

use crate::{
    channel::Channel,
    content::LlmSettings,
    module::{Needs, module},
    resource::{self, SinkSettings},
    thread,
};
use base::{EmailAddress, Secret};
use control::{secret, switch::Watch};
use hooks::inbox::{self, InboxId, Received};
use ports::{InMemory, llm::MemoryLlm};
use std::{path::Path, sync::Arc};
use testkit::{Tenant, TestApp, TestDb};
use uuid::Uuid;

/// Our mailbox and the Message-ID of what was sent.
pub const OURS: &str = "ana@anchor.example";
pub const SENT: &str = "sent-1@anchor.example";
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
pub const PRIYA: &str = "priya@prospect.example";

pub struct World {
    pub db: TestDb,
    pub app: TestApp,
    pub tenant: Tenant,
    pub ports: InMemory,
    pub lead: Uuid,
    pub enrolment: Uuid,
}

pub fn keyring(db: &TestDb) -> Arc<secret::Keyring> {
    let settings = secret::Settings { installation_key: Secret::new("07".repeat(32)) };
    Arc::new(
        secret::Keyring::load(&settings, Path::new("/nonexistent"), &db.random).expect("a key of 32 bytes"),
    )
}

impl World {
    pub async fn new() -> Self {
        Self::with(None).await
    }

    /// With a model that answers from a function (`ports.llm`).
    pub async fn with_model() -> Self {
        let account = MemoryLlm::account();
        Self::with(Some(LlmSettings { account, critic: None })).await
    }

    async fn with(llm: Option<LlmSettings>) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("Anchor Agency").await;
        let ports = db.ports();
        let sink = SinkSettings {
            host: "127.0.0.1".to_owned(),
            port: 2525,
            lookup: "http://127.0.0.1:2526/".parse().expect("a URL"),
        };
        let needs = Needs {
            ports: Arc::new(ports.ports()),
            keyring: keyring(&db),
            switches: Watch::start(&db.db).await.expect("switches can be read"),
            llm,
            origin: "http://127.0.0.1:8080".to_owned(),
            sink: Some(sink.clone()),
            offers: None,
        };
        let app = TestApp::start(&db, vec![module(needs)]).await;
        let mut cx = db.cx(&tenant.owner).await;
        let address = EmailAddress::parse(OURS).expect("an address");
        let resource = resource::add_sink(&mut cx, &keyring(&db), &sink, address, "Ana Wells")
            .await
            .expect("a mailbox")
            .uuid();
        let ids: [Uuid; 5] = std::array::from_fn(|_| cx.id());
        let [campaign, sequence, lead, enrolment, touch] = ids;
        let now = cx.now().to_string();
        let statements = [
            format!(
                "insert into outreach.campaign (id, tenant_id, name, status, sequence_id, created_by, created_at, updated_at) values ('{campaign}', '{0}', 'Builders', 'active', '{sequence}', 'test', '{now}', '{now}')",
                tenant.id
            ),
            format!(
                "insert into outreach.sequence (id, tenant_id, campaign_id, version, created_by, created_at) values ('{sequence}', '{0}', '{campaign}', 1, 'test', '{now}')",
                tenant.id
            ),
            format!(
                "insert into outreach.campaign_resource (id, tenant_id, campaign_id, resource_id, created_at) values (gen_random_uuid(), '{0}', '{campaign}', '{resource}', '{now}')",
                tenant.id
            ),
            format!(
                "insert into leads.lead (id, tenant_id, email, domain, first_name, last_name, company_name, country, zone, consent, status, source, created_at, updated_at) values ('{lead}', '{0}', '{PRIYA}', 'prospect.example', 'Priya', 'Nair', 'Nair Builders', 'AU', 'Australia/Sydney', (enum_range(null::leads.consent_basis))[1], 'in_sequence', 'test', '{now}', '{now}')",
                tenant.id
            ),
            format!(
                "insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, next_step, created_at, updated_at) values ('{enrolment}', '{0}', '{campaign}', '{lead}', '{sequence}', 2, '{now}', '{now}')",
                tenant.id
            ),
            format!(
                "insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, state, due_at, resource_id, recipient, sender, subject, body, message_id, unsubscribe_token, sent_at, created_at, updated_at) values ('{touch}', '{0}', '{enrolment}', '{campaign}', '{lead}', 1, 'email', 'sent', '{now}', '{resource}', '{PRIYA}', 'Ana Wells <{OURS}>', 'Bookkeeping', 'Hi Priya, shall we talk?', '<{SENT}>', '{TOKEN}', '{now}', '{now}', '{now}')",
                tenant.id
            ),
        ];
        for statement in statements {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(cx.conn())
                .await
                .expect("a row of the test's world");
        }
        let out = thread::Outbound {
            lead,
            campaign,
            channel: Channel::Email,
            touch,
            resource: Some(resource),
            message_id: Some(format!("<{SENT}>")),
            sender: format!("Ana Wells <{OURS}>"),
            recipient: PRIYA.to_owned(),
            subject: "Bookkeeping".to_owned(),
            body: "Hi Priya, shall we talk?".to_owned(),
        };
        thread::record_outbound_all(&mut cx, &[out]).await.expect("the sent mail is in its conversation");
        cx.commit().await.expect("a commit");
        Self { db, app, tenant, ports, lead, enrolment }
    }

    /// A mail comes in and is worked on; returns the delivery, none if it was there before.
    pub async fn comes(&self, raw: &str) -> Option<InboxId> {
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let received = Received {
            source: "imap",
            account: OURS.to_owned(),
            dedupe_key: base::Digest::of(raw.as_bytes()).to_string(),
            headers: serde_json::json!({}),
            raw: raw.as_bytes().to_vec(),
        };
        let id = inbox::receive(&mut cx, received).await.expect("it is kept");
        cx.commit().await.expect("a commit");
        self.app.settle().await;
        id
    }

    /// One value of the database as text; the statement may name `$t` (tenant), `$l` (lead), `$e` (enrolment).
    pub async fn one(&self, statement: &str) -> Option<String> {
        let statement = statement
            .replace("$t", &format!("'{}'", self.tenant.id))
            .replace("$l", &format!("'{}'", self.lead))
            .replace("$e", &format!("'{}'", self.enrolment));
        let mut cx = self.db.system().await;
        sqlx::query_scalar::<_, Option<String>>(sqlx::AssertSqlSafe(statement))
            .fetch_optional(cx.conn())
            .await
            .expect("a statement of the test")
            .flatten()
    }

    pub async fn count(&self, table_and_where: &str) -> i64 {
        let text = self.one(&format!("select count(*)::text from {table_and_where}")).await;
        text.and_then(|text| text.parse().ok()).unwrap_or(-1)
    }

    /// A count of rows in every table that processing touches: equal before and after means no change.
    pub async fn fingerprint(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for table in [
            "outreach.message",
            "outreach.thread",
            "outreach.activity",
            "leads.suppression",
            "leads.lead",
            "control.notification",
            "control.approval",
        ] {
            counts.push(self.count(table).await);
        }
        counts
    }
}

/// A mail of the lead in answer to ours.
pub fn answer(headers: &str, words: &str) -> String {
    mail(
        PRIYA,
        "Re: Bookkeeping",
        &format!("In-Reply-To: <{SENT}>\r\nReferences: <{SENT}>\r\n{headers}"),
        words,
    )
}

pub fn mail(from: &str, subject: &str, headers: &str, words: &str) -> String {
    let id = base::Digest::of(words.as_bytes()).short();
    format!(
        "From: Priya Nair <{from}>\r\nTo: {OURS}\r\nSubject: {subject}\r\nMessage-ID: <{id}@prospect.example>\r\nDate: Mon, 02 Mar 2026 00:00:00 +0000\r\n{headers}Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n\r\nOn Mon, 2 Mar 2026 Ana Wells wrote:\r\n> Hi Priya, shall we talk?\r\n"
    )
}
