//! The interface `events`.

use crate::Connector;
use crate::contract::events::{BatchResult, Guest, Identifier, Metric, NewEvent, Period, Timeline};
use crate::convert::{Convert, each, record};
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::events;

impl Guest for Connector {
    fn track(event: NewEvent) -> Answer<()> {
        answer(events::track(&mut Import("events.track"), &event.convert()))
    }

    fn track_many(events: Vec<NewEvent>) -> Answer<BatchResult> {
        answer(events::track_many(&mut Import("events.track-many"), &each(events)))
    }

    fn history(by: Identifier, period: Period) -> Answer<Option<Timeline>> {
        answer(events::history(&mut Import("events.history"), &by.convert(), &period.convert()))
    }

    fn metrics() -> Answer<Vec<Metric>> {
        answer(events::metrics(&mut Import("events.metrics")))
    }
}

record!(NewEvent => klaviyo::NewEvent {
    metric, profile, unique_id, time, value, value_currency, properties,
});
record!(Period => klaviyo::Period { since, until, limit });
record!(klaviyo::Timeline => Timeline { profile_id, events, more });
record!(klaviyo::Metric => Metric { id, name, created, updated, integration });
