//! What the product needs from outside, as traits: one file per capability, each with an implementation that
//! lives in memory. Those serve Simulation and unit tests and are product code; the ones that speak to the
//! world are in `vendors`. Rules of every port: a call never happens inside a database transaction; nothing
//! reads the system clock or randomness; a secret leaves its [`base::Secret`] only on the wire.

pub mod calendar;
pub mod crm;
pub mod delivery;
pub mod dns;
pub mod email;
pub mod enrich;
pub mod fetch;
pub mod linkedin;
pub mod llm;
pub mod mailbox;
pub mod post;
pub mod provider;
pub mod rail;
pub mod sms;
pub mod speech;
pub mod subscription;
pub mod voice;
pub mod webhook;

use std::sync::Arc;

/// Every port of the product, bundled for the wiring.
#[derive(Clone)]
pub struct Ports {
    /// Sends mail.
    pub email: Arc<dyn email::EmailSender>,
    /// Reads mail.
    pub mailbox: Arc<dyn mailbox::Mailbox>,
    /// Asks a language model.
    pub llm: Arc<dyn llm::Llm>,
    /// Looks names up.
    pub dns: Arc<dyn dns::Dns>,
    /// Reads websites.
    pub fetcher: Arc<dyn fetch::Fetcher>,
    /// Finds facts about companies.
    pub enricher: Arc<dyn enrich::Enricher>,
    /// Looks companies and people up.
    pub providers: provider::Providers,
    /// Moves money.
    pub rails: rail::Rails,
    /// Tells customers' own servers.
    pub poster: Arc<dyn webhook::Poster>,
    /// Sends text messages.
    pub sms: Arc<dyn sms::SmsSender>,
    /// Acts on LinkedIn.
    pub linkedin: Arc<dyn linkedin::LinkedIn>,
    /// Places calls.
    pub voice: Arc<dyn voice::VoiceCaller>,
    /// Speaks and listens.
    pub speech: Arc<dyn speech::Speech>,
    /// Sends postcards.
    pub post: Arc<dyn post::PostSender>,
    /// Read what providers of messages tell.
    pub receivers: delivery::Receivers,
    /// Clients' CRMs.
    pub crms: crm::Crms,
    /// Booking services.
    pub calendars: calendar::Calendars,
}

/// Every port in memory, with handles to what is inside, for Simulation and unit tests.
#[derive(Clone)]
pub struct InMemory {
    /// Where sent mail arrives.
    pub email: Arc<email::MemoryEmail>,
    /// Mailboxes to deliver replies into.
    pub mailbox: Arc<mailbox::MemoryMailbox>,
    /// A model that answers from a function.
    pub llm: Arc<llm::MemoryLlm>,
    /// Records by name.
    pub dns: Arc<dns::MemoryDns>,
    /// Websites by address.
    pub fetcher: Arc<fetch::MemoryFetcher>,
    /// Data providers, in the order of [`provider::ProviderKind::ALL`].
    pub providers: Vec<Arc<provider::MemoryProvider>>,
    /// The outside rails: Stripe, Cashfree and x402, in this order.
    pub rails: [Arc<rail::MemoryRail>; 3],
    /// Customers' servers.
    pub poster: Arc<webhook::MemoryPoster>,
    /// Where text messages arrive.
    pub sms: Arc<sms::MemorySms>,
    /// What was done on LinkedIn.
    pub linkedin: Arc<linkedin::MemoryLinkedIn>,
    /// Calls that were placed.
    pub voice: Arc<voice::MemoryVoice>,
    /// Postcards.
    pub post: Arc<post::MemoryPost>,
    /// CRMs, in the order of [`crm::CrmKind::ALL`].
    pub crms: [Arc<crm::MemoryCrm>; 3],
    /// Booking services, in the order of [`calendar::Service::ALL`].
    pub calendars: [Arc<calendar::MemoryCalendar>; 2],
}

impl InMemory {
    /// Empty ports that share a clock and a seeded source of randomness.
    pub fn new(clock: Arc<dyn base::Clock>, random: Arc<base::Random>) -> Self {
        Self {
            email: Arc::new(email::MemoryEmail::new(clock.clone(), random.clone())),
            mailbox: Arc::new(mailbox::MemoryMailbox::new()),
            llm: Arc::new(llm::MemoryLlm::new(clock.clone(), random.clone())),
            dns: Arc::new(dns::MemoryDns::new()),
            fetcher: Arc::new(fetch::MemoryFetcher::new(clock.clone())),
            providers: provider::ProviderKind::ALL
                .iter()
                .map(|kind| Arc::new(provider::MemoryProvider::new(*kind)))
                .collect(),
            rails: [rail::RailKind::Stripe, rail::RailKind::Cashfree, rail::RailKind::X402]
                .map(|kind| Arc::new(rail::MemoryRail::new(kind))),
            poster: Arc::default(),
            sms: Arc::new(sms::MemorySms::new(clock.clone(), random.clone())),
            linkedin: Arc::new(linkedin::MemoryLinkedIn::new(clock.clone(), random.clone())),
            voice: Arc::new(voice::MemoryVoice::new(clock.clone(), random.clone())),
            post: Arc::new(post::MemoryPost::new(clock, random)),
            crms: crm::CrmKind::ALL.map(|kind| Arc::new(crm::MemoryCrm::new(kind))),
            calendars: calendar::Service::ALL.map(|one| Arc::new(calendar::MemoryCalendar::new(one))),
        }
    }

    /// The same ports as the rest of the product sees them.
    pub fn ports(&self) -> Ports {
        Ports {
            email: self.email.clone(),
            mailbox: self.mailbox.clone(),
            llm: self.llm.clone(),
            dns: self.dns.clone(),
            fetcher: self.fetcher.clone(),
            enricher: Arc::new(enrich::FromWebsite::new(self.fetcher.clone())),
            providers: provider::Providers::of(
                self.providers.iter().cloned().map(|one| -> Arc<dyn provider::Provider> { one }),
            ),
            rails: rail::Rails::of(self.rails.clone().map(|rail| -> Arc<dyn rail::Rail> { rail })),
            poster: self.poster.clone(),
            sms: self.sms.clone(),
            linkedin: self.linkedin.clone(),
            voice: self.voice.clone(),
            speech: Arc::new(speech::MemorySpeech),
            post: self.post.clone(),
            receivers: delivery::Receivers::default(),
            crms: crm::Crms::of(self.crms.clone().map(|one| -> Arc<dyn crm::Crm> { one })),
            calendars: calendar::Calendars::of(
                self.calendars.clone().map(|one| -> Arc<dyn calendar::Calendar> { one }),
            ),
        }
    }
}
