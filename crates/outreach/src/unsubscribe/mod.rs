//! The way out: the page behind the unsubscribe link of each mail, and the one-click POST of mail
//! programs (RFC 8058). Looking at the page changes nothing, because scanners open every link; a POST
//! needs no cookie, no sign-in, and is not redirected.

mod pages;

pub use pages::{out, show};

use crate::{
    activity::{self, Action, Entry},
    enrolment,
};
use base::{Actor, EmailAddress, Result, TenantId};
use db::{Cx, Fact};
use leads::{
    lead::{self, Status},
    suppression::{self, Reason, Scope},
};
use serde_json::json;
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
    /// The address that was written to: mailbox, number, profile or postal address.
    pub address: String,
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
    Ok(row.address.map(|address| Offer {
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
    // An entry is in plain, or a hash once somebody was erased.
    let known = sqlx::query_scalar!(
        r#"select l.status = 'unsubscribed'
                  and exists (select from outreach.activity where tenant_id = $1 and lead_id = $2 and action = 'opted_out')
                  and (l.email is null or exists (select from leads.suppression s where s.tenant_id is null and s.kind = 'email' and s.value in (l.email, leads.tomb('email', l.email))
                                                    and s.reason = 'unsubscribed' and s.released_at is null))
                  and (l.phone is null or exists (select from leads.suppression s where s.tenant_id is null and s.kind = 'phone' and s.value in (l.phone, leads.tomb('phone', l.phone))
                                                    and s.reason = 'unsubscribed' and s.released_at is null)) as "known!"
           from leads.lead l where l.tenant_id = $1 and l.id = $2"#,
        tenant,
        offer.lead,
    )
    .fetch_one(cx.conn())
    .await?;
    if known {
        return Ok(false);
    }
    everywhere(cx, offer.lead, &offer.address, source, "used the unsubscribe link").await?;
    Ok(true)
}

/// A person asked us to stop, over whichever channel: no client writes to any address of theirs that is
/// known, on any channel, from the instant at which this transaction is committed.
pub async fn everywhere(cx: &mut Cx, id: Uuid, address: &str, source: &str, words: &str) -> Result<()> {
    // The lead's row is changed first: a hand-off that is being decided holds it, so that after this
    // transaction none can begin.
    lead::advance(cx, id.into(), Status::Unsubscribed, "opted out").await?;
    let own = lead::contact(cx, id.into()).await?;
    let mut mailboxes: Vec<EmailAddress> = own.email.into_iter().collect();
    let mut numbers: Vec<String> = own.phone.into_iter().collect();
    if let Ok(mailbox) = EmailAddress::parse(address) {
        mailboxes.push(mailbox);
    } else if address.starts_with('+') {
        numbers.push(address.to_owned());
    }
    mailboxes.dedup();
    numbers.dedup();
    for mailbox in &mailboxes {
        let entry = suppression::New::email(Scope::Platform, mailbox, Reason::Unsubscribed, source, words);
        suppression::add(cx, &entry).await?;
    }
    for number in &numbers {
        stop_number(cx, number, source, words).await?;
    }
    enrolment::stop_for_lead(cx, id, "They opted out.").await?;
    let entry = Entry { detail: json!({"source": source}), ..Entry::of(Action::OptedOut, id, words) };
    activity::record(cx, entry).await?;
    cx.publish(Fact::about("outreach.lead.opted_out", id).with(json!({"source": source}))).await
}

/// Nobody calls or texts a number any more.
pub async fn stop_number(cx: &mut Cx, number: &str, source: &str, words: &str) -> Result<()> {
    let entry = suppression::New::phone(Scope::Platform, number, Reason::Unsubscribed, source, words);
    suppression::add(cx, &entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
