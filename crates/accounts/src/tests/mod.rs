//! Behaviour through HTTP, against PostgreSQL, with the test's own clock.

mod keys;
mod recovery;
mod sessions;
mod settings;
mod sign_up;
mod team;

use crate::{Auth, MailSettings, Mailer, module};
use base::{EmailAddress, Secret};
use ports::email::{Mailbox, MemoryEmail, Security, SmtpAccount};
use std::sync::Arc;
use testkit::{Answer, Client, TestApp, TestDb};

/// The password of everyone in these tests.
const PASSWORD: &str = "correct horse battery";

/// An installation with nothing but this domain.
struct House {
    db: TestDb,
    app: TestApp,
    post: Arc<MemoryEmail>,
}

impl House {
    async fn new() -> Self {
        Self::with(web::Settings::default()).await
    }

    async fn with(settings: web::Settings) -> Self {
        Self::having(settings, None).await
    }

    /// An installation whose organisations have room for people as this says.
    async fn having(settings: web::Settings, room: crate::member::Room) -> Self {
        let db = TestDb::new().await;
        let ports = db.ports();
        let sink = SmtpAccount {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: Security::None,
            username: None,
            password: Secret::default(),
            lookup: None,
            sent: None,
        };
        let mail = MailSettings::default();
        let mailer = Mailer {
            sender: ports.email.clone(),
            account: mail.account(sink),
            from: Mailbox { name: mail.from_name.clone(), address: mail.from.clone() },
            origin: "https://agency.test".to_owned(),
        };
        let auth = Arc::new(Auth::new(db.db.clone()));
        let app = TestApp::with(&db, auth, settings, vec![module(mailer, room)]).await;
        Self { db, app, post: ports.email }
    }

    fn browser(&self) -> Client {
        self.app.stranger()
    }

    /// A browser in which someone has just signed up.
    async fn owner(&self, email: &str, company: &str) -> Client {
        let browser = self.browser();
        sign_up(&browser, email, company).await.expect(303);
        browser
    }

    /// A browser in which someone signed in.
    async fn signed_in(&self, email: &str) -> Client {
        let browser = self.browser();
        login(&browser, email, PASSWORD).await.expect(303);
        browser
    }

    /// Sends what is queued and returns the path of the latest link of this kind to this address.
    async fn link(&self, kind: &str, to: &str) -> Option<String> {
        self.app.settle().await;
        let to = EmailAddress::parse(to).expect("an address");
        let mails = self.post.delivered();
        let mail = mails.iter().rev().find(|d| d.mail.to.contains(&to) && d.mail.text.contains(kind))?;
        let line = mail.mail.text.lines().find(|line| line.contains(kind))?;
        line.trim().strip_prefix("https://agency.test").map(str::to_owned)
    }

    /// Invites someone and lets them sign up through the link.
    async fn joined(&self, by: &Client, email: &str, role: &str) -> Client {
        by.post("/settings/team/invite", &[("email", email), ("role", role)]).await.expect(303);
        let link = self.link("/invite/", email).await.expect("an invitation");
        let browser = self.browser();
        browser.post(&link, &[("name", "Guest Person"), ("password", PASSWORD)]).await.expect(303);
        browser
    }

    /// One number, asked for across tenants.
    async fn count(&self, sql: &'static str) -> i64 {
        let mut cx = self.db.system().await;
        sqlx::query_scalar(sql).fetch_one(cx.conn()).await.expect("a count")
    }

    /// The id of the person with this e-mail, as text.
    async fn person(&self, email: &str) -> String {
        let mut cx = self.db.system().await;
        let email = EmailAddress::parse(email).expect("an address");
        crate::person::by_email(&mut cx, &email).await.expect("a look-up").expect("a person").id.to_string()
    }
}

async fn sign_up(browser: &Client, email: &str, company: &str) -> Answer {
    let fields = [
        ("name", "Ada Lovelace"),
        ("email", email),
        ("password", PASSWORD),
        ("company", company),
        ("zone", "Australia/Sydney"),
        ("country", "AU"),
    ];
    browser.post("/sign-up", &fields).await
}

async fn login(browser: &Client, email: &str, password: &str) -> Answer {
    browser.post("/login", &[("email", email), ("password", password)]).await
}
