//! The scheme `exact` on Ethereum-like chains: an EIP-3009 `TransferWithAuthorization`, signed as
//! EIP-712 typed data.

use crate::{
    Address, Network, PayerKey, PaymentPayload, Reason, Requirements, Signature, Uint, VERSION, Word,
    keccak256,
};
use serde::{Deserialize, Serialize};

/// The scheme's name.
pub const SCHEME: &str = "exact";

/// Seconds that an authorization must still hold when it is verified, so that it can be settled
/// (as the SDKs have it).
pub const SETTLE_MARGIN_S: u64 = 6;

/// Seconds before the signing instant from which an authorization holds: clocks differ.
pub const CLOCK_SKEW_S: u64 = 600;

const DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const TRANSFER_TYPE: &[u8] = b"TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";

/// The `payload` of the scheme.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payload {
    /// The payer's signature.
    pub signature: Signature,
    /// What was signed.
    pub authorization: Authorization,
}

/// What the payer allows: one transfer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The payer.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// Atomic units.
    pub value: Uint,
    /// Seconds since 1970 after which it holds. The JavaScript SDK signs 0.
    pub valid_after: Uint,
    /// Seconds since 1970 before which it holds.
    pub valid_before: Uint,
    /// Names the authorization; a token contract takes each name of a payer once.
    pub nonce: Word,
}

/// Which token, for the signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Domain {
    /// The token's name as its contract says it.
    pub name: String,
    /// The token's version.
    pub version: String,
    /// The EIP-155 id of the chain.
    pub chain: u64,
    /// The token's contract.
    pub contract: Address,
}

impl Domain {
    /// The domain that a requirement names.
    ///
    /// # Errors
    /// [`Reason::MissingDomain`], [`Reason::InvalidNetwork`] or [`Reason::InvalidRequirements`].
    pub fn of(required: &Requirements) -> Result<Self, Reason> {
        let (Some(name), Some(version)) = (required.extra_text("name"), required.extra_text("version"))
        else {
            return Err(Reason::MissingDomain);
        };
        Ok(Self {
            name: name.to_owned(),
            version: version.to_owned(),
            chain: required.network.evm_chain().ok_or(Reason::InvalidNetwork)?,
            contract: required.asset.parse().map_err(|_| Reason::InvalidRequirements)?,
        })
    }

    /// The separator of EIP-712.
    pub fn separator(&self) -> [u8; 32] {
        hash_words(&[
            keccak256(DOMAIN_TYPE),
            keccak256(self.name.as_bytes()),
            keccak256(self.version.as_bytes()),
            Uint::from(self.chain).to_be_bytes(),
            self.contract.word(),
        ])
    }
}

impl Authorization {
    /// The hash that is signed: EIP-712 over EIP-3009.
    pub fn digest(&self, domain: &Domain) -> [u8; 32] {
        let message = hash_words(&[
            keccak256(TRANSFER_TYPE),
            self.from.word(),
            self.to.word(),
            self.value.to_be_bytes(),
            self.valid_after.to_be_bytes(),
            self.valid_before.to_be_bytes(),
            self.nonce.0,
        ]);
        let mut signed = vec![0x19, 0x01];
        signed.extend_from_slice(&domain.separator());
        signed.extend_from_slice(&message);
        keccak256(&signed)
    }
}

fn hash_words(words: &[[u8; 32]]) -> [u8; 32] {
    keccak256(&words.concat())
}

/// The nonce of a payment under a mandate: the hash of the mandate's compact token. One presented
/// token can then never pay twice, and a retry signs the same nonce again (AP2's x402 binding).
pub fn nonce_of(token: &str) -> Word {
    Word(keccak256(token.as_bytes()))
}

/// Signs the payment that `required` asks, at `now_s` (seconds since 1970). The same arguments
/// give the same bytes, so that a lost payment can be presented again.
///
/// # Errors
/// The reasons of [`Domain::of`]; [`Reason::UnsupportedScheme`] for other schemes,
/// [`Reason::UnsupportedPayload`] for other ways than EIP-3009, [`Reason::InvalidRequirements`]
/// when `payTo` is no address.
pub fn authorise(
    key: &PayerKey,
    required: &Requirements,
    nonce: Word,
    now_s: u64,
) -> Result<Payload, Reason> {
    if required.scheme != SCHEME {
        return Err(Reason::UnsupportedScheme);
    }
    only_eip3009(required)?;
    let domain = Domain::of(required)?;
    let authorization = Authorization {
        from: key.address(),
        to: required.pay_to.parse().map_err(|_| Reason::InvalidRequirements)?,
        value: required.amount,
        valid_after: Uint::from(now_s.saturating_sub(CLOCK_SKEW_S)),
        valid_before: Uint::from(now_s.saturating_add(required.max_timeout_seconds)),
        nonce,
    };
    let signature = key.sign(&authorization.digest(&domain)).map_err(|_| Reason::InvalidSignature)?;
    Ok(Payload { signature, authorization })
}

/// A payment whose form, parties, amount, window and signature are right. Whether its nonce is
/// free and the payer has the money is for whoever holds the table. These five fields name the
/// claim: the first four must be unique.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// The network.
    pub network: Network,
    /// The token.
    pub asset: Address,
    /// The payer, proven by the signature.
    pub from: Address,
    /// The authorization's name.
    pub nonce: Word,
    /// Who is paid.
    pub to: Address,
    /// Atomic units.
    pub value: Uint,
    /// Seconds since 1970 before which it must be settled.
    pub valid_before: Uint,
}

/// Checks a payment against what was asked, at `now_s` (seconds since 1970).
///
/// # Errors
/// The first reason why it must not be taken, in the order of the SDKs.
pub fn check(payment: &PaymentPayload, required: &Requirements, now_s: u64) -> Result<Claim, Reason> {
    if payment.x402_version != VERSION {
        return Err(Reason::InvalidVersion);
    }
    let accepted = &payment.accepted;
    if accepted.scheme != SCHEME || required.scheme != SCHEME {
        return Err(Reason::InvalidScheme);
    }
    only_eip3009(required)?;
    only_eip3009(accepted)?;
    let domain = Domain::of(required)?;
    if accepted.network != required.network {
        return Err(Reason::NetworkMismatch);
    }
    same_token(accepted, required, &domain)?;
    let payload = payload_of(payment)?;
    let signed = &payload.authorization;
    if payload.signature.recover(&signed.digest(&domain))? != signed.from {
        return Err(Reason::InvalidSignature);
    }
    let pay_to: Address = required.pay_to.parse().map_err(|_| Reason::InvalidRequirements)?;
    if signed.to != pay_to || accepted.pay_to.parse() != Ok(pay_to) {
        return Err(Reason::RecipientMismatch);
    }
    if signed.valid_before < Uint::from(now_s.saturating_add(SETTLE_MARGIN_S)) {
        return Err(Reason::ValidBefore);
    }
    if signed.valid_after > Uint::from(now_s) {
        return Err(Reason::ValidAfter);
    }
    if signed.value != required.amount || accepted.amount != required.amount {
        return Err(Reason::ValueMismatch);
    }
    Ok(Claim {
        network: required.network.clone(),
        asset: domain.contract,
        from: signed.from,
        nonce: signed.nonce,
        to: signed.to,
        value: signed.value,
        valid_before: signed.valid_before,
    })
}

/// The scheme's payload of a payment.
///
/// # Errors
/// [`Reason::UnsupportedPayload`] for Permit2 and delegations, [`Reason::InvalidPayload`] when it
/// is not of the form.
pub fn payload_of(payment: &PaymentPayload) -> Result<Payload, Reason> {
    if payment.payload.get("authorization").is_none() && payment.payload.is_object() {
        return Err(Reason::UnsupportedPayload);
    }
    serde_json::from_value(payment.payload.clone()).map_err(|_| Reason::InvalidPayload)
}

fn only_eip3009(required: &Requirements) -> Result<(), Reason> {
    match required.extra_text("assetTransferMethod") {
        None | Some("eip3009") => Ok(()),
        Some(_) => Err(Reason::UnsupportedPayload),
    }
}

fn same_token(accepted: &Requirements, required: &Requirements, domain: &Domain) -> Result<(), Reason> {
    if accepted.asset.parse() != Ok(domain.contract) {
        return Err(Reason::InvalidRequirements);
    }
    if accepted.extra_text("name") != required.extra_text("name") {
        return Err(Reason::TokenNameMismatch);
    }
    if accepted.extra_text("version") != required.extra_text("version") {
        return Err(Reason::TokenVersionMismatch);
    }
    Ok(())
}
