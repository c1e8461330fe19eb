//! A client with mailboxes, a campaign and leads; a provider that answers as it is told.

use crate::{
    campaign, enrolment,
    resource::{self, SinkSettings},
    touch::{Mode, Sender, TouchId, Writer, jobs},
};
use ::jobs::{Registry, simulate};
use async_trait::async_trait;
use base::{EmailAddress, Secret, Time};
use control::{
    approval::{self, ApprovalId},
    secret,
    switch::Watch,
};
use ports::email::{
    Accepted, EmailAccount, EmailSender, Found, MessageId, NotStarted, Outgoing, Refusal, SendError, Step,
};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use testkit::{Tenant, TestDb};
use uuid::Uuid;

/// What the provider does with the next mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Takes it.
    Take,
    /// Refuses the address for good.
    NoSuchAddress,
    /// Asks to come back later.
    Later,
    /// Does not answer.
    Away,
    /// Does not accept the password.
    WrongPassword,
    /// Takes it, and its answer is lost.
    LostKept,
    /// The connection breaks before it is whole.
    LostGone,
    /// Takes it, its answer is lost, and it cannot be asked afterwards.
    LostMute,
}

/// The provider: keeps what it took, and lets a test do something while a mail is with it.
#[derive(Default)]
pub struct Provider {
    acts: Mutex<VecDeque<Act>>,
    kept: Mutex<Vec<Outgoing>>,
    mute: Mutex<bool>,
    during: Mutex<Option<During>>,
}

/// What happens while a mail is at the provider; gets the mail.
pub type During = Arc<dyn Fn(Outgoing) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

fn with<T, R>(mutex: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
    f(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Provider {
    pub fn will(&self, acts: &[Act]) {
        with(&self.acts, |queue| queue.extend(acts));
    }

    pub fn kept(&self) -> Vec<Outgoing> {
        with(&self.kept, |kept| kept.clone())
    }

    pub fn during(&self, during: Option<During>) {
        with(&self.during, |slot| *slot = during);
    }
}

#[async_trait]
impl EmailSender for Provider {
    async fn send(&self, account: &EmailAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        mail.check().map_err(|error| SendError::malformed(&error))?;
        let during = with(&self.during, |slot| slot.clone());
        if let Some(during) = during {
            during(mail.clone()).await;
        }
        let act = with(&self.acts, VecDeque::pop_front).unwrap_or(Act::Take);
        let keep = || with(&self.kept, |kept| kept.push(mail.clone()));
        let host = account.host();
        let refused = |permanent, code, enhanced: &str, text: &str| {
            Err(SendError::Refused(Refusal {
                permanent,
                code,
                enhanced: Some(enhanced.to_owned()),
                text: text.to_owned(),
                per_recipient: Vec::new(),
            }))
        };
        let stopped = |step, text: &str| {
            Err(SendError::NotStarted(NotStarted { step, host: host.clone(), message: text.to_owned() }))
        };
        let lost = || Err(SendError::Unknown { host: host.clone(), detail: "connection closed".to_owned() });
        match act {
            Act::Take => {
                keep();
                Ok(Accepted {
                    provider_ref: Some("q1".to_owned()),
                    response: "250 kept".to_owned(),
                    at: mail.date,
                })
            }
            Act::NoSuchAddress => refused(true, 550, "5.1.1", "5.1.1 There is no such mailbox here"),
            Act::Later => refused(false, 451, "4.7.1", "4.7.1 Please try again later"),
            Act::Away => stopped(Step::Connect, "No connection."),
            Act::WrongPassword => stopped(Step::SignIn, "The password is not accepted."),
            Act::LostKept => {
                keep();
                lost()
            }
            Act::LostGone => lost(),
            Act::LostMute => {
                keep();
                with(&self.mute, |mute| *mute = true);
                lost()
            }
        }
    }

    async fn find(&self, _: &EmailAccount, id: &MessageId) -> base::Result<Found> {
        if with(&self.mute, |mute| *mute) {
            return Ok(Found::CannotTell);
        }
        Ok(if with(&self.kept, |kept| kept.iter().any(|mail| mail.message_id == *id)) {
            Found::Delivered
        } else {
            Found::NotSeen
        })
    }
}

/// One client, one campaign, some leads.
pub struct World {
    pub db: TestDb,
    pub tenant: Tenant,
    pub provider: Arc<Provider>,
    pub outside: ports::InMemory,
    pub registry: Registry,
    pub sender: Sender,
    pub campaign: Uuid,
    pub resource: Uuid,
    pub leads: Vec<Uuid>,
}

/// Where a touch stands, with what a test asks about.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: TouchId,
    pub state: String,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub retry_at: Option<Time>,
    pub subject: Option<String>,
    pub body: Option<String>,
    pub approval: Option<Uuid>,
    pub message_id: Option<String>,
    pub enrolment: String,
    pub next_due_at: Option<Time>,
    pub lead: String,
    pub tries: i16,
}

impl World {
    /// A client in this mode with `leads` leads that are due; nothing has run yet. The window is open.
    pub async fn new(mode: Mode, leads: usize) -> Self {
        Self::with(mode, leads, |_, ports| ports).await
    }

    /// With somebody who knows where a time is picked.
    pub async fn offering(mode: Mode, offers: Arc<dyn crate::offer::Offers>) -> Self {
        Self::made(mode, 1, |_, ports| ports, Some(offers)).await
    }

    /// The same with other ports for some channels.
    pub async fn with(
        mode: Mode,
        leads: usize,
        change: impl FnOnce(&TestDb, ports::Ports) -> ports::Ports,
    ) -> Self {
        Self::made(mode, leads, change, None).await
    }

    async fn made(
        mode: Mode,
        leads: usize,
        change: impl FnOnce(&TestDb, ports::Ports) -> ports::Ports,
        offers: Option<Arc<dyn crate::offer::Offers>>,
    ) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("Anchor Agency").await;
        let provider = Arc::new(Provider::default());
        let installation_key = Secret::new("07".repeat(32));
        let keyring = secret::Keyring::load(
            &secret::Settings { installation_key },
            Path::new("/nonexistent"),
            &db.random,
        );
        let keyring = Arc::new(keyring.expect("a key of 32 bytes"));
        let outside = db.ports();
        let ports = change(&db, ports::Ports { email: provider.clone(), ..outside.ports() });
        let ports = Arc::new(ports);
        let origin = "https://agency.example".to_owned();
        let writer = Writer { ports: ports.clone(), llm: None, origin: origin.clone(), offers };
        let switches = Watch::start(&db.db).await.expect("switches can be read");
        let sender = Sender { ports, origin, keyring, switches };
        let mut registry = Registry::new();
        jobs::register(&mut registry, writer, sender.clone());
        let heard =
            crate::delivery::jobs::Reader { ports: sender.ports.clone(), keyring: sender.keyring.clone() };
        crate::delivery::jobs::register(&mut registry, heard);
        registry.register::<super::outcomes::Race>(sender.clone());
        registry.sync(&db.db).await.expect("jobs can be written");
        // Days pass in these tests: a look every half hour in place of every minute.
        let mut cx = db.system().await;
        sqlx::query!("update jobs.schedule set cron = '*/30 * * * *'")
            .execute(cx.conn())
            .await
            .expect("a schedule");
        cx.commit().await.expect("a commit");
        let mut world = Self {
            db,
            tenant,
            provider,
            outside,
            registry,
            sender,
            campaign: Uuid::nil(),
            resource: Uuid::nil(),
            leads: Vec::new(),
        };
        world.furnish(mode, leads).await;
        world
    }

    async fn furnish(&mut self, mode: Mode, leads: usize) {
        let sink = SinkSettings {
            host: "127.0.0.1".to_owned(),
            port: 2525,
            lookup: "http://127.0.0.1:2526/".parse().expect("a URL"),
        };
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let address = EmailAddress::parse("ana@anchor.example").expect("an address");
        let resource = resource::add_sink(&mut cx, &self.sender.keyring, &sink, address, "Ana Wells")
            .await
            .expect("a mailbox");
        let new =
            campaign::New { name: "Builders".to_owned(), with_template: true, ..campaign::New::default() };
        let campaign = campaign::create(&mut cx, new).await.expect("a campaign");
        let word = match mode {
            Mode::Autopilot => "autopilot",
            Mode::CoPilot => "co_pilot",
            Mode::Manual => "manual",
        };
        let change = campaign::Change { mode: Some(word.to_owned()), ..campaign::Change::default() };
        campaign::edit(&mut cx, campaign, &change).await.expect("a mode");
        campaign::activate(&mut cx, campaign).await.expect("it may begin");
        self.campaign = campaign.uuid();
        self.resource = resource.uuid();
        for n in 0..leads {
            self.leads.push(lead(&mut cx, n).await);
        }
        enrolment::enrol(&mut cx, self.campaign, &self.leads).await.expect("they join");
        cx.commit().await.expect("a commit");
    }

    /// Runs what is due now and what that starts.
    pub async fn settle(&self) {
        self.run_until(self.db.clock_now()).await;
    }

    /// Lets time pass.
    pub async fn run_until(&self, until: Time) {
        simulate::run_until(&self.db.db, &self.registry, &self.db.clock, until, |_| true)
            .await
            .expect("the queue runs");
    }

    /// Lets time pass, in seconds.
    pub async fn run_s(&self, seconds: i64) {
        self.run_until(self.db.clock_now().plus_s(seconds)).await;
    }

    /// Lets days pass in steps of an hour, for what does not depend on minutes: what runs each minute runs once an hour.
    pub async fn run_days(&self, days: i64) {
        for _ in 0..days * 24 {
            self.db.clock.advance_s(3_600);
            self.settle().await;
        }
    }

    /// Moves the clock to 19:00 of the present day in Sydney, when nothing may leave.
    pub fn evening(&self) {
        self.db.clock.advance_s(8 * 3_600);
    }

    /// Runs until 17:00 of the next day in Sydney.
    pub async fn next_day(&self) {
        self.run_s(22 * 3_600).await;
    }

    /// The touch of a lead's latest step.
    pub async fn touch(&self, lead: usize) -> Row {
        let mut cx = self.db.cx(&self.tenant.owner).await;
        let row = sqlx::query!(
            r#"select t.id, t.state::text as "state!", t.skip_code, t.skip_detail, t.retry_at, t.subject, t.body, t.approval_id,
                      t.message_id, t.tries, e.status::text as "enrolment!", e.next_due_at, l.status::text as "lead!"
               from outreach.touch t join outreach.enrolment e on e.id = t.enrolment_id join leads.lead l on l.id = t.lead_id
               where t.tenant_id = $1 and t.lead_id = $2 order by t.step_number desc limit 1"#,
            self.tenant.id.uuid(),
            self.leads[lead],
        )
        .fetch_one(cx.conn())
        .await
        .expect("a touch");
        Row {
            id: TouchId(row.id),
            state: row.state,
            code: row.skip_code,
            detail: row.skip_detail,
            retry_at: row.retry_at,
            subject: row.subject,
            body: row.body,
            approval: row.approval_id,
            message_id: row.message_id,
            enrolment: row.enrolment,
            next_due_at: row.next_due_at,
            lead: row.lead,
            tries: row.tries,
        }
    }

    /// A statement of whoever tampers or of another part of the product; `$T` is the tenant.
    pub async fn sql(&self, statement: &str) {
        let mut conn =
            <sqlx::PgConnection as sqlx::Connection>::connect(self.db.url()).await.expect("connects");
        let statement = statement.replace("$T", &format!("'{}'", self.tenant.id));
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
            .execute(&mut conn)
            .await
            .unwrap_or_else(|e| panic!("{statement}: {e}"));
    }

    /// A number from a query.
    pub async fn count(&self, query: &str) -> i64 {
        let mut conn =
            <sqlx::PgConnection as sqlx::Connection>::connect(self.db.url()).await.expect("connects");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut conn)
            .await
            .unwrap_or_else(|e| panic!("{query}: {e}"))
    }

    /// A person approves the draft of a lead's touch.
    pub async fn approve(&self, lead: usize) {
        let id = ApprovalId(self.touch(lead).await.approval.expect("somebody is asked"));
        let mut cx = self.db.cx(&self.tenant.owner).await;
        approval::approve(&mut cx, id, None).await.expect("it waits");
        cx.commit().await.expect("a commit");
    }

    /// The person behind a lead opts out.
    pub async fn opt_out(&self, lead: usize) {
        opt_out(&self.db.db, &self.tenant, self.leads[lead], lead)
            .await
            .expect("an opt-out is always stored");
    }

    /// Units of today's domain and campaign capacity that are used.
    pub async fn used(&self) -> i64 {
        self.count("select coalesce(sum(used), 0) from outreach.capacity where key like 'domain:%'").await
    }
}

/// The address of the n-th lead.
pub fn address(n: usize) -> String {
    format!("lead{n}@prospect{n}.example")
}

pub async fn opt_out(db: &db::Db, tenant: &Tenant, lead: Uuid, n: usize) -> base::Result<()> {
    let mut cx = db.begin(db::Scope::Tenant(tenant.id), db::Caller::system("test", db)).await?;
    let address = EmailAddress::parse(&address(n)).expect("an address");
    crate::reply::effects::opt_out(&mut cx, lead, &address, "test", "please stop").await?;
    cx.commit().await
}

async fn lead(cx: &mut db::Cx, n: usize) -> Uuid {
    let (tenant, now, id) = (cx.tenant().expect("a tenant").uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into leads.lead (id, tenant_id, email, domain, first_name, last_name, title, company_name, industry, headcount, country, zone,
                                 consent, status, score, tier, source, created_at, updated_at)
         values ($1, $2, $3, $4, 'Priya', 'Nair', 'Owner', 'Harbour Dental', 'Dentists', 12, 'AU', 'Australia/Sydney',
                 'inferred_published', 'scored', 72, 'warm', 'test', $5, $5)",
        id,
        tenant,
        address(n),
        format!("prospect{n}.example"),
        now as Time,
    )
    .execute(cx.conn())
    .await
    .expect("a lead");
    id
}
