//! What the tests of outbound webhooks share: two tenants, the modules, endpoints in memory.

use crate::endpoint::{self, EndpointId, New};
use crate::{Desk, Settings as Ours};
use base::Secret;
use control::secret::{Keyring, Settings};
use db::{Cx, Fact};
use ports::webhook::MemoryPoster;
use std::sync::Arc;
use testkit::{Tenant, TestApp, TestDb};
use uuid::Uuid;

pub(crate) struct Bed {
    pub app: TestApp,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub poster: Arc<MemoryPoster>,
    pub desk: Desk,
    pub kit: TestDb,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Self {
        let kit = TestDb::new().await;
        let (ours, theirs) = kit.two_tenants().await;
        let folder = tempfile::tempdir().expect("a folder");
        let ring = Keyring::load(&Settings::default(), folder.path(), &kit.random).expect("a key");
        let poster: Arc<MemoryPoster> = Arc::default();
        let desk = Desk { ring: Arc::new(ring), poster: poster.clone(), settings: Ours::default() };
        let app = TestApp::start(&kit, vec![crate::module(), crate::outbound(desk.clone())]).await;
        Self { app, ours, theirs, poster, desk, kit, _folder: folder }
    }

    pub async fn cx(&self) -> Cx {
        self.kit.cx(&self.ours.owner).await
    }

    /// An endpoint of ours for these types, and its secret.
    pub async fn endpoint(&self, types: &[&str]) -> (EndpointId, Secret) {
        let new = New {
            url: "https://hooks.example/in".to_owned(),
            event_types: types.iter().map(|one| (*one).to_owned()).collect(),
            ..New::default()
        };
        let mut cx = self.cx().await;
        let (made, secret) = endpoint::create(&mut cx, &self.desk, &new).await.expect("an endpoint");
        cx.commit().await.expect("a commit");
        (made.id, secret)
    }

    /// A fact of ours; its subject. Waits until nothing that began before it, in whatever database of the
    /// server, is still under way: until then the outbox does not show it.
    pub async fn fact(&self, kind: &'static str, data: serde_json::Value) -> Uuid {
        let subject = self.tell(kind, data).await;
        self.visible().await;
        subject
    }

    /// Waits until the outbox shows every fact.
    pub async fn visible(&self) {
        loop {
            let mut cx = self.kit.system().await;
            let hidden: bool = sqlx::query_scalar(
                "select exists (select from kernel.fact where xid >= pg_snapshot_xmin(pg_current_snapshot()))",
            )
            .fetch_one(cx.conn())
            .await
            .expect("a look");
            if !hidden {
                return;
            }
            drop(cx);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A fact of ours that the outbox may not show yet; its subject.
    pub async fn tell(&self, kind: &'static str, data: serde_json::Value) -> Uuid {
        let mut cx = self.cx().await;
        let subject = cx.id::<Uuid>();
        cx.publish(Fact::about(kind, subject).with(data)).await.expect("a fact");
        cx.commit().await.expect("a commit");
        subject
    }

    /// Nothing but what is enqueued already runs from now on: days pass quickly.
    pub async fn only_what_waits(&self) {
        let mut cx = self.kit.system().await;
        sqlx::raw_sql(
            "update jobs.schedule set paused = true; delete from jobs.job where kind = 'hooks.fan_out'",
        )
        .execute(cx.conn())
        .await
        .expect("they rest");
        cx.commit().await.expect("a commit");
    }

    /// Lets time pass until facts have surely been looked at, and a little longer.
    pub async fn soon(&self) {
        self.app.run_until(self.kit.clock_now().plus_s(12 * 60)).await;
    }
}
