//! What becomes of a row.

use klaviyo_host::types::{Code, Detail, Error};

/// How a row ends: exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Klaviyo has it; what there is to say about it, or nothing.
    Done(Why),
    /// It was not sent, or not taken, for what it is. It has to be changed.
    Refused(Why),
    /// It was to be sent, and did not get there.
    Failed(Why),
}

/// The field, if it is about one, and a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) field: String,
    pub(super) reason: String,
}

/// The most bytes of a field's name, and of a reason.
const WORDS: usize = 500;

/// How many rows have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) done: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// How many of those that are done there is something to say about.
    pub(super) warned: u64,
}

impl Outcome {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// The field and the reason, or what there is to say.
    pub(super) fn words(&self) -> (&str, &str) {
        match self {
            Self::Done(why) | Self::Refused(why) | Self::Failed(why) => (&why.field, &why.reason),
        }
    }
}

impl Why {
    pub(super) fn new(field: &str, reason: impl Into<String>) -> Self {
        // What is told of many rows must not grow with what stands in them.
        let cut = |mut words: String| {
            words.truncate(words.floor_char_boundary(WORDS));
            words
        };
        Self { field: cut(field.to_owned()), reason: cut(reason.into()) }
    }

    /// A reason of the connector or of Klaviyo.
    pub(super) fn of(detail: &Detail) -> Self {
        // `email`, or `/data/attributes/profiles/data/17/attributes/email`.
        let last = detail.pointer.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
        let field = Some(last).filter(is_name).unwrap_or_default().replace('_', "-");
        // What a pointer at the whole contact ends with.
        let field = if ["attributes", "data"].contains(&field.as_str()) { String::new() } else { field };
        let said = [&detail.detail, &detail.title, &detail.code].into_iter().find(|text| !text.is_empty());
        Self { field, reason: said.cloned().unwrap_or_else(|| "no reason was given".to_owned()) }
    }

    /// What is told once, of the whole input.
    pub(super) fn long(reason: String) -> Self {
        Self { field: String::new(), reason }
    }

    /// What of a row was left out, in one: the field, if all is about one.
    pub(super) fn all(warnings: &[Self]) -> Self {
        let field = warnings.first().map_or("", |first| first.field.as_str());
        if warnings.iter().all(|why| why.field == field) {
            let reasons: Vec<&str> = warnings.iter().map(|why| why.reason.as_str()).collect();
            return Self::new(field, reasons.join("; "));
        }
        let named = |why: &Self| match why.field.as_str() {
            "" => why.reason.clone(),
            field => format!("{field}: {}", why.reason),
        };
        Self::new("", warnings.iter().map(named).collect::<Vec<_>>().join("; "))
    }

    /// What the intake says of a value.
    pub(super) fn detail(detail: &klaviyo_core::Detail) -> Self {
        Self::new(detail.pointer.as_deref().unwrap_or_default(), &detail.detail)
    }

    /// What the connector would say to a value.
    pub(super) fn invalid(error: &klaviyo_core::Error) -> Self {
        error.details.first().map_or_else(|| Self::new("", &error.message), Self::detail)
    }

    /// Why a call about this one contact did not work.
    pub(super) fn error(error: &Error) -> Self {
        match error.details.first() {
            Some(detail) if error.code == Code::InvalidInput => Self::of(detail),
            _ => Self::new("", &error.message),
        }
    }
}

impl Counts {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done(said) => {
                self.done += 1;
                self.warned += u64::from(!said.reason.is_empty());
            }
            Outcome::Refused(_) => self.refused += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    pub(super) fn rows(self) -> u64 {
        self.done + self.refused + self.failed
    }

    pub(super) fn all_done(self) -> bool {
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
            assert_eq!(Why::of(&detail(pointer)), Why::new(field, "Invalid input."), "{pointer:?}");
        }
    }
}
