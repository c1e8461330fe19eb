//! Rows for the tests of the screens, written as the domains write them.

use base::Time;
use db::Cx;
use serde_json::{Value, json};
use testkit::{Member, TestDb};
use uuid::Uuid;

/// A lead with this name and address, of the tenant of `cx`.
pub async fn lead(cx: &mut Cx, first: &str, email: &str, status: &str, score: i16) -> Uuid {
    let (id, tenant, now) = (cx.id::<Uuid>(), cx.tenant().unwrap().uuid(), cx.now());
    sqlx::query!(
        "insert into leads.lead (id, tenant_id, email, first_name, last_name, company_name, status, score, tier, scored_at, source, created_at, updated_at)
         values ($1, $2, $3, $4, 'Nair', 'Harbour Dental', $5::text::leads.status, $6, 'hot', $7, 'manual', $7, $7)",
        id,
        tenant,
        email,
        first,
        status,
        score,
        now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    id
}

/// An active campaign with a sequence of one step.
pub async fn campaign(cx: &mut Cx, name: &str) -> Campaign {
    let (id, sequence, step) = (cx.id::<Uuid>(), cx.id::<Uuid>(), cx.id::<Uuid>());
    let (tenant, now) = (cx.tenant().unwrap().uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.campaign (id, tenant_id, name, status, created_by, created_at, updated_at) values ($1, $2, $3, 'active', 'test', $4, $4)",
        id, tenant, name, now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    sqlx::query!(
        "insert into outreach.sequence (id, tenant_id, campaign_id, version, created_by, created_at) values ($1, $2, $3, 1, 'test', $4)",
        sequence, tenant, id, now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    sqlx::query!(
        "insert into outreach.step (id, tenant_id, sequence_id, number, channel, delay_days, subject_template) values ($1, $2, $3, 1, 'email', 0, $4)",
        step, tenant, sequence, format!("Subject of {name}")
    )
    .execute(cx.conn())
    .await
    .unwrap();
    Campaign { id, sequence }
}

/// A campaign of a test.
pub struct Campaign {
    pub id: Uuid,
    pub sequence: Uuid,
}

/// A first message that left at `at`, with its activity.
pub async fn sent(cx: &mut Cx, campaign: &Campaign, lead: Uuid, at: Time) {
    let (tenant, enrolment, touch) = (cx.tenant().unwrap().uuid(), cx.id::<Uuid>(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, status, created_at, updated_at)
         values ($1, $2, $3, $4, $5, 'finished', $6, $6)",
        enrolment, tenant, campaign.id, lead, campaign.sequence, at as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    sqlx::query!(
        "insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, state, due_at, subject, sent_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, 1, 'email', 'sent', $6, 'Hello', $6, $6, $6)",
        touch, tenant, enrolment, campaign.id, lead, at as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    activity(cx, "sent", Some(campaign.id), lead, at, json!({"step": 1})).await;
}

/// An activity.
pub async fn activity(
    cx: &mut Cx,
    action: &str,
    campaign: Option<Uuid>,
    lead: Uuid,
    at: Time,
    detail: Value,
) {
    let (tenant, id) = (cx.tenant().unwrap().uuid(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into outreach.activity (id, tenant_id, lead_id, campaign_id, channel, action, actor, preview, detail, at)
         values ($1, $2, $3, $4, 'email', $5::text::outreach.action, 'system:test', $6, $7, $8)",
        id, tenant, lead, campaign, action, format!("preview of {action}"), detail, at as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
}

/// A reply of this intent.
pub async fn reply(cx: &mut Cx, campaign: &Campaign, lead: Uuid, intent: &str, at: Time) {
    activity(cx, "replied", Some(campaign.id), lead, at, json!({})).await;
    activity(cx, "classified", Some(campaign.id), lead, at, json!({"intent": intent})).await;
}

/// A draft that waits.
pub async fn draft(cx: &mut Cx, title: &str, body: &str, hours: i64) -> control::approval::ApprovalId {
    let request = control::approval::Request {
        kind: "outreach.draft",
        subject: cx.id::<Uuid>(),
        campaign: None,
        lead: None,
        title: title.to_owned(),
        summary: "Marketing Director".to_owned(),
        content: json!({"subject": "Two clinics", "body": body}),
        evidence: json!(["2 job ads"]),
        provenance: json!({"writer": "built-in"}),
        cost_micros: 6_000,
        risk: control::approval::Risk::Normal,
        priority: 91,
        expires_at: Some(cx.now().plus_s(hours * 3_600)),
    };
    control::approval::request(cx, request).await.unwrap()
}

/// The value of a key figure, by its label.
pub fn figure(visible: &str, label: &str) -> String {
    let rest = visible.split(label).nth(1).unwrap_or_else(|| panic!("no figure “{label}” in:\n{visible}"));
    rest.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The same person as one who runs the installation.
pub fn platform(member: &Member) -> Member {
    Member { platform: true, ..member.clone() }
}

/// A job that ended, or lives.
pub struct JobOf<'a> {
    pub tenant: Option<Uuid>,
    pub kind: &'a str,
    /// A state, or an outcome.
    pub stands: &'a str,
}

/// Writes a job as the queue would have left it.
pub async fn job(db: &TestDb, job: JobOf<'_>, payload: Value) -> Uuid {
    let mut cx = db.system().await;
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    if matches!(job.stands, "scheduled" | "ready" | "running" | "waiting") {
        sqlx::query!(
            "insert into jobs.job (id, tenant_id, run_at, rank, created_at, state, attempt, queue, kind, payload)
             values ($1, $2, $3, $3, $3, $4::text::jobs.state, 1, 'default', $5, $6)",
            id, job.tenant, now as Time, job.stands, job.kind, payload
        )
        .execute(cx.conn())
        .await
        .unwrap();
    } else {
        sqlx::query!(
            "insert into jobs.job_done (id, tenant_id, run_at, created_at, started_at, finished_at, outcome, attempt, failures, boost_s, queue, kind, payload, error)
             values ($1, $2, $3, $3, $4, $5, $6::text::jobs.outcome, 3, 3, 0, 'default', $7, $8, 'the <b>server</b> said no')",
            id, job.tenant, now.plus_s(-10) as Time, now.plus_s(-9) as Time, now.plus_s(-7) as Time, job.stands, job.kind, payload
        )
        .execute(cx.conn())
        .await
        .unwrap();
    }
    cx.commit().await.unwrap();
    id
}
