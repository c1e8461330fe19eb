//! A sale in the books. The buyer's tokens went to the seller's own wallet, past us: the seller earns the
//! whole price and has it, in one step, so that the statement shows it and nothing is owed.

use super::Sale;
use base::{Money, Result};
use db::Cx;
use ledger::account::Key;
use ledger::{Act, Chart, Leg, Purpose, Step, TransferId};

/// Books a paid sale, once.
pub(super) async fn take(cx: &mut Cx, sale: &Sale) -> Result<()> {
    let tokens = Key::platform(Chart::PspX402, sale.currency)?;
    let seller = Key::developer(cx.tenant()?, sale.resource_id.uuid(), sale.currency);
    ledger::account::open(cx, &[tokens, seller]).await?;
    let amount = Money { minor: sale.amount_minor, currency: sale.currency };
    let capture = TransferId(sale.id.uuid()).derived("sale");
    let memo = if sale.simulated { "simulated sale" } else { "sale" };
    let memo = format!("{memo} {}", sale.id);
    let earned = Act::Transfer { legs: vec![Leg::new(tokens.id(), seller.id(), amount)] };
    let had = Leg { origin: Some(capture), ..Leg::new(seller.id(), tokens.id(), amount) };
    let steps = ledger::linked(vec![
        Step::new(capture, Purpose::Charge, earned).noted(memo.clone()),
        Step::new(capture.derived("received"), Purpose::Payout, Act::Transfer { legs: vec![had] })
            .noted(memo),
    ]);
    ledger::apply_all(cx, &steps).await?;
    Ok(())
}
