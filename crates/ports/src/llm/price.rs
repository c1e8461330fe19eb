//! What tokens cost: dated rows with their source, in millionths of a US dollar per million tokens.

use base::{Micros, Time};
use serde::{Deserialize, Serialize};

use super::Provider;

/// Tokens that a call used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input that was read anew.
    pub input: u64,
    /// Output, thinking included.
    pub output: u64,
    /// Input that came from the cache.
    pub cached: u64,
    /// Input that was written into the cache.
    pub cache_write: u64,
}

/// Prices by size of the prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Price {
    /// For prompts up to `small_up_to` tokens, or all prompts.
    pub small: Tier,
    /// For larger prompts, when they cost something else: the limit in input tokens, and the prices.
    pub large: Option<(u64, Tier)>,
}

/// Prices per million tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tier {
    /// Input.
    pub input: Micros,
    /// Output.
    pub output: Micros,
    /// Input from the cache.
    pub cached: Micros,
    /// Input into the cache.
    pub cache_write: Micros,
}

impl Tier {
    /// Input and output in cents per million tokens; cache read 0.1 and write 1.25 of the input
    /// price (Anthropic's five-minute cache).
    const fn cents(input: i64, output: i64) -> Self {
        Self {
            input: Micros(input * 10_000),
            output: Micros(output * 10_000),
            cached: Micros(input * 1_000),
            cache_write: Micros(input * 12_500),
        }
    }

    fn cost(self, usage: Usage) -> Micros {
        let part = |tokens: u64, price: Micros| i128::from(tokens) * i128::from(price.0);
        let sum = part(usage.input, self.input)
            + part(usage.output, self.output)
            + part(usage.cached, self.cached)
            + part(usage.cache_write, self.cache_write);
        // Rounded up: a cost is never booked as less than it was.
        Micros(i64::try_from((sum + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }
}

impl Price {
    /// For a model on one's own machine.
    pub const FREE: Self = Self { small: Tier::cents(0, 0), large: None };

    /// A price in US cents per million tokens.
    pub const fn cents(input: i64, output: i64) -> Self {
        Self { small: Tier::cents(input, output), large: None }
    }

    /// What a usage costs.
    pub fn cost(self, usage: Usage) -> Micros {
        let prompt = usage.input.saturating_add(usage.cached).saturating_add(usage.cache_write);
        match self.large {
            Some((small_up_to, large)) if prompt > small_up_to => large.cost(usage),
            Some(_) | None => self.small.cost(usage),
        }
    }

    /// Most that so many tokens can cost, whichever tier and cache class they fall into.
    pub fn most(self, input: u64, output: u64) -> Micros {
        [
            Usage { input, output, ..Usage::default() },
            Usage { cache_write: input, output, ..Usage::default() },
        ]
        .map(|usage| self.cost(usage))
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

/// Where a price is from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Basis {
    /// The public list.
    List {
        /// Since when the row holds (date).
        from: String,
        /// Who says so.
        source: String,
    },
    /// The account's own price.
    Account,
}

/// A row of the public list.
#[derive(Clone, Copy, Debug)]
pub struct PriceRow {
    /// Who charges it.
    pub provider: Provider,
    /// Beginning of the model id; a dated snapshot (`…-20261021`) costs the same.
    pub model: &'static str,
    /// The date on which it was read from the source; it holds from then on, UTC.
    pub from: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// The price.
    pub price: Price,
}

const ANTHROPIC: &str = "Anthropic model pages, platform.claude.com/docs, read 2026-11-20";

const fn anthropic(model: &'static str, price: Price) -> PriceRow {
    PriceRow { provider: Provider::Anthropic, model, from: "2026-11-20", source: ANTHROPIC, price }
}

/// The public list. A price that changes gets another row with its date; rows are never edited.
pub const PRICES: &[PriceRow] = &[
    anthropic("claude-fable-5-1", Price::cents(1_000, 5_000)),
    anthropic("claude-opus-5-5", Price::cents(400, 2_000)),
    anthropic("claude-sonnet-5-5", Price::cents(200, 1_000)),
    anthropic(
        "claude-haiku-5-5",
        Price { small: Tier::cents(10, 50), large: Some((100_000, Tier::cents(50, 250))) },
    ),
    anthropic("claude-opus-5", Price::cents(500, 2_500)),
    anthropic("claude-sonnet-4-6", Price::cents(300, 1_500)),
    anthropic("claude-haiku-4-5", Price::cents(100, 500)),
];

/// The row that holds for a model at an instant: the latest that is not later. Before the first
/// row of a model, its first row holds (Simulation may run in the past).
pub fn price_at(provider: Provider, model: &str, at: Time) -> Option<&'static PriceRow> {
    let day = at.stamp().to_string();
    let mut rows: Vec<&PriceRow> =
        PRICES.iter().filter(|row| row.provider == provider && is_model(row.model, model)).collect();
    rows.sort_by_key(|row| row.from);
    rows.iter().rev().find(|row| day.as_str() >= row.from).or_else(|| rows.first()).copied()
}

/// `claude-opus-5` and its snapshots (`claude-opus-5-20260101`), but not `claude-opus-5-5`.
fn is_model(listed: &str, asked: &str) -> bool {
    asked == listed
        || asked
            .strip_prefix(listed)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model: &str) -> Option<Price> {
        price_at(Provider::Anthropic, model, Time::from_us(0)).map(|row| row.price)
    }

    #[test]
    fn a_model_is_not_taken_for_its_cheaper_namesake() {
        assert_eq!(row("claude-opus-5-5"), Some(Price::cents(400, 2_000)));
        assert_eq!(row("claude-opus-5-20260801"), Some(Price::cents(500, 2_500)));
        assert_eq!(row("claude-opus-5-6"), None);
        assert!(price_at(Provider::OpenAi, "claude-opus-5", Time::from_us(0)).is_none());
    }

    #[test]
    fn cost_is_by_prompt_size_and_cache_class_and_rounded_up() {
        let haiku = row("claude-haiku-5-5").unwrap();
        let usage = |input, output| Usage { input, output, ..Usage::default() };
        assert_eq!(haiku.cost(usage(100_000, 1_000)), Micros(10_000 + 500));
        assert_eq!(haiku.cost(usage(100_001, 1_000)), Micros(50_001 + 2_500));
        assert_eq!(haiku.cost(usage(1, 0)), Micros(1));
        let opus = row("claude-opus-5-5").unwrap();
        let cached = Usage { cached: 1_000_000, cache_write: 1_000_000, ..Usage::default() };
        assert_eq!(opus.cost(cached), Micros(400_000 + 5_000_000));
        assert_eq!(Price::FREE.cost(usage(9, 9)), Micros(0));
    }

    #[test]
    fn the_bound_is_never_below_the_cost() {
        let haiku = row("claude-haiku-5-5").unwrap();
        for input in [0, 1, 99_999, 100_000, 100_001, 500_000] {
            for split in [0, input / 2, input] {
                let usage = Usage { input: input - split, cache_write: split, output: 77, cached: 0 };
                assert!(haiku.most(input, 77) >= haiku.cost(usage), "{usage:?}");
            }
        }
    }
}
