//! The interface `types`, and what the functions of all interfaces return.

use crate::contract::types;
use crate::convert::{Convert, record, variant};
use alloc::boxed::Box;
use klaviyo_core as klaviyo;

/// What a function of the contract returns.
pub(crate) type Answer<T> = Result<T, types::Error>;

/// Converts what a function of the core returns.
// The error is the contract's, which has no boxes.
#[allow(clippy::result_large_err)]
pub(crate) fn answer<T: Convert<U>, U>(result: Result<T, Box<klaviyo::Error>>) -> Answer<U> {
    match result {
        Ok(value) => Ok(value.convert()),
        Err(error) => Err(error.convert()),
    }
}

variant!(types::Identifier => klaviyo::Identifier {
    Email(value), PhoneNumber(value), ExternalId(value), Id(value),
});
variant!(types::Channel => klaviyo::Channel { Email, Sms, Whatsapp, Push, Other(name) });
variant!(klaviyo::Channel => types::Channel { Email, Sms, Whatsapp, Push, Other(name) });
record!(types::Location => klaviyo::Location {
    address1, address2, city, region, country, zip, latitude, longitude, timezone, ip,
});
record!(klaviyo::Location => types::Location {
    address1, address2, city, region, country, zip, latitude, longitude, timezone, ip,
});
record!(types::NewProfile => klaviyo::NewProfile {
    email, phone_number, external_id, first_name, last_name, organization, title, locale, image, location, properties,
});
record!(klaviyo::Profile => types::Profile {
    id, email, phone_number, external_id, first_name, last_name, organization, title, locale, image, location, created,
    updated, last_event_date, properties, warnings,
});
#[cfg(feature = "whole")]
record!(klaviyo::BatchResult => types::BatchResult { accepted, refused, warnings, stopped });
#[cfg(feature = "whole")]
record!(klaviyo::Event => types::Event { id, metric_id, metric, profile_id, time, value, properties, uuid });
record!(klaviyo::Member => types::Member { profile, joined });
record!(klaviyo::MemberPage => types::MemberPage { members, next });
record!(klaviyo::Refusal => types::Refusal { index, reason });
record!(klaviyo::Detail => types::Detail { code, title, detail, pointer });
record!(klaviyo::Error => types::Error {
    code, message, status, retry_after, details, duplicate, request_id, body, done,
});
variant!(klaviyo::Code => types::Code {
    InvalidInput, Unauthenticated, Forbidden, NotFound, Conflict, Rejected, RateLimited, Retired, Unavailable,
    Blocked, Denied, Timeout, Connection, TooLarge, Malformed, Other,
});
