//! The writer that asks a language model. It is given the sheet as data, must name the evidence of each
//! claim, and is checked by rules and, where one is set, by a second model.

use super::{
    brief::{Brief, Rank},
    builtin,
    claims::{self, Ground},
    compose::Env,
    critic, fill, footer, limits,
    model::{self, LlmSettings},
    short,
};
use crate::channel::Channel;
use base::{Digest, Result};
use ports::llm::{Answer, Message, Request, Role};
use serde::Deserialize;
use serde_json::{Value, json};

const EMAIL: &str = include_str!("../../prompts/outreach-email.md");
const SHORT: &str = include_str!("../../prompts/outreach-short.md");

fn prompt(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => EMAIL,
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => SHORT,
    }
}

/// The version of a channel's prompt: a short hash of its text; with a critic, of its prompt too.
pub fn prompt_version(channel: Channel, with_critic: bool) -> String {
    let version = Digest::of(prompt(channel).as_bytes()).short();
    if with_critic { format!("{version}+{}", critic::prompt_version()) } else { version }
}

/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 1_500;
/// How often a model is asked for one message.
const TRIES: usize = 2;

/// A message that passed every check: of an e-mail without its footer, of any other channel whole.
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

/// Why a model has nothing to write, if so: a template without `SMART_PROMPT` is sent as it is, and an address
/// must stand as it is, which a model's text may not hold.
pub(super) fn passed_over(brief: &Brief) -> Option<&'static str> {
    let template = brief.step.body_template.trim();
    if !template.is_empty() && !template.contains("SMART_PROMPT") {
        return Some("the step's template is wholly the client's own");
    }
    (brief.booking_url.is_some() && fill::asks_for(template, "booking_link"))
        .then_some("the step's template holds the address of the booking page")
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
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
    let sheet = sheet(brief);
    let mut messages = vec![Message { role: Role::User, text: sheet.clone() }];
    let mut problems = String::new();
    let purse = env.purse("outreach.write");
    for tries in 1..=TRIES {
        let request = Request {
            system: prompt(brief.step.channel).to_owned(),
            messages: messages.clone(),
            max_output_tokens: MAX_OUTPUT_TOKENS,
            schema: Some(schema(brief.step.channel)),
            purpose: "outreach.write".to_owned(),
        };
        let answer =
            match model::ask(env.ports, &settings.account, &purse, &request, &mut cost_micros).await? {
                Ok(answer) => answer,
                Err(reason) => return Ok(Tried { written: Err(reason), cost_micros, tries }),
            };
        let mut examined = examine(brief, &answer);
        if let (Ok(written), Some(second)) = (&examined, &settings.critic) {
            let said = (written.subject.as_str(), written.body.as_str());
            match critic::faults(env, second, brief, &sheet, said, &mut cost_micros).await? {
                Ok(faults) if faults.is_empty() => {}
                Ok(faults) => examined = Err(faults.join("\n")),
                Err(reason) => return Ok(Tried { written: Err(reason), cost_micros, tries }),
            }
        }
        match examined {
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

fn schema(channel: Channel) -> Value {
    let text = json!({"type": "string"});
    let claims = json!({"type": "array", "items": {
        "type": "object", "additionalProperties": false, "required": ["text", "evidence_ids"],
        "properties": {"text": text, "evidence_ids": {"type": "array", "items": text}},
    }});
    match channel {
        Channel::Email => json!({
            "type": "object", "additionalProperties": false, "required": ["subject", "body", "claims"],
            "properties": {"subject": text, "body": text, "claims": claims},
        }),
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => json!({
            "type": "object", "additionalProperties": false, "required": ["body", "claims"],
            "properties": {"body": text, "claims": claims},
        }),
    }
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
        "channel": brief.step.channel,
        "form": brief.step.form,
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
    let core = reply.body.trim().replace("\r\n", "\n");
    let (subject, body) = match brief.step.channel {
        Channel::Email => {
            let subject = builtin::given_subject(brief).unwrap_or_else(|| reply.subject.trim().to_owned());
            let greeted = builtin::greets(&core);
            (subject, if greeted { core.clone() } else { format!("{}\n\n{core}", footer::greeting(brief)) })
        }
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => short::wrapped(brief, &core),
    };
    let issues = short::check(brief.step.channel, brief.step.form, &subject, &body);
    let mut faults: Vec<String> =
        issues.iter().filter(|issue| issue.error).map(|issue| issue.detail.clone()).collect();
    if core.chars().any(|c| c.is_control() && c != '\n') || core.contains("://") {
        faults.push("The body contains a link or a control character.".to_owned());
    }
    if limits::questions(&core) > 1 {
        faults.push("It asks more than one question.".to_owned());
    }
    let ground = Ground::of(brief);
    for part in claims::unsupported(&ground, &core).into_iter().chain(claims::unsupported(&ground, &subject))
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
        faults.dedup();
        return Err(faults.join("\n"));
    }
    let warnings = issues.into_iter().filter(|issue| !issue.error).collect();
    Ok(Written { subject, body, used, model: answer.spent.model.clone(), warnings })
}
