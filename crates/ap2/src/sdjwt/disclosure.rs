//! Disclosures: salted values outside the signed text whose digests are inside it.

use crate::{Error, Json, Result, b64};
use base::Random;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Collects disclosures while claims are written.
#[derive(Clone, Debug, Default)]
pub struct Disclosures(Vec<String>);

impl Disclosures {
    /// Hides an element of a list; returns what stands in its place.
    #[must_use]
    pub fn element(&mut self, value: &Value, random: &Random) -> Value {
        json!({"...": self.add(&json!([salt(random), value]))})
    }

    /// Hides a member of an object: it becomes a digest in `_sd`. Nothing happens when it is absent.
    pub fn property(&mut self, object: &mut Map<String, Value>, name: &str, random: &Random) {
        let Some(value) = object.shift_remove(name) else { return };
        let digest = self.add(&json!([salt(random), name, value]));
        let list = object.entry("_sd").or_insert_with(|| json!([]));
        if let Value::Array(digests) = list {
            digests.push(Value::String(digest));
            // Their order must not tell the order of the claims.
            digests.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }

    /// The disclosures as they are written behind the JWT.
    pub(crate) fn texts(&self) -> &[String] {
        &self.0
    }

    fn add(&mut self, content: &Value) -> String {
        let text = b64::encode(content.to_string().as_bytes());
        let digest = b64::hash(&text);
        self.0.push(text);
        digest
    }
}

/// 128 random bits, as RFC 9901 recommends.
fn salt(random: &Random) -> String {
    b64::encode(&random.bytes::<16>())
}

/// A disclosure that was read.
#[derive(Clone, Debug)]
pub(crate) struct Disclosure {
    digest: String,
    /// The name of the member; none for an element of a list.
    name: Option<String>,
    value: Json,
}

impl Disclosure {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let json = Json::read_bytes(&b64::decode(text, "disclosure")?, "disclosure")?;
        let (name, value) = match json.elements() {
            Some([Json::Text(_), value]) => (None, value),
            Some([Json::Text(_), Json::Text(name), value]) => (Some(name), value),
            Some(_) | None => {
                return Err(Error::credential("A disclosure is [salt, value] or [salt, name, value]."));
            }
        };
        if name.is_some_and(|name| name == "_sd" || name == "...") {
            return Err(Error::credential("A disclosure may not bring digests of its own name."));
        }
        Ok(Self { digest: b64::hash(text), name: name.cloned(), value: value.clone() })
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn value(&self) -> &Json {
        &self.value
    }
}

/// Claims with their disclosures put in.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) claims: Json,
    /// Where something stayed undisclosed: `delegate_payload[0].constraints[1].allowed[]` for an
    /// element of a list, `delegate_payload[0]{}` for a member of an object.
    pub(crate) hidden: Vec<String>,
}

/// Puts disclosures into claims (RFC 9901 §7.1). Errors when a digest or a disclosure is there
/// twice, when a disclosure belongs nowhere, or would overwrite a claim.
pub(crate) fn resolve(claims: &Json, disclosures: &[Disclosure]) -> Result<Resolved> {
    if claims.get("_sd_alg").is_some_and(|alg| alg.text() != Some("sha-256")) {
        return Err(Error::credential("Digests are SHA-256; this token asks for another hash (_sd_alg)."));
    }
    let mut open = HashMap::new();
    for disclosure in disclosures {
        if open.insert(disclosure.digest.as_str(), disclosure).is_some() {
            return Err(Error::credential("A disclosure is there twice."));
        }
    }
    let mut work = Work { open, seen: HashSet::new(), hidden: Vec::new() };
    let claims = work.value(claims, "")?;
    if !work.open.is_empty() {
        return Err(Error::credential(format!(
            "{} disclosures belong to no digest of the signed text.",
            work.open.len()
        )));
    }
    Ok(Resolved { claims, hidden: work.hidden })
}

struct Work<'a> {
    /// Disclosures that have not been used yet, by digest.
    open: HashMap<&'a str, &'a Disclosure>,
    seen: HashSet<String>,
    hidden: Vec<String>,
}

impl<'a> Work<'a> {
    /// The disclosure of a digest; none when it was not disclosed.
    fn take(&mut self, digest: &Json) -> Result<Option<&'a Disclosure>> {
        let digest = digest.text().ok_or_else(|| Error::credential("A digest is not a text."))?;
        if !self.seen.insert(digest.to_owned()) {
            return Err(Error::credential("A digest is there twice."));
        }
        Ok(self.open.remove(digest))
    }

    fn value(&mut self, json: &Json, at: &str) -> Result<Json> {
        match json {
            Json::Object(members) => self.object(members, at),
            Json::List(list) => self.list(list, at),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => Ok(json.clone()),
        }
    }

    fn list(&mut self, list: &[Json], at: &str) -> Result<Json> {
        let mut out = Vec::with_capacity(list.len());
        for element in list {
            let place = format!("{at}[{}]", out.len());
            let Some(digest) = element.get("...") else {
                out.push(self.value(element, &place)?);
                continue;
            };
            if element.members().len() != 1 {
                return Err(Error::credential("A hidden element of a list holds more than its digest."));
            }
            match self.take(digest)? {
                Some(Disclosure { name: None, value, .. }) => out.push(self.value(value, &place)?),
                Some(Disclosure { name: Some(_), .. }) => {
                    return Err(Error::credential("A named disclosure stands for an element of a list."));
                }
                None => self.hidden.push(format!("{at}[]")),
            }
        }
        Ok(Json::List(out))
    }

    fn object(&mut self, members: &[(String, Json)], at: &str) -> Result<Json> {
        let place = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        let mut out: Vec<(String, Json)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            match name.as_str() {
                "..." => return Err(Error::credential("“...” stands outside a list.")),
                "_sd" => {}
                "_sd_alg" if at.is_empty() => {}
                _ => out.push((name.clone(), self.value(value, &place(name))?)),
            }
        }
        let Some((_, digests)) = members.iter().find(|(name, _)| name == "_sd") else {
            return Ok(Json::Object(out));
        };
        let digests = digests.elements().ok_or_else(|| Error::credential("“_sd” is not a list."))?;
        for digest in digests {
            match self.take(digest)? {
                Some(Disclosure { name: Some(name), value, .. }) => {
                    if out.iter().any(|(other, _)| other == name) {
                        return Err(Error::credential(format!(
                            "A disclosure would overwrite the claim “{name}”."
                        )));
                    }
                    let value = self.value(value, &place(name))?;
                    out.push((name.clone(), value));
                }
                Some(Disclosure { name: None, .. }) => {
                    return Err(Error::credential("A disclosure without a name stands for a member."));
                }
                None => self.hidden.push(format!("{at}{{}}")),
            }
        }
        Ok(Json::Object(out))
    }
}
