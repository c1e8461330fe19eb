//! The jobs that look up: one for each domain, and one that finds the domains of an import.

use crate::company::{self, CompanyId, Seen};
use crate::fact::{self, New};
use crate::lead::{EmailState, Status};
use crate::suppression::{self, Who, is_freemail};
use ::jobs::{Job, Options, Priority, Registry, Run};
use base::{Result, Time};
use db::{Cx, Fact};
use ports::Ports;
use ports::enrich::About;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Looks a domain up for everybody who works there.
#[derive(Serialize, Deserialize)]
pub(super) struct Enrich {
    /// The domain.
    pub domain: String,
    /// Even when it was looked up lately.
    #[serde(default)]
    pub again: bool,
}

/// Finds the domains of an import that have not been looked up lately.
#[derive(Serialize, Deserialize)]
struct Plan {
    import: Uuid,
}

/// What was looked up is good for 90 days (growth spec, "T0 cache").
const GOOD_FOR_DAYS: i64 = 90;
/// Addresses of more domains than this are not checked in one job.
const MAIL_DOMAINS_MAX: usize = 20;

/// Names that never lead anywhere (RFC 2606, RFC 6761): examples, tests, this machine.
fn is_reserved(domain: &str) -> bool {
    let reserved =
        ["example", "test", "invalid", "localhost", "local", "example.com", "example.net", "example.org"];
    reserved
        .iter()
        .any(|name| domain == *name || domain.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')))
}

impl Job for Enrich {
    const KIND: &'static str = "leads.enrich";
    const TIMEOUT_S: u64 = 180;
    const CONCURRENCY: Option<u32> = Some(4);
    type State = Arc<Ports>;

    async fn run(self, run: &Run, ports: &Arc<Ports>) -> Result<()> {
        if is_freemail(&self.domain) || is_reserved(&self.domain) {
            return Ok(());
        }
        let mut cx = run.begin().await?;
        let wanted = self.wanted(&mut cx).await?;
        cx.rollback().await?;
        let Some(mail_domains) = wanted else { return Ok(()) };
        let site = match Url::parse(&format!("https://{}/", self.domain)) {
            Ok(url) => ports.enricher.company(&url).await,
            Err(_) => return Ok(()),
        };
        let mut takes_mail = BTreeMap::new();
        for domain in &mail_domains {
            if let Ok(found) = ports.dns.mx(domain).await {
                // A single empty host says "takes no mail" (RFC 7505).
                takes_mail.insert(domain.clone(), found.iter().any(|mx| !mx.host.is_empty()));
            }
        }
        let facts = match site {
            Ok(facts) => Some(facts),
            Err(error) => {
                tracing::debug!(domain = %self.domain, %error, "the website was not read; nothing is concluded");
                None
            }
        };
        if facts.is_none() && takes_mail.is_empty() {
            return Ok(());
        }
        let mut cx = run.begin().await?;
        self.write(&mut cx, facts, &takes_mail).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

impl Enrich {
    /// The domains of the addresses there; none when nobody is there, the list forbids it or it was looked up lately.
    async fn wanted(&self, cx: &mut Cx) -> Result<Option<Vec<String>>> {
        let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
        let held =
            suppression::holding(cx, &Who { domain: Some(self.domain.clone()), ..Who::default() }).await?;
        if !held.is_empty() {
            return Ok(None);
        }
        let rows = sqlx::query!(
            r#"select split_part(email, '@', 2) as "mail_domain!", bool_and(enriched_at is not null and enriched_at > $3) as "fresh!"
               from leads.lead where tenant_id = $1 and domain = $2 and deleted_at is null and email is not null group by 1 order by 1"#,
            tenant,
            self.domain,
            now.plus_days(-GOOD_FOR_DAYS) as Time,
        )
        .fetch_all(cx.conn())
        .await?;
        let anybody = sqlx::query_scalar!(
            r#"select exists (select from leads.lead where tenant_id = $1 and domain = $2 and deleted_at is null and (enriched_at is null or enriched_at <= $3 or $4)) as "anybody!""#,
            tenant,
            self.domain,
            now.plus_days(-GOOD_FOR_DAYS) as Time,
            self.again,
        )
        .fetch_one(cx.conn())
        .await?;
        if !anybody {
            return Ok(None);
        }
        let domains = rows.into_iter().filter(|row| self.again || !row.fresh).map(|row| row.mail_domain);
        Ok(Some(
            domains
                .filter(|domain| !is_freemail(domain) && !is_reserved(domain))
                .take(MAIL_DOMAINS_MAX)
                .collect(),
        ))
    }

    /// Keeps what was found, with where it stands.
    async fn write(
        &self,
        cx: &mut Cx,
        facts: Option<Vec<ports::enrich::Fact>>,
        takes_mail: &BTreeMap<String, bool>,
    ) -> Result<()> {
        let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
        let named = facts
            .iter()
            .flatten()
            .find(|fact| fact.about == About::CompanyName)
            .map(|fact| fact.value.clone());
        let seen = Seen { domain: self.domain.clone(), name: named, ..Seen::default() };
        let company = company::link(cx, &[seen]).await?.remove(&self.domain);
        if let (Some(facts), Some(company)) = (&facts, company) {
            let known: Vec<(String, String)> = known(cx, company).await?;
            let rows: Vec<New> = facts
                .iter()
                .map(|fact| New {
                    lead_id: None,
                    company_id: Some(company),
                    kind: kind(fact.about).to_owned(),
                    text: fact.value.clone(),
                    quote: Some(fact.quote.clone()),
                    source: "website".to_owned(),
                    source_url: Some(fact.source.to_string()),
                    confidence: 0.9,
                    observed_at: Some(fact.fetched_at),
                })
                .filter(|row| !known.iter().any(|(kind, text)| *kind == row.kind && *text == row.text))
                .collect();
            fact::add_many(cx, &rows).await?;
        }
        for (domain, takes) in takes_mail {
            let state = if *takes { EmailState::Unverified } else { EmailState::Invalid };
            let from = if *takes { EmailState::Invalid } else { EmailState::Unverified };
            sqlx::query!(
                "update leads.lead set email_state = $4, updated_at = $5
                 where tenant_id = $1 and domain = $2 and deleted_at is null and split_part(email, '@', 2) = $3 and email_state = $6",
                tenant,
                self.domain,
                domain,
                state as EmailState,
                now as Time,
                from as EmailState,
            )
            .execute(cx.conn())
            .await?;
            if let (false, Some(company)) = (*takes, company) {
                let text = format!("{domain} takes no mail: it publishes no mail exchanger");
                fact::add_many(
                    cx,
                    &[New {
                        lead_id: None,
                        company_id: Some(company),
                        kind: "mail".to_owned(),
                        text,
                        quote: None,
                        source: "dns".to_owned(),
                        source_url: None,
                        confidence: 0.95,
                        observed_at: None,
                    }],
                )
                .await?;
            }
        }
        let to = Status::Enriched;
        let from: Vec<i16> =
            Status::ALL.into_iter().filter(|from| from.may_become(to)).map(Status::number).collect();
        let leads = sqlx::query_scalar!(
            "update leads.lead set enriched_at = $3, company_id = coalesce(company_id, $4), updated_at = $3,
                    status = case when status_no = any($5) then 'enriched'::leads.status else status end
             where tenant_id = $1 and domain = $2 and deleted_at is null returning id",
            tenant,
            self.domain,
            now as Time,
            company.map(CompanyId::uuid),
            &from,
        )
        .fetch_all(cx.conn())
        .await?;
        let looked_up = json!({"domain": self.domain, "company_id": company});
        cx.publish_all(
            leads
                .into_iter()
                .map(|lead| Fact::about("leads.lead.enriched", lead).with(looked_up.clone()))
                .collect(),
        )
        .await?;
        let found = facts.as_ref().map(Vec::len);
        let payload = json!({"domain": self.domain, "facts": found, "takes_mail": takes_mail});
        let subject = company.map(CompanyId::uuid);
        cx.publish(Fact { kind: "leads.company.enriched", subject, payload }).await
    }
}

/// What is known of a company already, so that a second visit adds only what came since.
async fn known(cx: &mut Cx, company: CompanyId) -> Result<Vec<(String, String)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select kind, text from leads.fact where tenant_id = $1 and company_id = $2 and source = 'website'",
        tenant,
        company.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.text)).collect())
}

fn kind(about: About) -> &'static str {
    match about {
        About::CompanyName => "company_name",
        About::Description => "description",
        About::Email => "published_email",
        About::Phone => "published_phone",
        About::LinkedIn => "company_linkedin",
        About::SocialProfile => "social_profile",
        About::Abn => "abn",
        About::PostalAddress => "postal_address",
    }
}

impl Job for Plan {
    const KIND: &'static str = "leads.enrich_import";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let tenant = cx.tenant()?.uuid();
        let domains = sqlx::query_scalar!(
            r#"select distinct domain as "domain!" from leads.lead
               where tenant_id = $1 and import_id = $2 and domain is not null and enriched_at is null and deleted_at is null order by 1"#,
            tenant,
            self.import,
        )
        .fetch_all(cx.conn())
        .await?;
        let work: Vec<Enrich> = domains
            .into_iter()
            .filter(|domain| !is_freemail(domain) && !is_reserved(domain))
            .map(|domain| Enrich { domain, again: false })
            .collect();
        let options = Options { priority: Priority::Low, ..Options::default() };
        for part in work.chunks(1_000) {
            ::jobs::enqueue_many(&mut cx, part, &options).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the jobs and what starts them.
pub(crate) fn register(registry: &mut Registry, ports: Arc<Ports>) {
    registry.register::<Enrich>(ports);
    registry.register::<Plan>(());
    registry.on_fact::<Enrich>("leads.lead.created", |fact| {
        let domain = fact.payload["domain"].as_str()?;
        Some(Enrich { domain: domain.to_owned(), again: false })
    });
    registry.on_fact::<Plan>("leads.import.done", |fact| fact.subject_id.map(|import| Plan { import }));
}
