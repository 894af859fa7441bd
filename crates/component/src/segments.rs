//! The interface `segments`.

use crate::Connector;
use crate::contract::segments::{Guest, MemberPage, Segment};
use crate::convert::record;
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::segments;

impl Guest for Connector {
    fn all() -> Answer<Vec<Segment>> {
        answer(segments::all(&mut Import("segments.all")))
    }

    fn members(segment: String, cursor: Option<String>) -> Answer<MemberPage> {
        answer(segments::members(&mut Import("segments.members"), &segment, cursor.as_deref()))
    }

    fn of_profile(profile: String) -> Answer<Vec<Segment>> {
        answer(segments::of_profile(&mut Import("segments.of-profile"), &profile))
    }
}

record!(klaviyo::Segment => Segment { id, name, created, updated, active, processing });
