//! Writing one message: the language model when it is configured, affordable and truthful; else the
//! built-in writer.

use super::{
    brief::{Brief, Evidence},
    builtin, footer, limits,
    llm::{self, LlmSettings},
};
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
    /// Its words.
    pub text: String,
    /// Where it is from.
    pub source: String,
    /// The address there.
    pub source_url: Option<String>,
}

impl From<&Evidence> for FactUsed {
    fn from(fact: &Evidence) -> Self {
        Self {
            id: fact.id.clone(),
            text: fact.text.clone(),
            source: fact.source.clone(),
            source_url: fact.source_url.clone(),
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
    let safe = match builtin::write(brief) {
        Ok(safe) => safe,
        Err(unwritable) => return Ok(Err(unwritable)),
    };
    let Some(settings) = env.llm else {
        return Ok(Ok(built(brief, &safe, None, 0)));
    };
    if !llm::may_write(brief) {
        return Ok(Ok(built(brief, &safe, Some("the step's template is wholly the client's own"), 0)));
    }
    let tried = llm::write(env, settings, brief).await?;
    Ok(Ok(match tried.written {
        Ok(written) => Draft {
            subject: written.subject,
            body: with_footer(brief, &written.body),
            facts_used: facts_used(brief, &written.used),
            provenance: json!({
                "writer": "model", "model": written.model, "prompt_version": llm::prompt_version(), "tries": tried.tries,
                "checks": {"limits": "passed", "claims": "passed", "warnings": written.warnings},
            }),
            cost_micros: tried.cost_micros,
        },
        Err(reason) => built(brief, &safe, Some(&reason), tried.cost_micros),
    }))
}

/// The built-in writer's draft, without asking any model: what previews show.
pub fn compose_builtin(brief: &Brief) -> Result<Draft, Unwritable> {
    builtin::write(brief).map(|safe| built(brief, &safe, None, 0))
}

fn with_footer(brief: &Brief, body: &str) -> String {
    format!("{}\n\n{}\n", body.trim(), footer::footer(brief))
}

fn built(brief: &Brief, safe: &builtin::Written, fallback: Option<&str>, cost_micros: i64) -> Draft {
    let warnings: Vec<limits::Issue> = limits::check(&safe.subject, &safe.body);
    Draft {
        subject: safe.subject.clone(),
        body: with_footer(brief, &safe.body),
        facts_used: facts_used(brief, &safe.used),
        provenance: json!({
            "writer": "builtin", "template": safe.template, "prompt_version": builtin::VERSION,
            "checks": {"limits": "passed", "warnings": warnings}, "fallback_reason": fallback,
        }),
        cost_micros,
    }
}

fn facts_used(brief: &Brief, ids: &[String]) -> serde_json::Value {
    let used: Vec<FactUsed> =
        brief.facts.iter().filter(|fact| ids.contains(&fact.id)).map(FactUsed::from).collect();
    json!(used)
}
