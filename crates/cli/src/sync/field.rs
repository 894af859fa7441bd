//! What a column can be for, and how that is said on the command line.

use std::fmt;

/// What a column is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// What Klaviyo has a name of its own for, beside the names of people.
    Standard(Standard),
    /// A custom property, as text.
    Property(String),
    /// A custom property that is written as JSON: a number, say.
    Json(String),
    /// Nothing.
    Ignore,
}

/// Klaviyo's names for what is known of people. They go as properties of these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standard {
    Organization,
    Title,
    Address1,
    Address2,
    City,
    Region,
    Country,
    Zip,
}

/// One `--map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(super) column: String,
    pub(super) field: Field,
}

/// What to do with a column that has no field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Unknown {
    /// Do not begin
    #[default]
    Refuse,
    /// Make them custom properties, as text
    Properties,
    /// Leave them out
    Ignore,
}

const FIELDS: &str = "email, phone-number, external-id, first-name, last-name, name, organization, title, address1, \
                      address2, city, region, country, zip, consented-at, consent-source, consent-method, \
                      property:NAME, json:NAME and ignore";

/// Reads `column=field`.
pub(crate) fn pair(text: &str) -> Result<Pair, String> {
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
    Ok(Pair { column: column.to_owned(), field })
}

/// What of a name counts: `Phone Number`, `phone_number` and `PhoneNumber` are the same.
pub(super) fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Field {
    /// The field of this name, by its letters.
    pub(super) fn of(letters: &str) -> Option<Self> {
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
            _ => return Standard::ALL.into_iter().find(|field| field.name() == letters).map(Self::Standard),
        })
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone-number",
            Self::ExternalId => "external-id",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Name => "name",
            Self::ConsentedAt => "consented-at",
            Self::ConsentSource => "consent-source",
            Self::ConsentMethod => "consent-method",
            Self::Standard(field) => field.name(),
            Self::Property(_) | Self::Json(_) => "properties",
            Self::Ignore => "ignore",
        }
    }

    /// What it is called in a report.
    pub(super) fn report_name(&self) -> &str {
        match self {
            Self::Standard(_) => "properties",
            field => field.name(),
        }
    }

    /// The name of the property that it becomes.
    pub(super) fn property(&self) -> Option<&str> {
        match self {
            Self::Property(name) | Self::Json(name) => Some(name),
            Self::Standard(field) => Some(field.name()),
            _ => None,
        }
    }

    /// What two columns cannot both be: the name of a property, or of another field.
    pub(super) fn place(&self) -> Result<&str, &str> {
        self.property().ok_or_else(|| self.name())
    }

    pub(super) fn identifies(&self) -> bool {
        matches!(self, Self::Email | Self::PhoneNumber | Self::ExternalId)
    }

    /// Whether it says something about a consent.
    pub(super) fn is_of_consent(&self) -> bool {
        matches!(self, Self::ConsentedAt | Self::ConsentSource | Self::ConsentMethod)
    }
}

impl Standard {
    const ALL: [Self; 8] = [
        Self::Organization,
        Self::Title,
        Self::Address1,
        Self::Address2,
        Self::City,
        Self::Region,
        Self::Country,
        Self::Zip,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Title => "title",
            Self::Address1 => "address1",
            Self::Address2 => "address2",
            Self::City => "city",
            Self::Region => "region",
            Self::Country => "country",
            Self::Zip => "zip",
        }
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

impl fmt::Display for Pair {
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
            assert_eq!(pair(text), Ok(Pair { column: column.to_owned(), field }), "{text}");
        }
        for wrong in ["Mobile", "=email", "Mobile=mobile", "x=property:", "x=json: ", "x="] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }
}
