//! Exchanging one currency for another: two legs through the platform's positions, which no leg crosses,
//! and the spread as a leg of its own.

use crate::account::Key;
use crate::refund::one;
use crate::{AccountId, Act, Chart, Leg, Outcome, Purpose, Step, TransferId, apply};
use base::{Currency, Error, Money, Result, Time};
use db::Cx;

/// Ten-thousandths of the whole.
const WHOLE_BPS: i128 = 10_000;
/// Digits of a rate at most, so that exact arithmetic fits.
const RATE_DIGITS_MAX: usize = 15;

/// A dated rate, exact: `per` minor units of `base` are worth `get` minor units of `quote`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    base: Currency,
    quote: Currency,
    get: i128,
    per: i128,
    /// Until when somebody may exchange at it.
    pub expires_at: Time,
}

impl Rate {
    /// A rate as people write it: how many `quote` one `base` is worth, as decimal digits (`83.2150`).
    /// Errors: `ledger_rate` for anything but a positive decimal number of at most 15 digits.
    pub fn parse(text: &str, base: Currency, quote: Currency, expires_at: Time) -> Result<Self> {
        let bad = || Error::invalid("ledger_rate", format!("“{text}” is not a rate such as 83.2150."));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let plain = !whole.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain
            || digits.len() > RATE_DIGITS_MAX
            || (text.contains('.') && fraction.is_empty())
            || base == quote
        {
            return Err(bad());
        }
        let number: i128 = digits.parse().map_err(|_| bad())?;
        let decimals = u32::try_from(fraction.len()).map_err(|_| bad())?;
        if number == 0 {
            return Err(bad());
        }
        Ok(Self {
            base,
            quote,
            get: number * 10_i128.pow(quote.exponent()),
            per: 10_i128.pow(decimals + base.exponent()),
            expires_at,
        })
    }

    /// The same rate the other way round.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { base: self.quote, quote: self.base, get: self.per, per: self.get, expires_at: self.expires_at }
    }

    /// What is given and what is got for it, rounded down, and the spread, rounded up: whatever the
    /// rounding leaves is the platform's, so that going there and back never gains.
    pub fn quote(&self, give: Money, spread_bps: u16) -> Result<Quoted> {
        let overflow =
            || Error::refused("ledger_overflow", "The amount is larger than an account can count.");
        if give.currency != self.base || i128::from(spread_bps) > WHOLE_BPS {
            return Err(Error::refused(
                "ledger_currency_mismatch",
                format!("This rate exchanges {}.", self.base.code()),
            ));
        }
        if give.minor <= 0 {
            return Err(Error::invalid("ledger_malformed", "Every amount is above zero."));
        }
        let spread = (i128::from(give.minor) * i128::from(spread_bps) + WHOLE_BPS - 1) / WHOLE_BPS;
        let net = i128::from(give.minor) - spread;
        let got = net.checked_mul(self.get).ok_or_else(overflow)? / self.per;
        if net <= 0 || got <= 0 {
            return Err(Error::refused("ledger_exchange_small", "The amount is too small to be exchanged."));
        }
        let minor = |wide: i128| i64::try_from(wide).map_err(|_| overflow());
        Ok(Quoted {
            net: Money { minor: minor(net)?, currency: self.base },
            spread: Money { minor: minor(spread)?, currency: self.base },
            get: Money { minor: minor(got)?, currency: self.quote },
        })
    }
}

/// What an exchange comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quoted {
    /// What is exchanged.
    pub net: Money,
    /// What the platform keeps for it.
    pub spread: Money,
    /// What is got.
    pub get: Money,
}

/// An exchange.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The caller's id: repeating it changes nothing.
    pub id: TransferId,
    /// What is given, of which account.
    pub from: AccountId,
    /// Which account gets the other currency.
    pub to: AccountId,
    /// How much is given, spread included.
    pub give: Money,
    /// At which rate.
    pub rate: Rate,
    /// The spread in ten-thousandths of what is given.
    pub spread_bps: u16,
}

/// Exchanges. The rate is kept with the legs as a note. Errors: `ledger_rate_expired`,
/// `insufficient_funds`, `ledger_exchange_small`.
pub async fn exchange(cx: &mut Cx, exchange: &Exchange) -> Result<Outcome> {
    let Exchange { id, from, to, give, rate, spread_bps } = *exchange;
    let quoted = rate.quote(give, spread_bps)?;
    let sold = Key::platform(Chart::Fx, rate.base)?.id();
    let bought = Key::platform(Chart::Fx, rate.quote)?.id();
    let mut legs = vec![Leg::new(from, sold, quoted.net), Leg::new(bought, to, quoted.get)];
    if quoted.spread.minor > 0 {
        let spread = Key::platform(Chart::FxSpread, rate.base)?.id();
        legs.push(Leg::new(from, spread, quoted.spread));
    }
    let note = format!(
        "{} {} minor units for {} {}, valid until {}",
        rate.get,
        rate.quote.code(),
        rate.per,
        rate.base.code(),
        rate.expires_at
    );
    let step = Step::new(id, Purpose::Exchange, Act::Transfer { legs }).noted(note);
    // An exchange that was made in time answers as it did then.
    if cx.clock().now() >= rate.expires_at && !made(cx, id).await? {
        return Err(Error::refused(
            "ledger_rate_expired",
            "This rate is not valid any more. Ask for another one.",
        ));
    }
    one(apply(cx, &[step]).await?)
}

async fn made(cx: &mut Cx, id: TransferId) -> Result<bool> {
    let made = sqlx::query_scalar!(
        r#"select exists (select from ledger.transfer where id = $1) as "made!""#,
        id.uuid()
    );
    Ok(made.fetch_one(cx.conn()).await?)
}
