//! A model as judge of a reply of which the built-in classifier is not sure. It sees the person's own words and
//! our last message, and answers in a closed form that is read strictly: what does not fit, what it is not sure
//! of, and what its quoted words do not carry changes nothing. It is never asked about an opt-out that a rule
//! found, nor about anything that a header or a rule decided.

use crate::content::{
    model::{self, LlmSettings, Purse},
    text,
};
use base::{Digest, Result, Time};
use inbound::reply::{Intent, ModelSays, OurMail, Understood, decided_by_model};
use ports::{
    Ports,
    llm::{Message, Request, Role},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const PROMPT: &str = include_str!("../../prompts/reply-intent.md");
/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 300;
/// Characters of the reply and of our message that are shown.
const SHOWN_CHARS: usize = 4_000;
/// A sequence that should stop must not wait for a slow model.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reply of which the built-in classifier is not sure.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub lead: Option<Uuid>,
    pub campaign: Option<Uuid>,
    pub subject: String,
    pub words: String,
    pub ours: Option<String>,
}

/// What came of asking: the model's word, or why there is none, and where it is from.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    said: Result<ModelSays, String>,
    model: String,
    cost_micros: i64,
}

/// The form of an answer; anything more or else is no answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    intent: Intent,
    confidence: f32,
    quote: String,
}

/// The prompt's version: a short hash of its text.
fn prompt_version() -> String {
    Digest::of(PROMPT.as_bytes()).short()
}

/// Asks once, within the budget. Whatever goes wrong is a verdict that decides nothing.
///
/// # Errors
/// Unavailable, when the spend ledger cannot be reached: nothing was asked then.
pub(super) async fn ask(
    ports: &Ports,
    settings: &LlmSettings,
    purse: &Purse<'_>,
    doubt: &Doubt,
) -> Result<Verdict> {
    let names: Vec<&str> = Intent::ALL.iter().map(|intent| intent.name()).collect();
    let shown = json!({
        "subject": text::cut_chars(&doubt.subject, 300),
        "reply": text::cut_chars(&doubt.words, SHOWN_CHARS),
        "our_message": doubt.ours.as_deref().map(|ours| text::cut_chars(ours, SHOWN_CHARS)),
    });
    let request = Request {
        system: PROMPT.to_owned(),
        messages: vec![Message { role: Role::User, text: shown.to_string() }],
        max_output_tokens: MAX_OUTPUT_TOKENS,
        schema: Some(json!({
            "type": "object", "additionalProperties": false, "required": ["intent", "confidence", "quote"],
            "properties": {
                "intent": {"type": "string", "enum": names}, "confidence": {"type": "number"}, "quote": {"type": "string"},
            },
        })),
        purpose: "outreach.classify".to_owned(),
    };
    let mut cost_micros = 0;
    let account = &settings.account;
    let answer = model::ask_within(ports, account, purse, &request, &mut cost_micros, Some(PATIENCE)).await?;
    let (said, model) = match answer {
        Err(why) => (Err(why), account.model.clone()),
        Ok(answer) => (read(answer.json), answer.spent.model),
    };
    Ok(Verdict { said, model, cost_micros })
}

fn read(json: Option<Value>) -> Result<ModelSays, String> {
    let json = json.ok_or("The model's answer is not JSON.")?;
    let said: Said = serde_json::from_value(json)
        .map_err(|cause| format!("The model's answer does not fit the form: {cause}."))?;
    Ok(ModelSays { intent: said.intent, confidence: said.confidence, quote: said.quote })
}

impl Verdict {
    /// Lets the verdict decide where it may, and says what came of it, for whoever asks why a reply was taken
    /// for something.
    pub(super) fn apply(
        &self,
        understood: &mut Understood,
        received_at: Time,
        ours: &OurMail,
        sender: &str,
    ) -> Value {
        let built_in = json!({
            "intent": understood.intent.name(), "confidence": understood.confidence, "evidence": understood.evidence,
        });
        let (says, ignored) = match &self.said {
            Err(why) => (None, Some(why.clone())),
            Ok(says) => {
                let decided = decided_by_model(understood, says, received_at, ours, sender);
                let why = "It is not sure enough, or names words that are not theirs.";
                (Some(says), (!decided).then(|| why.to_owned()))
            }
        };
        json!({
            "model": self.model, "prompt_version": prompt_version(), "cost_micros": self.cost_micros,
            "intent": says.map(|says| says.intent.name()), "confidence": says.map(|says| says.confidence),
            "ignored": ignored, "built_in": built_in,
        })
    }
}
