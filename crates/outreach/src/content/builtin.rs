//! The built-in writer: templates over the sheet of facts, chosen by a stable hash of the lead, so
//! that the same lead always gets the same words. It uses what is on the sheet and nothing else, and
//! is what is sent when a language model may not or cannot write.

use super::{
    brief::{Brief, Evidence, Topic},
    compose::Unwritable,
    fill, footer, limits, text,
};
use base::Digest;

/// Version of the templates; stored with each draft.
pub const VERSION: &str = "builtin-1";

/// A message without greeting and footer unless the client's template greets by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// Greeting to the last line before the sign-off.
    pub body: String,
    /// Ids of the evidence that it uses.
    pub used: Vec<String>,
    /// Which templates, such as `first.hiring.2`.
    pub template: String,
}

/// What a step is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    First,
    FollowUp,
    Last,
}

impl Stage {
    pub(super) fn of(brief: &Brief) -> Self {
        match brief.step.number {
            ..=1 => Self::First,
            n if n >= brief.step.of => Self::Last,
            _ => Self::FollowUp,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::FollowUp => "follow_up",
            Self::Last => "last",
        }
    }
}

/// A stable choice among variants.
fn choose<T: Clone>(brief: &Brief, salt: &str, variants: &[T]) -> Option<(usize, T)> {
    let digest = Digest::of(format!("{}:{}:{salt}", brief.lead.id, brief.step.number).as_bytes());
    let number = digest.0.iter().take(4).fold(0_usize, |sum, byte| sum * 256 + usize::from(*byte));
    let index = number.checked_rem(variants.len())?;
    variants.get(index).map(|variant| (index, variant.clone()))
}

/// Writes. Errors: `no_fact` when nothing on the sheet can carry a message, `template` when the
/// client's template is empty once its unknown parts are left out, `limits` when its text breaks a limit.
pub fn write(brief: &Brief) -> Result<Written, Unwritable> {
    let (fact, opener) = carrying(brief)?;
    let stage = Stage::of(brief);
    let core = core(brief, stage, &opener);
    let subject = subject(brief, stage, fact);
    let mut used = vec![fact.id.clone()];
    let mut template = format!("{}.{:?}.{}", stage.word(), fact.topic, opener.variant).to_lowercase();
    let body = if brief.step.body_template.trim().is_empty() {
        core
    } else {
        template = format!("client.{template}");
        let (body, mine) = own_template(brief, &core, &opener.text)?;
        used = mine.unwrap_or(used);
        body
    };
    let body = if greets(&body) { body } else { format!("{}\n\n{body}", footer::greeting(brief)) };
    let body = if limits::questions(&body) == 0 { format!("{body}\n\n{}", ask(brief, stage)) } else { body };
    let errors: Vec<String> =
        limits::check(&subject, &body).into_iter().filter(|i| i.error).map(|i| i.detail).collect();
    if !errors.is_empty() {
        return Err(Unwritable { code: "limits", detail: errors.join(" ") });
    }
    Ok(Written { subject, body, used, template })
}

/// The client's template around or instead of the core; none when the evidence is the core's own.
fn own_template(
    brief: &Brief,
    core: &str,
    opener: &str,
) -> Result<(String, Option<Vec<String>>), Unwritable> {
    let filled = fill::fill(&brief.step.body_template, brief, core);
    if filled.text.is_empty() {
        return Err(Unwritable { code: "template", detail: fill::empty(brief) });
    }
    if brief.step.body_template.contains("SMART_PROMPT") {
        return Ok((filled.text, None));
    }
    let carries = |id: &String| brief.carrying().iter().any(|fact| fact.id == *id);
    if filled.used.iter().any(carries) {
        return Ok((filled.text, Some(filled.used)));
    }
    // No fact of weight in the client's words: the opener brings one, behind a greeting if there is one.
    let text = match filled.text.split_once('\n') {
        Some((first, rest)) if greets(first) => format!("{first}\n\n{opener}\n\n{}", rest.trim_start()),
        Some(_) | None => format!("{opener}\n\n{}", filled.text),
    };
    Ok((text, None))
}

/// Whether a text begins with a greeting.
pub(super) fn greets(body: &str) -> bool {
    let first = body.lines().next().unwrap_or_default().to_lowercase();
    let word = first.split([' ', ',']).next().unwrap_or_default();
    first.len() < 60 && matches!(word, "hi" | "hello" | "dear" | "good" | "g'day" | "hey")
}

pub(super) struct Opener {
    pub(super) text: String,
    pub(super) variant: usize,
}

/// The facts that can carry this message, each with the sentence that says it, the step's own first.
pub(super) fn openers(brief: &Brief) -> Vec<(&Evidence, Opener)> {
    let facts = brief.carrying();
    let from = usize::try_from(brief.step.number - 1).unwrap_or(0);
    (0..facts.len())
        .filter_map(|offset| facts.get((from + offset).checked_rem(facts.len())?).copied())
        .filter_map(|fact| opener(brief, fact).map(|opener| (fact, opener)))
        .collect()
}

/// Nothing on the sheet can carry a message.
pub(super) fn no_fact() -> Unwritable {
    Unwritable {
        code: "no_fact",
        detail: "Nothing is known of this lead that a message could be about (a title, an industry, something on its website).".to_owned(),
    }
}

/// The fact that carries this message (each step takes the next one) and the sentence that says it.
fn carrying(brief: &Brief) -> Result<(&Evidence, Opener), Unwritable> {
    openers(brief).into_iter().next().ok_or_else(no_fact)
}

fn company(brief: &Brief) -> String {
    brief.lead.company.as_deref().and_then(text::name).unwrap_or_else(|| "your company".to_owned())
}

fn opener(brief: &Brief, fact: &Evidence) -> Option<Opener> {
    let company = company(brief);
    let title = brief.lead.title.as_deref().and_then(text::name);
    let said = text::statement(&fact.text, 25);
    let quoted = |lead_ins: [&str; 2]| -> Vec<String> {
        said.iter().flat_map(|said| lead_ins.map(|lead_in| format!("{lead_in} “{said}”."))).collect()
    };
    let own = fact.id.starts_with("lead.");
    let about =
        [format!("I read this about {company}:"), format!("This about {company} is why I am writing:")];
    let about = [about[0].as_str(), about[1].as_str()];
    let variants: Vec<String> = match fact.topic {
        Topic::Hiring if own => vec![
            format!("I saw that {company} is hiring."),
            format!("I am writing because {company} is hiring."),
            format!("With {company} hiring, this may be a useful time to get in touch."),
        ],
        Topic::Funding if own => {
            vec![format!("I saw that {company} was funded recently."), format!("I am writing because {company} was funded recently.")]
        }
        Topic::NewRole if own => title
            .iter()
            .flat_map(|title| {
                [
                    format!("I saw that you began as {title} at {company} recently."),
                    format!("You began as {title} at {company} recently, so this may be a good time to get in touch."),
                ]
            })
            .collect(),
        Topic::Title => title
            .iter()
            .flat_map(|title| {
                [
                    format!("I am writing to you as {title} at {company}."),
                    format!("As {title} at {company}, you may be the right person for this."),
                ]
            })
            .collect(),
        Topic::Industry => brief
            .lead
            .industry
            .as_deref()
            .and_then(text::name)
            .iter()
            .flat_map(|industry| {
                [
                    format!("I am writing because {company} works in {industry}."),
                    format!("Since {company} works in {industry}, this may be relevant to you."),
                ]
            })
            .collect(),
        Topic::Size if own => said.iter().map(|said| format!("{said}, which is why I am writing.")).collect(),
        Topic::Objection => quoted(["You told us this before:", "I have kept in mind what you told us before:"]),
        Topic::Profile if fact.source == "website" => {
            let lead_in = format!("On the website of {company} I read:");
            quoted([&lead_in, about[1]])
        }
        Topic::Hiring
        | Topic::Funding
        | Topic::NewRole
        | Topic::PainPoint
        | Topic::Social
        | Topic::Size
        | Topic::Technology
        | Topic::Profile => quoted(about),
        Topic::ReplyIntent | Topic::Place | Topic::Name | Topic::Other => Vec::new(),
    };
    choose(brief, "opener", &variants).map(|(variant, text)| Opener { text, variant })
}

fn core(brief: &Brief, stage: Stage, opener: &Opener) -> String {
    let offer = offer(brief, if stage == Stage::First { 40 } else { 24 });
    let reference = match stage {
        Stage::First => None,
        Stage::FollowUp | Stage::Last => Some(reference(brief, stage)),
    };
    let first = match reference {
        Some(reference) => format!("{reference} {}", opener.text),
        None => opener.text.clone(),
    };
    [Some(first), offer, Some(ask(brief, stage))].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

pub(super) fn client(brief: &Brief) -> String {
    text::name(&brief.client.name).unwrap_or_else(|| "our company".to_owned())
}

/// What the client offers, in its own words.
pub(super) fn offer(brief: &Brief, words: usize) -> Option<String> {
    let said = text::statement(brief.offer()?, words)?;
    let client = client(brief);
    let speaks = ["We ", "I ", "Our "].iter().any(|start| said.starts_with(start))
        || said.starts_with(client.as_str());
    if speaks {
        return Some(if said.ends_with('…') { said } else { format!("{said}.") });
    }
    let end = if said.ends_with('…') { "" } else { "." };
    let variants = [
        format!("What {client} offers: {said}{end}"),
        format!("This is what we do at {client}: {said}{end}"),
    ];
    choose(brief, "offer", &variants).map(|(_, text)| text)
}

fn reference(brief: &Brief, stage: Stage) -> String {
    let date =
        brief.earlier.last().map(|earlier| earlier.at.in_zone(&brief.zone).strftime("%-d %B").to_string());
    let variants = match (stage, date) {
        (Stage::Last, Some(date)) => vec![
            format!("This is my last note after the one of {date}."),
            format!("I wrote to you on {date}; this is my last note on it."),
        ],
        (Stage::Last, None) => vec!["This is my last note on this.".to_owned()],
        (Stage::First | Stage::FollowUp, Some(date)) => vec![
            format!("I am following up on my note of {date}."),
            format!("I wrote to you on {date} and would like to add one thing."),
        ],
        (Stage::First | Stage::FollowUp, None) => vec!["I am following up on my earlier note.".to_owned()],
    };
    choose(brief, "reference", &variants).map(|(_, text)| text).unwrap_or_default()
}

/// The one soft question.
pub(super) fn ask(brief: &Brief, stage: Stage) -> String {
    let variants: &[&str] = match stage {
        Stage::First => &[
            "Would it be worth a short conversation?",
            "Would you be open to a short call about this?",
            "Is this something worth talking about?",
            "Should I send you a few more details?",
        ],
        Stage::FollowUp => &[
            "Is this something you would like to look at?",
            "Would it help if I sent a short summary?",
            "Is there a better person to ask about this?",
        ],
        Stage::Last => {
            &["Would a later time suit you better?", "Should I leave it here, or come back at a later time?"]
        }
    };
    choose(brief, "ask", variants).map(|(_, text)| text.to_owned()).unwrap_or_default()
}

/// Characters of a subject that leave room for “Re: ”.
const SUBJECT_CHARS: usize = 45;

/// The subject: of the thread for a follow-up in it, else the client's template, else one of ours that
/// keeps the limits.
fn subject(brief: &Brief, stage: Stage, fact: &Evidence) -> String {
    let threaded = brief.step.threaded && stage != Stage::First;
    if threaded && let Some(first) = brief.earlier.first().map(|earlier| earlier.subject.as_str()) {
        return format!("Re: {}", bare(first));
    }
    let smart = smart_subject(brief, fact);
    let chosen = if brief.step.subject_template.trim().is_empty() {
        smart
    } else {
        let filled = text::squeeze(&fill::fill(&brief.step.subject_template, brief, &smart).text);
        if passes(bare(&filled)) { filled } else { smart }
    };
    if threaded { format!("Re: {}", bare(&chosen)) } else { chosen }
}

fn bare(subject: &str) -> &str {
    let mut text = subject.trim();
    while let Some(rest) = text.strip_prefix("Re:").or_else(|| text.strip_prefix("RE:")) {
        text = rest.trim_start();
    }
    text
}

fn passes(subject: &str) -> bool {
    !subject.is_empty() && limits::check(subject, "One question?").iter().all(|issue| !issue.error)
}

fn smart_subject(brief: &Brief, fact: &Evidence) -> String {
    let first = brief.lead.first_name.as_deref().and_then(text::first_name);
    let company = brief.lead.company.as_deref().and_then(text::name);
    let mut candidates: Vec<String> = Vec::new();
    if let Some(company) = &company {
        match fact.topic {
            Topic::Hiring => candidates.push(format!("Hiring at {company}")),
            Topic::NewRole => candidates.push(format!("Your role at {company}")),
            Topic::Funding
            | Topic::PainPoint
            | Topic::Objection
            | Topic::ReplyIntent
            | Topic::Social
            | Topic::Title
            | Topic::Industry
            | Topic::Size
            | Topic::Technology
            | Topic::Profile
            | Topic::Place
            | Topic::Name
            | Topic::Other => {}
        }
        candidates.extend([
            format!("A question for {company}"),
            format!("A thought for {company}"),
            format!("About {company}"),
        ]);
    }
    candidates.extend(first.map(|first| format!("{first}, a short question")));
    candidates.retain(|candidate| candidate.chars().count() <= SUBJECT_CHARS && passes(candidate));
    choose(brief, "subject", &candidates)
        .map_or_else(|| "A short question".to_owned(), |(_, subject)| subject)
}

/// The subject that the thread or the client's template gives; none where the writer decides.
pub(super) fn given_subject(brief: &Brief) -> Option<String> {
    let smart =
        brief.step.subject_template.trim().is_empty() || brief.step.subject_template.contains("SMART_PROMPT");
    let threaded = brief.step.threaded && Stage::of(brief) != Stage::First;
    if smart && !threaded {
        return None;
    }
    let (fact, _) = carrying(brief).ok()?;
    Some(subject(brief, Stage::of(brief), fact))
}
