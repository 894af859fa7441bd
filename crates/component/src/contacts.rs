//! The interface `contacts`.

use crate::abi::{function, record, variant};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::{
    Change, Channel, Creation, Departure, Departures, Enrollment, Enrollments, Identifier, NewProfile,
    Permission, Permitted, Receipt, Removal, Revocation, Taken, Upserted, contacts,
};

function!("contacts", "lookup", (a, b, c), |http, by: Identifier| contacts::lookup(http, &by));
function!("contacts", "lookup-many", (a, b), |http, identifiers: Vec<Identifier>| {
    contacts::lookup_many(http, &identifiers)
});
function!("contacts", "create", *, |http, profile: NewProfile| contacts::create(http, &profile));
function!("contacts", "subscribe", (a, b, c, d), |http, list: String, profiles: Vec<String>| {
    contacts::subscribe(http, &list, &profiles)
});
function!("contacts", "upsert", *, |http, profile: NewProfile| contacts::upsert(http, &profile));
function!("contacts", "update", (a, b, c, d), |http, id: String, changes: Vec<Change>| {
    contacts::update(http, &id, &changes)
});
function!("contacts", "merge", (a, b, c, d), |http, into: String, from: String| contacts::merge(
    http, &into, &from
));
function!("contacts", "opt-in", *, |http, contact: NewProfile, list: String, consent: Option<Permission>| {
    contacts::opt_in(http, &contact, &list, consent.as_ref())
});
function!(
    "contacts",
    "opt-in-many",
    (a, b, c, d, e, f, g, h, i, j),
    |http, contacts: Vec<NewProfile>, list: String, consent: Option<Permission>| {
        contacts::opt_in_many(http, &contacts, &list, consent.as_ref())
    }
);
function!(
    "contacts",
    "opt-out",
    (a, b, c, d, e, f),
    |http, people: Vec<Identifier>, channels: Vec<Channel>, lists: Vec<String>| {
        contacts::opt_out(http, &people, &channels, &lists)
    }
);

variant!(Lower, creation: Creation { Created(profile), Existing(id) });
record!(Lower, upserted: Upserted { profile, created });
record!(Lift, permission: Permission { channels, custom_source });
record!(Lower, permitted: Permitted { channel, refused, state, can_receive });
record!(Lower, receipt: Receipt { profile_id, profile_name, list_id, created, warnings, consent });
variant!(Lower, enrollment: Enrollment { Enrolled(receipt), Refused(reason), Pending });
record!(Lower, enrollments: Enrollments { outcomes, stopped });
record!(Lower, revocation: Revocation { channel, was_subscribed, refused });
record!(Lower, removal: Removal { list, refused });
record!(Lower, taken: Taken { profile_id, consent, lists });
variant!(Lower, departure: Departure { Departed(taken), Refused(reason), Pending(taken) });
record!(Lower, departures: Departures { outcomes, missing_lists, warnings, stopped });
variant!(Lift, change: Change {
    Set(profile), Clear(field), Append(properties), Unappend(properties), Unset(name),
});
