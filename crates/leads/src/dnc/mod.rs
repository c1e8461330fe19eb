//! The Australian Do Not Call Register: numbers are washed in batches, a wash counts for thirty days
//! (the figure `dnc.valid_days`), and a number without a valid wash is not called unless the person consented expressly
//! (Do Not Call Register Act 2006; ACMA).
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

/// What the last wash said of a number: a row of `leads.dnc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Washed {
    /// What the register said.
    pub answer: Answer,
    /// When it was asked.
    pub at: Time,
    /// Until when that counts (the figure `dnc.valid_days` at the wash).
    pub until: Time,
}

/// Whether a number may be called, as far as the register goes. `phone` is in E.164.
pub async fn callable(cx: &mut Cx, phone: &str) -> Result<Callable> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let washed = sqlx::query_as!(
        Washed,
        r#"select result as "answer: Answer", washed_at as "at: Time", valid_until as "until: Time"
           from leads.dnc where tenant_id = $1 and phone = $2"#,
        tenant,
        phone,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(judge(phone, washed, now))
}

/// The rule: what the last wash of a number, if there was one, says of calling it now. `phone` is in E.164.
pub fn judge(phone: &str, washed: Option<Washed>, now: Time) -> Callable {
    if !is_covered(phone) {
        return Callable::Elsewhere;
    }
    let Some(Washed { answer, at, until }) = washed else { return Callable::NeverWashed };
    match answer {
        Answer::Listed => Callable::Listed { since: at },
        Answer::Invalid => Callable::Invalid,
        Answer::Waiting => Callable::NeverWashed,
        Answer::Clear if until <= now => Callable::Expired { since: until },
        Answer::Clear => Callable::Yes { until },
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
