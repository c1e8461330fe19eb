//! What is wrong with a form, field by field, so that it can be shown again with what was typed.

use base::{Error, Result};

/// The problems of a form's fields.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// Notes a problem of a field.
    pub fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.0.push((field, text.into()));
    }

    /// The value, or none after its problem was noted at the field.
    pub fn check<T>(&mut self, field: &'static str, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.message());
                None
            }
        }
    }

    /// The first problem of a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    /// Whether everything is right.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All problems as one error, for programs.
    pub fn into_error(self) -> Error {
        let text: Vec<String> = self.0.into_iter().map(|(field, text)| format!("{field}: {text}")).collect();
        Error::invalid("fields.invalid", text.join(" "))
    }
}
