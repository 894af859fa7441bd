//! Checks of bodies.

use crate::answer::{Answer, Refusal};
use crate::profile::{ATTRIBUTES, IDENTIFIERS};
use serde_json::{Map, Value};

const EMAIL_CHARACTERS: usize = 100;
/// Klaviyo's limit on an external id, in characters.
const EXTERNAL_ID_CHARACTERS: usize = 255;
/// Klaviyo's limit on one profile.
pub(crate) const PROFILE_BYTES: usize = 100_000;

pub(crate) type Result<T> = std::result::Result<T, Answer>;

/// A required member.
pub(crate) fn member<'a>(parent: &'a Value, name: &str, pointer: &str) -> Result<&'a Value> {
    let missing = || Refusal::invalid(&format!("'{name}' is a required property"), pointer).into();
    parent.get(name).ok_or_else(missing)
}

/// A required member, as an object.
pub(crate) fn object<'a>(parent: &'a Value, name: &str, pointer: &str) -> Result<&'a Map<String, Value>> {
    let wrong =
        || Refusal::invalid(&format!("'{name}' must be an object"), &format!("{pointer}/{name}")).into();
    member(parent, name, pointer)?.as_object().ok_or_else(wrong)
}

/// A resource: an object whose `type` is this one.
pub(crate) fn resource(value: &Value, wanted: &str, pointer: &str) -> Result<()> {
    if value.get("type").and_then(Value::as_str) == Some(wanted) {
        return Ok(());
    }
    let detail = format!("'{wanted}' is the only type that is allowed here");
    Err(Refusal::invalid(&detail, &format!("{pointer}/type")).into())
}

/// The rows of a job: an array of 1 to `most` resources of type `profile`.
pub(crate) fn rows(attributes: &Value, most: usize) -> Result<&[Value]> {
    let profiles = member(attributes, "profiles", "/data/attributes")?;
    let pointer = "/data/attributes/profiles/data";
    let rows = member(profiles, "data", "/data/attributes/profiles")?.as_array();
    let rows = rows.ok_or_else(|| Refusal::invalid("'data' must be an array", pointer))?;
    if rows.is_empty() {
        return Err(Refusal::invalid("This field may not be empty.", pointer).into());
    }
    if rows.len() > most {
        let detail = format!("Ensure this field has no more than {most} elements.");
        return Err(Refusal::invalid(&detail, pointer).into());
    }
    Ok(rows)
}

/// The pointer to a row of a job.
pub(crate) fn row_pointer(n: usize) -> String {
    format!("/data/attributes/profiles/data/{n}")
}

/// Checks the attributes of a profile for all operations.
pub(crate) fn attributes(attributes: &Map<String, Value>, pointer: &str) -> Result<()> {
    for (name, value) in attributes {
        let refuse = |detail: &str| Err(Refusal::invalid(detail, &format!("{pointer}/{name}")).into());
        let fits = match name.as_str() {
            "properties" | "location" => value.is_object() || value.is_null(),
            _ => value.is_string() || value.is_null(),
        };
        if !ATTRIBUTES.contains(&name.as_str()) {
            let detail = format!("'{name}' is not a valid field for the resource 'profile'.");
            return Err(Refusal::invalid(&detail, pointer).into());
        }
        if !fits {
            return refuse(&format!("Invalid value for '{name}'"));
        }
        if name == "email" && value.as_str().is_some_and(|email| !email.is_empty() && !is_email(email)) {
            return refuse("Invalid email address");
        }
        // Unproven: the text.
        let is_long = |id: &str| id.chars().count() > EXTERNAL_ID_CHARACTERS;
        if name == "external_id" && value.as_str().is_some_and(is_long) {
            return refuse("Ensure this field has no more than 255 characters.");
        }
    }
    Ok(())
}

/// Checks that the profile has an identifier that is neither null nor empty.
pub(crate) fn identified(attributes: &Map<String, Value>, pointer: &str) -> Result<()> {
    if IDENTIFIERS.iter().any(|name| given(attributes, name).is_some()) {
        return Ok(());
    }
    Err(Refusal::invalid("One or more identifiers is required", pointer).into())
}

/// Checks the phone number, if there is one.
pub(crate) fn phone_number(attributes: &Map<String, Value>, pointer: &str) -> Result<()> {
    if given(attributes, "phone_number").is_none_or(is_phone_number) {
        return Ok(());
    }
    Err(Refusal::invalid("Invalid phone number format", &format!("{pointer}/phone_number")).into())
}

/// The text of an attribute, if it is not empty.
pub(crate) fn given<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(crate) fn is_email(email: &str) -> bool {
    let sides = email.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.contains('.'));
    sides.is_some_and(|(_, domain)| !domain.contains('@'))
        && email.chars().count() <= EMAIL_CHARACTERS
        && !email.contains(char::is_whitespace)
}

/// At least eight digits; the simulator does not know the rules of countries.
fn is_phone_number(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}
