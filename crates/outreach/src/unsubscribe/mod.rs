//! The way out: the page behind the unsubscribe link of each mail, and the one-click POST of mail
//! programs (RFC 8058). Looking at the page changes nothing, because scanners open every link; a POST
//! needs no cookie, no sign-in, and is not redirected.

mod pages;

pub use pages::{out, show};

use crate::reply::effects;
use base::{Actor, EmailAddress, Result, TenantId};
use db::Cx;
use uuid::Uuid;

/// What a token stands for.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The client in whose name was written.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// The lead.
    pub lead: Uuid,
    /// The address that was written to.
    pub address: EmailAddress,
}

/// Tokens are 40 hexadecimal digits; anything else is not looked up.
fn is_token(text: &str) -> bool {
    (32..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Finds what a token stands for. `cx` sees all tenants: a stranger has none.
pub async fn find(cx: &mut Cx, token: &str) -> Result<Option<Offer>> {
    if !is_token(token) {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"select t.tenant_id, n.name, t.lead_id, coalesce(t.recipient, l.email) as address
           from outreach.touch t join accounts.tenant n on n.id = t.tenant_id join leads.lead l on l.id = t.lead_id
           where t.unsubscribe_token = $1"#,
        token,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let address = row.address.as_deref().and_then(|text| EmailAddress::parse(text).ok());
    Ok(address.map(|address| Offer {
        tenant: TenantId(row.tenant_id),
        tenant_name: row.name,
        lead: row.lead_id,
        address,
    }))
}

/// Who acts.
pub fn actor() -> Actor {
    Actor::Prospect
}

/// Opts the person out, once: a second time changes nothing. Returns whether something changed.
pub async fn opt_out(cx: &mut Cx, offer: &Offer, source: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    // Two clicks at once wait for each other here.
    sqlx::query!(
        "select id from leads.lead where tenant_id = $1 and id = $2 for no key update",
        tenant,
        offer.lead
    )
    .fetch_optional(cx.conn())
    .await?;
    let known = sqlx::query_scalar!(
        r#"select exists (select from leads.suppression where tenant_id is null and kind = 'email' and value = lower($2)
                            and reason = 'unsubscribed' and released_at is null)
              and exists (select from outreach.activity where tenant_id = $1 and lead_id = $3 and action = 'opted_out') as "known!""#,
        tenant,
        offer.address.as_str(),
        offer.lead,
    )
    .fetch_one(cx.conn())
    .await?;
    if known {
        return Ok(false);
    }
    effects::opt_out(cx, offer.lead, &offer.address, source, "used the unsubscribe link").await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
