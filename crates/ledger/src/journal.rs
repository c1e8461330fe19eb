//! The books as plain-text accounting, so that a program that is not ours can check them: hledger and
//! beancount read it. Posted legs only; a step is one transaction.

use crate::{Chart, Side};
use base::{Currency, Error, Money, Result, Time, Zone};
use db::Cx;
use futures::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use uuid::Uuid;

/// For which program. Transactions are the same; what is declared differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// hledger: `account` and `commodity` lines, so that `hledger check --strict` passes.
    Hledger,
    /// beancount: `open` lines.
    Beancount,
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Transactions.
    pub transactions: u64,
    /// Postings: two for each leg.
    pub postings: u64,
}

/// Writes what the caller sees, from `from` until before `until`, in the order of time; days are of UTC.
/// Accounts of others are named by their account only. Errors: when `out` does; when a step with an account
/// that the period did not have is committed while the journal is written (write it again).
pub async fn write(
    cx: &mut Cx,
    (from, until): (Time, Time),
    dialect: Dialect,
    out: &mut (dyn Write + Send),
) -> Result<Written> {
    let names = names(cx, from, until).await?;
    let mut currencies: BTreeSet<Currency> = BTreeSet::new();
    let mut written = Written::default();
    let mut last: Option<Uuid> = None;
    let mut rows = sqlx::query!(
        r#"select t.id, t.at, t.purpose::text as "purpose!", t.memo, t.debit_account, t.credit_account, t.minor, t.currency
           from ledger.transfer t
           where t.kind <> 'pending' and t.at >= $1 and t.at < $2
           order by t.at, t.id, t.leg"#,
        from as Time,
        until as Time,
    )
    .fetch(cx.conn());
    while let Some(row) = rows.try_next().await? {
        let amount = Money { minor: row.minor, currency: row.currency.parse()? };
        let mut text = String::new();
        if last != Some(row.id) {
            text.push_str(&head(row.at, &row.purpose, &format!("{} {}", row.id, row.memo)));
            written.transactions += 1;
        }
        for (account, sign) in [(row.debit_account, 1), (row.credit_account, -1)] {
            let name = names.get(&account).ok_or_else(|| {
                Error::unavailable(
                    "ledger_journal",
                    format!("Account {account} appeared while the journal was written. Write it again."),
                )
            })?;
            text.push_str(&posting(name, amount, sign));
            written.postings += 1;
        }
        currencies.insert(amount.currency);
        last = Some(row.id);
        out.write_all(text.as_bytes()).map_err(unwritable)?;
    }
    drop(rows);
    out.write_all(declarations(dialect, &names, &currencies).as_bytes()).map_err(unwritable)?;
    Ok(written)
}

/// What the accounts of the period are called.
async fn names(cx: &mut Cx, from: Time, until: Time) -> Result<BTreeMap<Uuid, String>> {
    let rows = sqlx::query!(
        r#"select n.id as "id!", n.chart as "chart!", n.subject
           from ledger.names(array(
             select t.debit_account from ledger.transfer t where t.kind <> 'pending' and t.at >= $1 and t.at < $2
             union
             select t.credit_account from ledger.transfer t where t.kind <> 'pending' and t.at >= $1 and t.at < $2
           )) n"#,
        from as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(|row| Ok((row.id, account_name(Chart::named(&row.chart)?, row.subject)))).collect()
}

fn unwritable(cause: std::io::Error) -> Error {
    Error::unavailable("ledger_journal", "The journal could not be written.").caused_by(cause)
}

fn head(at: Time, purpose: &str, note: &str) -> String {
    let day = at.in_zone(&Zone::utc()).date();
    format!("\n{day} * \"{purpose}\" \"{}\"\n", plain(note))
}

/// Letters, digits and a little punctuation: what neither program gives a meaning.
fn plain(text: &str) -> String {
    let kept = |letter: char| letter.is_alphanumeric() || " -.,:/+".contains(letter);
    text.chars().map(|letter| if kept(letter) { letter } else { ' ' }).collect::<String>().trim().to_owned()
}

fn posting(account: &str, amount: Money, sign: i64) -> String {
    let signed = Money { minor: sign * amount.minor, currency: amount.currency };
    format!("    {account}  {} {}\n", signed.to_major(), amount.currency.code())
}

fn declarations(dialect: Dialect, names: &BTreeMap<Uuid, String>, currencies: &BTreeSet<Currency>) -> String {
    let accounts: BTreeSet<&String> = names.values().collect();
    let mut text = String::from("\n");
    match dialect {
        Dialect::Hledger => {
            for currency in currencies {
                let mark = if currency.exponent() == 0 { "." } else { "" };
                let sample = Money { minor: 1_000 * 10_i64.pow(currency.exponent()), currency: *currency };
                text.push_str(&format!("commodity {}{mark} {}\n", sample.to_major(), currency.code()));
            }
            for account in accounts {
                text.push_str(&format!("account {account}\n"));
            }
        }
        Dialect::Beancount => {
            for account in accounts {
                text.push_str(&format!("1970-01-01 open {account}\n"));
            }
        }
    }
    text
}

/// The name of an account: its side, its place in the chart, and whose it is. Both programs want every
/// part to begin with a capital letter or a digit.
fn account_name(chart: Chart, subject: Option<Uuid>) -> String {
    let side = match chart.side() {
        Side::Asset => "Assets",
        Side::Liability => "Liabilities",
        Side::Income => "Income",
        Side::Expense => "Expenses",
    };
    let place: String = chart
        .word()
        .split('_')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        })
        .collect();
    match subject {
        Some(subject) => format!("{side}:{place}:{}", subject.to_string().to_ascii_uppercase()),
        None => format!("{side}:{place}"),
    }
}
