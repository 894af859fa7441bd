//! The fields that a column of events can be, and how settings write them.

use crate::columns::field::{Custom, letters, mapped};
use std::fmt;
use std::str::FromStr;
use strum::AsRefStr;

/// A field of an event, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, AsRefStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum EventField {
    ProfileId,
    Email,
    PhoneNumber,
    ExternalId,
    Metric,
    UniqueId,
    Time,
    Value,
    ValueCurrency,
    /// A property, as text.
    Property(String),
    /// A property that is written as JSON: a number, say.
    Json(String),
    /// Nothing.
    Ignore,
}

/// The field of a column whose heading does not say it: `COLUMN=FIELD`, as a
/// [`ColumnMapping`](crate::ColumnMapping) has it, with the fields of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventColumn {
    pub(crate) column: String,
    pub(crate) field: EventField,
}

const FIELDS: &str = "profile-id, email, phone-number, external-id, metric, unique-id, time, value, value-currency, \
                      property:NAME, json:NAME and ignore";

impl FromStr for EventColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, field) = mapped(text, "unique-id", EventField::of, FIELDS)?;
        Ok(Self { column, field })
    }
}

impl From<Custom> for EventField {
    fn from(custom: Custom) -> Self {
        match custom {
            Custom::Property(name) => Self::Property(name),
            Custom::Json(name) => Self::Json(name),
            Custom::Ignore => Self::Ignore,
        }
    }
}

impl EventField {
    /// The field with this name, reduced to its letters.
    fn of(letters: &str) -> Option<Self> {
        Some(match letters {
            "profileid" => Self::ProfileId,
            "email" | "emailaddress" => Self::Email,
            "phone" | "phonenumber" => Self::PhoneNumber,
            "externalid" => Self::ExternalId,
            "metric" => Self::Metric,
            "uniqueid" => Self::UniqueId,
            "time" => Self::Time,
            "value" => Self::Value,
            "currency" | "valuecurrency" => Self::ValueCurrency,
            _ => return None,
        })
    }

    /// The field of a column with this heading.
    pub(crate) fn of_heading(heading: &str) -> Option<Self> {
        Self::of(&letters(heading))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Property(_) | Self::Json(_) => "properties",
            field => field.as_ref(),
        }
    }

    pub(crate) fn identifies(&self) -> bool {
        matches!(self, Self::ProfileId | Self::Email | Self::PhoneNumber | Self::ExternalId)
    }
}

impl fmt::Display for EventField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(name) => write!(f, "property:{name}"),
            Self::Json(name) => write!(f, "json:{name}"),
            field => f.write_str(field.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_a_column_and_a_field() {
        for name in FIELDS.replace(" and ", ", ").split(", ") {
            let EventColumn { column, field } = format!("Order No = {name}").parse().unwrap();
            assert_eq!((column.as_str(), field.to_string().as_str()), ("Order No", name));
        }
        for wrong in ["Order", "=email", "Order=city", "Order=property:", "Order="] {
            assert!(wrong.parse::<EventColumn>().is_err(), "{wrong}");
        }
    }
}
