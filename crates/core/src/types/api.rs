//! The values of `api`.

use crate::Method;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A query parameter, not encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Parameter {
    /// Such as `page[size]`.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request of a caller's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The path, not encoded, which begins with `/api/`.
    pub path: String,
    /// The query.
    #[serde(default)]
    pub query: Vec<Parameter>,
    /// The text of a JSON document. None: no body.
    #[serde(default)]
    pub body: Option<String>,
    /// None: the oldest revision that Klaviyo serves.
    #[serde(default)]
    pub revision: Option<String>,
}

/// An answer with status 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApiResponse {
    /// The status.
    pub status: u16,
    /// The text of Klaviyo's JSON document; empty when there is none.
    pub body: String,
    /// The query of the next page; none: this is the last one.
    pub next: Option<Vec<Parameter>>,
}
