//! What a score is made of, and the exact arithmetic that makes its parts add up.

use super::{Tier, VERSION, Weights};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A number of points in hundredths, shown with two decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hundredths(pub i32);

impl std::fmt::Display for Hundredths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        if size.is_multiple_of(100) {
            write!(f, "{sign}{}", size / 100)
        } else {
            write!(f, "{sign}{}.{:02}", size / 100, size % 100)
        }
    }
}

/// The five components.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// How well the person can be reached (20).
    DataQuality,
    /// How much the person can decide (25).
    Authority,
    /// How well the company fits the ICP (25).
    CompanyFit,
    /// Whether now is a good moment (15).
    Timing,
    /// What speaks against contact (15, falling).
    Risk,
}

impl ComponentKind {
    /// All, in the order in which they are shown and weighted.
    pub const ALL: [Self; 5] =
        [Self::DataQuality, Self::Authority, Self::CompanyFit, Self::Timing, Self::Risk];

    /// The largest number of points.
    pub fn max(self) -> u8 {
        match self {
            Self::DataQuality => 20,
            Self::Authority | Self::CompanyFit => 25,
            Self::Timing | Self::Risk => 15,
        }
    }

    /// The name in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::DataQuality => "data_quality",
            Self::Authority => "authority",
            Self::CompanyFit => "company_fit",
            Self::Timing => "timing",
            Self::Risk => "risk",
        }
    }

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::DataQuality => "Data quality",
            Self::Authority => "Authority",
            Self::CompanyFit => "Company fit",
            Self::Timing => "Timing",
            Self::Risk => "Risk",
        }
    }
}

/// Why points were given, withheld or taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The fact looked at (`email`, `title`, `industry`, …), stable text.
    pub fact: Cow<'static, str>,
    /// Points given (negative: taken).
    pub points: i32,
    /// One sentence for people.
    pub text: Cow<'static, str>,
}

/// One component of a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Component {
    /// Which one.
    pub kind: ComponentKind,
    /// Points before weighting, 0 to `max`.
    pub points: u8,
    /// The largest number of points.
    pub max: u8,
    /// Its part of the total after weighting, rounded half up to hundredths.
    pub weighted: Hundredths,
    /// The facts behind it; their points, held within 0 and `max`, give `points`.
    pub reasons: Vec<Reason>,
}

/// 300 is divisible by 20, 25 and 15, so a weighted component is a whole number of 1/300 hundredths.
const FINE: i64 = 300;

impl Component {
    pub(super) fn new(kind: ComponentKind, points: u8, basis_points: u16, reasons: Vec<Reason>) -> Self {
        let fine = fine(kind, points, basis_points);
        let weighted = Hundredths(i32::try_from((fine + FINE / 2) / FINE).unwrap_or(i32::MAX));
        Self { kind, points, max: kind.max(), weighted, reasons }
    }
}

/// points / max × weight × 100, in 1/300 hundredths (exact).
fn fine(kind: ComponentKind, points: u8, basis_points: u16) -> i64 {
    i64::from(points) * i64::from(basis_points) * (FINE / i64::from(kind.max()))
}

/// Where a boost comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.boost_kind", rename_all = "snake_case")]
pub enum BoostKind {
    /// The company has bought comparable services (at most 15).
    BuyerSignal,
    /// The person or company is active on LinkedIn (at most 10).
    LinkedinActivity,
    /// Leads like this went far in the funnel (at most 12).
    Funnel,
}

impl BoostKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::BuyerSignal, Self::LinkedinActivity, Self::Funnel];

    /// The most points that all boosts of this kind give together.
    pub fn cap(self) -> u8 {
        match self {
            Self::BuyerSignal => 15,
            Self::LinkedinActivity => 10,
            Self::Funnel => 12,
        }
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuyerSignal => "buyer_signal",
            Self::LinkedinActivity => "linkedin_activity",
            Self::Funnel => "funnel",
        }
    }

    /// The name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::BuyerSignal => "Buyer signal",
            Self::LinkedinActivity => "LinkedIn activity",
            Self::Funnel => "Funnel",
        }
    }
}

/// Extra points with their explanation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Boost {
    /// Where it comes from.
    pub kind: BoostKind,
    /// Points asked for in the input, points given (after the cap) in a score.
    pub points: u8,
    /// One sentence for people.
    pub text: String,
}

/// Holds the boosts of each kind within its cap; what is over the cap is cut from the later ones.
pub(super) fn capped(boosts: &[Boost]) -> Vec<Boost> {
    let mut left = BoostKind::ALL.map(BoostKind::cap);
    boosts
        .iter()
        .map(|boost| {
            let room = &mut left[boost.kind as usize];
            let points = boost.points.min(*room);
            *room -= points;
            Boost { points, ..boost.clone() }
        })
        .collect()
}

/// The points of all boosts together, each kind within its cap already.
pub(super) fn boosted(boosts: &[Boost]) -> u8 {
    boosts.iter().fold(0, |sum, boost| sum.saturating_add(boost.points))
}

/// The score that these points give, rounded half up, and whether the limit of 100 cut it.
pub(super) fn total(points: [u8; 5], boosted: u8, weights: &Weights) -> (u8, bool) {
    let weighted = ComponentKind::ALL.iter().zip(points).map(|(kind, n)| fine(*kind, n, weights.of(*kind)));
    let exact = weighted.sum::<i64>() + i64::from(boosted) * 100 * FINE;
    let whole = (exact.min(10_000 * FINE) + 50 * FINE) / (100 * FINE);
    (u8::try_from(whole).unwrap_or(100), exact > 10_000 * FINE)
}

/// One line of the sum that is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What it is, for people.
    pub label: &'static str,
    /// How much it adds to the total.
    pub value: Hundredths,
}

/// A lead's score with everything that explains it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// The five components in order.
    pub components: [Component; 5],
    /// The boosts as given, after their caps.
    pub boosts: Vec<Boost>,
    /// What the limit of 100 takes away (0 or negative).
    pub limit: Hundredths,
    /// What rounding to a whole number adds or takes.
    pub rounding: Hundredths,
    /// The score, 0 to 100, rounded half up.
    pub total: u8,
    /// Its tier.
    pub tier: Tier,
    /// The weights used.
    pub weights: Weights,
    /// The version of the formula.
    pub version: u16,
    /// Why, in one sentence without numbers, for clients.
    pub sentence: String,
}

impl Score {
    pub(super) fn of(components: [Component; 5], boosts: Vec<Boost>, weights: Weights) -> Self {
        let points = components.each_ref().map(|component| component.points);
        let (total, over) = total(points, boosted(&boosts), &weights);
        let shown = components.iter().map(|component| component.weighted.0).sum::<i32>()
            + boosts.iter().map(|boost| i32::from(boost.points) * 100).sum::<i32>();
        let difference = i32::from(total) * 100 - shown;
        let (limit, rounding) = if over { (difference, 0) } else { (0, difference) };
        let mut score = Self {
            components,
            boosts,
            limit: Hundredths(limit),
            rounding: Hundredths(rounding),
            total,
            tier: Tier::of(total),
            weights,
            version: VERSION,
            sentence: String::new(),
        };
        score.sentence = score.explain();
        score
    }

    /// The lines that add up to the total: components, boosts, and the limit and rounding where they
    /// are not zero.
    pub fn parts(&self) -> Vec<Part> {
        let components = self.components.iter().map(|c| Part { label: c.kind.label(), value: c.weighted });
        let boosts = self.boosts.iter().map(|boost| Part {
            label: boost.kind.label(),
            value: Hundredths(i32::from(boost.points) * 100),
        });
        let ends = [
            Part { label: "Limit of 100", value: self.limit },
            Part { label: "Rounding", value: self.rounding },
        ];
        components.chain(boosts).chain(ends.into_iter().filter(|part| part.value.0 != 0)).collect()
    }

    /// Every reason of every component, in order.
    pub fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.components.iter().flat_map(|component| &component.reasons)
    }

    /// The component of this kind.
    pub fn component(&self, kind: ComponentKind) -> &Component {
        &self.components[kind as usize]
    }

    /// The label and the three strongest reasons for, or what speaks against contact.
    fn explain(&self) -> String {
        let against: Vec<&str> = self.reasons().filter(|r| r.points < 0).map(|r| &*r.text).collect();
        let mut gained: Vec<&Reason> =
            self.reasons().filter(|reason| reason.points > 0 && reason.fact != "risk_base").collect();
        gained.sort_by_key(|reason| std::cmp::Reverse(reason.points));
        let strongest: Vec<&str> = gained.iter().take(3).map(|reason| &*reason.text).collect();
        let label = self.tier.client_label();
        match (strongest.is_empty(), against.is_empty()) {
            (true, true) => format!("{label}: hardly anything is known yet."),
            (true, false) => format!("{label}: {}.", against.join("; ")),
            (false, true) => format!("{label}: {}.", strongest.join("; ")),
            (false, false) => format!("{label}: {}; but {}.", strongest.join("; "), against.join("; ")),
        }
    }
}
