//! The one error of the house. A kind decides the HTTP status and the page; a stable code tells
//! programs what went wrong; the message tells people what, where and what to do.

use std::error::Error as StdError;

/// What the caller can do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The input is wrong; the same call never succeeds (400 or 422).
    Invalid,
    /// Nobody is signed in, or the key is bad (401).
    Unauthenticated,
    /// Signed in, but not allowed (403).
    Forbidden,
    /// No such thing, or not visible to this tenant (404).
    NotFound,
    /// The thing is in another state than the call expects (409).
    Conflict,
    /// A rule of the product says no: a switch, a budget, a limit, a policy (422).
    Refused,
    /// Too large (413).
    TooLarge,
    /// Too many calls; try later (429).
    Limited,
    /// Something that we depend on does not answer; trying later may work (503).
    Unavailable,
    /// A defect of ours (500).
    Internal,
}

/// An error with a stable code.
pub struct Error {
    kind: Kind,
    code: &'static str,
    message: String,
    members: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A result of the house.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind. `code` is stable text (`lead.duplicate`); `message` is for people.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), members: None, source: None }
    }

    /// The input is wrong.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// There is no such thing for this caller.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("There is no such {what}, or it is not yours."))
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, "forbidden", message)
    }

    /// The state does not allow it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// A gate or a policy says no.
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, code, message)
    }

    /// Something outside does not answer.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, code, message)
    }

    /// A defect of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal", message)
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a member for programs to the problem document (RFC 9457 §3.2), such as every broken rule.
    #[must_use]
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.members.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// Puts a few words about what was being done before the message.
    #[must_use]
    pub fn context(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What [`Error::with`] added.
    pub fn members(&self) -> impl Iterator<Item = (&String, &serde_json::Value)> {
        self.members.iter().flat_map(|members| members.iter())
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call may succeed later without a change by the caller.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Unavailable | Kind::Limited)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}: {}", self.kind, self.code, self.message)?;
        let mut cause = self.source.as_deref().map(|c| c as &dyn StdError);
        while let Some(inner) = cause {
            write!(f, " ← {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|c| c as &(dyn StdError + 'static))
    }
}

impl From<sqlx::Error> for Error {
    /// Connection trouble and serialisation failures may pass; anything else is our defect.
    /// A verb that expects a constraint to fire maps it before it gets here: see [`constraint`].
    fn from(cause: sqlx::Error) -> Self {
        let code = cause.as_database_error().and_then(|d| d.code().map(|c| c.into_owned()));
        let transient = match (&cause, code.as_deref()) {
            (
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
                _,
            ) => true,
            // 08 connection, 40 rollback (deadlock, serialisation), 53 resources, 57 operator intervention.
            (_, Some(code)) => ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)),
            _ => false,
        };
        if matches!(cause, sqlx::Error::RowNotFound) {
            return Self::not_found("row").caused_by(cause);
        }
        // https://www.postgresql.org/docs/current/errcodes-appendix.html: disk_full.
        if code.as_deref() == Some("53100") {
            return Self::unavailable(
                "database.disk_full",
                "The disk of the database server is full. Nothing was changed; free space on the volume of PostgreSQL's data folder, then try again. Background work goes on by itself.",
            )
            .caused_by(cause);
        }
        if transient {
            return Self::unavailable(
                "database.unavailable",
                "The database does not answer right now. Nothing was changed; try again in a moment.",
            )
            .caused_by(cause);
        }
        Self::internal("The database refused a statement.").caused_by(cause)
    }
}

/// The name of the constraint that a statement broke, if that is why it failed.
pub fn constraint(cause: &sqlx::Error) -> Option<&str> {
    cause.as_database_error().and_then(|d| d.constraint())
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        Self::internal("A value could not be turned into JSON or back.").caused_by(cause)
    }
}
