//! The names of fields in sentences of the connector, changed to those of the service's callers.

/// Names in the contract, and the same fields in an opt-in.
const NAMES: [(&str, &str); 5] = [
    ("phone-number", "phone_number"),
    ("external-id", "external_id"),
    ("first-name", "first_name"),
    ("last-name", "last_name"),
    ("custom-source", "consent_source"),
];

/// A sentence of the connector with the names of fields that callers use.
pub(crate) fn in_callers_names(sentence: &str) -> String {
    NAMES.iter().fold(sentence.to_owned(), |sentence, (name, callers)| sentence.replace(name, callers))
}
