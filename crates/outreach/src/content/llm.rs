//! The writer that asks a language model. It is given the sheet as data, must name the evidence of each
//! claim, and is checked by rules afterwards; money is reserved before the call and settled after it,
//! each in a short transaction of its own.

use super::{
    brief::{Brief, Rank},
    builtin,
    claims::{self, Ground},
    compose::Env,
    footer, limits,
};
use base::{Digest, Error, Micros, Result};
use control::budget::{self, Estimate, Reservation};
use db::Scope;
use ports::llm::{Answer, LlmAccount, LlmError, Message, Provider, Request, Role};
use serde::Deserialize;
use serde_json::{Value, json};

/// Which model writes.
#[derive(Clone, Debug)]
pub struct LlmSettings {
    /// The account and the model.
    pub account: LlmAccount,
}

const PROMPT: &str = include_str!("../../prompts/outreach-email.md");

/// The prompt's version: a short hash of its text.
pub fn prompt_version() -> String {
    Digest::of(PROMPT.as_bytes()).short()
}

/// The agent in whose name it is spent.
const AGENT: &str = "outreach";
/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 1_500;
/// How often a model is asked for one message.
const TRIES: usize = 2;

/// A message that passed every check.
pub(super) struct Written {
    pub subject: String,
    pub body: String,
    pub used: Vec<String>,
    pub model: String,
    pub warnings: Vec<limits::Issue>,
}

/// How it went: the message or the reason why there is none, and what was spent either way.
pub(super) struct Tried {
    pub written: Result<Written, String>,
    pub cost_micros: i64,
    pub tries: usize,
}

/// Whether there is anything for a model to write: a template without `SMART_PROMPT` is sent as it is.
pub(super) fn may_write(brief: &Brief) -> bool {
    let template = brief.step.body_template.trim();
    template.is_empty() || template.contains("SMART_PROMPT")
}

#[derive(Deserialize)]
struct Reply {
    subject: String,
    body: String,
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    text: String,
    evidence_ids: Vec<String>,
}

/// Asks, checks, asks once more with the objections, and gives up with a reason.
pub(super) async fn write(env: &Env<'_>, settings: &LlmSettings, brief: &Brief) -> Result<Tried> {
    let mut cost_micros = 0;
    let mut messages = vec![Message { role: Role::User, text: sheet(brief) }];
    let mut problems = String::new();
    for tries in 1..=TRIES {
        let request = Request {
            system: PROMPT.to_owned(),
            messages: messages.clone(),
            max_output_tokens: MAX_OUTPUT_TOKENS,
            schema: Some(schema()),
            purpose: "outreach.write".to_owned(),
        };
        let answer = match ask(env, settings, &request, &mut cost_micros).await? {
            Ok(answer) => answer,
            Err(reason) => return Ok(Tried { written: Err(reason), cost_micros, tries }),
        };
        match examine(brief, &answer) {
            Ok(written) => return Ok(Tried { written: Ok(written), cost_micros, tries }),
            Err(found) => {
                messages.push(Message { role: Role::Assistant, text: answer.text });
                let text =
                    format!("This cannot be sent:\n{found}\nWrite it again without these faults. Same JSON.");
                messages.push(Message { role: Role::User, text });
                problems = found;
            }
        }
    }
    let written = Err(format!("the model's text failed the checks twice: {problems}"));
    Ok(Tried { written, cost_micros, tries: TRIES })
}

/// One call with its reservation: the answer, or a reason in words why there is none.
async fn ask(
    env: &Env<'_>,
    settings: &LlmSettings,
    request: &Request,
    cost: &mut i64,
) -> Result<Result<Answer, String>> {
    let held = match reserve(env, settings, request).await {
        Ok(held) => held,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => return Ok(Err(error.message().to_owned())),
    };
    let result = env.ports.llm.answer(&settings.account, request).await;
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
    *cost += micros.0;
    if let Err(error) = settle(env, held.reservation, units, micros).await {
        // The reconciler settles at the estimate what is left open here.
        tracing::error!(%error, "the cost of a written message could not be settled");
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

async fn reserve(env: &Env<'_>, settings: &LlmSettings, request: &Request) -> Result<HeldMoney> {
    let mut cx = env.db.begin(Scope::Tenant(env.tenant), env.caller.clone()).await?;
    let rate = Rate(control::figure::read(&mut cx, "money.usd_aud_ppm").await?);
    let most = ports::llm::estimate(&settings.account, request, cx.now())
        .map_err(|cause| Error::refused("llm.no_price", cause.to_string()))?;
    let estimate = Estimate {
        agent: AGENT,
        task: "outreach.write",
        provider: provider(settings.account.provider),
        model: Some(&settings.account.model),
        unit: "tokens",
        units: i64::try_from(request.max_input_tokens()).unwrap_or(i64::MAX),
        micros: rate.aud(most),
        campaign: Some(env.campaign),
        lead: Some(env.lead),
    };
    let reservation = budget::reserve(&mut cx, &estimate).await?;
    cx.commit().await?;
    Ok(HeldMoney { reservation, rate })
}

async fn settle(env: &Env<'_>, reservation: Reservation, units: i64, micros: Micros) -> Result<()> {
    let mut cx = env.db.begin(Scope::Tenant(env.tenant), env.caller.clone()).await?;
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

fn schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object", "additionalProperties": false, "required": ["subject", "body", "claims"],
        "properties": {
            "subject": text, "body": text,
            "claims": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["text", "evidence_ids"],
                "properties": {"text": text, "evidence_ids": {"type": "array", "items": text}},
            }},
        },
    })
}

/// The sheet as the model sees it: what may be said, and nothing of the rest.
fn sheet(brief: &Brief) -> String {
    let facts: Vec<Value> = brief
        .facts
        .iter()
        .map(|f| json!({"id": f.id, "rank": f.rank, "about": f.topic, "text": f.text, "quote": f.quote, "source": f.source}))
        .collect();
    let last = brief.earlier.last().map(|e| {
        json!({"sent_on": e.at.in_zone(&brief.zone).strftime("%-d %B %Y").to_string(), "subject": e.subject, "body": e.body.split("\n--\n").next()})
    });
    let template = brief.step.body_template.trim();
    json!({
        "greeting": footer::greeting(brief),
        "reader": {"company": brief.lead.company, "title": brief.lead.title, "city": brief.lead.city},
        "facts": facts,
        "client": {"name": brief.client.name, "offer": brief.offer()},
        "goal": brief.campaign.goal,
        "step": {"number": brief.step.number, "of": brief.step.of, "purpose": brief.step.purpose},
        "template": (!template.is_empty()).then_some(template),
        "subject": builtin::given_subject(brief),
        "last_message": last,
    })
    .to_string()
}

/// Every fault of an answer in words, or the message.
fn examine(brief: &Brief, answer: &Answer) -> Result<Written, String> {
    let json = answer.json.clone().ok_or("It is not JSON.")?;
    let reply: Reply =
        serde_json::from_value(json).map_err(|cause| format!("It does not fit the form: {cause}."))?;
    let subject = builtin::given_subject(brief).unwrap_or_else(|| reply.subject.trim().to_owned());
    let body = reply.body.trim().replace("\r\n", "\n");
    let body = if builtin::greets(&body) { body } else { format!("{}\n\n{body}", footer::greeting(brief)) };
    let issues = limits::check(&subject, &body);
    let mut faults: Vec<String> =
        issues.iter().filter(|issue| issue.error).map(|issue| issue.detail.clone()).collect();
    if body.chars().any(|c| c.is_control() && c != '\n') || body.contains("://") {
        faults.push("The body contains a link or a control character.".to_owned());
    }
    let ground = Ground::of(brief);
    for part in claims::unsupported(&ground, &body).into_iter().chain(claims::unsupported(&ground, &subject))
    {
        faults.push(format!("Nothing on the sheet carries this ({:?}): “{}”.", part.kind, part.text));
    }
    let known = |id: &str| id == "offer" || brief.facts.iter().any(|fact| fact.id == id);
    for claim in reply
        .claims
        .iter()
        .filter(|claim| claim.evidence_ids.is_empty() || !claim.evidence_ids.iter().all(|id| known(id)))
    {
        faults.push(format!(
            "No fact of the sheet is named for “{}”.",
            super::text::cut_chars(&claim.text, 160)
        ));
    }
    let used: Vec<String> =
        reply.claims.into_iter().flat_map(|claim| claim.evidence_ids).filter(|id| id != "offer").collect();
    let weighs = |id: &String| brief.facts.iter().any(|fact| fact.id == *id && fact.rank != Rank::Low);
    if !used.iter().any(weighs) {
        faults.push("The message rests on no fact of rank high or medium.".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    let warnings = issues.into_iter().filter(|issue| !issue.error).collect();
    Ok(Written { subject, body, used, model: answer.spent.model.clone(), warnings })
}
