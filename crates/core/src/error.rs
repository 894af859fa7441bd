//! The contract's one error type. `diagnosis` makes the errors about answers and failures.

use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use core::fmt;
use serde::Serialize;

/// The kind of a failure, by what the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An argument cannot work; nothing was sent.
    InvalidInput,
    /// 401: the key is wrong.
    Unauthenticated,
    /// 403 from Klaviyo: the key lacks a scope.
    Forbidden,
    /// 404: what the call names does not exist.
    NotFound,
    /// 409, or an ambiguous name.
    Conflict,
    /// Any other 4xx.
    Rejected,
    /// 429.
    RateLimited,
    /// 410, or a complaint about the revision.
    Retired,
    /// 5xx.
    Unavailable,
    /// A refusal that is not the API's.
    Blocked,
    /// The host's policy refused to send.
    Denied,
    /// No answer in time.
    Timeout,
    /// The connection failed.
    Connection,
    /// The request or the answer is larger than the host allows.
    TooLarge,
    /// The answer cannot be read.
    Malformed,
    /// Anything else.
    Other,
}

/// One entry of Klaviyo's `errors`; what Klaviyo left out is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Klaviyo's code, such as `duplicate_profile`.
    pub code: String,
    /// The title.
    pub title: String,
    /// The explanation.
    pub detail: String,
    /// The member of the body, the query parameter, or the argument that it is about.
    pub pointer: Option<String>,
}

/// An item of a call that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its position in the argument.
    pub index: u32,
    /// Why.
    pub reason: Detail,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Error {
    /// The kind of failure.
    pub code: Code,
    /// What happened and what to do, for a person.
    pub message: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// Seconds to wait, from `Retry-After`; never invented.
    pub retry_after: Option<u32>,
    /// Klaviyo's `errors`; for invalid input, the field.
    pub details: Vec<Detail>,
    /// On a conflict: the id of the profile that holds an identifier.
    pub duplicate: Option<String>,
    /// Klaviyo's id of the request.
    pub request_id: Option<String>,
    /// The start of the answer's body, at most 4 KiB.
    pub body: String,
    /// How many items of the call, from its first, were dealt with before.
    pub done: u32,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

impl Error {
    /// An error of the connector's own, without an answer.
    pub(crate) fn new(code: Code, message: String) -> Box<Self> {
        Box::new(Self {
            code,
            message,
            status: None,
            retry_after: None,
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        })
    }

    /// The error about an argument, in the field with this name of the contract. Programs that clean contacts
    /// before a call make it too.
    #[must_use]
    pub fn invalid(field: &str, reason: &str) -> Box<Self> {
        let message = format!("{field}: {reason} (nothing was sent)");
        let detail = Detail {
            code: "invalid-input".to_owned(),
            title: String::new(),
            detail: reason.to_owned(),
            pointer: Some(field.to_owned()),
        };
        let mut error = Self::new(Code::InvalidInput, message);
        error.details.push(detail);
        error
    }

    /// Whether Klaviyo itself refuses the values of the request, or what the account may do with them.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.code, Code::Rejected | Code::Forbidden) && matches!(self.status, Some(400 | 403 | 422))
    }

    /// Whether Klaviyo says that the key lacks a scope.
    pub(crate) fn is_about_scopes(&self) -> bool {
        self.code == Code::Forbidden && self.details.iter().any(|detail| detail.code == "permission_denied")
    }

    /// Whether Klaviyo says that the request has no key in the form in which a host sends it.
    pub(crate) fn is_about_authorization(&self) -> bool {
        self.code == Code::Unauthenticated
            && self.details.iter().any(|detail| detail.code == "not_authenticated")
    }

    /// Whether OAuth refuses the app, or the grant or the token that it has from the account.
    pub(crate) fn is_about_app(&self) -> bool {
        let codes = ["invalid_client", "invalid_grant", "invalid_token"];
        self.details.iter().any(|detail| codes.contains(&detail.code.as_str()))
    }

    /// Klaviyo's first reason, or the connector's own.
    pub(crate) fn reason(&self) -> Detail {
        let own = || Detail { detail: self.message.clone(), ..Detail::default() };
        self.details.first().cloned().unwrap_or_else(own)
    }

    /// Adds the place of the argument to the name of the field.
    pub(crate) fn at(mut self: Box<Self>, path: &str) -> Box<Self> {
        self.message = format!("{path}/{}", self.message);
        if let Some(pointer) = self.details.first_mut().and_then(|detail| detail.pointer.as_mut()) {
            *pointer = format!("{path}/{pointer}");
        }
        self
    }

    /// Adds to the sentence what had been done before this error.
    pub(crate) fn after(mut self: Box<Self>, done_before: &str) -> Box<Self> {
        self.message = format!("{done_before}, but then: {}", self.message);
        self
    }
}
