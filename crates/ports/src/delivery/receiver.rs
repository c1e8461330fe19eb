//! Believing what comes in.

use super::{Event, Provider};
use base::{Error, Secret, Time};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

pub use crate::rail::WebhookError;

/// What came in, before anybody believed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inbound {
    /// The public address with its query, exactly as it is configured at the provider (some sign it).
    pub url: Url,
    /// The unguessable part of the address; the router takes it out.
    pub path_token: String,
    /// Headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// When it came.
    pub received_at: Time,
}

impl Inbound {
    /// The first header of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// With what a webhook of one account is checked.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The unguessable part of the address, at least 32 characters: always checked, and all there
    /// is where the provider does not sign.
    pub path_token: Secret,
    /// The signature.
    pub signing: Signing,
}

/// How a provider's webhooks are signed.
#[derive(Clone, Debug)]
pub enum Signing {
    /// Not at all: only for providers that do not ([`Provider::signs`]).
    None,
    /// In the provider's own manner, with any of these (several while one is rotated): Resend
    /// `whsec_…`, Twilio auth tokens, Telnyx public keys in base64, ElevenLabs and Lob secrets.
    Secrets(Vec<Secret>),
    /// As set at the provider, which leaves it to us (Vapi).
    Plan(SignaturePlan),
}

/// A signature that is set at the provider.
#[derive(Clone, Debug)]
pub enum SignaturePlan {
    /// HMAC-SHA256 in hexadecimal over `{timestamp}.{body}`, in the headers `x-signature` and
    /// `x-timestamp`; any of the secrets.
    Hmac(Vec<Secret>),
    /// Standard Webhooks (`svix-id`, `svix-timestamp`, `svix-signature`); any of the secrets.
    Standard(Vec<Secret>),
    /// `Authorization: Bearer …`, or the older `X-Vapi-Secret`: no signature, no time.
    Bearer(Vec<Secret>),
}

/// Reads the webhooks of one provider. Pure: no connection, no clock.
pub trait Receiver: Send + Sync + 'static {
    /// Of which.
    fn provider(&self) -> Provider;

    /// Verifies what came in over its raw bytes and reads it.
    ///
    /// # Errors
    /// See [`WebhookError`]: anything but malformed is answered 401.
    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError>;
}

/// The receivers that are wired.
#[derive(Clone, Default)]
pub struct Receivers(BTreeMap<Provider, Arc<dyn Receiver>>);

impl Receivers {
    /// These receivers; of two of one provider the later counts.
    pub fn of(receivers: impl IntoIterator<Item = Arc<dyn Receiver>>) -> Self {
        Self(receivers.into_iter().map(|receiver| (receiver.provider(), receiver)).collect())
    }

    /// The receiver of a provider.
    ///
    /// # Errors
    /// Not found when it is not wired.
    pub fn get(&self, provider: Provider) -> base::Result<&Arc<dyn Receiver>> {
        self.0.get(&provider).ok_or_else(|| Error::not_found("receiver"))
    }

    /// Every receiver.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Receiver>> {
        self.0.values()
    }
}
