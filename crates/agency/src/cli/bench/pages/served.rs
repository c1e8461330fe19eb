//! The program's own server on a free port, with one more page that never changes.

use super::super::{client::User, scans, scratch::Scratch};
use crate::{
    roles::{House, Running},
    wire,
};
use axum::{body::Bytes, http::Method, response::IntoResponse};
use base::{Error, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use web::Module;

/// Where the page is that never changes: the bytes of the measured page, from memory, without sign-in.
pub(super) const STATIC_PATH: &str = "/bench/static";

/// A running server.
pub(super) struct Served {
    house: House,
    /// Where it listens.
    pub(super) at: SocketAddr,
    running: Running,
    stop: CancellationToken,
    unchanging: Arc<Mutex<Bytes>>,
}

impl Served {
    /// Starts it over a scratch database.
    pub(super) async fn start(scratch: &Scratch) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|cause| Error::unavailable("bench.port", "No free port was found.").caused_by(cause))?;
        let at = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let mut settings = scratch.settings.clone();
        settings.web.listen = at.to_string();
        settings.web.public_url = String::new();
        settings.web.secure_cookies = false;
        let house = House::open(&settings).await?;
        let mut modules = wire::modules(&house)?;
        wire::registry(&mut modules);
        let unchanging = Arc::new(Mutex::new(Bytes::new()));
        let body = unchanging.clone();
        modules.push(Module::new("bench").hook(Method::GET, STATIC_PATH, async move || {
            axum::response::Html(body.lock().unwrap_or_else(PoisonError::into_inner).clone()).into_response()
        }));
        let stop = CancellationToken::new();
        let mut running = Running::new(stop.clone());
        running.serve(&house, listener, modules, PrometheusBuilder::new().build_recorder().handle());
        Ok(Self { house, at, running, stop, unchanging })
    }

    /// Stops it.
    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let result = self.running.ended().await;
        self.house.db.close().await;
        result
    }

    /// Signs up as a person would, which makes the tenant.
    pub(super) async fn sign_up(&self) -> Result<()> {
        let mut user = User::connect(self.at, None).await?;
        let form = "name=Bench+Person&email=bench%40example.com&password=a+long+bench+passphrase+9&company=Bench+Agency&zone=Australia%2FSydney&country=AU";
        let answer = user.post("/sign-up", form).await?;
        let signed_in = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|value| value.to_str().is_ok_and(|line| line.starts_with("session=")));
        if signed_in {
            return Ok(());
        }
        Err(Error::internal(format!("Sign-up answered {} without a session.", answer.status)))
    }

    /// Loads a page until every connection of the server knows its statements, and keeps it as the page
    /// that never changes; its size, and as it is sent.
    pub(super) async fn warm(&self, cookie: &str, path: &str) -> Result<(usize, usize)> {
        let mut user = User::connect(self.at, Some(cookie.to_owned())).await?;
        let plain = self.page(&mut user, path, false).await?;
        for _ in 0..WARM_LOADS {
            self.page(&mut user, path, true).await?;
        }
        let sent = self.page(&mut user, path, true).await?.len();
        let bytes = plain.len();
        *self.unchanging.lock().unwrap_or_else(PoisonError::into_inner) = plain;
        Ok((bytes, sent))
    }

    async fn page(&self, user: &mut User, path: &str, packed: bool) -> Result<Bytes> {
        let answer = if packed { user.get(path).await? } else { user.get_plain(path).await? };
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
            return Err(Error::internal(format!("{path} answered {}: {said}", answer.status)));
        }
        Ok(answer.body)
    }

    /// What PostgreSQL read so far. Sessions report when they next do something a second later.
    pub(super) async fn reads(&self, owner: &mut sqlx::PgConnection) -> Result<scans::Count> {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        for _ in 0..40 {
            let mut cx = self.house.db.system("bench").await?;
            sqlx::query("select 1").execute(cx.conn()).await?;
            cx.rollback().await?;
        }
        scans::count(owner).await
    }
}

/// After five runs on a connection PostgreSQL may settle on another plan; connections take turns.
const WARM_LOADS: usize = 40;
