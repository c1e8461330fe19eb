//! Adapters: the ports of the product, spoken in the vendors' wire formats. The only crate that
//! opens connections to the outside.
//!
//! Rules of every adapter: 10 s to connect and 60 s in all (language models 600 s); retried are
//! only 408, 429, 5xx and failed connections, at most three times, with jitter, honouring
//! `retry-after`; what may have had an effect is never repeated blindly; base addresses can be
//! set, so that everything is tested over loopback against the twins.

mod address;
pub mod calendar;
pub mod crm;
pub mod data;
pub mod delivery;
pub mod dns;
pub mod email;
pub mod fetch;
pub mod http;
pub mod linkedin;
pub mod llm;
pub mod mailbox;
pub mod post;
pub mod rail;
pub mod sms;
pub mod speech;
mod tls;
pub mod voice;
pub mod webhook;

use base::{Clock, Random, Result};
use ports::Ports;
use std::sync::Arc;

/// What can be set for all adapters.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name with which we greet mail servers: a name of this machine that resolves.
    pub hello_name: String,
    /// How the website reader calls itself; must say who we are and how to reach us.
    pub user_agent: String,
    /// Lets the website reader and webhooks visit this machine, webhooks also without TLS; for tests and
    /// demonstrations only.
    pub allow_loopback: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hello_name: "localhost".to_owned(),
            user_agent: "AgencyOS-SiteReader/1.0".to_owned(),
            allow_loopback: false,
        }
    }
}

/// All ports, on real adapters.
///
/// # Errors
/// Internal when TLS or the resolver's configuration cannot be set up on this machine.
pub fn ports(settings: &Settings, clock: Arc<dyn Clock>, random: Arc<Random>) -> Result<Ports> {
    let mailbox = Arc::new(mailbox::imap::Imap::new()?);
    let fetcher =
        Arc::new(fetch::website::Website::new(&settings.user_agent, settings.allow_loopback, clock.clone())?);
    let enricher: Arc<dyn ports::enrich::Enricher> =
        Arc::new(ports::enrich::FromWebsite::new(fetcher.clone()));
    let providers = data::providers(&data::Line::new(random.clone(), http::TOTAL)?, enricher.clone());
    let crms = crm::crms(&crm::Line::new(random.clone(), http::TOTAL)?);
    let rails = rail::rails(settings.allow_loopback, &clock, &random)?;
    let carriers = delivery::Line::new(clock.clone(), random.clone(), http::TOTAL)?;
    let smtp = email::smtp::Smtp::new(&settings.hello_name, mailbox.clone(), clock.clone())?;
    Ok(Ports {
        email: Arc::new(email::Senders::new(smtp, &carriers)),
        mailbox,
        llm: Arc::new(llm::Models::new(clock, random)?),
        dns: Arc::new(dns::hickory::Hickory::system()?),
        providers,
        enricher,
        fetcher,
        rails,
        poster: Arc::new(webhook::Outbound::new(settings.allow_loopback)?),
        sms: Arc::new(sms::Senders::new(&carriers)),
        linkedin: Arc::new(linkedin::Seats::new(&carriers)),
        voice: Arc::new(voice::Callers::new(&carriers)),
        speech: Arc::new(speech::Voices::new(&carriers)),
        post: Arc::new(post::Posts::new(&carriers)),
        receivers: delivery::receivers(),
        crms,
        calendars: calendar::calendars(&carriers),
    })
}
