//! The people at the clients: they look in a few times a day, decide about drafts, answer questions,
//! hold meetings and move deals. Some drafts they leave until they lapse.

use super::{moods, setup::Ready, stage::Stage};
use base::{Result, Time};
use control::{approval, notification};
use db::Cx;
use meetings::meeting;
use outreach::{
    deal::{self, Stage as DealStage},
    reply::answer,
    thread,
};

/// Local hours at which somebody looks in.
const ROUNDS: [i8; 4] = [8, 11, 14, 16];
/// Rows that are looked at in one round.
const ROWS: i64 = 200;

/// Lets the members of a client do what they do at this hour; most hours, nothing.
pub(super) async fn look_in(stage: &Stage, client: &Ready) -> Result<()> {
    let local = stage.house.db.clock().now().in_zone(&client.zone);
    let weekday = local.weekday().to_monday_zero_offset() < 5;
    if !weekday || !ROUNDS.contains(&local.hour()) || local.minute() != 0 {
        return Ok(());
    }
    // Now and then something else is more important.
    let round = moods::chance(stage.seed, client.spec.name, &local.strftime("%F %H").to_string());
    if round.between(1, 100) <= 12 {
        return Ok(());
    }
    let mut cx = client.cx(stage).await?;
    decide(&mut cx, stage).await?;
    converse(&mut cx, client).await?;
    meet(&mut cx, stage).await?;
    deals(&mut cx, stage).await?;
    if local.hour() == 16 && round.between(1, 100) <= 80 {
        notification::read_all(&mut cx).await?;
    }
    cx.commit().await
}

async fn decide(cx: &mut Cx, stage: &Stage) -> Result<()> {
    let waiting = approval::list(cx, &approval::Filter::default(), None, ROWS).await?;
    for one in waiting.rows {
        if one.expires_at <= cx.now() {
            continue;
        }
        // Each has one opinion of a draft, however often they look at it.
        let opinion = moods::chance(stage.seed, &one.id.to_string(), "draft").between(1, 1_000);
        let of_reply = one.kind == answer::APPROVAL;
        match opinion {
            1..=25 if !of_reply => {
                approval::reject(cx, one.id, "Not somebody we should write to").await?;
            }
            // Left until it lapses.
            26..=70 if !of_reply => {}
            71..=150 if !of_reply => {
                let changed = approval::edit(cx, one.id, warmer(&one.content), Some(&one.digest)).await?;
                approval::approve(cx, one.id, Some(&changed.digest)).await?;
            }
            _ => {
                approval::approve(cx, one.id, Some(&one.digest)).await?;
            }
        }
    }
    Ok(())
}

/// The draft with a greeting of one's own.
fn warmer(content: &serde_json::Value) -> serde_json::Value {
    let mut content = content.clone();
    if let Some(body) = content.get("body").and_then(|body| body.as_str()) {
        let body = match body.strip_prefix("Hi ") {
            Some(rest) => format!("Good day {rest}"),
            None => body.replacen("Best regards", "Kind regards", 1),
        };
        content["body"] = body.into();
    }
    content
}

async fn converse(cx: &mut Cx, client: &Ready) -> Result<()> {
    let filter = thread::Filter { needs_person: true, ..thread::Filter::default() };
    let open = thread::list(cx, &filter, None, usize::try_from(ROWS).unwrap_or(0)).await?;
    for line in open.rows {
        thread::mark_read(cx, line.id).await?;
        if line.intent.as_deref() == Some("question") {
            let first = line.name.split(' ').next().unwrap_or_default();
            match answer::write(cx, line.id, &answer_to_question(first, client)).await {
                Ok(_) => {}
                // They opted out by another way meanwhile.
                Err(error) if error.code() == "reply.suppressed" => {}
                Err(error) => return Err(error),
            }
        }
        thread::handled(cx, line.id).await?;
    }
    Ok(())
}

fn answer_to_question(first: &str, client: &Ready) -> String {
    let (owner, _) = client.spec.owner;
    let greeting = if first.is_empty() { "Hello,".to_owned() } else { format!("Hi {first},") };
    format!(
        "{greeting}\n\nGood question, and it depends on where you stand today. {} I can show you what that means in your case in fifteen minutes. Would a short call next week suit you?\n\nKind regards\n{owner}\n",
        client.spec.offer
    )
}

async fn meet(cx: &mut Cx, stage: &Stage) -> Result<()> {
    let now = cx.now();
    let past = meeting::list(cx, meeting::Filter::Past, None, 60).await?;
    for one in past.rows.iter().filter(|m| m.status == meeting::Status::Booked && m.ends_at < now) {
        let came =
            moods::chance(stage.seed, &one.guest_email, &one.starts_at.to_string()).between(1, 100) <= 82;
        meeting::held(cx, one, came).await?;
    }
    Ok(())
}

async fn deals(cx: &mut Cx, stage: &Stage) -> Result<()> {
    let now = cx.now();
    for from in [DealStage::Contract, DealStage::Verbal, DealStage::Negotiation, DealStage::Proposal] {
        for one in deal::by_stage(cx, from, ROWS).await? {
            let luck = moods::chance(stage.seed, &one.lead_id.to_string(), from.word());
            if one.updated_at.plus_s(luck.between(60_000, 300_000)) > now {
                continue;
            }
            match luck.between(1, 100) {
                1..=72 => deal::move_to(cx, one.id, next(from), None).await?,
                73..=86 => lose(cx, &one, &luck).await?,
                // It rests, as deals do.
                _ => {}
            }
        }
    }
    for one in deal::by_stage(cx, DealStage::Qualification, ROWS).await? {
        let Some(met) = held_at(cx, one.lead_id).await? else { continue };
        let luck = moods::chance(stage.seed, &one.lead_id.to_string(), "qualification");
        if met.plus_s(luck.between(3_000, 90_000)) > now {
            continue;
        }
        if luck.between(1, 100) <= 64 {
            deal::set_value(cx, one.id, Some(luck.between(18, 120) * 10_000)).await?;
            deal::move_to(cx, one.id, DealStage::Proposal, None).await?;
        } else {
            lose(cx, &one, &luck).await?;
        }
    }
    Ok(())
}

fn next(stage: DealStage) -> DealStage {
    match stage {
        DealStage::Qualification => DealStage::Proposal,
        DealStage::Proposal => DealStage::Negotiation,
        DealStage::Negotiation => DealStage::Verbal,
        DealStage::Verbal => DealStage::Contract,
        DealStage::Contract | DealStage::Won => DealStage::Won,
        DealStage::Lost => DealStage::Lost,
    }
}

async fn lose(cx: &mut Cx, one: &deal::Deal, luck: &base::Random) -> Result<()> {
    let (reason, _) = moods::one(luck, &deal::LOST_REASONS[..8]);
    deal::move_to(cx, one.id, DealStage::Lost, Some(reason)).await
}

/// When the last meeting with a lead was held, or was marked as missed.
async fn held_at(cx: &mut Cx, lead: uuid::Uuid) -> Result<Option<Time>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select max(ends_at) as "at: Time" from outreach.meeting where tenant_id = $1 and lead_id = $2 and status = 'held'"#,
        tenant,
        lead,
    )
    .fetch_one(cx.conn())
    .await?)
}
