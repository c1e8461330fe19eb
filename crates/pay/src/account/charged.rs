//! The card of a rail's page that says what a dispute costs there, by dated fees.

use crate::dispute::fee::{self, Fee, New};
use crate::rail::Rail;
use base::{Currency, Money, Result};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// Fees that are shown.
const FEES: usize = 20;

/// What is typed of a fee.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Charged {
    fee: String,
    currency: String,
    source: String,
}

impl Charged {
    pub(super) fn read(&self, rail: Rail) -> Result<New> {
        let currency: Currency = self.currency.parse()?;
        let fee_minor = Money::from_major(self.fee.trim(), currency)?.minor;
        Ok(New { rail, fee_minor, currency, source: self.source.clone(), valid_from: None })
    }
}

/// The fees that were written down, and the form for another one.
pub(super) async fn card(
    cx: &mut web::Cx,
    rail: Rail,
    manage: bool,
    typed: &Charged,
    failed: Option<String>,
) -> Result<Markup> {
    let fees = fee::list(cx, Some(rail), None, FEES).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let line = |fee: &Fee| {
        Row::new().cell(fee.amount().to_string()).cell(wall.date(fee.valid_from)).cell(fee.source.as_str())
    };
    let columns = [Column::number("Fee"), Column::text("From"), Column::text("Where it stands")];
    let none = state::empty(
        "No fee is known",
        "A lost dispute then costs what the rail itself says about it, if it says anything.",
        None,
    );
    let table = Table::new("Fees of disputes", columns).rows(fees.rows.iter().map(line)).empty(none);
    let currencies = Currency::ALL.map(|c| Choice::new(c.code(), c.code()));
    let form = Form::post(format!("/pay/rails/{}/dispute-fee", rail.word()), "dispute-fee")
        .problem(failed)
        .line([
            Field::text("fee", "Fee of a lost dispute")
                .value(typed.fee.as_str())
                .required()
                .placeholder("25.00"),
            Field::select("currency", "Currency", currencies).value(typed.currency.as_str()),
        ])
        .field(
            Field::text("source", "Where that stands")
                .value(typed.source.as_str())
                .required()
                .max_chars(200)
                .placeholder("The contract with the rail, page 3"),
        )
        .submit("Counts from now on");
    Ok(html! {
        (Card::new("What a dispute costs").id("fees").body(table)
            .foot("It counts for disputes that are opened from its day on, where the rail does not say the fee itself."))
        @if manage { (Card::new("Write a fee down").padded(form)) }
    })
}
