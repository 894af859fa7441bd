//! Receipts of opt-ins whose profiles were looked up or created here, with the warnings of `contacts.opt-in`.

use crate::opt_in::OptIn;
use crate::opt_in_flow;
use crate::outcome::Receipt;
use klaviyo_host::types::{Identifier, Profile};
use serde_json::Value;

/// The value by which a contact is looked up. Opt-ins with an equal one are the same person's: Klaviyo
/// ignores the case of an email.
pub(super) fn lookup_value(opt_in: &OptIn) -> Option<(u8, String)> {
    Some(match opt_in.identifier()? {
        Identifier::Email(email) => (0, email.to_ascii_lowercase()),
        Identifier::PhoneNumber(number) => (1, number),
        Identifier::ExternalId(id) => (2, id),
        Identifier::Id(id) => (3, id),
    })
}

/// The receipt for a profile that existed. The profile is not changed, and a warning names the fields in
/// which it differs.
pub(super) fn found(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    let properties = |text: &str| serde_json::from_str::<Value>(text).ok();
    let by_email = opt_in.email.is_some();
    let by_number = !by_email && opt_in.phone_number.is_some();
    let differs = |given: &Option<String>, own: &Option<String>| given.is_some() && given != own;
    let differs = [
        ("phone_number", by_email && differs(&opt_in.phone_number, &profile.phone_number)),
        ("external_id", (by_email || by_number) && differs(&opt_in.external_id, &profile.external_id)),
        ("first_name", differs(&opt_in.first_name, &profile.first_name)),
        ("last_name", differs(&opt_in.last_name, &profile.last_name)),
        (
            "properties",
            opt_in
                .properties
                .as_ref()
                .is_some_and(|given| properties(given.get()) != properties(&profile.properties)),
        ),
    ];
    let differing: Vec<&str> =
        differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    let mut receipt = Receipt { created: Some(false), ..receipt(opt_in, profile, list) };
    if !differing.is_empty() {
        receipt.warnings.push(format!(
            "{}: the profile exists and has this otherwise; it was not changed",
            differing.join(", ")
        ));
    }
    receipt
}

/// The receipt for a profile that was created.
pub(super) fn created(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    Receipt { created: Some(true), ..receipt(opt_in, profile, list) }
}

fn receipt(opt_in: &OptIn, profile: Profile, list: &str) -> Receipt {
    Receipt {
        profile_id: Some(profile.id),
        profile_name: profile.first_name.or_else(|| opt_in.first_name.clone()),
        list_id: list.to_owned(),
        created: None,
        warnings: opt_in_flow::warnings(opt_in, profile.warnings),
    }
}
