//! Paid resources: what a tenant sells at an address of its own, to whoever pays for it. The price goes to
//! the tenant's own wallet; nothing of it passes through here. What a resource delivers is kept version by
//! version, and a sale delivers the version that its work read.

pub(crate) mod api;
pub(crate) mod pages;
mod store;

use crate::facilitator::{self, Coin};
use crate::principal::name;
use base::{Currency, Cursor, Error, Page, Result, TenantId, Time, error::constraint};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use x402::exact::SCHEME;
use x402::{Address, Network, Requirements, Uint};

base::id_type!(
    /// Something that is sold over x402.
    ResourceId
);

/// Whether a resource is sold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.resource_status", rename_all = "snake_case")]
pub enum Status {
    /// It is.
    Active,
    /// No more; what was sold stays sold.
    Retired,
}

/// What a resource is made of. None of them is a page: a browser must not run it as one of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    /// JSON.
    #[serde(rename = "application/json")]
    Json,
    /// Plain text.
    #[serde(rename = "text/plain")]
    Text,
    /// Markdown.
    #[serde(rename = "text/markdown")]
    Markdown,
    /// A table.
    #[serde(rename = "text/csv")]
    Csv,
}

impl ContentType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Json, Self::Text, Self::Markdown, Self::Csv];

    /// The word in rows and headers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Csv => "text/csv",
        }
    }
}

impl std::str::FromStr for ContentType {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
            Error::invalid(
                "resource.content_type",
                "A resource is application/json, text/plain, text/markdown or text/csv.",
            )
        })
    }
}

/// Something that is sold over x402.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Resource {
    /// Which.
    pub id: ResourceId,
    /// What it is called; once among the active ones.
    pub name: String,
    /// What it is, for buyers.
    pub description: String,
    /// What it is made of.
    pub content_type: ContentType,
    /// What it costs, in minor units.
    pub price_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// The network of the token that is taken.
    #[schemars(with = "String")]
    pub network: Network,
    /// The token's contract.
    #[schemars(with = "String")]
    pub asset: Address,
    /// The wallet that is paid.
    #[schemars(with = "String")]
    pub pay_to: Address,
    /// Whether a buyer must name each payment.
    pub identifier_required: bool,
    /// Whether it is sold.
    pub status: Status,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Resource {
    /// Where it is sold.
    pub fn path(&self) -> String {
        format!("/x402/r/{}", self.id)
    }
}

/// A resource to be, or what one becomes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// What it is, for buyers, at most 1,000 characters.
    #[serde(default)]
    pub description: String,
    /// What it is made of.
    pub content_type: ContentType,
    /// What it delivers, at most 256 KiB.
    pub body: String,
    /// What it costs, in minor units.
    pub price_minor: i64,
    /// In which currency; there must be a token that stands for it.
    pub currency: Currency,
    /// The wallet that is paid.
    pub pay_to: String,
    /// The network of the token; left out: the first token of the currency that is settled here.
    #[serde(default)]
    pub network: Option<String>,
    /// The token's contract; left out as the network.
    #[serde(default)]
    pub asset: Option<String>,
    /// Whether a buyer must name each payment (`payment-identifier`).
    #[serde(default)]
    pub identifier_required: bool,
}

/// The longest body, in bytes.
pub(crate) const BODY_MAX: usize = 256 * 1024;
const DESCRIPTION_MAX: usize = 1_000;
/// Seconds in which a buyer has to pay and is settled.
const TIMEOUT_S: u64 = 120;

/// What was checked of a [`New`].
struct Checked {
    name: String,
    description: String,
    pay_to: Address,
    coin: Coin,
}

impl New {
    fn check(&self, coins: &[Coin], simulated: bool) -> Result<Checked> {
        let description = self.description.trim().to_owned();
        if description.chars().count() > DESCRIPTION_MAX {
            return Err(Error::invalid(
                "resource.description",
                "A description has at most 1,000 characters.",
            ));
        }
        if self.body.is_empty() || self.body.len() > BODY_MAX || self.body.contains('\0') {
            return Err(Error::invalid(
                "resource.body",
                "What is delivered has 1 byte to 256 KiB of text without zero bytes.",
            ));
        }
        if self.content_type == ContentType::Json && serde_json::from_str::<Value>(&self.body).is_err() {
            return Err(Error::invalid(
                "resource.body",
                "The body is not JSON. Correct it, or choose another type.",
            ));
        }
        let fits = |coin: &&Coin| {
            coin.simulated == simulated
                && coin.currency == self.currency
                && self.network.as_deref().is_none_or(|network| coin.network.as_str() == network)
                && self.asset.as_deref().is_none_or(|asset| asset.parse() == Ok(coin.asset))
        };
        let coin = coins.iter().find(fits).ok_or_else(|| {
            Error::invalid(
                "resource.currency",
                format!("No token that is settled here stands for {} so.", self.currency.code()),
            )
        })?;
        let checked = Checked {
            name: name(&self.name)?,
            description,
            pay_to: facilitator::api::address(&self.pay_to)?,
            coin: coin.clone(),
        };
        if crate::intent::whole(self.price_minor).is_err() || units(self.price_minor, coin).is_none() {
            return Err(Error::invalid(
                "resource.price",
                "The price is a whole number of minor units above 0.",
            ));
        }
        Ok(checked)
    }
}

/// Atomic units of an amount; none when it is larger than a token can say.
fn units(minor: i64, coin: &Coin) -> Option<Uint> {
    let spare = coin.decimals.checked_sub(coin.currency.exponent())?;
    u128::try_from(minor).ok()?.checked_mul(10_u128.checked_pow(spare)?).map(Uint::from)
}

/// The one way to pay for a resource.
///
/// # Errors
/// Internal when its token is not known any more.
pub(crate) async fn requirements(cx: &mut Cx, resource: &Resource) -> Result<(Requirements, Coin)> {
    let gone = || Error::internal("A resource is sold for a token that is not known any more.");
    let coin = facilitator::coin(cx, &resource.network, resource.asset).await?.ok_or_else(gone)?;
    let mut extra = Map::new();
    extra.insert("name".to_owned(), Value::from(coin.name.clone()));
    extra.insert("version".to_owned(), Value::from(coin.version.clone()));
    let required = Requirements {
        scheme: SCHEME.to_owned(),
        network: resource.network.clone(),
        amount: units(resource.price_minor, &coin).ok_or_else(gone)?,
        asset: resource.asset.to_string(),
        pay_to: resource.pay_to.to_string(),
        max_timeout_seconds: TIMEOUT_S,
        extra: Some(extra),
        more: Map::new(),
    };
    Ok((required, coin))
}

fn taken(cause: sqlx::Error) -> Error {
    if constraint(&cause) == Some("resource_name") {
        return Error::conflict("resource.duplicate", "There is a paid resource with this name.")
            .caused_by(cause);
    }
    cause.into()
}

/// Puts something on sale. `simulated` says whether payments are settled in the sandbox.
///
/// # Errors
/// Invalid, naming the field; conflict when the name is taken.
pub async fn add(cx: &mut Cx, new: &New, simulated: bool) -> Result<Resource> {
    let coins = facilitator::coins(cx).await?;
    let checked = new.check(&coins, simulated)?;
    let resource = Resource {
        id: cx.id(),
        name: checked.name,
        description: checked.description,
        content_type: new.content_type,
        price_minor: new.price_minor,
        currency: new.currency,
        network: checked.coin.network,
        asset: checked.coin.asset,
        pay_to: checked.pay_to,
        identifier_required: new.identifier_required,
        status: Status::Active,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let body = store::add_body(cx, resource.id, &new.body).await?;
    store::insert(cx, &resource, body).await.map_err(taken)?;
    publish(cx, "pay.resource.created", &resource).await?;
    Ok(resource)
}

/// Changes a resource. Who has paid for what it was keeps that.
///
/// # Errors
/// Not found; conflict when it is retired or the name is taken; invalid, naming the field.
pub async fn change(cx: &mut Cx, id: ResourceId, new: &New, simulated: bool) -> Result<Resource> {
    let coins = facilitator::coins(cx).await?;
    let checked = new.check(&coins, simulated)?;
    let before = open(cx, id).await?;
    let resource = Resource {
        name: checked.name,
        description: checked.description,
        content_type: new.content_type,
        price_minor: new.price_minor,
        currency: new.currency,
        network: checked.coin.network,
        asset: checked.coin.asset,
        pay_to: checked.pay_to,
        identifier_required: new.identifier_required,
        updated_at: cx.now(),
        ..before
    };
    let body = store::add_body(cx, id, &new.body).await?;
    store::update(cx, &resource, Some(body)).await.map_err(taken)?;
    publish(cx, "pay.resource.changed", &resource).await?;
    Ok(resource)
}

/// Takes a resource off sale. Payments that were claimed before come to their end.
///
/// # Errors
/// Not found; conflict when it is retired already.
pub async fn retire(cx: &mut Cx, id: ResourceId) -> Result<Resource> {
    let resource = open(cx, id).await?;
    let resource = Resource { status: Status::Retired, updated_at: cx.now(), ..resource };
    store::update(cx, &resource, None).await.map_err(taken)?;
    publish(cx, "pay.resource.retired", &resource).await?;
    Ok(resource)
}

async fn open(cx: &mut Cx, id: ResourceId) -> Result<Resource> {
    let resource = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("paid resource"))?;
    match resource.status {
        Status::Active => Ok(resource),
        Status::Retired => {
            Err(Error::conflict("resource.retired", "This resource is not sold any more. Add it again."))
        }
    }
}

async fn publish(cx: &mut Cx, kind: &'static str, resource: &Resource) -> Result<()> {
    let detail = serde_json::json!({
        "name": resource.name, "price_minor": resource.price_minor, "currency": resource.currency,
    });
    cx.publish(Fact::about(kind, resource.id.uuid()).with(detail)).await
}

/// The resource.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: ResourceId) -> Result<Resource> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("paid resource"))
}

/// What it delivers now, and of which type.
///
/// # Errors
/// Not found.
pub async fn body(cx: &mut Cx, id: ResourceId) -> Result<(ContentType, String)> {
    store::body(cx, id).await?.ok_or_else(|| Error::not_found("paid resource"))
}

/// Resources, the latest first.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Resource>> {
    store::list(cx, status, after, limit).await
}

/// Whose resource this is, for a stranger who has its address; none when it is not sold.
pub(crate) async fn seller(cx: &mut Cx, id: ResourceId) -> Result<Option<TenantId>> {
    store::seller(cx, id).await
}
