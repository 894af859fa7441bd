//! The error of a sync: the contract's code, a sentence, and how far the sync was.

use crate::outcome::Counts;
use klaviyo_host::types::{self, Code};
use std::fmt;

/// A sync did not begin, or stopped before its end.
#[derive(Debug)]
pub struct Error {
    /// The contract's error. Its message names settings as the options of `klaviyo-connector sync`, such as
    /// `--state`. `done` is how many rows are done, in this run and in those before it.
    pub error: Box<types::ContractError>,
    /// How far the sync was; none if it had not begun to send.
    pub stopped: Option<Stopped>,
    is_interruption: bool,
}

/// How far a sync was when it stopped.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The rows that have ended, in this run and in those before it. Without a state the rows that were left
    /// are among them, as failed.
    pub counts: Counts,
    /// Why the report lacks rows, if it does.
    pub incomplete_report: Option<String>,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self::from(Box::new(types::ContractError::new(code, message)))
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Code::Other, message)
    }

    /// A setting, an input or a file that cannot work.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message)
    }

    /// The [`Interrupt`](crate::Interrupt) was asked.
    pub(crate) fn interrupted() -> Self {
        Self { is_interruption: true, ..Self::other("it was interrupted") }
    }

    /// The contract's code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.error.code
    }

    /// Whether the sync stopped because the [`Interrupt`](crate::Interrupt) was asked.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        self.is_interruption
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.message)
    }
}

impl std::error::Error for Error {}

impl From<Box<types::ContractError>> for Error {
    fn from(error: Box<types::ContractError>) -> Self {
        Self { error, stopped: None, is_interruption: false }
    }
}

impl From<klaviyo_host::Error> for Error {
    fn from(error: klaviyo_host::Error) -> Self {
        Self::from(error.into_contract())
    }
}
