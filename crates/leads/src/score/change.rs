//! What would make a lead hot: the fewest facts whose change lifts it into a tier, found by scoring again.

use super::{EmailState, Icp, Input, PhoneState, Points, Tier, Weights};
use jiff::ToSpan;

/// A change of some facts and what it would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What would have to be found out or become true, for people.
    pub texts: Vec<&'static str>,
    /// Whether work on the lead can bring all of it about; otherwise the person or the company must be other.
    pub findable: bool,
    /// The score that follows.
    pub total: u8,
    /// The tier that follows.
    pub tier: Tier,
}

/// One fact that may change.
struct Step {
    text: &'static str,
    /// Enrichment or verification may bring it about.
    findable: bool,
    apply: fn(&mut Input, &Icp),
}

/// Every fact of the score with the value that gives it the most points.
const STEPS: [Step; 13] = [
    Step {
        text: "a verified e-mail address is there",
        findable: true,
        apply: |input, _| input.email = Some(EmailState::Verified),
    },
    Step {
        text: "a phone number is found",
        findable: true,
        apply: |input, _| input.phone = input.phone.or(Some(PhoneState::Present)),
    },
    Step {
        text: "a verified phone number is there",
        findable: true,
        apply: |input, _| input.phone = Some(PhoneState::Verified),
    },
    Step { text: "the LinkedIn profile is found", findable: true, apply: |input, _| input.linkedin = true },
    Step {
        text: "a personal e-mail address is found",
        findable: true,
        apply: |input, _| input.personal_email = true,
    },
    Step {
        text: "the company turns out to be hiring",
        findable: true,
        apply: |input, _| input.hiring = Some(true),
    },
    Step {
        text: "the person turns out to be in the role for less than 6 months",
        findable: true,
        apply: |input, _| input.role_started = Some(days_before(input.now)),
    },
    Step {
        text: "the company turns out to be funded within a year",
        findable: true,
        apply: |input, _| input.funded_at = Some(days_before(input.now)),
    },
    Step {
        text: "the industry is a wanted one",
        findable: false,
        apply: |input, icp| input.industry = icp.industries.first().cloned().or(input.industry.take()),
    },
    Step {
        text: "the number of employees lies in the wanted range",
        findable: false,
        apply: |input, icp| input.headcount = Some(icp.min_employees),
    },
    Step {
        text: "the country is a wanted one",
        findable: false,
        apply: |input, icp| input.country = icp.countries.first().copied().or(input.country),
    },
    Step {
        text: "the person owns or leads the company",
        findable: false,
        apply: |input, _| input.title = Some("Owner".to_owned()),
    },
    Step {
        text: "nothing speaks against contact any more",
        findable: false,
        apply: |input, _| (input.bounced, input.competitor) = (false, false),
    },
];

fn days_before(now: base::Time) -> base::Time {
    now.stamp().checked_sub(240.hours()).map_or(now, base::Time::new)
}

/// The fewest facts that lift the lead into the next better tier. None when it is hot or nothing suffices.
pub fn smallest_change(input: &Input, icp: &Icp, weights: &Weights) -> Option<Change> {
    let goal = Tier::of(Points::of(input, icp).total(weights)).above()?;
    counterfactual(input, icp, weights, goal)
}

/// The fewest facts whose change lifts the lead into `goal`: among sets of one size, what work can find out goes
/// before what cannot, then the one that changes the score least. No part of the set suffices. None when the lead is
/// there already or no set suffices (an opt-out is never argued away).
pub fn counterfactual(input: &Input, icp: &Icp, weights: &Weights, goal: Tier) -> Option<Change> {
    let goal_score = goal.from_score();
    if Points::of(input, icp).total(weights) >= goal_score {
        return None;
    }
    let useful: Vec<&Step> = STEPS
        .iter()
        .filter(|step| {
            let mut changed = input.clone();
            (step.apply)(&mut changed, icp);
            changed != *input
        })
        .collect();
    let count = u32::try_from(useful.len()).unwrap_or(0);
    for size in 1..=count {
        let sets = (1_u32..1 << count).filter(|set| set.count_ones() == size);
        let best = sets
            .filter_map(|set| {
                let chosen =
                    || useful.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, s)| *s);
                let mut changed = input.clone();
                chosen().for_each(|step| (step.apply)(&mut changed, icp));
                let total = Points::of(&changed, icp).total(weights);
                (total >= goal_score).then(|| Change {
                    texts: chosen().map(|step| step.text).collect(),
                    findable: chosen().all(|step| step.findable),
                    total,
                    tier: Tier::of(total),
                })
            })
            .min_by_key(|change| (!change.findable, change.total));
        if best.is_some() {
            return best;
        }
    }
    None
}
