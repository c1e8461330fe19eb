//! The objects of x402 version 2, as they are written.

use crate::{Network, Uint, VERSION};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a 402 says: what is sold, and the ways to pay for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// Always 2.
    pub x402_version: u32,
    /// Why payment is needed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is sold.
    pub resource: Resource,
    /// Any one of these is enough.
    pub accepts: Vec<Requirements>,
    /// Extensions by name, each with `info` and `schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
}

/// What is sold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Where it is.
    pub url: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// What else the seller says (`serviceName`, `tags`, `iconUrl`); echoed unread.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Resource {
    /// A resource by its address alone.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), description: None, mime_type: None, more: Map::new() }
    }
}

/// One way to pay. Sellers compare the echo as a whole, so that what we do not know is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    /// The scheme; we pay and take `exact`.
    pub scheme: String,
    /// The network.
    pub network: Network,
    /// Atomic units of the asset.
    pub amount: Uint,
    /// A token's contract, or an ISO 4217 code.
    pub asset: String,
    /// A wallet, or a role such as `merchant`.
    pub pay_to: String,
    /// Most seconds that paying may take.
    pub max_timeout_seconds: u64,
    /// What the scheme needs: for `exact` the token's `name` and `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
    /// What else the seller says; echoed unread.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Requirements {
    /// A text of `extra`.
    pub fn extra_text(&self, name: &str) -> Option<&str> {
        self.extra.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// What a payer sends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayload {
    /// Always 2.
    pub x402_version: u32,
    /// What is bought, echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// The way to pay that was chosen, echoed whole.
    pub accepted: Requirements,
    /// What the scheme wants; for `exact` see [`crate::exact::Payload`].
    pub payload: Value,
    /// The seller's extensions, echoed, with the payer's additions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
}

/// What `POST /verify` and `POST /settle` of a facilitator take.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FacilitatorRequest {
    /// Always 2. The specification's example leaves it out, the SDKs send it.
    #[serde(default = "version")]
    pub x402_version: u32,
    /// What the payer sent.
    pub payment_payload: PaymentPayload,
    /// What the seller asked.
    pub payment_requirements: Requirements,
}

fn version() -> u32 {
    VERSION
}

/// What `POST /verify` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    /// Whether settling would work now.
    pub is_valid: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// The payer's wallet, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
}

/// What `POST /settle` and the header `PAYMENT-RESPONSE` say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// Whether the money moved.
    pub success: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// The payer's wallet, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// The transaction's hash; empty when nothing moved.
    pub transaction: String,
    /// Where it moved.
    pub network: Network,
    /// How much moved, in atomic units, when the facilitator says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Uint>,
}

/// What `GET /supported` answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Supported {
    /// Scheme and network pairs.
    pub kinds: Vec<Kind>,
    /// Extensions by name.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Who signs transactions, by network pattern.
    #[serde(default)]
    pub signers: Map<String, Value>,
}

/// One pair that a facilitator settles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    /// 2 for this version.
    pub x402_version: u32,
    /// The scheme.
    pub scheme: String,
    /// The network.
    pub network: Network,
    /// What the scheme needs besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}
