//! The values of `segments`.

use alloc::string::String;
use serde::Serialize;

/// A group of people that Klaviyo keeps by conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Segment {
    /// Klaviyo's id.
    pub id: String,
    /// The name, which can change.
    pub name: String,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// Whether Klaviyo keeps its members up to date.
    pub active: Option<bool>,
    /// Whether Klaviyo is working its members out.
    pub processing: Option<bool>,
}
