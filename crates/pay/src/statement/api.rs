//! Exports in the public API.

use super::{csv, period};
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Error, Time};
use ledger::AccountId;
use ledger::journal::{Dialect, write};
use schemars::JsonSchema;
use serde::Deserialize;
use web::Cx;

/// How a statement is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Comma-separated values (RFC 4180).
    #[default]
    Csv,
    /// The books as plain-text accounting, for hledger: of all accounts.
    Journal,
}

/// Which period, of which account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// From this instant on.
    from: Time,
    /// Until before this instant.
    to: Time,
    /// The format.
    #[serde(default)]
    format: Format,
    /// Only of this account.
    account: Option<AccountId>,
}

/// `GET /api/v1/exports/statement`
pub(crate) async fn statement(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let text = match asked.format {
        Format::Csv => csv(&mut cx, period(asked.from, asked.to)?, asked.account).await?,
        Format::Journal if asked.account.is_some() => {
            return Err(Error::invalid(
                "statement.account",
                "A journal has both sides of every transaction: leave the account out, or ask for csv.",
            )
            .into());
        }
        Format::Journal => {
            return books(cx, period(asked.from, asked.to)?, Dialect::Hledger).await;
        }
    };
    let note = serde_json::json!({ "from": asked.from, "to": asked.to });
    cx.note("pay.statement.exported", "ledger.transfer", None, note).await?;
    cx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"statement.csv\""),
    ];
    Ok((headers, text).into_response())
}

/// For which program.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Program {
    /// hledger.
    #[default]
    Hledger,
    /// beancount.
    Beancount,
}

/// Which period, for which program.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// From this instant on.
    from: Time,
    /// Until before this instant.
    to: Time,
    /// The program that reads it.
    #[serde(default)]
    format: Program,
}

/// `GET /api/v1/exports/journal`
pub(crate) async fn journal(cx: Cx, Query(asked): Query<Journal>) -> web::Result<Response> {
    let dialect = match asked.format {
        Program::Hledger => Dialect::Hledger,
        Program::Beancount => Dialect::Beancount,
    };
    books(cx, period(asked.from, asked.to)?, dialect).await
}

async fn books(mut cx: Cx, (from, to): (Time, Time), dialect: Dialect) -> web::Result<Response> {
    let mut out: Vec<u8> = Vec::new();
    write(&mut cx, (from, to), dialect, &mut out).await?;
    let text =
        String::from_utf8(out).map_err(|cause| Error::internal("A journal is text.").caused_by(cause))?;
    let note = serde_json::json!({ "from": from, "to": to });
    cx.note("pay.journal.exported", "ledger.transfer", None, note).await?;
    cx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"books.journal\""),
    ];
    Ok((headers, text).into_response())
}
