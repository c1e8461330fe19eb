//! What learning looks at: detectors, their dimensions, and how people read them. One closed list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the five questions that learning answers.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "insight.detector", rename_all = "snake_case")]
pub enum Detector {
    /// Which people answer well.
    Who,
    /// What is said to them.
    What,
    /// When it reaches them.
    When,
    /// Over which channels, in which order.
    How,
    /// What becomes of meetings and deals.
    Funnel,
}

impl Detector {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Who, Self::What, Self::When, Self::How, Self::Funnel];

    /// The word in addresses and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Who => "who",
            Self::What => "what",
            Self::When => "when",
            Self::How => "how",
            Self::Funnel => "funnel",
        }
    }

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Who => "Who answers",
            Self::What => "What works",
            Self::When => "When it works",
            Self::How => "Over which channels",
            Self::Funnel => "What becomes of meetings",
        }
    }

    /// What one observation of it is, for people.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Who | Self::How => "people written to",
            Self::What | Self::When => "messages",
            Self::Funnel => "meetings",
        }
    }

    /// What counts as success in it.
    pub fn success(self) -> &'static str {
        match self {
            Self::Who | Self::How => "a positive reply or a meeting within 28 days of the first message",
            Self::What | Self::When => {
                "a positive reply or a meeting within 14 days, as the answer to this message"
            }
            Self::Funnel => "the meeting was held, became a deal, or the deal was won",
        }
    }

    /// Observations and successes below which nothing is learnt.
    pub fn least(self) -> (u64, u64) {
        match self {
            Self::Who => (30, 10),
            Self::What | Self::When | Self::How | Self::Funnel => (20, 5),
        }
    }
}

impl std::str::FromStr for Detector {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL.into_iter().find(|detector| detector.word() == text).ok_or_else(|| {
            base::Error::invalid(
                "pattern.detector",
                format!("“{text}” is not a kind of pattern: who, what, when, how, funnel."),
            )
        })
    }
}

/// One way to divide observations into segments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// How senior the person is.
    Title,
    /// The company's industry.
    Industry,
    /// The company's headcount.
    Size,
    /// What makes now a good moment.
    Timing,
    /// The tier at the present score.
    Tier,
    /// Words of the subject.
    SubjectWords,
    /// What the subject is made of.
    SubjectForm,
    /// The pain point that is spoken of.
    PainPoint,
    /// What is asked for.
    Ask,
    /// How it argues.
    Angle,
    /// Words of the body.
    Length,
    /// What is personal in it.
    Personal,
    /// The channel of the message.
    Channel,
    /// The recipient's weekday.
    Weekday,
    /// The recipient's hour.
    Hour,
    /// Which message to the person it is.
    TouchNumber,
    /// Days since the message before.
    Gap,
    /// The channel that came first.
    FirstChannel,
    /// The first three channels in their order.
    Order,
    /// How many channels the first three messages used.
    Channels,
    /// Whether a held meeting follows a booked one, a deal a held one, a win a closed deal.
    Stage,
    /// Shows by how far ahead the meeting was booked.
    ShowByNotice,
    /// Shows by whether the meeting was moved.
    ShowByMove,
    /// Shows by whether a reminder left.
    ShowByReminder,
    /// Shows by campaign.
    ShowByCampaign,
    /// Deals of held meetings by campaign.
    DealByCampaign,
    /// Wins of closed deals by campaign.
    WinByCampaign,
}

impl Dimension {
    /// All, detector by detector. The place of a dimension is its number in [`Trait::code`]: add at the end.
    pub const ALL: [Self; 27] = [
        Self::Title,
        Self::Industry,
        Self::Size,
        Self::Timing,
        Self::Tier,
        Self::SubjectWords,
        Self::SubjectForm,
        Self::PainPoint,
        Self::Ask,
        Self::Angle,
        Self::Length,
        Self::Personal,
        Self::Channel,
        Self::Weekday,
        Self::Hour,
        Self::TouchNumber,
        Self::Gap,
        Self::FirstChannel,
        Self::Order,
        Self::Channels,
        Self::Stage,
        Self::ShowByNotice,
        Self::ShowByMove,
        Self::ShowByReminder,
        Self::ShowByCampaign,
        Self::DealByCampaign,
        Self::WinByCampaign,
    ];

    /// Which detector looks at it.
    pub fn detector(self) -> Detector {
        match self {
            Self::Title | Self::Industry | Self::Size | Self::Timing | Self::Tier => Detector::Who,
            Self::SubjectWords
            | Self::SubjectForm
            | Self::PainPoint
            | Self::Ask
            | Self::Angle
            | Self::Length
            | Self::Personal
            | Self::Channel => Detector::What,
            Self::Weekday | Self::Hour | Self::TouchNumber | Self::Gap => Detector::When,
            Self::FirstChannel | Self::Order | Self::Channels => Detector::How,
            Self::Stage
            | Self::ShowByNotice
            | Self::ShowByMove
            | Self::ShowByReminder
            | Self::ShowByCampaign
            | Self::DealByCampaign
            | Self::WinByCampaign => Detector::Funnel,
        }
    }

    /// Whether an observation is in one segment at most, so that the rest are all other segments. Where it
    /// can be in several, the rest are all observations without this one.
    pub fn divides(self) -> bool {
        !matches!(self, Self::Timing | Self::SubjectForm | Self::PainPoint | Self::Angle | Self::Personal)
    }

    /// Whether its segments are alike enough to be compared with each other.
    pub fn compares(self) -> bool {
        self != Self::Stage
    }

    /// The word in stored patterns and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Industry => "industry",
            Self::Size => "size",
            Self::Timing => "timing",
            Self::Tier => "tier",
            Self::SubjectWords => "subject_words",
            Self::SubjectForm => "subject_form",
            Self::PainPoint => "pain_point",
            Self::Ask => "ask",
            Self::Angle => "angle",
            Self::Length => "length",
            Self::Personal => "personal",
            Self::Channel => "channel",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::TouchNumber => "touch_number",
            Self::Gap => "gap",
            Self::FirstChannel => "first_channel",
            Self::Order => "order",
            Self::Channels => "channels",
            Self::Stage => "stage",
            Self::ShowByNotice => "show_by_notice",
            Self::ShowByMove => "show_by_move",
            Self::ShowByReminder => "show_by_reminder",
            Self::ShowByCampaign => "show_by_campaign",
            Self::DealByCampaign => "deal_by_campaign",
            Self::WinByCampaign => "win_by_campaign",
        }
    }

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Title => "Seniority",
            Self::Industry => "Industry",
            Self::Size => "Employees",
            Self::Timing => "Timing signals",
            Self::Tier => "Score tier",
            Self::SubjectWords => "Words of the subject",
            Self::SubjectForm => "Shape of the subject",
            Self::PainPoint => "Pain point",
            Self::Ask => "Call to action",
            Self::Angle => "Angle",
            Self::Length => "Length of the body",
            Self::Personal => "What is personal",
            Self::Channel => "Channel",
            Self::Weekday => "Weekday",
            Self::Hour => "Hour of the day",
            Self::TouchNumber => "Number of the message",
            Self::Gap => "Days since the message before",
            Self::FirstChannel => "First channel",
            Self::Order => "Order of the first three",
            Self::Channels => "Channels among the first three",
            Self::Stage => "Stages",
            Self::ShowByNotice => "Shows by notice",
            Self::ShowByMove => "Shows by change of time",
            Self::ShowByReminder => "Shows by reminder",
            Self::ShowByCampaign => "Shows by campaign",
            Self::DealByCampaign => "Deals by campaign",
            Self::WinByCampaign => "Wins by campaign",
        }
    }
}

/// One trait of a message: a segment of a dimension, as one small number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Trait {
    /// Of which dimension.
    pub dimension: Dimension,
    /// Which segment, below 100.
    pub value: u8,
}

impl Trait {
    /// The number in [`insight.sent`](crate::learn): dimension times 100 and the value.
    pub fn code(self) -> i16 {
        self.dimension as i16 * 100 + i16::from(self.value.min(99))
    }

    /// The trait of a number; none for one that no dimension has.
    pub fn of(code: i16) -> Option<Self> {
        let dimension = *Dimension::ALL.get(usize::try_from(code / 100).ok()?)?;
        Some(Self { dimension, value: u8::try_from(code % 100).ok()? })
    }

    /// The segment's word, as findings name it.
    pub fn segment(self) -> String {
        let words: &[&str] = match self.dimension {
            Dimension::SubjectWords => &["none", "to_3", "to_6", "from_7"],
            Dimension::SubjectForm => &["question", "number", "name", "company", "reply", "lower_case"],
            Dimension::PainPoint => super::shape::PAINS,
            Dimension::Ask => super::shape::ASKS,
            Dimension::Angle => super::shape::ANGLES,
            Dimension::Length => &["to_49", "to_79", "to_119", "to_149", "from_150"],
            Dimension::Personal => super::shape::PERSONAL,
            Dimension::Channel => &["email", "sms", "linkedin", "voice", "mail"],
            Dimension::Gap => &["first", "to_1", "to_3", "to_5", "to_9", "from_10"],
            Dimension::Title
            | Dimension::Industry
            | Dimension::Size
            | Dimension::Timing
            | Dimension::Tier
            | Dimension::Weekday
            | Dimension::Hour
            | Dimension::TouchNumber
            | Dimension::FirstChannel
            | Dimension::Order
            | Dimension::Channels
            | Dimension::Stage
            | Dimension::ShowByNotice
            | Dimension::ShowByMove
            | Dimension::ShowByReminder
            | Dimension::ShowByCampaign
            | Dimension::DealByCampaign
            | Dimension::WinByCampaign => &[],
        };
        words.get(usize::from(self.value)).map_or_else(|| self.value.to_string(), |word| (*word).to_owned())
    }
}

/// Weekdays, Monday first.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A segment as people read it.
pub fn segment_label(dimension: Dimension, segment: &str) -> String {
    let number = segment.parse::<usize>().ok();
    match dimension {
        Dimension::Weekday => {
            number.and_then(|day| DAYS.get(day.wrapping_sub(1))).map_or(segment, |day| day).to_owned()
        }
        Dimension::Hour => number.map_or(segment.to_owned(), |hour| format!("{hour:02}:00")),
        Dimension::TouchNumber => format!("message {segment}"),
        Dimension::Channels => {
            if segment == "1" {
                "one channel".to_owned()
            } else {
                format!("{segment} channels")
            }
        }
        Dimension::Order => segment.replace('>', ", then "),
        Dimension::Gap if segment == "first" => "the first message".to_owned(),
        Dimension::SubjectWords if segment == "none" => "no subject".to_owned(),
        Dimension::SubjectWords | Dimension::Length | Dimension::Gap => {
            let (kind, amount) = segment.split_once('_').unwrap_or(("", segment));
            let unit = if dimension == Dimension::Gap { "days" } else { "words" };
            if kind == "to" { format!("up to {amount} {unit}") } else { format!("{amount} {unit} or more") }
        }
        Dimension::Title
        | Dimension::Industry
        | Dimension::Size
        | Dimension::Timing
        | Dimension::Tier
        | Dimension::SubjectForm
        | Dimension::PainPoint
        | Dimension::Ask
        | Dimension::Angle
        | Dimension::Personal
        | Dimension::Channel
        | Dimension::FirstChannel
        | Dimension::Stage
        | Dimension::ShowByNotice
        | Dimension::ShowByMove
        | Dimension::ShowByReminder
        | Dimension::ShowByCampaign
        | Dimension::DealByCampaign
        | Dimension::WinByCampaign => segment.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trait_is_found_again_by_its_number() {
        for (place, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension as usize, place, "{dimension:?} stands where its number says");
            let one = Trait { dimension, value: 7 };
            assert_eq!(Trait::of(one.code()), Some(one));
        }
        assert_eq!(Trait::of(9_900), None);
        assert_eq!(Trait::of(-5), None);
    }

    #[test]
    fn segments_read_as_words() {
        for (dimension, segment, words) in [
            (Dimension::Weekday, "2", "Tuesday"),
            (Dimension::Hour, "9", "09:00"),
            (Dimension::Gap, "to_3", "up to 3 days"),
            (Dimension::Length, "from_150", "150 words or more"),
            (Dimension::Order, "email>linkedin>email", "email, then linkedin, then email"),
            (Dimension::Personal, "company_named", "company named"),
        ] {
            assert_eq!(segment_label(dimension, segment), words);
        }
    }
}
