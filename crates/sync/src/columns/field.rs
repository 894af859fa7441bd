//! The fields that a column can be, and how settings write them.

use std::fmt;
use std::str::FromStr;
use strum::{AsRefStr, IntoStaticStr};

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
    /// A fact about a person that Klaviyo has its own name for.
    Standard(&'static str),
    /// A custom property, as text.
    Property(String),
    /// A custom property that is written as JSON: a number, say.
    Json(String),
    /// Nothing.
    Ignore,
}

/// Klaviyo's names for facts about a person. They are sent as properties with these names.
const STANDARD: [&str; 8] =
    ["organization", "title", "address1", "address2", "city", "region", "country", "zip"];

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

const FIELDS: &str = "email, phone-number, external-id, first-name, last-name, name, organization, title, address1, \
                      address2, city, region, country, zip, consented-at, consent-source, consent-method, \
                      property:NAME, json:NAME and ignore";

impl FromStr for ColumnMapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, field) = text
        .split_once('=')
        .map(|(column, field)| (column.trim(), field.trim()))
        .filter(|(column, _)| !column.is_empty())
        .ok_or("write COLUMN=FIELD, such as 'Mobile=phone-number', or the column's position, as in '3=phone-number'")?;
        let own = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        let field = match field.split_once(':') {
            Some(("property", name)) => own(name).map(Field::Property),
            Some(("json", name)) => own(name).map(Field::Json),
            _ if field == "ignore" => Some(Field::Ignore),
            _ => Field::of(&letters(field)),
        };
        let field = field.ok_or_else(|| format!("there is no such field; there are {FIELDS}"))?;
        Ok(Self { column: column.to_owned(), field })
    }
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
            _ => return STANDARD.into_iter().find(|name| *name == letters).map(Self::Standard),
        })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Standard(name) => name,
            Self::Property(_) | Self::Json(_) => "properties",
            field => field.as_ref(),
        }
    }

    /// Its name in a report.
    pub(crate) fn report_name(&self) -> &str {
        match self {
            Self::Standard(_) => "properties",
            field => field.name(),
        }
    }

    /// The name of the custom property that it becomes, if it becomes one.
    pub(crate) fn property(&self) -> Option<&str> {
        match self {
            Self::Property(name) | Self::Json(name) => Some(name),
            Self::Standard(name) => Some(name),
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
            ("Firma=organization", "Firma", Field::Standard("organization")),
            ("x=ignore", "x", Field::Ignore),
        ] {
            assert_eq!(text.parse(), Ok(ColumnMapping { column: column.to_owned(), field }), "{text}");
        }
        for wrong in ["Mobile", "=email", "Mobile=mobile", "x=property:", "x=json: ", "x="] {
            assert!(wrong.parse::<ColumnMapping>().is_err(), "{wrong}");
        }
    }
}
