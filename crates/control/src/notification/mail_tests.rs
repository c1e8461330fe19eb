//! Notifications by mail, against PostgreSQL and a mail server in memory.

use super::*;
use crate::notification::{Kind, Notification, notify, preferences, read_all, set};
use base::Role;
use jobs::simulate;
use ports::email::{Security, SmtpAccount};
use testkit::{Member, Tenant, TestDb};

/// Monday, 2 March 2026, 11:00 in Sydney; nothing is quiet.
struct World {
    kit: TestDb,
    tenant: Tenant,
    registry: Registry,
    post: Arc<ports::email::MemoryEmail>,
}

impl World {
    async fn new() -> Self {
        let kit = TestDb::new().await;
        let tenant = kit.tenant("Anchor Agency").await;
        let ports = kit.ports();
        let post = ports.email.clone();
        let account = EmailAccount::Smtp(SmtpAccount {
            host: "127.0.0.1".to_owned(),
            port: 2525,
            security: Security::None,
            username: None,
            password: base::Secret::default(),
            lookup: None,
            sent: None,
        });
        let from = EmailAddress::parse("agency@sink.localhost").expect("an address");
        let from = Mailbox { name: "Agency OS".to_owned(), address: from };
        let mut registry = Registry::new();
        let origin = "https://agency.example".to_owned();
        register(&mut registry, Mailer { sender: post.clone(), account, from, origin });
        registry.sync(&kit.db).await.expect("kinds are written");
        Self { kit, tenant, registry, post }
    }

    async fn wants(&self, who: &Member, kinds: &[Kind], quiet: Option<(i16, i16)>) {
        let mut cx = self.kit.cx(who).await;
        let mut choices = preferences(&mut cx, who.user).await.expect("reads");
        for choice in &mut choices {
            choice.email = kinds.contains(&choice.kind);
            choice.quiet = quiet;
        }
        set(&mut cx, who.user, &choices).await.expect("keeps");
        cx.commit().await.expect("a commit");
    }

    async fn tell(&self, kind: Kind, severity: Severity, title: &str) {
        let mut cx = self.kit.cx(&self.tenant.owner).await;
        let news = Notification {
            kind,
            severity,
            title: title.to_owned(),
            body: "More of it.".to_owned(),
            href: Some("/inbox".to_owned()),
            dedupe_key: title.to_owned(),
            person: None,
        };
        notify(&mut cx, &news).await.expect("tells");
        cx.commit().await.expect("a commit");
    }

    async fn run_s(&self, seconds: i64) {
        let until = self.kit.clock_now().plus_s(seconds);
        simulate::run_until(&self.kit.db, &self.registry, &self.kit.clock, until, |_| true)
            .await
            .expect("the queue runs");
    }

    /// Subjects with their readers, in the order in which they came.
    fn mails(&self) -> Vec<(String, String)> {
        self.post
            .delivered()
            .iter()
            .map(|m| (m.mail.to[0].as_str().to_owned(), m.mail.subject.clone()))
            .collect()
    }
}

#[tokio::test]
async fn whoever_asks_for_it_is_mailed_once_with_the_link_and_nobody_else() {
    let w = World::new().await;
    let other = w.kit.member(&w.tenant, Role::Member).await;
    w.wants(&w.tenant.owner, &[Kind::Reply], None).await;
    w.wants(&other, &[Kind::Report], None).await;
    w.tell(Kind::Reply, Severity::Info, "Priya wrote").await;
    w.run_s(60).await;
    assert_eq!(w.mails(), [(w.tenant.owner.email.clone(), "Priya wrote".to_owned())]);
    let text = w.post.delivered()[0].mail.text.clone();
    assert!(text.contains("More of it.\nhttps://agency.example/inbox\n"), "{text}");
    assert!(text.contains("https://agency.example/settings/notifications"), "{text}");
    // The same news, still unread, is not told again; nor is a fact that comes twice.
    w.tell(Kind::Reply, Severity::Info, "Priya wrote").await;
    let mut cx = w.kit.cx(&w.tenant.owner).await;
    let id: Uuid =
        sqlx::query_scalar("select id from control.notification").fetch_one(cx.conn()).await.expect("one");
    jobs::enqueue(&mut cx, &Address { notification: NotificationId(id) }).await.expect("enqueued");
    jobs::enqueue(&mut cx, &Deliver { person: w.tenant.owner.user }).await.expect("enqueued");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!(w.mails().len(), 1);
}

#[tokio::test]
async fn quiet_hours_end_in_one_mail_of_what_is_still_unread_and_critical_news_does_not_wait() {
    let w = World::new().await;
    let owner = &w.tenant.owner;
    w.wants(owner, &[Kind::Reply, Kind::Spend, Kind::Complaint], Some((20, 7))).await;
    w.run_s(11 * 3_600).await; // 22:00
    w.tell(Kind::Meeting, Severity::Info, "Not asked for").await;
    w.tell(Kind::Reply, Severity::Info, "Read before").await;
    w.run_s(60).await;
    let mut cx = w.kit.cx(owner).await;
    read_all(&mut cx).await.expect("reads");
    cx.commit().await.expect("a commit");
    w.tell(Kind::Reply, Severity::Info, "One").await;
    w.run_s(3 * 3_600).await; // past midnight
    w.tell(Kind::Spend, Severity::Warning, "Two").await;
    w.tell(Kind::Complaint, Severity::Critical, "Three").await;
    w.run_s(60).await;
    assert_eq!(w.mails(), [(owner.email.clone(), "Three".to_owned())]);
    w.run_s(6 * 3_600 - 240).await;
    assert_eq!(w.mails().len(), 1, "still before seven");
    w.run_s(240).await;
    let mails = w.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].1, "2 notifications from Anchor Agency");
    let digest = w.post.delivered()[1].mail.text.clone();
    assert!(digest.contains("One") && digest.contains("Two"), "{digest}");
    assert!(!digest.contains("Three") && !digest.contains("Read before"), "{digest}");
}

#[test]
fn quiet_hours_are_those_of_the_persons_day() {
    let zone = Zone::sydney();
    let at = |text: &str| text.parse::<Time>().expect("an instant");
    // 11:00, 22:00, 01:00 and 07:00 in Sydney.
    assert_eq!(quiet_until(at("2026-03-02T00:00:00Z"), &zone, (20, 7)), None);
    assert_eq!(quiet_until(at("2026-03-02T11:00:00Z"), &zone, (20, 7)), Some(at("2026-03-02T20:00:00Z")));
    assert_eq!(quiet_until(at("2026-03-02T14:00:00Z"), &zone, (20, 7)), Some(at("2026-03-02T20:00:00Z")));
    assert_eq!(quiet_until(at("2026-03-02T20:00:00Z"), &zone, (20, 7)), None);
    assert_eq!(quiet_until(at("2026-03-02T00:00:00Z"), &zone, (9, 17)), Some(at("2026-03-02T06:00:00Z")));
    assert_eq!(quiet_until(at("2026-03-02T00:00:00Z"), &zone, (9, 9)), None);
}
