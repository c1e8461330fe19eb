//! What the tests of this crate share.

use crate::learn::{Cause, Learned, read, run};
use base::{EmailAddress, Time};
use control::notification::mail::Mailer;
use db::Caller;
use ports::email::{EmailAccount, Mailbox, Security, SmtpAccount};
use sqlx::{Connection, PgConnection};
use testkit::{Member, TestDb};

/// A connection past row security.
pub(crate) async fn owner(db: &TestDb) -> PgConnection {
    PgConnection::connect(db.url()).await.unwrap()
}

/// What somebody's client has learnt from all that came until now.
pub(crate) async fn learn(db: &TestDb, who: &Member) -> Learned {
    learn_as_of(db, who, db.clock_now()).await
}

/// What somebody's client has learnt from all that came until a time.
pub(crate) async fn learn_as_of(db: &TestDb, who: &Member, as_of: Time) -> Learned {
    let mut cx = db.cx(who).await;
    let caller = Caller { actor: who.actor(), request: cx.id() };
    let read = read(&db.db, &caller, who.tenant, as_of).await.unwrap();
    let learned = run(&mut cx, Cause::Person, as_of, read).await.unwrap();
    cx.commit().await.unwrap();
    learned
}

/// The mailer of a test, and what it sent.
pub(crate) fn mailer(ports: &ports::InMemory) -> Mailer {
    Mailer {
        sender: ports.email.clone(),
        account: EmailAccount::Smtp(SmtpAccount {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: Security::None,
            username: None,
            password: base::Secret::default(),
            lookup: None,
            sent: None,
        }),
        from: Mailbox {
            address: EmailAddress::parse("agency@example.com").unwrap(),
            name: "Agency OS".to_owned(),
        },
        origin: "https://agency.example".to_owned(),
    }
}

/// The module of this crate as the program has it.
pub(crate) fn module(db: &TestDb) -> web::Module {
    crate::module(crate::Needs { mailer: mailer(&db.ports()) })
}
