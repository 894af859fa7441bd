//! The metrics of a door.

use crate::metrics::labels::{Labels, REASON, STATE};
use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

/// Counters by one label.
type Counts = Family<Labels<1>, Counter>;

#[derive(Clone)]
pub(super) struct DoorMetrics {
    requests: Family<RequestLabels, Counter>,
    refused: Counts,
    opt_ins: Counts,
    opt_outs: Counts,
    resumes: Counts,
    events: Counts,
    replies: Counts,
    ignored: Counts,
    in_flight: Gauge,
    seconds: Histogram,
}

/// A request that is under way, until it is dropped.
pub(super) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl DoorMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        // From a millisecond to a minute.
        let metrics = Self {
            requests: Family::default(),
            refused: Family::default(),
            opt_ins: Family::default(),
            opt_outs: Family::default(),
            resumes: Family::default(),
            events: Family::default(),
            replies: Family::default(),
            ignored: Family::default(),
            in_flight: Gauge::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 17)),
        };
        let Self {
            requests,
            refused,
            opt_ins,
            opt_outs,
            resumes,
            events,
            replies,
            ignored,
            in_flight,
            seconds,
        } = &metrics;
        registry.register("klaviyo_door_requests", "Requests, by route and status", requests.clone());
        registry.register("klaviyo_door_refused", "Requests that were refused, by reason", refused.clone());
        registry.register("klaviyo_door_opt_ins", "Opt-ins, by what became of them", opt_ins.clone());
        registry.register("klaviyo_door_opt_outs", "Opt-outs, by what became of them", opt_outs.clone());
        registry.register("klaviyo_door_resumes", "Resumes, by what became of them", resumes.clone());
        registry.register("klaviyo_door_events", "Delivery events, by what became of them", events.clone());
        let help = "Replies by WhatsApp of a door without a queue, by what became of them";
        registry.register("klaviyo_door_replies", help, replies.clone());
        let help = "What WhatsApp's notifications have that nothing comes of, by reason";
        registry.register("klaviyo_door_ignored", help, ignored.clone());
        registry.register("klaviyo_door_in_flight", "Requests that are under way", in_flight.clone());
        let help = "How long requests took";
        registry.register_with_unit("klaviyo_door_request", help, Unit::Seconds, seconds.clone());
        metrics
    }

    /// A request has come.
    pub(super) fn begun(&self) -> UnderWay {
        self.in_flight.inc();
        UnderWay(self.in_flight.clone())
    }

    pub(super) fn request(&self, route: &'static str, status: StatusCode, took: Duration) {
        self.requests.get_or_create(&RequestLabels { route, status: status.as_u16() }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[(REASON, reason)]).inc();
    }

    pub(super) fn opt_ins(&self, state: &'static str, count: usize) {
        self.opt_ins.get_or_create(&[(STATE, state)]).inc_by(count as u64);
    }

    pub(super) fn opt_outs(&self, state: &'static str, count: usize) {
        self.opt_outs.get_or_create(&[(STATE, state)]).inc_by(count as u64);
    }

    pub(super) fn resumes(&self, state: &'static str, count: usize) {
        self.resumes.get_or_create(&[(STATE, state)]).inc_by(count as u64);
    }

    pub(super) fn events(&self, state: &'static str, count: usize) {
        self.events.get_or_create(&[(STATE, state)]).inc_by(count as u64);
    }

    pub(super) fn replies(&self, state: &'static str) {
        self.replies.get_or_create(&[(STATE, state)]).inc();
    }

    pub(super) fn ignored(&self, reason: &'static str, count: usize) {
        self.ignored.get_or_create(&[(REASON, reason)]).inc_by(count as u64);
    }
}
