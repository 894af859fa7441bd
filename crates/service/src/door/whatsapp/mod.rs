//! The notifications of Meta's WhatsApp webhook: the opt-ins and opt-outs that they ask for.

mod field;
mod ignored;
mod json;
mod message;
mod notification;
mod person;
mod request;
mod words;

pub(super) use ignored::{Ignored, IgnoredReason};
pub(super) use notification::{Notification, Rules};

#[cfg(test)]
mod tests;
