//! The notifications of Meta's WhatsApp webhook: the opt-ins and opt-outs that they ask for.

mod choice;
mod field;
mod flow;
mod form;
mod ignored;
mod intent;
mod json;
mod message;
mod notification;
mod opt_in_request;
mod opt_out_request;
mod person;
mod words;

pub(super) use ignored::{Ignored, IgnoredReason};
pub(super) use notification::{Notification, Rules};

#[cfg(test)]
mod tests;
