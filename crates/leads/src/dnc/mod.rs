//! The Australian Do Not Call Register: numbers are washed in batches, a wash counts for thirty days, and a number
//! without a valid wash is not called (Do Not Call Register Act 2006; ACMA).
//!
//! The register has no public API: a batch becomes a file that goes there (its portal, SFTP, a reseller), and the
//! result file comes back with the date of the wash.

mod file;
pub mod pages;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Wash, list, numbers, prepare, settle};

use base::{Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};

/// What the register says of a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.dnc_result", rename_all = "snake_case")]
pub enum Answer {
    /// The result has not come.
    Waiting,
    /// It is not on the register.
    Clear,
    /// It is on the register: it is not called.
    Listed,
    /// The register does not take it for a number.
    Invalid,
}

impl Answer {
    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Clear => "clear",
            Self::Listed => "listed",
            Self::Invalid => "invalid",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Clear => "Not on the register",
            Self::Listed => "On the register",
            Self::Invalid => "Not a number there",
        }
    }
}

/// Whether a number may be called, as far as the register goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Callable {
    /// It was washed and is not on the register.
    Yes {
        /// Until when the wash counts.
        until: Time,
    },
    /// It is on the register.
    Listed {
        /// When the register was asked.
        since: Time,
    },
    /// The register does not take it for a number.
    Invalid,
    /// It was never washed.
    NeverWashed,
    /// Its wash counts no longer.
    Expired {
        /// Since when.
        since: Time,
    },
    /// It is no Australian number: this register says nothing of it.
    Elsewhere,
}

impl Callable {
    /// Whether this register lets it be called. What it says nothing of is for other rules to judge.
    pub fn is_free(self) -> bool {
        match self {
            Self::Yes { .. } | Self::Elsewhere => true,
            Self::Listed { .. } | Self::Invalid | Self::NeverWashed | Self::Expired { .. } => false,
        }
    }
}

/// Whether the register covers a number: Australian ones.
pub fn is_covered(phone: &str) -> bool {
    phone.starts_with("+61")
}

/// Whether a number may be called, as far as the register goes. `phone` is in E.164.
pub async fn callable(cx: &mut Cx, phone: &str) -> Result<Callable> {
    if !is_covered(phone) {
        return Ok(Callable::Elsewhere);
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let row = sqlx::query!(
        r#"select result as "result: Answer", washed_at as "washed_at: Time", valid_until as "valid_until: Time"
           from leads.dnc where tenant_id = $1 and phone = $2"#,
        tenant,
        phone,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(match row {
        None => Callable::NeverWashed,
        Some(row) => judged(row.result, row.washed_at, row.valid_until, now),
    })
}

fn judged(result: Answer, washed_at: Time, valid_until: Time, now: Time) -> Callable {
    match result {
        Answer::Listed => Callable::Listed { since: washed_at },
        Answer::Invalid => Callable::Invalid,
        Answer::Waiting => Callable::NeverWashed,
        Answer::Clear if valid_until <= now => Callable::Expired { since: valid_until },
        Answer::Clear => Callable::Yes { until: valid_until },
    }
}

/// The pages of washes.
pub fn module() -> web::Module {
    use axum::http::Method;
    use base::Role;
    use web::Access;
    const RESULT_BYTES_MAX: usize = 8 * 1024 * 1024;
    let entry = web::MenuItem {
        group: "Control",
        order: 645,
        label: "Do Not Call",
        href: "/compliance/dnc",
        key: None,
        count: None,
        daily: false,
        platform: false,
    };
    web::Module::new("dnc")
        .menu(entry)
        .page(Method::GET, "/compliance/dnc", Access::Role(Role::Viewer), pages::index)
        .page(Method::POST, "/compliance/dnc", Access::Role(Role::Member), pages::prepare_wash)
        .page(Method::GET, "/compliance/dnc/{id}", Access::Role(Role::Viewer), pages::show)
        .page(Method::GET, "/compliance/dnc/{id}/wash.csv", Access::Role(Role::Member), pages::download)
        .upload("/compliance/dnc/{id}/result", Access::Role(Role::Member), RESULT_BYTES_MAX, pages::result)
}
