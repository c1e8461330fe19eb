//! The one list of what every domain adds, and of what it is given. Sorted; nothing registers itself.

use crate::{roles::House, sink::Kept};
use accounts::Mailer;
use base::Result;
use jobs::Registry;
use ports::email::{EmailAccount, Mailbox, Security, SmtpAccount};
use std::sync::Arc;
use twins::rail::RailTwin;
use twins::smtp_sink::{self, Sink};
use web::Module;

/// Every domain's pages, API, menu entries, checks and jobs.
///
/// # Errors
/// Invalid, naming the setting that is not good.
pub fn modules(house: &House) -> Result<Vec<Module>> {
    let signing = signing(house);
    let shop = pay::sale::Shop::new(facilitator(house)?, signing.clone(), house.settings.web.origin());
    Ok(vec![
        accounts::module(mailer(house)?, Some(billing::limit::person)),
        billing::module(billing_desk(house)?),
        console::module(),
        control::module(control_parts(house)),
        crm::module(crm::Desk { ports: house.ports.clone(), ring: house.ring.clone() }),
        enrich::module(enrich_desk(house)),
        hooks::module(),
        hooks::outbound(hooks_desk(house)),
        insight::module(insight_needs(house)?),
        intake::module(intake_needs(house)),
        leads::dnc::module(),
        leads::module(leads_needs(house)),
        meetings::module(meetings_needs(house)),
        onboarding::module(onboarding_needs(house)?),
        outreach::module(outreach_needs(house)?),
        pay::mandates(signing.clone()),
        pay::module(),
        pay::payments(desk(house, signing)),
        pay::sales(shop),
        privacy::module(),
    ])
}

/// What clients are billed with.
fn billing_desk(house: &House) -> Result<billing::Desk> {
    let (clock, random) = (house.db.clock().clone(), house.db.random().clone());
    let line = vendors::rail::Line::new(clock, random, vendors::http::TOTAL)?;
    let provider = Arc::new(vendors::rail::stripe::Stripe::new(line));
    let desk = billing::Desk::new(&house.settings.billing, provider, mailer(house)?)?;
    Ok(desk.counting(crate::credits::held))
}

/// What payments are made with.
pub fn desk(house: &House, signing: Arc<pay::signing::Ring>) -> pay::payment::Desk {
    pay::payment::Desk::new(house.ports.rails.clone(), house.ring.clone(), signing)
}

/// Who finds out who calls: members and their programs, and paying agents with keys of their own.
pub fn authenticator(db: &db::Db) -> Arc<dyn web::Authenticator> {
    Arc::new(pay::Auth::new(db.clone(), Arc::new(accounts::Auth::new(db.clone()))))
}

/// Every kind of job, schedule and reaction.
pub fn registry(modules: &mut [Module]) -> Registry {
    let mut registry = Registry::new();
    for module in modules {
        module.register_jobs(&mut registry);
    }
    registry
}

/// The keys with which this installation signs mandates, receipts and checkpoints.
pub fn signing(house: &House) -> Arc<pay::signing::Ring> {
    let origin = house.settings.web.origin();
    Arc::new(pay::signing::Ring::new(house.db.clone(), house.ring.clone(), origin))
}

/// Who settles what tenants sell: a facilitator outside, or the sandbox.
fn facilitator(house: &House) -> Result<Arc<dyn pay::sale::Facilitator>> {
    let Some((facilitator, rpc)) = house.settings.x402.outside()? else {
        return Ok(pay::facilitator::Sandbox::shared(house.db.clone()));
    };
    let (clock, random) = (house.db.clock().clone(), house.db.random().clone());
    let line = vendors::rail::Line::new(clock, random, vendors::http::TOTAL)?;
    vendors::rail::x402::Outside::shared(&line, &facilitator, &rpc)
}

/// What control is given.
fn control_parts(house: &House) -> control::Parts {
    control::Parts {
        effects: Arc::new(control::switch::Together(vec![
            Arc::new(outreach::stop::Messages),
            Arc::new(hooks::stop::Webhooks),
        ])),
        renderers: outreach::preview::renderers()
            .with(pay::mandate::KIND, "Mandates to pay", pay::mandate::shown)
            .with(insight::suggestion::KIND, "What was learnt", insight::suggestion::shown),
        campaigns: |cx, ids| Box::pin(outreach::campaign::names(cx, ids)),
        countries: |text| {
            leads::Country::parse(text).map(|country| (country.code().to_owned(), country.name()))
        },
        keyring: house.ring.clone(),
        state_dir: house.settings.state_dir.clone(),
    }
}

/// What insight is given.
fn insight_needs(house: &House) -> Result<insight::Needs> {
    let Mailer { sender, account, from, origin } = mailer(house)?;
    Ok(insight::Needs { mailer: control::notification::mail::Mailer { sender, account, from, origin } })
}

/// What webhooks are sent with.
fn hooks_desk(house: &House) -> hooks::Desk {
    hooks::Desk {
        ring: house.ring.clone(),
        poster: house.ports.poster.clone(),
        settings: house.settings.webhooks.clone(),
    }
}

/// What look-ups at outside services are made with.
fn enrich_desk(house: &House) -> enrich::Desk {
    enrich::Desk {
        ports: house.ports.clone(),
        ring: house.ring.clone(),
        origin: house.settings.web.origin(),
        credits: Some(Arc::new(crate::credits::OfPlan)),
    }
}

/// What higher domains add to the pages of leads.
fn lead_extras() -> leads::Extras {
    let mut extras = outreach::lead_link::extras();
    extras.bulk.push(leads::BulkAct { label: "Look up at services", href: "/enrichment/leads" });
    extras.detail = Some(|cx, lead| {
        Box::pin(async move {
            let mut shown = enrich::lineage::card(cx, lead).await?;
            if let Some(timeline) = outreach::lead_link::extras().detail {
                shown.0.push_str(&timeline(cx, lead).await?.0);
            }
            Ok(shown)
        })
    });
    extras
}

/// What leads is given.
fn leads_needs(house: &House) -> leads::Needs {
    leads::Needs { ports: house.ports.clone(), extras: lead_extras() }
}

/// What taking lists in is given.
fn intake_needs(house: &House) -> intake::Needs {
    intake::Needs { state_dir: house.settings.state_dir.clone(), extras: outreach::lead_link::extras() }
}

/// What onboarding is given.
fn onboarding_needs(house: &House) -> Result<onboarding::Needs> {
    Ok(onboarding::Needs { ports: house.ports.clone(), llm: llm(house)? })
}

/// What outreach is given.
fn outreach_needs(house: &House) -> Result<outreach::Needs> {
    Ok(outreach::Needs {
        ports: house.ports.clone(),
        keyring: house.ring.clone(),
        switches: house.switches.clone(),
        llm: llm(house)?,
        origin: house.settings.web.origin(),
        sink: sink_settings(house)?,
        offers: Some(meetings_needs(house).offers()),
    })
}

/// What meetings are given.
fn meetings_needs(house: &House) -> meetings::Needs {
    meetings::Needs {
        ports: house.ports.clone(),
        keyring: house.ring.clone(),
        origin: house.settings.web.origin(),
    }
}

/// The model that writes and the one that criticises, where they are set.
fn llm(house: &House) -> Result<Option<outreach::content::LlmSettings>> {
    let critic = house.settings.llm.critic()?;
    let account = house.settings.llm.account()?;
    Ok(account.map(|account| outreach::content::LlmSettings { account, critic }))
}

/// The built-in sink as mailboxes reach it, where it is enabled.
pub(crate) fn sink_settings(house: &House) -> Result<Option<outreach::resource::SinkSettings>> {
    let sink = &house.settings.sink;
    if !sink.enabled {
        return Ok(None);
    }
    Ok(Some(outreach::resource::SinkSettings {
        host: sink.smtp.ip().to_string(),
        port: sink.smtp.port(),
        lookup: sink_lookup(house)?,
    }))
}

/// How the installation sends its own mails.
pub(crate) fn mailer(house: &House) -> Result<Mailer> {
    let mail = &house.settings.mail;
    let account = mail.account(sink_account(house)?);
    if let EmailAccount::Smtp(smtp) = &account {
        smtp.security.check(&smtp.host)?;
    }
    Ok(Mailer {
        sender: house.ports.email.clone(),
        account,
        from: Mailbox { address: mail.from.clone(), name: mail.from_name.clone() },
        origin: house.settings.web.origin(),
    })
}

/// The built-in sink as an account.
fn sink_account(house: &House) -> Result<SmtpAccount> {
    let sink = &house.settings.sink;
    Ok(SmtpAccount {
        host: sink.smtp.ip().to_string(),
        port: sink.smtp.port(),
        security: Security::None,
        username: None,
        password: base::Secret::default(),
        lookup: Some(sink_lookup(house)?),
        sent: None,
    })
}

/// Where the sink answers whether it kept a mail.
fn sink_lookup(house: &House) -> Result<url::Url> {
    format!("http://{}/", house.settings.sink.lookup).parse().map_err(|cause: url::ParseError| {
        base::Error::invalid("sink.lookup", "sink.lookup is no address with a port.").caused_by(cause)
    })
}

/// Starts the built-in sink, where it is enabled; the house then knows its real addresses.
///
/// # Errors
/// Unavailable when a port is taken, invalid when an address is not on this machine.
pub async fn sink(house: &mut House) -> Result<Option<Sink>> {
    if !house.settings.sink.enabled {
        return Ok(None);
    }
    let settings = smtp_sink::Settings {
        smtp: house.settings.sink.smtp,
        lookup: house.settings.sink.lookup,
        ..smtp_sink::Settings::default()
    };
    let store = Arc::new(Kept::new(house.db.clone()));
    let sink = Sink::start(settings, store, house.db.clock().clone()).await?;
    house.settings.sink.smtp = sink.smtp();
    let lookup = sink.lookup_url();
    house.settings.sink.lookup = lookup.trim_start_matches("http://").trim_end_matches('/').parse().map_err(
        |cause: std::net::AddrParseError| {
            base::Error::internal("The sink has no readable address.").caused_by(cause)
        },
    )?;
    Ok(Some(sink))
}

/// Starts the built-in twins of data providers, where they are enabled.
///
/// # Errors
/// Unavailable when the port is taken, invalid when the address is not on this machine.
pub async fn data_twins(house: &House) -> Result<Option<twins::data::DataTwin>> {
    let data = &house.settings.data;
    if !data.twins {
        return Ok(None);
    }
    twins::data::DataTwin::start(data.listen).await.map(Some)
}

/// Starts the built-in twins of CRMs, where they are enabled.
///
/// # Errors
/// Unavailable when the port is taken, invalid when the address is not on this machine.
pub async fn crm_twins(house: &House) -> Result<Option<twins::crm::CrmTwin>> {
    let crm = &house.settings.crm;
    if !crm.twins {
        return Ok(None);
    }
    twins::crm::CrmTwin::start(crm.listen, house.db.clock().clone()).await.map(Some)
}

/// Starts the built-in twins of the carriers of messages and, on the ports after them, of booking services,
/// where they are enabled.
///
/// # Errors
/// Unavailable when a port is taken, invalid when an address is not on this machine.
pub async fn carrier_twins(house: &House) -> Result<Vec<twins::carrier::CarrierTwin>> {
    let carriers = &house.settings.carriers;
    if !carriers.twins {
        return Ok(Vec::new());
    }
    let mut started = twins::carrier::start_all(carriers.listen, house.db.clock()).await?;
    let mut next = carriers.listen;
    if next.port() != 0 {
        next.set_port(next.port().saturating_add(u16::try_from(started.len()).unwrap_or(u16::MAX)));
    }
    match twins::calendar::start_all(next, house.db.clock()).await {
        Ok(calendars) => started.extend(calendars),
        Err(error) => {
            for twin in started {
                twin.shutdown().await;
            }
            return Err(error);
        }
    }
    Ok(started)
}

/// Starts the built-in twins of payment services, where they are enabled.
///
/// # Errors
/// Unavailable when a port is taken, invalid when an address is not on this machine.
pub async fn rail_twins(house: &House) -> Result<Vec<RailTwin>> {
    let rails = &house.settings.rails;
    if !rails.twins {
        return Ok(Vec::new());
    }
    let clock = || house.db.clock().clone();
    Ok(vec![
        twins::rail::stripe::start(rails.stripe, clock()).await?,
        twins::rail::cashfree::start(rails.cashfree, clock()).await?,
        twins::rail::x402::start(rails.x402, clock()).await?,
    ])
}
