//! What an answer offers: the client's calendar at a booking service when one is connected, else the booking
//! page here; with times that are free now.

use crate::{calendar, meeting};
use async_trait::async_trait;
use base::{Error, Result, Time, Zone};
use control::secret::Keyring;
use db::Cx;
use jobs::Run;
use outreach::offer::{Offer, Offers};
use ports::{
    Ports,
    calendar::{Account, Guest, Service},
};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// How a person reads a day and a time.
pub(crate) const DATE: &str = "%A %-d %B, %H:%M";
/// Days ahead in which free times are looked for.
const DAYS: i64 = 7;

/// Booking pages and calendars.
pub struct Pages {
    /// Asks booking services.
    pub ports: Arc<Ports>,
    /// Opens their keys.
    pub keyring: Arc<Keyring>,
    /// The installation's public address, without a final slash.
    pub origin: String,
}

/// Where times come from.
enum Source {
    /// The booking page here: its address, and what is free.
    Here { url: String, free: Vec<Time> },
    /// A calendar at a service.
    There { service: Service, account: Account, event_type: String, link: Url },
}

#[async_trait]
impl Offers for Pages {
    async fn link(&self, cx: &mut Cx, lead: Option<Uuid>) -> Result<Option<String>> {
        let guest = guest(cx, lead).await?;
        Ok(match self.source(cx, lead).await? {
            None => None,
            Some(Source::Here { url, .. }) => Some(url),
            Some(Source::There { service, link, .. }) => {
                Some(self.ports.calendars.get(service)?.link(&link, &guest).to_string())
            }
        })
    }

    async fn of(&self, run: &Run, lead: Option<Uuid>) -> Result<Option<Offer>> {
        let mut cx = run.begin().await?;
        let now = cx.now();
        let guest = guest(&mut cx, lead).await?;
        let source = self.source(&mut cx, lead).await?;
        // The transaction only read; it ends before a service is asked.
        cx.rollback().await?;
        let zone = guest.zone.clone();
        Ok(match source {
            None => None,
            Some(Source::Here { url, free }) => {
                Some(Offer { url, times: meeting::pick(&free, &zone, now), zone })
            }
            Some(Source::There { service, account, event_type, link }) => {
                let port = self.ports.calendars.get(service)?;
                let free = port.free(&account, &event_type, now.plus_s(3_600), now.plus_days(DAYS)).await;
                let times = free.unwrap_or_else(|failure| {
                    tracing::warn!(service = service.word(), %failure, "a calendar does not say what is free");
                    Vec::new()
                });
                let link = port.single_use(&account, &event_type, &link).await.unwrap_or_else(|failure| {
                    tracing::warn!(service = service.word(), %failure, "a calendar gives no link of its own for one guest");
                    link
                });
                let url = port.link(&link, &guest).to_string();
                Some(Offer { url, times: meeting::pick(&times, &zone, now), zone })
            }
        })
    }
}

impl Pages {
    async fn source(&self, cx: &mut Cx, lead: Option<Uuid>) -> Result<Option<Source>> {
        if let Some(calendar) = calendar::offered(cx).await?
            && let (Some(event_type), Some(link)) = (calendar.event_type.clone(), calendar.link.clone())
        {
            let account = calendar::account(cx, &self.keyring, &calendar).await?;
            let link = link.parse().map_err(|cause: url::ParseError| {
                Error::internal("A calendar's link is no address.").caused_by(cause)
            })?;
            return Ok(Some(Source::There { service: calendar.service()?, account, event_type, link }));
        }
        let Some(page) = meeting::page(cx).await?.filter(|page| page.active) else { return Ok(None) };
        let taken = meeting::taken_slots(cx).await?;
        let free = meeting::slots(&page, &taken, cx.now()).iter().map(|slot| slot.starts_at).collect();
        let lead = lead.map(|lead| format!("?l={lead}")).unwrap_or_default();
        Ok(Some(Source::Here { url: format!("{}/book/{}{lead}", self.origin, page.slug), free }))
    }
}

/// What is known of whoever is offered a time; the zone is the client's where theirs is not known.
async fn guest(cx: &mut Cx, lead: Option<Uuid>) -> Result<Guest> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select n.zone as "client_zone!", l.id as "lead?", l.email as "email?", l.zone as "zone?",
                  concat_ws(' ', l.first_name, l.last_name) as "name!"
           from accounts.tenant n left join leads.lead l on l.tenant_id = $1 and l.id = $2 and l.deleted_at is null
           where n.id = $1"#,
        tenant,
        lead,
    )
    .fetch_one(cx.conn())
    .await?;
    let own = row.zone.as_deref().and_then(|name| Zone::named(name).ok());
    Ok(Guest {
        name: row.name,
        email: row.email.unwrap_or_default(),
        zone: match own {
            Some(zone) => zone,
            None => Zone::named(&row.client_zone)?,
        },
        lead: row.lead,
    })
}
