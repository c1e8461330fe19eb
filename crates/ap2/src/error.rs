//! What a verifier answers when it says no: one of the four codes of AP2, and where it happened.

/// The error codes that AP2 v0.2 defines (agent_authorization.md, "Errors").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// The token fails verification: signature, binding, key, time, form. Terminal.
    InvalidCredential,
    /// A constraint is unknown, or cannot be judged with what was disclosed. A mandate that the
    /// person approves directly may still work.
    UnresolvedConstraint,
    /// The token is sound, but does not allow what is asked. Terminal.
    InvalidMandate,
    /// This verifier does not take such mandates at all.
    MandatesNotSupported,
}

impl Code {
    /// The text on the wire.
    pub fn text(self) -> &'static str {
        match self {
            Self::InvalidCredential => "invalid_credential",
            Self::UnresolvedConstraint => "unresolved_constraint",
            Self::InvalidMandate => "invalid_mandate",
            Self::MandatesNotSupported => "mandates_not_supported",
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// Why a mandate, a receipt or a key is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The code for the other side.
    pub code: Code,
    /// Which token of the chain, counted from 0 at the root; none when no single one is at fault.
    pub hop: Option<usize>,
    /// What is wrong, for people.
    pub message: String,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The token does not verify.
    pub fn credential(message: impl Into<String>) -> Self {
        Self { code: Code::InvalidCredential, hop: None, message: message.into() }
    }

    /// The token cannot be judged.
    pub fn unresolved(message: impl Into<String>) -> Self {
        Self { code: Code::UnresolvedConstraint, hop: None, message: message.into() }
    }

    /// The token does not allow this.
    pub fn mandate(message: impl Into<String>) -> Self {
        Self { code: Code::InvalidMandate, hop: None, message: message.into() }
    }

    /// No such mandates here.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { code: Code::MandatesNotSupported, hop: None, message: message.into() }
    }

    /// Names the token of the chain, unless an inner call has done so.
    #[must_use]
    pub fn at(mut self, hop: usize) -> Self {
        self.hop.get_or_insert(hop);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.hop {
            Some(hop) => write!(f, "{} (token {hop} of the chain): {}", self.code, self.message),
            None => write!(f, "{}: {}", self.code, self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for base::Error {
    fn from(cause: Error) -> Self {
        base::Error::refused(cause.code.text(), cause.message.clone()).caused_by(cause)
    }
}
