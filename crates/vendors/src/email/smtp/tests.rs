//! The SMTP client against the sink, over loopback: what each fault means for exactly-once.

use super::*;
use base::{EmailAddress, ManualClock, Secret, Time};
use ports::email::{ListUnsubscribe, Mailbox, Security};
use twins::smtp_sink::{Act, At, Auth, DropAt, MemoryStore, Settings, Sink};

struct Rig {
    sink: Sink,
    store: Arc<MemoryStore>,
    smtp: Smtp,
    account: EmailAccount,
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-21T00:00:00Z".parse().unwrap()))
}

async fn rig(auth: Auth) -> Rig {
    let store = Arc::new(MemoryStore::new(100_000));
    let sink = Sink::start(Settings { auth, ..Settings::default() }, store.clone(), clock()).await.unwrap();
    let account = EmailAccount::Smtp(SmtpAccount {
        host: "127.0.0.1".into(),
        port: sink.smtp().port(),
        security: Security::None,
        username: Some("ana".into()),
        password: Secret::new("pw"),
        lookup: Some(sink.lookup_url().parse().unwrap()),
        sent: None,
    });
    let smtp = Smtp::new("localhost", Arc::new(Imap::new().unwrap()), clock()).unwrap();
    Rig { sink, store, smtp, account }
}

fn mail(n: usize) -> Outgoing {
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    Outgoing {
        message_id: MessageId::parse(&format!("{n}@sender.example")).unwrap(),
        date: "2026-11-21T00:00:00Z".parse::<Time>().unwrap(),
        from: Mailbox { name: "Ana Müller".into(), address: address("ana@sender.example") },
        to: vec![address(&format!("bo{n}@reader.example"))],
        reply_to: Some(address("answers@sender.example")),
        subject: "Re: Größe, Preis & mehr".into(),
        text: "Grüß Gott\n.dot at the start\nfrom Ana\n".into(),
        html: Some("<p>Grüß Gott</p>".into()),
        calendar: None,
        in_reply_to: Some(MessageId::parse("first@sender.example").unwrap()),
        references: vec![
            MessageId::parse("first@sender.example").unwrap(),
            MessageId::parse("second@sender.example").unwrap(),
        ],
        list_unsubscribe: Some(ListUnsubscribe {
            https: "https://app.example/u/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                .parse()
                .unwrap(),
            mailto: Some(address("stop+token@sender.example")),
        }),
        headers: vec![("X-Campaign".into(), "c1".into())],
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let rig = rig(Auth::AcceptAny).await;
    let accepted = rig.smtp.send(&rig.account, &mail(1)).await.unwrap();
    assert!(accepted.response.contains("2.0.0 Kept 1@sender.example"), "{accepted:?}");
    let kept = rig.store.all().remove(0);
    assert_eq!(kept.envelope.from.as_deref(), Some("ana@sender.example"));
    assert_eq!(kept.envelope.to, ["bo1@reader.example"]);
    assert_eq!(kept.envelope.message_id.as_deref(), Some("1@sender.example"));
    let raw = String::from_utf8(kept.bytes.clone()).unwrap();
    assert!(raw.is_ascii() && raw.ends_with("\r\n") && !raw.ends_with("\r\n\r\n\r\n"));
    let link = "List-Unsubscribe: <https://app.example/u/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef>, <mailto:stop+token@sender.example?subject=unsubscribe>\r\n";
    assert!(raw.contains(link), "{raw}");
    assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    assert!(raw.contains("In-Reply-To: <first@sender.example>\r\n"));
    assert!(raw.contains("X-Campaign: c1\r\n"));
    let parsed = mail_parser::MessageParser::default().parse(&kept.bytes).unwrap();
    assert_eq!(parsed.subject(), Some("Re: Größe, Preis & mehr"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Ana Müller"));
    assert_eq!(parsed.references().as_text_list().unwrap().len(), 2);
    let text = parsed.body_text(0).unwrap().replace('\r', "");
    assert_eq!(text.trim_end(), "Grüß Gott\n.dot at the start\nfrom Ana");
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>Grüß Gott</p>");
}

#[tokio::test]
async fn a_refusal_says_who_and_why_and_nothing_was_sent() {
    let rig = rig(Auth::AcceptAny).await;
    let refuse = |at, code, enhanced: &str| Act::Refuse {
        at,
        code,
        enhanced: enhanced.into(),
        text: "No such mailbox".into(),
    };
    rig.sink.faults().always("bo1@*", refuse(At::Recipient, 550, "5.1.1"));
    rig.sink.faults().always("bo2@*", refuse(At::Recipient, 450, "4.2.1"));
    rig.sink.faults().always("bo3@*", refuse(At::Content, 554, "5.7.1"));
    let Err(SendError::Refused(bounce)) = rig.smtp.send(&rig.account, &mail(1)).await else { panic!() };
    assert_eq!((bounce.permanent, bounce.code, bounce.enhanced.as_deref()), (true, 550, Some("5.1.1")));
    assert_eq!(bounce.per_recipient[0].to.as_str(), "bo1@reader.example");
    let later = rig.smtp.send(&rig.account, &mail(2)).await.unwrap_err();
    assert!(later.may_retry() && matches!(&later, SendError::Refused(r) if r.code == 450));
    let Err(SendError::Refused(spam)) = rig.smtp.send(&rig.account, &mail(3)).await else { panic!() };
    assert!(spam.permanent && spam.per_recipient.is_empty());
    // One refused recipient of two: nobody gets it.
    let mut two = mail(4);
    two.to.push(EmailAddress::parse("bo1@reader.example").unwrap());
    let Err(SendError::Refused(partly)) = rig.smtp.send(&rig.account, &two).await else { panic!() };
    assert_eq!(partly.per_recipient.len(), 1);
    assert_eq!(rig.store.count(), 0);
    // The connection is still good, and clean.
    rig.smtp.send(&rig.account, &mail(5)).await.unwrap();
    assert_eq!(rig.store.all()[0].envelope.to, ["bo5@reader.example"]);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_until_it_is_looked_up() {
    let rig = rig(Auth::AcceptAny).await;
    rig.sink.faults().always("bo1@*", Act::Drop(DropAt::BeforeStore));
    rig.sink.faults().always("bo2@*", Act::Drop(DropAt::AfterStore));
    rig.sink.faults().always("bo3@*", Act::Drop(DropAt::DuringContent));
    for (n, found) in [(1, Found::NotSeen), (2, Found::Delivered), (3, Found::NotSeen)] {
        let mail = mail(n);
        let error = rig.smtp.send(&rig.account, &mail).await.unwrap_err();
        assert!(matches!(error, SendError::Unknown { .. }) && !error.may_retry(), "{n}: {error:?}");
        assert_eq!(rig.smtp.find(&rig.account, &mail.message_id).await.unwrap(), found, "{n}");
    }
    assert_eq!(rig.store.count(), 1);
    // Without a look-up nobody knows.
    let EmailAccount::Smtp(mut plain) = rig.account.clone() else { panic!("SMTP") };
    plain.lookup = None;
    let plain = EmailAccount::Smtp(plain);
    assert_eq!(rig.smtp.find(&plain, &mail(2).message_id).await.unwrap(), Found::CannotTell);
    rig.sink.shutdown().await;
    assert!(rig.smtp.find(&rig.account, &mail(2).message_id).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_send_that_did_not_begin_says_at_which_step() {
    let auth = Auth::Only { username: "ana".into(), password: Secret::new("other") };
    let rig = rig(auth).await;
    let EmailAccount::Smtp(account) = rig.account.clone() else { panic!("SMTP") };
    let step = |account: SmtpAccount| async {
        match rig.smtp.send(&EmailAccount::Smtp(account), &mail(1)).await {
            Err(SendError::NotStarted(not_started)) => not_started.step,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(step(account.clone()).await, Step::SignIn);
    assert_eq!(step(SmtpAccount { port: 1, ..account.clone() }).await, Step::Connect);
    assert_eq!(step(SmtpAccount { security: Security::StartTls, ..account.clone() }).await, Step::Encrypt);
    assert_eq!(step(SmtpAccount { security: Security::Tls, ..account.clone() }).await, Step::Encrypt);
    assert_eq!(step(SmtpAccount { host: "mail.example.com".into(), ..account.clone() }).await, Step::Check);
    let mut injected = mail(1);
    injected.subject = "Hi\r\nBcc: all@reader.example".into();
    let good = SmtpAccount { password: Secret::new("other"), ..account };
    let error = rig.smtp.send(&EmailAccount::Smtp(good.clone()), &injected).await.unwrap_err();
    assert!(matches!(error, SendError::NotStarted(NotStarted { step: Step::Check, .. })));
    assert_eq!(rig.store.count(), 0);
    assert!(rig.smtp.send(&EmailAccount::Smtp(good), &mail(2)).await.is_ok());
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_replaced() {
    let settings = Settings { idle_s: 1, ..Settings::default() };
    let store = Arc::new(MemoryStore::new(10));
    let sink = Sink::start(settings, store.clone(), clock()).await.unwrap();
    let rig = rig(Auth::AcceptAny).await;
    let EmailAccount::Smtp(account) = rig.account.clone() else { panic!("SMTP") };
    let account = EmailAccount::Smtp(SmtpAccount { port: sink.smtp().port(), ..account });
    rig.smtp.send(&account, &mail(1)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    rig.smtp.send(&account, &mail(2)).await.unwrap();
    assert_eq!(store.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_mails_go_over_few_connections() {
    let rig = Arc::new(rig(Auth::AcceptAny).await);
    let begun = std::time::Instant::now();
    let senders = (0..8).map(|sender| {
        let rig = rig.clone();
        tokio::spawn(async move {
            for n in 0..250 {
                rig.smtp.send(&rig.account, &mail(sender * 1_000 + n)).await.unwrap();
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    let took = begun.elapsed();
    println!("2000 mails in {took:?}: {:.0} a second", 2_000.0 / took.as_secs_f64());
    assert_eq!(rig.store.count(), 2_000);
    let ids: std::collections::HashSet<_> =
        rig.store.all().into_iter().map(|kept| kept.envelope.message_id).collect();
    assert_eq!(ids.len(), 2_000);
}

#[tokio::test]
#[ignore = "needs another SMTP server without sign-in on loopback: SMTP_TEST=host:port"]
async fn another_server_takes_our_mail() {
    let text = std::env::var("SMTP_TEST").expect("SMTP_TEST is set");
    let (host, port) = text.split_once(':').expect("host:port");
    let rig = rig(Auth::Off).await;
    let EmailAccount::Smtp(account) = rig.account.clone() else { panic!("SMTP") };
    let account = EmailAccount::Smtp(SmtpAccount {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        username: None,
        lookup: None,
        ..account
    });
    for n in 0..3 {
        println!("{:?}", rig.smtp.send(&account, &mail(n)).await.unwrap());
    }
}
