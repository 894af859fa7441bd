//! The answer of a call, its failure, and what a failure calls for, by its code: the one table.

use crate::json::ArgumentError;
use crate::limits::{Limit, Limits};
use crate::types::{Code, ContractError, Detail};
use crate::usage::Usage;
use std::fmt;
use std::time::Duration;

/// The answer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// What the call used.
    pub usage: Usage,
}

/// The failure of a call.
#[derive(Clone, Debug)]
pub struct Error {
    /// The cause.
    pub cause: Cause,
    /// What the call used.
    pub usage: Usage,
}

/// The cause.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The connector returned an error, which has Klaviyo's answer, its meaning and what to do.
    Connector(Box<ContractError>),
    /// The call was stopped by one of the [`Limits`](crate::Limits). Requests that it had sent may have taken
    /// effect.
    Limit {
        /// The limit.
        limit: Limit,
        /// A sentence that names it and its value.
        message: String,
    },
    /// The component trapped, which is a defect in it. Requests that it had sent may have taken effect.
    Trap(String),
    /// The component does not have the function, or [`Tenant::call`](crate::Tenant::call) or
    /// [`Tenant::run_action`](crate::Tenant::run_action) was given arguments that are not of its types. Nothing was sent.
    Arguments(ArgumentError),
    /// [`Access`](crate::Access) does not allow the function for this tenant. Nothing was sent.
    Denied(String),
}

impl Cause {
    pub(crate) fn exceeded(limit: Limit, limits: &Limits) -> Self {
        Self::Limit { limit, message: limit.message(limits) }
    }
}

impl Error {
    /// The contract's code for this failure, so that one table decides what to do next. A call that took too
    /// long or did not get its turn is [`Code::Timeout`], arguments that do not fit are
    /// [`Code::InvalidInput`], a function that is not allowed is [`Code::Denied`], any other limit and a trap are [`Code::Other`].
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.cause {
            Cause::Connector(error) => error.code,
            Cause::Limit { limit, .. } => match limit {
                Limit::Time | Limit::Wait => Code::Timeout,
                Limit::Memory
                | Limit::TableElements
                | Limit::Stack
                | Limit::Cpu
                | Limit::HostcallFuel
                | Limit::Requests => Code::Other,
            },
            Cause::Arguments(_) => Code::InvalidInput,
            Cause::Denied(_) => Code::Denied,
            Cause::Trap(_) => Code::Other,
        }
    }

    /// The contract's error: the connector's own, or one of this code with the sentence about the call. An argument that
    /// does not fit is named in `details`, by a JSON pointer.
    #[must_use]
    pub fn into_contract(self) -> Box<ContractError> {
        let code = self.code();
        match self.cause {
            Cause::Connector(error) => error,
            Cause::Arguments(ArgumentError { pointer, reason, message }) => {
                let detail = (!pointer.is_empty()).then(|| Detail {
                    code: code.as_str().to_owned(),
                    title: String::new(),
                    detail: reason,
                    pointer: Some(pointer),
                });
                let details = detail.into_iter().collect();
                Box::new(ContractError { details, ..ContractError::new(code, message) })
            }
            Cause::Limit { message, .. } | Cause::Trap(message) | Cause::Denied(message) => {
                Box::new(ContractError::new(code, message))
            }
        }
    }

    /// What this failure calls for.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        self.code().disposition()
    }

    /// Whether the same call may succeed later without any change: rates, outages, connections.
    ///
    /// The failed call may have taken effect. Repeating it does no harm, with these exceptions:
    ///
    /// - `bulk.submit` may have started a job, and a second submission is a second job; `bulk.jobs` tells whether
    ///   there is one.
    /// - `lists.create` may have made the list, and makes another of the same name; `lists.find` tells.
    /// - `contacts.update` may have appended to a property, and appends again; `contacts.lookup` tells. Without
    ///   `append` it can be repeated.
    /// - `contacts.merge` may have merged, and is `not-found` then.
    /// - `api.call` with another method than `get`: only Klaviyo's documentation of the path can say.
    /// - `consent.grant` may ask people to confirm again, where the list has double opt-in.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.disposition() == Disposition::RetryLater
    }

    /// How long to wait before the call is repeated, if Klaviyo has said so in whole seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.cause {
            Cause::Connector(error) => error.retry_after.map(|seconds| Duration::from_secs(seconds.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Connector(error) => f.write_str(&error.message)?,
            Cause::Arguments(ArgumentError { message, .. })
            | Cause::Limit { message, .. }
            | Cause::Trap(message)
            | Cause::Denied(message) => {
                f.write_str(message)?;
            }
        }
        let Usage { requests, attempts, .. } = self.usage;
        if attempts <= requests {
            return Ok(());
        }
        let of = |count: u32, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
        write!(f, " ({} in {})", of(requests, "request"), of(attempts, "attempt"))
    }
}

impl std::error::Error for Error {}

/// What to do after a failed call. A program that has reason to do something else after one code overrides
/// this table for that code by name.
///
/// Repeating a call does no harm, though it may have taken effect, with two exceptions. A repeated
/// `bulk.submit` may import the same contacts in a second job. A repeated `consent.grant` may ask people to
/// confirm again, where the list has double opt-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The same call may succeed later: Klaviyo limits the rate, is unavailable or cannot be reached. Not
    /// before [`Error::retry_after`](crate::Error::retry_after).
    RetryLater,
    /// The failure does not tell its reason, or something between this program and Klaviyo caused it: repeat
    /// the call a few times.
    Retry,
    /// No call of this account succeeds before its key or a setting is changed.
    StopAccount,
    /// The same call fails again.
    GiveUp,
}

impl Code {
    /// What a failure with this code calls for.
    #[must_use]
    pub const fn disposition(self) -> Disposition {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Blocked | Self::Timeout | Self::Connection => {
                Disposition::RetryLater
            }
            Self::TooLarge | Self::Malformed | Self::Other => Disposition::Retry,
            Self::Unauthenticated | Self::Forbidden | Self::Retired | Self::Denied => {
                Disposition::StopAccount
            }
            Self::InvalidInput | Self::NotFound | Self::Conflict | Self::Rejected => Disposition::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Disposition::{GiveUp, Retry, RetryLater, StopAccount};
    use super::*;

    #[test]
    fn every_code_has_its_disposition() {
        let table = [
            (Code::InvalidInput, GiveUp),
            (Code::Unauthenticated, StopAccount),
            (Code::Forbidden, StopAccount),
            (Code::NotFound, GiveUp),
            (Code::Conflict, GiveUp),
            (Code::Rejected, GiveUp),
            (Code::RateLimited, RetryLater),
            (Code::Retired, StopAccount),
            (Code::Unavailable, RetryLater),
            (Code::Blocked, RetryLater),
            (Code::Denied, StopAccount),
            (Code::Timeout, RetryLater),
            (Code::Connection, RetryLater),
            (Code::TooLarge, Retry),
            (Code::Malformed, Retry),
            (Code::Other, Retry),
        ];
        assert_eq!(table.map(|(code, _)| code), Code::ALL);
        for (code, disposition) in table {
            assert_eq!(code.disposition(), disposition, "{}", code.as_str());
        }
    }
}
