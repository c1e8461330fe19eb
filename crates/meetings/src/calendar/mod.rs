//! A client's calendar at a booking service: its key is sealed, what is booked is chosen, and what the
//! service tells is turned into meetings.

pub mod api;
pub mod apply;
pub mod jobs;
pub mod pages;
pub mod receive;
pub mod standing;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Calendar, get, list, offered};

use base::{Error, Result, Secret};
use control::secret::{self, Keyring};
use db::{Cx, Fact};
use ports::calendar::{Account, EventType, Owner, Service};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use uuid::Uuid;

base::id_type!(
    /// A calendar at a booking service.
    CalendarId
);

/// Something that can be booked there, as it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Kind {
    /// What the service calls it.
    pub reference: String,
    /// What people call it.
    pub title: String,
    /// Minutes that it takes.
    pub minutes: u16,
    /// Where people book it.
    pub link: String,
}

impl From<EventType> for Kind {
    fn from(from: EventType) -> Self {
        Self {
            reference: from.reference,
            title: from.title,
            minutes: from.minutes,
            link: from.link.to_string(),
        }
    }
}

/// A calendar to connect.
#[derive(Clone, Debug)]
pub struct New {
    /// At which service.
    pub service: Service,
    /// What people call it; empty: the service's name.
    pub name: String,
    /// The API key or token.
    pub key: Secret,
    /// Where, if not at the service itself.
    pub base_url: String,
}

/// The parts that are sealed.
#[derive(Clone, Copy)]
enum Part {
    /// The API key.
    Key,
    /// The unguessable part of the address that the service tells.
    Hook,
    /// What signs the words of the service.
    Signing,
}

fn sealed(id: Uuid, part: Part) -> String {
    let word = match part {
        Part::Key => "key",
        Part::Hook => "hook",
        Part::Signing => "signing",
    };
    format!("calendar:{id}:{word}")
}

/// Connects a calendar; a job then looks whether its key is good and what can be booked. Errors:
/// `calendar.key`, `calendar.base_url`, `calendar.name`.
pub async fn add(cx: &mut Cx, ring: &Keyring, new: &New) -> Result<CalendarId> {
    let key = new.key.expose().trim();
    if key.is_empty() || key.len() > 4_000 || key.chars().any(char::is_whitespace) {
        return Err(Error::invalid("calendar.key", "Paste the key of your account there, without spaces."));
    }
    let name = new.name.trim();
    let name = if name.is_empty() { new.service.label() } else { name };
    if name.chars().count() > 200 || name.contains('\0') {
        return Err(Error::invalid("calendar.name", "A name has at most 200 characters."));
    }
    let base_url = base_url(&new.base_url)?;
    let id: CalendarId = cx.id();
    store::insert(cx, id, new.service, name, base_url.as_ref().map(Url::as_str)).await?;
    let token =
        |bytes: [u8; 24]| Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let (hook, signing) = (token(cx.random().bytes()), token(cx.random().bytes()));
    secret::put(cx, ring, &sealed(id.uuid(), Part::Key), &Secret::new(key)).await?;
    secret::put(cx, ring, &sealed(id.uuid(), Part::Hook), &hook).await?;
    secret::put(cx, ring, &sealed(id.uuid(), Part::Signing), &signing).await?;
    cx.publish(Fact::about("outreach.calendar.added", id).with(json!({"service": new.service.word()})))
        .await?;
    jobs::enqueue_connect(cx, id).await?;
    Ok(id)
}

fn base_url(typed: &str) -> Result<Option<Url>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let bad = || {
        Error::invalid(
            "calendar.base_url",
            "The address of the service is not one. Leave it empty for the service's own.",
        )
    };
    let url: Url = typed.parse().map_err(|_| bad())?;
    if matches!(url.scheme(), "https" | "http") && url.has_host() { Ok(Some(url)) } else { Err(bad()) }
}

/// Chooses what is booked there; from then on messages offer it, unless another calendar is offered.
/// Errors: `calendar.event_type` when it cannot be booked there.
pub async fn choose(cx: &mut Cx, id: Uuid, event_type: &str) -> Result<()> {
    let calendar = get(cx, id).await?;
    let kinds = calendar.kinds()?;
    let kind = kinds.iter().find(|kind| kind.reference == event_type).ok_or_else(|| {
        Error::invalid(
            "calendar.event_type",
            "That cannot be booked in this calendar. Choose one of the list.",
        )
    })?;
    store::choose(cx, id, kind).await?;
    if offered(cx).await?.is_none() {
        store::set_offered(cx, Some(id)).await?;
    }
    cx.publish(Fact::about("outreach.calendar.chosen", id).with(json!({"event_type": event_type}))).await
}

/// Messages offer this calendar from now on. Errors: `calendar.not_chosen` while nothing is chosen.
pub async fn offer(cx: &mut Cx, id: Uuid) -> Result<()> {
    if get(cx, id).await?.event_type.is_none() {
        return Err(Error::conflict("calendar.not_chosen", "Choose first what is booked there."));
    }
    store::set_offered(cx, Some(id)).await?;
    cx.publish(Fact::about("outreach.calendar.offered", id)).await
}

/// Takes a calendar out of use; the service is told to say no more. Its meetings stay.
pub async fn remove(cx: &mut Cx, id: Uuid) -> Result<()> {
    let calendar = get(cx, id).await?;
    store::remove(cx, id).await?;
    if let Some(subscription) = calendar.subscription {
        jobs::enqueue_disconnect(cx, CalendarId(id), &subscription).await?;
    }
    cx.publish(Fact::about("outreach.calendar.removed", id)).await
}

/// What was found when its key was looked at; what can be booked only in one way is chosen at once.
pub(crate) async fn known(cx: &mut Cx, id: Uuid, owner: &Owner, kinds: &[Kind]) -> Result<()> {
    store::known(cx, id, owner, kinds).await?;
    let calendar = get(cx, id).await?;
    if let ([only], None) = (kinds, &calendar.event_type) {
        choose(cx, id, &only.reference).await?;
    }
    cx.publish(Fact::about("outreach.calendar.checked", id)).await
}

/// The account behind a calendar, its key opened.
pub(crate) async fn account(cx: &mut Cx, ring: &Keyring, calendar: &Calendar) -> Result<Account> {
    let key = part(cx, ring, calendar.id.uuid(), Part::Key).await?;
    let base_url = match &calendar.base_url {
        Some(text) => base_url(text)?,
        None => None,
    };
    Ok(Account { base_url, key })
}

async fn part(cx: &mut Cx, ring: &Keyring, id: Uuid, part: Part) -> Result<Secret> {
    secret::open(cx, ring, &sealed(id, part)).await?.ok_or_else(|| {
        Error::invalid("calendar.sealed", "This calendar lacks a key. Remove it and connect it again.")
    })
}

/// Where the service tells, and with what it signs.
pub(crate) async fn telling(cx: &mut Cx, ring: &Keyring, origin: &str, id: Uuid) -> Result<(Url, Secret)> {
    let hook = part(cx, ring, id, Part::Hook).await?;
    let url = format!("{origin}/hooks/calendar/{id}/{}", hook.expose());
    let url = url.parse().map_err(|cause: url::ParseError| {
        Error::invalid("public_url", "The public URL in the settings is not a URL.").caused_by(cause)
    })?;
    Ok((url, part(cx, ring, id, Part::Signing).await?))
}

/// With what the service's words are checked.
pub(crate) async fn keys(cx: &mut Cx, ring: &Keyring, id: Uuid) -> Result<ports::delivery::Keys> {
    let path_token = part(cx, ring, id, Part::Hook).await?;
    let signing = part(cx, ring, id, Part::Signing).await?;
    Ok(ports::delivery::Keys { path_token, signing: ports::delivery::Signing::Secrets(vec![signing]) })
}
