//! What the twin keeps: objects by kind, idempotency keys, events.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) code: String,
    pub(super) decline_code: Option<&'static str>,
    pub(super) message: String,
    pub(super) intent: Option<Box<Value>>,
    pub(super) replayed: bool,
}

impl Problem {
    pub(super) fn invalid(code: &str, message: &str) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: code.to_owned(),
            decline_code: None,
            message: message.to_owned(),
            intent: None,
            replayed: false,
        }
    }

    pub(super) fn missing(kind: &str, id: &str) -> Self {
        Self { status: 404, ..Self::invalid("resource_missing", &format!("No such {kind}: '{id}'")) }
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if !self.code.is_empty() {
            error["code"] = json!(self.code);
        }
        if let Some(code) = self.decline_code {
            error["decline_code"] = json!(code);
        }
        if let Some(intent) = &self.intent {
            error["payment_intent"] = Value::clone(intent);
        }
        json!({"error": error})
    }
}

/// A form body or a query.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Problem> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Problem::invalid("parameter_missing", &format!("Missing required param: {name}.")))
    }

    pub(super) fn amount(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(amount) if amount > 0 => Ok(Some(amount)),
            Ok(_) => Err(Problem::invalid(
                "parameter_invalid_integer",
                "This value must be greater than or equal to 1.",
            )),
            Err(_) => Err(Problem::invalid("parameter_invalid_integer", &format!("Invalid integer: {text}"))),
        }
    }

    pub(super) fn metadata(&self) -> Map<String, Value> {
        self.below("metadata")
    }

    /// What stands in brackets behind a name.
    pub(super) fn below(&self, name: &str) -> Map<String, Value> {
        let of = |full: &str| Some(full.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        self.0.iter().filter_map(|(full, value)| Some((of(full)?, json!(value)))).collect()
    }

    /// Every value whose name begins so.
    pub(super) fn all(&self, start: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, value)| value.as_str()).collect()
    }

    /// Only names that the call knows (before `[`).
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let stranger =
            self.0.iter().map(|(n, _)| n.split('[').next().unwrap_or(n)).find(|n| !known.contains(n));
        match stranger {
            None => Ok(()),
            Some(name) => {
                Err(Problem::invalid("parameter_unknown", &format!("Received unknown parameter: {name}")))
            }
        }
    }

    pub(super) fn sorted(&self) -> String {
        let mut pairs = self.0.clone();
        pairs.sort();
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

type Kept = (String, Result<Value, Problem>);

/// Everything.
#[derive(Default)]
pub(super) struct Book {
    /// Objects by kind (the name in the path), oldest first.
    objects: BTreeMap<&'static str, Vec<Value>>,
    keys: BTreeMap<String, Kept>,
    unsent: Vec<Value>,
    last: u64,
    /// How often money would have moved.
    pub(super) moved: u64,
    /// Where the twin is reached, as the last caller said.
    pub(super) host: String,
}

/// The lists that can be read.
const KINDS: [&str; 15] = [
    "payment_intents",
    "refunds",
    "transfers",
    "accounts",
    "customers",
    "events",
    "charges",
    "disputes",
    "products",
    "prices",
    "coupons",
    "tax_rates",
    "checkout.sessions",
    "subscriptions",
    "invoices",
];

impl Book {
    /// A name that is not taken.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.last += 1;
        format!("{prefix}_twin{:010}", self.last)
    }

    /// Where the twin is.
    pub(super) fn address(&self) -> String {
        format!("http://{}", self.host)
    }

    pub(super) fn put(&mut self, kind: &'static str, object: Value) {
        self.objects.entry(kind).or_default().push(object);
    }

    pub(super) fn get(&self, kind: &str, id: &str) -> Result<&Value, Problem> {
        let found = self.objects.get(kind).and_then(|all| all.iter().find(|o| o["id"] == id));
        found.ok_or_else(|| Problem::missing(kind.trim_end_matches('s'), id))
    }

    pub(super) fn get_mut(&mut self, kind: &str, id: &str) -> Result<&mut Value, Problem> {
        let found = self.objects.get_mut(kind).and_then(|all| all.iter_mut().find(|o| o["id"] == id));
        found.ok_or_else(|| Problem::missing(kind.trim_end_matches('s'), id))
    }

    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.get(kind).into_iter().flatten()
    }

    /// A page, newest first.
    pub(super) fn list(&self, kind: &str, form: &Form) -> Result<Value, Problem> {
        if !KINDS.contains(&kind) {
            return Err(Problem { status: 404, ..Problem::invalid("", "Unrecognized request URL.") });
        }
        let limit = form.amount("limit")?.unwrap_or(10);
        if limit > 100 {
            return Err(Problem::invalid("parameter_invalid_integer", "Limit may be at most 100."));
        }
        let bound = |name: &str| form.get(name).and_then(|text| text.parse::<i64>().ok());
        let equal = |object: &Value, name: &str| form.get(name).is_none_or(|want| object[name] == want);
        let said = |object: &Value, name: &str| {
            form.get(name).is_none_or(|want| object[name].as_bool() == want.parse::<bool>().ok())
        };
        let lookup = form.all("lookup_keys[");
        let fits = |object: &&Value| {
            let created = object["created"].as_i64().unwrap_or(0);
            bound("created[gte]").is_none_or(|at| created >= at)
                && bound("created[lte]").is_none_or(|at| created <= at)
                && [
                    "payment_intent",
                    "transfer_group",
                    "customer",
                    "destination",
                    "type",
                    "status",
                    "product",
                ]
                .iter()
                .all(|n| equal(object, n))
                && ["active", "inclusive"].iter().all(|n| said(object, n))
                && (lookup.is_empty()
                    || object["lookup_key"].as_str().is_some_and(|key| lookup.contains(&key)))
                && form.get("subscription").is_none_or(|of| {
                    object["subscription"] == of
                        || object["parent"]["subscription_details"]["subscription"] == of
                })
        };
        let newest: Vec<&Value> = self.all(kind).filter(fits).collect();
        let mut page = newest.into_iter().rev().peekable();
        if let Some(after) = form.get("starting_after") {
            page.by_ref()
                .find(|object| object["id"] == after)
                .ok_or_else(|| Problem::missing(kind, after))?;
        }
        let data: Vec<Value> = page.by_ref().take(usize::try_from(limit).unwrap_or(10)).cloned().collect();
        Ok(
            json!({"object": "list", "url": format!("/v1/{kind}"), "has_more": page.peek().is_some(), "data": data}),
        )
    }

    /// What was answered under a key.
    pub(super) fn kept(
        &self,
        key: &str,
        fingerprint: &str,
    ) -> Result<Option<Result<Value, Problem>>, Problem> {
        let Some((first, result)) = self.keys.get(key) else { return Ok(None) };
        if first != fingerprint {
            let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
            return Err(Problem { kind: "idempotency_error", ..Problem::invalid("", message) });
        }
        Ok(Some(result.clone().map_err(|problem| Problem { replayed: true, ..problem })))
    }

    pub(super) fn keep(&mut self, key: &str, fingerprint: String, result: Result<Value, Problem>) {
        self.keys.insert(key.to_owned(), (fingerprint, result));
    }

    /// Something happened to an object.
    pub(super) fn tell(&mut self, kind: &str, object: &Value, now: i64) {
        let event = json!({
            "id": self.id("evt"), "object": "event", "api_version": super::VERSION, "created": now,
            "livemode": false, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
            "type": kind, "data": {"object": object},
        });
        self.put("events", event.clone());
        self.unsent.push(event);
    }

    pub(super) fn events_to_send(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.unsent)
    }
}
