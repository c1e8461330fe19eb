//! Signed HTTP requests (RFC 9421): who calls, as Visa's Trusted Agent Protocol and Web Bot Auth
//! use it, with Ed25519 or ECDSA P-256. A body counts only through its digest (RFC 9530).
//!
//! [`verify`] gives the nonce out only after the signature held. Record it then, and refuse the
//! request when it was there already; a nonce recorded earlier could be burnt by anybody.

use crate::jwk::PublicKey;
use crate::keys::IdentityKey;
use crate::{Error, Result};
use base::Time;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, InnerList, ListEntry, ListSerializer, Parser};
use sha2::Digest as _;

/// What of a request may be signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, ….
    pub method: &'a str,
    /// `https` or `http`, as the caller saw it.
    pub scheme: &'a str,
    /// Host, and port where it is not the scheme's.
    pub authority: &'a str,
    /// Path as it was sent.
    pub path: &'a str,
    /// Query without its question mark; none when there was no question mark.
    pub query: Option<&'a str>,
    /// Header fields as they came, repeated ones repeated.
    pub headers: &'a [(&'a str, &'a str)],
    /// The raw body.
    pub body: &'a [u8],
}

/// What a signature must cover and how long it may live.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Purposes that are taken (`tag`).
    pub tags: &'a [&'a str],
    /// Components that must be signed. `content-digest` is demanded besides whenever there is a
    /// body, `@query` whenever there is a query, unless the whole target is signed.
    pub components: &'a [&'a str],
    /// Longest time from `created` to `expires`, in seconds.
    pub max_life_s: i64,
    /// Tolerated difference of clocks, in seconds.
    pub skew_s: i64,
}

impl Policy<'static> {
    /// Visa's Trusted Agent Protocol: browsing and paying agents; eight minutes.
    pub const TRUSTED_AGENT: Self = Self {
        tags: &["agent-browser-auth", "agent-payer-auth"],
        components: &["@authority", "@path"],
        max_life_s: 480,
        skew_s: 60,
    };
    /// Web Bot Auth: a crawler says who it is; a day.
    pub const WEB_BOT: Self =
        Self { tags: &["web-bot-auth"], components: &["@authority"], max_life_s: 86_400, skew_s: 60 };
    /// Calls of principals to the payment API: the whole target.
    pub const PRINCIPAL: Self = Self {
        tags: &["agency-pay"],
        components: &["@method", "@authority", "@path"],
        max_life_s: 300,
        skew_s: 60,
    };
}

/// A signature that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Id of the key, as the request names it.
    pub key_id: String,
    /// Purpose.
    pub tag: String,
    /// To be recorded now, once, until `expires`.
    pub nonce: String,
    /// When it was signed.
    pub created: Time,
    /// Until when it is good.
    pub expires: Time,
    /// What it covers.
    pub components: Vec<String>,
}

/// Verifies the first signature of a request whose purpose the policy takes. Errors with
/// `invalid_credential` when there is none, or when anything about it is wrong.
pub fn verify(
    request: &Request<'_>,
    policy: &Policy<'_>,
    key: &dyn Fn(&str) -> Option<PublicKey>,
    now: Time,
) -> Result<Verified> {
    let inputs = dictionary(request, "signature-input")?;
    let (label, list) = inputs
        .iter()
        .find_map(|(label, entry)| match entry {
            ListEntry::InnerList(list) if tag(list).is_some_and(|tag| policy.tags.contains(&tag)) => {
                Some((label.as_str(), list))
            }
            ListEntry::InnerList(_) | ListEntry::Item(_) => None,
        })
        .ok_or_else(|| {
            Error::credential(format!("The request has no signature for {}.", policy.tags.join(" or ")))
        })?;
    let verified = read(list, policy, now)?;
    covers(request, policy, &verified.components)?;
    digest_holds(request, &verified.components)?;
    let key = key(&verified.key_id).ok_or_else(|| {
        Error::credential(format!("The key “{}” of the request is not known.", verified.key_id))
    })?;
    let alg = text_of(list, "alg");
    if alg.is_some_and(|alg| !alg.eq_ignore_ascii_case(name_of(&key))) {
        return Err(Error::credential("The request names another algorithm than its key has."));
    }
    let signatures = dictionary(request, "signature")?;
    let signature = match signatures.get(label) {
        Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence(),
        Some(ListEntry::InnerList(_)) | None => None,
    };
    let signature = signature.ok_or_else(|| Error::credential("The signature itself is missing."))?;
    if !key.verifies(base(request, &verified.components, &serialised(list)?)?.as_bytes(), signature) {
        return Err(Error::credential("The signature of the request is not that of its key."));
    }
    Ok(verified)
}

/// What to sign a request as.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Components to cover, in this order.
    pub components: &'a [&'a str],
    /// Purpose.
    pub tag: &'a str,
    /// A value that is used once.
    pub nonce: &'a str,
    /// When.
    pub created: Time,
    /// Until when.
    pub expires: Time,
}

/// Signs a request as an agent; answers the values of `Signature-Input` and `Signature`. A
/// `Content-Digest` must be among the headers before (see [`content_digest`]).
pub fn sign(request: &Request<'_>, signing: &Signing<'_>, key: &IdentityKey) -> Result<(String, String)> {
    let quoted: Vec<String> = signing.components.iter().map(|name| format!("\"{name}\"")).collect();
    let seconds = |at: Time| at.us().div_euclid(1_000_000);
    let params = format!(
        "sig1=({});created={};expires={};keyid=\"{}\";alg=\"ed25519\";nonce=\"{}\";tag=\"{}\"",
        quoted.join(" "),
        seconds(signing.created),
        seconds(signing.expires),
        key.public().id(),
        signing.nonce,
        signing.tag
    );
    let parsed: Dictionary = Parser::new(&params).parse().map_err(|cause| {
        Error::credential(format!("The nonce or the tag cannot stand in a header: {cause}."))
    })?;
    let Some(ListEntry::InnerList(list)) = parsed.get("sig1") else {
        return Err(Error::credential("The signature cannot be described in a header."));
    };
    let components: Vec<String> = signing.components.iter().map(|name| (*name).to_owned()).collect();
    let input = serialised(list)?;
    let signature = key.sign(base(request, &components, &input)?.as_bytes());
    Ok((format!("sig1={input}"), format!("sig1=:{}:", STANDARD.encode(signature))))
}

/// The value of `Content-Digest` for a body.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(base::Digest::of(body).0))
}

fn name_of(key: &PublicKey) -> &'static str {
    match key {
        PublicKey::P256(_) => "ecdsa-p256-sha256",
        PublicKey::Ed25519(_) => "ed25519",
    }
}

/// The fields of this name as one value; none when there is none.
fn field(request: &Request<'_>, name: &str) -> Option<String> {
    let values: Vec<&str> = request
        .headers
        .iter()
        .filter(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches([' ', '\t']))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn dictionary(request: &Request<'_>, name: &str) -> Result<Dictionary> {
    let value = field(request, name)
        .ok_or_else(|| Error::credential(format!("The request has no {name} header.")))?;
    Parser::new(&value)
        .parse()
        .map_err(|cause| Error::credential(format!("The {name} header is not readable: {cause}.")))
}

fn text_of<'a>(list: &'a InnerList, name: &str) -> Option<&'a str> {
    list.params.get(name).and_then(BareItem::as_string).map(|text| text.as_str())
}

fn tag(list: &InnerList) -> Option<&str> {
    text_of(list, "tag")
}

/// Parameters and components of a signature, checked against the policy and the clock.
fn read(list: &InnerList, policy: &Policy<'_>, now: Time) -> Result<Verified> {
    let text = |name: &str| match text_of(list, name) {
        Some(text) if !text.is_empty() && text.len() <= 512 => Ok(text.to_owned()),
        Some(_) | None => {
            Err(Error::credential(format!("The signature needs a “{name}” of at most 512 characters.")))
        }
    };
    let instant = |name: &str| {
        let seconds = list.params.get(name).and_then(BareItem::as_integer).map(i64::from);
        let seconds = seconds
            .ok_or_else(|| Error::credential(format!("The signature does not say when it was {name}.")))?;
        Ok::<_, Error>(Time::from_us(seconds.saturating_mul(1_000_000)))
    };
    let (created, expires) = (instant("created")?, instant("expires")?);
    if created > now.plus_s(policy.skew_s) {
        return Err(Error::credential("The signature was made in the future (created)."));
    }
    if expires.plus_s(policy.skew_s) < now || expires <= created {
        return Err(Error::credential("The signature has expired (expires)."));
    }
    if expires.since_s(created) > policy.max_life_s {
        return Err(Error::credential(format!(
            "The signature may live {} s, not longer.",
            policy.max_life_s
        )));
    }
    let mut components: Vec<String> = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let name = item.bare_item.as_string().map(|name| name.as_str().to_owned()).unwrap_or_default();
        if !item.params.is_empty() {
            return Err(Error::credential(format!("“{name}” is signed in a form that is not taken here.")));
        }
        if name.is_empty() || components.contains(&name) {
            return Err(Error::credential("A component is signed twice, or has no name."));
        }
        components.push(name);
    }
    Ok(Verified {
        key_id: text("keyid")?,
        tag: text("tag")?,
        nonce: text("nonce")?,
        created,
        expires,
        components,
    })
}

fn covers(request: &Request<'_>, policy: &Policy<'_>, components: &[String]) -> Result<()> {
    let has = |name: &str| components.iter().any(|component| component == name);
    let target = has("@target-uri");
    let mut wanted: Vec<&str> = policy.components.to_vec();
    if !request.body.is_empty() {
        wanted.push("content-digest");
    }
    if request.query.is_some_and(|query| !query.is_empty()) && policy.components.contains(&"@path") {
        wanted.push("@query");
    }
    let part_of_target = |name: &str| match name {
        "@authority" | "@scheme" => target,
        "@path" | "@query" => target || has("@request-target"),
        _ => false,
    };
    match wanted.into_iter().find(|name| !has(name) && !part_of_target(name)) {
        None => Ok(()),
        Some(name) => Err(Error::credential(format!("The signature does not cover “{name}”."))),
    }
}

/// A digest that is signed must be the body's; one of a kind that is not known says nothing.
fn digest_holds(request: &Request<'_>, components: &[String]) -> Result<()> {
    if !components.iter().any(|component| component == "content-digest") {
        return Ok(());
    }
    let digests = dictionary(request, "content-digest")?;
    let mut known = 0;
    for (kind, entry) in &digests {
        let expected: Vec<u8> = match kind.as_str() {
            "sha-256" => sha2::Sha256::digest(request.body).to_vec(),
            "sha-512" => sha2::Sha512::digest(request.body).to_vec(),
            _ => continue,
        };
        known += 1;
        let found = match entry {
            ListEntry::Item(item) => item.bare_item.as_byte_sequence(),
            ListEntry::InnerList(_) => None,
        };
        if found != Some(expected.as_slice()) {
            return Err(Error::credential(format!("The body is not the one that was signed ({kind}).")));
        }
    }
    if known == 0 {
        return Err(Error::credential("Content-Digest holds neither sha-256 nor sha-512."));
    }
    Ok(())
}

fn serialised(list: &InnerList) -> Result<String> {
    let mut serializer = ListSerializer::new();
    serializer.members([&ListEntry::InnerList(list.clone())]);
    serializer.finish().ok_or_else(|| Error::credential("The signature covers nothing."))
}

/// The text that is signed (RFC 9421 §2.5).
fn base(request: &Request<'_>, components: &[String], params: &str) -> Result<String> {
    let mut lines = String::new();
    for name in components {
        lines.push_str(&format!("\"{name}\": {}\n", component(request, name)?));
    }
    lines.push_str(&format!("\"@signature-params\": {params}"));
    Ok(lines)
}

fn component(request: &Request<'_>, name: &str) -> Result<String> {
    let authority = || {
        let lower = request.authority.to_ascii_lowercase();
        let port = if request.scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
        lower.strip_suffix(port).unwrap_or(&lower).to_owned()
    };
    let path = if request.path.is_empty() { "/" } else { request.path };
    let query = request.query.map(|query| format!("?{query}"));
    let line = match name {
        "@method" => request.method.to_owned(),
        "@authority" => authority(),
        "@scheme" => request.scheme.to_ascii_lowercase(),
        "@path" => path.to_owned(),
        "@query" => query.unwrap_or_else(|| "?".to_owned()),
        "@request-target" => format!("{path}{}", query.unwrap_or_default()),
        "@target-uri" => {
            format!(
                "{}://{}{path}{}",
                request.scheme.to_ascii_lowercase(),
                authority(),
                query.unwrap_or_default()
            )
        }
        name if name.starts_with('@') || name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            return Err(Error::credential(format!("“{name}” cannot be signed here.")));
        }
        name => field(request, name)
            .ok_or_else(|| Error::credential(format!("The signed header “{name}” is missing.")))?,
    };
    // A line break in a value would let it pass for another component.
    if line.contains(['\r', '\n']) {
        return Err(Error::credential(format!("The value of “{name}” holds a line break.")));
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
