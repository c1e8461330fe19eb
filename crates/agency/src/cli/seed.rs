//! `agency seed`: a small organisation with everything that a payment has.

use crate::{
    seed::{self, Seeded},
    settings::Settings,
    term,
};
use base::{Error, Result, SystemClock};
use std::{collections::BTreeMap, net::SocketAddr, process::ExitCode, sync::Arc};
use twins::rail::stripe;
use url::Url;

/// How to make it.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where payments over Stripe go: Stripe in test mode, or a twin of it. Without it the twin of a running
    /// server (`rails.twins`), else one that ends with this command.
    #[arg(long, value_name = "URL")]
    stripe: Option<Url>,
}

pub(super) async fn run(settings: &Settings, arguments: Arguments) -> Result<ExitCode> {
    let known = match arguments.stripe {
        Some(url) => Some(url),
        None if settings.rails.twins => Some(address(format!("http://{}/", settings.rails.stripe))?),
        None => None,
    };
    let seeded = match known {
        Some(url) => Box::pin(seed::run(settings, &url)).await?,
        None => {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let twin = stripe::start(any, Arc::new(SystemClock)).await?;
            let seeded = Box::pin(seed::run(settings, &address(twin.url())?)).await;
            twin.shutdown().await;
            seeded?
        }
    };
    say(&seeded);
    Ok(ExitCode::SUCCESS)
}

fn address(text: String) -> Result<Url> {
    text.parse().map_err(|cause: url::ParseError| {
        Error::invalid("rails.stripe", format!("“{text}” is not the address of a twin.")).caused_by(cause)
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
