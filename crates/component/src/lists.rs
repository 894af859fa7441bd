//! The interface `lists`.

use crate::Connector;
use crate::contract::lists::{Audience, Guest, MemberPage};
use crate::convert::record;
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::lists;

impl Guest for Connector {
    fn all() -> Answer<Vec<Audience>> {
        answer(lists::all(&mut Import("lists.all")))
    }

    fn find(name: String) -> Answer<Option<Audience>> {
        answer(lists::find(&mut Import("lists.find"), &name))
    }

    fn create(name: String) -> Answer<Audience> {
        answer(lists::create(&mut Import("lists.create"), &name))
    }

    fn remove(list: String, profiles: Vec<String>) -> Answer<u32> {
        answer(lists::remove(&mut Import("lists.remove"), &list, &profiles))
    }

    fn members(list: String, cursor: Option<String>) -> Answer<MemberPage> {
        answer(lists::members(&mut Import("lists.members"), &list, cursor.as_deref()))
    }

    fn of_profile(profile: String) -> Answer<Vec<Audience>> {
        answer(lists::of_profile(&mut Import("lists.of-profile"), &profile))
    }
}

record!(klaviyo::Audience => Audience { id, name, created, updated, opt_in });
