//! What a version says other than the one before. Pure.

use super::Pattern;
use crate::learn::finding::{Finding, Standing};
use std::collections::BTreeMap;

/// Changes at most.
const MOST: usize = 12;

/// What changed from one version to the next, in sentences: segments that became or ceased to be surely better
/// or worse, and weights.
pub fn changes(before: Option<&Pattern>, now: &Pattern) -> Vec<String> {
    let Some(before) = before else { return vec!["This is the first pattern of its kind.".to_owned()] };
    let mut said = Vec::new();
    let known = sure(before);
    let present = sure(now);
    for (key, (label, standing)) in &present {
        match known.get(key) {
            Some((_, was)) if was == standing => {}
            Some(_) => said.push(format!("{label} turned and is now {}.", word(*standing))),
            None => said.push(format!("{label} is now {}.", word(*standing))),
        }
    }
    for (key, (label, standing)) in &known {
        if !present.contains_key(key) {
            said.push(format!("{label} is no longer {}.", word(*standing)));
        }
    }
    let weights =
        |pattern: &Pattern| pattern.content.weights.as_ref().filter(|w| w.better).and_then(|w| w.learnt);
    if weights(before) != weights(now) {
        said.push(match weights(now) {
            Some(_) => "Other weights of the score are better now.".to_owned(),
            None => "No other weights of the score are surely better now.".to_owned(),
        });
    }
    if said.is_empty() {
        said.push("Nothing that is sure changed.".to_owned());
    }
    said.truncate(MOST);
    said
}

type Sure = BTreeMap<(usize, String), (String, Standing)>;

fn sure(pattern: &Pattern) -> Sure {
    let tables = &pattern.content.tables;
    tables
        .iter()
        .flat_map(|table| table.findings.iter().map(move |finding| (table.dimension, finding)))
        .filter(|(_, finding)| finding.standing != Standing::NoEvidence)
        .map(|(dimension, finding): (_, &Finding)| {
            let label = format!("{}: {}", dimension.label(), finding.label);
            ((dimension as usize, finding.segment.clone()), (label, finding.standing))
        })
        .collect()
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Better => "surely better than the rest",
        Standing::Worse => "surely worse than the rest",
        Standing::NoEvidence => "like the rest",
    }
}
