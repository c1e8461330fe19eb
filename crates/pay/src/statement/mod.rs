//! Statements: what happened on a tenant's accounts in a period, cent for cent as the ledger has it, as
//! CSV; and the books as plain-text accounting.

pub(crate) mod api;
#[cfg(test)]
mod books;
pub(crate) mod pages;
#[cfg(test)]
mod screens;
pub(crate) mod sheet;
#[cfg(test)]
mod tests;
mod trace;
mod words;

use base::{Error, Result, Time};
use db::Cx;
use ledger::account::Account;
use ledger::statement::statement;

/// Lines of one statement at most.
pub const LINES_MAX: usize = 200_000;
/// Accounts of one statement at most.
pub const ACCOUNTS_MAX: i64 = 1_000;
/// Lines that are read at once.
const PAGE: i64 = 5_000;

/// The header of the CSV.
pub const HEADER: &str = "account,subject,currency,row,at,purpose,other,transfer,origin,amount_minor,amount,balance_minor,memo\r\n";

/// A period.
///
/// # Errors
/// Invalid (`statement.period`) when it ends before it begins.
pub fn period(from: Time, to: Time) -> Result<(Time, Time)> {
    if to < from {
        return Err(Error::invalid(
            "statement.period",
            "The period ends before it begins. Exchange from and to.",
        ));
    }
    Ok((from, to))
}

/// The statement of every account of the tenant (or of one) from `from` until before `to`. For each
/// account: an `opening` row, its lines oldest first with a running balance, and a `closing` row, which
/// is the opening and every line.
///
/// # Errors
/// Refused (`statement.too_long`) beyond 200,000 lines; internal when the lines are not the sums.
pub async fn csv(cx: &mut Cx, (from, to): (Time, Time), only: Option<ledger::AccountId>) -> Result<String> {
    let accounts = match only {
        Some(id) => vec![ledger::account::find(cx, id).await?],
        None => ledger::account::list(cx, None, ACCOUNTS_MAX).await?,
    };
    let mut text = String::from(HEADER);
    let mut lines = 0_usize;
    for account in accounts {
        lines += one(cx, &mut text, &account, (from, to), lines).await?;
    }
    Ok(text)
}

async fn one(
    cx: &mut Cx,
    text: &mut String,
    account: &Account,
    (from, to): (Time, Time),
    before: usize,
) -> Result<usize> {
    let (mut after, mut count) = (None, 0_usize);
    let mut balance: Option<i64> = None;
    loop {
        let page = statement(cx, account.id, (from, to), after, PAGE).await?;
        let mut running = match balance {
            Some(running) => running,
            None => {
                row(text, account, &Line::edge("opening", from, page.opening));
                page.opening
            }
        };
        for line in &page.lines {
            running += line.minor;
            row(
                text,
                account,
                &Line {
                    kind: "line",
                    at: line.at,
                    purpose: line.purpose.word(),
                    other: line.other.word(),
                    transfer: line.id.to_string(),
                    origin: line.origin.map(|id| id.to_string()).unwrap_or_default(),
                    minor: Some(line.minor),
                    balance: running,
                    memo: &line.memo,
                },
            );
        }
        count += page.lines.len();
        if before + count > LINES_MAX {
            return Err(Error::refused(
                "statement.too_long",
                "The period has more than 200,000 lines. Ask for a shorter one.",
            ));
        }
        balance = Some(running);
        after = page.next;
        if after.is_none() {
            if running != page.closing {
                return Err(Error::internal(format!(
                    "The lines of account {} are not its balance.",
                    account.id
                )));
            }
            row(text, account, &Line::edge("closing", to, running));
            return Ok(count);
        }
    }
}

struct Line<'a> {
    kind: &'static str,
    at: Time,
    purpose: &'static str,
    other: &'static str,
    transfer: String,
    origin: String,
    minor: Option<i64>,
    balance: i64,
    memo: &'a str,
}

impl Line<'_> {
    fn edge(kind: &'static str, at: Time, balance: i64) -> Self {
        Self {
            kind,
            at,
            purpose: "",
            other: "",
            transfer: String::new(),
            origin: String::new(),
            minor: None,
            balance,
            memo: "",
        }
    }
}

fn row(text: &mut String, account: &Account, line: &Line<'_>) {
    let major = line
        .minor
        .map(|minor| base::Money { minor, currency: account.currency }.to_major())
        .unwrap_or_default();
    let minor = line.minor.map(|minor| minor.to_string()).unwrap_or_default();
    let fields = [
        account.chart.word(),
        &account.subject.to_string(),
        account.currency.code(),
        line.kind,
        &line.at.to_string(),
        line.purpose,
        line.other,
        &line.transfer,
        &line.origin,
        &minor,
        &major,
        &line.balance.to_string(),
        line.memo,
    ];
    let cells: Vec<String> = fields.iter().map(|field| cell(field)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell of RFC 4180. What a spreadsheet would take for a formula is made a text; numbers stay.
fn cell(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '@', '\t', '\r'])
        || field.starts_with('-') && !field.chars().skip(1).all(|c| c.is_ascii_digit() || c == '.');
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}
