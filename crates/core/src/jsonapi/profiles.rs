//! Profiles that are read.

use crate::json::Json;
use crate::{Location, Profile};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// The field of the contract that a member of a profile in a bulk request is.
pub(crate) fn field_of_profile(member: &str) -> String {
    member.strip_prefix("attributes/").unwrap_or(member).replace('_', "-")
}

/// A profile resource. An empty id is an error: in a path it would name another resource.
pub(crate) fn profile(resource: &Json<'_>) -> Result<Profile, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [properties, location] = attributes.members(["properties", "location"])?;
    let properties = properties.object_text()?.unwrap_or("{}").to_owned();
    let location = self::location(&location)?;
    let [email, phone_number, external_id, first_name, last_name] =
        attributes.strings(["email", "phone_number", "external_id", "first_name", "last_name"])?;
    let [organization, title, locale, image] =
        attributes.strings(["organization", "title", "locale", "image"])?;
    let [created, updated, last_event_date] =
        attributes.strings(["created", "updated", "last_event_date"])?;
    Ok(Profile {
        id,
        email,
        phone_number,
        external_id,
        first_name,
        last_name,
        organization,
        title,
        locale,
        image,
        location,
        created,
        updated,
        last_event_date,
        properties,
        warnings: Vec::new(),
    })
}

/// The location; none if Klaviyo has no part of it.
fn location(object: &Json<'_>) -> Result<Option<Location>, String> {
    let [address1, address2, city, region, country, zip, timezone, ip] =
        object.strings(["address1", "address2", "city", "region", "country", "zip", "timezone", "ip"])?;
    // Klaviyo writes them as it got them: numbers or texts.
    let [latitude, longitude] = object.members(["latitude", "longitude"])?;
    let (latitude, longitude) = (latitude.optional_text()?, longitude.optional_text()?);
    let location =
        Location { address1, address2, city, region, country, zip, latitude, longitude, timezone, ip };
    Ok(Some(location).filter(|location| *location != Location::default()))
}
