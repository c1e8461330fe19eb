//! Trains the built-in reply classifier and measures it.
//!
//! `cargo run --release -p inbound --example train_replies` reads `fixtures/replies/train.jsonl` and
//! writes `crates/inbound/assets/replies.weights`. Run it again with `-- development` (mistakes are
//! listed) or `-- held_out` (figures only): the weights are compiled in.
#![expect(clippy::print_stdout, reason = "a command that reports")]

use inbound::reply::train::{Measure, read_examples, train};
use inbound::reply::{Intent, OurMail, classifier, phrase, text, understand_text};
use std::path::Path;

fn main() -> base::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let failed = |path: &Path, cause: std::io::Error| {
        base::Error::invalid("replies.file", format!("{}: {cause}", path.display()))
    };
    let read = |name: &str| {
        let path = root.join("../../fixtures/replies").join(name);
        std::fs::read_to_string(&path)
            .map_err(|cause| failed(&path, cause))
            .and_then(|text| read_examples(&text))
    };
    let Some(part) = std::env::args().nth(1) else {
        let examples = read("train.jsonl")?;
        let weights = train(&examples);
        let path = root.join("assets/replies.weights");
        let same = std::fs::read(&path).is_ok_and(|known| known == weights);
        std::fs::write(&path, &weights).map_err(|cause| failed(&path, cause))?;
        let told = if same { "unchanged" } else { "written" };
        println!("{} examples, {} bytes of weights ({told})", examples.len(), weights.len());
        return Ok(());
    };
    let (mut whole, mut alone) = (Measure::default(), Measure::default());
    let replies = read(&format!("{part}.jsonl"))?;
    for example in &replies {
        let at = base::Time::from_us(1_767_225_600_000_000);
        let read = understand_text(&example.text, at, &OurMail::default());
        whole.add(example, read.intent, read.opt_out);
        let own = text::own_words(&example.text, &text::Ours::default()).text;
        let (guess, chance) = classifier::best(&own, &phrase::words(&own));
        alone.add(example, guess, guess == Intent::Unsubscribe);
        if part == "development" && (read.intent != example.intent || read.opt_out != example.asks_out()) {
            let (want, said) = (example.intent.name(), read.intent.name());
            println!(
                "{want:<15} {said:<15} {:.2} {:?} [{}] ({} {chance:.2}) {}",
                read.confidence,
                read.by,
                read.evidence,
                guess.name(),
                own
            );
        }
    }
    for (name, measure) in [("rules and classifier", &whole), ("classifier alone", &alone)] {
        println!(
            "\n{name}: {} replies, accuracy {:.3}, macro-F1 {:.3}, opt-out recall {:.3} ({} false), positive precision {:.3}",
            replies.len(),
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
