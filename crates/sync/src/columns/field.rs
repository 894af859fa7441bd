//! The fields that a column can be, and how settings write them.

use klaviyo_core::NewProfile;
use std::fmt;
use std::str::FromStr;
use strum::{AsRefStr, EnumString, IntoStaticStr};

/// A field of a contact, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, AsRefStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Field {
    Email,
    PhoneNumber,
    ExternalId,
    FirstName,
    LastName,
    /// First and last name in one.
    Name,
    ConsentedAt,
    ConsentSource,
    ConsentMethod,
    /// A fact about a person that the contract has a field for.
    Standard(Standard),
    /// A custom property, as text.
    Property(String),
    /// A custom property that is written as JSON: a number, say.
    Json(String),
    /// Nothing.
    Ignore,
}

/// The contract's fields of a profile and of its location that neither identify nor name a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Standard {
    Organization,
    Title,
    Locale,
    Image,
    Address1,
    Address2,
    City,
    Region,
    Country,
    Zip,
    Latitude,
    Longitude,
    Timezone,
    Ip,
}

impl Standard {
    /// The value that a profile has for it.
    pub(crate) fn of(self, profile: &mut NewProfile) -> &mut Option<String> {
        let NewProfile { organization, title, locale, image, location, .. } = profile;
        match self {
            Self::Organization => organization,
            Self::Title => title,
            Self::Locale => locale,
            Self::Image => image,
            Self::Address1 => &mut location.get_or_insert_default().address1,
            Self::Address2 => &mut location.get_or_insert_default().address2,
            Self::City => &mut location.get_or_insert_default().city,
            Self::Region => &mut location.get_or_insert_default().region,
            Self::Country => &mut location.get_or_insert_default().country,
            Self::Zip => &mut location.get_or_insert_default().zip,
            Self::Latitude => &mut location.get_or_insert_default().latitude,
            Self::Longitude => &mut location.get_or_insert_default().longitude,
            Self::Timezone => &mut location.get_or_insert_default().timezone,
            Self::Ip => &mut location.get_or_insert_default().ip,
        }
    }
}

/// The field of a column whose heading does not say it.
///
/// It is written as `COLUMN=FIELD`. The column is named by its heading, or by its position from 1. The field
/// is one of those in the sentence for a wrong one, `property:NAME`, `json:NAME` (a property whose values are
/// JSON, such as numbers) or `ignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMapping {
    pub(crate) column: String,
    pub(crate) field: Field,
}

/// What to do with a column that has no field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum UnknownColumns {
    /// Do not begin.
    #[default]
    Refuse,
    /// Make them custom properties, as text.
    Properties,
    /// Leave them out.
    Ignore,
}

const FIELDS: &str = "email, phone-number, external-id, first-name, last-name, name, organization, title, locale, \
                      image, address1, address2, city, region, country, zip, latitude, longitude, timezone, ip, consented-at, consent-source, consent-method, \
                      property:NAME, json:NAME and ignore";

impl FromStr for ColumnMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, field) = mapped(text, "phone-number", Field::of, FIELDS)?;
        Ok(Self { column, field })
    }
}

/// What a column of any kind of record can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Custom {
    Property(String),
    Json(String),
    Ignore,
}

impl From<Custom> for Field {
    fn from(custom: Custom) -> Self {
        match custom {
            Custom::Property(name) => Self::Property(name),
            Custom::Json(name) => Self::Json(name),
            Custom::Ignore => Self::Ignore,
        }
    }
}

/// Reads `COLUMN=FIELD`. `of` finds the other fields by the letters of their names; `fields` lists all of them.
pub(crate) fn mapped<F: From<Custom>>(
    text: &str,
    example: &str,
    of: impl Fn(&str) -> Option<F>,
    fields: &str,
) -> Result<(String, F), String> {
    let (column, field) = text
        .split_once('=')
        .map(|(column, field)| (column.trim(), field.trim()))
        .filter(|(column, _)| !column.is_empty())
        .ok_or_else(|| {
            format!(
                "write COLUMN=FIELD, such as 'Mobile={example}', or the column's position, as in '3={example}'"
            )
        })?;
    let own = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    let field = match field.split_once(':') {
        Some(("property", name)) => own(name).map(|name| Custom::Property(name).into()),
        Some(("json", name)) => own(name).map(|name| Custom::Json(name).into()),
        _ if field == "ignore" => Some(Custom::Ignore.into()),
        _ => of(&letters(field)),
    };
    let field = field.ok_or_else(|| format!("there is no such field; there are {fields}"))?;
    Ok((column.to_owned(), field))
}

/// The part of a name that is compared: `Phone Number`, `phone_number` and `PhoneNumber` are the same.
pub(crate) fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Field {
    /// The field with this name, reduced to its letters.
    pub(crate) fn of(letters: &str) -> Option<Self> {
        Some(match letters {
            "email" | "emailaddress" => Self::Email,
            "phone" | "phonenumber" => Self::PhoneNumber,
            "externalid" => Self::ExternalId,
            "firstname" => Self::FirstName,
            "lastname" => Self::LastName,
            "name" | "fullname" => Self::Name,
            "consentedat" => Self::ConsentedAt,
            "consentsource" => Self::ConsentSource,
            "consentmethod" => Self::ConsentMethod,
            _ => return letters.parse().ok().map(Self::Standard),
        })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Standard(field) => (*field).into(),
            Self::Property(_) | Self::Json(_) => "properties",
            field => field.as_ref(),
        }
    }

    /// The name of the custom property that it becomes, if it becomes one.
    pub(crate) fn property(&self) -> Option<&str> {
        match self {
            Self::Property(name) | Self::Json(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn identifies(&self) -> bool {
        matches!(self, Self::Email | Self::PhoneNumber | Self::ExternalId)
    }

    /// Whether it describes a consent.
    pub(crate) fn is_of_consent(&self) -> bool {
        matches!(self, Self::ConsentedAt | Self::ConsentSource | Self::ConsentMethod)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(name) => write!(f, "property:{name}"),
            Self::Json(name) => write!(f, "json:{name}"),
            field => f.write_str(field.name()),
        }
    }
}

impl fmt::Display for ColumnMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.column, self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_a_column_and_a_field() {
        for (text, column, field) in [
            ("Mobile = phone-number", "Mobile", Field::PhoneNumber),
            ("3=Phone Number", "3", Field::PhoneNumber),
            ("a b=json:visits", "a b", Field::Json("visits".to_owned())),
            ("x=property: Plan ", "x", Field::Property("Plan".to_owned())),
            ("Firma=organization", "Firma", Field::Standard(Standard::Organization)),
            ("x=ignore", "x", Field::Ignore),
        ] {
            assert_eq!(text.parse(), Ok(ColumnMapping { column: column.to_owned(), field }), "{text}");
        }
        for wrong in ["Mobile", "=email", "Mobile=mobile", "x=property:", "x=json: ", "x="] {
            assert!(wrong.parse::<ColumnMapping>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_fields_that_an_error_names_are_there() {
        let names = FIELDS.replace(" and ", ", ");
        for name in names.split(", ") {
            let text = format!("x={name}");
            assert_eq!(text.parse::<ColumnMapping>().unwrap().to_string(), text);
        }
    }
}
