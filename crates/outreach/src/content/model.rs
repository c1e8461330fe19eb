//! Asking a language model within the budget: money is reserved before the call and settled after it,
//! each in a short transaction of its own; none is open over the call.

use base::{Error, Micros, Result, TenantId};
use control::budget::{self, Estimate, Reservation};
use db::{Caller, Db, Scope};
use jobs::Run;
use ports::{
    Ports,
    llm::{Answer, LlmAccount, LlmError, Provider, Request},
};
use std::time::Duration;
use uuid::Uuid;

/// Which model writes, and which one criticises what it wrote.
#[derive(Clone, Debug)]
pub struct LlmSettings {
    /// The account and the model.
    pub account: LlmAccount,
    /// A second reader of what the model wrote; none: the rules alone check it.
    pub critic: Option<LlmAccount>,
}

/// Who spends, and on what.
#[derive(Clone)]
pub struct Purse<'a> {
    /// The database, for the spend ledger.
    pub db: &'a Db,
    /// Who acts.
    pub caller: Caller,
    /// For whom.
    pub tenant: TenantId,
    /// In which agent's name.
    pub agent: &'static str,
    /// On what, such as `outreach.write`.
    pub task: &'static str,
    /// For which campaign.
    pub campaign: Option<Uuid>,
    /// For which lead.
    pub lead: Option<Uuid>,
}

impl<'a> Purse<'a> {
    /// Of a job's tenant, for no campaign and no lead in particular.
    ///
    /// # Errors
    /// Internal, when the job belongs to no tenant.
    pub fn of(run: &'a Run, agent: &'static str, task: &'static str) -> Result<Self> {
        let (caller, tenant) = (run.caller(), run.tenant()?);
        Ok(Self { db: run.db(), caller, tenant, agent, task, campaign: None, lead: None })
    }
}

/// One call with its reservation: the answer, or a reason in words why there is none. What it cost is
/// added to `cost_micros`, in millionths of an Australian dollar, also when there is no answer.
///
/// # Errors
/// Unavailable, when the spend ledger cannot be reached: nothing was asked then.
pub async fn ask(
    ports: &Ports,
    account: &LlmAccount,
    purse: &Purse<'_>,
    request: &Request,
    cost_micros: &mut i64,
) -> Result<Result<Answer, String>> {
    ask_within(ports, account, purse, request, cost_micros, None).await
}

/// [`ask`], but an answer that takes longer than `patience` is none. It may be charged all the same, and is
/// settled at what was reserved.
///
/// # Errors
/// As [`ask`].
pub async fn ask_within(
    ports: &Ports,
    account: &LlmAccount,
    purse: &Purse<'_>,
    request: &Request,
    cost_micros: &mut i64,
    patience: Option<Duration>,
) -> Result<Result<Answer, String>> {
    let held = match reserve(purse, account, request).await {
        Ok(held) => held,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => return Ok(Err(error.message().to_owned())),
    };
    let answer = ports.llm.answer(account, request);
    let result = match patience {
        None => answer.await,
        Some(patience) => tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
            Err(LlmError::Unreachable {
                host: provider(account.provider).to_owned(),
                detail: format!("no answer within {} s", patience.as_secs()),
                may_be_charged: true,
            })
        }),
    };
    let spent = match &result {
        Ok(answer) => Some(answer.spent.clone()),
        Err(error) => error.spent().cloned(),
    };
    let may_be_charged = matches!(&result, Err(LlmError::Unreachable { may_be_charged: true, .. }));
    let (units, micros) = match &spent {
        Some(spent) => (
            i64::try_from(spent.usage.input + spent.usage.output).unwrap_or(i64::MAX),
            held.rate.aud(spent.cost),
        ),
        None if may_be_charged => (0, held.reservation.micros),
        None => (0, Micros(0)),
    };
    *cost_micros += micros.0;
    if let Err(error) = settle(purse, held.reservation, units, micros).await {
        // The reconciler settles at the estimate what is left open here.
        tracing::error!(%error, "the cost of a model's answer could not be settled");
    }
    Ok(result.map_err(|error| error.to_string()))
}

/// Australian millionths for a million American ones, as a dated figure.
#[derive(Clone, Copy)]
struct Rate(i64);

impl Rate {
    fn aud(self, usd: Micros) -> Micros {
        let exact = i128::from(usd.0) * i128::from(self.0);
        // Rounded up: a cost is never booked as less than it was.
        Micros(i64::try_from((exact + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }
}

struct HeldMoney {
    reservation: Reservation,
    rate: Rate,
}

async fn reserve(purse: &Purse<'_>, account: &LlmAccount, request: &Request) -> Result<HeldMoney> {
    let mut cx = purse.db.begin(Scope::Tenant(purse.tenant), purse.caller.clone()).await?;
    let rate = Rate(control::figure::read(&mut cx, "money.usd_aud_ppm").await?);
    let most = ports::llm::estimate(account, request, cx.now())
        .map_err(|cause| Error::refused("llm.no_price", cause.to_string()))?;
    let estimate = Estimate {
        agent: purse.agent,
        task: purse.task,
        provider: provider(account.provider),
        model: Some(&account.model),
        unit: "tokens",
        units: i64::try_from(request.max_input_tokens()).unwrap_or(i64::MAX),
        micros: rate.aud(most),
        campaign: purse.campaign,
        lead: purse.lead,
    };
    let reservation = budget::reserve(&mut cx, &estimate).await?;
    cx.commit().await?;
    Ok(HeldMoney { reservation, rate })
}

async fn settle(purse: &Purse<'_>, reservation: Reservation, units: i64, micros: Micros) -> Result<()> {
    let mut cx = purse.db.begin(Scope::Tenant(purse.tenant), purse.caller.clone()).await?;
    if micros.0 == 0 && units == 0 {
        budget::release(&mut cx, reservation.id).await?;
    } else {
        budget::settle(&mut cx, reservation.id, units, micros).await?;
    }
    cx.commit().await
}

fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::Anthropic => "anthropic",
        Provider::OpenAi => "openai",
        Provider::OpenAiCompatible => "openai_compatible",
    }
}
