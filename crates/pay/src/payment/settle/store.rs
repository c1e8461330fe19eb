//! The SQL of payments that are settled together.

use super::super::books;
use super::super::store::Point;
use super::{Draft, Made, Member, PaymentId, Standing, Status};
use base::{Error, Result, Time};
use db::Cx;
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;

/// How statements of this transaction are run: rows are looked up by their keys, because without statistics
/// (a fresh table, a grown one) the planner would rather read whole tables, and its plans are kept; and, where
/// it is said, no statement waits longer than this for what somebody else holds.
pub(super) async fn by_keys(cx: &mut Cx, wait_ms_max: Option<u32>) -> Result<()> {
    sqlx::query!(
        r#"select set_config('enable_seqscan', 'off', true) as a, set_config('enable_hashjoin', 'off', true) as b,
                  set_config('enable_mergejoin', 'off', true) as c, set_config('plan_cache_mode', 'force_generic_plan', true) as d,
                  set_config('lock_timeout', coalesce($1, current_setting('lock_timeout')), true) as e"#,
        wait_ms_max.map(|ms| ms.to_string())
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(())
}

/// Which of these payments are there already. Ids of payments are those of one tenant only.
pub(super) async fn known(cx: &mut Cx, drafts: &[Result<Option<Draft>>]) -> Result<HashSet<PaymentId>> {
    let ids: Vec<Uuid> = super::ids(drafts).iter().map(|id| id.uuid()).collect();
    let found =
        sqlx::query_scalar!(r#"select id as "id: PaymentId" from pay.payment where id = any ($1)"#, &ids)
            .fetch_all(cx.conn())
            .await?;
    Ok(found.into_iter().collect())
}

/// Writes payments that have ended, with their timelines.
pub(super) async fn insert(
    cx: &mut Cx,
    members: &[Member],
    standing: &Standing,
    made: &[Made],
) -> Result<()> {
    let now = cx.now();
    let all = super::of(made);
    let tenants: Vec<Uuid> =
        made.iter().filter_map(|one| Some(members.get(one.member)?.tenant.uuid())).collect();
    let uuids = |of: fn(&super::Payment) -> Uuid| all.clone().map(|(_, p)| of(p)).collect::<Vec<_>>();
    let ids = uuids(|p| p.id.uuid());
    sqlx::query!(
        "insert into pay.payment (id, tenant_id, mandate_id, intent_id, principal_id, vendor_id, rail, provider_key, amount_minor, currency,
                                  captured_minor, fee_version, fee_minor, reservation, capture, cap_day, cap_month, status, recovery_point,
                                  created_at, updated_at)
         select w.id, w.tenant_id, w.mandate_id, w.intent_id, w.principal_id, w.vendor_id, 'ledger', w.id::text, w.amount_minor, w.currency,
                w.amount_minor, w.fee_version, w.fee_minor, w.reservation, w.capture, w.cap_day, w.cap_month, 'succeeded', $15, $16, $16
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::integer[],
                     $10::bigint[], $11::uuid[], $12::uuid[], $13::text[], $14::text[])
           as w (id, tenant_id, mandate_id, intent_id, principal_id, vendor_id, amount_minor, currency, fee_version, fee_minor,
                 reservation, capture, cap_day, cap_month)",
        &ids,
        &tenants,
        &uuids(|p| p.mandate_id.uuid()),
        &uuids(|p| p.intent_id.uuid()),
        &uuids(|p| p.principal_id.uuid()),
        &uuids(|p| p.vendor_id.uuid()),
        &all.clone().map(|(_, p)| p.amount_minor).collect::<Vec<_>>(),
        &all.clone().map(|(_, p)| p.currency.code().to_owned()).collect::<Vec<_>>(),
        &all.clone().map(|(_, p)| p.fee_version).collect::<Vec<_>>(),
        &all.clone().map(|(_, p)| p.fee_minor).collect::<Vec<_>>(),
        &all.clone().map(|(one, _)| one.draft.books.reservation.uuid()).collect::<Vec<_>>(),
        &uuids(|p| books::capture_of(p.id).uuid()),
        &all.clone().map(|(one, _)| one.periods.day.clone()).collect::<Vec<_>>(),
        &all.clone().map(|(one, _)| one.periods.month.clone()).collect::<Vec<_>>(),
        Point::Done.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    events(cx, members, standing, made).await
}

/// Two lines for each: set aside, and taken.
async fn events(cx: &mut Cx, members: &[Member], standing: &Standing, made: &[Made]) -> Result<()> {
    let now = cx.clock().now();
    let (mut ids, mut tenants, mut payments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut kinds, mut states, mut details, mut actors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (one, p) in super::of(made) {
        let member = members.get(one.member).ok_or_else(|| Error::internal("A payment of nobody."))?;
        let hash = standing.mandate(member.tenant, p.mandate_id).map(|mandate| mandate.hash.to_string());
        let reserved = json!({ "rail": p.rail, "amount_minor": p.amount_minor, "currency": p.currency, "mandate_hash": hash });
        let succeeded = json!({ "rail": p.rail, "provider_ref": p.provider_ref, "network_ref": null });
        // Both happen at one instant; their ids put them in order.
        let mut pair = [cx.id::<Uuid>(), cx.id::<Uuid>()];
        pair.sort_unstable();
        for (id, (kind, state, detail)) in pair
            .into_iter()
            .zip([("reserved", Status::Reserved, reserved), ("succeeded", Status::Succeeded, succeeded)])
        {
            ids.push(id);
            tenants.push(member.tenant.uuid());
            payments.push(p.id.uuid());
            kinds.push(kind.to_owned());
            states.push(state.word().to_owned());
            details.push(detail);
            actors.push(member.by.actor.label());
        }
    }
    sqlx::query!(
        "insert into pay.payment_event (id, tenant_id, payment_id, kind, status, detail, actor, at)
         select w.id, w.tenant_id, w.payment_id, w.kind, w.status::pay.payment_status, w.detail, w.actor, $8
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[])
           as w (id, tenant_id, payment_id, kind, status, detail, actor)",
        &ids,
        &tenants,
        &payments,
        &kinds,
        &states,
        &details,
        &actors,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
