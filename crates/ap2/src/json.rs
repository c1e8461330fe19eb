//! JSON as signed documents need it: a name may stand only once in an object (two readers must
//! not see two meanings), nesting is bounded, and a number keeps the digits that were signed.

use crate::{Error, Result};
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep a document may nest.
const DEPTH: usize = 24;

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Names and values in the order of the document.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document. Errors on anything else than one JSON value, on a repeated name
    /// and on nesting beyond 24 levels.
    pub fn read(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(bad)?;
        node(raw, 0)
    }

    /// Reads UTF-8 bytes.
    pub(crate) fn read_bytes(bytes: &[u8], what: &str) -> Result<Self> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| Error::credential(format!("The {what} is not UTF-8.")))?;
        Self::read(text).map_err(|cause| Error { message: format!("The {what}: {}", cause.message), ..cause })
    }

    /// The member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members().iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The members of an object; empty for anything else.
    pub fn members(&self) -> &[(String, Json)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The elements of a list; none for anything else.
    pub fn elements(&self) -> Option<&[Json]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one that fits.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }

    /// The same document for serde. A fraction becomes a float there: read money from
    /// [`Json::Number`] instead.
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(digits) => serde_json::from_str(digits).unwrap_or(Value::Null),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(list) => Value::Array(list.iter().map(Self::to_value).collect()),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.to_value())).collect())
            }
        }
    }

    /// Whether both say the same: the order of members does not matter, the digits of numbers do.
    pub fn same(&self, other: &Json) -> bool {
        if let (Self::Object(a), Self::Object(b)) = (self, other) {
            let there = |name: &str, value: &Json| other.get(name).is_some_and(|found| value.same(found));
            a.len() == b.len() && a.iter().all(|(name, value)| there(name, value))
        } else if let (Self::List(a), Self::List(b)) = (self, other) {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.same(y))
        } else {
            self == other
        }
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::Object(map.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

fn bad(cause: serde_json::Error) -> Error {
    Error::credential(format!("not readable as JSON ({cause})."))
}

fn node(raw: &RawValue, depth: usize) -> Result<Json> {
    if depth > DEPTH {
        return Err(Error::credential(format!("nested deeper than {DEPTH} levels.")));
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(bad)?;
            let read = |(name, value)| Ok((name, node(value, depth + 1)?));
            Json::Object(members.into_iter().map(read).collect::<Result<_>>()?)
        }
        Some(b'[') => {
            let list: Vec<&RawValue> = serde_json::from_str(text).map_err(bad)?;
            Json::List(list.into_iter().map(|value| node(value, depth + 1)).collect::<Result<_>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text).map_err(bad)?),
        Some(b't' | b'f') => Json::Bool(serde_json::from_str(text).map_err(bad)?),
        Some(b'n') => Json::Null,
        Some(_) | None => Json::Number(text.to_owned()),
    })
}

/// The members of an object, each name once.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if !seen.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format!("the name “{name}” stands twice")));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_were_written() {
        let json = Json::read(r#" {"a": 4.3500000000000001, "b": 1e2, "c": [ -7 , "x\u0041" ]} "#).unwrap();
        assert_eq!(json.get("a"), Some(&Json::Number("4.3500000000000001".into())));
        assert_eq!(json.get("b"), Some(&Json::Number("1e2".into())));
        let list = json.get("c").and_then(Json::elements).unwrap();
        assert_eq!(list.first().and_then(Json::integer), Some(-7));
        assert_eq!(list.get(1).and_then(Json::text), Some("xA"));
    }

    #[test]
    fn a_repeated_name_and_deep_nesting_are_refused() {
        assert!(Json::read(r#"{"max":1,"max":100}"#).is_err());
        assert!(Json::read(r#"{"a":{"max":1,"m\u0061x":100}}"#).is_err());
        assert!(Json::read(&"[".repeat(60)).is_err());
        assert!(Json::read(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_err());
        assert!(Json::read("1 2").is_err());
        assert!(Json::read("01").is_err());
    }
}
