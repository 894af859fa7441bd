//! What a command returns when it succeeds.

use klaviyo_host::types::Code;
use serde_json::Value;

/// A value, and how it is shown.
#[derive(Debug)]
pub(crate) struct Done {
    /// The contract's JSON.
    pub(crate) value: Value,
    pub(crate) view: View,
    /// What is wrong although the command did what it should: it decides about the exit code.
    pub(crate) amiss: Option<Code>,
}

/// What a value is, and what else there is to say about it.
#[derive(Debug)]
pub(crate) enum View {
    Lists,
    List,
    Profile,
    Creation,
    Upserted,
    /// How many profiles went to this list.
    Subscribed(String),
    /// A receipt; what is said to the customer then.
    Receipt(String),
    /// There is none: a sentence that says of what.
    None(String),
    Checks,
    /// What a sync came to; the first rows that are not done.
    Synced(Vec<String>),
    /// What a sync would be.
    Planned,
    /// Dead letters.
    Letters,
    /// One of them.
    Letter,
    /// How many dead letters were dealt with, and how.
    Decided(&'static str),
    /// A line of text, and nothing else.
    Line,
    /// It was shown already.
    Shown,
}

impl Done {
    pub(crate) fn new(value: Value, view: View) -> Self {
        Self { value, view, amiss: None }
    }

    /// The search found nothing.
    pub(crate) fn none(sentence: String) -> Self {
        Self { value: Value::Null, view: View::None(sentence), amiss: Some(Code::NotFound) }
    }
}
