//! Every statement about sequences.

use super::{Arm, SequenceId, Step, arm_letter};
use crate::{
    campaign::{CampaignId, Status},
    channel::{Channel, Form},
    enrolment,
};
use base::{Error, Result, Time};
use db::Cx;
use serde::Serialize;
use uuid::Uuid;

/// One version with how many leads are where in it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Version {
    /// Which.
    pub id: SequenceId,
    /// 1 is the first.
    pub version: i32,
    /// What changed.
    pub note: String,
    /// Who saved it.
    pub created_by: String,
    /// When.
    #[schemars(with = "String")]
    pub created_at: Time,
    /// Leads on their way through it.
    pub running: i64,
    /// Leads who are through or stopped.
    pub ended: i64,
}

/// Locks a campaign; its state, if it exists.
pub(super) async fn lock_campaign(cx: &mut Cx, campaign: CampaignId) -> Result<Option<Status>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select status as "status: Status" from outreach.campaign where tenant_id = $1 and id = $2 and deleted_at is null for update"#,
        tenant,
        campaign.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Stores a version with its steps and makes it the campaign's. Returns its number.
pub(super) async fn insert(
    cx: &mut Cx,
    id: SequenceId,
    campaign: CampaignId,
    note: &str,
    steps: &[Step],
) -> Result<i32> {
    let (tenant, now, actor) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let version = sqlx::query_scalar!(
        "insert into outreach.sequence (id, tenant_id, campaign_id, version, note, created_by, created_at)
         select $1, $2, $3, coalesce(max(s.version), 0) + 1, $4, $5, $6 from outreach.sequence s where s.tenant_id = $2 and s.campaign_id = $3
         returning version",
        id.uuid(),
        tenant,
        campaign.uuid(),
        note,
        actor,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    for (step, number) in steps.iter().zip(1_i16..) {
        let row: Uuid = cx.id();
        sqlx::query!(
            "insert into outreach.step (id, tenant_id, sequence_id, number, channel, delay_days, subject_template, body_template, purpose, threaded,
                                        form, manual, condition, otherwise, then_step)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            row,
            tenant,
            id.uuid(),
            number,
            step.channel as Channel,
            step.delay_days,
            step.subject_template.trim(),
            step.body_template.trim(),
            step.purpose.trim(),
            step.threaded,
            step.form().word(),
            step.manual,
            serde_json::to_value(&step.condition)?,
            step.otherwise,
            step.then_step,
        )
        .execute(cx.conn())
        .await?;
        insert_arms(cx, id, number, &step.arms).await?;
    }
    sqlx::query!(
        "update outreach.campaign set sequence_id = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        campaign.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(version)
}

async fn insert_arms(cx: &mut Cx, id: SequenceId, number: i16, arms: &[Arm]) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    for (arm, place) in arms.iter().zip(1..) {
        let row: Uuid = cx.id();
        sqlx::query!(
            "insert into outreach.step_arm (id, tenant_id, sequence_id, number, arm, purpose, subject_template, body_template)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            row,
            tenant,
            id.uuid(),
            number,
            arm_letter(place),
            arm.purpose.trim(),
            arm.subject_template.trim(),
            arm.body_template.trim(),
        )
        .execute(cx.conn())
        .await?;
    }
    Ok(())
}

/// The steps of a version, in order.
pub async fn steps(cx: &mut Cx, id: SequenceId) -> Result<Vec<Step>> {
    let tenant = cx.tenant()?.uuid();
    let arms = sqlx::query!(
        "select number, purpose, subject_template, body_template from outreach.step_arm
         where tenant_id = $1 and sequence_id = $2 order by number, arm",
        tenant,
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    let rows = sqlx::query!(
        r#"select number, channel as "channel: Channel", delay_days, purpose, subject_template, body_template, threaded,
                  form, manual, condition, otherwise, then_step
           from outreach.step where tenant_id = $1 and sequence_id = $2 order by number"#,
        tenant,
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let own = arms.iter().filter(|arm| arm.number == row.number).map(|arm| Arm {
                purpose: arm.purpose.clone(),
                subject_template: arm.subject_template.clone(),
                body_template: arm.body_template.clone(),
            });
            Ok(Step {
                channel: row.channel,
                delay_days: row.delay_days,
                purpose: row.purpose,
                subject_template: row.subject_template,
                body_template: row.body_template,
                threaded: row.threaded,
                form: if row.form.is_empty() { Form::Plain } else { Form::read(row.channel, &row.form) },
                manual: row.manual,
                condition: serde_json::from_value(row.condition)?,
                otherwise: row.otherwise,
                then_step: row.then_step,
                arms: own.collect(),
            })
        })
        .collect()
}

/// Leads on their way go on in another version, at the step after the last that they had. Drafts of the
/// old version that have not begun to leave are withdrawn and written anew. Returns how many moved.
pub async fn move_running(cx: &mut Cx, campaign: CampaignId, to: SequenceId) -> Result<u64> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    // The leads first, in one order, as everything that changes their enrolments takes them.
    sqlx::query!(
        "select l.id from leads.lead l
         where l.tenant_id = $1 and l.id in (select e.lead_id from outreach.enrolment e
             where e.tenant_id = $1 and e.campaign_id = $2 and e.status in ('active', 'paused') and e.sequence_id <> $3)
         order by l.id for no key update",
        tenant,
        campaign.uuid(),
        to.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    let open = sqlx::query_scalar!(
        "select distinct t.enrolment_id from outreach.touch t join outreach.enrolment e on e.id = t.enrolment_id
         where t.tenant_id = $1 and t.campaign_id = $2 and e.status in ('active', 'paused') and e.sequence_id <> $3
           and t.state in ('planned', 'written', 'awaiting_approval', 'approved')",
        tenant,
        campaign.uuid(),
        to.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    for enrolment in &open {
        enrolment::withdraw_open(cx, *enrolment, "The sequence was changed; the step is written anew.")
            .await?;
    }
    let moved = sqlx::query!(
        "update outreach.enrolment e set sequence_id = $3, updated_at = $4,
                next_due_at = case when e.status = 'active' and e.id = any($5) then $4 else e.next_due_at end
         where e.tenant_id = $1 and e.campaign_id = $2 and e.status in ('active', 'paused') and e.sequence_id <> $3",
        tenant,
        campaign.uuid(),
        to.uuid(),
        now as Time,
        &open,
    )
    .execute(cx.conn())
    .await?;
    Ok(moved.rows_affected())
}

/// The versions of a campaign's sequence, the latest first.
pub async fn versions(cx: &mut Cx, campaign: CampaignId) -> Result<Vec<Version>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Version,
        r#"select s.id as "id: SequenceId", s.version, s.note, s.created_by, s.created_at,
                  (select count(*) from outreach.enrolment e where e.tenant_id = $1 and e.sequence_id = s.id and e.status in ('active', 'paused')) as "running!",
                  (select count(*) from outreach.enrolment e where e.tenant_id = $1 and e.sequence_id = s.id and e.status in ('stopped', 'finished')) as "ended!"
           from outreach.sequence s where s.tenant_id = $1 and s.campaign_id = $2 order by s.version desc limit 100"#,
        tenant,
        campaign.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// One version of a campaign's sequence by its number.
pub async fn version(cx: &mut Cx, campaign: CampaignId, number: i32) -> Result<SequenceId> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_scalar!(
        r#"select id as "id: SequenceId" from outreach.sequence where tenant_id = $1 and campaign_id = $2 and version = $3"#,
        tenant,
        campaign.uuid(),
        number,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("version of the sequence"))
}
