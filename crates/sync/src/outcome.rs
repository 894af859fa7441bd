//! The outcome of a row, and the counts of outcomes.

use klaviyo_host::types::{Code, ContractError, Detail};
use std::fmt;
use strum::AsRefStr;

/// How a row ended. Each row ends once.
#[derive(Clone, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "lowercase")]
pub enum RowOutcome {
    /// Klaviyo has it. The reason says what was left out, and is empty if nothing was.
    Done(Reason),
    /// It was not sent, or Klaviyo did not take it, for what is in it. It has to be changed.
    Refused(Reason),
    /// It was taken and could not be imported, or did not get to Klaviyo.
    Failed(Reason),
}

/// Why a row ended as it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The field that it is about, such as `phone-number`; empty if it is about none, or several.
    pub field: String,
    /// A sentence, or nothing. It may repeat a value of the input.
    pub reason: String,
}

/// The longest name of a field, and the longest reason, in bytes.
const MAX_BYTES: usize = 500;

/// How many rows have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that are done.
    pub done: u64,
    /// Rows that are refused.
    pub refused: u64,
    /// Rows that have failed.
    pub failed: u64,
    /// How many of those that are done have a reason.
    pub warned: u64,
}

impl RowOutcome {
    /// The field and the reason, or what there is to say of a row that is done.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Done(reason) | Self::Refused(reason) | Self::Failed(reason) => reason,
        }
    }
}

impl Reason {
    pub(crate) fn new(field: &str, reason: impl Into<String>) -> Self {
        // A report must not grow with the length of values.
        let cut = |mut words: String| {
            words.truncate(words.floor_char_boundary(MAX_BYTES));
            words
        };
        Self { field: cut(field.to_owned()), reason: cut(reason.into()) }
    }

    /// The reason of the connector or of Klaviyo.
    pub(crate) fn of(detail: &Detail) -> Self {
        let last = last_name(detail.pointer.as_deref());
        let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
        let field = Some(last).filter(is_name).unwrap_or_default().replace('_', "-");
        // A pointer at the whole contact ends with one of these.
        let field = if ["attributes", "data"].contains(&field.as_str()) { String::new() } else { field };
        let said = [&detail.detail, &detail.title, &detail.code].into_iter().find(|text| !text.is_empty());
        Self { field, reason: said.cloned().unwrap_or_else(|| "no reason was given".to_owned()) }
    }

    /// A reason of any length, for a sentence that is said once.
    pub(crate) fn long(reason: String) -> Self {
        Self { field: String::new(), reason }
    }

    /// One reason of several. It has a field if all are about the same one.
    pub(crate) fn all(warnings: &[Self]) -> Self {
        let field = warnings.first().map_or("", |first| first.field.as_str());
        if warnings.iter().all(|reason| reason.field == field) {
            let reasons: Vec<&str> = warnings.iter().map(|reason| reason.reason.as_str()).collect();
            return Self::new(field, reasons.join("; "));
        }
        Self::new("", warnings.iter().map(Self::to_string).collect::<Vec<_>>().join("; "))
    }

    /// The reason that the intake gives for a value.
    pub(crate) fn detail(detail: &klaviyo_core::Detail) -> Self {
        Self::new(last_name(detail.pointer.as_deref()), &detail.detail)
    }

    /// The reason why the connector would refuse a value.
    pub(crate) fn invalid(error: &klaviyo_core::Error) -> Self {
        error.details.first().map_or_else(|| Self::new("", &error.message), Self::detail)
    }

    /// The reason why a call about this one contact failed.
    pub(crate) fn error(error: &ContractError) -> Self {
        match error.details.first() {
            Some(detail) if error.code == Code::InvalidInput => Self::of(detail),
            _ => Self::new("", &error.message),
        }
    }
}

/// The field that a pointer is at: `email`, `location/latitude`, or
/// `/data/attributes/profiles/data/17/attributes/email`.
fn last_name(pointer: Option<&str>) -> &str {
    pointer.unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

/// `phone-number: it has no country code`, or the sentence alone.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.reason),
            field => write!(f, "{field}: {}", self.reason),
        }
    }
}

impl Counts {
    pub(crate) fn add(&mut self, outcome: &RowOutcome) {
        match outcome {
            RowOutcome::Done(said) => {
                self.done += 1;
                self.warned += u64::from(!said.reason.is_empty());
            }
            RowOutcome::Refused(_) => self.refused += 1,
            RowOutcome::Failed(_) => self.failed += 1,
        }
    }

    /// How many rows have ended.
    #[must_use]
    pub fn rows(self) -> u64 {
        self.done + self.refused + self.failed
    }

    /// Whether no row is refused or has failed.
    #[must_use]
    pub fn all_done(self) -> bool {
        self.refused == 0 && self.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_the_field_by_its_own_name() {
        let detail = |pointer: Option<&str>| Detail {
            code: "invalid".to_owned(),
            title: "Invalid input.".to_owned(),
            detail: String::new(),
            pointer: pointer.map(str::to_owned),
        };
        for (pointer, field) in [
            (Some("email"), "email"),
            (Some("/data/attributes/profiles/data/17/attributes/phone_number"), "phone-number"),
            (Some("/data/attributes/profiles/data/17/attributes"), ""),
            (Some("/data/attributes/profiles/data/17"), ""),
            (None, ""),
        ] {
            assert_eq!(Reason::of(&detail(pointer)), Reason::new(field, "Invalid input."), "{pointer:?}");
        }
    }
}
