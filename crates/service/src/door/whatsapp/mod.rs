//! The notifications of Meta's WhatsApp webhook: the opt-ins, opt-outs and resumes that they ask for, and the
//! statuses of messages.

mod field;
mod ignored;
mod json;
mod message;
mod notification;
mod person;
mod request;
mod rules;
mod status;
mod time;
mod vocabulary;
mod words;

pub(super) use ignored::{Ignored, IgnoredReason};
pub(super) use notification::Notification;
pub(super) use rules::Rules;
pub(super) use vocabulary::Vocabulary;

#[cfg(test)]
mod tests;
