//! What became of an opt-in, as it is stored and answered.

use crate::opt_in::{Channel, in_callers_names};
use crate::reply::replies::ReplyKind;
use crate::reply::template::Variables;
use klaviyo_core::consent::waits_for_confirmation;
use klaviyo_host::types::{self, Audience, Code, Detail};
use serde::{Deserialize, Serialize};

/// What became of an opt-in or an opt-out. While it waits, or is worked on, there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Outcome {
    /// The opt-in is done: Klaviyo has it.
    Done(Receipt),
    /// The opt-out is done: Klaviyo has taken what it is about. Or an opt-in came too late for an opt-out, and does
    /// nothing.
    #[serde(rename = "opted-out")]
    OptedOut(OptOutReceipt),
    /// The resume is done: Klaviyo has given back what opt-outs before it took.
    Resumed(ResumeReceipt),
    /// It failed for this reason, and is a dead letter.
    Dead(Reason),
    /// It was a dead letter and waits again, by `klaviyo-connector dead retry`.
    Waiting,
    /// It was a dead letter and was removed, by `klaviyo-connector dead drop`.
    Dropped,
}

/// The result of an opt-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The profile's id; none after an import of many, because Klaviyo tells no ids then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The first name in Klaviyo's profile, or else in the opt-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<String>,
    /// The list's id.
    pub list_id: String,
    /// Whether the profile is new.
    pub created: bool,
    /// The channels on which Klaviyo took the consent that came with the opt-in. Empty: the person is on the list, and
    /// the consent is what it was before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<Channel>,
    /// Those of them on which the consent counts only when the person has confirmed it: the list has double opt-in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<Channel>,
    /// Values that were left out or differ in Klaviyo, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The result of an opt-out: what it took from the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutReceipt {
    /// The profile's id; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The channels of the consent that it took. A resume gives it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<Channel>,
    /// The ids of the lists that the person was on. A resume gives them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Parts that Klaviyo has not done, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The result of a resume: what it gave back to the person. Nothing if no opt-out had taken anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeReceipt {
    /// The profile's id, if something was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The channels of the consent that the person has again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<Channel>,
    /// The ids of the lists that the person is on again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Parts that were not done, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self::Done(receipt.bounded())
    }
}

impl From<OptOutReceipt> for Outcome {
    fn from(receipt: OptOutReceipt) -> Self {
        Self::OptedOut(OptOutReceipt { warnings: bounded(&receipt.warnings), ..receipt })
    }
}

impl From<ResumeReceipt> for Outcome {
    fn from(receipt: ResumeReceipt) -> Self {
        Self::Resumed(ResumeReceipt { warnings: bounded(&receipt.warnings), ..receipt })
    }
}

/// At most [`MAX_DETAILS`] warnings, each [`cut`].
fn bounded(warnings: &[String]) -> Vec<String> {
    warnings.iter().take(MAX_DETAILS).map(|warning| cut(warning)).collect()
}

impl Receipt {
    /// The receipt with its texts cut, so that it fits into a message of NATS.
    pub(crate) fn bounded(mut self) -> Self {
        self.profile_name = self.profile_name.as_deref().map(cut);
        self.warnings = bounded(&self.warnings);
        self
    }

    /// The reply to the customer: see [`reply`].
    #[must_use]
    pub fn reply(&self, address: Option<&str>) -> String {
        reply(self.profile_name.as_deref(), address, &self.consent, &self.unconfirmed)
    }

    /// The channels on which the person hears from the business, as far as that is known: see [`reached`].
    pub(crate) fn reached(&self) -> Vec<types::Channel> {
        reached(&self.consent, &self.unconfirmed).into_iter().map(Into::into).collect()
    }
}

/// The channels of an opt-in to a list on which Klaviyo took a consent that waits for the person to confirm it.
#[must_use]
pub fn unconfirmed(list: &Audience, permitted: &[types::Permitted]) -> Vec<types::Channel> {
    let waits = |one: &&types::Permitted| {
        one.refused.is_none() && waits_for_confirmation(list.opt_in.as_deref(), one.state.as_deref())
    };
    permitted.iter().filter(waits).map(|one| one.channel.clone()).collect()
}

/// The channels on which Klaviyo took a consent that counts; if all of it waits for the person to confirm it, those on
/// which it waits.
#[must_use]
pub fn reached<C: Clone + PartialEq>(given: &[C], unconfirmed: &[C]) -> Vec<C> {
    let counts: Vec<C> = given.iter().filter(|channel| !unconfirmed.contains(channel)).cloned().collect();
    if counts.is_empty() { given.to_vec() } else { counts }
}

/// The reply of a bot to a customer who has opted in. It has the first name and the address, an email or a phone
/// number, if they are known. Only where Klaviyo took a consent on a channel too, `given`, it promises messages: membership
/// of a list allows none. Where all of that consent is `unconfirmed`, it asks the person to confirm.
#[must_use]
pub fn reply<C: PartialEq>(
    name: Option<&str>,
    address: Option<&str>,
    given: &[C],
    unconfirmed: &[C],
) -> String {
    ReplyKind::to_opt_in(given, unconfirmed).usual().render(Variables {
        first_name: name,
        address,
        ..Variables::default()
    })
}

/// The address that a reply names: one that messages will reach on the channels on which Klaviyo took a consent. Where
/// it took none, the reply promises no messages, and any address will do.
#[must_use]
pub fn address<'a>(
    email: Option<&'a str>,
    number: Option<&'a str>,
    given: &[types::Channel],
) -> Option<&'a str> {
    use types::Channel::{Email, Sms, Whatsapp};
    if given.is_empty() {
        return email.or(number);
    }
    let email = email.filter(|_| given.contains(&Email));
    email.or_else(|| number.filter(|_| given.iter().any(|channel| matches!(channel, Sms | Whatsapp))))
}

/// The reason why an opt-in is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The contract's code, such as `rejected`.
    pub code: String,
    /// One sentence that says what happened and what to do.
    pub message: String,
    /// The errors that Klaviyo has answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorDetail>,
}

/// One of Klaviyo's errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Klaviyo's code.
    pub code: String,
    /// Klaviyo's sentence.
    pub detail: String,
    /// The field that it is about, such as `/data/attributes/email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl From<&Detail> for ErrorDetail {
    fn from(detail: &Detail) -> Self {
        let Detail { code, detail, pointer, .. } = detail;
        // Only the connector's own errors name fields of the contract. Klaviyo's errors stay as they are.
        let is_own = code == Code::InvalidInput.as_str();
        let shown = |text: &str| if is_own { cut(&in_callers_names(text)) } else { cut(text) };
        Self { code: cut(code), detail: shown(detail), pointer: pointer.as_deref().map(shown) }
    }
}

/// The first 2,000 characters of a text that came from Klaviyo or from a gateway. So an outcome fits into a
/// message of NATS, however long an answer was.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 2_000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The most errors, or warnings, that an outcome has.
const MAX_DETAILS: usize = 20;

impl Reason {
    /// A reason without errors of Klaviyo's.
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
            Code::InvalidInput => in_callers_names(&error.to_string()),
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
        let shown = ErrorDetail::from(&Detail {
            code: long.clone(),
            detail: long.clone(),
            pointer: Some(long.clone()),
            title: String::new(),
        });
        let mut reason = Reason::new(Code::Rejected, long.clone());
        reason.details = vec![shown; MAX_DETAILS];
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
