//! The account.

use crate::AccountDetails;
use crate::json::Json;
use alloc::string::String;

/// An account resource.
pub(crate) fn account(resource: &Json<'_>) -> Result<AccountDetails, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [contact, test] = attributes.members(["contact_information", "test_account"])?;
    let [industry, timezone, currency, locale] =
        attributes.strings(["industry", "timezone", "preferred_currency", "locale"])?;
    let [organization, sender_name, sender_email, website] = contact.strings([
        "organization_name",
        "default_sender_name",
        "default_sender_email",
        "website_url",
    ])?;
    Ok(AccountDetails {
        id,
        organization,
        sender_name,
        sender_email,
        website,
        industry,
        timezone,
        currency,
        locale,
        test: test.optional_boolean()?,
    })
}
