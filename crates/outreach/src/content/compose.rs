//! Writing one message: the language model when it is configured, affordable and truthful; else the
//! built-in writer.

use super::{
    brief::{Brief, Evidence, Rank},
    builtin,
    claims::{self, Ground},
    fill, footer, llm,
    model::{LlmSettings, Purse},
    short,
};
use crate::channel::Channel;
use base::TenantId;
use db::{Caller, Db};
use ports::Ports;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What writing needs beside the sheet.
#[derive(Clone)]
pub struct Env<'a> {
    /// The database, for short transactions of the spend ledger; none is open over a call.
    pub db: &'a Db,
    /// Who acts.
    pub caller: Caller,
    /// For whom.
    pub tenant: TenantId,
    /// The outside world.
    pub ports: &'a Arc<Ports>,
    /// The language model, when one is configured.
    pub llm: Option<&'a LlmSettings>,
    /// For which campaign it is spent.
    pub campaign: Uuid,
    /// For which lead.
    pub lead: Uuid,
}

impl Env<'_> {
    /// Who spends on a task of writing.
    pub(super) fn purse(&self, task: &'static str) -> Purse<'_> {
        Purse {
            db: self.db,
            caller: self.caller.clone(),
            tenant: self.tenant,
            agent: "outreach",
            task,
            campaign: Some(self.campaign),
            lead: Some(self.lead),
        }
    }
}

/// A message as it will be sent, with what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Draft {
    /// The subject.
    pub subject: String,
    /// The whole text, greeting to opt-out.
    pub body: String,
    /// The evidence that it uses: a list of [`FactUsed`].
    pub facts_used: serde_json::Value,
    /// Writer, template or model, prompt version, checks, and why the model was passed over.
    pub provenance: serde_json::Value,
    /// What writing cost, in millionths of an Australian dollar.
    pub cost_micros: i64,
}

/// A fact that a message uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FactUsed {
    /// The fact.
    pub id: String,
    /// How much it carries.
    pub rank: Rank,
    /// Its words.
    pub text: String,
    /// Where it is from.
    pub source: String,
    /// The address there.
    pub source_url: Option<String>,
    /// The words of the source.
    pub quote: Option<String>,
}

impl From<&Evidence> for FactUsed {
    fn from(fact: &Evidence) -> Self {
        Self {
            id: fact.id.clone(),
            rank: fact.rank,
            text: fact.text.clone(),
            source: fact.source.clone(),
            source_url: fact.source_url.clone(),
            quote: fact.quote.clone(),
        }
    }
}

/// Why there is no message. The codes are `no_fact`, `template` and `limits`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unwritable {
    /// A stable code.
    pub code: &'static str,
    /// Why, in words.
    pub detail: String,
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Writes a message from the sheet and nothing else.
///
/// # Errors
/// Unavailable, when the spend ledger cannot be reached: nothing was asked then.
pub async fn compose(env: &Env<'_>, brief: &Brief) -> base::Result<Result<Draft, Unwritable>> {
    // The safe message first: where it cannot be written, a model has nothing to write about either.
    let safe = match safe(brief) {
        Ok(safe) => safe,
        Err(unwritable) => return Ok(Err(unwritable)),
    };
    let Some(settings) = env.llm else {
        return Ok(Ok(built(brief, &safe, None, 0)));
    };
    if let Some(why) = llm::passed_over(brief) {
        return Ok(Ok(built(brief, &safe, Some(why), 0)));
    }
    let tried = llm::write(env, settings, brief).await?;
    Ok(Ok(match tried.written {
        Ok(written) => Draft {
            body: whole(brief, &written.body),
            facts_used: facts_used(brief, &written.used),
            provenance: json!({
                "writer": "model", "model": written.model, "tries": tried.tries,
                "prompt_version": llm::prompt_version(brief.step.channel, settings.critic.is_some()),
                "checks": {
                    "limits": "passed", "claims": "passed",
                    "warnings": written.warnings.into_iter().chain(fill::lacks(brief)).collect::<Vec<_>>(),
                    "critic": settings.critic.as_ref().map(|critic| format!("passed ({})", critic.model)),
                },
            }),
            subject: written.subject,
            cost_micros: tried.cost_micros,
        },
        Err(reason) => built(brief, &safe, Some(&reason), tried.cost_micros),
    }))
}

/// The built-in writer's draft, without asking any model: what previews show.
pub fn compose_builtin(brief: &Brief) -> Result<Draft, Unwritable> {
    safe(brief).map(|safe| built(brief, &safe, None, 0))
}

/// What the built-in writer says: the message that leaves when no model may or can write.
fn safe(brief: &Brief) -> Result<builtin::Written, Unwritable> {
    match brief.step.channel {
        Channel::Email => builtin::write(brief),
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => short::write(brief),
    }
}

/// An e-mail with its footer; the other channels have theirs inside.
fn whole(brief: &Brief, body: &str) -> String {
    match brief.step.channel {
        Channel::Email => format!("{}\n\n{}\n", body.trim(), footer::footer(brief)),
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => body.to_owned(),
    }
}

fn built(brief: &Brief, safe: &builtin::Written, fallback: Option<&str>, cost_micros: i64) -> Draft {
    let mut warnings = short::check(brief.step.channel, brief.step.form, &safe.subject, &safe.body);
    warnings.extend(fill::lacks(brief));
    // A template says what its facts say; what the check does not recognise of it is shown, not refused.
    let unsure = claims::unsupported(&Ground::of(brief), &claimed(brief, &safe.body));
    let claims = if unsure.is_empty() { json!("passed") } else { json!(unsure) };
    Draft {
        subject: safe.subject.clone(),
        body: whole(brief, &safe.body),
        facts_used: facts_used(brief, &safe.used),
        provenance: json!({
            "writer": "builtin", "template": safe.template, "prompt_version": builtin::VERSION,
            "checks": {"limits": "passed", "claims": claims, "warnings": warnings}, "fallback_reason": fallback,
        }),
        cost_micros,
    }
}

/// The part of a message that may claim something: without the lines that every message carries.
pub(super) fn claimed(brief: &Brief, body: &str) -> String {
    match brief.step.channel {
        Channel::Email => body.to_owned(),
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => short::core(brief, body),
    }
}

fn facts_used(brief: &Brief, ids: &[String]) -> serde_json::Value {
    let used: Vec<FactUsed> =
        brief.facts.iter().filter(|fact| ids.contains(&fact.id)).map(FactUsed::from).collect();
    json!(used)
}
