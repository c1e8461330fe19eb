//! The settings of an installation: one structure, read from a file and from the environment.
//!
//! Later wins: the defaults, then `agency.toml` (or `--config`), then `DATABASE_URL` and
//! `AGENCY_STATE`, then `AGENCY__SECTION__KEY`. A key that does not exist is refused by name. The doc
//! comments of the fields are what `agency config` prints.

mod keys;
mod read;

pub use keys::{Key, Shape, all as keys};
pub use read::{Loaded, Origin, load};

use base::{Error, Result, Secret};
use ports::llm::{LlmAccount, Provider};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder of the installation key, uploads, the audit checkpoints and the private PostgreSQL
    /// cluster. Also read from AGENCY_STATE.
    pub state_dir: PathBuf,
    /// What is logged, and how.
    pub log: Log,
    /// PostgreSQL.
    pub database: db::Settings,
    /// The HTTP server.
    pub web: web::Settings,
    /// How the installation sends its own mails: invitations, verification, password reset.
    pub mail: accounts::MailSettings,
    /// The key that seals stored secrets.
    pub secret: control::secret::Settings,
    /// The built-in mail sink.
    pub sink: Sink,
    /// The built-in twins of payment services.
    pub rails: Rails,
    /// The built-in twins of the carriers of messages.
    pub carriers: Carriers,
    /// The built-in twins of data providers.
    pub data: Data,
    /// The built-in twins of CRMs.
    pub crm: Crm,
    /// The language model of drafts and replies.
    pub llm: Llm,
    /// Workers.
    pub work: Work,
    /// How the installation shows itself to other machines.
    pub outside: Outside,
    /// Webhooks to customers' own servers.
    pub webhooks: hooks::Settings,
    /// Who settles what tenants sell over x402.
    pub x402: X402,
    /// How the installation bills its clients.
    pub billing: billing::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from(".state"),
            log: Log::default(),
            database: db::Settings::default(),
            web: web::Settings::default(),
            mail: accounts::MailSettings::default(),
            secret: control::secret::Settings::default(),
            sink: Sink::default(),
            rails: Rails::default(),
            carriers: Carriers::default(),
            data: Data::default(),
            crm: Crm::default(),
            llm: Llm::default(),
            work: Work::default(),
            outside: Outside::default(),
            webhooks: hooks::Settings::default(),
            x402: X402::default(),
            billing: billing::Settings::default(),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Which lines, as `level` or `crate=level` separated by commas: error, warn, info, debug, trace.
    pub filter: String,
    /// `human` for people, `json` for programs: one object a line.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// For programs.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Human }
    }
}

/// The built-in mail sink: an SMTP server on this machine that keeps mail and sends none. `agency up` runs
/// it; of separate processes one `agency serve` of a database does, and every other process reaches it at
/// these addresses, which are the same for all of them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sink {
    /// Whether it runs (in `agency up`, else in exactly one `agency serve` of the database; another takes over
    /// when that one ends), and whether mailboxes may use it.
    pub enabled: bool,
    /// Where its SMTP listens and is reached; loopback only. The same in every process; port 0 only with `agency up`.
    pub smtp: SocketAddr,
    /// Where it answers whether it kept a mail, over HTTP; loopback only. The same in every process; port 0 only
    /// with `agency up`.
    pub lookup: SocketAddr,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            enabled: true,
            smtp: SocketAddr::from(([127, 0, 0, 1], 2525)),
            lookup: SocketAddr::from(([127, 0, 0, 1], 2526)),
        }
    }
}

/// The built-in twins of the carriers of messages, for development and simulation: they speak the services'
/// formats on this machine, say that they are twins, and reach nobody. A tenant's account at a carrier uses
/// one when its address is set to it.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Carriers {
    /// Runs them in one server of this database.
    pub twins: bool,
    /// Where the first listens, on this machine only: Resend. The others follow on the next ports:
    /// Postmark, Salesforge, Twilio, Telnyx, HeyReach, Vapi, ElevenLabs, Deepgram, Lob, and behind them the
    /// booking services: Cal.com, Calendly.
    pub listen: SocketAddr,
}

impl Default for Carriers {
    fn default() -> Self {
        Self { twins: false, listen: SocketAddr::from(([127, 0, 0, 1], 2540)) }
    }
}

/// The built-in twins of payment services, for development and simulation: they speak the services' formats
/// on this machine, say that they are twins, and move no money. A tenant's account at a rail uses one when
/// its address is the twin's. `agency up` runs them, else one `agency serve` of the database. What they keep
/// is forgotten when they end.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rails {
    /// Whether they run.
    pub twins: bool,
    /// Where the twin of Stripe listens; loopback only.
    pub stripe: SocketAddr,
    /// Where the twin of Cashfree listens; loopback only. Its address for accounts ends in `/pg`.
    pub cashfree: SocketAddr,
    /// Where the x402 network, facilitator and shop listen; loopback only. The network is below `/rpc`; the
    /// shop is called only with `outside.allow_loopback`.
    pub x402: SocketAddr,
}

impl Default for Rails {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { twins: false, stripe: local(2530), cashfree: local(2531), x402: local(2532) }
    }
}

/// The built-in twins of data providers (business register, map, people), for development and simulation: they
/// speak the services' formats on this machine, know whom they are told of, and charge nothing. An account under
/// Enrichment uses one when its address is the twin's. `agency up` runs them, else one `agency serve` of the database.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Whether they run.
    pub twins: bool,
    /// Where they listen; loopback only. Each service is below a path of its own, such as `/hunter/v2`.
    pub listen: SocketAddr,
}

impl Default for Data {
    fn default() -> Self {
        Self { twins: false, listen: SocketAddr::from(([127, 0, 0, 1], 2535)) }
    }
}

/// The built-in twins of CRMs (HubSpot, Pipedrive, Close), for development and simulation: they speak the services'
/// formats on this machine and forget what they hold when they end. A connection under CRM uses one when its address
/// is the twin's. `agency up` runs them, else one `agency serve` of the database.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Crm {
    /// Whether they run.
    pub twins: bool,
    /// Where they listen; loopback only. Each is below a path of its own: `/hubspot`, `/pipedrive`, `/close/api/v1`.
    pub listen: SocketAddr,
}

impl Default for Crm {
    fn default() -> Self {
        Self { twins: false, listen: SocketAddr::from(([127, 0, 0, 1], 2536)) }
    }
}

/// The language model of drafts and replies. Without a model the built-in writer and classifier work.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Llm {
    /// Whose wire format: `anthropic`, `open_ai`, or `open_ai_compatible` for a server of your own.
    pub provider: LlmProvider,
    /// The address of the service, without the path of a call. Empty: the provider's own.
    pub base_url: String,
    /// The API key. May be empty for a local server.
    pub key: Secret,
    /// The model's id. Empty: no model is asked.
    pub model: String,
    /// The id of a model that reads what the other one wrote and lists what nothing carries. Empty: the
    /// rules alone check it.
    pub critic_model: String,
}

/// Whose wire format a language model speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LlmProvider {
    /// Anthropic Messages.
    #[default]
    Anthropic,
    /// OpenAI chat completions.
    OpenAi,
    /// A server that speaks OpenAI's format.
    OpenAiCompatible,
}

impl Llm {
    /// The same account with the critic's model, if one is set.
    ///
    /// # Errors
    /// As [`Llm::account`].
    pub fn critic(&self) -> Result<Option<LlmAccount>> {
        if self.critic_model.is_empty() {
            return Ok(None);
        }
        Ok(self.account()?.map(|account| LlmAccount { model: self.critic_model.clone(), ..account }))
    }

    /// The account to ask, if a model is set.
    ///
    /// # Errors
    /// Invalid `llm.base_url`, `llm.key_missing`.
    pub fn account(&self) -> Result<Option<LlmAccount>> {
        if self.model.is_empty() {
            return Ok(None);
        }
        let base_url = match self.base_url.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|cause: url::ParseError| {
                Error::invalid("llm.base_url", format!("llm.base_url is no address: “{text}”."))
                    .caused_by(cause)
            })?),
        };
        let provider = match self.provider {
            LlmProvider::Anthropic => Provider::Anthropic,
            LlmProvider::OpenAi => Provider::OpenAi,
            LlmProvider::OpenAiCompatible => Provider::OpenAiCompatible,
        };
        if self.key.is_empty() && provider != Provider::OpenAiCompatible {
            return Err(Error::invalid(
                "llm.key_missing",
                "llm.model is set but llm.key is not. Set AGENCY__LLM__KEY, or clear llm.model to use the built-in writer.",
            ));
        }
        if base_url.is_none() && provider == Provider::OpenAiCompatible {
            return Err(Error::invalid(
                "llm.base_url",
                "llm.provider open_ai_compatible needs llm.base_url.",
            ));
        }
        Ok(Some(LlmAccount {
            provider,
            base_url,
            key: self.key.clone(),
            model: self.model.clone(),
            price: None,
        }))
    }
}

/// Workers.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// The queues that this process serves, separated by commas in the environment. Empty: every queue.
    pub queues: Vec<String>,
    /// Jobs that run at once in this process.
    pub concurrency: usize,
    /// Jobs that may wait in memory at most.
    pub prefetch_max: usize,
    /// On shutdown, how long running jobs may go on, in milliseconds.
    pub drain_ms: u64,
    /// Between two heartbeats of a worker, in milliseconds.
    pub heartbeat_ms: u64,
    /// Without a heartbeat for so long a worker drops all its work, in milliseconds. Less than the lease.
    pub self_stop_ms: u64,
    /// A worker that the scheduler did not hear for so long loses its jobs to others, in seconds.
    pub lease_s: i32,
}

impl Default for Work {
    fn default() -> Self {
        let worker = jobs::worker::Settings::default();
        Self {
            queues: worker.queues,
            concurrency: worker.concurrency,
            prefetch_max: worker.prefetch_max,
            drain_ms: worker.drain_ms,
            heartbeat_ms: worker.heartbeat_ms,
            self_stop_ms: worker.self_stop_ms,
            lease_s: jobs::scheduler::Scheduler::default().lease_s,
        }
    }
}

impl Work {
    /// As the worker takes them.
    pub fn worker(&self) -> jobs::worker::Settings {
        jobs::worker::Settings {
            queues: self.queues.clone(),
            concurrency: self.concurrency,
            prefetch_max: self.prefetch_max,
            drain_ms: self.drain_ms,
            heartbeat_ms: self.heartbeat_ms,
            self_stop_ms: self.self_stop_ms,
            ..jobs::worker::Settings::default()
        }
    }

    /// As the scheduler takes them.
    ///
    /// # Errors
    /// Invalid `work.lease` when a worker would go on working after others may have its jobs.
    pub fn scheduler(&self) -> Result<jobs::scheduler::Scheduler> {
        let lease_ms = u64::try_from(self.lease_s).unwrap_or(0).saturating_mul(1_000);
        if self.heartbeat_ms == 0 || self.heartbeat_ms >= self.self_stop_ms || self.self_stop_ms >= lease_ms {
            return Err(Error::invalid(
                "work.lease",
                format!(
                    "work.heartbeat_ms ({}) must be less than work.self_stop_ms ({}), and that less than work.lease_s ({} s), or two workers could run one job.",
                    self.heartbeat_ms, self.self_stop_ms, self.lease_s
                ),
            ));
        }
        Ok(jobs::scheduler::Scheduler { lease_s: self.lease_s, ..jobs::scheduler::Scheduler::default() })
    }
}

/// How the installation shows itself to other machines.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outside {
    /// The name with which mail servers are greeted: a name of this machine that resolves.
    pub hello_name: String,
    /// How the website reader calls itself; says who you are and how to reach you.
    pub user_agent: String,
    /// Lets the website reader and webhooks visit this machine, webhooks also without TLS; for tests and
    /// demonstrations only.
    pub allow_loopback: bool,
}

impl Default for Outside {
    fn default() -> Self {
        let vendors = vendors::Settings::default();
        Self {
            hello_name: vendors.hello_name,
            user_agent: vendors.user_agent,
            allow_loopback: vendors.allow_loopback,
        }
    }
}

impl Outside {
    /// As the adapters take them.
    pub fn vendors(&self) -> vendors::Settings {
        vendors::Settings {
            hello_name: self.hello_name.clone(),
            user_agent: self.user_agent.clone(),
            allow_loopback: self.allow_loopback,
        }
    }
}

/// Who settles what tenants sell over x402. Without both addresses it is the sandbox: simulated tokens in
/// the database, and every answer says so.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct X402 {
    /// The address of a facilitator, without the path of a call. Empty: the sandbox.
    pub facilitator: String,
    /// A JSON-RPC address of the network that it settles on, where lost settlements are looked up.
    pub rpc: String,
}

impl X402 {
    /// The facilitator and its network; none for the sandbox.
    ///
    /// # Errors
    /// Invalid `x402.facilitator`, `x402.rpc`.
    pub fn outside(&self) -> Result<Option<(url::Url, url::Url)>> {
        let read = |code: &'static str, text: &str| {
            text.parse::<url::Url>().map_err(|cause| {
                Error::invalid(code, format!("{code} is no address: “{text}”.")).caused_by(cause)
            })
        };
        match (self.facilitator.as_str(), self.rpc.as_str()) {
            ("", "") => Ok(None),
            (_, "") => Err(Error::invalid(
                "x402.rpc",
                "x402.facilitator is set but x402.rpc is not: without the network a lost settlement could never be looked up.",
            )),
            ("", _) => {
                Err(Error::invalid("x402.facilitator", "x402.rpc is set but x402.facilitator is not."))
            }
            (facilitator, rpc) => Ok(Some((read("x402.facilitator", facilitator)?, read("x402.rpc", rpc)?))),
        }
    }
}
