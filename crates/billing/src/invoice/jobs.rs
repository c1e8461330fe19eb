//! Asking the provider how an invoice stands.

use super::record;
use crate::desk::Desk;
use base::Result;
use db::Cx;

/// Looks at an invoice and keeps what is seen; the transaction is handed back open, so that the caller can
/// end its own work in it.
///
/// # Errors
/// What the provider or the database say.
pub(crate) async fn look<B, F>(desk: &Desk, begin: B, provider_ref: &str) -> Result<Cx>
where
    B: Fn() -> F,
    F: Future<Output = Result<Cx>>,
{
    let account = desk.account()?;
    let seen = desk.provider.invoice(&account, provider_ref).await?;
    let mut cx = begin().await?;
    record(&mut cx, desk, &seen).await?;
    Ok(cx)
}
