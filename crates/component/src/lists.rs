//! The interface `lists`.

use crate::Connector;
use crate::contract::lists::{Audience, Guest};
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
}

record!(klaviyo::Audience => Audience { id, name, created, updated, opt_in });
