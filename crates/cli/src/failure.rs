//! Why a command failed, whatever it was that did.

use crate::account::Account;
use crate::key::{self, Unfit};
use klaviyo_host::types::{Code, ContractError, Detail};
use klaviyo_host::{Cause, LoadError};
use std::error::Error;

/// A failure: the contract's error, also for what happens before the connector is called.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Box<ContractError>,
    /// What else to do from the command line.
    pub(crate) hints: Vec<String>,
    /// Somebody wanted it.
    is_interruption: bool,
}

/// The exit code of programs that Ctrl-C ends.
const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn new(code: Code, message: String) -> Self {
        let error = ContractError {
            code,
            message,
            status: None,
            retry_after: None,
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        };
        Self::stopped(Box::new(error))
    }

    /// An error of the contract.
    pub(crate) fn stopped(error: Box<ContractError>) -> Self {
        Self { error, hints: Vec::new(), is_interruption: false }
    }

    /// Ctrl-C, or SIGTERM.
    pub(crate) fn interrupted() -> Self {
        Self { is_interruption: true, ..Self::other("it was interrupted".to_owned()) }
    }

    pub(crate) fn other(message: String) -> Self {
        Self::new(Code::Other, message)
    }

    /// An argument that cannot work, and the field of the contract that it is about, if it is about one.
    pub(crate) fn invalid(field: Option<&str>, reason: &str) -> Self {
        let Some(field) = field else { return Self::new(Code::InvalidInput, reason.to_owned()) };
        let mut failure = Self::new(Code::InvalidInput, format!("{field}: {reason} (nothing was sent)"));
        failure.error.details.push(Detail {
            code: Code::InvalidInput.as_str().to_owned(),
            title: String::new(),
            detail: reason.to_owned(),
            pointer: Some(field.to_owned()),
        });
        failure
    }

    /// A command line that cannot be read.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let told = error.to_string();
        // What follows is how the command is used.
        let is_sentence =
            |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
        let words = told.lines().take_while(is_sentence).flat_map(str::split_whitespace);
        let sentence = words.collect::<Vec<_>>().join(" ");
        let sentence = sentence.trim_start_matches("error: ");
        Self::invalid(None, sentence)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what is known about the account's settings.
    pub(crate) fn about(self, account: &Account) -> Self {
        match self.error.code {
            Code::Unauthenticated => {
                let source = key::source(account);
                self.hint(format!(
                    "the key came from {source}; `klaviyo-connector doctor` looks at it more closely"
                ))
            }
            Code::Forbidden => {
                self.hint("`klaviyo-connector doctor` shows which scopes the key has and which it lacks")
            }
            Code::Retired => self.hint("raise it with --revision, such as --revision 2026-07-15"),
            Code::Connection | Code::Timeout if account.endpoint.is_some() => {
                let endpoint =
                    account.endpoint.as_ref().map(|endpoint| endpoint.url.as_str()).unwrap_or_default();
                self.hint(format!(
                    "requests went to {endpoint} (--endpoint or KLAVIYO_ENDPOINT); is it running there?"
                ))
            }
            Code::Blocked | Code::Malformed | Code::Connection => {
                self.hint("--verbose shows what was sent and what came back")
            }
            _ => self,
        }
    }

    /// The exit code, as `klaviyo-connector --help` documents it.
    pub(crate) fn exit(&self) -> u8 {
        if self.is_interruption { INTERRUPTED } else { exit(self.error.code) }
    }
}

/// The exit code for a code of the contract.
pub(crate) fn exit(code: Code) -> u8 {
    match code {
        Code::InvalidInput => 2,
        Code::NotFound => 3,
        Code::RateLimited => 4,
        Code::Unauthenticated | Code::Forbidden => 5,
        Code::Unavailable | Code::Blocked | Code::Timeout | Code::Connection => 6,
        Code::Conflict
        | Code::Rejected
        | Code::Retired
        | Code::Denied
        | Code::TooLarge
        | Code::Malformed
        | Code::Other => 1,
    }
}

impl From<klaviyo_host::Error> for Failure {
    fn from(error: klaviyo_host::Error) -> Self {
        let code = error.code();
        match error.cause {
            Cause::Connector(error) => Self::stopped(error),
            Cause::Limit { message, .. } | Cause::Trap(message) | Cause::Arguments(message) => {
                Self::new(code, message)
            }
        }
    }
}

impl From<Unfit> for Failure {
    fn from(Unfit { found, fix, missing }: Unfit) -> Self {
        let failure = Self::invalid(None, &format!("{found}; {fix}"));
        if !missing {
            return failure;
        }
        failure
            .hint("--key-file takes a file with the key instead")
            .hint("`klaviyo-connector mock` is a Klaviyo to try things on, and prints a key for it")
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::other(chain(&error))
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
