//! What a worker counts.

use super::plan::Plan;
use super::status::Status;
use crate::metrics::labels::{CODE, LANE, Labels, PLAN, STATE};
use crate::moment::Moment;
use crate::outcome::Reason;
use crate::queue::{Delivery, Lane};
use klaviyo_host::types::Code;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The bounds of the histogram, in seconds: from what one person waits for to what a queue takes that was full.
const BOUNDS: [f64; 15] =
    [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// What a worker has done so far.
pub(super) struct Counters {
    messages: Family<Labels<2>, Counter>,
    seconds: Family<Labels<2>, Histogram, fn() -> Histogram>,
    dead: Family<[(&'static str, String); 2], Counter>,
    redeliveries: Family<Labels<1>, Counter>,
    groups: Family<Labels<1>, Counter>,
    /// Consumers that were made anew.
    pub(super) recreated: Counter,
    pub(super) queue_failures: Counter,
    pub(super) leases_lost: Counter,
}

impl Counters {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BOUNDS);
        let counters = Self {
            messages: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            dead: Family::default(),
            redeliveries: Family::default(),
            groups: Family::default(),
            recreated: Counter::default(),
            queue_failures: Counter::default(),
            leases_lost: Counter::default(),
        };
        let Self { messages, seconds, dead, redeliveries, groups, recreated, queue_failures, leases_lost } =
            &counters;
        let help = "Messages that have left the queue, by lane and what became of them";
        registry.register("klaviyo_worker_messages", help, messages.clone());
        let help =
            "From the moment when a message was accepted to its outcome, by lane and what became of it";
        registry.register_with_unit(
            "klaviyo_worker_accepted_to_outcome",
            help,
            Unit::Seconds,
            seconds.clone(),
        );
        let help = "Dead letters, by lane and the code of their error";
        registry.register("klaviyo_worker_dead_letters", help, dead.clone());
        // From 0 on: where a series begins with a burst, Prometheus sees no increase, and nobody is told of the burst.
        for (lane, code) in [Lane::OptOuts, Lane::OptIns, Lane::Events]
            .into_iter()
            .flat_map(|lane| Code::ALL.map(|code| (lane, code)))
        {
            dead.get_or_create(&[(LANE, lane.to_string()), (CODE, code.as_str().to_owned())]).inc_by(0);
        }
        let help = "Messages that the queue delivered again, by lane";
        registry.register("klaviyo_worker_redeliveries", help, redeliveries.clone());
        registry.register("klaviyo_worker_groups", "Groups of opt-ins to one list, by plan", groups.clone());
        let help = "Consumers that gave out nothing, made anew";
        registry.register("klaviyo_queue_recreated", help, recreated.clone());
        registry.register(
            "klaviyo_worker_queue_failures",
            "How often the queue failed",
            queue_failures.clone(),
        );
        let help = "Leases of accounts that ended before they were given up";
        registry.register("klaviyo_worker_leases_lost", help, leases_lost.clone());
        counters
    }
}

impl Status {
    /// A message has left the queue: accepted then, and now this.
    pub(super) fn ended(&self, lane: Lane, state: &'static str, accepted: Option<Moment>) {
        let labels = [(LANE, lane.into()), (STATE, state)];
        self.counters.messages.get_or_create(&labels).inc();
        if let Some(accepted) = accepted {
            let ms = Moment::now().unix_ms().saturating_sub(accepted.unix_ms()).max(0);
            self.counters.seconds.get_or_create(&labels).observe(ms as f64 / 1_000.0);
        }
    }

    /// A dead letter was written for this reason.
    pub(super) fn died(&self, lane: Lane, reason: &Reason) {
        let lane: &'static str = lane.into();
        let labels = [(LANE, lane.to_owned()), (CODE, reason.code.to_string())];
        self.counters.dead.get_or_create(&labels).inc();
    }

    /// These were delivered.
    pub(super) fn delivered(&self, lane: Lane, deliveries: &[Delivery]) {
        let again = deliveries.iter().filter(|delivery| delivery.deliveries() > 1).count();
        self.counters.redeliveries.get_or_create(&[(LANE, lane.into())]).inc_by(again as u64);
    }

    pub(super) fn planned(&self, plan: Plan) {
        self.counters.groups.get_or_create(&[(PLAN, plan.into_str())]).inc();
    }
}
