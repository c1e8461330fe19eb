//! Every key that exists, read from the JSON schema of the settings.

use super::Settings;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// One key.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// `section.key`.
    pub path: String,
    /// What it means.
    pub doc: String,
    /// What it takes.
    pub shape: Shape,
    /// Its default; none for secrets.
    pub default: Option<Value>,
}

/// What a key takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// A text that is never shown.
    Secret,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Switch,
    /// Several texts.
    List,
    /// One of these words.
    Word(Vec<String>),
}

/// Every key, in the order of the structures.
pub fn all() -> Vec<Key> {
    let generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator();
    let schema = generator.into_root_schema_for::<Settings>().to_value();
    let mut keys = Vec::new();
    collect("", &schema, &mut keys);
    keys
}

fn collect(path: &str, schema: &Value, keys: &mut Vec<Key>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, inner) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            collect(&path, inner, keys);
        }
        return;
    }
    let doc = schema["description"].as_str().unwrap_or_default().split_whitespace();
    keys.push(Key {
        path: path.to_owned(),
        doc: doc.collect::<Vec<_>>().join(" "),
        shape: shape(schema),
        default: schema.get("default").cloned(),
    });
}

fn shape(schema: &Value) -> Shape {
    let words: Vec<String> = match (schema["enum"].as_array(), schema["oneOf"].as_array()) {
        (Some(words), _) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        (None, Some(variants)) => {
            variants.iter().filter_map(|variant| variant["const"].as_str()).map(str::to_owned).collect()
        }
        (None, None) => Vec::new(),
    };
    if !words.is_empty() {
        return Shape::Word(words);
    }
    match schema["type"].as_str() {
        Some("integer") => Shape::Whole,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Switch,
        Some("array") => Shape::List,
        Some(_) | None if schema["format"] == "password" => Shape::Secret,
        Some(_) | None => Shape::Text,
    }
}
