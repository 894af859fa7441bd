//! The schemas of bodies: the members, their types and the revisions that have them. Klaviyo answers 400 to
//! any other body. `cargo xtask openapi` compares them with Klaviyo's OpenAPI.
//!
//! The operations check the rest, such as that there is an identifier or a channel.

use crate::answer::Refusal;
use crate::check::Result;
use crate::clock;
use crate::revision::Revision;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The schema of a value.
pub(crate) enum Shape {
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    Date,
    DateTime,
    TextOrNumber,
    TextOrTexts,
    Number,
    Flag,
    /// An object with any members.
    Free,
    Object(&'static [Member]),
    List(&'static Shape),
}

/// A member of an object.
pub(crate) struct Member {
    name: &'static str,
    shape: Shape,
    required: bool,
    nullable: bool,
    since: Revision,
    /// The first revision without it.
    before: Option<Revision>,
}

impl Member {
    const fn new(name: &'static str, shape: Shape, required: bool, nullable: bool) -> Self {
        Self { name, shape, required, nullable, since: Revision::JANUARY_2025, before: None }
    }

    pub(crate) const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }

    const fn before(mut self, revision: Revision) -> Self {
        self.before = Some(revision);
        self
    }

    fn is_in(&self, revision: Revision) -> bool {
        self.since <= revision && self.before.is_none_or(|before| revision < before)
    }
}

/// A required member.
pub(crate) const fn must(name: &'static str, shape: Shape) -> Member {
    Member::new(name, shape, true, false)
}

/// An optional member.
pub(crate) const fn can(name: &'static str, shape: Shape) -> Member {
    Member::new(name, shape, false, false)
}

/// An optional member that may be null.
pub(crate) const fn may(name: &'static str, shape: Shape) -> Member {
    Member::new(name, shape, false, true)
}

use Shape::{Date, DateTime, Flag, Free, List, Object, Text, TextOrNumber, TextOrTexts, Word};

pub(crate) const PROFILE: Shape = Word(&["profile"]);

const LOCATION: Shape = Object(&[
    may("address1", Text),
    may("address2", Text),
    may("city", Text),
    may("country", Text),
    may("latitude", TextOrNumber),
    may("longitude", TextOrNumber),
    may("region", Text),
    may("zip", Text),
    may("timezone", Text),
    may("ip", Text),
]);

/// The attributes of all writes, and further ones.
macro_rules! attributes {
    ($($more:expr),*) => {
        Object(&[
            may("email", Text),
            may("phone_number", Text),
            may("external_id", Text),
            may("first_name", Text),
            may("last_name", Text),
            may("organization", Text),
            may("locale", Text),
            may("title", Text),
            may("image", Text),
            may("location", LOCATION),
            may("properties", Free),
            $($more),*
        ])
    };
}

const ANONYMOUS_ID: Member = may("anonymous_id", Text).before(Revision::OCTOBER_2025);

const PATCH_PROPERTIES: Shape =
    Object(&[may("append", Free), may("unappend", Free), may("unset", TextOrTexts)]);

const META: Shape = Object(&[
    may("patch_properties", PATCH_PROPERTIES),
    may("patch_identifiers", Object(&[can("append", Free), can("unappend", Free)]))
        .since(Revision::APRIL_2026),
]);

mod events;

pub(crate) use events::{EVENT, EVENTS};

/// A new profile.
pub(crate) static CREATED: Shape =
    Object(&[must("data", Object(&[must("type", PROFILE), must("attributes", attributes!())]))]);

/// Changes to a profile.
pub(crate) static UPDATED: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", PROFILE),
        must("id", Text),
        must("attributes", attributes!(ANONYMOUS_ID)),
        may("meta", META),
    ]),
)]);

const UPSERT: Shape = Object(&[
    must("type", PROFILE),
    may("id", Text),
    must("attributes", attributes!(ANONYMOUS_ID, may("_kx", Text))),
    may("meta", META),
]);

/// A profile to create or update.
pub(crate) static UPSERTED: Shape = Object(&[must("data", UPSERT)]);

/// Profiles to add to a list or remove from it.
pub(crate) static MEMBERS: Shape =
    Object(&[must("data", List(&Object(&[must("type", PROFILE), must("id", Text)])))]);

pub(crate) const LISTED: Shape = Object(&[must("type", Word(&["list"])), must("id", Text)]);

/// A bulk import.
pub(crate) static IMPORT: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-bulk-import-job"])),
        must("attributes", Object(&[must("profiles", Object(&[must("data", List(&UPSERT))]))])),
        can("relationships", Object(&[can("lists", Object(&[can("data", List(&LISTED))]))])),
    ]),
)]);

const ONE_LIST: Shape = Object(&[can("list", Object(&[can("data", LISTED)]))]);

const SUBSCRIBED: Shape = Object(&[must("consent", Word(&["SUBSCRIBED"])), may("consented_at", DateTime)]);
const UNSUBSCRIBED: Shape = Object(&[must("consent", Word(&["UNSUBSCRIBED"]))]);

/// A device, as an app registers it.
const TOKENS: Shape = List(&Object(&[
    must("token", Text),
    must("platform", Word(&["android", "ios"])),
    must("vendor", Word(&["apns", "fcm"])),
    may(
        "enablement_status",
        Word(&["AUTHORIZED", "DENIED", "NOT_DETERMINED", "PROVISIONAL", "UNAUTHORIZED"]),
    ),
    may("background", Word(&["AVAILABLE", "DENIED", "RESTRICTED"])),
    may(
        "device_metadata",
        Object(&[
            may("device_id", Text),
            may("klaviyo_sdk", Word(&["android", "flutter", "flutter_community", "react_native", "swift"])),
            may("sdk_version", Text),
            may("device_model", Text),
            may("os_name", Word(&["android", "ios", "ipados", "macos", "tvos"])),
            may("os_version", Text),
            may("manufacturer", Text),
            may("app_name", Text),
            may("app_version", Text),
            may("app_build", Text),
            may("app_id", Text),
            may("environment", Word(&["debug", "release"])),
        ]),
    ),
]));

/// The channels and their members.
macro_rules! channels {
    ($consent:ident, open_tracking: $open:expr, whatsapp: [$($whatsapp:expr),*], push: [$($push:expr),*]) => {
        Object(&[
            may("email", Object(&[
                must("marketing", $consent).before(Revision::APRIL_2026),
                may("marketing", $consent).since(Revision::APRIL_2026),
                may("open_tracking", $open).since(Revision::APRIL_2026),
            ])),
            may("sms", Object(&[may("marketing", $consent), may("transactional", $consent)])),
            may(
                "whatsapp",
                Object(&[may("marketing", $consent), may("transactional", $consent), $($whatsapp),*]),
            ).since(Revision::JULY_2025),
            may("push", Object(&[must("marketing", $consent), $($push),*])).since(Revision::JANUARY_2026),
        ])
    };
}

const SUBSCRIPTIONS: Shape = channels!(
    SUBSCRIBED,
    open_tracking: Object(&[must("consent", Word(&["SUBSCRIBED"]))]),
    whatsapp: [],
    push: [may("tokens", TOKENS), may("anonymous_id", Text)]
);

const UNSUBSCRIPTIONS: Shape = channels!(
    UNSUBSCRIBED,
    open_tracking: UNSUBSCRIBED,
    whatsapp: [may("conversational", UNSUBSCRIBED)],
    push: [must("tokens", TOKENS)]
);

const SUBSCRIBER: Shape = Object(&[
    must("type", PROFILE),
    may("id", Text),
    must(
        "attributes",
        Object(&[
            may("email", Text),
            may("phone_number", Text),
            must("subscriptions", SUBSCRIPTIONS),
            may("age_gated_date_of_birth", Date),
        ]),
    ),
]);

const UNSUBSCRIBER: Shape = Object(&[
    must("type", PROFILE),
    must(
        "attributes",
        Object(&[may("email", Text), may("phone_number", Text), must("subscriptions", UNSUBSCRIPTIONS)]),
    ),
]);

/// Consent that is given.
pub(crate) static SUBSCRIPTION: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-subscription-bulk-create-job"])),
        must(
            "attributes",
            Object(&[
                may("custom_source", Text),
                must("profiles", Object(&[must("data", List(&SUBSCRIBER))])),
                may("historical_import", Flag),
            ]),
        ),
        can("relationships", ONE_LIST),
    ]),
)]);

/// Consent that is taken back.
pub(crate) static UNSUBSCRIPTION: Shape = Object(&[must(
    "data",
    Object(&[
        must("type", Word(&["profile-subscription-bulk-delete-job"])),
        must("attributes", Object(&[must("profiles", Object(&[must("data", List(&UNSUBSCRIBER))]))])),
        can("relationships", ONE_LIST),
    ]),
)]);

impl Shape {
    /// Refuses a body that does not fit this schema.
    pub(crate) fn check(&self, body: &Value, revision: Revision) -> Result<()> {
        self.check_at(body, "", revision)
    }

    // Unproven: the text, and which of several errors is named.
    fn check_at(&self, value: &Value, pointer: &str, revision: Revision) -> Result<()> {
        let fits = match self {
            Self::Text => value.is_string(),
            Self::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::Date => value.as_str().is_some_and(is_date),
            Self::DateTime => value.as_str().and_then(clock::parse).is_some(),
            Self::TextOrNumber => value.is_string() || value.is_number(),
            Self::TextOrTexts => {
                value.is_string() || value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string))
            }
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Free => value.is_object(),
            Self::Object(known) => match value.as_object() {
                Some(members) => return check_members(known, members, pointer, revision),
                None => false,
            },
            Self::List(shape) => match value.as_array() {
                Some(items) => {
                    let mut items = items.iter().enumerate();
                    return items
                        .try_for_each(|(n, item)| shape.check_at(item, &format!("{pointer}/{n}"), revision));
                }
                None => false,
            },
        };
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let refusal = || Refusal::invalid(&format!("Invalid value for '{name}'"), pointer);
        if fits { Ok(()) } else { Err(refusal().into()) }
    }
}

fn check_members(
    known: &[Member],
    members: &Map<String, Value>,
    pointer: &str,
    revision: Revision,
) -> Result<()> {
    let known = || known.iter().filter(|member| member.is_in(revision));
    for (name, value) in members {
        let Some(member) = known().find(|member| member.name == name) else {
            let detail = format!("'{name}' is not a valid field for this operation.");
            return Err(Refusal::invalid(&detail, pointer).into());
        };
        if !(member.nullable && value.is_null()) {
            member.shape.check_at(value, &format!("{pointer}/{name}"), revision)?;
        }
    }
    match known().find(|member| member.required && !members.contains_key(member.name)) {
        Some(missing) => {
            let detail = format!("'{}' is a required property", missing.name);
            Err(Refusal::invalid(&detail, pointer).into())
        }
        None => Ok(()),
    }
}

/// Whether it is a date such as `1990-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10 && OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use serde_json::json;

    /// The pointer of the refusal, if the body is refused.
    fn refused(shape: &Shape, body: Value, revision: Revision) -> Option<String> {
        match shape.check(&body, revision) {
            Ok(()) => None,
            Err(Answer::Refused(refusal)) => Some(refusal.source["pointer"].as_str().unwrap().to_owned()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn members_come_and_go_with_revisions() {
        const SHAPE: Shape = Object(&[
            must("new", Text).since(Revision::JULY_2025),
            may("old", Text).before(Revision::JULY_2025),
        ]);
        let (new, old) = (json!({ "new": "a" }), json!({ "old": null }));
        for (body, revision, pointer) in [
            (&new, Revision::JANUARY_2025, Some("")),
            (&new, Revision::JULY_2025, None),
            (&old, Revision::JANUARY_2025, None),
            (&old, Revision::JULY_2025, Some("")),
            (&json!({}), Revision::JANUARY_2025, None),
            (&json!({}), Revision::JULY_2025, Some("")),
        ] {
            assert_eq!(refused(&SHAPE, body.clone(), revision).as_deref(), pointer, "{body} {revision}");
        }
    }

    #[test]
    fn a_refusal_points_at_the_value() {
        const SHAPE: Shape = Object(&[
            can("words", List(&Word(&["a", "b"]))),
            can("date", Date),
            can("time", DateTime),
            can("either", TextOrNumber),
            can("both", TextOrTexts),
            can("flag", Flag),
            can("free", Free),
        ]);
        for (body, pointer) in [
            (json!({ "words": ["a", "b"], "date": "1950-02-28", "time": "2026-01-15T12:00:00Z" }), None),
            (json!({ "either": 1.5, "both": ["a"], "flag": true, "free": { "a": [] } }), None),
            (json!({ "either": "1.5", "both": "a" }), None),
            (json!([]), Some("")),
            (json!({ "words": "a" }), Some("/words")),
            (json!({ "words": ["a", "c"] }), Some("/words/1")),
            (json!({ "time": "2026-01-15" }), Some("/time")),
            (json!({ "either": null }), Some("/either")),
            (json!({ "both": [1] }), Some("/both")),
            (json!({ "flag": "true" }), Some("/flag")),
            (json!({ "free": [] }), Some("/free")),
        ] {
            let refused = refused(&SHAPE, body.clone(), Revision::JANUARY_2025);
            assert_eq!(refused.as_deref(), pointer, "{body}");
        }
    }

    #[test]
    fn a_date_is_in_the_calendar() {
        for date in ["1950-01-31", "2024-02-29", "2000-02-29", "2026-12-31"] {
            assert!(is_date(date), "{date}");
        }
        for other in [
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-1-01",
            "2026-01-00",
            "",
            "2026-01-01-",
        ] {
            assert!(!is_date(other), "{other}");
        }
    }
}
