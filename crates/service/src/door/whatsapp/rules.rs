//! The rules by which a notification is read.

use super::vocabulary::Vocabulary;
use crate::whatsapp_settings::DeliveryMetrics;

/// The rules by which a notification is read.
#[derive(Clone, Copy)]
pub(in crate::door) struct Rules<'a> {
    /// The words of the account.
    pub(in crate::door) vocabulary: &'a Vocabulary<'a>,
    /// The metrics of statuses.
    pub(in crate::door) metrics: &'a DeliveryMetrics,
    /// The ids of the account's own numbers, with white space between them. None: messages to any number
    /// count.
    pub(in crate::door) numbers: Option<&'a str>,
    /// Whether people without a phone number are left out.
    pub(in crate::door) numbers_only: bool,
    /// The time, in seconds since 1970.
    pub(in crate::door) now: i64,
}
