//! The speed and size of the house: CPU seconds of a leaf check, packages in the lock file.

use crate::{Outcome, run};

/// CPU seconds (user and system) that `cargo check -p` may take after one touched file.
const LEAF_CHECK_S: f64 = 3.0;
/// Packages in Cargo.lock.
const LOCK_PACKAGES: usize = 500;
/// Odd, so that there is a middle.
const RUNS: usize = 3;
/// The largest domain that nothing but the roof depends on.
const LEAF: &str = "outreach";

/// Measures and compares with the bars.
pub(crate) fn run(args: &[String]) -> Outcome {
    let leaf = args.first().map_or(LEAF, String::as_str);
    let file = format!("crates/{leaf}/src/lib.rs");
    if !run::root().join(&file).exists() {
        return Err(format!("there is no {file}"));
    }
    run::show(run::command("cargo", &["check", "--quiet", "-p", leaf]))?;
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        let script = format!("touch {file} && cargo check --quiet -p {leaf} && times");
        seconds.push(child_seconds(&run::read(run::command("bash", &["-c", &script]))?)?);
    }
    seconds.sort_by(f64::total_cmp);
    let middle = seconds[RUNS / 2];
    let lock = std::fs::read_to_string(run::root().join("Cargo.lock"))
        .map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    println!(
        "leaf check ({leaf}): {middle:.2} CPU s (middle of {RUNS}: {seconds:.2?}), bar {LEAF_CHECK_S:.0}"
    );
    println!("lock file: {packages} packages, bar {LOCK_PACKAGES}");
    match (middle <= LEAF_CHECK_S, packages <= LOCK_PACKAGES) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("the leaf check takes {middle:.2} CPU s")),
        (true, false) => Err(format!("the lock file holds {packages} packages")),
    }
}

/// User and system seconds of the children, from the second line that the shell's `times` prints.
fn child_seconds(printed: &str) -> Result<f64, String> {
    let line = printed.lines().nth(1).ok_or("the shell printed no times")?;
    let mut sum = 0.0;
    for part in line.split_whitespace() {
        let (minutes, seconds) =
            part.trim_end_matches('s').split_once('m').ok_or(format!("'{part}' is no time"))?;
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("'{part}' is no time"));
        sum += number(minutes)? * 60.0 + number(seconds)?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_children_line_is_summed() {
        let printed = "0m0.001s 0m0.002s\n1m2.500s 0m0.250s\n";
        assert!((child_seconds(printed).expect("times") - 62.75).abs() < 1e-9);
        assert!(child_seconds("").is_err());
    }
}
