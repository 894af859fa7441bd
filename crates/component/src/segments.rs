//! The interface `segments`.

use crate::abi::{function, record};
use alloc::string::String;
use klaviyo_core::{Segment, segments};

function!("segments", "all", (), |http| segments::all(http));
function!("segments", "members", (a, b, c, d, e), |http, segment: String, cursor: Option<String>| {
    segments::members(http, &segment, cursor.as_deref())
});
function!("segments", "of-profile", (a, b), |http, profile: String| segments::of_profile(http, &profile));

record!(Lower, segment: Segment { id, name, created, updated, active, processing });
