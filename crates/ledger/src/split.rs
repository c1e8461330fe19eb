//! Dividing an amount so that the parts are the amount, to the last minor unit.

use base::{Error, Result};

/// A share in ten-thousandths.
const WHOLE_BPS: u64 = 10_000;

/// Divides `minor` in proportion to `weights` by the largest remainder: each part is rounded down, and
/// the units that are left go to the largest remainders, the first of equals first. The same input
/// always gives the same parts. A part with weight 0 gets nothing. Errors when `minor` is negative or
/// no weight is positive.
pub fn by_weight(minor: i64, weights: &[u64]) -> Result<Vec<i64>> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let amount = u128::try_from(minor)
        .map_err(|_| Error::invalid("ledger.split", "A negative amount cannot be divided."))?;
    if total == 0 {
        return Err(Error::invalid("ledger.split", "An amount cannot be divided among nobody."));
    }
    let mut parts: Vec<i64> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        // Below 2^127: an i64 times a u64.
        let product = amount * u128::from(*weight);
        let part = i64::try_from(product / total)
            .map_err(|cause| Error::internal("A part is larger than its whole.").caused_by(cause))?;
        parts.push(part);
        remainders.push((product % total, index));
    }
    let left = minor - parts.iter().sum::<i64>();
    remainders.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    for (_, index) in remainders.iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(part) = parts.get_mut(*index) {
            *part += 1;
        }
    }
    Ok(parts)
}

/// The platform's fee as a quote fixed it. A later version of the fee does not change it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fee {
    /// Which version of the fee, as stored in the quote.
    pub version: i32,
    /// Its share in ten-thousandths: 2,000 is 20 %.
    pub bps: u16,
    /// At least this many minor units (never more than the amount).
    pub min_minor: i64,
    /// At most this many minor units; none: no upper limit.
    pub max_minor: Option<i64>,
}

/// A charge, divided between the developer and the platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    /// The developer's, in minor units.
    pub developer: i64,
    /// The platform's, in minor units.
    pub fee: i64,
}

impl Fee {
    /// Divides a charge. 430 at 20 % is 344 and 86. Errors when the fee makes no sense: a share above
    /// the whole, or a band that is turned around.
    pub fn divide(&self, minor: i64) -> Result<Shares> {
        let bps = u64::from(self.bps);
        let upside_down = self.max_minor.is_some_and(|max| max < self.min_minor);
        if bps > WHOLE_BPS || self.min_minor < 0 || upside_down {
            return Err(Error::invalid(
                "ledger.fee",
                format!("Version {} of the fee is no share of an amount.", self.version),
            ));
        }
        let parts = by_weight(minor, &[WHOLE_BPS - bps, bps])?;
        let share = parts.last().copied().unwrap_or(0);
        let fee = share.max(self.min_minor).min(self.max_minor.unwrap_or(i64::MAX)).min(minor);
        Ok(Shares { developer: minor - fee, fee })
    }
}

/// How much of each source goes to each part: the sources are used in their order until the parts are
/// paid, and what each gives is divided in proportion to what the parts still need. Returns
/// (source, part, minor units) without zeros; less than the parts when the sources do not suffice.
pub(crate) fn across(sources: &[i64], parts: &[i64]) -> Result<Vec<(usize, usize, i64)>> {
    let mut needed = parts.to_vec();
    let mut flows = Vec::new();
    for (source, holds) in sources.iter().enumerate() {
        let open: i64 = needed.iter().sum();
        let given = open.min(*holds);
        if given <= 0 {
            continue;
        }
        let weights: Vec<u64> = needed.iter().map(|need| u64::try_from(*need).unwrap_or(0)).collect();
        for (part, minor) in by_weight(given, &weights)?.into_iter().enumerate() {
            if minor > 0 {
                if let Some(need) = needed.get_mut(part) {
                    *need -= minor;
                }
                flows.push((source, part, minor));
            }
        }
    }
    Ok(flows)
}
