//! What control asks of the domains above it, which it does not know: the binary hands these over.

use base::Result;
use db::Cx;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The names of campaigns of this transaction's tenant, by id; those that are not found are left out.
pub type CampaignNames = for<'a> fn(&'a mut Cx, Vec<Uuid>) -> BoxFuture<'a, Result<BTreeMap<Uuid, String>>>;

/// A country as somebody typed it, by name or ISO code: its ISO 3166-1 code and its English name.
pub type Countries = fn(&str) -> Option<(String, &'static str)>;

/// For an installation without campaigns: no id has a name.
pub fn no_campaigns(_cx: &mut Cx, _ids: Vec<Uuid>) -> BoxFuture<'_, Result<BTreeMap<Uuid, String>>> {
    Box::pin(async { Ok(BTreeMap::new()) })
}
