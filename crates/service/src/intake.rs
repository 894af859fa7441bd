//! Cleans the values of an opt-in, as people write them into forms. An invalid value is left out, with a
//! warning, if another identifier is valid.

use crate::opt_in::{Channel, InvalidField, OptIn, in_callers_names};
use klaviyo_core::identifiers::phone_number;
use klaviyo_core::intake::{self, Intake, OnInvalid};
use klaviyo_core::text::shown;
use klaviyo_core::{Detail, Error, NewProfile};

impl OptIn {
    /// Checks and cleans an opt-in, before it is done or waits: its identifiers, its names, and whether there
    /// is an address for each channel of consent. Invalid values, and consent without an address, are left
    /// out with a warning each. Doing it again changes nothing.
    ///
    /// # Errors
    /// The first invalid field, if no valid identifier is left or the opt-in is [`strict`](Self::strict). The
    /// opt-in is unchanged then.
    pub fn take_in(&mut self) -> Result<(), InvalidField> {
        self.check()?;
        self.clean()
    }

    /// Cleans an opt-in that has passed the check.
    pub(crate) fn clean(&mut self) -> Result<(), InvalidField> {
        let written = NewProfile {
            email: self.email.clone(),
            phone_number: self.phone_number.clone(),
            external_id: self.external_id.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            // The check has parsed them; they can be long.
            properties: None,
            ..NewProfile::default()
        };
        let on_invalid = if self.strict { OnInvalid::Refuse } else { OnInvalid::LeaveOut };
        let (contact, warnings) = cleaned(&written, on_invalid)?;
        let (consent, consent_left_out) = reachable(&self.consent, &contact);
        if let Some((channel, needs)) = consent_left_out.first().filter(|_| self.strict) {
            let reason =
                format!("consent to {channel} needs {needs}, and what is given says that there is none");
            return Err(InvalidField::new("consent", reason));
        }
        warnings.into_iter().for_each(|warning| self.warn(warning));
        for (channel, needs) in consent_left_out {
            let none = "and there is none that can be one";
            self.warn(format!("consent: consent to {channel} was left out: it needs {needs}, {none}"));
        }
        self.consent = consent;
        if self.consent.is_empty() {
            self.consent_source = None;
        }
        let NewProfile { email, phone_number, external_id, first_name, last_name, .. } = contact;
        (self.email, self.phone_number, self.external_id) = (email, phone_number, external_id);
        (self.first_name, self.last_name) = (first_name, last_name);
        Ok(())
    }
}

/// A person as the contract accepts it, and a sentence for each identifier that was left out.
pub(crate) fn cleaned(
    written: &NewProfile,
    on_invalid: OnInvalid,
) -> Result<(NewProfile, Vec<String>), InvalidField> {
    let Intake { contact, warnings } = intake::contact(written, phone_number, on_invalid)
        .map_err(|error| InvalidField::from(error.as_ref()))?;
    let sentence = |field: &str, detail: &str| in_callers_names(&format!("{field}: {detail}"));
    let of_warning = |warning: &Detail| {
        let field = warning.pointer.as_deref().unwrap_or_default();
        sentence(field, &warning.detail)
    };
    let mut left_out: Vec<String> = warnings.iter().map(of_warning).collect();
    let values = [
        ("email", &written.email, &contact.email),
        ("phone-number", &written.phone_number, &contact.phone_number),
        ("external-id", &written.external_id, &contact.external_id),
    ];
    for (field, written, cleaned) in values {
        let is_given = written.as_deref().and_then(shown).is_some();
        let is_told = warnings.iter().any(|warning| warning.pointer.as_deref() == Some(field));
        if is_given && cleaned.is_none() && !is_told {
            left_out.push(sentence(field, "it was left out: it says that there is none"));
        }
    }
    Ok((contact, left_out))
}

/// The channels for which a contact has an address, each once; and the names of the others, with the address
/// that they need.
fn reachable(channels: &[Channel], contact: &NewProfile) -> (Vec<Channel>, Vec<(Channel, &'static str)>) {
    let (mut reachable, mut others) = (Vec::new(), Vec::new());
    let mut channels = channels.to_vec();
    channels.sort_unstable();
    channels.dedup();
    for channel in channels {
        let (needs, is_there) = match channel {
            Channel::Email => ("an email", contact.email.is_some()),
            Channel::Sms | Channel::Whatsapp => ("a phone_number", contact.phone_number.is_some()),
        };
        if is_there {
            reachable.push(channel);
        } else {
            others.push((channel, needs));
        }
    }
    (reachable, others)
}

impl From<&Error> for InvalidField {
    fn from(error: &Error) -> Self {
        const FIELDS: [&str; 4] = ["email", "phone_number", "external_id", "properties"];
        let detail = error.details.first();
        let pointer =
            in_callers_names(detail.and_then(|detail| detail.pointer.as_deref()).unwrap_or_default());
        let field = FIELDS.into_iter().find(|field| *field == pointer).unwrap_or("email");
        Self::new(field, in_callers_names(detail.map_or(&error.message, |detail| &detail.detail)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn opt_in(fields: Value) -> OptIn {
        let mut value = json!({ "account": "shop-1", "list": "Y6nRLr" });
        for (name, field) in fields.as_object().unwrap() {
            value[name] = field.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn taken_in(fields: Value) -> OptIn {
        let mut opt_in = opt_in(fields);
        opt_in.take_in().unwrap();
        opt_in
    }

    /// The fields of its warnings.
    fn warned(opt_in: &OptIn) -> Vec<&str> {
        opt_in.warnings.iter().map(|warning| warning.split(':').next().unwrap()).collect()
    }

    #[test]
    fn a_value_that_cannot_be_beside_one_that_can_is_left_out_and_told() {
        for (fields, email, number, left_out) in [
            (json!({ "email": " a@example.com ", "phone_number": "N/A" }), true, false, vec!["phone_number"]),
            (json!({ "email": "a@example.com", "phone_number": "12345" }), true, false, vec!["phone_number"]),
            (json!({ "email": "none", "phone_number": "+91 98200 00001" }), false, true, vec!["email"]),
            (json!({ "email": "a@b@c", "phone_number": "tel:+919820000001" }), false, true, vec!["email"]),
            (
                json!({ "email": "a@@b", "phone_number": "0", "external_id": "7" }),
                false,
                false,
                vec!["email", "phone_number"],
            ),
            (json!({ "email": "Zed <a@example.com>", "phone_number": " " }), true, false, vec![]),
            (json!({ "email": "a@example.com", "phone_number": "\u{200b}" }), true, false, vec![]),
        ] {
            let opt_in = taken_in(fields.clone());
            assert_eq!(opt_in.email.as_deref(), email.then_some("a@example.com"), "{fields}");
            assert_eq!(opt_in.phone_number.as_deref(), number.then_some("+919820000001"), "{fields}");
            assert_eq!(warned(&opt_in), left_out, "{fields}");
        }
    }

    fn cases(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-test/cases");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    }

    /// Cleans a value alone, beside another one, and beside another one in a strict opt-in. `right` is the
    /// cleaned value, none if there is no value, or begins with `refused` if the value is invalid.
    fn comes_out(field: &str, written: &str, right: Option<&str>, beside: &str, other: &str) {
        let get = |opt_in: &OptIn| match field {
            "email" => opt_in.email.clone(),
            _ => opt_in.phone_number.clone(),
        };
        let is_refused = right.is_some_and(|right| right.starts_with("refused"));
        let right = right.filter(|_| !is_refused);
        match (opt_in(json!({ field: written })).take_in(), right) {
            (Ok(()), Some(_)) => {}
            (Err(invalid), None) => assert!(!is_refused || invalid.field == field, "{written}: {invalid}"),
            (result, _) => panic!("{written}: {result:?}"),
        }
        let mut taken = taken_in(json!({ field: written, beside: other }));
        assert_eq!(get(&taken).as_deref(), right, "{written}");
        assert_eq!(warned(&taken), if right.is_some() { vec![] } else { vec![field] }, "{written}");
        let once = taken.to_json();
        taken.take_in().unwrap();
        assert_eq!(taken.to_json(), once, "{written}");
        let strictly = opt_in(json!({ field: written, beside: other, "strict": true })).take_in();
        assert_eq!(strictly.err().map(|invalid| invalid.field), is_refused.then_some(field), "{written}");
    }

    #[test]
    fn phone_numbers_come_out_as_in_the_cases() {
        let text = cases("phones.csv");
        let mut rows = 0;
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            let row = row.unwrap();
            let [written, region, right] = [0, 1, 2].map(|n| row[n].to_owned());
            // A number without a country code is valid only if the region is known.
            if region.is_empty() {
                rows += 1;
                let right = Some(right.as_str()).filter(|right| *right != "none");
                comes_out("phone_number", &written, right, "email", "a@example.com");
            }
        }
        assert!(rows > 10, "{rows}");
    }

    #[test]
    fn emails_come_out_as_in_the_cases() {
        let text = cases("emails.jsonl");
        for line in text.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let [written, right] = ["written", "right"].map(|name| case[name].as_str().unwrap());
            // The door removes text around an address.
            let right = right.strip_suffix(", or refused by name").unwrap_or(right);
            comes_out("email", written, Some(right), "phone_number", "+919820000001");
        }
        for (written, right) in [
            ("N/A", None),
            ("unknown", None),
            ("\u{2003}xia@example.com\u{feff}", Some("xia@example.com")),
            ("Yan Zed <mailto:yan@example.com>,", Some("yan@example.com")),
            ("zoe@gmail", Some("refused")),
        ] {
            comes_out("email", written, right, "external_id", "7");
        }
    }

    #[test]
    fn what_leaves_nobody_known_is_refused_by_its_own_field() {
        for (fields, field) in [
            (json!({ "email": "no" }), "email"),
            (json!({ "email": "N/A" }), "email"),
            (json!({ "phone_number": "12345" }), "phone_number"),
            (json!({ "email": "none", "phone_number": "9.19820000001E+11" }), "phone_number"),
            (json!({ "external_id": "7".repeat(256) }), "external_id"),
            (json!({ "email": "a@example.com", "external_id": "7".repeat(256) }), "external_id"),
            (json!({ "email": "a@example.com", "phone_number": "12345", "strict": true }), "phone_number"),
            (json!({ "email": "a@b@c", "phone_number": "+919820000001", "strict": true }), "email"),
        ] {
            let invalid = opt_in(fields.clone()).take_in().unwrap_err();
            assert_eq!(invalid.field, field, "{fields}");
            assert!(!invalid.reason.contains("phone-number") && !invalid.reason.contains("external-id"));
        }
    }

    #[test]
    fn what_is_refused_is_as_it_was() {
        let given =
            json!({ "email": "a@b@c", "phone_number": "1", "first_name": " Zed ", "consent": ["sms"] });
        let mut opt_in = opt_in(given);
        let before = opt_in.to_json();
        opt_in.take_in().unwrap_err();
        assert_eq!(opt_in.to_json(), before);
    }

    #[test]
    fn consent_is_not_lost_without_a_word() {
        let both = json!(["whatsapp", "email", "sms", "sms"]);
        for number in ["12345", "N/A", ""] {
            let given = json!({ "email": "a@example.com", "phone_number": number, "consent": both, "consent_source": "a form" });
            let mut kept = taken_in(given.clone());
            assert_eq!(kept.consent, [Channel::Email], "{number}");
            assert_eq!(kept.consent_source.as_deref(), Some("a form"));
            assert_eq!(warned(&kept).iter().filter(|field| **field == "consent").count(), 2, "{number}");
            let once = kept.warnings.clone();
            kept.take_in().unwrap();
            assert_eq!(kept.warnings, once);

            let mut strict = given.clone();
            strict["strict"] = json!(true);
            assert!(opt_in(strict).take_in().is_err(), "{number}");
        }
        let none = taken_in(
            json!({ "email": "-", "external_id": "7", "consent": ["email"], "consent_source": "a form" }),
        );
        assert_eq!((none.consent.len(), none.consent_source.as_deref()), (0, None));
        assert_eq!(warned(&none), ["email", "consent"]);
        // The queue reads the opt-in in this form.
        none.check().unwrap();
    }

    #[test]
    fn warnings_are_bounded_and_strictness_does_not_wait() {
        let mut opt_in = taken_in(json!({ "email": "a@example.com", "strict": true }));
        for _ in 0..2 * OptIn::MOST_WARNINGS {
            opt_in.warn("é".repeat(OptIn::LONGEST_WARNING));
        }
        opt_in.check().unwrap();
        let waiting: Value = serde_json::from_slice(&opt_in.to_json()).unwrap();
        assert_eq!(waiting["warnings"].as_array().unwrap().len(), OptIn::MOST_WARNINGS);
        assert_eq!(waiting.get("strict"), None);
        opt_in.warnings[0].push_str("longer");
        assert_eq!(opt_in.check().unwrap_err().field, "warnings");
    }
}
