//! What the touches of one batch have in common, read once.

use crate::{
    channel::Channel,
    limits::Limits,
    resource::{self, Resource},
    window::LocalWindow,
};
use base::{Error, Result, TenantId, Zone};
use billing::Standing;
use control::switch::{self, Targets};
use db::Cx;
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};
use uuid::Uuid;

/// A country and, where it is known, a region of it.
type Place = (String, Option<String>);

/// Everything that is read once for a batch.
pub(super) struct Shared {
    gate: switch::gate::Gate,
    /// How the client stands with what it pays for.
    pub standing: Standing,
    /// Their senders.
    pub senders: HashMap<Uuid, Arc<Resource>>,
    limits: HashMap<Place, Arc<Limits>>,
    zones: HashMap<String, Zone>,
    windows: HashMap<(Place, Channel, String), Arc<LocalWindow>>,
}

impl Shared {
    /// Shuts the switches' gate behind this transaction and reads the rest.
    pub async fn read(cx: &mut Cx, senders: impl Iterator<Item = Uuid>) -> Result<Self> {
        let tenant = cx.tenant()?;
        let gate = match switch::gate::hold_all(cx, &[tenant]).await {
            Ok(gate) => gate,
            Err(stop) => return Err(stop.into()),
        };
        let senders: Vec<Uuid> = senders.collect::<BTreeSet<_>>().into_iter().collect();
        let senders = resource::find_all(cx, &senders).await?;
        Ok(Self {
            gate,
            standing: billing::standing(cx).await?,
            senders: senders.into_iter().map(|(id, sender)| (id, Arc::new(sender))).collect(),
            limits: HashMap::new(),
            zones: HashMap::new(),
            windows: HashMap::new(),
        })
    }

    /// The switch that holds an effect, in words.
    pub fn stopped_by(&self, tenant: TenantId, targets: &Targets<'_>) -> Result<Option<String>> {
        match self.gate.pass(tenant, targets) {
            Ok(()) => Ok(None),
            Err(switch::Stop::Engaged(by)) => {
                Ok(Some(format!("{} is stopped: {}", by.target.says(), by.reason)))
            }
            Err(switch::Stop::Unreadable(error)) => Err(error),
        }
    }

    /// Reads the figures that hold in a place, once.
    pub async fn read_limits(&mut self, cx: &mut Cx, country: &str, region: Option<&str>) -> Result<()> {
        let place = (country.to_owned(), region.map(str::to_owned));
        if let Entry::Vacant(unknown) = self.limits.entry(place) {
            unknown.insert(Arc::new(Limits::load(cx, country, region).await?));
        }
        Ok(())
    }

    /// The figures of a place that were read before.
    pub fn limits(&self, country: &str, region: Option<&str>) -> Result<Arc<Limits>> {
        let place = (country.to_owned(), region.map(str::to_owned));
        self.limits
            .get(&place)
            .cloned()
            .ok_or_else(|| Error::internal("The figures of a place were not read."))
    }

    /// A zone by its name.
    pub fn zone(&mut self, name: &str) -> Result<Zone> {
        if let Some(zone) = self.zones.get(name) {
            return Ok(zone.clone());
        }
        let zone = Zone::named(name)?;
        self.zones.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }

    /// When a channel is open in a place.
    pub fn window(
        &mut self,
        country: &str,
        region: Option<&str>,
        channel: Channel,
        zone: Zone,
    ) -> Result<Arc<LocalWindow>> {
        let place = (country.to_owned(), region.map(str::to_owned));
        let key = (place, channel, zone.to_string());
        if let Some(window) = self.windows.get(&key) {
            return Ok(window.clone());
        }
        let window = Arc::new(self.limits(country, region)?.window(channel, zone)?);
        self.windows.insert(key, window.clone());
        Ok(window)
    }
}
