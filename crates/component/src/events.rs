//! The interface `events`.

use crate::abi::{function, record};
use alloc::vec::Vec;
use klaviyo_core::{Identifier, Metric, NewEvent, Period, Timeline, events};

function!("events", "track", *, |http, event: NewEvent| events::track(http, &event));
function!("events", "track-many", (a, b), |http, events: Vec<NewEvent>| events::track_many(http, &events));
function!("events", "history", (a, b, c, d, e, f, g, h, i, j, k), |http, by: Identifier, period: Period| {
    events::history(http, &by, &period)
});
function!("events", "metrics", (), |http| events::metrics(http));

record!(Lift, new_event: NewEvent {
    metric, profile, unique_id, time, value, value_currency, properties,
});
record!(Lift, period: Period { since, until, limit });
record!(Lower, timeline: Timeline { profile_id, events, more });
record!(Lower, metric: Metric { id, name, created, updated, integration });
