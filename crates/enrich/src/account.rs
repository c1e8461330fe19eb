//! A tenant's accounts at the services. Keys are sealed among the tenant's secrets and never shown again; the token in
//! the address of the callback is the only proof that services without signatures have.

use crate::desk::Desk;
use base::{Digest, Error, Result, Secret, Time};
use control::secret;
use db::{Cx, Fact};
use ports::provider::{self, ProviderKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use url::Url;

/// What a person hands over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// The key; empty keeps the one that is there.
    pub key: String,
    /// Another address than the service's own.
    pub base_url: String,
    /// Apify: the actor.
    pub actor: String,
    /// Kaspr: the key goes bare.
    pub bare_key: String,
}

/// An account as pages show it.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Which service.
    pub provider: ProviderKind,
    /// Another address than the service's own.
    pub base_url: Option<String>,
    /// Apify: the actor.
    pub actor: Option<String>,
    /// Kaspr: the key goes bare.
    pub bare_key: bool,
    /// Rows given to the service so far.
    pub submitted: i64,
    /// Last change.
    pub updated_at: Time,
}

/// Rows that one webhook of Clay takes for life; from four fifths on the page warns.
pub const CLAY_ROWS: i64 = 50_000;

/// The key and the token, as they are sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    key: String,
    token: String,
}

fn name(provider: ProviderKind) -> String {
    format!("enrich.{}", provider.word())
}

/// Services that need no account.
pub fn is_free(provider: ProviderKind) -> bool {
    match provider {
        ProviderKind::Website => true,
        ProviderKind::Abn
        | ProviderKind::Apify
        | ProviderKind::Apollo
        | ProviderKind::Clay
        | ProviderKind::Hunter
        | ProviderKind::Kaspr
        | ProviderKind::Places => false,
    }
}

/// The accounts of this tenant.
pub async fn all(cx: &mut Cx) -> Result<Vec<Shown>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select provider, base_url, actor, bare_key, submitted, updated_at as "updated_at: Time"
           from enrich.account where tenant_id = $1 and removed_at is null order by provider"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Shown {
                provider: row.provider.parse()?,
                base_url: row.base_url,
                actor: row.actor,
                bare_key: row.bare_key,
                submitted: row.submitted,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

/// At which services this tenant has accounts, those included that need none.
pub async fn kinds(cx: &mut Cx) -> Result<BTreeSet<ProviderKind>> {
    let mut kinds: BTreeSet<ProviderKind> = all(cx).await?.into_iter().map(|one| one.provider).collect();
    kinds.extend(ProviderKind::ALL.iter().copied().filter(|kind| is_free(*kind)));
    Ok(kinds)
}

/// Keeps an account.
///
/// # Errors
/// `account.key`, `account.address`, `account.actor`.
pub async fn set(cx: &mut Cx, desk: &Desk, provider: ProviderKind, typed: &Typed) -> Result<()> {
    let before = open_sealed(cx, desk, provider).await?;
    let key = match (typed.key.trim(), &before) {
        ("", Some(before)) => before.key.clone(),
        ("", None) if provider == ProviderKind::Clay => String::new(),
        ("", None) => {
            return Err(Error::invalid("account.key", format!("Give the key of {}.", provider.label())));
        }
        (key, _) => key.to_owned(),
    };
    let base_url = match typed.base_url.trim() {
        "" if provider == ProviderKind::Clay => {
            return Err(Error::invalid("account.address", "Give the address of the Clay table's webhook."));
        }
        "" => None,
        text => Some(text.parse::<Url>().map_err(|cause| {
            Error::invalid("account.address", format!("“{text}” is not an address.")).caused_by(cause)
        })?),
    };
    let actor = match typed.actor.trim() {
        "" if provider == ProviderKind::Apify => {
            return Err(Error::invalid("account.actor", "Name the actor that runs, as user~actor."));
        }
        "" => None,
        text => Some(text.replace('/', "~")),
    };
    let bare_key = matches!(typed.bare_key.as_str(), "1" | "true" | "on" | "yes");
    let token = before.map_or_else(|| hex::encode(cx.random().bytes::<32>()), |before| before.token);
    let sealed = serde_json::to_string(&Sealed { key, token: token.clone() })?;
    secret::put(cx, &desk.ring, &name(provider), &Secret::new(sealed)).await?;
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let hash = Digest::of(token.as_bytes());
    sqlx::query!(
        "insert into enrich.account (tenant_id, provider, base_url, actor, bare_key, token_hash, updated_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, provider) do update set base_url = excluded.base_url, actor = excluded.actor, bare_key = excluded.bare_key,
           token_hash = excluded.token_hash, updated_at = excluded.updated_at, removed_at = null",
        tenant,
        provider.word(),
        base_url.as_ref().map(Url::as_str),
        actor,
        bare_key,
        hash.0.as_slice(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let payload = json!({"provider": provider.word()});
    cx.publish(Fact { kind: "enrich.account.set", subject: None, payload }).await
}

/// Takes an account out of use: nothing is asked there any more.
///
/// # Errors
/// Not found.
pub async fn remove(cx: &mut Cx, desk: &Desk, provider: ProviderKind) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update enrich.account set removed_at = $3 where tenant_id = $1 and provider = $2 and removed_at is null",
        tenant,
        provider.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::not_found("account"));
    }
    // The key goes; an empty one in its place keeps nothing.
    let empty =
        serde_json::to_string(&Sealed { key: String::new(), token: hex::encode(cx.random().bytes::<32>()) })?;
    secret::put(cx, &desk.ring, &name(provider), &Secret::new(empty)).await?;
    let payload = json!({"provider": provider.word()});
    cx.publish(Fact { kind: "enrich.account.removed", subject: None, payload }).await
}

async fn open_sealed(cx: &mut Cx, desk: &Desk, provider: ProviderKind) -> Result<Option<Sealed>> {
    let Some(secret) = secret::open(cx, &desk.ring, &name(provider)).await? else { return Ok(None) };
    let sealed: Sealed = serde_json::from_str(secret.expose()).map_err(|_| {
        // Without its cause, which would hold a part of the key.
        Error::refused(
            "account.damaged",
            format!("The account at {} cannot be read. Enter it again.", provider.label()),
        )
    })?;
    Ok(Some(sealed))
}

/// The address that a service posts to.
///
/// # Errors
/// As opening the account.
pub async fn callback(cx: &mut Cx, desk: &Desk, provider: ProviderKind) -> Result<Option<String>> {
    let sealed = open_sealed(cx, desk, provider).await?;
    Ok(sealed.map(|sealed| address(desk, provider, &sealed.token)))
}

fn address(desk: &Desk, provider: ProviderKind, token: &str) -> String {
    format!("{}/webhooks/data/{}/{token}", desk.origin.trim_end_matches('/'), provider.word())
}

/// The account as the port wants it; none when there is none.
///
/// # Errors
/// As opening the account.
pub async fn open(cx: &mut Cx, desk: &Desk, provider: ProviderKind) -> Result<Option<provider::Account>> {
    if is_free(provider) {
        return Ok(Some(provider::Account::default()));
    }
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select base_url, actor, bare_key from enrich.account where tenant_id = $1 and provider = $2 and removed_at is null",
        tenant,
        provider.word(),
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(sealed) = open_sealed(cx, desk, provider).await? else { return Ok(None) };
    Ok(Some(provider::Account {
        base_url: row.base_url.and_then(|url| url.parse().ok()),
        callback: address(desk, provider, &sealed.token).parse().ok(),
        key: Secret::new(sealed.key),
        actor: row.actor,
        bare_key: row.bare_key,
    }))
}

/// Whose token this is; for a request from outside, across tenants.
pub async fn of_token(cx: &mut Cx, provider: ProviderKind, token: &str) -> Result<Option<base::TenantId>> {
    let hash = Digest::of(token.as_bytes());
    let tenant = sqlx::query_scalar!(
        "select tenant_id from enrich.account where provider = $1 and token_hash = $2 and removed_at is null",
        provider.word(),
        hash.0.as_slice(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(tenant.map(base::TenantId))
}

/// Counts a row that was given to the service.
pub async fn count_submitted(cx: &mut Cx, provider: ProviderKind) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update enrich.account set submitted = submitted + 1 where tenant_id = $1 and provider = $2",
        tenant,
        provider.word(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
