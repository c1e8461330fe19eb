//! What other weights or another profile would do, before anything is saved: tiers then and now, and who moves. Read
//! from the leads themselves.

use super::jobs::input;
use super::target::Target;
use super::{Points, Tier, Weights, boost, weights};
use crate::lead::{Lead, LeadId};
use base::{Result, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most leads of which a changed profile is tried; changed weights are tried on all.
pub const PROFILE_SAMPLE: i64 = 5_000;
/// The most people who are named.
pub const NAMED: usize = 50;

/// Somebody who would move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mover {
    /// Who.
    pub id: LeadId,
    /// What to call them.
    pub name: String,
    /// The score and tier now.
    pub before: (u8, Tier),
    /// The score and tier then.
    pub after: (u8, Tier),
}

/// What a change would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preview {
    /// Leads that were looked at.
    pub leads: i64,
    /// Whether those are all.
    pub all: bool,
    /// How many lie in each pair of tiers: now, then.
    pub moves: BTreeMap<(Tier, Tier), i64>,
    /// The first of those who move, the largest steps first.
    pub movers: Vec<Mover>,
}

impl Preview {
    /// How many lie in this tier now, and how many would.
    pub fn tier(&self, tier: Tier) -> (i64, i64) {
        let sum = |of: fn(&(Tier, Tier)) -> Tier| {
            self.moves.iter().filter(|(pair, _)| of(pair) == tier).map(|(_, n)| n).sum()
        };
        (sum(|pair| pair.0), sum(|pair| pair.1))
    }

    /// How many would move.
    pub fn moving(&self) -> i64 {
        self.moves.iter().filter(|((before, after), _)| before != after).map(|(_, n)| n).sum()
    }
}

fn points(row: &[i16]) -> Option<Points> {
    let read: Vec<u8> = row.iter().take(6).filter_map(|n| u8::try_from(*n).ok()).collect();
    match read.as_slice() {
        [a, b, c, d, e, boosts] => Some(Points { components: [*a, *b, *c, *d, *e], boosts: *boosts }),
        _ => None,
    }
}

/// What these weights would do to everyone who is scored. Exact: the points stay, only their weights change, and
/// there are far fewer different points than leads.
pub async fn of_weights(cx: &mut Cx, wanted: &Weights) -> Result<Preview> {
    let tenant = cx.tenant()?.uuid();
    let groups = sqlx::query!(
        r#"select score_points[1:6] as "points!", score as "score!", count(*) as "leads!"
           from leads.lead where tenant_id = $1 and deleted_at is null and score_points is not null and score is not null group by 1, 2"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    let mut out = Preview { all: true, ..Preview::default() };
    let mut moving: Vec<(i32, String)> = Vec::new();
    for group in groups {
        let Some(read) = points(&group.points) else { continue };
        let (before, after) = (u8::try_from(group.score).unwrap_or(0), read.total(wanted));
        out.leads += group.leads;
        *out.moves.entry((Tier::of(before), Tier::of(after))).or_default() += group.leads;
        if Tier::of(before) != Tier::of(after) {
            let key = group.points.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            moving.push((-(i32::from(after) - i32::from(before)).abs(), key));
        }
    }
    moving.sort();
    let keys: Vec<String> = moving.into_iter().map(|(_, key)| key).take(200).collect();
    let rows = sqlx::query!(
        r#"select id, first_name, last_name, company_name, email, score as "score!", score_points as "points!" from leads.lead
           where tenant_id = $1 and deleted_at is null and score is not null and array_to_string(score_points[1:6], ',') = any($2) order by id limit 500"#,
        tenant,
        &keys,
    )
    .fetch_all(cx.conn())
    .await?;
    for row in rows {
        let Some(read) = points(&row.points) else { continue };
        let (before, after) = (u8::try_from(row.score).unwrap_or(0), read.total(wanted));
        out.movers.push(Mover {
            id: LeadId(row.id),
            name: crate::lead::called(
                row.first_name.as_deref(),
                row.last_name.as_deref(),
                [row.company_name.as_deref(), row.email.as_deref(), None],
            ),
            before: (before, Tier::of(before)),
            after: (after, Tier::of(after)),
        });
    }
    Ok(named(out))
}

/// Those who move, the largest steps first.
fn named(mut preview: Preview) -> Preview {
    preview.movers.retain(|mover| mover.before.1 != mover.after.1);
    preview.movers.sort_by_key(|mover| std::cmp::Reverse(mover.before.0.abs_diff(mover.after.0)));
    preview.movers.truncate(NAMED);
    preview
}

/// What this profile would do to the newest leads.
pub async fn of_target(cx: &mut Cx, wanted: &Target) -> Result<Preview> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let in_force = weights::in_force(cx).await?;
    let (before_icp, _) = super::target(cx).await?.scorer()?;
    let (after_icp, own) = wanted.scorer()?;
    // Learned weights would still go before the client's own.
    let after_weights = if in_force.kind == Some(weights::Kind::Learned) { in_force.weights } else { own };
    let rows: Vec<serde_json::Value> = sqlx::query_scalar!(
        r#"select to_jsonb(l) - 'score_parts' - 'search' as "row!" from leads.lead l
           where tenant_id = $1 and deleted_at is null order by created_at desc, id desc limit $2"#,
        tenant,
        PROFILE_SAMPLE + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let all = rows.len() <= usize::try_from(PROFILE_SAMPLE).unwrap_or(usize::MAX);
    let leads: Vec<Lead> = rows
        .into_iter()
        .take(usize::try_from(PROFILE_SAMPLE).unwrap_or(usize::MAX))
        .map(serde_json::from_value)
        .collect::<std::result::Result<_, _>>()?;
    let ids: Vec<Uuid> = leads.iter().map(|lead| lead.id.uuid()).collect();
    let boosts = boost::of(cx, &ids).await?;
    let mut out = Preview { all, ..Preview::default() };
    for lead in &leads {
        let mut read = input(lead, now as Time);
        read.boosts = boosts.get(&lead.id.uuid()).cloned().unwrap_or_default();
        let before = Points::of(&read, &before_icp).total(&in_force.weights);
        let after = Points::of(&read, &after_icp).total(&after_weights);
        out.leads += 1;
        *out.moves.entry((Tier::of(before), Tier::of(after))).or_default() += 1;
        out.movers.push(Mover {
            id: lead.id,
            name: lead.name(),
            before: (before, Tier::of(before)),
            after: (after, Tier::of(after)),
        });
    }
    Ok(named(out))
}
