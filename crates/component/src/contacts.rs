//! The interface `contacts`.

use crate::Connector;
use crate::contract::contacts::{
    Change, Channel, Creation, Departure, Departures, Enrollment, Enrollments, Guest, Identifier, NewProfile,
    Permission, Permitted, Profile, Receipt, Removal, Revocation, Taken, Upserted,
};
use crate::convert::{Convert, each, record, variant};
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::contacts;

impl Guest for Connector {
    fn lookup(by: Identifier) -> Answer<Option<Profile>> {
        answer(contacts::lookup(&mut Import("contacts.lookup"), &by.convert()))
    }

    fn lookup_many(identifiers: Vec<Identifier>) -> Answer<Vec<Option<Profile>>> {
        answer(contacts::lookup_many(&mut Import("contacts.lookup-many"), &each(identifiers)))
    }

    fn create(profile: NewProfile) -> Answer<Creation> {
        answer(contacts::create(&mut Import("contacts.create"), &profile.convert()))
    }

    fn subscribe(list: String, profiles: Vec<String>) -> Answer<u32> {
        answer(contacts::subscribe(&mut Import("contacts.subscribe"), &list, &profiles))
    }

    fn upsert(profile: NewProfile) -> Answer<Upserted> {
        answer(contacts::upsert(&mut Import("contacts.upsert"), &profile.convert()))
    }

    fn update(id: String, changes: Vec<Change>) -> Answer<Profile> {
        answer(contacts::update(&mut Import("contacts.update"), &id, &each(changes)))
    }

    fn merge(into: String, from: String) -> Answer<()> {
        answer(contacts::merge(&mut Import("contacts.merge"), &into, &from))
    }

    fn opt_in(contact: NewProfile, list: String, consent: Option<Permission>) -> Answer<Receipt> {
        let consent: Option<klaviyo::Permission> = consent.convert();
        answer(contacts::opt_in(&mut Import("contacts.opt-in"), &contact.convert(), &list, consent.as_ref()))
    }

    fn opt_in_many(
        contacts: Vec<NewProfile>,
        list: String,
        consent: Option<Permission>,
    ) -> Answer<Enrollments> {
        let consent: Option<klaviyo::Permission> = consent.convert();
        answer(contacts::opt_in_many(
            &mut Import("contacts.opt-in-many"),
            &each(contacts),
            &list,
            consent.as_ref(),
        ))
    }

    fn opt_out(people: Vec<Identifier>, channels: Vec<Channel>, lists: Vec<String>) -> Answer<Departures> {
        answer(contacts::opt_out(&mut Import("contacts.opt-out"), &each(people), &each(channels), &lists))
    }
}

variant!(klaviyo::Creation => Creation { Created(profile), Existing(id) });
record!(klaviyo::Upserted => Upserted { profile, created });
record!(Permission => klaviyo::Permission { channels, custom_source });
record!(klaviyo::Permitted => Permitted { channel, refused, state, can_receive });
record!(klaviyo::Receipt => Receipt { profile_id, profile_name, list_id, created, warnings, consent });
variant!(klaviyo::Enrollment => Enrollment { Enrolled(receipt), Refused(reason), Pending });
record!(klaviyo::Enrollments => Enrollments { outcomes, stopped });
record!(klaviyo::Revocation => Revocation { channel, was_subscribed, refused });
record!(klaviyo::Removal => Removal { list, refused });
record!(klaviyo::Taken => Taken { profile_id, consent, lists });
variant!(klaviyo::Departure => Departure { Departed(taken), Refused(reason), Pending(taken) });
record!(klaviyo::Departures => Departures { outcomes, missing_lists, warnings, stopped });
variant!(Change => klaviyo::Change {
    Set(profile), Clear(field), Append(properties), Unappend(properties), Unset(name),
});
