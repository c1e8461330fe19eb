//! What a client does before the first message: signs up, names itself, connects mailboxes, opens a
//! booking page, limits what may be spent, makes a campaign.

use super::{clients::Client, stage::Stage};
use accounts::{
    person::{self, SignUp, password},
    tenant,
};
use base::{Actor, EmailAddress, Error, Micros, Random, Result, Secret, TenantId, UserId, Zone};
use control::budget;
use db::{Caller, Cx, Scope};
use jiff::civil::Weekday;
use meetings::meeting;
use outreach::{
    campaign::{self, CampaignId},
    resource,
    window::Window,
};
use uuid::Uuid;

/// How to sign in as a client's owner.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The client's name.
    pub client: String,
    /// The address to sign in with.
    pub email: String,
    /// The password, made for this run.
    pub password: Secret,
}

/// A client that is set up.
pub(super) struct Ready {
    /// What it is.
    pub spec: &'static Client,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its owner.
    pub owner: UserId,
    /// Its campaign, a draft still.
    pub campaign: CampaignId,
    /// Its zone.
    pub zone: Zone,
}

impl Ready {
    /// A unit of work of the client's owner.
    pub async fn cx(&self, stage: &Stage) -> Result<Cx> {
        let caller =
            Caller { actor: Actor::User { id: self.owner }, ..Caller::system("demo", &stage.house.db) };
        stage.house.db.begin(Scope::Tenant(self.tenant), caller).await
    }
}

/// Signs a client up and prepares everything but its leads.
pub(super) async fn client(stage: &Stage, spec: &'static Client) -> Result<(Ready, SignIn)> {
    let (tenant, owner, sign_in) = sign_up(stage, spec).await?;
    let zone = Zone::named(spec.zone)?;
    let mut ready = Ready { spec, tenant, owner, campaign: CampaignId(Uuid::nil()), zone };
    let mut cx = ready.cx(stage).await?;
    name_itself(&mut cx, spec).await?;
    let mailboxes = mailboxes(&mut cx, stage, spec).await?;
    meeting::save_page(&mut cx, &booking_page(&ready)).await?;
    let cap = Micros::from_minor(2_000);
    budget::set(&mut cx, budget::Scope::Client, None, budget::Period::Day, cap, "A day's drafts at most")
        .await?;
    let (name, goal) = spec.campaign;
    let new = campaign::New {
        name: name.to_owned(),
        goal: goal.to_owned(),
        offer: spec.offer.to_owned(),
        with_template: true,
    };
    ready.campaign = campaign::create(&mut cx, new).await?;
    campaign::assign(&mut cx, ready.campaign, &mailboxes).await?;
    cx.commit().await?;
    Ok((ready, sign_in))
}

async fn sign_up(stage: &Stage, spec: &Client) -> Result<(TenantId, UserId, SignIn)> {
    let db = &stage.house.db;
    let (name, address) = spec.owner;
    let email = EmailAddress::parse(address)?;
    // Nobody can guess it, and it is no part of the history.
    let secret = Random::system().bytes::<9>().iter().map(|b| format!("{b:02x}")).collect::<String>();
    let typed = Secret::new(secret);
    let hash = password::hash(&typed, db.random()).await?;
    let mut cx = db.system("demo").await?;
    let person: UserId = cx.id();
    let new = SignUp {
        person,
        email,
        name: name.to_owned(),
        password_hash: hash,
        company: spec.name.to_owned(),
        zone: spec.zone.to_owned(),
        country: "AU".to_owned(),
    };
    let tenant = person::sign_up(&mut cx, &new).await?;
    person::verify_email(&mut cx, person).await?;
    cx.commit().await?;
    let sign_in = SignIn { client: spec.name.to_owned(), email: address.to_owned(), password: typed };
    Ok((tenant, person, sign_in))
}

async fn name_itself(cx: &mut Cx, spec: &Client) -> Result<()> {
    let known = tenant::get(cx).await?;
    let details = tenant::Details {
        name: known.name,
        legal_name: Some(spec.legal_name.to_owned()),
        postal_address: Some(spec.postal_address.to_owned()),
        website: Some(spec.website.to_owned()),
        zone: known.zone,
        country: known.country,
        offer: Some(spec.offer.to_owned()),
        mode: if spec.autopilot { tenant::Mode::Autopilot } else { tenant::Mode::CoPilot },
    };
    tenant::change(cx, &details).await?;
    tenant::finish_onboarding(cx).await
}

/// The mailboxes of a domain that was in use before the client came.
async fn mailboxes(cx: &mut Cx, stage: &Stage, spec: &Client) -> Result<Vec<Uuid>> {
    let sink = crate::wire::sink_settings(&stage.house)?.ok_or_else(|| {
        Error::invalid(
            "sink.enabled",
            "The demonstration writes to the built-in mail sink. Set sink.enabled = true.",
        )
    })?;
    let mut made = Vec::new();
    for (name, local) in spec.senders {
        let address = EmailAddress::parse(&format!("{local}@{}", spec.domain))?;
        let id = resource::add_sink(cx, &stage.house.ring, &sink, address, name).await?;
        made.push(id.uuid());
    }
    let (tenant, since) = (cx.tenant()?.uuid(), cx.now().plus_days(-spec.domain_age_days).to_string());
    sqlx::query!(
        "update outreach.resource set domain_in_use_since = $2::text::timestamptz::date where tenant_id = $1",
        tenant,
        since,
    )
    .execute(cx.conn())
    .await?;
    Ok(made)
}

fn booking_page(ready: &Ready) -> meeting::Page {
    let spec = ready.spec;
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    meeting::Page {
        slug: spec.slug.to_owned(),
        title: format!("A call with {}", spec.name),
        minutes: 30,
        zone: ready.zone.clone(),
        hours: Window::hours(&days, 9, 17),
        notice_hours: 4,
        days_ahead: 21,
        buffer_minutes: 0,
        location: format!(
            "https://meet.{}/{}",
            spec.owner.1.rsplit('@').next().unwrap_or("example"),
            spec.slug
        ),
        host_name: spec.owner.0.to_owned(),
        host_email: spec.owner.1.to_owned(),
        active: true,
    }
}
