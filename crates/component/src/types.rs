//! The interface `types`.

use crate::abi::{record, variant};
#[cfg(feature = "whole")]
use klaviyo_core::{BatchResult, Event};
use klaviyo_core::{
    Channel, Code, Detail, Error, Identifier, Location, Member, MemberPage, NewProfile, Profile, Refusal,
};

variant!(Lift, identifier: Identifier { Email(value), PhoneNumber(value), ExternalId(value), Id(value) });
variant!(Lift + Lower, channel: Channel { Email, Sms, Whatsapp, Push, Other(name) });
record!(Lift + Lower, location: Location {
    address1, address2, city, region, country, zip, latitude, longitude, timezone, ip,
});
record!(Lift, new_profile: NewProfile {
    email, phone_number, external_id, first_name, last_name, organization, title, locale, image, location, properties,
});
record!(Lower, profile: Profile {
    id, email, phone_number, external_id, first_name, last_name, organization, title, locale, image, location, created,
    updated, last_event_date, properties, warnings,
});
#[cfg(feature = "whole")]
record!(Lower, batch_result: BatchResult { accepted, refused, warnings, stopped });
#[cfg(feature = "whole")]
record!(Lower, event: Event { id, metric_id, metric, profile_id, time, value, properties, uuid });
record!(Lower, member: Member { profile, joined });
record!(Lower, member_page: MemberPage { members, next });
record!(Lower, refusal: Refusal { index, reason });
record!(Lower, detail: Detail { code, title, detail, pointer });
record!(Lower, error: Error {
    code, message, status, retry_after, details, duplicate, request_id, body, done,
});
variant!(Lower, code: Code {
    InvalidInput, Unauthenticated, Forbidden, NotFound, Conflict, Rejected, RateLimited, Retired, Unavailable,
    Blocked, Denied, Timeout, Connection, TooLarge, Malformed, Other,
});
