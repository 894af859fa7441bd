//! The functions, in the order of the contract's interfaces.

use super::Action;

const fn action(function: &'static str, title: &'static str, example: &'static str) -> Action {
    Action { function, title, example, irreversible: false, open: false }
}

const fn irreversible(mut action: Action) -> Action {
    action.irreversible = true;
    action
}

const fn open(mut action: Action) -> Action {
    action.open = true;
    action
}

pub(super) static ACTIONS: &[Action] = &[
    action("contacts.create", "Create a profile", "created"),
    action("contacts.subscribe", "Add profiles to a list", "added"),
    action("contacts.upsert", "Create or update a profile", "updated"),
    action("contacts.update", "Update a profile", "set-in-two"),
    irreversible(action("contacts.merge", "Merge two profiles", "merged")),
    action("contacts.opt-in", "Opt a person in", "consent"),
    action("contacts.opt-in-many", "Opt many people in", "consent"),
    action("contacts.opt-out", "Opt people out", "two-lists"),
    action("contacts.lookup-many", "Look many people up", "every-kind"),
    action("contacts.lookup", "Look a person up", "found"),
    action("lists.all", "Get all lists", "two-pages"),
    action("lists.find", "Find a list", "by-id"),
    action("lists.create", "Create a list", "created"),
    action("lists.remove", "Remove profiles from a list", "removed"),
    action("lists.members", "Get the members of a list", "first-page"),
    action("lists.of-profile", "Get the lists of a profile", "some"),
    action("segments.all", "Get all segments", "some"),
    action("segments.members", "Get the members of a segment", "first-page"),
    action("segments.of-profile", "Get the segments of a profile", "some"),
    action("consent.grant", "Give consent", "whatsapp"),
    action("consent.revoke", "Take consent back", "accepted"),
    action("consent.status", "Get a person's consent", "every-channel"),
    action("events.track", "Track an event", "accepted"),
    action("events.track-many", "Track many events", "refused-by-pointer"),
    action("events.history", "Get a person's events", "named-metrics"),
    action("events.metrics", "Get all metrics", "two-pages"),
    action("changes.profiles", "Get changed profiles", "first-page"),
    action("changes.members", "Get new members of a list or segment", "first-page"),
    action("changes.events", "Get new events", "first-page"),
    action("bulk.check", "Check contacts before an import", "fit"),
    action("bulk.submit", "Import contacts", "klaviyo-refuses-one"),
    action("bulk.status", "Get the progress of an import", "complete"),
    action("bulk.failures", "Get the failures of an import", "order"),
    action("bulk.jobs", "Get imports", "newer-than"),
    action("account.get", "Get the account", "all"),
    action("privacy.suppress", "Suppress email addresses", "accepted"),
    action("privacy.unsuppress", "Lift suppressions", "accepted"),
    irreversible(action("privacy.delete", "Delete a person", "by-id")),
    open(action("api.call", "Send another request to Klaviyo", "next-page")),
];
