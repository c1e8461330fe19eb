//! `agency seed`: a small organisation with everything that a payment has.

use crate::{
    roles,
    seed::{self, Seeded},
    settings::Settings,
    term,
};
use base::{Error, Result, SystemClock};
use std::{collections::BTreeMap, net::SocketAddr, process::ExitCode, sync::Arc};
use twins::rail::{RailTwin, stripe};
use url::Url;

/// How to make it.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where payments over Stripe go: Stripe in test mode, or a stand-in. Without it a stand-in runs while this
    /// command does.
    #[arg(long, value_name = "URL")]
    stripe: Option<Url>,
    /// Lets the stand-in go on until the command is interrupted, so that the pending payment can be looked
    /// up there.
    #[arg(long, conflicts_with = "stripe")]
    stay: bool,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<ExitCode> {
    let twin = match &arguments.stripe {
        Some(_) => None,
        None => Some(stripe::start(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(SystemClock)).await?),
    };
    let url = match (&arguments.stripe, &twin) {
        (Some(url), _) => url.clone(),
        (None, Some(twin)) => address(twin)?,
        (None, None) => return Err(Error::internal("Neither Stripe nor a stand-in.")),
    };
    let result = Box::pin(seed::run(settings, &url)).await;
    if let Ok(seeded) = &result {
        say(seeded);
    }
    if let Some(twin) = twin {
        if arguments.stay && result.is_ok() {
            term::line(format!("Stripe's stand-in answers at {url} until you interrupt this command."));
            roles::shutdown_signal()?.cancelled().await;
        }
        twin.shutdown().await;
    }
    result.map(|_| ExitCode::SUCCESS)
}

fn address(twin: &RailTwin) -> Result<Url> {
    twin.url().parse().map_err(|cause: url::ParseError| {
        Error::internal("The stand-in has no readable address.").caused_by(cause)
    })
}

fn say(seeded: &Seeded) {
    match &seeded.first {
        Some(first) => {
            term::line(format!("Made the organisation {}.", seeded.tenant));
            term::line("Shown this once:");
            if let Some(password) = &first.password {
                term::line(format!("  {:<18}  password {}", seed::OWNER, password.expose()));
            }
            for (name, risk, key) in &first.keys {
                term::line(format!("  {name:<18}  {risk:<6}   {}", key.expose()));
            }
        }
        None if seeded.went_on => {
            term::line(format!("Went on with the organisation {}, which was not complete.", seeded.tenant));
        }
        None => term::line(format!(
            "Everything is there already, in the organisation {}: nothing was made. Keys are shown when they are made; make others on the pages of the paying agents.",
            seeded.tenant
        )),
    }
    let counts = &seeded.counts;
    term::line("What there is:");
    term::line(format!("  principals   {}", each(&counts.principals)));
    term::line(format!("  policies     {}", counts.policies));
    term::line(format!("  x402 vendors {}", counts.x402_vendors));
    term::line(format!("  intents      {}", each(&counts.intents)));
    term::line(format!("  mandates     {}", each(&counts.mandates)));
    term::line(format!("  payments     {}", each(&counts.payments)));
    term::line(format!("  receipts     {} in one chain", counts.receipts));
    if counts.payments.contains_key("pending") {
        term::line(
            "The pending payment waits for the payer's bank. While nothing answers where Stripe was, it is shown as being looked up.",
        );
    }
}

fn each(counts: &BTreeMap<&'static str, usize>) -> String {
    let sum: usize = counts.values().sum();
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{sum} ({})", parts.join(", "))
}
