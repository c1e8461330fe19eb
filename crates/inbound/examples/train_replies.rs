//! Trains the built-in reply classifier and measures it.
//!
//! `cargo run --release -p inbound --example train_replies` reads `fixtures/replies/train.jsonl` and
//! writes `crates/inbound/assets/replies.weights`. Run it again with `-- development` (mistakes are
//! listed), `-- held_out` (figures only) or `-- docs` (figures into `docs/replies.md`): the weights
//! are compiled in.
#![expect(clippy::print_stdout, reason = "a command that reports")]

use inbound::reply::train::{Example, Measure, read_examples, train};
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
    if part == "docs" {
        return publish(root, &read("development.jsonl")?, &read("held_out.jsonl")?);
    }
    let replies = read(&format!("{part}.jsonl"))?;
    print!("{}", figures(&part, &replies));
    if part == "development" {
        replies.iter().for_each(show_mistake);
    }
    Ok(())
}

fn judged(example: &Example) -> inbound::reply::Understood {
    understand_text(&example.text, base::Time::from_us(1_767_225_600_000_000), &OurMail::default())
}

fn show_mistake(example: &Example) {
    let read = judged(example);
    if read.intent != example.intent || read.opt_out != example.asks_out() {
        let (want, said) = (example.intent.name(), read.intent.name());
        println!(
            "{want:<15} {said:<15} {:.2} {:?} [{}] {}",
            read.confidence, read.by, read.evidence, read.text
        );
    }
}

/// The figures of one part as tables.
fn figures(part: &str, replies: &[Example]) -> String {
    let (mut whole, mut alone) = (Measure::default(), Measure::default());
    for example in replies {
        let read = judged(example);
        whole.add(example, read.intent, read.opt_out);
        let own = text::own_words(&example.text, &text::Ours::default()).text;
        let (guess, _) = classifier::best(&own, &phrase::words(&own));
        alone.add(example, guess, guess == Intent::Unsubscribe);
    }
    let mut out = format!(
        "\n{part}: {} replies\n\n| | accuracy | macro-F1 | opt-out recall (false) | positive precision |\n|---|---|---|---|---|\n",
        replies.len()
    );
    for (name, measure) in [("rules and classifier", &whole), ("classifier alone", &alone)] {
        out += &format!(
            "| {name} | {:.3} | {:.3} | {:.3} ({}) | {:.3} |\n",
            measure.accuracy(),
            measure.macro_f1(),
            measure.opt_out_recall(),
            measure.opt_out.2,
            measure.positive_precision()
        );
    }
    out += "\n| intent | precision | recall | F1 | replies |\n|---|---|---|---|---|\n";
    for intent in Intent::ALL {
        let (precision, recall, f1, support) = whole.of(intent);
        out += &format!("| {} | {precision:.2} | {recall:.2} | {f1:.2} | {support} |\n", intent.name());
    }
    out
}

/// Writes the tables into `docs/replies.md`, between its two marks.
fn publish(root: &Path, development: &[Example], held_out: &[Example]) -> base::Result<()> {
    let path = root.join("../../docs/replies.md");
    let failed =
        |cause: std::io::Error| base::Error::invalid("replies.file", format!("{}: {cause}", path.display()));
    let old = std::fs::read_to_string(&path).map_err(failed)?;
    let marks = ("<!-- figures -->\n", "<!-- end of figures -->");
    let (Some((before, rest)), true) = (old.split_once(marks.0), old.contains(marks.1)) else {
        return Err(base::Error::invalid("replies.docs", "docs/replies.md has no marks for the figures."));
    };
    let after = rest.split_once(marks.1).map_or("", |(_, after)| after);
    let tables = figures("held out", held_out) + &figures("development", development);
    let page = format!("{before}{}{}\n{}{after}", marks.0, tables.trim_start(), marks.1);
    std::fs::write(&path, page).map_err(failed)
}
