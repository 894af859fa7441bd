//! What Klaviyo's prose requires of reported events beyond the schemas.

use serde_json::{Map, Value, json};

pub(crate) const EMAIL: &str = "priya@example.com";
pub(crate) const PHONE: &str = "+919876543210";

/// Adds identifiers of the person, and replaces a time that is too long ago.
pub(crate) fn complete(body: &mut Value) {
    let Some(attributes) = body.pointer_mut("/data/attributes") else { return };
    complete_in(attributes);
    if let Some(Value::Array(people)) = attributes.pointer_mut("/events-bulk-create/data") {
        for person in people.iter_mut().filter_map(|person| person.get_mut("attributes")) {
            complete_in(person);
            if let Some(Value::Array(events)) = person.pointer_mut("/events/data") {
                events.iter_mut().filter_map(|event| event.get_mut("attributes")).for_each(complete_in);
            }
        }
    }
}

fn complete_in(attributes: &mut Value) {
    if let Some(Value::Object(person)) = attributes.pointer_mut("/profile/data/attributes") {
        identify(person);
    }
    if let Some(time) = attributes.get_mut("time").filter(|time| time.as_str().is_some_and(is_old)) {
        *time = json!("2024-07-20T20:17:40-05:00");
    }
}

/// Whether it is a time before 1990 of those that examples have.
fn is_old(time: &str) -> bool {
    time.starts_with("1969-")
}

/// Adds the identifiers that are missing.
pub(crate) fn identify(attributes: &mut Map<String, Value>) {
    attributes.entry("email").or_insert_with(|| json!(EMAIL));
    attributes.entry("phone_number").or_insert_with(|| json!(PHONE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_gets_a_person_and_a_time_that_klaviyo_takes() {
        let mut body = json!({ "data": { "attributes": {
            "time": "1969-07-20T20:17:40-05:00", "profile": { "data": { "attributes": { "email": null } } },
        } } });
        complete(&mut body);
        let own = &body["data"]["attributes"];
        assert!(own["time"].as_str().unwrap().starts_with("2024-"));
        let person = json!({ "email": null, "phone_number": "+919876543210" });
        assert_eq!(own["profile"]["data"]["attributes"], person);
    }

    #[test]
    fn each_of_many_events_is_completed() {
        let mut body = json!({ "data": { "attributes": { "events-bulk-create": { "data": [{ "attributes": {
            "profile": { "data": { "attributes": {} } },
            "events": { "data": [{ "attributes": { "time": "1969-07-20T20:17:40-05:00" } }] },
        } }] } } } });
        complete(&mut body);
        let row = &body["data"]["attributes"]["events-bulk-create"]["data"][0]["attributes"];
        assert_eq!(row["profile"]["data"]["attributes"]["email"], "priya@example.com");
        assert_eq!(row["events"]["data"][0]["attributes"]["time"], "2024-07-20T20:17:40-05:00");
    }
}
