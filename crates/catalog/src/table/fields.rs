//! The texts, by name: `email` is every text of this name that has no line of its own, and `types.profile.id` is one field.

use super::{Choices, Field, Form};

/// Nothing about a person, and of no certain form.
const PLAIN: Field =
    Field { title: None, personal: false, required: false, form: Form::Any, example: None, choices: None };
const PERSONAL: Field = Field { personal: true, ..PLAIN };
const TIME: Field = Field { form: Form::Format("date-time"), example: Some("2026-03-01T12:00:00Z"), ..PLAIN };
const PROFILE_ID: Field = Field { example: Some("01GMTZY2TEKN4KFRP30JZ59KGB"), ..PERSONAL };
const LIST_ID: Field = Field { example: Some("Y6nRLr"), choices: Some(by_name("lists.all", "id")), ..PLAIN };
const SEGMENT_ID: Field =
    Field { example: Some("XyZ123"), choices: Some(by_name("segments.all", "id")), ..PLAIN };
const JOB: Field = Field {
    choices: Some(Choices { action: "bulk.jobs", value: "id", label: "created", open: true }),
    ..PLAIN
};
const OBJECT: Field = Field { form: Form::Object, ..PERSONAL };

const fn by_name(action: &'static str, value: &'static str) -> Choices {
    Choices { action, value, label: "name", open: false }
}

/// A choice that leaves room for other values.
const fn or_other(choices: Choices) -> Choices {
    Choices { open: true, ..choices }
}

const fn example(example: &'static str, field: Field) -> Field {
    Field { example: Some(example), ..field }
}

const fn format(format: &'static str, field: Field) -> Field {
    Field { form: Form::Format(format), ..field }
}

const fn title(title: &'static str, field: Field) -> Field {
    Field { title: Some(title), ..field }
}

pub(super) static FIELDS: &[(&str, Field)] = &[
    // Who somebody is.
    ("email", format("email", example("priya@example.com", PERSONAL))),
    ("emails", format("email", example("priya@example.com", PERSONAL))),
    ("phone-number", example("+919820000001", PERSONAL)),
    ("external-id", example("customer-1001", PERSONAL)),
    ("profile-id", PROFILE_ID),
    ("profile", PROFILE_ID),
    ("profiles", PROFILE_ID),
    ("types.profile.id", PROFILE_ID),
    ("types.identifier.id", title("Profile ID", PROFILE_ID)),
    ("consent.subscription.id", title("Profile ID", PROFILE_ID)),
    ("contacts.update.id", title("Profile ID", PROFILE_ID)),
    ("contacts.creation.existing", PROFILE_ID),
    ("contacts.merge.into", title("Profile to keep", PROFILE_ID)),
    ("contacts.merge.from", title("Profile to delete", example("01GMTZY2TEKN4KFRP30JZ59K02", PERSONAL))),
    ("types.error.duplicate", PROFILE_ID),
    ("by", title("Person", PLAIN)),
    ("events.new-event.profile", title("Person", PLAIN)),
    ("first-name", example("Priya", PERSONAL)),
    ("last-name", example("Sharma", PERSONAL)),
    ("profile-name", PERSONAL),
    ("organization", PERSONAL),
    ("title", title("Job title", PERSONAL)),
    ("locale", example("en-IN", PERSONAL)),
    ("image", format("uri", PERSONAL)),
    ("date-of-birth", format("date", example("1990-12-31", PERSONAL))),
    ("address1", PERSONAL),
    ("address2", PERSONAL),
    ("city", example("Mumbai", PERSONAL)),
    ("region", PERSONAL),
    ("country", example("India", PERSONAL)),
    ("zip", PERSONAL),
    ("latitude", example("19.0760", PERSONAL)),
    ("longitude", example("72.8777", PERSONAL)),
    ("timezone", example("Asia/Kolkata", PERSONAL)),
    ("ip", PERSONAL),
    // What somebody did, has or wants.
    ("properties", example(r#"{"Plan":"pro"}"#, OBJECT)),
    ("payload", OBJECT),
    ("contacts.change.clear", example("phone-number", PLAIN)),
    ("contacts.change.append", example(r#"{"tags":"vip"}"#, OBJECT)),
    ("contacts.change.unappend", example(r#"{"tags":"vip"}"#, OBJECT)),
    ("contacts.change.unset", example("Plan", PLAIN)),
    ("contacts.permission.channels", Field { required: true, ..PLAIN }),
    ("custom-source", example("WhatsApp bot", PLAIN)),
    ("state", PLAIN),
    ("consent.channel-consent.method", PLAIN),
    ("reason", PLAIN),
    (
        "events.new-event.metric",
        Field {
            choices: Some(or_other(by_name("events.metrics", "name"))),
            ..example("Placed Order", PLAIN)
        },
    ),
    ("metric", PLAIN),
    ("metric-id", PLAIN),
    ("unique-id", example("order-1001", PERSONAL)),
    ("events.new-event.value", example("29.99", PERSONAL)),
    ("types.event.value", PERSONAL),
    ("value-currency", example("INR", PLAIN)),
    ("types.event.id", PERSONAL),
    ("uuid", PERSONAL),
    // When.
    ("time", TIME),
    ("since", TIME),
    ("until", TIME),
    ("now", TIME),
    ("consented-at", TIME),
    // Klaviyo's own times, as it wrote them: their form is Klaviyo's matter.
    ("created", PLAIN),
    ("updated", PLAIN),
    ("started", PLAIN),
    ("finished", PLAIN),
    ("expires", PLAIN),
    ("joined", PLAIN),
    ("last-event-date", PERSONAL),
    // Lists, segments, metrics, imports.
    ("list", LIST_ID),
    ("lists", LIST_ID),
    ("list-id", PLAIN),
    ("missing-lists", PLAIN),
    ("segment", SEGMENT_ID),
    ("consent.suppression.list", PLAIN),
    ("contacts.removal.list", PLAIN),
    (
        "lists.find.name",
        Field {
            choices: Some(or_other(by_name("lists.all", "id"))),
            ..title("ID or name", example("WhatsApp Opt-Ins", PLAIN))
        },
    ),
    ("lists.create.name", example("WhatsApp Opt-Ins", PLAIN)),
    ("name", PLAIN),
    ("opt-in", PLAIN),
    ("id", PLAIN),
    ("integration", PLAIN),
    ("bulk.submitted.job", PLAIN),
    ("job", title("Import", JOB)),
    ("newer-than", JOB),
    ("bulk.job-status.other", PLAIN),
    // Pages and cursors.
    ("changes.profiles.from", title("Begin at", PLAIN)),
    ("changes.members.from", title("Begin at", PLAIN)),
    ("changes.events.from", title("Begin at", PLAIN)),
    ("of", title("List or segment", PLAIN)),
    ("cursor", PLAIN),
    ("types.member-page.next", PLAIN),
    // The account.
    ("account.details.organization", PLAIN),
    ("account.details.locale", PLAIN),
    ("account.details.timezone", PLAIN),
    ("sender-name", PERSONAL),
    ("sender-email", PERSONAL),
    ("website", PLAIN),
    ("industry", PLAIN),
    ("currency", PLAIN),
    ("types.channel.other", example("rcs", PLAIN)),
    // Any request.
    ("path", example("/api/campaigns", PERSONAL)),
    ("api.parameter.name", example("page[size]", PLAIN)),
    ("api.parameter.value", PERSONAL),
    ("api.request.body", Field { form: Form::Json, ..PERSONAL }),
    ("api.response.body", Field { form: Form::Json, ..PERSONAL }),
    ("revision", example("2025-01-15", PLAIN)),
    // Errors and remarks. They may quote what they are about.
    ("message", PERSONAL),
    ("types.error.body", PERSONAL),
    ("warnings", PERSONAL),
    ("detail", PERSONAL),
    ("types.detail.title", PLAIN),
    ("code", PLAIN),
    ("pointer", PLAIN),
    ("request-id", PLAIN),
];
