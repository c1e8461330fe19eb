//! The closed set of intents and the negation-safe rules that name them.

use super::intent_patterns::{
    AUTOMATIC, AWAY, CROSS, DECLINES, FURIOUS, HANDED_ON, KEEN, MEETING, POINTS_TO, SOFT_NO, WRONG,
};
use super::phrase::{Hit, Patterns, Word, negated, slice};

/// What a reply asks for or says.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Debug,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema
)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Wants to talk, names or asks for a time.
    MeetingRequest,
    /// Wants to know more.
    Interested,
    /// Asks something.
    Question,
    /// Declines, also “not now”.
    NotInterested,
    /// Asks to be left alone.
    Unsubscribe,
    /// Is away.
    OutOfOffice,
    /// A machine's receipt.
    AutoReply,
    /// Names somebody else to talk to.
    Referral,
    /// Is not, or no longer, the right person.
    WrongPerson,
    /// Is angry: a person of ours must look before anything is sent.
    Angry,
    /// Cannot be told: a person of ours decides.
    Unclear,
}

impl Intent {
    /// All intents, in the order of the classifier's weights.
    pub const ALL: [Intent; 11] = [
        Intent::MeetingRequest,
        Intent::Interested,
        Intent::Question,
        Intent::NotInterested,
        Intent::Unsubscribe,
        Intent::OutOfOffice,
        Intent::AutoReply,
        Intent::Referral,
        Intent::WrongPerson,
        Intent::Angry,
        Intent::Unclear,
    ];

    /// The name used in data and APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeetingRequest => "meeting_request",
            Self::Interested => "interested",
            Self::Question => "question",
            Self::NotInterested => "not_interested",
            Self::Unsubscribe => "unsubscribe",
            Self::OutOfOffice => "out_of_office",
            Self::AutoReply => "auto_reply",
            Self::Referral => "referral",
            Self::WrongPerson => "wrong_person",
            Self::Angry => "angry",
            Self::Unclear => "unclear",
        }
    }

    /// Whether a person wrote, rather than a machine for them.
    pub fn is_from_person(self) -> bool {
        match self {
            Self::OutOfOffice | Self::AutoReply => false,
            Self::MeetingRequest
            | Self::Interested
            | Self::Question
            | Self::NotInterested
            | Self::Unsubscribe
            | Self::Referral
            | Self::WrongPerson
            | Self::Angry
            | Self::Unclear => true,
        }
    }

    /// Whether an answer of this kind counts as a positive reply.
    pub fn positive(self) -> bool {
        matches!(self, Self::MeetingRequest | Self::Interested)
    }
}

/// An intent that a rule found, and the words that say so.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// Intent.
    pub intent: Intent,
    /// How sure the rule is, 0..1.
    pub confidence: f32,
    /// The phrase.
    pub evidence: String,
}

/// What the rules need to know beside the words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The opt-out phrase, when there is one.
    pub opt_out: Option<&'a str>,
    /// Whether a foreign e-mail address stands in the text.
    pub address: bool,
}

/// Confidence of a yes that follows a soft no.
pub const TURNED: f32 = 0.75;

/// Applies the rules, the safest intent first.
pub fn by_rule(text: &str, words: &[Word], hints: Hints<'_>) -> Option<Found> {
    let seen = Seen { text, words };
    let found = |intent, confidence, evidence: String| Some(Found { intent, confidence, evidence });
    if let Some(said) = seen.first(&FURIOUS, 3) {
        return found(Intent::Angry, 0.95, said);
    }
    if let Some(said) = hints.opt_out {
        return found(Intent::Unsubscribe, 0.97, said.to_owned());
    }
    if let Some(said) = seen.first(&AUTOMATIC, 0) {
        return found(Intent::AutoReply, 0.9, said);
    }
    if let Some(said) = seen.first(&AWAY, 2) {
        return found(Intent::OutOfOffice, 0.9, said);
    }
    if let Some(said) = seen.first(&CROSS, 2) {
        return found(Intent::Angry, 0.85, said);
    }
    let handed_on = seen.first(&HANDED_ON, 2);
    if let Some(said) = seen.first(&WRONG, 0) {
        return match handed_on {
            Some(to) => found(Intent::Referral, 0.9, to),
            None => found(Intent::WrongPerson, 0.9, said),
        };
    }
    if hints.address
        && let Some(said) = handed_on.clone().or_else(|| seen.first(&POINTS_TO, 2))
    {
        return found(Intent::Referral, 0.92, said);
    }
    let mut sure = 0.88;
    let meeting = seen.positive(&MEETING);
    let keen = seen.positive(&KEEN);
    let turned = seen.last_at(&[&MEETING, &KEEN]);
    if let Some((at, said)) = seen.first_at(&DECLINES) {
        return found(
            Intent::NotInterested,
            if turned.is_some_and(|later| later > at) { 0.75 } else { 0.92 },
            said,
        );
    }
    if let Some((at, said)) = seen.first_at(&SOFT_NO) {
        // “We have an agency, but I'd love to see yours.” is a yes; “Love it, but we have one.” is a no.
        let but = words
            .iter()
            .any(|word| matches!(word.text.as_str(), "but" | "however" | "though" | "although" | "still"));
        let yes = words.first().is_some_and(|word| {
            matches!(
                word.text.as_str(),
                "yes" | "yeah" | "yep" | "yup" | "sure" | "ok" | "okay" | "great" | "perfect"
            )
        });
        if !((but || yes) && turned.is_some_and(|later| later > at)) {
            return found(Intent::NotInterested, 0.85, said);
        }
        sure = TURNED;
    }
    if let Some(said) = handed_on {
        return found(Intent::Referral, 0.85, said);
    }
    if let Some(said) = meeting {
        return found(Intent::MeetingRequest, sure, said);
    }
    keen.and_then(|said| found(Intent::Interested, sure, said))
}

struct Seen<'a> {
    text: &'a str,
    words: &'a [Word],
}

impl Seen<'_> {
    fn say(&self, hit: Hit) -> String {
        slice(self.text, self.words, hit).to_owned()
    }

    /// The first match that no negation stands before (within `reach` words).
    fn first(&self, patterns: &Patterns, reach: usize) -> Option<String> {
        patterns
            .all(self.words)
            .into_iter()
            .find(|hit| reach == 0 || !negated(self.words, hit.from, reach))
            .map(|hit| self.say(hit))
    }

    fn first_at(&self, patterns: &Patterns) -> Option<(usize, String)> {
        // “I'll pass it on” hands on; “I'll pass” declines.
        let hands_on = |hit: &Hit| {
            let word = |at: usize| self.words.get(at).map_or("", |word| word.text.as_str());
            word(hit.to - 1) == "pass"
                && matches!(
                    word(hit.to),
                    "it" | "this" | "that" | "your" | "you" | "on" | "along" | "them" | "these"
                )
                && word(hit.to + 1) != "thanks"
        };
        patterns.all(self.words).into_iter().find(|hit| !hands_on(hit)).map(|hit| (hit.from, self.say(hit)))
    }

    /// A positive phrase counts only when nothing in its clause turns it round.
    fn positive(&self, patterns: &Patterns) -> Option<String> {
        patterns
            .all(self.words)
            .into_iter()
            .find(|hit| !negated(self.words, hit.from, 5))
            .map(|hit| self.say(hit))
    }

    fn last_at(&self, sets: &[&Patterns]) -> Option<usize> {
        sets.iter()
            .flat_map(|set| set.all(self.words))
            .filter(|hit| !negated(self.words, hit.from, 5))
            .map(|hit| hit.from)
            .max()
    }
}
