//! The interface `contacts`.

use crate::Connector;
use crate::contract::contacts::{Creation, Guest, Identifier, NewProfile, Profile, Receipt, Upserted};
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

    fn opt_in(contact: NewProfile, list: String) -> Answer<Receipt> {
        answer(contacts::opt_in(&mut Import("contacts.opt-in"), &contact.convert(), &list))
    }
}

variant!(klaviyo::Creation => Creation { Created(profile), Existing(id) });
record!(klaviyo::Upserted => Upserted { profile, created });
record!(klaviyo::Receipt => Receipt { profile_id, profile_name, list_id, created, warnings });
