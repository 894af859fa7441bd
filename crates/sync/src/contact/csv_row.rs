//! Makes a contact of a row of CSV.

use crate::columns::field::Field;
use crate::columns::{Columns, Mapping};
use crate::contact::Contact;
use crate::contact::draft::Draft;
use crate::decode::object::json_string;
use crate::decode::record::without_mark;
use crate::outcome::Reason;
use klaviyo_core::text::trimmed;

/// The contact of a row. Values that are missing at its end are empty.
pub(crate) fn contact_of_row<'a>(
    mapping: &Mapping,
    columns: &Columns,
    values: impl Iterator<Item = &'a str>,
) -> Result<Contact, Reason> {
    let mut draft = Draft::new(mapping);
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
            // An empty value clears nothing at Klaviyo.
            _ if trimmed(value).is_empty() => {}
            Field::Property(name) => draft.properties.add(name, &json_string(value)),
            Field::Json(name) => draft.properties.add_cell(name, value)?,
            _ => draft.set(column, trimmed(value))?,
        }
    }
    draft.contact()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::field::UnknownColumns;
    use crate::columns::resolver::of_header;
    use crate::columns::tests::mapping;
    use klaviyo_host::types::NewProfile;

    #[test]
    fn a_row_keeps_what_is_written() {
        let own = mapping(&["visits=json:visits"], UnknownColumns::Properties);
        let columns = of_header(&own, ["email", "name", "phone", "code", "visits"].into_iter()).unwrap();
        let row = |values: &[&str]| contact_of_row(&own, &columns, values.iter().copied());
        let contact = row(&[" a@b.example ", " Priya Sharma", "+91 98200 00001", " 01234", "3.10"]).unwrap();
        let profile = NewProfile {
            email: Some("a@b.example".to_owned()),
            phone_number: Some("+919820000001".to_owned()),
            first_name: Some("Priya".to_owned()),
            last_name: Some("Sharma".to_owned()),
            properties: Some(r#"{"code":" 01234","visits":3.10}"#.to_owned()),
            ..NewProfile::default()
        };
        assert_eq!(contact, Contact { profile, bytes: contact.bytes, ..Contact::default() });
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
        let columns = of_header(&own, ["email", "phone"].into_iter()).unwrap();
        let row = |own: &Mapping, phone| contact_of_row(own, &columns, ["a@b.example", phone].into_iter());
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
    fn of_several_values_the_first_counts() {
        let own = mapping(&[], UnknownColumns::Refuse);
        let columns = of_header(&own, ["E-mail 1 - Value", "Phone 1 - Value"].into_iter()).unwrap();
        let values = || ["a@b.example ::: c@d.example", " ::: +14155550100"].into_iter();
        let contact = contact_of_row(&own, &columns, values()).unwrap();
        assert_eq!(contact.profile.email.as_deref(), Some("a@b.example"));
        assert_eq!(contact.warning().unwrap().field, "email");
        assert!(contact_of_row(&Mapping { strict: true, ..own }, &columns, values()).is_err());
    }
}
