//! Bodies with one thing wrong.

use serde_json::Value;

/// A body that is refused.
#[derive(Clone)]
pub(super) struct Bad {
    pub(super) body: String,
    pub(super) status: u16,
    pub(super) code: &'static str,
}

/// A good body with the member at a JSON pointer replaced.
pub(super) fn put(good: &Value, at: &str, value: Value) -> Value {
    let mut body = good.clone();
    let (parent, name) = at.rsplit_once('/').expect("a pointer");
    match body.pointer_mut(parent) {
        Some(Value::Object(object)) => drop(object.insert(name.to_owned(), value)),
        Some(Value::Array(list)) => list[name.parse::<usize>().expect("a place")] = value,
        found => panic!("{at} is in no object: {found:?}"),
    }
    body
}

/// The body with this member is refused so.
pub(super) fn bad(good: &Value, at: &str, value: Value, status: u16, code: &'static str) -> Bad {
    Bad { body: put(good, at, value).to_string(), status, code }
}

/// The same for a member that is no JSON value of Rust's, byte for byte.
pub(super) fn raw(good: &Value, at: &str, text: &str, status: u16, code: &'static str) -> Bad {
    let body = put(good, at, "@here@".into()).to_string().replace("\"@here@\"", text);
    Bad { body, status, code }
}

/// The body without a member that must be there.
pub(super) fn without(good: &Value, name: &str) -> Bad {
    let mut body = good.clone();
    body.as_object_mut().and_then(|object| object.shift_remove(name)).expect("it is there");
    Bad { body: body.to_string(), status: 400, code: "body.invalid" }
}

/// How a call names an amount that cannot be.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    /// Below zero.
    pub(super) negative: (u16, &'static str),
    /// Zero; none: it is taken.
    pub(super) zero: Option<(u16, &'static str)>,
    /// More than JSON's exact whole numbers, yet 64 bits.
    pub(super) large: (u16, &'static str),
}

/// What is never an amount: fractions, texts, what does not fit, nothing, less than nothing.
pub(super) fn amounts(good: &Value, at: &str, say: Amounts) -> Vec<Bad> {
    let mut list: Vec<Bad> = ["4.3", "430.0", "4.3e2", "0.1", "\"430\"", "true", "[430]", "{}", "-0"]
        .into_iter()
        .map(|text| raw(good, at, text, 400, "body.invalid"))
        .collect();
    for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999999"] {
        list.push(raw(good, at, text, 400, "body.invalid"));
    }
    for text in ["1e400", "NaN", "0x10", "043", "1_000", "4,30"] {
        list.push(raw(good, at, text, 400, "body.not_json"));
    }
    for text in ["-1", "-430", "-9223372036854775808"] {
        list.push(raw(good, at, text, say.negative.0, say.negative.1));
    }
    if let Some((status, code)) = say.zero {
        list.push(raw(good, at, "0", status, code));
    }
    for text in ["9007199254740992", "9223372036854775807"] {
        list.push(raw(good, at, text, say.large.0, say.large.1));
    }
    list
}

/// What is never a currency.
pub(super) fn currencies(good: &Value, at: &str) -> Vec<Bad> {
    ["XTS", "aud", "AU", "", "A$", "BTC"]
        .into_iter()
        .map(|text| bad(good, at, text.into(), 400, "body.invalid"))
        .chain([
            bad(good, at, 36.into(), 400, "body.invalid"),
            bad(good, at, Value::Null, 400, "body.invalid"),
        ])
        .collect()
}

/// What is never an id, and the id of nobody.
pub(super) fn ids(good: &Value, at: &str, nobody: (u16, &'static str)) -> Vec<Bad> {
    let mut list: Vec<Bad> = ["", "x", "1", "' or 1=1 --"]
        .into_iter()
        .map(|text| bad(good, at, text.into(), 400, "body.invalid"))
        .collect();
    list.push(bad(good, at, 1.into(), 400, "body.invalid"));
    list.push(bad(good, at, uuid::Uuid::nil().to_string().into(), nobody.0, nobody.1));
    list
}

/// What a line of text of at most so many characters never is.
pub(super) fn lines(good: &Value, at: &str, max: usize, code: &'static str) -> Vec<Bad> {
    let mut list: Vec<Bad> = ["a\nb".to_owned(), "a\u{0}b".to_owned(), "x".repeat(max + 1)]
        .into_iter()
        .map(|text| bad(good, at, text.into(), 400, code))
        .collect();
    list.push(bad(good, at, 1.into(), 400, "body.invalid"));
    list
}
