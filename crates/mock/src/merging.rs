//! Profiles that cease to be: deleted, or merged into another.

use crate::account::{Account, folded};
use crate::check::given;
use crate::profile::{IDENTIFIERS, Profile};
use serde_json::{Map, Value};

impl Account {
    /// Deletes a profile. Its identifiers are free, it is on no list and in no segment, and its id is never
    /// given again.
    pub(crate) fn remove(&mut self, position: usize) -> Option<Profile> {
        let profile = self.profiles.remove(position)?;
        self.positions.remove(&("id", profile.id.clone()));
        for name in IDENTIFIERS {
            if let Some(value) = given(&profile.attributes, name) {
                self.positions.remove(&(name, folded(name, value)));
            }
        }
        self.versions.forget(position);
        for list in self.lists.values_mut() {
            list.members.leave(&profile.id);
        }
        for segment in self.segments.values_mut() {
            segment.members.leave(&profile.id);
        }
        Some(profile)
    }

    /// Merges a profile into another, and deletes it. What both have, the destination keeps; what only the
    /// source has, moves: attributes, events, consent, suppressions, lists and segments. Nothing happens if
    /// one of the two is gone.
    pub(crate) fn merge(&mut self, into: &str, from: &str) {
        let (Some(target), Some(source)) = (self.position_of("id", into), self.position_of("id", from))
        else {
            return;
        };
        let lists = self.lists.values().filter(|list| list.members.has(from));
        let lists: Vec<String> = lists.map(|list| list.id.clone()).collect();
        let segments = self.segments.values().filter(|segment| segment.members.has(from));
        let segments: Vec<String> = segments.map(|segment| segment.id.clone()).collect();
        let Some(source) = self.remove(source) else { return };
        self.events.assign(from, into);
        let Some(own) = self.profile_at(target) else { return };
        let missing = missing(&own.attributes, &source.attributes);
        self.write(target, missing);
        lists.iter().for_each(|list| self.join(list, into));
        segments.iter().for_each(|segment| self.join_segment(segment, into));
        let Some(own) = self.profile_at_mut(target) else { return };
        own.last_event_date = own.last_event_date.take().max(source.last_event_date);
        for (key, consent) in source.consents {
            own.consents.entry(key).or_insert(consent);
        }
        let known = own.suppressions();
        own.suppressions
            .extend(source.suppressions.into_iter().filter(|(reason, _)| !known.contains(reason)));
        let known: Vec<String> = own.list_suppressions.iter().map(|(list, _)| list.clone()).collect();
        let more = source.list_suppressions.into_iter();
        own.list_suppressions.extend(more.filter(|(list, _)| !known.contains(list)));
        let known = own.unconfirmed.clone();
        own.unconfirmed.extend(source.unconfirmed.into_iter().filter(|list| !known.contains(list)));
    }
}

/// The attributes of `other` that `own` does not have. Of an object, such as a location, the members.
fn missing(own: &Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    let absent = |name: &str| own.get(name).is_none_or(Value::is_null);
    let missing = other.iter().filter_map(|(name, value)| match (own.get(name), value) {
        (Some(Value::Object(own)), Value::Object(other)) => {
            Some((name.clone(), Value::Object(missing(own, other))))
        }
        _ => absent(name).then(|| (name.clone(), value.clone())),
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_taken_member_by_member() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let own =
            map(json!({ "email": "a@b.c", "title": null, "location": { "city": "Pune", "zip": null } }));
        let other = map(json!({
            "email": "d@e.f", "title": "Dr", "image": "i",
            "location": { "city": "Delhi", "zip": "1", "ip": "::1" }, "properties": { "a": 1 },
        }));
        let expected = json!({
            "title": "Dr", "image": "i", "location": { "zip": "1", "ip": "::1" }, "properties": { "a": 1 },
        });
        assert_eq!(Value::Object(missing(&own, &other)), expected);
    }
}
