//! What a reply means: pure, deterministic, no database, no clock.
//!
//! Order: headers of machines → the person's own words → rules that know negation → the built-in
//! classifier → below [`MIN_CONFIDENCE`] a person decides, or a model where one is set ([`Understood::is_uncertain`],
//! [`decided_by_model`]; whoever calls asks it). Of several intents in one reply the safest wins: anger and
//! opt-outs over interest.

pub mod classifier;
mod dates;
pub mod entities;
pub mod eval;
pub mod intent;
mod intent_patterns;
pub mod money;
pub mod optout;
pub mod phrase;
pub mod text;
pub mod train;

pub use entities::Objection;
pub use intent::Intent;

use crate::machine::{self, MailKind};
use crate::mail;
use base::{Time, Zone};
use jiff::civil::Date;

/// Below this the answer is [`Intent::Unclear`] and a person decides.
pub const MIN_CONFIDENCE: f32 = 0.6;
/// Characters of the person's own words that are judged.
const MAX_WORDS: usize = 8_000;

/// What is known of our side of the thread.
#[derive(Clone, Debug, Default)]
pub struct OurMail {
    /// Addresses of ours; never a referral.
    pub addresses: Vec<String>,
    /// Text of the message that is answered.
    pub body: Option<String>,
    /// The footer that we put below it.
    pub footer: Option<String>,
    /// Zone of the recipient, for “tomorrow”; UTC when missing.
    pub zone: Option<Zone>,
    /// Whether 03/04 is 4 March (United States) and not 3 April.
    pub month_first: bool,
}

/// What decided.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A header of the message.
    Header,
    /// A phrase.
    Rule,
    /// The built-in classifier.
    Classifier,
    /// A language model, where the built-in classifier was not sure.
    Model,
}

/// A reply that was read.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Understood {
    /// The person's own words.
    pub text: String,
    /// The same with its sign-off: what is shown.
    pub reply: String,
    /// The block below the sign-off.
    pub signature: String,
    /// What it means.
    pub intent: Intent,
    /// How sure, 0..1.
    pub confidence: f32,
    /// What decided.
    pub by: Method,
    /// The phrase or header that decided; for the classifier its best two guesses.
    pub evidence: String,
    /// Whether the person asks to be left alone, whatever else the reply says.
    pub opt_out: bool,
    /// When an absent person is back.
    pub return_date: Option<Date>,
    /// Times that are proposed, as written.
    pub times: Vec<String>,
    /// Questions, as written.
    pub questions: Vec<String>,
    /// Address of somebody else to talk to; only one that stands in the text.
    pub referral: Option<String>,
    /// Telephone number, as written.
    pub phone: Option<String>,
    /// An amount of money, as written.
    pub budget: Option<String>,
    /// Another supplier that they use, as written.
    pub competitor: Option<String>,
    /// Why somebody hesitates.
    pub objection: Option<Objection>,
    /// −1 (hostile) to 1 (warm).
    pub sentiment: f32,
}

impl Understood {
    /// Whether the built-in classifier had the last word and was not sure of it, so that a model may be asked.
    /// Never of an opt-out, of what a header or a rule decided, or of a reply without words.
    pub fn is_uncertain(&self) -> bool {
        self.by == Method::Classifier
            && self.confidence < MIN_CONFIDENCE
            && !self.opt_out
            && !self.text.trim().is_empty()
    }
}

/// What a model takes a reply for.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelSays {
    /// What it means.
    pub intent: Intent,
    /// How sure, 0..1.
    pub confidence: f32,
    /// The person's words that carry it, as they stand in the reply.
    pub quote: String,
}

/// Takes a reply for what a model says it is, and reads again what follows from that. False, and nothing is
/// changed, when the reply was not [uncertain](Understood::is_uncertain), when the model is not sure enough (a
/// yes needs more than another word), or when the words that it names are not the person's.
pub fn decided_by_model(
    found: &mut Understood,
    says: &ModelSays,
    received_at: Time,
    ours: &OurMail,
    sender: &str,
) -> bool {
    let bar = if says.intent.positive() { POSITIVE_BAR } else { MIN_CONFIDENCE };
    let sure = (bar..=1.0).contains(&says.confidence);
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let quote = squeezed(&says.quote);
    let quoted = !quote.is_empty() && squeezed(&found.text).contains(&quote);
    if !found.is_uncertain() || !sure || !quoted || says.intent == Intent::Unclear {
        return false;
    }
    found.intent = says.intent;
    found.confidence = says.confidence;
    found.by = Method::Model;
    found.evidence.clone_from(&says.quote);
    found.opt_out = says.intent == Intent::Unsubscribe;
    if says.intent == Intent::OutOfOffice && found.return_date.is_none() {
        found.return_date = entities::return_date(&found.text, date_at(received_at, ours), !ours.month_first);
    }
    let mut not: Vec<&str> = ours.addresses.iter().map(String::as_str).collect();
    not.push(sender);
    found.referral = entities::referral(&found.text, &not).filter(|_| names_another(says.intent));
    if says.intent.positive() || !says.intent.is_from_person() {
        found.objection = None;
    }
    true
}

/// Whether a reply of this kind may name somebody else to talk to.
fn names_another(intent: Intent) -> bool {
    matches!(intent, Intent::Referral | Intent::WrongPerson | Intent::OutOfOffice | Intent::AutoReply)
}

/// Reads a raw message. Bounces and complaints should be taken out before
/// ([`machine::judge`]); here they end as automatic replies.
pub fn understand(raw: &[u8], received_at: Time, ours: &OurMail) -> Understood {
    understand_mail(&mail::read(raw), received_at, ours)
}

/// Reads a message that was decoded already.
pub fn understand_mail(message: &mail::Inbound, received_at: Time, ours: &OurMail) -> Understood {
    let verdict = machine::judge(message);
    let at =
        message.date.filter(|date| date.since_s(received_at).abs() < 400 * 86_400).unwrap_or(received_at);
    let mut found = read_words(&message.text, at, ours, message.sender());
    let by_header = |found: &mut Understood, intent| {
        found.intent = intent;
        found.confidence = if verdict.certain { 0.99 } else { 0.8 };
        found.by = Method::Header;
        found.evidence.clone_from(&verdict.evidence);
    };
    match verdict.kind {
        MailKind::Human => {}
        MailKind::OutOfOffice | MailKind::AutoReply | MailKind::Bounce | MailKind::Complaint => {
            // A machine that tells that somebody left is the one worth hearing.
            let gone = found.by == Method::Rule
                && matches!(found.intent, Intent::WrongPerson | Intent::Referral)
                && says_gone(&found.text);
            let weak = !verdict.certain && found.opt_out;
            if weak || gone {
                if gone {
                    found.intent = Intent::WrongPerson;
                    found.opt_out = false;
                }
            } else {
                found.opt_out = false;
                let away = verdict.kind == MailKind::OutOfOffice;
                by_header(&mut found, if away { Intent::OutOfOffice } else { Intent::AutoReply });
                if !away {
                    found.return_date = None;
                }
            }
        }
    }
    if found.intent == Intent::OutOfOffice && found.return_date.is_none() {
        found.return_date = entities::return_date(&message.subject, date_at(at, ours), !ours.month_first);
    }
    found
}

fn says_gone(text: &str) -> bool {
    let low = text.to_lowercase();
    [
        "no longer",
        "has left",
        "have left",
        "left the",
        "retired",
        "nicht mehr",
        "ya no trabaja",
        "ne travaille plus",
    ]
    .iter()
    .any(|words| low.contains(words))
}

/// Reads a reply that is text only (a form, LinkedIn, SMS, a pasted answer).
pub fn understand_text(raw: &str, received_at: Time, ours: &OurMail) -> Understood {
    read_words(raw, received_at, ours, "")
}

fn date_at(at: Time, ours: &OurMail) -> Date {
    let zone = ours.zone.clone().unwrap_or_else(Zone::utc);
    at.in_zone(&zone).date()
}

fn read_words(raw: &str, at: Time, ours: &OurMail, sender: &str) -> Understood {
    let sent = text::Ours { body: ours.body.as_deref(), footer: ours.footer.as_deref() };
    let own = text::own_words(raw, &sent);
    let said: String = own.text.chars().take(MAX_WORDS).collect();
    let words = phrase::words(&said);
    let opt_out = optout::find_in(&said, &words);
    let mut not: Vec<&str> = ours.addresses.iter().map(String::as_str).collect();
    not.push(sender);
    let address = entities::referral(&said, &not);
    let hints = intent::Hints { opt_out: opt_out.as_deref(), address: address.is_some() };
    let (intent, confidence, by, evidence) = decide(&said, &words, hints);
    let absent = intent == Intent::OutOfOffice || machine::reads_like_absence(&said.to_lowercase());
    let declines = !intent.positive();
    Understood {
        intent,
        confidence,
        by,
        evidence,
        opt_out: opt_out.is_some() || intent == Intent::Unsubscribe,
        return_date: if absent {
            entities::return_date(&said, date_at(at, ours), !ours.month_first)
        } else {
            None
        },
        times: entities::times(&said, &words),
        questions: entities::questions(&said),
        referral: address.filter(|_| names_another(intent)),
        phone: entities::phone(&said).or_else(|| entities::phone(&own.signature)),
        budget: money::budget(&said, &words),
        competitor: money::competitor(&said, &words),
        objection: entities::objection(&words)
            .filter(|_| declines && !matches!(intent, Intent::OutOfOffice | Intent::AutoReply)),
        sentiment: entities::sentiment(&words),
        text: said,
        reply: own.reply,
        signature: own.signature,
    }
}

/// What decided, how sure it is and the words that say so.
type Decision = (Intent, f32, Method, String);

/// A yes of the classifier alone needs more than another guess.
const POSITIVE_BAR: f32 = 0.7;
/// Below this a class is no rival of what a rule says.
const RIVAL: f32 = 0.1;

fn decide(said: &str, words: &[phrase::Word], hints: intent::Hints<'_>) -> Decision {
    if words.is_empty() {
        return (Intent::Unclear, 0.0, Method::Rule, String::new());
    }
    let guess = Guess::of(said, words);
    if let Some(found) = intent::by_rule(said, words, hints) {
        if let Some(decision) = guess.against(&found) {
            return decision;
        }
        return (found.intent, found.confidence, Method::Rule, found.evidence);
    }
    let asked = entities::questions(said);
    let only_asks =
        said.trim_end().ends_with('?') && asked.len() == 1 && asked[0].len() + 2 >= said.trim().len();
    let timed = !entities::times(said, words).is_empty();
    let unsupported = match guess.intent {
        Intent::Interested => guess.chance < 0.8 && guess.chance_of(Intent::Question) >= RIVAL,
        Intent::MeetingRequest => guess.chance < 0.9 && !timed,
        Intent::Question
        | Intent::NotInterested
        | Intent::Unsubscribe
        | Intent::OutOfOffice
        | Intent::AutoReply
        | Intent::Referral
        | Intent::WrongPerson
        | Intent::Angry
        | Intent::Unclear => false,
    };
    if only_asks && unsupported {
        return (Intent::Question, 0.65, Method::Rule, said.to_owned());
    }
    if guess.intent == Intent::Unclear && timed && words.len() <= 6 {
        return (Intent::MeetingRequest, 0.65, Method::Rule, said.to_owned());
    }
    let bar = if guess.intent.positive() { POSITIVE_BAR } else { MIN_CONFIDENCE };
    if guess.chance >= bar {
        return guess.decision();
    }
    if let Some(question) = asked.into_iter().next()
        && matches!(
            guess.intent,
            Intent::Question | Intent::Interested | Intent::Unclear | Intent::MeetingRequest
        )
    {
        return (Intent::Question, 0.65, Method::Rule, question);
    }
    (Intent::Unclear, guess.chance.min(0.59), Method::Classifier, guess.evidence())
}

/// What the classifier thinks.
struct Guess {
    intent: Intent,
    chance: f32,
    ranked: Vec<(Intent, f32)>,
}

impl Guess {
    fn of(said: &str, words: &[phrase::Word]) -> Self {
        let chances = classifier::probabilities(said, words);
        let mut ranked: Vec<(Intent, f32)> = Intent::ALL.into_iter().zip(chances).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self { intent: ranked[0].0, chance: ranked[0].1, ranked }
    }

    fn chance_of(&self, intent: Intent) -> f32 {
        self.ranked.iter().find(|(one, _)| *one == intent).map_or(0.0, |(_, chance)| *chance)
    }

    fn evidence(&self) -> String {
        let [first, second] = [self.ranked[0], self.ranked[1]];
        format!("{} {:.2}, {} {:.2}", first.0.name(), first.1, second.0.name(), second.1)
    }

    fn decision(&self) -> Decision {
        (self.intent, self.chance, Method::Classifier, self.evidence())
    }

    /// What to do when the classifier contradicts a rule; none when the rule stands.
    fn against(&self, found: &intent::Found) -> Option<Decision> {
        if self.intent == found.intent || self.chance < MIN_CONFIDENCE {
            return None;
        }
        let doubt = || {
            let evidence = format!("{} — but {}", found.evidence, self.evidence());
            Some((Intent::Unclear, 0.5, Method::Classifier, evidence))
        };
        match found.intent {
            // Insults stand. An opt-out that is also furious is for a person; the opt-out is kept.
            Intent::Angry if found.confidence > 0.9 => None,
            Intent::Unsubscribe => (self.intent == Intent::Angry).then(|| self.decision()),
            // “Not me, ask Ann” is both; whom to ask is worth more.
            Intent::Referral if self.intent == Intent::WrongPerson => None,
            // A yes must not be taken from words that the other reads as something else.
            Intent::MeetingRequest | Intent::Interested => {
                let both_yes = self.intent.positive();
                let refuses = matches!(
                    self.intent,
                    Intent::NotInterested | Intent::Unsubscribe | Intent::Angry | Intent::WrongPerson
                );
                let turned = found.confidence <= intent::TURNED;
                match (both_yes, refuses) {
                    (true, _) => (self.chance >= 0.75).then(|| self.decision()),
                    (false, true) if turned => None,
                    (false, true) => doubt(),
                    (false, false) => (self.chance >= POSITIVE_BAR).then(|| self.decision()),
                }
            }
            Intent::NotInterested if self.intent.positive() => {
                let sure = self.chance >= 0.9 && self.chance_of(found.intent) < RIVAL;
                if sure { doubt() } else { None }
            }
            Intent::NotInterested
            | Intent::Question
            | Intent::OutOfOffice
            | Intent::AutoReply
            | Intent::Referral
            | Intent::WrongPerson
            | Intent::Angry
            | Intent::Unclear => {
                let sure = self.chance >= 0.75 && self.chance_of(found.intent) < 0.25;
                match (sure, self.intent.positive()) {
                    (true, true) if self.chance < 0.9 => doubt(),
                    (true, _) => Some(self.decision()),
                    (false, _) => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
