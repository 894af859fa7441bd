//! The interface `lists`.

use crate::abi::{function, record};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::{Audience, lists};

function!("lists", "all", (), |http| lists::all(http));
function!("lists", "find", (a, b), |http, name: String| lists::find(http, &name));
function!("lists", "create", (a, b), |http, name: String| lists::create(http, &name));
function!("lists", "remove", (a, b, c, d), |http, list: String, profiles: Vec<String>| {
    lists::remove(http, &list, &profiles)
});
function!("lists", "members", (a, b, c, d, e), |http, list: String, cursor: Option<String>| {
    lists::members(http, &list, cursor.as_deref())
});
function!("lists", "of-profile", (a, b), |http, profile: String| lists::of_profile(http, &profile));

record!(Lower, audience: Audience { id, name, created, updated, opt_in });
