//! A row of the table.

use serde::Serialize;

/// Something that was measured, and what it should be.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    what: String,
    measured: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Row {
    pub(super) fn new(what: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self { what: what.into(), measured, unit, at_most: None, at_least: None, note: None }
    }

    pub(super) fn at_most(self, target: f64) -> Self {
        Self { at_most: Some(target), ..self }
    }

    pub(super) fn at_least(self, target: f64) -> Self {
        Self { at_least: Some(target), ..self }
    }

    /// What else is to be said of it, in a few words.
    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}
