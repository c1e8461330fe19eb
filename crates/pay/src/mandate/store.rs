//! The SQL of mandates. An active one whose time is over reads as expired.

use super::{Caps, Filter, Mandate, MandateId, Mode, Status, Template, Used};
use crate::intent::IntentId;
use crate::policy::PolicyId;
use crate::policy::words::Velocity;
use crate::principal::PrincipalId;
use crate::vendor::VendorId;
use base::{Cursor, Digest, Error, Page, Result, TenantId, Time, Zone};
use db::Cx;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The word of a frequency in a row.
pub(super) fn frequency_word(caps: &Caps) -> Result<Option<String>> {
    match caps.frequency {
        None => Ok(None),
        Some(frequency) => Ok(serde_json::to_value(frequency)?.as_str().map(str::to_owned)),
    }
}

pub(super) async fn insert(cx: &mut Cx, m: &Mandate) -> Result<(), sqlx::Error> {
    let tenant = cx.tenant().map_err(|cause| sqlx::Error::Configuration(cause.into()))?;
    let frequency = frequency_word(&m.caps).map_err(|cause| sqlx::Error::Encode(cause.into()))?;
    let signature =
        m.signature.as_deref().map(super::unb64).transpose().map_err(|c| sqlx::Error::Encode(c.into()))?;
    let (count, window) = velocity_columns(&m.caps);
    sqlx::query!(
        "insert into pay.mandate (id, tenant_id, intent_id, principal_id, vendor_id, parent_id, template, mode, sku, currency,
                                  per_transaction_minor, per_day_minor, total_minor, executions_max, velocity_count, velocity_window_s,
                                  frequency, zone, approvers, policy_id, policy_hash, token, checkout_token, nonces, hash, signature,
                                  signed_by_wallet, kid, status, expires_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
                 $27, $28, 'active', $29, $30, $31, $31)",
        m.id.uuid(),
        tenant.uuid(),
        m.intent_id.uuid(),
        m.principal_id.uuid(),
        m.vendor_id.uuid(),
        m.parent_id.map(MandateId::uuid),
        m.template as Template,
        m.mode as Mode,
        m.sku,
        m.currency.code(),
        m.caps.per_transaction_minor,
        m.caps.per_day_minor,
        m.caps.total_minor,
        m.caps.executions_max,
        count,
        window,
        frequency,
        m.zone.name(),
        &m.approvers,
        m.policy_id.uuid(),
        &m.policy_hash.0[..],
        m.token.as_bytes(),
        m.checkout_token.as_deref().map(str::as_bytes),
        &m.nonces,
        &m.hash.0[..],
        signature,
        m.signed_by_wallet,
        m.kid,
        m.expires_at as Time,
        m.created_by,
        m.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

fn velocity_columns(caps: &Caps) -> (Option<i32>, Option<i32>) {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    (caps.velocity.map(|v| int(v.count_max)), caps.velocity.map(|v| int(v.window_s)))
}

/// A stored mandate.
pub(super) struct Row {
    id: Uuid,
    intent_id: Uuid,
    principal_id: Uuid,
    vendor_id: Uuid,
    parent_id: Option<Uuid>,
    template: Template,
    mode: Mode,
    sku: String,
    currency: String,
    per_transaction_minor: i64,
    per_day_minor: i64,
    total_minor: i64,
    executions_max: i32,
    velocity_count: Option<i32>,
    velocity_window_s: Option<i32>,
    frequency: Option<String>,
    zone: String,
    reserved_minor: i64,
    spent_minor: i64,
    delegated_minor: i64,
    executions: i32,
    approvers: Vec<String>,
    policy_id: Uuid,
    policy_hash: Vec<u8>,
    token: Vec<u8>,
    checkout_token: Option<Vec<u8>>,
    nonces: Vec<String>,
    hash: Vec<u8>,
    signature: Option<Vec<u8>>,
    signed_by_wallet: bool,
    kid: String,
    status: Status,
    reason: Option<String>,
    expires_at: Time,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

fn digest(bytes: &[u8]) -> Result<Digest> {
    Digest::from_slice(bytes).ok_or_else(|| Error::internal("A hash of a mandate does not have 32 bytes."))
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|cause| Error::internal("A token is not text.").caused_by(cause))
}

impl Row {
    pub(super) fn mandate(self) -> Result<Mandate> {
        let velocity = match (self.velocity_count, self.velocity_window_s) {
            (Some(count), Some(window)) => Some(Velocity {
                count_max: u32::try_from(count).unwrap_or(0),
                window_s: u32::try_from(window).unwrap_or(u32::MAX),
            }),
            (_, _) => None,
        };
        let frequency = self.frequency.map(|word| serde_json::from_value(word.into())).transpose()?;
        Ok(Mandate {
            id: MandateId(self.id),
            intent_id: IntentId(self.intent_id),
            principal_id: PrincipalId(self.principal_id),
            vendor_id: VendorId(self.vendor_id),
            parent_id: self.parent_id.map(MandateId),
            template: self.template,
            mode: self.mode,
            sku: self.sku,
            currency: self.currency.parse()?,
            caps: Caps {
                per_transaction_minor: self.per_transaction_minor,
                per_day_minor: self.per_day_minor,
                total_minor: self.total_minor,
                executions_max: self.executions_max,
                velocity,
                frequency,
            },
            used: Used {
                reserved_minor: self.reserved_minor,
                spent_minor: self.spent_minor,
                delegated_minor: self.delegated_minor,
                executions: self.executions,
            },
            zone: Zone::named(&self.zone)?,
            approvers: self.approvers,
            policy_id: PolicyId(self.policy_id),
            policy_hash: digest(&self.policy_hash)?,
            token: text(self.token)?,
            checkout_token: self.checkout_token.map(text).transpose()?,
            nonces: self.nonces,
            hash: digest(&self.hash)?,
            signature: self.signature.map(|bytes| super::b64(&bytes)),
            signed_by_wallet: self.signed_by_wallet,
            kid: self.kid,
            status: self.status,
            reason: self.reason,
            expires_at: self.expires_at,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn get(cx: &mut Cx, id: MandateId, lock: bool) -> Result<Option<Mandate>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    if lock {
        sqlx::query!(
            "select from pay.mandate where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    sqlx::query_as!(
        Row,
        r#"select id, intent_id, principal_id, vendor_id, parent_id, template as "template: Template", mode as "mode: Mode", sku, currency,
                  per_transaction_minor, per_day_minor, total_minor, executions_max, velocity_count, velocity_window_s, frequency, zone,
                  reserved_minor, spent_minor, delegated_minor, executions, approvers, policy_id, policy_hash, token, checkout_token,
                  nonces, hash, signature, signed_by_wallet, kid,
                  case when status = 'active' and expires_at <= $3 then 'expired' else status end as "status!: Status",
                  reason, expires_at, created_by, created_at, updated_at
           from pay.mandate where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::mandate)
    .transpose()
}

/// A mandate with the day from which on it may be used again.
#[derive(Clone, Debug)]
pub(crate) struct Opens {
    pub(crate) mandate: Mandate,
    /// `2026-12-01`; none: at once.
    pub(super) opens_on: Option<String>,
}

/// Mandates by tenant and id, with the days from which on they may be used.
pub(super) type Found = HashMap<(TenantId, MandateId), Opens>;

/// Mandates that were read in this transaction before they were locked.
pub(crate) type Read = HashMap<(TenantId, MandateId), Mandate>;

/// Locks mandates for this transaction alone, in the order of their ids, so that two who take the same ones wait for
/// each other. Those that the caller has read before are not read again: only what moves of them is.
pub(super) async fn lock(cx: &mut Cx, ids: &[(TenantId, MandateId)], mut read: Read) -> Result<Found> {
    let now = cx.now();
    let tenants: Vec<Uuid> = ids.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|(_, id)| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select tenant_id, id, reserved_minor, spent_minor, delegated_minor, executions, reason, updated_at, opens_on::text as opens_on,
                  case when status = 'active' and expires_at <= $3 then 'expired' else status end as "status!: Status"
           from pay.mandate where id = any ($2) and tenant_id = any ($1) order by id for no key update"#,
        &tenants,
        &uuids,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = (TenantId(row.tenant_id), MandateId(row.id));
        let Some(mandate) = read.remove(&key) else { continue };
        let used = Used {
            reserved_minor: row.reserved_minor,
            spent_minor: row.spent_minor,
            delegated_minor: row.delegated_minor,
            executions: row.executions,
        };
        let (status, reason, updated_at) = (row.status, row.reason, row.updated_at);
        let mandate = Mandate { used, status, reason, updated_at, ..mandate };
        found.insert(key, Opens { mandate, opens_on: row.opens_on });
    }
    let unread: Vec<_> = ids.iter().copied().filter(|key| !found.contains_key(key)).collect();
    if !unread.is_empty() {
        found.extend(many(cx, &unread).await?);
    }
    Ok(found)
}

/// Mandates of several tenants.
pub(super) async fn many(cx: &mut Cx, ids: &[(TenantId, MandateId)]) -> Result<Found> {
    let now = cx.now();
    let tenants: Vec<Uuid> = ids.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|(_, id)| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select tenant_id, id, intent_id, principal_id, vendor_id, parent_id, template as "template: Template", mode as "mode: Mode", sku, currency,
                  per_transaction_minor, per_day_minor, total_minor, executions_max, velocity_count, velocity_window_s, frequency, zone,
                  reserved_minor, spent_minor, delegated_minor, executions, approvers, policy_id, policy_hash, token, checkout_token,
                  nonces, hash, signature, signed_by_wallet, kid,
                  case when status = 'active' and expires_at <= $3 then 'expired' else status end as "status!: Status",
                  reason, expires_at, created_by, created_at, updated_at, opens_on::text as opens_on
           from pay.mandate where id = any ($2) and tenant_id = any ($1)"#,
        &tenants,
        &uuids,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let asked: HashSet<(TenantId, MandateId)> = ids.iter().copied().collect();
    let mut found = HashMap::with_capacity(rows.len());
    for r in rows {
        let key = (TenantId(r.tenant_id), MandateId(r.id));
        if !asked.contains(&key) {
            continue;
        }
        let opens_on = r.opens_on;
        let row = Row {
            id: r.id,
            intent_id: r.intent_id,
            principal_id: r.principal_id,
            vendor_id: r.vendor_id,
            parent_id: r.parent_id,
            template: r.template,
            mode: r.mode,
            sku: r.sku,
            currency: r.currency,
            per_transaction_minor: r.per_transaction_minor,
            per_day_minor: r.per_day_minor,
            total_minor: r.total_minor,
            executions_max: r.executions_max,
            velocity_count: r.velocity_count,
            velocity_window_s: r.velocity_window_s,
            frequency: r.frequency,
            zone: r.zone,
            reserved_minor: r.reserved_minor,
            spent_minor: r.spent_minor,
            delegated_minor: r.delegated_minor,
            executions: r.executions,
            approvers: r.approvers,
            policy_id: r.policy_id,
            policy_hash: r.policy_hash,
            token: r.token,
            checkout_token: r.checkout_token,
            nonces: r.nonces,
            hash: r.hash,
            signature: r.signature,
            signed_by_wallet: r.signed_by_wallet,
            kid: r.kid,
            status: r.status,
            reason: r.reason,
            expires_at: r.expires_at,
            created_by: r.created_by,
            created_at: r.created_at,
            updated_at: r.updated_at,
        };
        found.insert(key, Opens { mandate: row.mandate()?, opens_on });
    }
    Ok(found)
}

/// Writes counters and states over what was read under the lock.
pub(super) async fn set_used(cx: &mut Cx, changed: &[(TenantId, &Opens)]) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let now = cx.now();
    let column = |of: fn(&Used) -> i64| changed.iter().map(|(_, o)| of(&o.mandate.used)).collect::<Vec<_>>();
    sqlx::query!(
        "update pay.mandate m
         set reserved_minor = w.reserved, spent_minor = w.spent, executions = w.executions, opens_on = w.opens_on::date,
             status = w.status::pay.mandate_status, updated_at = $8
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::text[])
           as w (tenant_id, id, reserved, spent, executions, opens_on, status)
         where m.id = w.id and m.tenant_id = w.tenant_id",
        &changed.iter().map(|(tenant, _)| tenant.uuid()).collect::<Vec<_>>(),
        &changed.iter().map(|(_, o)| o.mandate.id.uuid()).collect::<Vec<_>>(),
        &column(|used| used.reserved_minor),
        &column(|used| used.spent_minor),
        &changed.iter().map(|(_, o)| o.mandate.used.executions).collect::<Vec<_>>(),
        &changed.iter().map(|(_, o)| o.opens_on.clone()).collect::<Vec<_>>() as &[Option<String>],
        &changed.iter().map(|(_, o)| o.mandate.status.word().to_owned()).collect::<Vec<_>>(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn list(
    cx: &mut Cx,
    filter: Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Mandate>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, intent_id, principal_id, vendor_id, parent_id, template as "template: Template", mode as "mode: Mode", sku, currency,
                  per_transaction_minor, per_day_minor, total_minor, executions_max, velocity_count, velocity_window_s, frequency, zone,
                  reserved_minor, spent_minor, delegated_minor, executions, approvers, policy_id, policy_hash, token, checkout_token,
                  nonces, hash, signature, signed_by_wallet, kid,
                  case when status = 'active' and expires_at <= $2 then 'expired' else status end as "status!: Status",
                  reason, expires_at, created_by, created_at, updated_at
           from pay.mandate
           where tenant_id = $1 and (created_at, id) < ($3, $4)
             and ($5::uuid is null or principal_id = $5) and ($6::uuid is null or parent_id = $6) and ($7::uuid is null or intent_id = $7)
             and ($8::pay.mandate_status is null
                  or status = $8 and (status <> 'active' or expires_at > $2)
                  or $8 = 'expired' and status = 'active' and expires_at <= $2)
           order by created_at desc, id desc limit $9"#,
        tenant.uuid(),
        now as Time,
        at as Time,
        id,
        filter.principal.map(PrincipalId::uuid),
        filter.parent.map(MandateId::uuid),
        filter.intent.map(IntentId::uuid),
        filter.status as Option<Status>,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::mandate)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |m| Cursor::after(&m.created_at.to_string(), m.id.uuid())))
}
