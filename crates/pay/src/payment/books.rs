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
    let chart = match rail {
        Rail::Ledger => return Ok(None),
        Rail::Stripe => Chart::PspStripe,
        Rail::Cashfree => Chart::PspCashfree,
        Rail::X402 => Chart::PspX402,
    };
    Ok(Some(Key::platform(chart, currency)?.id()))
}

/// The accounts of a payment.
struct Accounts {
    from: Vec<AccountId>,
    vendor: AccountId,
    fee: AccountId,
}

async fn accounts(cx: &mut Cx, payment: &Payment) -> Result<Accounts> {
    let (tenant, currency) = (cx.tenant()?, payment.currency);
    let vendor = Key::developer(tenant, payment.vendor_id.uuid(), currency);
    let fee = Key::platform(Chart::PlatformFee, currency)?;
    let (from, mut keys) = match psp_of(payment.rail, currency)? {
        Some(psp) => {
            let chart = match payment.rail {
                Rail::Stripe | Rail::Ledger => Chart::PspStripe,
                Rail::Cashfree => Chart::PspCashfree,
                Rail::X402 => Chart::PspX402,
            };
            (vec![psp], vec![Key::platform(chart, currency)?])
        }
        None => {
            let (trial, wallet) = (Key::trial(tenant, currency), Key::wallet(tenant, currency));
            (vec![trial.id(), wallet.id()], vec![trial, wallet])
        }
    };
    keys.extend([vendor, fee]);
    ledger::account::open(cx, &keys).await?;
    Ok(Accounts { from, vendor: vendor.id(), fee: fee.id() })
}

fn memo(payment: &Payment) -> String {
    format!("payment {}", payment.id)
}

/// Sets aside what the payer holds here and takes it, in one step. Over an outside rail nothing is held
/// here before the rail took it: the mandate's counters hold the room, and there is no reservation.
///
/// # Errors
/// Refused (`insufficient_funds`) when the payer holds less.
pub(super) async fn reserve(cx: &mut Cx, payment: &Payment) -> Result<Option<TransferId>> {
    if payment.rail != Rail::Ledger {
        return Ok(None);
    }
    let accounts = accounts(cx, payment).await?;
    let pending = reservation_of(payment.id);
    let act = Act::Reserve {
        from: accounts.from.clone(),
        credit: accounts.fee,
        amount: payment.amount(),
        expires_at: None,
    };
    let mut reserve = Step::new(pending, Purpose::Charge, act).noted(memo(payment));
    reserve.linked = true;
    let parts =
        shares(payment, &accounts).into_iter().map(|(credit, minor)| Part { credit, minor }).collect();
    let post =
        Step::new(capture_of(payment.id), Purpose::Charge, Act::Post { pending, parts }).noted(memo(payment));
    ledger::apply_all(cx, &[reserve, post]).await?;
    Ok(Some(pending))
}

/// Who gets what; parts of nothing are left out.
fn shares(payment: &Payment, accounts: &Accounts) -> Vec<(AccountId, i64)> {
    let both =
        [(accounts.vendor, payment.amount_minor - payment.fee_minor), (accounts.fee, payment.fee_minor)];
    both.into_iter().filter(|(_, minor)| *minor > 0).collect()
}

/// Books what an outside rail took, and divides it.
pub(super) async fn take(cx: &mut Cx, payment: &Payment) -> Result<()> {
    let accounts = accounts(cx, payment).await?;
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
