//! Whether the lines of a checkout are what a mandate asks for.
//!
//! As AP2's checkout_mandate.md says: source → requirement (its quantity) → acceptable product →
//! sink (quantity in the checkout); met when the greatest flow uses up both sides. (The reference
//! library only asks that nothing is left over in the checkout, and lets a requirement without
//! disclosed products stand for any product; the document does neither.)

use super::checkout::LineRequirement;
use crate::mandate::LineItem;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// More entries than this are not judged, so that nobody can make us compute for long.
const MAX_ENTRIES: usize = 200;

/// Whether `lines` can be split over `requirements`, each filled exactly and nothing left.
/// Errors when there are more than 200 entries on a side.
pub fn matches(requirements: &[LineRequirement], lines: &[LineItem]) -> Result<bool> {
    if requirements.len() > MAX_ENTRIES || lines.len() > MAX_ENTRIES {
        return Err(Error::unresolved(format!("More than {MAX_ENTRIES} lines are not judged.")));
    }
    if lines.iter().any(|line| line.quantity == 0) {
        return Ok(false);
    }
    let mut bought: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        *bought.entry(line.item.id.as_str()).or_default() += u64::from(line.quantity);
    }
    let asked: u64 = requirements.iter().map(|requirement| u64::from(requirement.quantity)).sum();
    if asked == 0 || asked != bought.values().sum::<u64>() {
        return Ok(false);
    }
    Ok(Network::of(requirements, &bought).flow() == asked)
}

/// Capacities that are left between requirements and products.
struct Network {
    /// Still to be filled, by requirement.
    asked: Vec<u64>,
    /// Still to be placed, by product.
    bought: Vec<u64>,
    /// Products that a requirement takes.
    takes: Vec<Vec<usize>>,
    /// What has been placed, by requirement and product.
    placed: Vec<Vec<u64>>,
}

impl Network {
    fn of(requirements: &[LineRequirement], bought: &BTreeMap<&str, u64>) -> Self {
        let ids: Vec<&str> = bought.keys().copied().collect();
        let takes = |requirement: &LineRequirement| {
            let wanted = |id: &str| requirement.acceptable_items.iter().any(|item| item.id == id);
            ids.iter().enumerate().filter(|(_, id)| wanted(id)).map(|(index, _)| index).collect()
        };
        Self {
            asked: requirements.iter().map(|requirement| u64::from(requirement.quantity)).collect(),
            bought: bought.values().copied().collect(),
            takes: requirements.iter().map(takes).collect(),
            placed: vec![vec![0; ids.len()]; requirements.len()],
        }
    }

    /// The greatest flow: shortest augmenting paths until there is none (Edmonds and Karp).
    fn flow(mut self) -> u64 {
        let mut total = 0;
        while let Some(path) = self.path() {
            total += self.push(&path);
        }
        total
    }

    /// A way from a requirement that is not filled to a product that is not placed, as pairs:
    /// each requirement takes the product; the next requirement gave that product up.
    fn path(&self) -> Option<Vec<(usize, usize)>> {
        let mut from: Vec<Option<(usize, usize)>> = vec![None; self.asked.len()];
        let mut reached: Vec<bool> = self.asked.iter().map(|left| *left > 0).collect();
        let mut seen = vec![false; self.bought.len()];
        let mut queue: std::collections::VecDeque<usize> =
            reached.iter().enumerate().filter(|(_, start)| **start).map(|(index, _)| index).collect();
        while let Some(requirement) = queue.pop_front() {
            for &product in &self.takes[requirement] {
                if std::mem::replace(&mut seen[product], true) {
                    continue;
                }
                if self.bought[product] > 0 {
                    return Some(walk_back(&from, requirement, product));
                }
                for other in 0..self.asked.len() {
                    if self.placed[other][product] > 0 && !reached[other] {
                        reached[other] = true;
                        from[other] = Some((requirement, product));
                        queue.push_back(other);
                    }
                }
            }
        }
        None
    }

    /// Moves as much as the way carries; returns how much.
    fn push(&mut self, path: &[(usize, usize)]) -> u64 {
        let (Some(&(first, _)), Some(&(_, last))) = (path.first(), path.last()) else { return 0 };
        let mut amount = self.asked[first].min(self.bought[last]);
        for pair in path.windows(2) {
            if let [(_, product), (giver, _)] = *pair {
                amount = amount.min(self.placed[giver][product]);
            }
        }
        self.asked[first] -= amount;
        self.bought[last] -= amount;
        for &(requirement, product) in path {
            self.placed[requirement][product] += amount;
        }
        for pair in path.windows(2) {
            if let [(_, product), (giver, _)] = *pair {
                self.placed[giver][product] -= amount;
            }
        }
        amount
    }
}

fn walk_back(from: &[Option<(usize, usize)>], requirement: usize, product: usize) -> Vec<(usize, usize)> {
    let mut path = vec![(requirement, product)];
    let mut at = requirement;
    while let Some((taker, given)) = from[at] {
        path.push((taker, given));
        at = taker;
    }
    path.reverse();
    path
}
