//! What the gates found: each with a place and what to do about it.

use crate::Outcome;

/// Findings of one gate. Failures end the gate with an error; warnings are printed only.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    failures: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    /// Notes a defect at `place` (`path` or `path:line`).
    pub(crate) fn fail(&mut self, place: impl AsRef<str>, message: impl AsRef<str>) {
        self.failures.push(format!("{}: {}", place.as_ref(), message.as_ref()));
    }

    /// Notes something to think about at `place`.
    pub(crate) fn warn(&mut self, place: impl AsRef<str>, message: impl AsRef<str>) {
        self.warnings.push(format!("{}: {}", place.as_ref(), message.as_ref()));
    }

    /// Prints everything found and turns failures into the task's error.
    pub(crate) fn report(self, gate: &str) -> Outcome {
        for line in &self.warnings {
            println!("warning: {line}");
        }
        for line in &self.failures {
            println!("error: {line}");
        }
        match self.failures.len() {
            0 => {
                println!("{gate}: clean ({} warnings)", self.warnings.len());
                Ok(())
            }
            count => Err(format!("{count} finding(s)")),
        }
    }

    /// The failures so far, for tests.
    #[cfg(test)]
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The warnings so far, for tests.
    #[cfg(test)]
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
