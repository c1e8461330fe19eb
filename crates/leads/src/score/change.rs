//! The smallest thing to find out that would move a lead into a better tier.

use super::{EmailState, Icp, Input, PhoneState, Score, Tier, Weights, score};

/// A change of one or two facts and what it would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What would have to be found true, for people.
    pub texts: Vec<&'static str>,
    /// The score that follows.
    pub total: u8,
    /// The tier that follows.
    pub tier: Tier,
}

/// One change that work on a lead can bring about: what it is called and how it changes the input.
type Step = (&'static str, fn(&mut Input));

/// What enrichment and verification can bring. Facts that nobody can change (title, industry) are left out.
const STEPS: [Step; 6] = [
    ("verify the e-mail address", |input| input.email = Some(EmailState::Verified)),
    ("find a phone number", |input| input.phone = input.phone.or(Some(PhoneState::Present))),
    ("verify the phone number", |input| input.phone = Some(PhoneState::Verified)),
    ("find the LinkedIn profile", |input| input.linkedin = true),
    ("find a personal e-mail address", |input| input.personal_email = true),
    ("learn that the company is hiring", |input| input.hiring = Some(true)),
];

/// The change of fewest facts, and among those of fewest points, that lifts the lead into a better tier.
/// None when the lead is hot or no two such facts suffice.
pub fn smallest_change(input: &Input, icp: &Icp, weights: &Weights) -> Option<Change> {
    let now: Score = score(input, icp, weights);
    let goal = now.tier.above()?.from_score();
    let try_steps = |steps: &[&Step]| {
        let mut changed = input.clone();
        steps.iter().for_each(|(_, apply)| apply(&mut changed));
        let after = score(&changed, icp, weights);
        (after.total >= goal).then(|| Change {
            texts: steps.iter().map(|(text, _)| *text).collect(),
            total: after.total,
            tier: after.tier,
        })
    };
    let single = STEPS.iter().filter_map(|step| try_steps(&[step])).min_by_key(|change| change.total);
    single.or_else(|| {
        STEPS
            .iter()
            .enumerate()
            .flat_map(|(at, first)| STEPS[at + 1..].iter().map(move |second| [first, second]))
            .filter_map(|pair| try_steps(&pair))
            .min_by_key(|change| change.total)
    })
}
