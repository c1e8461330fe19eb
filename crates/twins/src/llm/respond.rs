//! What the twin answers.

use serde_json::{Map, Value, json};

/// What was asked, whichever vendor's format it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The system text.
    pub system: String,
    /// The last words of the user.
    pub user: String,
    /// The schema of the answer.
    pub schema: Option<Value>,
}

/// Makes answers; the same question always gets the same answer.
pub trait Respond: Send + Sync + 'static {
    /// The answer's text; JSON when there is a schema.
    fn respond(&self, asked: &Asked) -> String;
}

/// Fills the schema with the smallest values that satisfy it and says in each text that it is a
/// twin's; without a schema, repeats what was asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromSchema;

impl Respond for FromSchema {
    fn respond(&self, asked: &Asked) -> String {
        match &asked.schema {
            Some(schema) => fill(schema, schema, 0).to_string(),
            None => format!("Twin's answer to: {}", asked.user.chars().take(80).collect::<String>()),
        }
    }
}

/// Schemas nest no deeper than this; what is deeper is null.
const DEEPEST: usize = 16;

fn fill(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|path| root.pointer(path));
        return target.map_or(Value::Null, |target| fill(target, root, depth + 1));
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|all| all.first()) {
        return first.clone();
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(Value::as_array).and_then(|all| all.first()) {
            return fill(first, root, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    match kind {
        Some("object") => {
            let empty = Map::new();
            let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
            properties.iter().map(|(name, part)| (name.clone(), fill(part, root, depth + 1))).collect()
        }
        Some("array") => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(16);
            let item = schema.get("items").map_or(Value::Null, |part| fill(part, root, depth + 1));
            Value::Array((0..least).map(|_| item.clone()).collect())
        }
        Some("string") => text(schema),
        Some("integer") => json!(schema.get("minimum").and_then(Value::as_i64).unwrap_or(0)),
        Some("number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        Some("boolean") => Value::Bool(false),
        Some(_) | None => Value::Null,
    }
}

fn text(schema: &Value) -> Value {
    let most = schema.get("maxLength").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2000-01-01",
        Some("date-time") => "2000-01-01T00:00:00Z",
        Some("uri") => "https://twin.invalid/",
        Some("email") => "twin@twin.invalid",
        Some(_) | None => "Twin's text",
    };
    Value::String(text.chars().take(most.unwrap_or(usize::MAX)).collect())
}
