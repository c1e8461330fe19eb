//! Whole chains as types: open mandates from the person downwards, and the closed one at the end.

use super::{Checkout, ClosedCheckout, ClosedPayment, Mandate, OpenCheckout, OpenPayment, changed};
use crate::constraint::{CheckoutLink, PaymentContext, Usage, Violation};
use crate::sdjwt::Chain;
use crate::{Error, Result, delegation};

/// A verified chain of payment mandates.
#[derive(Clone, Debug)]
pub struct PaymentChain {
    /// The open mandates, the person's first; empty when the person approved this payment.
    pub opens: Vec<OpenPayment>,
    /// The payment.
    pub closed: ClosedPayment,
}

impl PaymentChain {
    /// Types the tokens of a verified chain.
    pub fn read(chain: &Chain) -> Result<Self> {
        let mut opens = Vec::new();
        for (index, hop) in chain.hops.iter().enumerate() {
            let last = index + 1 == chain.hops.len();
            match Mandate::read(hop).map_err(|cause| cause.at(index))? {
                Mandate::OpenPayment(open) if !last => opens.push(open),
                Mandate::ClosedPayment(closed) if last => return Ok(Self { opens, closed }),
                Mandate::OpenPayment(_) => {
                    return Err(Error::mandate("The mandate has not been closed.").at(index));
                }
                Mandate::ClosedPayment(_) | Mandate::OpenCheckout(_) | Mandate::ClosedCheckout(_) => {
                    return Err(Error::mandate(
                        "A chain of payment mandates holds open ones and one closed.",
                    )
                    .at(index));
                }
            }
        }
        Err(Error::mandate("The chain is empty."))
    }

    /// Every rule that the payment breaks, under every open mandate of the chain and between them.
    /// `usages` has one entry for each open mandate, in their order. Errors when it has not.
    pub fn evaluate(
        &self,
        usages: &[Usage],
        now: base::Time,
        checkout: Option<&CheckoutLink>,
    ) -> Result<Vec<Violation>> {
        if usages.len() != self.opens.len() {
            return Err(Error::unresolved("The past of each open mandate must be known to judge it."));
        }
        let mut found = Vec::new();
        for (open, usage) in self.opens.iter().zip(usages) {
            found.extend(open.evaluate(&self.closed, &PaymentContext { now, usage: *usage, checkout }));
        }
        for pair in self.opens.windows(2) {
            if let [parent, child] = pair {
                found.extend(delegation::widened_payment(parent, child));
            }
        }
        if let Some(checkout) = checkout {
            found.extend(self.bound(checkout));
        }
        Ok(found)
    }

    fn bound(&self, checkout: &CheckoutLink) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.closed.transaction_id != checkout.checkout_hash {
            found.push(Violation::of("transaction_id", "The payment is for another checkout."));
        }
        if self.closed.amount != checkout.total {
            let (paid, asked) = (self.closed.amount, checkout.total);
            found.push(Violation::of(
                "payment_amount",
                format!("The payment is of {paid}, the checkout of {asked}."),
            ));
        }
        if checkout.merchant.as_ref().is_some_and(|merchant| !merchant.stands_for(&self.closed.payee)) {
            found.push(Violation::of(
                "payee",
                "The payment goes to somebody else than the merchant of the checkout.",
            ));
        }
        found
    }
}

/// A verified chain of open payment mandates: one that was handed on, and that nobody closed yet.
#[derive(Clone, Debug)]
pub struct PaymentDelegation {
    /// The open mandates, the person's first; never empty.
    pub opens: Vec<OpenPayment>,
}

impl PaymentDelegation {
    /// Types the tokens of a verified chain. Errors when one of them is no open payment mandate.
    pub fn read(chain: &Chain) -> Result<Self> {
        let mut opens = Vec::with_capacity(chain.hops.len());
        for (index, hop) in chain.hops.iter().enumerate() {
            match Mandate::read(hop).map_err(|cause| cause.at(index))? {
                Mandate::OpenPayment(open) => opens.push(open),
                Mandate::ClosedPayment(_) | Mandate::OpenCheckout(_) | Mandate::ClosedCheckout(_) => {
                    return Err(Error::mandate("Only open payment mandates are handed on.").at(index));
                }
            }
        }
        Ok(Self { opens })
    }

    /// The open mandate that counts: the last one.
    pub fn last(&self) -> &OpenPayment {
        self.opens.last().expect("a chain is verified from at least one token")
    }

    /// Every way in which a mandate of the chain would allow more than the one before it.
    pub fn widened(&self) -> Vec<Violation> {
        self.opens.windows(2).flat_map(|pair| delegation::widened_payment(&pair[0], &pair[1])).collect()
    }
}

/// A verified chain of checkout mandates.
#[derive(Clone, Debug)]
pub struct CheckoutChain {
    /// The open mandates, the person's first; empty when the person approved this checkout.
    pub opens: Vec<OpenCheckout>,
    /// `sd_hash` of each open mandate.
    pub open_hashes: Vec<String>,
    /// The checkout mandate.
    pub closed: ClosedCheckout,
}

impl CheckoutChain {
    /// Types the tokens of a verified chain.
    pub fn read(chain: &Chain) -> Result<Self> {
        let (mut opens, mut open_hashes) = (Vec::new(), Vec::new());
        for (index, hop) in chain.hops.iter().enumerate() {
            let last = index + 1 == chain.hops.len();
            match Mandate::read(hop).map_err(|cause| cause.at(index))? {
                Mandate::OpenCheckout(open) if !last => {
                    opens.push(open);
                    open_hashes.push(hop.sd_hash.clone());
                }
                Mandate::ClosedCheckout(closed) if last => return Ok(Self { opens, open_hashes, closed }),
                Mandate::OpenCheckout(_) => {
                    return Err(Error::mandate("The mandate has not been closed.").at(index));
                }
                Mandate::ClosedCheckout(_) | Mandate::OpenPayment(_) | Mandate::ClosedPayment(_) => {
                    return Err(Error::mandate(
                        "A chain of checkout mandates holds open ones and one closed.",
                    )
                    .at(index));
                }
            }
        }
        Err(Error::mandate("The chain is empty."))
    }

    /// Every rule that the checkout breaks. `checkout_jwt` is the text that the merchant sent for
    /// approval, `checkout` what [`Checkout::verify`] read from it.
    pub fn evaluate(&self, checkout_jwt: &str, checkout: &Checkout) -> Vec<Violation> {
        let mut found = Vec::new();
        if crate::hash(checkout_jwt) != self.closed.checkout_hash {
            found.push(Violation::of("checkout_hash", "The mandate is for another checkout."));
        }
        for open in &self.opens {
            found.extend(open.evaluate(checkout));
            for name in changed(&open.preset, &self.closed.signed) {
                found.push(Violation::of(
                    "preset",
                    format!("The mandate fixes “{name}”, and the checkout changes it."),
                ));
            }
        }
        for pair in self.opens.windows(2) {
            if let [parent, child] = pair {
                found.extend(delegation::widened_checkout(parent, child));
            }
        }
        found
    }

    /// What a payment for this checkout must agree with.
    pub fn link(&self, checkout: &Checkout) -> Result<CheckoutLink> {
        Ok(CheckoutLink {
            open_hashes: self.open_hashes.clone(),
            checkout_hash: self.closed.checkout_hash.clone(),
            total: checkout.total()?,
            merchant: checkout.merchant.clone(),
        })
    }
}
