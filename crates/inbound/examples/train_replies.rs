//! Trains the built-in reply classifier and measures it.
//!
//! `cargo run -p inbound --example train_replies` reads `fixtures/replies/{train,holdout}.jsonl`
//! and writes `crates/inbound/assets/replies.weights`. Run it a second time to print the figures
//! of the new weights (they are compiled in) as the tables of `docs/replies.md`.
#![expect(clippy::print_stdout, reason = "a command that reports")]

use inbound::reply::train::{Measure, read_examples, train};
use inbound::reply::{Intent, OurMail, classifier, phrase, understand_text};
use std::path::Path;

fn main() -> base::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| {
        let path = root.join("../../fixtures/replies").join(name);
        std::fs::read_to_string(&path)
            .map_err(|cause| base::Error::invalid("replies.file", format!("{}: {cause}", path.display())))
            .and_then(|text| read_examples(&text))
    };
    let examples = read("train.jsonl")?;
    let held_out = read("holdout.jsonl")?;
    let weights = train(&examples);
    let path = root.join("assets/replies.weights");
    let same = std::fs::read(&path).is_ok_and(|known| known == weights);
    std::fs::write(&path, &weights)
        .map_err(|cause| base::Error::invalid("replies.file", format!("{}: {cause}", path.display())))?;
    println!(
        "{} examples, {} bytes of weights ({})",
        examples.len(),
        weights.len(),
        if same { "unchanged" } else { "written: run again for figures" }
    );

    let mut whole = Measure::default();
    let mut alone = Measure::default();
    for example in &held_out {
        let read =
            understand_text(&example.text, base::Time::from_us(1_767_225_600_000_000), &OurMail::default());
        whole.add(example, read.intent, read.opt_out);
        let words = phrase::words(&example.text);
        let (guess, chance) = classifier::score_all(&weights, &example.text, &words);
        alone.add(example, guess, guess == Intent::Unsubscribe);
        if read.intent != example.intent {
            println!(
                "{:<16} → {:<16} {:.2} {:?} [{}] {}",
                example.intent.name(),
                read.intent.name(),
                read.confidence,
                read.by,
                read.evidence,
                example.text
            );
        }
        let _ = chance;
    }
    for (name, measure) in [("rules and classifier", &whole), ("classifier alone", &alone)] {
        println!(
            "\n{name}: {} replies, accuracy {:.3}, macro-F1 {:.3}, opt-out recall {:.3} ({} false), positive precision {:.3}",
            held_out.len(),
            measure.accuracy(),
            measure.macro_f1(),
            measure.opt_out_recall(),
            measure.opt_out.2,
            measure.positive_precision()
        );
        for intent in Intent::ALL {
            let (precision, recall, f1, support) = measure.of(intent);
            println!("| {} | {precision:.2} | {recall:.2} | {f1:.2} | {support} |", intent.name());
        }
    }
    Ok(())
}
