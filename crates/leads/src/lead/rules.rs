//! The states of a lead and the moves between them. Nothing else may change the column.

use serde::{Deserialize, Serialize};

/// Where a lead stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(sqlx::Type)]
#[sqlx(type_name = "leads.status", rename_all = "snake_case")]
pub enum Status {
    /// Imported or added, nothing more is known.
    New,
    /// Facts were looked up.
    Enriched,
    /// It has a score.
    Scored,
    /// A campaign has contacted it.
    InSequence,
    /// It answered.
    Replied,
    /// A meeting is in the calendar.
    MeetingBooked,
    /// It became a client of the client.
    Converted,
    /// It asked us to stop. Terminal.
    Unsubscribed,
    /// Its address does not exist. Terminal.
    Bounced,
    /// It is not wanted, or does not want. Terminal.
    Disqualified,
    /// Every step was carried out without an answer. An answer may still come.
    Completed,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::New,
        Self::Enriched,
        Self::Scored,
        Self::InSequence,
        Self::Replied,
        Self::MeetingBooked,
        Self::Converted,
        Self::Unsubscribed,
        Self::Bounced,
        Self::Disqualified,
        Self::Completed,
    ];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Enriched => "enriched",
            Self::Scored => "scored",
            Self::InSequence => "in_sequence",
            Self::Replied => "replied",
            Self::MeetingBooked => "meeting_booked",
            Self::Converted => "converted",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::Disqualified => "disqualified",
            Self::Completed => "completed",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Enriched => "Enriched",
            Self::Scored => "Scored",
            Self::InSequence => "In sequence",
            Self::Replied => "Replied",
            Self::MeetingBooked => "Meeting booked",
            Self::Converted => "Converted",
            Self::Unsubscribed => "Unsubscribed",
            Self::Bounced => "Bounced",
            Self::Disqualified => "Disqualified",
            Self::Completed => "Completed",
        }
    }

    /// The number in the column `status_no`, by which lists are filtered.
    pub fn number(self) -> i16 {
        match self {
            Self::New => 0,
            Self::Enriched => 1,
            Self::Scored => 2,
            Self::InSequence => 3,
            Self::Replied => 4,
            Self::MeetingBooked => 5,
            Self::Converted => 6,
            Self::Unsubscribed => 7,
            Self::Bounced => 8,
            Self::Disqualified => 9,
            Self::Completed => 10,
        }
    }

    /// How far along the way a state is; a lead never goes back.
    fn rank(self) -> u8 {
        match self {
            Self::New => 0,
            Self::Enriched => 1,
            Self::Scored => 2,
            Self::InSequence => 3,
            Self::Completed => 4,
            Self::Replied => 5,
            Self::MeetingBooked => 6,
            Self::Converted => 7,
            Self::Disqualified => 8,
            Self::Bounced => 9,
            Self::Unsubscribed => 10,
        }
    }

    /// Whether nothing but an opt-out may follow.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Unsubscribed | Self::Bounced | Self::Disqualified => true,
            Self::New
            | Self::Enriched
            | Self::Scored
            | Self::InSequence
            | Self::Replied
            | Self::MeetingBooked
            | Self::Converted
            | Self::Completed => false,
        }
    }

    /// Whether a lead in this state may go to another. Along the way only forward; to the end states
    /// from anywhere but a stronger one; an opt-out always counts.
    pub fn may_become(self, to: Self) -> bool {
        match (self, to) {
            (a, b) if a == b => false,
            (_, Self::Unsubscribed) => true,
            (a, _) if a.is_terminal() => false,
            // A converted lead may still bounce or opt out, but is not disqualified by a reply.
            (Self::Converted, Self::Disqualified) => false,
            (a, b) => a.rank() < b.rank(),
        }
    }
}

impl std::str::FromStr for Status {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == text)
            .ok_or_else(|| base::Error::invalid("lead.status", format!("“{text}” is not a state of a lead.")))
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    #[test]
    fn moves_are_exactly_these() {
        let table: [(Status, &[Status]); 11] = [
            (
                New,
                &[
                    Enriched,
                    Scored,
                    InSequence,
                    Completed,
                    Replied,
                    MeetingBooked,
                    Converted,
                    Unsubscribed,
                    Bounced,
                    Disqualified,
                ],
            ),
            (
                Enriched,
                &[
                    Scored,
                    InSequence,
                    Completed,
                    Replied,
                    MeetingBooked,
                    Converted,
                    Unsubscribed,
                    Bounced,
                    Disqualified,
                ],
            ),
            (
                Scored,
                &[
                    InSequence,
                    Completed,
                    Replied,
                    MeetingBooked,
                    Converted,
                    Unsubscribed,
                    Bounced,
                    Disqualified,
                ],
            ),
            (
                InSequence,
                &[Completed, Replied, MeetingBooked, Converted, Unsubscribed, Bounced, Disqualified],
            ),
            (Completed, &[Replied, MeetingBooked, Converted, Unsubscribed, Bounced, Disqualified]),
            (Replied, &[MeetingBooked, Converted, Unsubscribed, Bounced, Disqualified]),
            (MeetingBooked, &[Converted, Unsubscribed, Bounced, Disqualified]),
            (Converted, &[Unsubscribed, Bounced]),
            (Disqualified, &[Unsubscribed]),
            (Bounced, &[Unsubscribed]),
            (Unsubscribed, &[]),
        ];
        for (from, allowed) in table {
            for to in Status::ALL {
                assert_eq!(from.may_become(to), allowed.contains(&to), "{from:?} → {to:?}");
            }
        }
    }
}
