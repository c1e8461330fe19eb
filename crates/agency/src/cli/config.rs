//! `agency config`: every setting.

use crate::{
    settings::{self, Loaded, Shape},
    term,
};
use base::Result;
use std::process::ExitCode;

/// What to show.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Only keys that begin with this, such as `web`.
    #[arg(default_value = "")]
    pub(super) section: String,
}

pub(super) fn run(loaded: &Loaded, arguments: &Arguments) -> Result<ExitCode> {
    let keys: Vec<_> =
        settings::keys().into_iter().filter(|key| key.path.starts_with(&arguments.section)).collect();
    if keys.is_empty() {
        term::note(format!("No setting begins with “{}”.", arguments.section));
        return Ok(ExitCode::FAILURE);
    }
    for key in &keys {
        let (value, origin) = loaded.shown(key);
        term::line(format!("{} = {value}", key.path));
        term::line(format!("    {}", key.doc));
        if let Shape::Word(words) = &key.shape {
            term::line(format!("    One of: {}.", words.join(", ")));
        }
        let default = match (&origin, &key.default) {
            (settings::Origin::Default, _) | (_, None) => String::new(),
            (_, Some(default)) => format!("; default {default}"),
        };
        term::line(format!("    From: {origin}{default}. Variable: {}", variable(&key.path)));
        term::line("");
    }
    Ok(ExitCode::SUCCESS)
}

fn variable(path: &str) -> String {
    format!("AGENCY__{}", path.replace('.', "__").to_ascii_uppercase())
}
