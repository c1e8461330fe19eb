//! What the tests of this crate share.

use base::EmailAddress;
use control::notification::mail::Mailer;
use ports::email::{EmailAccount, Mailbox, Security, SmtpAccount};
use sqlx::{Connection, PgConnection};
use testkit::TestDb;

/// A connection past row security.
pub(crate) async fn owner(db: &TestDb) -> PgConnection {
    PgConnection::connect(db.url()).await.unwrap()
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
