//! Which of a pipeline's stages ours are, as far as names, probabilities and order say.

use super::Stages;
use outreach::deal;
use ports::crm::{Meaning, Pipeline, Stage};

/// Beginnings of words in the names of stages, the surest first.
fn words(stage: deal::Stage) -> &'static [&'static str] {
    match stage {
        deal::Stage::Qualification => {
            &["qualif", "discover", "appointment", "demo", "meeting", "contact made"]
        }
        deal::Stage::Proposal => &["propos", "quote", "offer", "presentation"],
        deal::Stage::Negotiation => &["negotia", "terms"],
        deal::Stage::Verbal => &["verbal", "decision", "commit"],
        deal::Stage::Contract => &["contract", "agreement", "signature"],
        deal::Stage::Won | deal::Stage::Lost => &[],
    }
}

/// A sensible guess for a pipeline: by name, else by probability, else by place; never backwards.
pub fn guess(pipeline: &Pipeline) -> Stages {
    let open: Vec<&Stage> = pipeline.stages.iter().filter(|stage| stage.meaning == Meaning::Open).collect();
    let mut stages = Stages::new();
    let mut least = 0;
    for (place, ours) in deal::Stage::ALL.into_iter().enumerate() {
        let theirs = match ours {
            deal::Stage::Won => closing(pipeline, Meaning::Won),
            deal::Stage::Lost => closing(pipeline, Meaning::Lost),
            deal::Stage::Qualification
            | deal::Stage::Proposal
            | deal::Stage::Negotiation
            | deal::Stage::Verbal
            | deal::Stage::Contract => {
                let at = named(&open, ours).or_else(|| likely(&open, ours)).unwrap_or_else(|| {
                    // Five stages of ours over however many of theirs.
                    place * open.len().saturating_sub(1) / 4
                });
                least = at.max(least);
                open.get(least).copied()
            }
        };
        if let Some(theirs) = theirs {
            stages.insert(ours.word().to_owned(), theirs.reference.clone());
        }
    }
    stages
}

fn closing(pipeline: &Pipeline, meaning: Meaning) -> Option<&Stage> {
    pipeline.stages.iter().find(|stage| stage.meaning == meaning)
}

fn named(open: &[&Stage], ours: deal::Stage) -> Option<usize> {
    words(ours).iter().find_map(|word| {
        open.iter().position(|stage| {
            let name = stage.name.to_lowercase();
            name.starts_with(word) || name.contains(&format!(" {word}"))
        })
    })
}

/// The stage with the nearest probability, where they differ at all.
fn likely(open: &[&Stage], ours: deal::Stage) -> Option<usize> {
    let percents: Vec<u8> = open.iter().filter_map(|stage| stage.percent).collect();
    let first = percents.first()?;
    if percents.len() < open.len() || percents.iter().all(|percent| percent == first) {
        return None;
    }
    (0..percents.len()).min_by_key(|at| percents[*at].abs_diff(ours.probability()))
}

#[cfg(test)]
mod tests {
    use super::guess;
    use ports::crm::{Meaning, Pipeline, Stage};

    fn pipeline(stages: &[(&str, Option<u8>, Meaning)]) -> Pipeline {
        let stages = stages.iter().map(|(name, percent, meaning)| Stage {
            reference: name.to_lowercase(),
            name: (*name).to_owned(),
            percent: *percent,
            meaning: *meaning,
        });
        Pipeline { reference: "p".to_owned(), name: "P".to_owned(), stages: stages.collect() }
    }

    fn said(pipeline: &Pipeline) -> Vec<String> {
        guess(pipeline).into_iter().map(|(ours, theirs)| format!("{ours}={theirs}")).collect()
    }

    #[test]
    fn names_are_believed_first() {
        let one = pipeline(&[
            ("Appointment scheduled", Some(20), Meaning::Open),
            ("Qualified to buy", Some(40), Meaning::Open),
            ("Presentation scheduled", Some(60), Meaning::Open),
            ("Decision maker bought-in", Some(80), Meaning::Open),
            ("Contract sent", Some(90), Meaning::Open),
            ("Closed won", Some(100), Meaning::Won),
            ("Closed lost", Some(0), Meaning::Lost),
        ]);
        assert_eq!(
            said(&one),
            [
                "contract=contract sent",
                "lost=closed lost",
                "negotiation=presentation scheduled",
                "proposal=presentation scheduled",
                "qualification=qualified to buy",
                "verbal=decision maker bought-in",
                "won=closed won",
            ]
        );
    }

    #[test]
    fn where_names_and_probabilities_say_nothing_the_order_does_and_never_backwards() {
        let one = pipeline(&[
            ("A", Some(100), Meaning::Open),
            ("B", Some(100), Meaning::Open),
            ("Contract", Some(100), Meaning::Open),
            ("D", Some(100), Meaning::Open),
            ("E", Some(100), Meaning::Open),
        ]);
        assert_eq!(
            said(&one),
            ["contract=d", "negotiation=contract", "proposal=b", "qualification=a", "verbal=d"]
        );
    }

    #[test]
    fn an_empty_pipeline_gives_no_guess() {
        assert!(guess(&pipeline(&[])).is_empty());
        assert_eq!(said(&pipeline(&[("Won", None, Meaning::Won)])), ["won=won"]);
    }
}
