//! The requests to Klaviyo, as the host tells of them.

use super::labels::{CAUSE, ENDPOINT, Labels, REVISION};
use super::write_gauges;
use klaviyo_host::{AttemptObserver, AttemptResult, ObservedAttempt, Retirement};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long what an answer tells of a quota counts as new, and then as old.
const WINDOW: Duration = Duration::from_secs(60);
/// The most revisions whose retirement is told. Klaviyo has about eight at a time.
const REVISIONS: usize = 16;
const DAY: u64 = 24 * 60 * 60;

/// Counts the requests of all accounts to Klaviyo, by endpoint.
pub struct ApiMetrics {
    requests: Family<Requested, Counter>,
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    paced: Family<Labels<1>, Counter<f64, AtomicU64>>,
    repeats: Family<Labels<2>, Counter>,
    told: Arc<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requested {
    endpoint: &'static str,
    status: Status,
}

/// The status of an answer, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    Code(u16),
    None(&'static str),
}

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(encoder, "{code}"),
            Self::None(why) => encoder.write_str(why),
        }
    }
}

/// What answers tell besides.
#[derive(Debug, Default)]
struct Told {
    quotas: Mutex<BTreeMap<&'static str, Quota>>,
    /// By revision.
    retirements: Mutex<BTreeMap<String, SystemTime>>,
}

/// The least that was left of an endpoint's rates, of all accounts.
#[derive(Clone, Copy, Debug)]
struct Quota {
    begun: Instant,
    /// Since then.
    least: u64,
    /// In the window before.
    before: Option<u64>,
}

impl Quota {
    fn told(known: Option<Self>, left: u64, now: Instant) -> Self {
        let new = Self { begun: now, least: left, before: None };
        match known {
            Some(known) if now.duration_since(known.begun) < WINDOW => {
                Self { least: known.least.min(left), ..known }
            }
            Some(known) if now.duration_since(known.begun) < 2 * WINDOW => {
                Self { before: Some(known.least), ..new }
            }
            _ => new,
        }
    }

    /// The least of the last minute or two; none if nothing was told.
    fn least(self, now: Instant) -> Option<u64> {
        let age = now.duration_since(self.begun);
        let before = self.before.filter(|_| age < WINDOW);
        (age < 2 * WINDOW).then(|| before.map_or(self.least, |before| before.min(self.least)))
    }
}

impl ApiMetrics {
    /// Registers the metrics. The result is for [`ConnectorBuilder::observer`](klaviyo_host::ConnectorBuilder::observer).
    #[must_use]
    pub fn new(registry: &mut Registry) -> Arc<Self> {
        // From five milliseconds to a minute and a half.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.005, 2.0, 15));
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            paced: Family::default(),
            repeats: Family::default(),
            told: Arc::default(),
        };
        let Self { requests, seconds, paced, repeats, told } = &metrics;
        let help =
            "Requests to Klaviyo, every attempt counted, by endpoint and status, or why there is no answer";
        registry.register("klaviyo_api_requests", help, requests.clone());
        let help = "How long Klaviyo took to answer, by endpoint";
        registry.register_with_unit("klaviyo_api_request", help, Unit::Seconds, seconds.clone());
        let help = "How long requests waited for their turn at the rates of their accounts, by endpoint";
        registry.register_with_unit("klaviyo_api_paced", help, Unit::Seconds, paced.clone());
        let help = "How often requests were sent again, by endpoint and cause";
        registry.register("klaviyo_api_repeats", help, repeats.clone());
        registry.register_collector(Box::new(Arc::clone(told)));
        Arc::new(metrics)
    }
}

impl AttemptObserver for ApiMetrics {
    fn attempted(&self, attempt: &ObservedAttempt<'_>) {
        let endpoint = attempt.endpoint;
        let status = match attempt.result {
            AttemptResult::Answered(status) => Status::Code(status.as_u16()),
            AttemptResult::Failed(failure) => Status::None(failure.into()),
        };
        self.requests.get_or_create(&Requested { endpoint, status }).inc();
        if !attempt.took.is_zero() {
            self.seconds.get_or_create(&[(ENDPOINT, endpoint)]).observe(attempt.took.as_secs_f64());
        }
        self.paced.get_or_create(&[(ENDPOINT, endpoint)]).inc_by(attempt.paced.as_secs_f64());
        if let Some(repeat) = attempt.repeat {
            self.repeats.get_or_create(&[(ENDPOINT, endpoint), (CAUSE, repeat.cause.into())]).inc();
        }
        if let Some(left) = attempt.remaining {
            let mut quotas = self.told.quotas.lock();
            let known = quotas.get(endpoint).copied();
            quotas.insert(endpoint, Quota::told(known, left, Instant::now()));
        }
        if let Some(Retirement { revision, date }) = attempt.retirement {
            let mut retirements = self.told.retirements.lock();
            if retirements.len() < REVISIONS || retirements.contains_key(revision) {
                retirements.insert(revision.to_owned(), date);
            }
        }
    }
}

impl Collector for Told {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Instant::now();
        let quotas: Vec<_> = self
            .quotas
            .lock()
            .iter()
            .filter_map(|(endpoint, quota)| Some(([(ENDPOINT, *endpoint)], super::count(quota.least(now)?))))
            .collect();
        let help = "The fewest requests that Klaviyo said it still takes, of all accounts, in the last minute or two";
        write_gauges(&mut encoder, ("klaviyo_api_quota_left", help, None), quotas)?;
        let now = SystemTime::now();
        let retirements: Vec<_> = self
            .retirements
            .lock()
            .iter()
            .map(|(revision, date)| ([(REVISION, revision.clone())], days(*date, now)))
            .collect();
        let (help, unit) = ("Days until Klaviyo retires the API revision", Unit::Other("days".to_owned()));
        write_gauges(&mut encoder, ("klaviyo_api_revision_retirement", help, Some(&unit)), retirements)
    }
}

/// Whole days until a date; negative after it.
fn days(date: SystemTime, now: SystemTime) -> i64 {
    match date.duration_since(now) {
        Ok(left) => super::count(left.as_secs() / DAY),
        Err(past) => -1 - super::count(past.duration().as_secs() / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_quota_is_the_least_of_the_last_minute_or_two() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let quota = Quota::told(None, 50, at(0));
        let quota = Quota::told(Some(quota), 3, at(10));
        let quota = Quota::told(Some(quota), 20, at(59));
        assert_eq!([10, 100, 120].map(|now| quota.least(at(now))), [Some(3), Some(3), None]);
        let next = Quota::told(Some(quota), 40, at(70));
        assert_eq!([70, 129, 130, 190].map(|now| next.least(at(now))), [Some(3), Some(3), Some(40), None]);
        assert_eq!(Quota::told(Some(quota), 40, at(121)).least(at(121)), Some(40));
    }

    #[test]
    fn days_are_whole_and_negative_when_it_is_over() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100 * DAY);
        let date = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(days(date(102 * DAY), now), 2);
        assert_eq!(days(date(102 * DAY - 1), now), 1);
        assert_eq!(days(date(100 * DAY), now), 0);
        assert_eq!(days(date(100 * DAY - 1), now), -1);
        assert_eq!(days(date(98 * DAY), now), -3);
    }
}
