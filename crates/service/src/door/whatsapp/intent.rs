//! The intent of a message.

use super::form::Form;

/// The intent of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// A word that opts in, or yes in a Flow, with the contact that is filled in there.
    Yes(Option<Box<Form>>),
    /// No, in a Flow.
    No,
    /// Neither yes nor no in a Flow that asks for consent.
    Unclear,
    /// Another text.
    Other,
    /// No text, button, choice or Flow.
    Nothing,
}
