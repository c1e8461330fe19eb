//! One page of a search a job: asked once, and what it found written with how far the search is.

use super::State;
use crate::desk::Desk;
use crate::{AGENT, account};
use base::{EmailAddress, Error, Kind, Micros, Result, Time};
use control::{budget, switch};
use db::{Cx, Fact};
use jobs::{Job, Retry, Run};
use leads::lead::{self, Fields, LeadId};
use leads::{Country, phone, suppression, zone};
use ports::provider::{Prospect, ProviderError, ProviderKind, Search as Query};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Reads the next page of a search.
#[derive(Serialize, Deserialize)]
pub(crate) struct Page {
    pub search: Uuid,
}

/// How far a search is.
struct Far {
    provider: ProviderKind,
    query: Query,
    most: i32,
    found: i32,
    cost_micros: i64,
}

impl Job for Page {
    const KIND: &'static str = "enrich.search";
    const TIMEOUT_S: u64 = 180;
    type State = Desk;

    fn retry() -> Retry {
        Retry::seeds()
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        run.hold(&mut cx).await?;
        let Some(far) = self.far(&mut cx).await? else { return Ok(()) };
        if run.attempt() > 1 && run.failures() == 0 && far.cost_micros > 0 {
            // The worker of the try before ended in the middle: its page may have been paid.
            self.end(
                &mut cx,
                State::Failed,
                Some("the worker ended before the page was kept; start another search"),
            )
            .await?;
            run.complete_in(&mut cx).await?;
            return cx.commit().await;
        }
        let targets =
            switch::Targets { agent: Some(AGENT), provider: Some(far.provider.word()), ..Default::default() };
        switch::gate::hold(&mut cx, &targets).await.map_err(Error::from)?;
        let account = account::open(&mut cx, desk, far.provider).await?;
        let spend = match self.reserve(&mut cx, &far).await {
            Ok(spend) => spend,
            Err(error) if error.kind() == Kind::Refused => {
                self.end(&mut cx, State::Failed, Some(error.message())).await?;
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            }
            Err(error) => return Err(error),
        };
        cx.commit().await?;
        let came = match (account, desk.ports.providers.get(far.provider)) {
            (Some(account), Ok(provider)) => provider.search(&account, &far.query).await,
            (None, _) => Err(ProviderError::Unsupported),
            (_, Err(error)) => Err(error),
        };
        let mut cx = run.begin().await?;
        match came {
            Ok(page) => {
                if let Some(spend) = spend {
                    budget::settle(&mut cx, spend, 1, Micros(far.cost_micros)).await?;
                }
                let room = usize::try_from(far.most - far.found).unwrap_or(0);
                let counts = self.keep(&mut cx, far.provider, page.prospects.iter().take(room)).await?;
                let over = page.next.is_none() || far.found + counts.found >= far.most || counts.found == 0;
                self.advance(&mut cx, &far, &counts, page.next.as_deref()).await?;
                if over {
                    self.end(&mut cx, State::Done, None).await?;
                } else {
                    jobs::enqueue(&mut cx, &Self { search: self.search }).await?;
                }
            }
            Err(error) => {
                if let Some(spend) = spend {
                    match error {
                        ProviderError::Unknown { .. } => {
                            budget::settle(&mut cx, spend, 1, Micros(far.cost_micros)).await?;
                        }
                        ProviderError::NotSent { .. }
                        | ProviderError::Limited { .. }
                        | ProviderError::Rejected { .. }
                        | ProviderError::Restricted
                        | ProviderError::Unsupported => budget::release(&mut cx, spend).await?,
                    }
                }
                if error.is_repeatable() && run.failures() < 3 {
                    cx.commit().await?;
                    return Err(Error::unavailable("provider.unreachable", error.to_string()));
                }
                self.end(&mut cx, State::Failed, Some(&error.to_string())).await?;
            }
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// What a page came to.
#[derive(Default)]
struct Kept {
    found: i32,
    added: i32,
    known: i32,
    suppressed: i32,
}

impl Page {
    async fn far(&self, cx: &mut Cx) -> Result<Option<Far>> {
        let tenant = cx.tenant()?.uuid();
        let row = sqlx::query!(
            "select provider, query, most, found, cost_micros, next_page from enrich.search where tenant_id = $1 and id = $2 and state = 'running' for update",
            tenant,
            self.search,
        )
        .fetch_optional(cx.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut query: Query = serde_json::from_value(row.query)?;
        query.page = row.next_page;
        Ok(Some(Far {
            provider: row.provider.parse()?,
            query,
            most: row.most,
            found: row.found,
            cost_micros: row.cost_micros,
        }))
    }

    async fn reserve(&self, cx: &mut Cx, far: &Far) -> Result<Option<budget::SpendId>> {
        if far.cost_micros == 0 {
            return Ok(None);
        }
        let estimate = budget::Estimate {
            agent: AGENT,
            task: "enrich.search",
            provider: far.provider.word(),
            model: None,
            unit: "pages",
            units: 1,
            micros: Micros(far.cost_micros),
            campaign: None,
            lead: None,
        };
        Ok(Some(budget::reserve(cx, &estimate).await?.id))
    }

    /// Writes what was found: each reference once, known and suppressed people not at all.
    async fn keep<'p>(
        &self,
        cx: &mut Cx,
        provider: ProviderKind,
        prospects: impl Iterator<Item = &'p Prospect>,
    ) -> Result<Kept> {
        let mut kept = Kept::default();
        for prospect in prospects {
            kept.found += 1;
            if !self.is_unseen(cx, provider, &prospect.reference).await? {
                kept.known += 1;
                continue;
            }
            let fields = fields(prospect);
            let held = suppression::holding(cx, &suppression::Who::of(&fields)).await?;
            if !held.is_empty() {
                kept.suppressed += 1;
                continue;
            }
            if is_known(cx, &fields).await? {
                kept.known += 1;
                continue;
            }
            let id = lead::create(cx, fields, &format!("search:{}", self.search), None).await?;
            kept.added += 1;
            self.link(cx, provider, &prospect.reference, id).await?;
        }
        Ok(kept)
    }

    async fn is_unseen(&self, cx: &mut Cx, provider: ProviderKind, reference: &str) -> Result<bool> {
        let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
        let inserted = sqlx::query!(
            "insert into enrich.prospect (tenant_id, provider, reference, search_id, found_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
            tenant,
            provider.word(),
            reference,
            self.search,
            now as Time,
        )
        .execute(cx.conn())
        .await?
        .rows_affected();
        Ok(inserted == 1)
    }

    async fn link(&self, cx: &mut Cx, provider: ProviderKind, reference: &str, lead: LeadId) -> Result<()> {
        let tenant = cx.tenant()?.uuid();
        sqlx::query!(
            "update enrich.prospect set lead_id = $4 where tenant_id = $1 and provider = $2 and reference = $3",
            tenant,
            provider.word(),
            reference,
            lead.uuid(),
        )
        .execute(cx.conn())
        .await?;
        Ok(())
    }

    async fn advance(&self, cx: &mut Cx, far: &Far, kept: &Kept, next: Option<&str>) -> Result<()> {
        let tenant = cx.tenant()?.uuid();
        sqlx::query!(
            "update enrich.search set pages = pages + 1, found = found + $3, added = added + $4, known = known + $5, suppressed = suppressed + $6,
                    spent_micros = spent_micros + $7, next_page = $8
             where tenant_id = $1 and id = $2",
            tenant,
            self.search,
            kept.found,
            kept.added,
            kept.known,
            kept.suppressed,
            far.cost_micros,
            next,
        )
        .execute(cx.conn())
        .await?;
        Ok(())
    }

    async fn end(&self, cx: &mut Cx, state: State, error: Option<&str>) -> Result<()> {
        let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
        sqlx::query!(
            "update enrich.search set state = $3, error = $4, finished_at = $5 where tenant_id = $1 and id = $2",
            tenant,
            self.search,
            state as State,
            error,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        cx.publish(Fact::about("enrich.search.ended", self.search).with(json!({"failed": error.is_some()})))
            .await
    }
}

fn fields(prospect: &Prospect) -> Fields {
    let (person, company) = (&prospect.person, &prospect.company);
    let country = company.country.as_deref().and_then(Country::parse);
    let email = person.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
    let region = company.region.as_deref().and_then(|region| leads::country::state(country, region));
    Fields {
        email: email.map(|email| email.as_str().to_owned()),
        first_name: person.first_name.clone(),
        last_name: person.last_name.clone(),
        title: person.title.clone(),
        linkedin_url: person.linkedin_url.as_deref().and_then(leads::clean::linkedin),
        phone: prospect.phone.as_deref().and_then(|text| phone::parse(text, country)).map(String::from),
        company_name: company.name.clone(),
        domain: company.domain.clone(),
        industry: prospect.industry.clone(),
        zone: zone::of(country, region.as_deref(), company.city.as_deref())
            .map(|zone| zone.name().to_owned()),
        country: country.map(String::from),
        region,
        city: company.city.clone(),
        ..Fields::default()
    }
}

/// Whether somebody of this address, or of this name at this company, is a lead; for a company without a person,
/// whether anybody there is.
async fn is_known(cx: &mut Cx, fields: &Fields) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from leads.lead where tenant_id = $1 and deleted_at is null and
             (email = $2 or (domain = $3 and ($4::text is null or (lower(first_name) = lower($4) and title is not distinct from $5))))) as "known!""#,
        tenant,
        fields.email,
        fields.domain,
        fields.first_name,
        fields.title,
    )
    .fetch_one(cx.conn())
    .await?)
}
