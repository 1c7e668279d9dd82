//! Why the launcher ends without having done what it was asked for.

use prefill_core::contract::PROGRAM;
use std::fmt;

/// Wrong flags or environment (`EX_USAGE` of sysexits.h).
pub(crate) const USAGE: u8 = 64;
/// Detection failed, or a file could not be read or written.
pub(crate) const FAILED: u8 = 1;
/// What is to be started is there but cannot be.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// What is to be started is not there.
pub(crate) const NOT_FOUND: u8 = 127;

/// What went wrong and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) code: u8,
    /// Where, what was found, what is allowed.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: FAILED, message: message.into(), hint: None }
    }

    pub(crate) fn not_executable(message: impl Into<String>) -> Self {
        Self { code: NOT_EXECUTABLE, message: message.into(), hint: None }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { code: NOT_FOUND, message: message.into(), hint: None }
    }

    /// All of it in one line.
    pub(crate) fn line(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        format!("{}{hint}", self.message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROGRAM}: error: {}", self.message)?;
        match &self.hint {
            Some(hint) => writeln!(f, "{PROGRAM}: hint: {hint}"),
            None => Ok(()),
        }
    }
}
