//! The secrets of endpoints, sealed among the tenant's: the present one, and for a while the one before.

use super::{EndpointId, rules, store};
use base::{Error, Result, Secret};
use control::secret::{Keyring, open, put};
use db::{Cx, Scope};
use jobs::Run;

fn current(id: EndpointId) -> String {
    format!("webhook/{id}")
}

fn previous(id: EndpointId) -> String {
    format!("webhook/{id}/previous")
}

pub(super) async fn first(cx: &mut Cx, ring: &Keyring, id: EndpointId, text: &Secret) -> Result<()> {
    put(cx, ring, &current(id), text).await
}

pub(super) async fn rotate(cx: &mut Cx, ring: &Keyring, id: EndpointId, text: &Secret) -> Result<()> {
    let old = open(cx, ring, &current(id)).await?.ok_or_else(|| Error::not_found("secret"))?;
    put(cx, ring, &previous(id), &old).await?;
    put(cx, ring, &current(id), text).await?;
    let until = cx.now().plus_s(rules::OVERLAP_H * 3_600);
    store::set_previous(cx, id, Some(until)).await
}

/// Nothing of a removed endpoint's secrets can be opened again.
pub(super) async fn forget(cx: &mut Cx, ring: &Keyring, id: EndpointId) -> Result<()> {
    for name in [current(id), previous(id)] {
        if open(cx, ring, &name).await?.is_some() {
            put(cx, ring, &name, &Secret::default()).await?;
        }
    }
    Ok(())
}

/// The secrets that sign now, the present one first.
pub(crate) async fn signing(cx: &mut Cx, ring: &Keyring, id: EndpointId, both: bool) -> Result<Vec<Secret>> {
    let mut secrets = Vec::new();
    for name in [current(id), previous(id)].iter().take(1 + usize::from(both)) {
        secrets.extend(open(cx, ring, name).await?.filter(|secret| !secret.is_empty()));
    }
    if secrets.is_empty() {
        return Err(Error::not_found("secret"));
    }
    Ok(secrets)
}

/// Overwrites secrets whose overlap is over.
pub(crate) async fn tidy(run: &Run, ring: &Keyring) -> Result<()> {
    let mut all = run.db().system("hooks.tidy").await?;
    let over = store::overlaps_over(&mut all).await?;
    all.rollback().await?;
    for (tenant, id) in over {
        let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
        put(&mut cx, ring, &previous(id), &Secret::default()).await?;
        store::set_previous(&mut cx, id, None).await?;
        cx.commit().await?;
    }
    Ok(())
}
