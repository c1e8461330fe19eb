//! What came of it, in one table; every number is counted from rows.

use super::{setup::Ready, stage::Stage};
use base::{Currency, Micros, Result};
use std::fmt;

/// One client's month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The client.
    pub client: String,
    /// Its leads.
    pub leads: i64,
    /// Those to whom something was sent.
    pub contacted: i64,
    /// Messages of sequences that were sent.
    pub sent: i64,
    /// Answers by what they mean, most frequent first.
    pub replies: Vec<(String, i64)>,
    /// Addresses that do not exist.
    pub bounced: i64,
    /// People who reported us as spam.
    pub complained: i64,
    /// People who opted out.
    pub opted_out: i64,
    /// Meetings that were booked and not cancelled.
    pub meetings: i64,
    /// Of those, held.
    pub held: i64,
    /// Deals that were won.
    pub won: i64,
    /// What they are worth, in minor units.
    pub won_minor: i64,
    /// Days on which its domain sent all that it may.
    pub limits_hit: i64,
    /// What was spent, in millionths.
    pub spent: Micros,
}

/// Every client's month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// One row for each client.
    pub rows: Vec<Row>,
}

/// Counts it.
pub(super) async fn of(stage: &Stage, clients: &[Ready]) -> Result<Report> {
    let mut rows = Vec::new();
    for client in clients {
        let mut cx = client.cx(stage).await?;
        let tenant = client.tenant.uuid();
        let reserve: i64 = control::figure::read(&mut cx, "email.reply_reserve_percent").await?;
        let counts = sqlx::query!(
            r#"select (select count(*) from leads.lead where tenant_id = $1 and deleted_at is null) as "leads!",
                      (select count(distinct lead_id) from outreach.touch where tenant_id = $1 and sent_at is not null) as "contacted!",
                      (select count(*) from outreach.touch where tenant_id = $1 and sent_at is not null) as "sent!",
                      (select count(*) from outreach.activity where tenant_id = $1 and action = 'bounced') as "bounced!",
                      (select count(*) from outreach.activity where tenant_id = $1 and action = 'complained') as "complained!",
                      (select count(*) from outreach.activity where tenant_id = $1 and action = 'opted_out') as "opted_out!",
                      (select count(*) from outreach.meeting where tenant_id = $1 and status <> 'cancelled') as "meetings!",
                      (select count(*) from outreach.meeting where tenant_id = $1 and status = 'held') as "held!",
                      (select count(*) from outreach.deal where tenant_id = $1 and stage = 'won' and deleted_at is null) as "won!",
                      (select coalesce(sum(value_minor), 0)::bigint from outreach.deal where tenant_id = $1 and stage = 'won' and deleted_at is null) as "won_minor!",
                      (select coalesce(sum(cost_micros), 0)::bigint from control.spend where tenant_id = $1 and state = 'settled') as "spent!",
                      (select count(*) from outreach.capacity c where c.tenant_id = $1 and c.key like 'domain:%' and c.used >= $2::bigint * (
                         select max((e ->> 1)::int) from control.figure f, jsonb_array_elements(f.value) e,
                           (select min(r.domain_in_use_since) as since from outreach.resource r where r.tenant_id = $1 and 'domain:' || r.domain = c.key) d
                         where f.key = 'email.ramp' and f.tenant_id is null and (e ->> 0)::int <= c.day - d.since + 1) / 100) as "limits_hit!""#,
            tenant,
            100 - reserve,
        )
        .fetch_one(cx.conn())
        .await?;
        let replies = sqlx::query!(
            r#"select intent::text as "intent!", count(*) as "count!" from outreach.message
               where tenant_id = $1 and direction = 'inbound' and intent is not null group by 1 order by 2 desc, 1"#,
            tenant,
        )
        .fetch_all(cx.conn())
        .await?;
        cx.rollback().await?;
        rows.push(Row {
            client: client.spec.name.to_owned(),
            leads: counts.leads,
            contacted: counts.contacted,
            sent: counts.sent,
            replies: replies.into_iter().map(|row| (row.intent, row.count)).collect(),
            bounced: counts.bounced,
            complained: counts.complained,
            opted_out: counts.opted_out,
            meetings: counts.meetings,
            held: counts.held,
            won: counts.won,
            won_minor: counts.won_minor,
            limits_hit: counts.limits_hit,
            spent: Micros(counts.spent),
        });
    }
    Ok(Report { rows })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<(&str, Vec<String>)> = vec![
            ("", self.each(|row| row.client.clone())),
            ("leads", self.each(|row| row.leads.to_string())),
            ("contacted", self.each(|row| row.contacted.to_string())),
            ("sent", self.each(|row| row.sent.to_string())),
            ("bounced", self.each(|row| row.bounced.to_string())),
            ("complaints", self.each(|row| row.complained.to_string())),
            ("opted out", self.each(|row| row.opted_out.to_string())),
            ("replies", self.each(|row| row.replies.iter().map(|(_, count)| count).sum::<i64>().to_string())),
        ];
        for (label, cells) in lines.into_iter().chain(self.intents()).chain([
            ("meetings", self.each(|row| row.meetings.to_string())),
            ("  held", self.each(|row| row.held.to_string())),
            ("deals won", self.each(|row| row.won.to_string())),
            ("  worth", self.each(|row| Micros::from_minor(row.won_minor).show(Currency::Aud))),
            ("days at the limit", self.each(|row| row.limits_hit.to_string())),
            ("spent", self.each(|row| row.spent.show(Currency::Aud))),
        ]) {
            write!(f, "{label:<20}")?;
            for cell in cells {
                write!(f, "{cell:>22}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Report {
    fn each(&self, cell: impl Fn(&Row) -> String) -> Vec<String> {
        self.rows.iter().map(cell).collect()
    }

    /// A line for each intent that came up.
    fn intents(&self) -> Vec<(&'static str, Vec<String>)> {
        inbound::reply::Intent::ALL
            .into_iter()
            .filter_map(|intent| {
                let count = |row: &Row| {
                    row.replies.iter().find(|(word, _)| word == intent.name()).map_or(0, |(_, count)| *count)
                };
                let any = self.rows.iter().any(|row| count(row) > 0);
                any.then(|| (intent.name(), self.each(|row| count(row).to_string())))
            })
            .collect()
    }
}
