//! A private database full of leads that are due, and a mail server that keeps its own record.

use async_trait::async_trait;
use base::{Clock, EmailAddress, Random, Secret, SystemClock, TenantId, Time};
use control::secret::Keyring;
use db::{Caller, Cx, Db, Scope};
use outreach::{campaign, enrolment, resource, sequence, touch};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use testkit::TestDb;
use twins::smtp_sink::{self, Envelope, Sink, Store};
use uuid::Uuid;

/// Leads of one campaign, and what it and its domain may send in a day: the limits fit exactly.
pub const PER_CAMPAIGN: usize = 500;

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub message_id: String,
    pub to: String,
    pub at: Time,
}

/// What the mail server kept: the record that counts.
#[derive(Default)]
pub struct Post {
    kept: Mutex<(Vec<Arrived>, HashMap<String, u64>)>,
}

impl Post {
    pub fn all(&self) -> Vec<Arrived> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub fn count(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).0.len()
    }
}

#[async_trait]
impl Store for Post {
    async fn put(&self, envelope: Envelope, _: Vec<u8>) -> base::Result<()> {
        let message_id = envelope.message_id.unwrap_or_default();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.1.entry(message_id.clone()).or_default() += 1;
        kept.0.push(Arrived { message_id, to: envelope.to.join(","), at: SystemClock.now() });
        Ok(())
    }

    async fn find(&self, message_id: &str) -> base::Result<u64> {
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).1.get(message_id).copied().unwrap_or(0))
    }
}

pub struct Bed {
    /// The database of the shared server, when it is one: kept until the end.
    _kit: Option<TestDb>,
    /// Where the database is.
    pub url: String,
    pub db: Db,
    pub folder: tempfile::TempDir,
    pub post: Arc<Post>,
    pub tenant: TenantId,
    pub campaigns: Vec<Uuid>,
    /// Where mailboxes bring their mail in place of the mail server itself.
    pub door: Option<SocketAddr>,
    sink: Sink,
}

impl Bed {
    /// A database and a mail server; the tenant is made by `tenant`, which may run the program.
    pub async fn new(tenant: impl AsyncFnOnce(&TestDb, &std::path::Path) -> TenantId) -> Self {
        let kit = TestDb::new().await;
        let folder = crate::program::folder();
        let tenant = tenant(&kit, folder.path()).await;
        let (db, url) = (kit.live().await, kit.url().to_owned());
        Self::furnished(Some(kit), db, url, folder, tenant).await
    }

    /// An empty database of a server of the test's own, migrated here.
    pub async fn on(url: &str, folder: tempfile::TempDir) -> Self {
        let settings = db::Settings { url: Secret::new(url), connections_max: 10, ..db::Settings::default() };
        db::migrate(&settings).await.expect("the migrations apply");
        let db = Db::connect(&settings, Arc::new(SystemClock), Arc::new(Random::system())).await;
        let db = db.expect("the server answers");
        let mut cx = db.system("proof").await.expect("begins");
        let id: Uuid = sqlx::query_scalar(
            "insert into accounts.tenant (id, name, status, legal_name, postal_address, website, offer, onboarded_at, created_at, updated_at)
             values (gen_random_uuid(), 'Anchor Agency', 'active', 'Anchor Agency', '1 George Street, Sydney NSW 2000', 'https://example.com',
                     'Bookkeeping for builders', now(), now(), now()) returning id",
        )
        .fetch_one(cx.conn())
        .await
        .expect("an organisation");
        cx.commit().await.expect("a commit");
        Self::furnished(None, db, url.to_owned(), folder, TenantId(id)).await
    }

    async fn furnished(
        kit: Option<TestDb>,
        db: Db,
        url: String,
        folder: tempfile::TempDir,
        tenant: TenantId,
    ) -> Self {
        let post = Arc::new(Post::default());
        let sink = Sink::start(smtp_sink::Settings::default(), post.clone(), Arc::new(SystemClock)).await;
        let sink = sink.expect("loopback ports are free");
        Self { _kit: kit, url, db, folder, post, tenant, campaigns: Vec::new(), door: None, sink }
    }

    pub async fn cx(&self) -> Cx {
        self.db.begin(Scope::Tenant(self.tenant), Caller::system("proof", &self.db)).await.expect("begins")
    }

    /// `campaigns` × [`PER_CAMPAIGN`] leads on autopilot, each campaign with a domain of two mailboxes.
    pub async fn fill(&mut self, campaigns: usize) {
        self.figures().await;
        let state = self.folder.path().join(".state");
        std::fs::create_dir_all(&state).expect("a folder");
        let ring =
            Keyring::load(&control::secret::Settings::default(), &state, self.db.random()).expect("a key");
        let smtp = self.door.unwrap_or(self.sink.smtp());
        let lookup: url::Url = self.sink.lookup_url().parse().expect("a URL");
        let server = resource::SinkSettings { host: smtp.ip().to_string(), port: smtp.port(), lookup };
        for n in 0..campaigns {
            let mut cx = self.cx().await;
            let mut mailboxes = Vec::new();
            for name in ["ana", "ben"] {
                let address = EmailAddress::parse(&format!("{name}@sender{n}.example")).expect("an address");
                let id = resource::add_sink(&mut cx, &ring, &server, address, "Ana Wells")
                    .await
                    .expect("a mailbox");
                mailboxes.push(id.uuid());
            }
            let new = campaign::New { name: format!("Campaign {n}"), ..campaign::New::default() };
            let id = campaign::create(&mut cx, new).await.expect("a campaign");
            let change = campaign::Change {
                mode: Some("autopilot".to_owned()),
                daily_limit: Some(PER_CAMPAIGN as i32),
                ..campaign::Change::default()
            };
            campaign::edit(&mut cx, id, &change).await.expect("its settings");
            let steps = sequence::first_contact().into_iter().take(1).collect();
            sequence::save(&mut cx, id, "one step", steps).await.expect("a step");
            campaign::assign(&mut cx, id, &mailboxes).await.expect("its mailboxes");
            campaign::activate(&mut cx, id).await.expect("it begins");
            let leads = leads(&mut cx, self.tenant, n).await;
            let joined = enrolment::enrol(&mut cx, id.uuid(), &leads).await.expect("they join");
            assert_eq!(joined, PER_CAMPAIGN);
            cx.commit().await.expect("a commit");
            self.campaigns.push(id.uuid());
        }
        let mut cx = self.cx().await;
        ::jobs::enqueue(&mut cx, &touch::jobs::Plan {}).await.expect("the planner is asked");
        cx.commit().await.expect("a commit");
    }

    /// Figures of this installation: always open, no pause between mails, a domain warm at once.
    async fn figures(&self) {
        let mut cx = self.db.system("proof").await.expect("begins");
        let always = serde_json::json!([["00:00", "24:00"]]);
        let week: serde_json::Map<_, _> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .map(|day| (day.to_owned(), always.clone()))
            .into_iter()
            .collect();
        let figures = [
            ("window.email", serde_json::Value::Object(week)),
            ("holidays.AU", serde_json::json!([])),
            ("email.pacing_s", serde_json::json!([0, 0])),
            ("email.domain_daily", serde_json::json!(PER_CAMPAIGN)),
            ("email.ramp", serde_json::json!([[1, PER_CAMPAIGN]])),
            ("email.reply_reserve_percent", serde_json::json!(0)),
        ];
        for (key, value) in figures {
            sqlx::query(
                "insert into control.figure (id, key, value, valid_from, source, reason, created_at)
                 values (gen_random_uuid(), $1, $2, now() - interval '1 minute', 'proof', 'proof', now())",
            )
            .bind(key)
            .bind(value)
            .execute(cx.conn())
            .await
            .expect("a figure");
        }
        // One client runs more campaigns than a plan is sold with.
        sqlx::query(
            "insert into billing.plan (id, code, name, price_minor, leads, campaigns, seats, valid_from, source, created_at)
             select gen_random_uuid(), code, name, price_minor, leads, 1000, seats, valid_from + interval '1 second', 'proof', now()
             from billing.plan where code = 'ignition'",
        )
        .execute(cx.conn())
        .await
        .expect("a plan");
        cx.commit().await.expect("a commit");
    }

    /// Where the mail server listens.
    pub fn smtp(&self) -> SocketAddr {
        self.sink.smtp()
    }

    /// A number that a query of the owner of the schema gives, who also sees other connections.
    pub async fn seen(&self, query: &str) -> i64 {
        let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(&self.url).await.expect("connects");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut owner)
            .await
            .expect("a number")
    }

    /// A number that a query gives, over all tenants.
    pub async fn count(&self, query: &str) -> i64 {
        let mut cx = self.db.system("proof").await.expect("begins");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(cx.conn())
            .await
            .unwrap_or_else(|cause| panic!("{query}: {cause}"))
    }
}

/// The leads of one campaign, by one statement.
async fn leads(cx: &mut Cx, tenant: TenantId, campaign: usize) -> Vec<Uuid> {
    sqlx::query_scalar(
        "insert into leads.lead (id, tenant_id, email, domain, first_name, last_name, title, company_name, industry, headcount,
                                 country, zone, consent, status, score, tier, source, created_at, updated_at)
         select gen_random_uuid(), $1, format('lead%s@prospect%s.example', n, $2::int), format('prospect%s.example', $2::int), 'Priya', 'Nair', 'Owner',
                'Harbour Dental', 'Dentists', 12, 'AU', 'Australia/Sydney', 'inferred_published', 'scored', 72, 'warm', 'proof', now(), now()
         from generate_series(1, $3::int) n returning id",
    )
    .bind(tenant.uuid())
    .bind(i32::try_from(campaign).expect("few"))
    .bind(i32::try_from(PER_CAMPAIGN).expect("few"))
    .fetch_all(cx.conn())
    .await
    .expect("leads")
}

/// An organisation that may send, for proofs that need no sign-in.
pub async fn plain_tenant(kit: &TestDb, _: &std::path::Path) -> TenantId {
    kit.tenant("Anchor Agency").await.id
}
