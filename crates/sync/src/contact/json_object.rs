//! Makes a contact of a JSON object.

use crate::columns::field::Field;
use crate::columns::resolver::of_members;
use crate::columns::{Column, Mapping};
use crate::contact::Contact;
use crate::contact::draft::Draft;
use crate::decode::object::{Members, field_text};
use crate::outcome::Reason;
use klaviyo_core::text::trimmed;
use std::collections::BTreeSet;

/// The contact of a line, or of an element of an array.
pub(crate) fn contact_of_object(mapping: &Mapping, line: &[u8]) -> Result<Contact, Reason> {
    let text = std::str::from_utf8(line).map_err(|_| Reason::new("", "it is not UTF-8"))?;
    let mut members = Members::read(text)?;
    let is_mapped = mapping.columns.iter().any(|mapped| mapped.column == "properties");
    let nested = if is_mapped { Vec::new() } else { members.take_properties()? };
    members.splice_location()?;
    let Members(members) = members;
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let columns = of_members(mapping, &names)?;
    let mut draft = Draft::new(mapping);
    for (column, (_, value)) in columns.columns.iter().zip(&members) {
        member(&mut draft, column, value.get())?;
    }
    for (channel, sense) in &columns.missing {
        draft.unanswered(*channel, *sense)?;
    }
    for unused in columns.unused.iter().filter_map(|index| names.get(*index)) {
        draft.unused(unused);
    }
    let mut properties: BTreeSet<&str> =
        columns.columns.iter().filter_map(|column| column.field.property()).collect();
    for (name, value) in &nested {
        if !properties.insert(name) {
            let reason = format!("property:{name} is given twice; leave one out with --map 'COLUMN=ignore'");
            return Err(Reason::new("", reason));
        }
        draft.properties.add(name, value.get());
    }
    draft.contact()
}

/// Takes a member of an object.
fn member(draft: &mut Draft<'_>, column: &Column, value: &str) -> Result<(), Reason> {
    if !column.answers.is_empty() {
        let answer = match value {
            "true" | "false" => Some(value.to_owned()),
            _ => field_text("", value)?,
        };
        for (channel, sense) in &column.answers {
            draft.answer(*channel, *sense, answer.as_deref().unwrap_or_default())?;
        }
    }
    match &column.field {
        Field::Ignore => {}
        Field::Property(property) | Field::Json(property) => draft.properties.add(property, value),
        field => {
            if let Some(text) = field_text(field.name(), value)? {
                draft.set(column, trimmed(&text))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::contact_of_object;
    use crate::columns::field::UnknownColumns;
    use crate::columns::tests::mapping;

    #[test]
    fn an_object_is_a_row() {
        let own = mapping(&["id=external-id"], UnknownColumns::Properties);
        let line =
            br#"{"email": "a@b.example", "id": 12345678901234567890123, "first_name": null, "plan": "pro",
                       "vip": true, "properties": {"n": 1.10, "none": null}}"#;
        let contact = contact_of_object(&own, line).unwrap();
        assert_eq!(contact.profile.external_id.as_deref(), Some("12345678901234567890123"));
        let properties = r#"{"plan":"pro","vip":true,"n":1.10,"none":null}"#;
        assert_eq!(contact.profile.properties.as_deref(), Some(properties));
        // As `changes` prints a profile.
        let line = br#"{"email": "a@b.example", "properties": "{\"n\": 1.10, \"plan\": \"pro\"}"}"#;
        let properties = r#"{"n":1.10,"plan":"pro"}"#;
        assert_eq!(contact_of_object(&own, line).unwrap().profile.properties.as_deref(), Some(properties));
        let line =
            br#"{"email": "a@b.example", "location": {"city": "Pune", "zip": null, "latitude": 18.52}}"#;
        let location = contact_of_object(&own, line).unwrap().profile.location.unwrap();
        assert_eq!((location.city.as_deref(), location.latitude.as_deref()), (Some("Pune"), Some("18.52")));
        let text = contact_of_object(&own, br#"{"email": "a@b.example", "location": "Pune"}"#).unwrap();
        assert_eq!(text.profile.properties.as_deref(), Some(r#"{"location":"Pune"}"#));
        for (line, field) in [
            (r#"{"email": "a@b.example", "city": "Pune", "location": {"city": "Pune"}}"#, ""),
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
            (r#"{"email": "a@b.example", "properties": "[]"}"#, "properties"),
            (r#"{"email": "a@b.example", "plan": 1, "properties": "{\"plan\": 2}"}"#, ""),
        ] {
            assert_eq!(contact_of_object(&own, line.as_bytes()).unwrap_err().field, field, "{line}");
        }
        assert!(contact_of_object(&own, b"{\"email\": \"\xff\"}").is_err());
        assert_eq!(
            contact_of_object(&mapping(&[], UnknownColumns::Refuse), br#"{"plan": 1}"#).unwrap_err().field,
            "plan"
        );
        let city =
            contact_of_object(&own, br#"{"email": "a@b.example", "City": " Pune ", "zip": 411001}"#).unwrap();
        let place = city.profile.location.unwrap();
        assert_eq!((place.city.as_deref(), place.zip.as_deref()), (Some("Pune"), Some("411001")));
        assert_eq!(city.profile.properties, None);
        let south = br#"{"email": "a@b.example", "latitude": -33.80, "properties": {"latitude": "low"}}"#;
        let south = contact_of_object(&own, south).unwrap().profile;
        assert_eq!(south.location.unwrap().latitude.as_deref(), Some("-33.80"));
        assert_eq!(south.properties.as_deref(), Some(r#"{"latitude":"low"}"#));
        assert_eq!(
            contact_of_object(&own, br#"{"email": "a@b.example", "city": true}"#).unwrap_err().field,
            "city"
        );
        let named =
            contact_of_object(&own, br#"{"email": "a@b.example", "name": "A", "first-name": "B"}"#).unwrap();
        assert_eq!((named.profile.first_name.as_deref(), named.profile.last_name), (Some("B"), None));
    }
}
