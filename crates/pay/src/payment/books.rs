//! A payment in the books. The ids of its steps follow from its own id, so that whatever is done again
//! is done once.
//!
//! Over the ledger the payer's trial credit is spent before its paid credit. Over Stripe and Cashfree the
//! money comes in at the provider. Over x402 our wallet pays the vendor directly: the vendor earns the
//! whole amount and is paid out in the same step, and the platform takes no share, because the price of
//! the resource is what the vendor named.

use super::{Payment, PaymentId};
use crate::rail::Rail;
use base::{Currency, Money, Result, TenantId};
use db::Cx;
use ledger::account::Key;
use ledger::{AccountId, Act, Chart, Leg, Part, Purpose, Step, TransferId};

fn base_of(payment: PaymentId) -> TransferId {
    TransferId(payment.uuid())
}

/// The step that sets the amount aside.
fn reservation_of(payment: PaymentId) -> TransferId {
    base_of(payment).derived("reserve")
}

/// The step that takes it.
pub(crate) fn capture_of(payment: PaymentId) -> TransferId {
    base_of(payment).derived("capture")
}

/// The account of the provider behind an outside rail; none for the ledger.
///
/// # Errors
/// Internal: the chart has them.
pub(crate) fn psp_of(rail: Rail, currency: Currency) -> Result<Option<AccountId>> {
    chart_of(rail).map(|chart| Ok(Key::platform(chart, currency)?.id())).transpose()
}

fn chart_of(rail: Rail) -> Option<Chart> {
    match rail {
        Rail::Ledger => None,
        Rail::Stripe => Some(Chart::PspStripe),
        Rail::Cashfree => Some(Chart::PspCashfree),
        Rail::X402 => Some(Chart::PspX402),
    }
}

/// The accounts of a payment.
struct Accounts {
    from: Vec<AccountId>,
    vendor: AccountId,
    fee: AccountId,
}

fn accounts(tenant: TenantId, payment: &Payment) -> Result<(Accounts, Vec<Key>)> {
    let currency = payment.currency;
    let vendor = Key::developer(tenant, payment.vendor_id.uuid(), currency);
    let fee = Key::platform(Chart::PlatformFee, currency)?;
    let (from, mut keys) = match chart_of(payment.rail) {
        Some(chart) => {
            let psp = Key::platform(chart, currency)?;
            (vec![psp.id()], vec![psp])
        }
        None => {
            let (trial, wallet) = (Key::trial(tenant, currency), Key::wallet(tenant, currency));
            (vec![trial.id(), wallet.id()], vec![trial, wallet])
        }
    };
    keys.extend([vendor, fee]);
    Ok((Accounts { from, vendor: vendor.id(), fee: fee.id() }, keys))
}

fn memo(payment: &Payment) -> String {
    format!("payment {}", payment.id)
}

/// A payment over the ledger, as the books take it.
#[derive(Clone, Debug)]
pub(super) struct OverLedger {
    /// The accounts that it needs.
    pub keys: Vec<Key>,
    /// Where the money comes from: the first is used up before the second is touched.
    pub from: Vec<AccountId>,
    /// Sets the amount aside.
    pub reservation: TransferId,
    /// Sets it aside and takes it.
    pub steps: Vec<Step>,
}

/// The steps of a payment over the ledger: what the payer holds here is set aside and taken. Over an
/// outside rail nothing is held here before the rail took it: the mandate's counters hold the room.
pub(super) fn over_ledger(tenant: TenantId, payment: &Payment) -> Result<OverLedger> {
    let (accounts, keys) = accounts(tenant, payment)?;
    let pending = reservation_of(payment.id);
    let act = Act::Reserve {
        from: accounts.from.clone(),
        credit: accounts.fee,
        amount: payment.amount(),
        expires_at: None,
    };
    let reserve = Step::new(pending, Purpose::Charge, act).noted(memo(payment));
    let parts =
        shares(payment, &accounts).into_iter().map(|(credit, minor)| Part { credit, minor }).collect();
    let post =
        Step::new(capture_of(payment.id), Purpose::Charge, Act::Post { pending, parts }).noted(memo(payment));
    Ok(OverLedger {
        keys,
        from: accounts.from,
        reservation: pending,
        steps: ledger::linked(vec![reserve, post]),
    })
}

/// Who gets what; parts of nothing are left out.
fn shares(payment: &Payment, accounts: &Accounts) -> Vec<(AccountId, i64)> {
    let both =
        [(accounts.vendor, payment.amount_minor - payment.fee_minor), (accounts.fee, payment.fee_minor)];
    both.into_iter().filter(|(_, minor)| *minor > 0).collect()
}

/// Books what an outside rail took, and divides it.
pub(super) async fn take(cx: &mut Cx, payment: &Payment) -> Result<()> {
    let (accounts, keys) = accounts(cx.tenant()?, payment)?;
    ledger::account::open(cx, &keys).await?;
    let Some(psp) = psp_of(payment.rail, payment.currency)? else { return Ok(()) };
    let legs = shares(payment, &accounts)
        .into_iter()
        .map(|(credit, minor)| Leg::new(psp, credit, Money { minor, currency: payment.currency }))
        .collect();
    let mut steps =
        vec![Step::new(capture_of(payment.id), Purpose::Charge, Act::Transfer { legs }).noted(memo(payment))];
    if payment.rail == Rail::X402 {
        steps.extend(paid_directly(payment, &accounts)?);
    }
    ledger::apply_all(cx, &steps).await?;
    Ok(())
}

/// What the vendor's own wallet has already.
fn paid_directly(payment: &Payment, accounts: &Accounts) -> Result<Option<Step>> {
    let Some(psp) = psp_of(payment.rail, payment.currency)? else { return Ok(None) };
    let capture = capture_of(payment.id);
    let leg = Leg { origin: Some(capture), ..Leg::new(accounts.vendor, psp, payment.amount()) };
    let act = Act::Transfer { legs: vec![leg] };
    Ok(Some(Step::new(capture.derived("delivered"), Purpose::Payout, act).noted(memo(payment))))
}

/// What the payer holds here and has not set aside, in minor units.
pub(super) async fn held(cx: &mut Cx, tenant: TenantId, currency: Currency) -> Result<i64> {
    let mut sum = 0_i64;
    for key in [Key::trial(tenant, currency), Key::wallet(tenant, currency)] {
        match ledger::account::find(cx, key.id()).await {
            Ok(account) => sum = sum.saturating_add(account.available()),
            Err(error) if error.kind() == base::Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}
