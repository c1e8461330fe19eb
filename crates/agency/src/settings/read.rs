//! Reading file and environment into the one structure.

use super::Settings;
use super::keys::{self, Key, Shape};
use base::{Error, Result};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The file that is read when none is named and it is there.
const FILE: &str = "agency.toml";
/// What every variable of ours begins with.
const PREFIX: &str = "AGENCY__";

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

/// The settings with where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    set: BTreeMap<String, (Value, Origin)>,
}

impl Loaded {
    /// A key's value for people, and where it came from. Secrets are never shown.
    pub fn shown(&self, key: &Key) -> (String, Origin) {
        let (value, origin) = match self.set.get(&key.path) {
            Some((value, origin)) => (Some(value.clone()), origin.clone()),
            None => (key.default.clone(), Origin::Default),
        };
        let text = match (&key.shape, value) {
            (Shape::Secret, Some(Value::String(text))) if !text.is_empty() => "••••".to_owned(),
            (Shape::Secret, _) | (_, None) => "(empty)".to_owned(),
            (_, Some(Value::String(text))) if text.is_empty() => "(empty)".to_owned(),
            (_, Some(Value::Array(list))) if list.is_empty() => "(empty)".to_owned(),
            (_, Some(Value::String(text))) => text,
            (_, Some(other)) => other.to_string(),
        };
        (text, origin)
    }
}

/// Reads the settings: `file`, or `agency.toml` when it is there, then the environment.
///
/// # Errors
/// Invalid, naming the file or variable: `settings.file`, `settings.unknown`, `settings.value`.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Loaded> {
    let keys = keys::all();
    let mut set = BTreeMap::new();
    let found = match file {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(FILE)).filter(|path| path.is_file()),
    };
    if let Some(path) = found {
        let text = std::fs::read_to_string(&path).map_err(|cause| {
            Error::invalid("settings.file", format!("The settings file {} cannot be read.", path.display()))
                .caused_by(cause)
        })?;
        let table: toml::Table = text.parse().map_err(|cause: toml::de::Error| {
            Error::invalid(
                "settings.file",
                format!("The settings file {} is not TOML: {}", path.display(), cause.message()),
            )
        })?;
        let tree = serde_json::to_value(table)?;
        take_file("", &tree, &path, &keys, &mut set)?;
    }
    take_environment(environment, &keys, &mut set)?;
    let settings = serde_json::from_value(nested(&set)).map_err(|cause| {
        let what = format!("The settings do not fit: {cause}.{}", suspects(&set));
        Error::invalid("settings.value", what)
    })?;
    Ok(Loaded { settings, set })
}

type Set = BTreeMap<String, (Value, Origin)>;

fn take_file(path: &str, tree: &Value, file: &Path, keys: &[Key], set: &mut Set) -> Result<()> {
    let known = keys.iter().find(|key| key.path == path);
    match (known, tree) {
        (Some(key), value) => {
            let origin = Origin::File(file.to_owned());
            check(key, value, &origin)?;
            set.insert(key.path.clone(), (value.clone(), origin));
            Ok(())
        }
        (None, Value::Object(section)) if path.is_empty() || is_section(path, keys) => {
            for (name, inner) in section {
                let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                take_file(&inner_path, inner, file, keys, set)?;
            }
            Ok(())
        }
        (None, _) => Err(unknown(path, &file.display().to_string(), keys)),
    }
}

fn is_section(path: &str, keys: &[Key]) -> bool {
    keys.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn take_environment(
    environment: impl Iterator<Item = (String, String)>,
    keys: &[Key],
    set: &mut Set,
) -> Result<()> {
    let mut ours: Vec<(String, String, String)> = environment
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| {
            let path = match name.as_str() {
                "DATABASE_URL" => "database.url".to_owned(),
                "AGENCY_STATE" => "state_dir".to_owned(),
                other => other.strip_prefix(PREFIX)?.to_ascii_lowercase().replace("__", "."),
            };
            Some((name, path, value))
        })
        .collect();
    // The short names first, so that the long ones win.
    ours.sort_by_key(|(name, _, _)| (name.starts_with(PREFIX), name.clone()));
    for (name, path, text) in ours {
        let Some(key) = keys.iter().find(|key| key.path == path) else {
            return Err(unknown(&path, &format!("the environment variable {name}"), keys));
        };
        let origin = Origin::Environment(name);
        let value = parse(key, &text, &origin)?;
        set.insert(path, (value, origin));
    }
    Ok(())
}

/// A text of the environment as what the key takes.
fn parse(key: &Key, text: &str, origin: &Origin) -> Result<Value> {
    let value = match &key.shape {
        Shape::Text | Shape::Secret | Shape::Word(_) => Value::from(text),
        Shape::Whole => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Shape::Number => text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from),
        Shape::Switch => match text {
            "true" | "1" | "yes" | "on" => Value::from(true),
            "false" | "0" | "no" | "off" => Value::from(false),
            other => Value::from(other),
        },
        Shape::List => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
    };
    check(key, &value, origin)?;
    Ok(value)
}

fn check(key: &Key, value: &Value, origin: &Origin) -> Result<()> {
    let (fits, takes) = match &key.shape {
        Shape::Text | Shape::Secret => (value.is_string(), "a text in quotes".to_owned()),
        Shape::Whole => (value.is_i64() || value.is_u64(), "a whole number".to_owned()),
        Shape::Number => (value.is_number(), "a number".to_owned()),
        Shape::Switch => (value.is_boolean(), "true or false".to_owned()),
        Shape::List => (value.is_array(), "a list of texts".to_owned()),
        Shape::Word(words) => (
            value.as_str().is_some_and(|word| words.iter().any(|w| w == word)),
            format!("one of: {}", words.join(", ")),
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Error::invalid(
        "settings.value",
        format!("{} takes {takes}; {origin} says something else.", key.path),
    ))
}

fn unknown(path: &str, place: &str, keys: &[Key]) -> Error {
    let nearest = keys
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(path, &a.path).total_cmp(&strsim::jaro_winkler(path, &b.path)));
    let hint = nearest.map(|key| format!(" Did you mean {}?", key.path)).unwrap_or_default();
    Error::invalid(
        "settings.unknown",
        format!("There is no setting {path} (in {place}).{hint} `agency config` lists all of them."),
    )
}

fn nested(set: &Set) -> Value {
    let mut root = Map::new();
    for (path, (value, _)) in set {
        put(&mut root, path, value.clone());
    }
    Value::Object(root)
}

/// Known paths never lead through a value, so that every step is a section.
fn put(place: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            place.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = place.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = section.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// Which values somebody set, where one of them must be the reason. Values are not shown.
fn suspects(set: &Set) -> String {
    let named: Vec<String> = set.iter().map(|(path, (_, origin))| format!("{path} ({origin})")).collect();
    format!(" Set are: {}.", named.join(", "))
}

#[cfg(test)]
mod tests;
