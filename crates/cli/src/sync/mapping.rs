//! Which column is which field.

use super::dates::Dates;
use super::outcome::Why;
use crate::phone::international;
use klaviyo_host::types::NewProfile;
use klaviyo_stream::opt_in::names;
use phonenumber::country;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
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
    /// A custom property, as text.
    Property(String),
    /// A custom property that is written as JSON: a number, say.
    Json(String),
    /// Nothing.
    Ignore,
}

/// One `--map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    column: String,
    field: Field,
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

/// Where the values of a contact come from.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) pairs: Vec<Pair>,
    pub(super) unknown: Unknown,
    pub(super) region: Option<country::Id>,
    /// Whether times of consent are wanted.
    pub(super) historical: bool,
    /// How these are written.
    pub(super) dates: Dates,
}

/// What a row says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Contact {
    pub(super) profile: NewProfile,
    pub(super) consented_at: Option<String>,
}

const FIELDS: &str = "email, phone-number, external-id, first-name, last-name, name, consented-at, property:NAME, \
                      json:NAME and ignore";

/// Reads `column=field`.
pub(crate) fn pair(text: &str) -> Result<Pair, String> {
    let (column, field) = text
        .split_once('=')
        .map(|(column, field)| (column.trim(), field.trim()))
        .filter(|(column, _)| !column.is_empty())
        .ok_or("write COLUMN=FIELD, such as 'Mobile=phone-number'")?;
    let own = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    let field = match field.split_once(':') {
        Some(("property", name)) => own(name).map(Field::Property),
        Some(("json", name)) => own(name).map(Field::Json),
        _ if field == "ignore" => Some(Field::Ignore),
        _ => Field::of(field),
    };
    let field = field.ok_or_else(|| format!("there is no such field; there are {FIELDS}"))?;
    Ok(Pair { column: column.to_owned(), field })
}

impl Field {
    /// What a column is for by its name: `Phone Number`, `phone_number` and `phone` are the same.
    fn of(column: &str) -> Option<Self> {
        let letters: String =
            column.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match letters.as_str() {
            "email" | "emailaddress" => Self::Email,
            "phone" | "phonenumber" => Self::PhoneNumber,
            "externalid" => Self::ExternalId,
            "firstname" => Self::FirstName,
            "lastname" => Self::LastName,
            "name" | "fullname" => Self::Name,
            "consentedat" => Self::ConsentedAt,
            _ => return None,
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone-number",
            Self::ExternalId => "external-id",
            Self::FirstName => "first-name",
            Self::LastName => "last-name",
            Self::Name => "name",
            Self::ConsentedAt => "consented-at",
            Self::Property(_) | Self::Json(_) => "properties",
            Self::Ignore => "ignore",
        }
    }

    /// The name of the property that it is.
    fn property(&self) -> Option<&str> {
        match self {
            Self::Property(name) | Self::Json(name) => Some(name),
            _ => None,
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

impl Mapping {
    /// The fields of the columns of a CSV file.
    ///
    /// # Errors
    /// What to do about it first.
    pub(super) fn columns<'a>(&self, header: impl Iterator<Item = &'a str>) -> Result<Vec<Field>, String> {
        let header: Vec<&str> = header.map(str::trim).collect();
        if let Some(pair) = self.pairs.iter().find(|pair| !header.contains(&pair.column.as_str())) {
            let columns = header.join(", ");
            return Err(format!(
                "--map names the column {:?}, and there is none; there are {columns}",
                pair.column
            ));
        }
        let mut unknown = Vec::new();
        let mut fields = Vec::new();
        for column in &header {
            fields.push(self.field(column).unwrap_or_else(|| {
                unknown.push(format!("{column:?}"));
                Field::Ignore
            }));
        }
        if !unknown.is_empty() {
            return Err(format!(
                "these columns are no fields: {}; make them properties with --unknown-columns properties, leave them \
                 out with --unknown-columns ignore, or say what they are with --map 'COLUMN=FIELD'",
                unknown.join(", ")
            ));
        }
        self.coherent(&fields)?;
        let identifies =
            |field: &Field| matches!(field, Field::Email | Field::PhoneNumber | Field::ExternalId);
        if !fields.iter().any(identifies) {
            return Err(
                "no column has an email, a phone-number or an external-id; say which does with --map \
                        'COLUMN=email' (the first row is the header)"
                    .to_owned(),
            );
        }
        if self.historical && !fields.contains(&Field::ConsentedAt) {
            return Err(
                "--historical needs a column consented-at: when each person gave consent; name it so, or \
                        with --map 'COLUMN=consented-at'"
                    .to_owned(),
            );
        }
        Ok(fields)
    }

    /// What a column is for; none if that is not known and matters.
    fn field(&self, column: &str) -> Option<Field> {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.column == column) {
            return Some(pair.field.clone());
        }
        match (Field::of(column), self.unknown) {
            (Some(field), _) => Some(field),
            (None, Unknown::Properties) if !column.is_empty() => Some(Field::Property(column.to_owned())),
            (None, Unknown::Ignore) => Some(Field::Ignore),
            (None, _) => None,
        }
    }

    /// Whether fields go together.
    fn coherent(&self, fields: &[Field]) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for field in fields.iter().filter(|field| **field != Field::Ignore) {
            if !seen.insert(field.property().map_or_else(|| Err(field.name()), Ok)) {
                return Err(format!("{field} is given twice; leave one out with --map 'COLUMN=ignore'"));
            }
        }
        let has = |field: Field| fields.contains(&field);
        if has(Field::Name) && (has(Field::FirstName) || has(Field::LastName)) {
            return Err(
                "there is a name beside first-name or last-name; leave one out with --map 'COLUMN=ignore'"
                    .to_owned(),
            );
        }
        if has(Field::ConsentedAt) && !self.historical {
            return Err("consented-at is for consent that was collected before, with --consent and --historical; leave \
                        it out with --map 'COLUMN=ignore'"
                .to_owned());
        }
        Ok(())
    }

    /// The contact of a row of a CSV file.
    pub(super) fn row<'a>(
        &self,
        fields: &[Field],
        values: impl Iterator<Item = &'a str>,
    ) -> Result<Contact, Why> {
        let mut draft = Draft::default();
        for (field, value) in fields.iter().zip(values) {
            match field {
                Field::Ignore => {}
                // Empty is not given, and nothing is cleared.
                _ if value.trim().is_empty() => {}
                Field::Property(name) => draft.property(name, &text(value)),
                Field::Json(name) => {
                    let json: Result<&RawValue, _> = serde_json::from_str(value.trim());
                    let json = json.map_err(|_| {
                        Why::new(
                            "properties",
                            format!("{name} is no JSON; text has to be in quotation marks"),
                        )
                    })?;
                    sound("properties", json)?;
                    draft.property(name, json.get());
                }
                field => draft.set(field, value.trim(), self)?,
            }
        }
        Ok(draft.contact())
    }

    /// The contact of a line that is a JSON object.
    pub(super) fn object(&self, line: &[u8]) -> Result<Contact, Why> {
        let text = std::str::from_utf8(line).map_err(|_| Why::new("", "it is not UTF-8"))?;
        let Members(members) = Members::read(text)?;
        let mut draft = Draft::default();
        let mut fields = Vec::new();
        for (name, value) in members {
            let mapped = self.pairs.iter().any(|pair| pair.column == name);
            if name == "properties" && !mapped {
                if value.get() != "null" {
                    for (name, value) in Members::read(value.get())
                        .map_err(|_| Why::new("properties", "they are not a JSON object"))?
                        .0
                    {
                        draft.property(&name, value.get());
                        fields.push(Field::Property(name));
                    }
                }
                continue;
            }
            let field = self.field(&name).ok_or_else(|| {
                Why::new(&name, "it is no field; --unknown-columns and --map say what to do with it")
            })?;
            match &field {
                Field::Ignore => continue,
                Field::Property(property) | Field::Json(property) => draft.property(property, value.get()),
                field => match string(field, value.get())? {
                    Some(text) => draft.set(field, text.trim(), self)?,
                    None => continue,
                },
            }
            fields.push(field);
        }
        self.coherent(&fields).map_err(|reason| Why::new("", reason))?;
        Ok(draft.contact())
    }
}

/// The text of a field; none where nothing is given.
fn string(field: &Field, value: &str) -> Result<Option<String>, Why> {
    let text = match value.bytes().next() {
        Some(b'"') => {
            serde_json::from_str(value).map_err(|error| Why::new(field.name(), error.to_string()))?
        }
        Some(b'n') => return Ok(None),
        // Not as a number, which would lose digits.
        Some(b'0'..=b'9') => value.to_owned(),
        _ => return Err(Why::new(field.name(), "it is not text")),
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// A JSON string.
fn text(value: &str) -> String {
    // Writing text as JSON does not fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// A contact as its fields come.
#[derive(Default)]
struct Draft {
    contact: Contact,
    /// The members of the object, with a comma between two.
    properties: String,
}

impl Draft {
    fn set(&mut self, field: &Field, value: &str, mapping: &Mapping) -> Result<(), Why> {
        let profile = &mut self.contact.profile;
        let given = Some(value.to_owned());
        match field {
            Field::Email => profile.email = given,
            Field::PhoneNumber => {
                let number = international(value, mapping.region);
                profile.phone_number = Some(number.map_err(|error| Why::invalid(&error))?);
            }
            Field::ExternalId => profile.external_id = given,
            Field::FirstName => profile.first_name = given,
            Field::LastName => profile.last_name = given,
            Field::Name => (profile.first_name, profile.last_name) = names(value),
            Field::ConsentedAt => {
                let time = mapping.dates.read(value);
                self.contact.consented_at = Some(time.map_err(|reason| Why::new(field.name(), reason))?);
            }
            Field::Property(_) | Field::Json(_) | Field::Ignore => {}
        }
        Ok(())
    }

    fn property(&mut self, name: &str, json: &str) {
        if !self.properties.is_empty() {
            self.properties.push(',');
        }
        self.properties.push_str(&text(name));
        self.properties.push(':');
        self.properties.push_str(json);
    }

    fn contact(mut self) -> Contact {
        if !self.properties.is_empty() {
            self.contact.profile.properties = Some(format!("{{{}}}", self.properties));
        }
        self.contact
    }
}

impl Contact {
    /// About how much of a request it takes, and not more.
    pub(super) fn bytes(&self) -> usize {
        let NewProfile { email, phone_number, external_id, first_name, last_name, properties } =
            &self.profile;
        let fields =
            [email, phone_number, external_id, first_name, last_name, properties, &self.consented_at];
        fields.into_iter().flatten().map(String::len).sum()
    }

    /// Whether it has more than addresses.
    pub(super) fn has_more_than_addresses(&self) -> bool {
        let NewProfile { email: _, phone_number: _, external_id, first_name, last_name, properties } =
            &self.profile;
        [external_id, first_name, last_name, properties].into_iter().any(Option::is_some)
    }
}

/// The members of a JSON object, as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    fn read(text: &str) -> Result<Self, Why> {
        let mut json = serde_json::Deserializer::from_str(text);
        let wrong = |error: serde_json::Error| {
            // Its own words may repeat what stands there. And the line is that of the report.
            let what = if error.is_data() { "it is not a JSON object" } else { "it is not JSON" };
            Why::new("", format!("{what}, at character {}", error.column()))
        };
        let members = json.deserialize_map(Object).map_err(wrong)?;
        json.end().map_err(wrong)?;
        for (name, value) in &members.0 {
            sound(name, value)?;
        }
        Ok(members)
    }
}

/// Refuses JSON that others cannot read: half a character, a number too large for any type, nesting without end. Klaviyo
/// would refuse all contacts of its request.
fn sound(name: &str, value: &RawValue) -> Result<(), Why> {
    match serde_json::from_str::<serde_json::Value>(value.get()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Why::new(name, "it has a character, a number or a nesting in it that cannot be read")),
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(pairs: &[&str], unknown: Unknown) -> Mapping {
        let pairs = pairs.iter().map(|text| pair(text).unwrap()).collect();
        Mapping { pairs, unknown, region: None, historical: false, dates: Dates::default() }
    }

    fn columns(mapping: &Mapping, header: &[&str]) -> Result<Vec<Field>, String> {
        mapping.columns(header.iter().copied())
    }

    #[test]
    fn columns_are_known_by_name() {
        let plain = mapping(&[], Unknown::Refuse);
        let header = ["E-Mail", "Phone Number", "external_id", "FirstName", " last-name "];
        let fields = [Field::Email, Field::PhoneNumber, Field::ExternalId, Field::FirstName, Field::LastName];
        assert_eq!(columns(&plain, &header).unwrap(), fields);
        assert_eq!(columns(&plain, &["email", "Full name"]).unwrap(), [Field::Email, Field::Name]);
    }

    #[test]
    fn a_map_goes_before_the_name() {
        let own = mapping(
            &["Mobile = phone-number", "name=property:nick", "a b=json:visits", "x=ignore"],
            Unknown::Refuse,
        );
        let fields = columns(&own, &["Mobile", "name", "a b", "x"]).unwrap();
        let property = Field::Property("nick".to_owned());
        assert_eq!(fields, [Field::PhoneNumber, property, Field::Json("visits".to_owned()), Field::Ignore]);
        for wrong in ["Mobile", "=email", "Mobile=mobile", "x=property:", "x=json: "] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_columns_are_as_was_asked_for() {
        let header = ["email", "plan"];
        let told = columns(&mapping(&[], Unknown::Refuse), &header).unwrap_err();
        assert!(told.contains("\"plan\"") && told.contains("--unknown-columns properties"), "{told}");
        let fields = columns(&mapping(&[], Unknown::Properties), &header).unwrap();
        assert_eq!(fields, [Field::Email, Field::Property("plan".to_owned())]);
        let fields = columns(&mapping(&[], Unknown::Ignore), &header).unwrap();
        assert_eq!(fields, [Field::Email, Field::Ignore]);
    }

    #[test]
    fn columns_that_do_not_go_together_are_told() {
        let all = mapping(&[], Unknown::Properties);
        for header in [
            ["email", "Email"].as_slice(),
            &["email", "name", "first name"],
            &["email", "plan", "plan"],
            &["first name"],
            &["email", ""],
            &["email", "consented at"],
        ] {
            assert!(columns(&all, header).is_err(), "{header:?}");
        }
        assert!(columns(&mapping(&["Mail=email"], Unknown::Refuse), &["email"]).is_err());
        let historical = Mapping { historical: true, ..all };
        assert!(columns(&historical, &["email"]).is_err());
        assert!(columns(&historical, &["email", "consented_at"]).is_ok());
    }

    #[test]
    fn a_row_keeps_what_is_written() {
        let own = mapping(&["visits=json:visits"], Unknown::Properties);
        let fields = columns(&own, &["email", "name", "phone", "zip", "visits"]).unwrap();
        let row = |values: &[&str]| own.row(&fields, values.iter().copied());
        let contact = row(&[" a@b.example ", "Priya Sharma", "+91 98200 00001", " 01234", "3.10"]).unwrap();
        let profile = NewProfile {
            email: Some("a@b.example".to_owned()),
            phone_number: Some("+919820000001".to_owned()),
            first_name: Some("Priya".to_owned()),
            last_name: Some("Sharma".to_owned()),
            properties: Some(r#"{"zip":" 01234","visits":3.10}"#.to_owned()),
            external_id: None,
        };
        assert_eq!(contact, Contact { profile, consented_at: None });
        assert_eq!(row(&["", " ", "", "", ""]).unwrap(), Contact::default());
        assert_eq!(row(&["a@b.example", "", "98200 00001", "", ""]).unwrap_err().field, "phone-number");
        assert_eq!(row(&["a@b.example", "", "", "", "many"]).unwrap_err().field, "properties");
    }

    #[test]
    fn an_object_is_a_row() {
        let own = mapping(&["id=external-id"], Unknown::Properties);
        let line =
            br#"{"email": "a@b.example", "id": 12345678901234567890123, "first_name": null, "plan": "pro",
                       "vip": true, "properties": {"n": 1.10, "none": null}}"#;
        let contact = own.object(line).unwrap();
        assert_eq!(contact.profile.external_id.as_deref(), Some("12345678901234567890123"));
        let properties = r#"{"plan":"pro","vip":true,"n":1.10,"none":null}"#;
        assert_eq!(contact.profile.properties.as_deref(), Some(properties));
        for (line, field) in [
            (r#"{"email": "a@b.example""#, ""),
            (r#"{"email": "a@b.example"} x"#, ""),
            (r#"["a@b.example"]"#, ""),
            ("17", ""),
            (r#"{"email": ["a@b.example"]}"#, "email"),
            (r#"{"email": "a@b.example", "Email": "b@b.example"}"#, ""),
            (r#"{"email": "a@b.example", "plan": 1, "properties": {"plan": 2}}"#, ""),
            (r#"{"email": "a@b.example", "properties": []}"#, "properties"),
            (r#"{"email": "a@b.example", "name": "A", "first-name": "B"}"#, ""),
        ] {
            assert_eq!(own.object(line.as_bytes()).unwrap_err().field, field, "{line}");
        }
        assert!(own.object(b"{\"email\": \"\xff\"}").is_err());
        assert_eq!(mapping(&[], Unknown::Refuse).object(br#"{"plan": 1}"#).unwrap_err().field, "plan");
        assert_eq!(own.object(b"{}").unwrap(), Contact::default());
    }
}
