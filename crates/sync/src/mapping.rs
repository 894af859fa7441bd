//! From the values of a row to a contact and its consent.

use crate::columns::{self, Column, Columns};
use crate::consent::Rules;
use crate::dates::Dates;
use crate::draft::Draft;
use crate::field::{ColumnMapping, Field, UnknownColumns};
use crate::object::{Members, sound, string, text};
use crate::outcome::Reason;
use klaviyo_core::text::trimmed;
use klaviyo_host::types::{Channel, NewProfile};
use phonenumber::country;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Where the values of a contact come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    pub(crate) columns: Vec<ColumnMapping>,
    pub(crate) unknown: UnknownColumns,
    pub(crate) region: Option<country::Id>,
    /// Whether a row is refused for what could be left out of it.
    pub(crate) strict: bool,
    /// Which consent is given; none if the sync is not about consent.
    pub(crate) consent: Option<Rules>,
    /// How times of consent are written.
    pub(crate) dates: Dates,
}

/// What a row says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contact {
    pub(crate) profile: NewProfile,
    /// What the person consents to; none is not consent.
    pub(crate) consent: Option<Given>,
    /// What was left out, and why.
    pub(crate) warnings: Vec<Reason>,
}

/// The consent of one person.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// At least one, of which the person has the addresses.
    pub(crate) channels: Vec<Channel>,
    /// When that was, RFC 3339.
    pub(crate) at: Option<String>,
    /// Where, and how.
    pub(crate) source: Option<String>,
}

impl Mapping {
    /// What the columns of a CSV file are.
    ///
    /// # Errors
    /// What to do about it first.
    pub(crate) fn columns<'a>(&self, header: impl Iterator<Item = &'a str>) -> Result<Columns, String> {
        columns::of_header(self, header)
    }

    /// The contact of a row of a CSV file. Values that are missing at its end are empty.
    pub(crate) fn row<'a>(
        &self,
        columns: &Columns,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<Contact, Reason> {
        let mut draft = Draft::new(self);
        for (column, value) in columns.columns.iter().zip(values.map(Some).chain(std::iter::repeat(None))) {
            let is_missing = value.is_none();
            let value = without_mark(value.unwrap_or_default());
            for (channel, sense) in &column.answers {
                if is_missing {
                    draft.unanswered(*channel, *sense)?;
                } else {
                    draft.answer(*channel, *sense, value)?;
                }
            }
            match &column.field {
                Field::Ignore => {}
                // Empty is not given, and nothing is cleared.
                _ if trimmed(value).is_empty() => {}
                Field::Property(name) => draft.property(name, &text(value)),
                Field::Json(name) => {
                    let json: Result<&RawValue, _> = serde_json::from_str(value.trim());
                    let json = json.map_err(|_| {
                        Reason::new(
                            "properties",
                            format!("{name} is no JSON; text has to be in quotation marks"),
                        )
                    })?;
                    sound("properties", json)?;
                    draft.property(name, json.get());
                }
                _ => draft.set(column, trimmed(value))?,
            }
        }
        draft.contact()
    }

    /// The contact of a line that is a JSON object.
    pub(crate) fn object(&self, line: &[u8]) -> Result<Contact, Reason> {
        let text = std::str::from_utf8(line).map_err(|_| Reason::new("", "it is not UTF-8"))?;
        let Members(mut members) = Members::read(text)?;
        let is_mapped = self.columns.iter().any(|mapped| mapped.column == "properties");
        let place = members.iter().position(|(name, _)| name == "properties" && !is_mapped);
        let nested = match place.map(|place| members.remove(place).1).filter(|value| value.get() != "null") {
            None => Vec::new(),
            Some(value) => {
                Members::read(value.get())
                    .map_err(|_| Reason::new("properties", "they are not a JSON object"))?
                    .0
            }
        };
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let columns = columns::of_members(self, &names)?;
        let mut draft = Draft::new(self);
        for (column, (_, value)) in columns.columns.iter().zip(&members) {
            member(&mut draft, column, value.get())?;
        }
        for (channel, sense) in &columns.missing {
            draft.unanswered(*channel, *sense)?;
        }
        for unused in columns.unused.iter().filter_map(|place| names.get(*place)) {
            draft.unused(unused);
        }
        let mut properties: BTreeSet<&str> =
            columns.columns.iter().filter_map(|column| column.field.property()).collect();
        for (name, value) in &nested {
            if !properties.insert(name) {
                let reason =
                    format!("property:{name} is given twice; leave one out with --map 'COLUMN=ignore'");
                return Err(Reason::new("", reason));
            }
            draft.property(name, value.get());
        }
        draft.contact()
    }
}

/// Takes a member of an object.
fn member(draft: &mut Draft<'_>, column: &Column, value: &str) -> Result<(), Reason> {
    if !column.answers.is_empty() {
        let answer = match value {
            "true" | "false" => Some(value.to_owned()),
            _ => string("", value)?,
        };
        for (channel, sense) in &column.answers {
            draft.answer(*channel, *sense, answer.as_deref().unwrap_or_default())?;
        }
    }
    match &column.field {
        Field::Ignore => {}
        Field::Property(property) | Field::Json(property) => draft.property(property, value),
        Field::Standard(standard) if !value.starts_with('"') => draft.property(standard.name(), value),
        field => {
            if let Some(text) = string(field.report_name(), value)? {
                draft.set(column, trimmed(&text))?;
            }
        }
    }
    Ok(())
}

/// A value of CSV without the apostrophe that a spreadsheet puts before what it shall not take for a number or a
/// formula. One before a letter is a part of the text, as in 's-Gravenhage.
fn without_mark(value: &str) -> &str {
    let is_marked = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || "+-=@".contains(c));
    trimmed(value).strip_prefix('\'').filter(|rest| is_marked(rest.trim_start())).unwrap_or(value)
}

impl Contact {
    /// About how much of a request it takes, and not more.
    pub(crate) fn bytes(&self) -> usize {
        let NewProfile { email, phone_number, external_id, first_name, last_name, properties } =
            &self.profile;
        let at = self.consent.as_ref().and_then(|given| given.at.as_ref());
        let fields = [email, phone_number, external_id, first_name, last_name, properties];
        fields.into_iter().flatten().chain(at).map(String::len).sum()
    }

    /// What there is to say of it when it is done.
    pub(crate) fn warning(&self) -> Option<Reason> {
        (!self.warnings.is_empty()).then(|| Reason::all(&self.warnings))
    }

    /// Whether it has more than addresses.
    pub(crate) fn has_more_than_addresses(&self) -> bool {
        let NewProfile { email: _, phone_number: _, external_id, first_name, last_name, properties } =
            &self.profile;
        [external_id, first_name, last_name, properties].into_iter().any(Option::is_some)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A mapping for the tests of others too.
    pub(crate) fn mapping(pairs: &[&str], unknown: UnknownColumns) -> Mapping {
        Mapping {
            columns: pairs.iter().map(|text| text.parse().unwrap()).collect(),
            unknown,
            ..Mapping::default()
        }
    }

    #[test]
    fn a_row_keeps_what_is_written() {
        let own = mapping(&["visits=json:visits"], UnknownColumns::Properties);
        let columns = own.columns(["email", "name", "phone", "code", "visits"].into_iter()).unwrap();
        let row = |values: &[&str]| own.row(&columns, values.iter().copied());
        let contact = row(&[" a@b.example ", " Priya Sharma", "+91 98200 00001", " 01234", "3.10"]).unwrap();
        let profile = NewProfile {
            email: Some("a@b.example".to_owned()),
            phone_number: Some("+919820000001".to_owned()),
            first_name: Some("Priya".to_owned()),
            last_name: Some("Sharma".to_owned()),
            properties: Some(r#"{"code":" 01234","visits":3.10}"#.to_owned()),
            external_id: None,
        };
        assert_eq!(contact, Contact { profile, ..Contact::default() });
        assert_eq!(row(&["a@b.example"]).unwrap().profile.email.as_deref(), Some("a@b.example"));
        for (values, field) in [
            (["", " ", "", "", ""], "email"),
            (["", "", "98200 00001", "", ""], "phone-number"),
            (["a@b.example", "", "", "", "many"], "properties"),
        ] {
            assert_eq!(row(&values).unwrap_err().field, field, "{values:?}");
        }
    }

    #[test]
    fn a_bad_phone_beside_a_good_email_is_left_out() {
        let own = mapping(&[], UnknownColumns::Refuse);
        let columns = own.columns(["email", "phone"].into_iter()).unwrap();
        let row = |own: &Mapping, phone| own.row(&columns, ["a@b.example", phone].into_iter());
        let warned = row(&own, "12345").unwrap();
        assert_eq!(warned.profile.phone_number, None);
        assert_eq!(warned.warning().unwrap().field, "phone-number");
        for none in ["N/A", "-", "0", "unknown", ""] {
            assert_eq!(row(&own, none).unwrap().warnings, [], "{none}");
        }
        let strict = Mapping { strict: true, ..own };
        assert_eq!(row(&strict, "12345").unwrap_err().field, "phone-number");
        assert!(row(&strict, "N/A").is_ok());
    }

    #[test]
    fn a_spreadsheets_apostrophe_is_no_part_of_a_value() {
        for (value, plain) in [
            ("'1000000000001", "1000000000001"),
            ("'+49", "+49"),
            (" '=1+1", "=1+1"),
            ("'s-Gravenhage", "'s-Gravenhage"),
            ("O'Neil", "O'Neil"),
            ("'", "'"),
            ("''", "''"),
        ] {
            assert_eq!(without_mark(value), plain, "{value}");
        }
    }

    #[test]
    fn of_several_values_the_first_counts() {
        let own = mapping(&[], UnknownColumns::Refuse);
        let columns = own.columns(["E-mail 1 - Value", "Phone 1 - Value"].into_iter()).unwrap();
        let values = || ["a@b.example ::: c@d.example", " ::: +14155550100"].into_iter();
        let contact = own.row(&columns, values()).unwrap();
        assert_eq!(contact.profile.email.as_deref(), Some("a@b.example"));
        assert_eq!(contact.warning().unwrap().field, "email");
        assert!(Mapping { strict: true, ..own }.row(&columns, values()).is_err());
    }

    #[test]
    fn an_object_is_a_row() {
        let own = mapping(&["id=external-id"], UnknownColumns::Properties);
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
            ("{}", "email"),
            (r#"{"email": ["a@b.example"]}"#, "email"),
            (r#"{"email": "a@b.example", "Email": "b@b.example"}"#, ""),
            (r#"{"email": "a@b.example", "plan": 1, "properties": {"plan": 2}}"#, ""),
            (r#"{"email": "a@b.example", "properties": {"plan": 1, "plan": 2}}"#, ""),
            (r#"{"email": "a@b.example", "properties": []}"#, "properties"),
        ] {
            assert_eq!(own.object(line.as_bytes()).unwrap_err().field, field, "{line}");
        }
        assert!(own.object(b"{\"email\": \"\xff\"}").is_err());
        assert_eq!(mapping(&[], UnknownColumns::Refuse).object(br#"{"plan": 1}"#).unwrap_err().field, "plan");
        let city = own.object(br#"{"email": "a@b.example", "City": " Pune ", "zip": 411001}"#).unwrap();
        assert_eq!(city.profile.properties.as_deref(), Some(r#"{"city":"Pune","zip":411001}"#));
        let named = own.object(br#"{"email": "a@b.example", "name": "A", "first-name": "B"}"#).unwrap();
        assert_eq!((named.profile.first_name.as_deref(), named.profile.last_name), (Some("B"), None));
    }
}
