//! The metrics of a door.

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

/// A label's name and value.
type Label = (&'static str, &'static str);

#[derive(Clone)]
pub(super) struct DoorMetrics {
    requests: Family<RequestLabels, Counter>,
    opt_ins: Family<[Label; 1], Counter>,
    opt_outs: Family<[Label; 1], Counter>,
    resumes: Family<[Label; 1], Counter>,
    events: Family<[Label; 1], Counter>,
    replies: Family<[Label; 1], Counter>,
    ignored: Family<[Label; 1], Counter>,
    seconds: Histogram,
}

impl DoorMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        // From a millisecond to a minute.
        let metrics = Self {
            requests: Family::default(),
            opt_ins: Family::default(),
            opt_outs: Family::default(),
            resumes: Family::default(),
            events: Family::default(),
            replies: Family::default(),
            ignored: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 17)),
        };
        let Self { requests, opt_ins, opt_outs, resumes, events, replies, ignored, seconds } = &metrics;
        registry.register("klaviyo_door_requests", "Requests, by route and status", requests.clone());
        registry.register("klaviyo_door_opt_ins", "Opt-ins, by what became of them", opt_ins.clone());
        registry.register("klaviyo_door_opt_outs", "Opt-outs, by what became of them", opt_outs.clone());
        registry.register("klaviyo_door_resumes", "Resumes, by what became of them", resumes.clone());
        registry.register("klaviyo_door_events", "Delivery events, by what became of them", events.clone());
        let help = "Replies by WhatsApp of a door without a queue, by what became of them";
        registry.register("klaviyo_door_replies", help, replies.clone());
        let help = "What WhatsApp's notifications have that nothing comes of, by reason";
        registry.register("klaviyo_door_ignored", help, ignored.clone());
        registry.register("klaviyo_door_seconds", "How long requests took", seconds.clone());
        metrics
    }

    pub(super) fn request(&self, route: &'static str, status: StatusCode, took: Duration) {
        self.requests.get_or_create(&RequestLabels { route, status: status.as_u16() }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn opt_ins(&self, result: &'static str, count: usize) {
        self.opt_ins.get_or_create(&[("result", result)]).inc_by(count as u64);
    }

    pub(super) fn opt_outs(&self, result: &'static str, count: usize) {
        self.opt_outs.get_or_create(&[("result", result)]).inc_by(count as u64);
    }

    pub(super) fn resumes(&self, result: &'static str, count: usize) {
        self.resumes.get_or_create(&[("result", result)]).inc_by(count as u64);
    }

    pub(super) fn events(&self, result: &'static str, count: usize) {
        self.events.get_or_create(&[("result", result)]).inc_by(count as u64);
    }

    pub(super) fn replies(&self, result: &'static str) {
        self.replies.get_or_create(&[("result", result)]).inc();
    }

    pub(super) fn ignored(&self, reason: &'static str, count: usize) {
        self.ignored.get_or_create(&[("reason", reason)]).inc_by(count as u64);
    }
}
