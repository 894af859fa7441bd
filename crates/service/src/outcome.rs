//! What became of an opt-in.

use crate::intake::in_own_names;
use klaviyo_host::types::{Code, Detail};
use serde::{Deserialize, Serialize};

/// What became of an opt-in. One that has none yet waits, or is being worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Outcome {
    /// Klaviyo has it.
    Done(Receipt),
    /// Of an opt-out: Klaviyo has taken the consent back.
    #[serde(rename = "opted-out")]
    OptedOut(OptOutReceipt),
    /// It was not done, and is among the dead letters.
    Dead(Reason),
    /// It was a dead letter, and waits again: `klaviyo-connector dead retry`.
    Waiting,
    /// It was a dead letter, and was given up: `klaviyo-connector dead drop`.
    Dropped,
}

/// What Klaviyo has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The profile's id. None where it was one of many in an import, which tells no ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The first name, as Klaviyo has it, else as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<String>,
    /// The list's id.
    pub list_id: String,
    /// Whether the profile is new. None where it was one of many in an import without a lookup before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<bool>,
    /// What was not taken as given, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Consent that was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutReceipt {
    /// What Klaviyo took only in part, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self::Done(receipt.bounded())
    }
}

impl From<OptOutReceipt> for Outcome {
    fn from(OptOutReceipt { warnings }: OptOutReceipt) -> Self {
        Self::OptedOut(OptOutReceipt { warnings: bounded(&warnings) })
    }
}

/// Without what is longer than anybody reads.
fn bounded(warnings: &[String]) -> Vec<String> {
    warnings.iter().take(MAX_DETAILS).map(|warning| cut(warning)).collect()
}

impl Receipt {
    /// Without what is longer than anybody reads.
    pub(crate) fn bounded(mut self) -> Self {
        self.profile_name = self.profile_name.as_deref().map(cut);
        self.warnings = bounded(&self.warnings);
        self
    }

    /// What a bot says to the customer then: see [`reply`].
    #[must_use]
    pub fn reply(&self, place: Option<&str>) -> String {
        reply(self.profile_name.as_deref(), place)
    }
}

/// What a bot says to a customer who has opted in: with the first name, and where they are updated, the email or else
/// the number, if these are known.
#[must_use]
pub fn reply(name: Option<&str>, place: Option<&str>) -> String {
    let mut reply = match name {
        Some(name) if !name.is_empty() => format!("You are now subscribed, {name}!"),
        _ => "You are now subscribed!".to_owned(),
    };
    if let Some(place) = place {
        reply.push_str(&format!(" You will receive updates at {place}."));
    }
    reply
}

/// Why an opt-in is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The contract's code, such as `rejected`.
    pub code: String,
    /// A sentence: what happened and what to do.
    pub message: String,
    /// Klaviyo's own errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorDetail>,
}

/// One of Klaviyo's errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Klaviyo's code.
    pub code: String,
    /// Klaviyo's words.
    pub detail: String,
    /// What it is about, such as `/data/attributes/email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl From<&Detail> for ErrorDetail {
    fn from(detail: &Detail) -> Self {
        let Detail { code, detail, pointer, .. } = detail;
        // Of the connector's own errors the fields are the caller's; all others are as Klaviyo has them.
        let is_own = code == Code::InvalidInput.as_str();
        let told = |text: &str| if is_own { cut(&in_own_names(text)) } else { cut(text) };
        Self { code: cut(code), detail: told(detail), pointer: pointer.as_deref().map(told) }
    }
}

/// A text of Klaviyo's, or of something that stands in its place, without what is longer than anybody reads: an outcome
/// has to fit into a message of NATS, however long the answer was that it tells of.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 2_000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How many of Klaviyo's errors, or sentences about a value, are kept.
const MAX_DETAILS: usize = 20;

impl Reason {
    /// A reason of this project's own.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), message: cut(&message.into()), details: Vec::new() }
    }
}

impl From<&klaviyo_host::Error> for Reason {
    fn from(error: &klaviyo_host::Error) -> Self {
        let details = match &error.cause {
            klaviyo_host::Cause::Connector(error) => {
                error.details.iter().take(MAX_DETAILS).map(ErrorDetail::from).collect()
            }
            _ => Vec::new(),
        };
        let message = match error.code() {
            Code::InvalidInput => in_own_names(&error.to_string()),
            _ => error.to_string(),
        };
        Self { code: error.code().as_str().to_owned(), message: cut(&message), details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_klaviyo_says_an_outcome_fits_into_a_message() {
        let long = "\u{1}é".repeat(1 << 20);
        let told = ErrorDetail::from(&Detail {
            code: long.clone(),
            detail: long.clone(),
            pointer: Some(long.clone()),
            title: String::new(),
        });
        let mut reason = Reason::new(Code::Rejected, long.clone());
        reason.details = vec![told; MAX_DETAILS];
        let receipt =
            Receipt { profile_name: Some(long.clone()), warnings: vec![long; 1_000], ..Receipt::default() };
        for outcome in [Outcome::Dead(reason), Outcome::Done(receipt.bounded())] {
            let bytes = serde_json::to_vec(&outcome).unwrap().len();
            assert!(bytes < 900_000, "{bytes}");
        }
        assert_eq!(cut("a short text"), "a short text");
        assert!(cut(&"é".repeat(2_001)).ends_with("é…"));
    }
}
