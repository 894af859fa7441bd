//! Keeps people out of email, and deletes them.

use crate::batch::{BulkRequest, Row};
use crate::jsonapi::{Identified, NewResource};
use crate::operation::REVISION;
use crate::operation::privacy::{bulk_suppress, bulk_unsuppress, request_deletion};
use crate::{BatchResult, Error, Http, Identifier, identifiers};
use alloc::{boxed::Box, string::String};

/// Suppresses email addresses.
///
/// # Errors
/// Those of Klaviyo and of the transport, when nothing was accepted. Later failures are in
/// [`BatchResult::stopped`].
pub fn suppress(http: &mut dyn Http, emails: &[String]) -> Result<BatchResult, Box<Error>> {
    send(http, &bulk_suppress(), emails)
}

/// Lifts suppressions that a user of the account or [`suppress`] made.
///
/// # Errors
/// As [`suppress`].
pub fn unsuppress(http: &mut dyn Http, emails: &[String]) -> Result<BatchResult, Box<Error>> {
    send(http, &bulk_unsuppress(), emails)
}

fn send(http: &mut dyn Http, bulk: &BulkRequest, emails: &[String]) -> Result<BatchResult, Box<Error>> {
    let row = |email: &String| {
        let email = identifiers::email(email)?;
        identifiers::bulk_email(&email)?;
        let attributes = Identified { email: Some(&email), phone_number: None };
        Row::new(&NewResource { kind: "profile", id: None, attributes }, REVISION)
    };
    bulk.send(http, &mut emails.iter().map(row), &mut ()).map(Into::into)
}

/// Deletes the profiles with an identifier. This cannot be undone.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, also for an external id, and the errors
/// of Klaviyo and of the transport.
pub fn delete(http: &mut dyn Http, by: &Identifier) -> Result<(), Box<Error>> {
    let by = by.cleaned()?;
    let mut identifiers = Identified::default();
    let mut id = None;
    match &by {
        Identifier::Email(email) => identifiers.email = Some(email),
        Identifier::PhoneNumber(number) => identifiers.phone_number = Some(number),
        Identifier::Id(value) => id = Some(value.as_str()),
        Identifier::ExternalId(_) => {
            return Err(Error::invalid(
                "external-id",
                "Klaviyo deletes by email, phone number or id only; look the profile up, and give its id",
            ));
        }
    }
    request_deletion(id, identifiers)?.send(http)
}
