//! The network: balances of one token, and the authorizations that were used.

use super::{ASSET, CHAIN, DOMAIN};
use ::x402::exact::{Claim, check};
use ::x402::{Address, Network, PaymentPayload, Reason, Requirements, Uint, Word, keccak256};
use std::collections::BTreeMap;

/// Balances and used authorizations.
#[derive(Default)]
pub(super) struct Table {
    balances: BTreeMap<Address, u128>,
    used: BTreeMap<(Address, [u8; 32]), (Word, Claim)>,
}

impl Table {
    pub(super) fn mint(&mut self, to: Address, amount: Uint) {
        let balance = self.balances.entry(to).or_default();
        *balance = balance.saturating_add(amount.to_u128().unwrap_or(u128::MAX));
    }

    pub(super) fn balance(&self, of: Address) -> Uint {
        Uint::from(self.balances.get(&of).copied().unwrap_or_default())
    }

    pub(super) fn is_used(&self, from: Address, nonce: [u8; 32]) -> bool {
        self.used.contains_key(&(from, nonce))
    }

    /// The transaction that took an authorization.
    pub(super) fn transaction_of(&self, from: Address, nonce: [u8; 32]) -> Option<Word> {
        self.used.get(&(from, nonce)).map(|(transaction, _)| *transaction)
    }

    /// What a transaction moved.
    pub(super) fn moved_by(&self, transaction: Word) -> Option<Claim> {
        self.used.values().find(|(word, _)| *word == transaction).map(|(_, claim)| claim.clone())
    }

    /// Whether it would settle now.
    pub(super) fn check(
        &self,
        payment: &PaymentPayload,
        required: &Requirements,
        now_s: u64,
    ) -> Result<Claim, Reason> {
        if required.network != Network::evm(CHAIN) {
            return Err(Reason::InvalidNetwork);
        }
        if required.asset.parse::<Address>() != ASSET.parse() {
            return Err(Reason::InvalidRequirements);
        }
        // The token's contract knows its own name; a signature for another one is worth nothing.
        if required.extra_text("name") != Some(DOMAIN.0) {
            return Err(Reason::TokenNameMismatch);
        }
        if required.extra_text("version") != Some(DOMAIN.1) {
            return Err(Reason::TokenVersionMismatch);
        }
        let claim = check(payment, required, now_s)?;
        if self.is_used(claim.from, claim.nonce.0) {
            return Err(Reason::NonceUsed);
        }
        if self.balance(claim.from) < claim.value {
            return Err(Reason::InsufficientBalance);
        }
        Ok(claim)
    }

    /// Moves the tokens and names the transaction.
    pub(super) fn settle(
        &mut self,
        payment: &PaymentPayload,
        required: &Requirements,
        now_s: u64,
    ) -> Result<(Claim, Word), Reason> {
        let claim = self.check(payment, required, now_s)?;
        let value = claim.value.to_u128().ok_or(Reason::InsufficientBalance)?;
        let from = self.balances.entry(claim.from).or_default();
        *from = from.checked_sub(value).ok_or(Reason::InsufficientBalance)?;
        let to = self.balances.entry(claim.to).or_default();
        *to = to.saturating_add(value);
        let transaction = Word(keccak256(&[claim.from.word(), claim.nonce.0].concat()));
        self.used.insert((claim.from, claim.nonce.0), (transaction, claim.clone()));
        Ok((claim, transaction))
    }
}
