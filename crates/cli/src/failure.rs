//! Why a command failed: an error of the contract, wherever it arose, with the exit code and the words for it.

use crate::output::{document, ended, eprint, print};
use crate::text::{bad, field};
use klaviyo_host::actions::ActionsError;
use klaviyo_host::types::{Code, ContractError, Detail};
use klaviyo_host::{Disposition, LoadError, Usage};
use std::error::Error;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The contract's error, also for failures before the connector was called.
    pub(crate) error: Box<ContractError>,
    /// What else the user can do, one sentence each.
    pub(crate) hints: Vec<String>,
    is_interruption: bool,
}

/// The exit code of programs that Ctrl-C ends.
pub(crate) const INTERRUPTED: u8 = 130;
/// How much of a foreign answer is shown.
const ANSWER_CHARACTERS: usize = 160;

impl Failure {
    pub(crate) fn new(code: Code, message: String) -> Self {
        Self::of(Box::new(ContractError::new(code, message)))
    }

    fn of(error: Box<ContractError>) -> Self {
        Self { error, hints: Vec::new(), is_interruption: false }
    }

    /// Ctrl-C or SIGTERM ended the command.
    pub(crate) fn interrupted() -> Self {
        Self { is_interruption: true, ..Self::other("it was interrupted".to_owned()) }
    }

    pub(crate) fn other(message: String) -> Self {
        Self::new(Code::Other, message)
    }

    /// An argument that cannot work. `field` is the field of the contract that is wrong, if it is one.
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

    /// The error of a call that the command made after others, which changed nothing. The connector says of a wrong
    /// argument that nothing was sent, because it knows its own call only.
    pub(crate) fn after_reading(error: klaviyo_host::Error) -> Self {
        let mut failure = Self::from(error);
        if let (Code::InvalidInput, Some(Detail { detail, pointer: Some(field), .. })) =
            (failure.error.code, failure.error.details.first())
        {
            failure.error.message = format!("{field}: {detail} (nothing was changed)");
        }
        failure
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code, as `klaviyo-connector --help` documents it.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.is_interruption { INTERRUPTED } else { exit_code(self.error.code) }
    }

    /// Prints the failure, and returns the exit code.
    pub(crate) fn print(self, json: bool, usage: Usage) -> ExitCode {
        let code = self.exit_code();
        if json {
            return ended(print(&document("err", self.error.to_json(), usage)), code);
        }
        eprint(&self.text(usage));
        ExitCode::from(code)
    }

    fn text(&self, usage: Usage) -> String {
        let error = &self.error;
        let mut out = bad(&error.message);
        field(&mut out, "code", error.code.as_str());
        let mut number = |name: &str, number: Option<u32>, unit: &str| {
            if let Some(number) = number {
                field(&mut out, name, &format!("{number}{unit}"));
            }
        };
        number("status", error.status.map(u32::from), "");
        number("retry-after", error.retry_after, " s");
        number("done", Some(error.done).filter(|done| *done > 0), "");
        number("attempts", Some(usage.attempts).filter(|attempts| *attempts > usage.requests), "");
        // The connector's own detail is the message again.
        for detail in error.details.iter().filter(|_| error.code != Code::InvalidInput) {
            let said = if detail.detail.is_empty() { &detail.title } else { &detail.detail };
            let mut text = format!("{}: {said}", detail.code);
            if let Some(pointer) = &detail.pointer {
                text.push_str(&format!(" ({pointer})"));
            }
            field(&mut out, "Klaviyo said", &text);
        }
        if let Some(duplicate) = &error.duplicate {
            field(&mut out, "duplicate", duplicate);
        }
        if let Some(id) = &error.request_id {
            field(&mut out, "request-id", id);
        }
        // The answer of a proxy, say: only its body tells what it is.
        if error.details.is_empty()
            && let Some(line) = error.body.lines().map(str::trim).find(|line| !line.is_empty())
        {
            field(&mut out, "answer", &line.chars().take(ANSWER_CHARACTERS).collect::<String>());
        }
        for hint in &self.hints {
            field(&mut out, "hint", hint);
        }
        out
    }
}

/// The exit code for a code of the contract.
pub(crate) fn exit_code(code: Code) -> u8 {
    match (code, code.disposition()) {
        (Code::InvalidInput, _) => 2,
        (Code::NotFound, _) => 3,
        // The answer says when to repeat it; after other temporary failures a script has to guess.
        (Code::RateLimited, _) => 4,
        // A person has to see to the key. The other codes that stop an account are about settings.
        (Code::Unauthenticated | Code::Forbidden, _) => 5,
        (_, Disposition::RetryLater) => 6,
        (_, Disposition::Retry | Disposition::StopAccount | Disposition::GiveUp) => 1,
    }
}

impl From<klaviyo_host::Error> for Failure {
    fn from(error: klaviyo_host::Error) -> Self {
        Self::of(error.into_contract())
    }
}

impl From<klaviyo_sync::Error> for Failure {
    fn from(error: klaviyo_sync::Error) -> Self {
        if !error.is_interruption() {
            return Self::of(error.error);
        }
        let mut failure = Self::interrupted();
        failure.error.done = error.error.done;
        failure
    }
}

impl From<ActionsError> for Failure {
    fn from(error: ActionsError) -> Self {
        Self::other(chain(&error))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::other(chain(&error))
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        sentence.push_str(&format!(": {error}"));
        cause = error.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_core::Error as CoreError;
    use klaviyo_host::Cause;

    #[test]
    fn a_wrong_argument_after_a_lookup_has_changed_nothing() {
        let failure = |code: Code, details: Vec<Detail>| {
            let error = ContractError {
                details,
                ..*Failure::new(code, "email: it is empty (nothing was sent)".to_owned()).error
            };
            let cause = Cause::Connector(Box::new(error));
            Failure::after_reading(klaviyo_host::Error { cause, usage: Usage::default() })
        };
        let invalid = Failure::invalid(Some("email"), "it is empty");
        // The connector says so itself, in the same words.
        assert_eq!(invalid.error.message, CoreError::invalid("email", "it is empty").message);
        let details = invalid.error.details;
        let message = failure(Code::InvalidInput, details.clone()).error.message;
        assert_eq!(message, "email: it is empty (nothing was changed)");
        let other = failure(Code::Rejected, details).error.message;
        assert_eq!(other, "email: it is empty (nothing was sent)");
    }

    #[test]
    fn each_code_has_its_exit_code() {
        let table = Code::ALL.map(|code| (code.as_str(), exit_code(code)));
        assert_eq!(
            table,
            [
                ("invalid-input", 2),
                ("unauthenticated", 5),
                ("forbidden", 5),
                ("not-found", 3),
                ("conflict", 1),
                ("rejected", 1),
                ("rate-limited", 4),
                ("retired", 1),
                ("unavailable", 6),
                ("blocked", 6),
                ("denied", 1),
                ("timeout", 6),
                ("connection", 6),
                ("too-large", 1),
                ("malformed", 1),
                ("other", 1),
            ]
        );
    }
}
