use super::*;
use crate::email::{Mailbox, Security, SmtpAccount};
use base::{EmailAddress, ManualClock, Secret};

fn office(seed: u64) -> MemoryEmail {
    MemoryEmail::new(Arc::new(ManualClock::at(Time::from_us(0))), Arc::new(Random::seeded(seed)))
}

fn account() -> EmailAccount {
    EmailAccount::Smtp(SmtpAccount {
        host: "127.0.0.1".into(),
        port: 25,
        security: Security::None,
        username: None,
        password: Secret::default(),
        lookup: None,
        sent: None,
    })
}

fn mail(n: usize) -> Outgoing {
    let from = EmailAddress::parse("ana@sender.example").unwrap();
    Outgoing {
        message_id: MessageId::parse(&format!("{n}@sender.example")).unwrap(),
        date: Time::from_us(0),
        from: Mailbox { name: "Ana".into(), address: from },
        to: vec![EmailAddress::parse("bo@reader.example").unwrap()],
        reply_to: None,
        subject: "Hello".into(),
        text: "Hi".into(),
        html: None,
        calendar: None,
        in_reply_to: None,
        references: vec![],
        list_unsubscribe: None,
        headers: vec![],
    }
}

#[tokio::test]
async fn a_lost_outcome_is_answered_truthfully() {
    let office = office(7);
    office.set_odds(Odds { lost: 1000, ..Odds::default() });
    let (mut there, mut gone) = (0, 0);
    for n in 0..40 {
        let mail = mail(n);
        assert!(matches!(office.send(&account(), &mail).await, Err(SendError::Unknown { .. })));
        let arrived = office.delivered().iter().any(|d| d.mail.message_id == mail.message_id);
        let expected = if arrived { Found::Delivered } else { Found::NotSeen };
        assert_eq!(office.find(&account(), &mail.message_id).await.unwrap(), expected);
        if arrived { there += 1 } else { gone += 1 }
    }
    assert!(there > 5 && gone > 5, "both outcomes occur: {there} and {gone}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let office = office(11);
        office.set_odds(Odds { bounce: 200, defer: 200, unreachable: 100, lost: 100 });
        let mut outcomes = Vec::new();
        for n in 0..100 {
            outcomes.push(office.send(&account(), &mail(n)).await.map(|a| a.at));
        }
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].iter().any(Result::is_ok) && runs[0].iter().any(Result::is_err));
}

#[tokio::test]
async fn a_line_break_never_becomes_a_header() {
    let office = office(1);
    let mut bad = [mail(1), mail(2), mail(3), mail(4)];
    bad[0].subject = "Hi\r\nBcc: everyone@x.example".into();
    bad[1].from.name = "A\nB".into();
    bad[2].headers = vec![("X-A\r\nBcc".into(), "x".into())];
    bad[3].headers = vec![("X-A".into(), "x\r\nBcc: y".into())];
    for mail in bad {
        let error = office.send(&account(), &mail).await.unwrap_err();
        assert!(matches!(&error, SendError::NotStarted(NotStarted { step: Step::Check, .. })), "{error:?}");
        assert!(!error.may_retry());
    }
    assert!(office.delivered().is_empty());
}

#[test]
fn only_this_machine_is_reached_without_encryption() {
    assert!(Security::None.check("127.0.0.1").is_ok());
    assert!(Security::None.check("[::1]").is_ok());
    assert!(Security::None.check("mail.example.com").is_err());
    assert!(Security::None.check("127.0.0.1.example.com").is_err());
    assert!(Security::StartTls.check("mail.example.com").is_ok());
}

#[test]
fn message_ids_are_checked() {
    assert_eq!(MessageId::parse(" <a.1@b.example> ").unwrap().as_str(), "a.1@b.example");
    for bad in ["", "a", "@b", "a@", "a b@c", "a@b\r\nX: y", "<<a@b>", "a@b@c"] {
        assert!(MessageId::parse(bad).is_err(), "{bad:?} was accepted");
    }
}
