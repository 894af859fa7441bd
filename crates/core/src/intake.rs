//! Cleans contacts as people write them into forms and files, for the command and the service.
//!
//! A program that calls the component gets an error for each invalid value. Here an invalid value beside a
//! valid identifier is left out, and the person is kept. Texts for "there is none" count as missing.

use crate::identifiers::{bulk_email, email, external_id};
use crate::text::{is_blank, shown, trimmed};
use crate::{Detail, Error, Location, NewProfile, check};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::iter::successors;

/// What to do with an invalid email or phone number if the person has another identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// Leave it out, with a warning.
    #[default]
    LeaveOut,
    /// Refuse the contact.
    Refuse,
}

/// A cleaned contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The contact, as the contract accepts it.
    pub contact: NewProfile,
    /// The values that were left out, by the contract's names, and the reasons.
    pub warnings: Vec<Detail>,
}

/// Cleans a contact. `number` writes a phone number to E.164:
/// [`phone_number`](crate::identifiers::phone_number) for numbers that have a country code.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if no identifier is left, if the external id or the properties
/// are invalid, or if an invalid value is to be refused.
pub fn contact(
    written: &NewProfile,
    number: impl FnOnce(&str) -> Result<String, Box<Error>>,
    on_invalid: OnInvalid,
) -> Result<Intake, Box<Error>> {
    let given = |text: &Option<String>| text.as_deref().and_then(shown).map(ToOwned::to_owned);
    let value = |text: &Option<String>| given(text).filter(|text| !says_none(text));
    // Klaviyo takes no address whose domain has no dot, and would refuse the whole person because of it.
    let email = |text: &str| email(address(text)).and_then(|email| bulk_email(&email).map(|()| email));
    // A program that has no id for a person may write `null`; as an id, it would make all of them one person.
    // 0 may be an id.
    let id = given(&written.external_id).filter(|text| text.contains('0') || !says_none(text));
    let mut left_out = Vec::new();
    let mut fit = |result: Result<String, Box<Error>>| match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if on_invalid == OnInvalid::Refuse => Err(error),
        Err(error) => {
            left_out.push(error);
            Ok(None)
        }
    };
    let contact = NewProfile {
        email: value(&written.email).map_or(Ok(None), |text| fit(email(&text)))?,
        phone_number: value(&written.phone_number).map_or(Ok(None), |text| fit(number(&text)))?,
        external_id: id.map(|text| external_id(&text)).transpose()?,
        first_name: given(&written.first_name),
        last_name: given(&written.last_name),
        organization: given(&written.organization),
        title: given(&written.title),
        locale: given(&written.locale),
        image: given(&written.image),
        location: written.location.as_ref().map_or(Ok(None), |place| location(place, &mut fit))?,
        properties: written.properties.clone(),
    };
    if let Err(none) = check::identified(&contact) {
        // Without another identifier, the error says what is wrong with the given one.
        return Err(left_out.into_iter().next().unwrap_or(none));
    }
    contact.properties.as_deref().map(check::properties).transpose()?;
    let mut warnings: Vec<_> = left_out.into_iter().flat_map(|error| error.details).collect();
    warnings.iter_mut().for_each(|warning| warning.detail.insert_str(0, "it was left out: "));
    Ok(Intake { contact, warnings })
}

/// What becomes of a value that may be invalid: none if it is left out.
type Fit<'a> = &'a mut dyn FnMut(Result<String, Box<Error>>) -> Result<Option<String>, Box<Error>>;

/// An address without its empty fields; none if no other is left.
fn location(written: &Location, fit: Fit<'_>) -> Result<Option<Location>, Box<Error>> {
    let mut degrees = |field, text: &Option<String>, most| match text.as_deref().and_then(shown) {
        Some(text) => fit(check::degrees(field, text, most).map(|()| text.to_owned())),
        None => Ok(None),
    };
    let given = |text: &Option<String>| text.as_deref().and_then(shown).map(ToOwned::to_owned);
    let Location { address1, address2, city, region, country, zip, latitude, longitude, timezone, ip } =
        written;
    let location = Location {
        address1: given(address1),
        address2: given(address2),
        city: given(city),
        region: given(region),
        country: given(country),
        zip: given(zip),
        latitude: degrees("location/latitude", latitude, 90)?,
        longitude: degrees("location/longitude", longitude, 180)?,
        timezone: given(timezone),
        ip: given(ip),
    };
    Ok(Some(location).filter(|location| *location != Location::default()))
}

/// Whether the text of an identifier says that there is none: `N/A`, `-`, `none`, `0` and the like.
#[must_use]
pub fn says_none(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "na",
        "none",
        "null",
        "nil",
        "nan",
        "undefined",
        "unknown",
        "empty",
        "blank",
        "no",
        "missing",
        "nophone",
        "noemail",
        "nonumber",
        "notavailable",
        "notprovided",
        "notapplicable",
        "tbd",
    ];
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    !text.contains('@') && (letters.chars().all(|c| c == '0') || WORDS.contains(&letters.as_str()))
}

/// The address in `Name <a@b>`, in `mailto:a@b`, between quotes, and before a `;`, `,` or `.` at the end. Any
/// other text is returned unchanged, also one with two addresses.
#[must_use]
pub fn address(text: &str) -> &str {
    let mut address = trimmed(text);
    loop {
        let whole = address;
        address = trimmed(address.trim_end_matches([';', ',', '.']));
        if let Some((name, inner)) = address.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            let (name, inner) = (name.trim_matches(|c| is_blank(c) || "\"'".contains(c)), trimmed(inner));
            // Some programs write the address as the name too.
            if name == inner || !name.contains(['@', '<']) {
                address = inner;
            }
        }
        address = unquoted(address);
        // All at once, so that the time is linear in the length of the text.
        if let Some(linked) = successors(linked(address), |text| linked(text)).last() {
            address = trimmed(linked.split_once('?').map_or(linked, |(address, _)| address));
        }
        if address == whole {
            return address;
        }
    }
}

/// Splits a name: its first word is the first name, the rest the last name.
#[must_use]
pub fn names(name: &str) -> (Option<String>, Option<String>) {
    let mut words = name.split_whitespace();
    let first = words.next().map(str::to_owned);
    let rest = words.collect::<Vec<_>>().join(" ");
    (first, Some(rest).filter(|rest| !rest.is_empty()))
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('`', '`')];
    let inner = |(left, right): &(char, char)| text.strip_prefix(*left)?.strip_suffix(*right);
    QUOTES.iter().find_map(inner).map_or(text, trimmed)
}

/// The text after `mailto:`.
fn linked(text: &str) -> Option<&str> {
    const LINK: &str = "mailto:";
    let (link, rest) = text.split_at_checked(LINK.len())?;
    link.eq_ignore_ascii_case(LINK).then_some(trimmed(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::phone_number;
    use std::time::{Duration, Instant};

    fn written(email: &str, phone_number: &str, external_id: &str) -> NewProfile {
        let given = |text: &str| Some(text.to_owned());
        NewProfile {
            email: given(email),
            phone_number: given(phone_number),
            external_id: given(external_id),
            first_name: given("\u{200b} Zed "),
            last_name: given(" "),
            ..NewProfile::default()
        }
    }

    fn taken(written: &NewProfile, on_invalid: OnInvalid) -> Result<(NewProfile, Vec<String>), String> {
        let pointers =
            |details: Vec<Detail>| details.into_iter().filter_map(|detail| detail.pointer).collect();
        match contact(written, phone_number, on_invalid) {
            Ok(Intake { contact, warnings }) => Ok((contact, pointers(warnings))),
            Err(error) => Err(pointers(error.details).remove(0)),
        }
    }

    #[test]
    fn what_is_taken_in_is_clean() {
        let written = written("Zed <z@example.com>;", "'+91 98200 00001", " 7\u{feff}");
        let (contact, warnings) = taken(&written, OnInvalid::Refuse).unwrap();
        assert_eq!(contact.email.as_deref(), Some("z@example.com"));
        assert_eq!(contact.phone_number.as_deref(), Some("+919820000001"));
        assert_eq!(contact.external_id.as_deref(), Some("7"));
        assert_eq!((contact.first_name.as_deref(), contact.last_name.as_deref()), (Some("Zed"), None));
        assert!(warnings.is_empty());
        assert_eq!(taken(&contact, OnInvalid::Refuse), Ok((contact, warnings)));
    }

    #[test]
    fn degrees_that_cannot_be_cost_themselves() {
        let place = |latitude: &str, longitude: &str, city: &str| {
            let given = |text: &str| Some(text.to_owned());
            let location = Location {
                latitude: given(latitude),
                longitude: given(longitude),
                city: given(city),
                ..Location::default()
            };
            NewProfile { location: Some(location), ..written("z@example.com", "", "") }
        };
        let (contact, warnings) =
            taken(&place(" 19.0760", "181", "\u{feff}Mumbai "), OnInvalid::LeaveOut).unwrap();
        assert_eq!(warnings, ["location/longitude"]);
        let location = contact.location.unwrap();
        assert_eq!(location.latitude.as_deref(), Some("19.0760"));
        assert_eq!((location.longitude, location.city.as_deref()), (None, Some("Mumbai")));
        assert_eq!(taken(&place("x", "", ""), OnInvalid::Refuse), Err("location/latitude".to_owned()));
        let (contact, _) = taken(&place(" ", "", ""), OnInvalid::Refuse).unwrap();
        assert_eq!(contact.location, None);
    }

    #[test]
    fn a_value_that_cannot_be_costs_the_value() {
        for (email, phone, id, on_invalid, left) in [
            ("z@example.com", "12345", "", "phone-number", [true, false, false]),
            ("z@@example.com", "+919820000001", "", "email", [false, true, false]),
            ("z@gmail", "+919820000001", "", "email", [false, true, false]),
            ("z@gmail,com", "+919820000001", "", "email", [false, true, false]),
            ("(z@example.com)", "+919820000001", "", "email", [false, true, false]),
            ("z", "9820000001", "7", "email phone-number", [false, false, true]),
        ] {
            let written = written(email, phone, id);
            let (contact, warnings) = taken(&written, OnInvalid::LeaveOut).unwrap();
            assert_eq!(warnings.join(" "), on_invalid);
            let given =
                [contact.email, contact.phone_number, contact.external_id].map(|value| value.is_some());
            assert_eq!(given, left);
            let first = on_invalid.split(' ').next().unwrap();
            assert_eq!(taken(&written, OnInvalid::Refuse), Err(first.to_owned()));
        }
    }

    #[test]
    fn a_person_who_is_known_by_nothing_else_is_refused() {
        let long = "x".repeat(256);
        for (email, phone, id, field) in [
            ("", "", "", "email"),
            ("N/A", "-", "", "email"),
            ("", "12345", "", "phone-number"),
            ("n/a", "12345", " ", "phone-number"),
            ("", "-", "undefined", "email"),
            ("z@", "12345", "", "email"),
            ("z@gmail", "", "", "email"),
            ("z@example.com", "", long.as_str(), "external-id"),
        ] {
            assert_eq!(
                taken(&written(email, phone, id), OnInvalid::LeaveOut),
                Err(field.to_owned()),
                "{email} {phone}"
            );
        }
        for phone in ["", "12345"] {
            let odd = NewProfile { properties: Some("[]".to_owned()), ..written("z@example.com", phone, "") };
            assert_eq!(taken(&odd, OnInvalid::LeaveOut), Err("properties".to_owned()));
        }
    }

    #[test]
    fn an_id_that_says_none_is_nobodys() {
        for none in ["null", "undefined", "N/A", "-", "NaN"] {
            let (contact, warnings) = taken(&written("z@example.com", "", none), OnInvalid::Refuse).unwrap();
            assert_eq!((contact.external_id, warnings.len()), (None, 0), "{none}");
        }
        for id in ["0", "000", "7", "nobody"] {
            let (contact, _) = taken(&written("z@example.com", "", id), OnInvalid::Refuse).unwrap();
            assert_eq!(contact.external_id.as_deref(), Some(id));
        }
    }

    #[test]
    fn some_words_say_that_there_is_none() {
        for none in [
            "N/A",
            "n/a",
            "#N/A",
            "n.a.",
            "NA",
            "-",
            "--",
            "—",
            "...",
            "none",
            "None",
            "NULL",
            "nil",
            "NaN",
            "unknown",
            "0",
            "000-000-0000",
            "0.0",
            "(none)",
            "not available",
            "No phone",
            "?",
        ] {
            assert!(says_none(none), "{none}");
        }
        for some in [
            "12345",
            "na@example.com",
            "none@example.com",
            "+0 1",
            "Nan Zed",
            "z",
            "0@example.com",
            "0@0.00",
            "@",
        ] {
            assert!(!says_none(some), "{some}");
        }
    }

    #[test]
    fn a_long_text_takes_no_longer_than_it_is() {
        // In quadratic time it would take a minute.
        const ENOUGH: Duration = Duration::from_secs(10);
        for unit in ["mailto:", "mailto: "] {
            let text = unit.repeat(500_000);
            let start = Instant::now();
            assert_eq!(address(&text), "");
            assert!(start.elapsed() < ENOUGH, "{unit:?}: {:?}", start.elapsed());
        }
    }

    #[test]
    fn an_address_is_taken_out_of_what_stands_around_it() {
        for written in [
            "a@b.c",
            " a@b.c\u{a0}",
            "<a@b.c>",
            "Zed <a@b.c>",
            "\"Z, Zed\" < a@b.c >",
            "mailto:a@b.c",
            "Mailto: a@b.c",
            "Zed <mailto:a@b.c>",
            "a@b.c;",
            "a@b.c , ",
            "Zed <a@b.c>;",
            "a@b.c <a@b.c>",
            "mailto:a@b.c?subject=Hi",
            "mailto: MAILTO:a@b.c?subject=Hi",
            "'a@b.c'",
            "\"a@b.c\",",
            "“ a@b.c ”",
            "<'a@b.c'>",
            "'mailto:a@b.c'",
            "a@b.c.",
            "Zed <a@b.c>.",
        ] {
            assert_eq!(address(written), "a@b.c", "{written}");
        }
        for same in [
            "a@b.c, d@e.f",
            "Zed <a@b.c>, Pat <d@e.f>",
            "a@b.c <d@e.f>",
            "<a@b.c> <d@e.f>",
            "a@b.c>",
            "<a@b.c",
            "\"a b\"@c.d",
            "'a@b.c",
            "mailto",
            "",
            "é",
        ] {
            assert_eq!(address(same), same);
        }
    }

    #[test]
    fn the_first_word_is_the_first_name() {
        let some = |text: &str| Some(text.to_owned());
        for (name, first, last) in [
            ("Priya Sharma", "Priya", some("Sharma")),
            ("Priya", "Priya", None),
            ("  Priya \t Sharma  Rao ", "Priya", some("Sharma Rao")),
            ("Priya\u{a0}Sharma", "Priya", some("Sharma")),
            ("山田\u{3000}太郎", "山田", some("太郎")),
            ("Ana María de la Cruz", "Ana", some("María de la Cruz")),
        ] {
            assert_eq!(names(name), (some(first), last), "{name:?}");
        }
        assert_eq!(names(" \u{2003} "), (None, None));
    }
}
