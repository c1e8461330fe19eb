//! How leads should be weighed, given what is known of the ideal customer.

use super::icp::Icp;
use serde::Serialize;

/// Shares of the five components in percent, their reasons, or nothing where the defaults hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Weights {
    /// Data quality, authority, company fit, timing, risk: together 100. Missing: the defaults hold.
    pub weights: Option<[u16; 5]>,
    /// Why.
    pub reasoning: Vec<String>,
}

/// Suggests weights. What is not known of the ideal customer cannot weigh more.
pub fn run(icp: &Icp) -> Weights {
    let mut shares: [u16; 5] = [20, 25, 25, 15, 15];
    let mut reasoning = Vec::new();
    let mut move_to = |to: usize, from: usize, points: u16, why: String| {
        shares[to] += points;
        shares[from] -= points;
        reasoning.push(why);
    };
    let trades = icp.icp_industries.len();
    if (1..=2).contains(&trades) {
        let names: Vec<&str> = icp.icp_industries.iter().map(|cited| cited.value.as_str()).collect();
        move_to(
            2,
            0,
            5,
            format!("Company fit weighs more: the site serves {} and little else.", names.join(" and ")),
        );
    }
    if !icp.icp_titles.is_empty() {
        let names: Vec<&str> = icp.icp_titles.iter().take(3).map(|cited| cited.value).collect();
        move_to(1, 4, 3, format!("Authority weighs more: it names who decides ({}).", names.join(", ")));
    }
    if !icp.icp_sizes.is_empty() && !icp.icp_locations.is_empty() {
        move_to(2, 0, 2, "Company fit weighs more: size and place are known.".to_owned());
    }
    let growth = ["grow", "hiring", "launch", "scal", "funding"];
    if icp
        .icp_pain_points
        .iter()
        .any(|cited| growth.iter().any(|word| cited.value.to_lowercase().contains(word)))
    {
        move_to(3, 0, 3, "Timing weighs more: its clients come when they grow.".to_owned());
    }
    Weights { weights: (!reasoning.is_empty()).then_some(shares), reasoning }
}
